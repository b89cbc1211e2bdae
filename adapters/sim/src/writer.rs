//! Writing to a simulated chain: stored before it is sent, sent until it is final.

use async_trait::async_trait;
use infrastrukt_ports::{
    Action, Batch, ChainWriter, Column, PortError, Receipt, Store, StoreError, SubmissionKey, SubmissionState,
    TickReport,
};
use infrastrukt_types::{Account, ChainId, codec};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};

use crate::{PoolError, SimReceipt, SimTx, SimView, reader::passing};

const SUBMISSIONS: Column = Column("sim_submissions");
const NONCES: Column = Column("sim_nonces");
/// Submissions that one turn works on.
const OPEN_MAX: usize = 10_000;
/// Replacements of one transaction.
const ATTEMPTS_MAX: usize = 8;
/// Highest price of gas that is ever offered.
const GAS_PRICE_MAX: u64 = 1_000_000_000_000;

/// Writes to a simulated chain with one account.
pub struct SimWriter {
    view: Arc<SimView>,
    account: Account,
    store: Arc<dyn Store>,
    /// Held while a nonce is chosen and stored, so that two submissions never share one.
    turn: Mutex<()>,
}

/// A submission as it is stored: all transactions that may carry it, the last one best paid. They share a nonce.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Record {
    key: SubmissionKey,
    attempts: Vec<SimTx>,
    end: Option<SubmissionState>,
}

impl Record {
    fn latest(&self) -> &SimTx {
        self.attempts.last().expect("a record is made with its first transaction and never loses it")
    }
}

fn disk(error: StoreError) -> PortError {
    PortError::halt("the submission could not be stored; nothing was sent").caused_by(error)
}

fn receipt_of(block: u64, receipt: &SimReceipt) -> Receipt {
    let (gas_used, fee, message_id) = (receipt.gas_used, receipt.fee, receipt.message_id);
    Receipt { tx: receipt.tx.to_string(), block, gas_used, fee, message_id }
}

impl SimWriter {
    /// A writer over this endpoint that goes on with what the store holds for the account.
    pub fn new(view: Arc<SimView>, account: Account, store: Arc<dyn Store>) -> Self {
        Self { view, account, store, turn: Mutex::new(()) }
    }

    fn row(&self, key: SubmissionKey) -> Vec<u8> {
        [self.account.as_ref(), key.0.as_slice()].concat()
    }

    fn load(&self, key: SubmissionKey) -> Result<Option<Record>, PortError> {
        let bytes = self.store.get(SUBMISSIONS, &self.row(key)).map_err(disk)?;
        bytes.map(|bytes| codec::decode(&bytes).map_err(|error| disk(error.into()))).transpose()
    }

    fn save(&self, record: &Record, mut batch: Batch) -> Result<(), PortError> {
        batch.put(SUBMISSIONS, self.row(record.key), codec::encode(record));
        self.store.commit(batch).map_err(disk)
    }

    fn open(&self) -> Result<Vec<Record>, PortError> {
        let rows = self.store.scan(SUBMISSIONS, self.account.as_ref(), &[], usize::MAX).map_err(disk)?;
        let decode =
            |(_, bytes): (Vec<u8>, Vec<u8>)| codec::decode::<Record>(&bytes).map_err(|error| disk(error.into()));
        let mut records = rows.into_iter().map(decode).collect::<Result<Vec<_>, _>>()?;
        records.retain(|record| record.end.is_none());
        records.sort_by_key(|record| record.latest().nonce);
        records.truncate(OPEN_MAX);
        Ok(records)
    }

    /// The next nonce, and the batch that remembers it as used.
    fn next_nonce(&self) -> Result<(u64, Batch), PortError> {
        let stored = self.store.get(NONCES, self.account.as_ref()).map_err(disk)?;
        let stored: u64 = match stored {
            Some(bytes) => codec::decode(&bytes).map_err(|error| disk(error.into()))?,
            None => 0,
        };
        let on_chain = self.view.read(|state| state.nonce(self.account)).map_err(passing)?;
        let nonce = stored.max(on_chain);
        let mut batch = Batch::default();
        batch.put(NONCES, self.account.as_ref(), codec::encode(&nonce.saturating_add(1)));
        Ok((nonce, batch))
    }

    /// Where the submission is, by the chain's own account.
    fn locate(&self, record: &Record) -> Result<SubmissionState, PortError> {
        if let Some(end) = &record.end {
            return Ok(end.clone());
        }
        for tx in &record.attempts {
            let Some((block, found)) = self.view.receipt(tx.hash()).map_err(passing)? else { continue };
            let receipt = receipt_of(block, &found);
            if block > self.view.finalized().map_err(passing)?.number {
                return Ok(SubmissionState::Included { receipt, succeeded: found.revert.is_none() });
            }
            return Ok(match found.revert {
                None => SubmissionState::Final(receipt),
                Some(reason) => SubmissionState::Reverted { receipt, reason },
            });
        }
        Ok(SubmissionState::Pending)
    }

