//! A user's keys with their own durable record of what they submitted.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use infrastrukt_ports::{
    Action, ChainWriter, LockStatus, PortError, Receipt, Remedy, Store, SubmissionKey, SubmissionState,
};
use infrastrukt_registry::{Keys, TX_COLUMNS};
use infrastrukt_store::RocksStore;
use infrastrukt_types::{Account, ChainId, LockKey};
use tokio::{sync::Mutex, time::Instant};

use super::{Chain, Intents, Network, USER_COLUMNS, UserError};
use crate::config::{Config, is_name};

/// Pause between two looks at an open transaction.
const POLL: Duration = Duration::from_millis(300);
/// Longest wait for a transaction to get into a block.
const INCLUSION_MAX: Duration = Duration::from_secs(600);
/// Passing failures of one submission that are waited out.
const RETRIES_MAX: u32 = 5;
/// Longest single wait that a passing failure may ask for.
const RETRY_WAIT_MAX: Duration = Duration::from_secs(10);

/// What is told of a revert in a block that is not final.
const NOT_FINAL_REVERT: &str = "nothing was done but to pay for gas. Its block is not final yet: once it is, run the \
                                same command again, which tries anew unless another block executed it after all";

/// How a submission came out.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// In a block, executed.
    Executed(Receipt),
    /// In a block, reverted.
    Reverted {
        tx: String,
        reason: String,
        /// False while another block may still take the place of this one.
        is_final: bool,
    },
}

impl Outcome {
    /// What the state shows, once the submission is in a block. Of a message that was sent the id is told as well, which
    /// some chains show in final blocks only.
    fn of(state: SubmissionState, sends: bool) -> Option<Self> {
        match state {
            SubmissionState::Unknown | SubmissionState::Pending => None,
            SubmissionState::Included { receipt, succeeded: true } if sends && receipt.message_id.is_none() => None,
            SubmissionState::Included { receipt, succeeded: true } | SubmissionState::Final(receipt) => {
                Some(Self::Executed(receipt))
            }
            SubmissionState::Included { receipt, succeeded: false } => {
                Some(Self::Reverted { tx: receipt.tx, reason: NOT_FINAL_REVERT.into(), is_final: false })
            }
            SubmissionState::Reverted { receipt, reason } => {
                Some(Self::Reverted { tx: receipt.tx, reason, is_final: true })
            }
        }
    }
}

/// One user's keys for all chains, and the store that remembers its transactions. Only one process may hold it at a time.
pub struct Wallet<'network> {
    network: &'network Network,
    name: String,
    keys: Keys,
    store: Arc<dyn Store>,
    intents: Intents,
    writers: Mutex<BTreeMap<ChainId, Arc<dyn ChainWriter>>>,
    ticked: Mutex<BTreeMap<ChainId, Instant>>,
}

