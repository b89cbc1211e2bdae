//! The writer: one key on one chain.

use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::Address;
use async_trait::async_trait;
use infrastrukt_ports::{Action, ChainWriter, PortError, Store, SubmissionKey, SubmissionState, TickReport};
use infrastrukt_types::{Account, ChainId};
use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError, Weak},
};

use crate::{
    calls::{Call, CallContext},
    config::EvmConfig,
    header::HeaderSource,
    keystore::SecretKey,
    rpc::Quorum,
};

use super::{
    fees::Price,
    plan,
    records::Records,
    state::{Done, Included, KeyState, Open, Purpose, is_once},
    view::View,
};

/// When each open nonce was last broadcast, as the number of the newest block then. Not stored: after a restart nothing
/// counts as broadcast, so everything is sent again.
pub(super) type Sent = HashMap<u64, u64>;

type Turn = tokio::sync::Mutex<Sent>;

type Turns = HashMap<(ChainId, Address), Weak<Turn>>;

/// One lock a wallet and chain in this process: two writers with one key must not give out one nonce twice.
static TURNS: LazyLock<Mutex<Turns>> = LazyLock::new(Mutex::default);

/// Writes to one EVM chain with one key.
pub struct EvmWriter {
    pub(super) config: Arc<EvmConfig>,
    pub(super) quorum: Arc<Quorum>,
    pub(super) headers: Arc<dyn HeaderSource>,
    pub(super) records: Records,
    pub(super) signer: PrivateKeySigner,
    turn: Arc<Turn>,
}

impl EvmWriter {
    /// Writes with `key`. Records of earlier runs are taken up from `store`, which must have [`super::TX_COLUMNS`].
    pub fn new(
        config: Arc<EvmConfig>,
        quorum: Arc<Quorum>,
        headers: Arc<dyn HeaderSource>,
        store: Arc<dyn Store>,
        key: &SecretKey,
    ) -> Result<Self, PortError> {
        let signer = key.signer();
        let records = Records::new(store, config.chain, signer.address());
        // A store without the columns must show now, not after a broadcast.
        records.counters()?;
        let turn = turn_of(config.chain, signer.address());
        Ok(Self { config, quorum, headers, records, signer, turn })
    }

    pub(super) fn wallet(&self) -> Address {
        self.signer.address()
    }

    pub(super) async fn view(&self) -> Result<View, PortError> {
        View::read(&self.config, &self.quorum, self.wallet(), self.records.counters()?.next_nonce).await
    }

    pub(super) fn sign(
        &self,
        call: &Call,
        nonce: u64,
        gas_limit: u64,
        price: Price,
        head: u64,
    ) -> Result<super::state::Signed, PortError> {
        let chain = (self.config.chain, self.config.profile.fee_mode);
        plan::sign(&self.signer, chain, (call, nonce, gas_limit), price, head)
    }

    /// Refuses more unfinished transactions than are allowed.
    fn check_room(&self, open: &[Open]) -> Result<(), PortError> {
        let max = self.config.limits.in_flight_max;
        if open.len() < max {
            return Ok(());
        }
        let message = format!("{max} transactions of {} are unfinished on {}", self.wallet(), self.config.chain);
        Err(PortError::retry(self.config.profile.block_time, message))
    }

    /// Gives the call the next nonce, stores it signed, and only then shows it to a node.
    async fn enter(
        &self,
        key: SubmissionKey,
        action: &Action,
        call: Call,
        gas_limit: u64,
        view: &View,
    ) -> Result<(), PortError> {
        let mut sent = self.turn.lock().await;
        if self.records.key_state(key)?.is_some() {
            return Ok(());
        }
        let open = self.records.all_open()?;
        self.check_room(&open)?;
        let price = plan::price(&self.config, view)?;
        plan::check_gas_funds(&self.config, self.wallet(), view, &open, (call.value, gas_limit, &price))?;
        let counters = self.records.counters()?;
        let nonce = view.pending_nonce.max(counters.next_nonce);
        let versions = vec![self.sign(&call, nonce, gas_limit, price, view.head)?];
        let (purpose, once, action) = (Purpose::Submission(key), is_once(action), action.name().to_owned());
        let open = Open { purpose, action, once, nonce, call, gas_limit, versions, included: None };
        self.records.begin(&open, counters)?;
        self.broadcast(&open, view.head, &mut sent).await;
        Ok(())
    }
}

#[async_trait]
impl ChainWriter for EvmWriter {
    fn chain(&self) -> ChainId {
        self.config.chain
    }

    fn account(&self) -> Account {
        Account::from(self.wallet())
    }

    async fn submit(&self, key: SubmissionKey, action: &Action) -> Result<(), PortError> {
        if self.records.key_state(key)?.is_some() {
            return Ok(());
        }
        self.check_room(&self.records.all_open()?)?;
        let (chain, contracts, caller) = (self.config.chain, self.config.contracts, Some(self.wallet()));
        let calls = CallContext { chain, contracts, caller };
        let call = calls.prepare(action, &self.quorum).await?;
        let view = self.view().await?;
        plan::check_value(&self.config, &self.quorum, self.wallet(), &view, call.value).await?;
        let gas_limit = plan::simulate(&self.config, &self.quorum, self.wallet(), &call).await?;
        self.enter(key, action, call, gas_limit, &view).await
    }

    async fn state(&self, key: SubmissionKey) -> Result<SubmissionState, PortError> {
        let nonce = match self.records.key_state(key)? {
            None => return Ok(SubmissionState::Unknown),
            Some(KeyState::Done(Done::Final(receipt))) => return Ok(SubmissionState::Final(receipt)),
            Some(KeyState::Done(Done::Reverted { receipt, reason })) => {
                return Ok(SubmissionState::Reverted { receipt, reason });
            }
            Some(KeyState::Open { nonce }) => nonce,
        };
        let open = self.records.open(nonce)?;
        Ok(match open.and_then(|open| open.included) {
            Some(Included { receipt, succeeded, .. }) => SubmissionState::Included { receipt, succeeded },
            None => SubmissionState::Pending,
        })
    }

    async fn tick(&self) -> Result<TickReport, PortError> {
        let mut sent = self.turn.lock().await;
        self.keep_up(&mut sent).await
    }
}

fn turn_of(chain: ChainId, wallet: Address) -> Arc<Turn> {
    let mut turns = TURNS.lock().unwrap_or_else(PoisonError::into_inner);
    turns.retain(|_, turn| turn.strong_count() > 0);
    if let Some(turn) = turns.get(&(chain, wallet)).and_then(Weak::upgrade) {
        return turn;
    }
    let turn = Arc::<Turn>::default();
    turns.insert((chain, wallet), Arc::downgrade(&turn));
    turn
}