    /// Sends the latest transaction again, a better paid one where it pays too little, or one with a new nonce where
    /// the old nonce is lost for ever to a transaction of somebody else with the same key.
    fn push(&self, record: &mut Record, is_last: bool, report: &mut TickReport) -> Result<(), PortError> {
        let nonce = record.latest().nonce;
        if nonce < self.view.final_nonce(self.account).map_err(passing)? {
            return self.renew(record, report);
        }
        let price = self.view.gas_price().map_err(passing)?;
        if record.latest().gas_price < price {
            return self.bump(record, price, report);
        }
        if self.view.waits(record.latest()).map_err(passing)? {
            return Ok(());
        }
        let is_gap = nonce == self.view.read(|state| state.nonce(self.account)).map_err(passing)?;
        report.rebroadcast += 1;
        report.gaps_healed += u32::from(is_gap && !is_last);
        self.send(record.latest().clone())
    }

    fn send(&self, tx: SimTx) -> Result<(), PortError> {
        match self.view.broadcast(tx).map_err(passing)? {
            // A nonce that is too low is in a block by now, which the next look at the receipts shows.
            Ok(()) | Err(PoolError::AlreadyKnown | PoolError::NonceTooLow { .. }) => Ok(()),
            // Stored all the same: the next turn pays more, or finds room.
            Err(PoolError::Underpriced { .. } | PoolError::Full) => Ok(()),
        }
    }

    fn bump(&self, record: &mut Record, price: u64, report: &mut TickReport) -> Result<(), PortError> {
        let latest = record.latest();
        let replacement = latest.gas_price.saturating_add(latest.gas_price.div_ceil(8));
        let gas_price = price.max(replacement).min(GAS_PRICE_MAX);
        if gas_price < price || gas_price < replacement || record.attempts.len() >= ATTEMPTS_MAX {
            return Ok(());
        }
        let tx = SimTx { gas_price, ..latest.clone() };
        record.attempts.push(tx.clone());
        self.save(record, Batch::default())?;
        report.bumped += 1;
        self.send(tx)
    }

    fn renew(&self, record: &mut Record, report: &mut TickReport) -> Result<(), PortError> {
        let (nonce, batch) = self.next_nonce()?;
        let tx = SimTx { nonce, ..record.latest().clone() };
        record.attempts = vec![tx.clone()];
        self.save(record, batch)?;
        report.rebroadcast += 1;
        self.send(tx)
    }
}

#[async_trait]
impl ChainWriter for SimWriter {
    fn chain(&self) -> ChainId {
        self.view.chain().chain()
    }

    fn account(&self) -> Account {
        self.account
    }

    async fn submit(&self, key: SubmissionKey, action: &Action) -> Result<(), PortError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if self.load(key)?.is_some() {
            return Ok(());
        }
        let simulated = self.view.simulate(self.account, action).map_err(passing)?;
        let value = simulated.map_err(|revert| PortError::reject(revert.to_string()).caused_by(revert))?;
        let gas_price = self.view.gas_price().map_err(passing)?;
        let (nonce, batch) = self.next_nonce()?;
        let tx = SimTx { from: self.account, nonce, gas_price, value, action: action.clone() };
        self.save(&Record { key, attempts: vec![tx.clone()], end: None }, batch)?;
        // It is stored: an endpoint that fails now delays the transaction to the next turn and no more.
        let _ = self.send(tx);
        Ok(())
    }

    async fn state(&self, key: SubmissionKey) -> Result<SubmissionState, PortError> {
        self.load(key)?.map_or(Ok(SubmissionState::Unknown), |record| self.locate(&record))
    }

    async fn tick(&self) -> Result<TickReport, PortError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut report = TickReport::default();
        let records = self.open()?;
        let total = u32::try_from(records.len()).unwrap_or(u32::MAX);
        let last = records.last().map(|record| record.key);
        for mut record in records {
            match self.locate(&record)? {
                end @ (SubmissionState::Final(_) | SubmissionState::Reverted { .. }) => {
                    record.end = Some(end);
                    self.save(&record, Batch::default())?;
                    report.finished += 1;
                }
                SubmissionState::Pending => {
                    let is_last = last == Some(record.key);
                    self.push(&mut record, is_last, &mut report)?;
                }
                SubmissionState::Included { .. } | SubmissionState::Unknown => {}
            }
        }
        report.open = total - report.finished;
        Ok(report)
    }
}
