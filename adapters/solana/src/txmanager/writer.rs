//! The writer: one key on one chain.

use async_trait::async_trait;
use infrastrukt_ports::{Action, ChainWriter, PortError, Store, SubmissionKey, SubmissionState, TickReport};
use infrastrukt_types::{Account, ChainId};
use solana_pubkey::Pubkey;
use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError, Weak},
    time::Duration,
};

use super::{
    planned::Planned,
    records::Records,
    state::{Done, Included, KeyState, Open, Signed},
};
use crate::{address::account, chain::Parts, key::SolanaKey, plan::Site};

/// How long to wait where too many submissions are unfinished: about a slot.
const ROOM_RETRY: Duration = Duration::from_millis(400);

/// When each open submission was last sent, as the newest slot then. Not stored: after a restart nothing counts as sent,
/// so everything is sent again.
pub(super) type Sent = HashMap<u64, u64>;

type Turn = tokio::sync::Mutex<Sent>;

type Turns = HashMap<(ChainId, [u8; 32]), Weak<Turn>>;

/// One lock a wallet and chain in this process: two writers with one key must not give out one number twice.
static TURNS: LazyLock<Mutex<Turns>> = LazyLock::new(Mutex::default);

/// Writes to one Solana chain with one key.
pub struct SolanaWriter {
    pub(super) parts: Arc<Parts>,
    pub(super) records: Records,
    pub(super) key: SolanaKey,
    wallet: Pubkey,
    turn: Arc<Turn>,
}

impl SolanaWriter {
    /// Writes with `key`. Records of earlier runs are taken up from `store`, which must have [`super::TX_COLUMNS`].
    pub(crate) fn new(parts: Arc<Parts>, store: Arc<dyn Store>, key: &SolanaKey) -> Result<Self, PortError> {
        let (chain, wallet) = (parts.config.chain, key.address());
        let records = Records::new(store, chain, &wallet);
        // A store without the columns must show now, not after a broadcast.
        records.counters()?;
        Ok(Self { parts, records, key: key.clone(), wallet, turn: turn_of(chain, wallet.to_bytes()) })
    }

    pub(super) const fn wallet(&self) -> Pubkey {
        self.wallet
    }

    /// Refuses more unfinished submissions than are allowed.
    fn check_room(&self, open: &[Open]) -> Result<(), PortError> {
        let max = self.parts.config.limits.in_flight_max;
        if open.len() < max {
            return Ok(());
        }
        let (wallet, chain) = (self.wallet, self.parts.config.chain);
        Err(PortError::retry(ROOM_RETRY, format!("{max} submissions of {wallet} are unfinished on {chain}")))
    }

    /// Gives the submission a number, stores its signed transaction, and only then shows it to nodes.
    async fn enter(&self, key: SubmissionKey, action: &Action, planned: &Planned) -> Result<(), PortError> {
        let mut sent = self.turn.lock().await;
        if self.records.key_state(key)?.is_some() {
            return Ok(());
        }
        let others = self.records.all_open()?;
        self.check_room(&others)?;
        let counters = self.records.counters()?;
        let seq = counters.next_seq;
        let current = self.sign(planned, seq, None).await?;
        check_unique(&others, &current)?;
        let open = Open {
            seq,
            key,
            action: action.clone(),
            done: 0,
            bare: false,
            spent: 0,
            current: Some(current.clone()),
            outbid: None,
            included: None,
            landed: None,
        };
        self.records.begin(&open, counters)?;
        self.broadcast(&open, &current, current.signed_at, &mut sent).await;
        Ok(())
    }
}

/// Two submissions must never share a transaction: only one of them would happen.
fn check_unique(others: &[Open], current: &Signed) -> Result<(), PortError> {
    let taken = others.iter().filter_map(|open| open.current.as_ref()).any(|other| other.raw == current.raw);
    if taken {
        return Err(PortError::retry(ROOM_RETRY, "the same transaction is on its way for another submission"));
    }
    Ok(())
}

#[async_trait]
impl ChainWriter for SolanaWriter {
    fn chain(&self) -> ChainId {
        self.parts.config.chain
    }

    fn account(&self) -> Account {
        account(&self.wallet)
    }

    async fn submit(&self, key: SubmissionKey, action: &Action) -> Result<(), PortError> {
        if self.records.key_state(key)?.is_some() {
            return Ok(());
        }
        if Site::items(action) == 0 {
            return Err(PortError::reject(format!("{} names nothing to do", action.name())));
        }
        self.check_room(&self.records.all_open()?)?;
        let planned = self.plan(action, 0, false).await?;
        self.enter(key, action, &planned).await
    }

    async fn state(&self, key: SubmissionKey) -> Result<SubmissionState, PortError> {
        let seq = match self.records.key_state(key)? {
            None => return Ok(SubmissionState::Unknown),
            Some(KeyState::Done(Done::Final(receipt))) => return Ok(SubmissionState::Final(receipt)),
            Some(KeyState::Done(Done::Reverted { receipt, reason })) => {
                return Ok(SubmissionState::Reverted { receipt, reason });
            }
            Some(KeyState::Open { seq }) => seq,
        };
        // Only the last transaction of an action brings it to its end.
        let Some(open) = self.records.open(seq)? else { return Ok(SubmissionState::Pending) };
        Ok(match (open.included, open.current.filter(|current| current.is_last)) {
            (Some(Included { slot, failed }), Some(current)) => {
                SubmissionState::Included { receipt: current.receipt(slot), succeeded: !failed }
            }
            (Some(_) | None, Some(_) | None) => SubmissionState::Pending,
        })
    }

    async fn tick(&self) -> Result<TickReport, PortError> {
        let mut sent = self.turn.lock().await;
        self.keep_up(&mut sent).await
    }
}

fn turn_of(chain: ChainId, wallet: [u8; 32]) -> Arc<Turn> {
    let mut turns = TURNS.lock().unwrap_or_else(PoisonError::into_inner);
    turns.retain(|_, turn| turn.strong_count() > 0);
    if let Some(turn) = turns.get(&(chain, wallet)).and_then(Weak::upgrade) {
        return turn;
    }
    let turn = Arc::<Turn>::default();
    turns.insert((chain, wallet), Arc::downgrade(&turn));
    turn
}