impl<'network> Wallet<'network> {
    /// Opens the wallet of `name` with the password of its key.
    pub fn open(network: &'network Network, name: &str, password: &str) -> Result<Self, UserError> {
        if !is_name(name) {
            let example = "the name of a key that `relayer keys list` shows";
            return Err(UserError::Malformed { text: name.into(), what: "a key's name", example });
        }
        let keys = unlock(&network.config, name, password)?;
        let columns = [USER_COLUMNS, TX_COLUMNS].concat();
        let path = network.data_dir().join("user").join(name);
        let store: Arc<dyn Store> = Arc::new(RocksStore::open(&path, &columns)?);
        let intents = Intents::new(store.clone());
        Ok(Self {
            network,
            name: name.into(),
            keys,
            store,
            intents,
            writers: Mutex::default(),
            ticked: Mutex::default(),
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The account that signs on a chain.
    pub async fn account(&self, chain: &Chain) -> Result<Account, UserError> {
        Ok(self.writer(chain).await?.account())
    }

    /// Refuses unless this key signs for `expected`.
    pub async fn require_account(&self, chain: &Chain, expected: Account) -> Result<(), UserError> {
        let actual = self.account(chain).await?;
        if actual == expected {
            return Ok(());
        }
        let show = |account| self.network.show_account(account, chain.file.id);
        Err(UserError::WrongKey { name: self.name.clone(), actual: show(actual), expected: show(expected) })
    }

    /// True while a submission of this label is unfinished: what it needed may be spent already.
    pub fn is_under_way(&self, chain: &Chain, label: &str) -> Result<bool, UserError> {
        Ok(self.intents.find(chain.file.id, label)?.is_some())
    }

    /// The state of a lock, read from its chain.
    pub async fn lock_status(&self, chain: &Chain, key: LockKey) -> Result<LockStatus, UserError> {
        chain.reader().lock_status(key).await.map_err(UserError::chain(chain.name()))
    }

    /// Does the action once and waits until it is in a block.
    ///
    /// `label` names what is done. While a submission of the same label is unfinished, it is continued instead. One
    /// that reverted is unfinished until its block is final, since it may still succeed in another block; after that
    /// the same label begins anew.
    pub async fn act(&self, chain: &Chain, label: &str, action: &Action) -> Result<Receipt, UserError> {
        self.act_and_keep(chain, label, action, |_| Ok(())).await
    }

    /// The same, and what `keep` writes is on disk before the submission counts as finished: a crash in between comes
    /// to it again.
    pub async fn act_and_keep(
        &self,
        chain: &Chain,
        label: &str,
        action: &Action,
        keep: impl FnOnce(&Receipt) -> Result<(), UserError> + Send,
    ) -> Result<Receipt, UserError> {
        let writer = self.writer(chain).await?;
        let id = chain.file.id;
        let mut intent = self.intents.begin(id, label, action)?;
        let earlier = writer.state(intent.key()).await.map_err(UserError::chain(chain.name()))?;
        if matches!(earlier, SubmissionState::Reverted { .. }) {
            self.intents.finish(id, label)?;
            intent = self.intents.begin(id, label, action)?;
        }
        match self.submit(chain, &*writer, intent.key(), &intent.action).await {
            Ok(()) => {}
            Err(refusal @ UserError::WouldRevert { .. }) => {
                self.intents.finish(id, label)?;
                return Err(refusal);
            }
            Err(error) => return Err(error),
        }
        match self.wait(chain, &*writer, intent.key(), action).await? {
            Outcome::Executed(receipt) => {
                keep(&receipt)?;
                self.intents.finish(id, label)?;
                Ok(receipt)
            }
            Outcome::Reverted { tx, reason, is_final } => {
                if is_final {
                    self.intents.finish(id, label)?;
                }
                Err(UserError::Reverted { chain: chain.name(), action: action.name(), tx, reason })
            }
        }
    }

    /// Waits until everything this wallet has under way on a chain is final.
    pub async fn settle_down(&self, chain: &Chain, wait_max: Duration) -> Result<(), UserError> {
        let writer = self.writer(chain).await?;
        let end = Instant::now() + wait_max;
        while writer.tick().await.map_err(UserError::chain(chain.name()))?.open > 0 {
            if Instant::now() > end {
                let what = format!("finality of the transactions of {} on {}", self.name, chain.name());
                return Err(UserError::TimedOut { what, after: wait_max });
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    /// The writer of a chain. Whatever an earlier command left open is taken care of before anything new.
    async fn writer(&self, chain: &Chain) -> Result<Arc<dyn ChainWriter>, UserError> {
        let mut writers = self.writers.lock().await;
        if let Some(writer) = writers.get(&chain.file.id) {
            return Ok(writer.clone());
        }
        let writer = chain.writer(self.store.clone(), &self.keys)?;
        writer.tick().await.map_err(UserError::chain(chain.name()))?;
        writers.insert(chain.file.id, writer.clone());
        Ok(writer)
    }

    /// Upkeep at most once a pause, however many submissions are waited for at once.
    async fn tick(&self, chain: &Chain, writer: &dyn ChainWriter) -> Result<(), UserError> {
        let Ok(mut ticked) = self.ticked.try_lock() else { return Ok(()) };
        if ticked.get(&chain.file.id).is_some_and(|last| last.elapsed() < POLL) {
            return Ok(());
        }
        let outcome = writer.tick().await;
        ticked.insert(chain.file.id, Instant::now());
        match outcome {
            Err(error) if wait_out(&error).is_none() => Err(UserError::chain(chain.name())(error)),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    async fn submit(
        &self,
        chain: &Chain,
        writer: &dyn ChainWriter,
        key: SubmissionKey,
        action: &Action,
    ) -> Result<(), UserError> {
        let mut retries = 0;
        loop {
            let Err(error) = writer.submit(key, action).await else { return Ok(()) };
            match wait_out(&error) {
                Some(pause) if retries < RETRIES_MAX => {
                    retries += 1;
                    tokio::time::sleep(pause).await;
                }
                Some(_) | None => return Err(submit_failure(chain, action, error)),
            }
        }
    }

    async fn wait(
        &self,
        chain: &Chain,
        writer: &dyn ChainWriter,
        key: SubmissionKey,
        action: &Action,
    ) -> Result<Outcome, UserError> {
        let sends = matches!(action, Action::Send { .. } | Action::Bridge { .. });
        let action = action.name();
        let end = Instant::now() + INCLUSION_MAX;
        loop {
            let state = writer.state(key).await.map_err(UserError::chain(chain.name()))?;
            if state == SubmissionState::Unknown {
                return Err(UserError::Unexpected(format!("{} lost the submitted {action}", chain.name())));
            }
            if let Some(outcome) = Outcome::of(state, sends) {
                return Ok(outcome);
            }
            if Instant::now() > end {
                let what = format!("the {action} on {}", chain.name());
                return Err(UserError::TimedOut { what, after: INCLUSION_MAX });
            }
            tokio::time::sleep(POLL).await;
            self.tick(chain, writer).await?;
        }
    }
}

/// Decrypts the keys of a name in the configured keystore.
pub fn unlock(config: &Config, name: &str, password: &str) -> Result<Keys, UserError> {
    config.keyring().load(name, password).map_err(|error| UserError::Keystore(error.to_string()))
}

/// How long to wait before the same call may succeed; `None` where it never will.
fn wait_out(error: &PortError) -> Option<Duration> {
    match error.remedy {
        Remedy::Retry { after } => Some(after.clamp(POLL, RETRY_WAIT_MAX)),
        Remedy::Rewind { .. } => Some(POLL),
        Remedy::Reject | Remedy::Halt => None,
    }
}

fn submit_failure(chain: &Chain, action: &Action, error: PortError) -> UserError {
    match error.remedy {
        Remedy::Reject => UserError::WouldRevert { chain: chain.name(), action: action.name(), reason: error.message },
        Remedy::Retry { .. } | Remedy::Rewind { .. } | Remedy::Halt => UserError::chain(chain.name())(error),
    }
}

impl std::fmt::Debug for Wallet<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wallet").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use infrastrukt_types::{Amount, B256, MessageId};

    fn receipt() -> Receipt {
        Receipt { tx: "0x01".into(), block: 7, gas_used: 1, fee: Amount(1), message_id: None }
    }

    #[test]
    fn a_revert_is_a_failure_before_its_block_is_final() {
        let included = |succeeded| Outcome::of(SubmissionState::Included { receipt: receipt(), succeeded }, false);
        assert_eq!(included(true), Some(Outcome::Executed(receipt())));
        match included(false) {
            Some(Outcome::Reverted { tx, reason, is_final: false }) => {
                assert_eq!(tx, "0x01");
                assert!(reason.contains("run the same command again"), "{reason}");
            }
            other => panic!("{other:?}"),
        }
        let reverted = SubmissionState::Reverted { receipt: receipt(), reason: "NoCredit".into() };
        assert!(matches!(Outcome::of(reverted, false), Some(Outcome::Reverted { is_final: true, .. })));
        assert_eq!(Outcome::of(SubmissionState::Pending, false), None);
    }

    #[test]
    fn a_message_is_waited_for_until_its_id_is_known() {
        let included = |receipt| Outcome::of(SubmissionState::Included { receipt, succeeded: true }, true);
        assert_eq!(included(receipt()), None);
        let sent = Receipt { message_id: Some(MessageId(B256::ZERO)), ..receipt() };
        assert_eq!(included(sent.clone()), Some(Outcome::Executed(sent)));
        assert_eq!(Outcome::of(SubmissionState::Final(receipt()), true), Some(Outcome::Executed(receipt())));
    }
}
