//! What one chain says happened on it: the events of its final blocks, read once and in order.

use std::{collections::BTreeMap, sync::Arc};

use alloy::primitives::{B256, Bytes};
use anyhow::Result;

use super::{
    abi,
    chain::{Chain, Log},
};

/// A message as it left or arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Letter {
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) sender: B256,
    pub(crate) payload: Bytes,
}

/// Everything the hub's contracts on one chain ever told.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) chain: Arc<Chain>,
    /// First block that was not read.
    next: u64,
    pub(crate) sent: BTreeMap<B256, Letter>,
    /// Numbers of what was sent.
    pub(crate) nonces: Vec<u64>,
    /// How often each message was delivered.
    pub(crate) delivered: BTreeMap<B256, usize>,
    /// What the inbox got, as often as it got it.
    pub(crate) received: BTreeMap<B256, Vec<Letter>>,
    /// How often each lock was made.
    pub(crate) locked: BTreeMap<B256, usize>,
    /// How each lock was settled, as often as it was.
    pub(crate) settled: BTreeMap<B256, Vec<bool>>,
    /// What must not happen under this load at all.
    pub(crate) odd: Vec<String>,
}

impl Ledger {
    pub(crate) fn new(chain: Arc<Chain>) -> Self {
        Self {
            chain,
            next: 0,
            sent: BTreeMap::new(),
            nonces: Vec::new(),
            delivered: BTreeMap::new(),
            received: BTreeMap::new(),
            locked: BTreeMap::new(),
            settled: BTreeMap::new(),
            odd: Vec::new(),
        }
    }

    /// Reads on to the newest final block.
    pub(crate) async fn read_on(&mut self) -> Result<()> {
        let last = self.chain.final_height().await?;
        if last < self.next {
            // In the middle of a reorg a node is a few blocks shorter.
            return Ok(());
        }
        let contracts = [self.chain.gateway, self.chain.escrow, self.chain.inbox];
        for log in self.chain.logs(self.next, last, &contracts, &[]).await? {
            self.take(&log)?;
        }
        self.next = last + 1;
        Ok(())
    }

    /// The last block that was read.
    pub(crate) const fn last(&self) -> u64 {
        self.next.saturating_sub(1)
    }

    /// Locks that were made and not settled.
    pub(crate) fn unsettled(&self) -> usize {
        self.locked.keys().filter(|key| !self.settled.contains_key(*key)).count()
    }

    /// One contract cannot speak for another: events count by where they stand as well as by what they say.
    fn take(&mut self, log: &Log) -> Result<()> {
        if log.address == self.chain.gateway {
            self.take_from_gateway(log)
        } else if log.address == self.chain.escrow {
            self.take_from_escrow(log)
        } else {
            self.take_from_inbox(log)
        }
    }

    fn take_from_gateway(&mut self, log: &Log) -> Result<()> {
        if let Some(sent) = log.read::<abi::Sent>()? {
            let letter =
                Letter { from: self.chain.id, to: sent.target, sender: sent.sender, payload: sent.payload.clone() };
            self.nonces.push(sent.nonce);
            if self.sent.insert(sent.id, letter).is_some() {
                self.odd.push(format!("message {} was sent twice", sent.id));
            }
        } else if let Some(delivered) = log.read::<abi::Delivered>()? {
            *self.delivered.entry(delivered.id).or_default() += 1;
        } else if let Some(failed) = log.read::<abi::DeliveryFailed>()? {
            self.odd.push(format!("delivery of message {} failed with {}", failed.id, failed.reason));
        } else if let Some(expired) = log.read::<abi::Expired>()? {
            self.odd.push(format!("message {} expired, and has no deadline", expired.id));
        } else if let Some(refunded) = log.read::<abi::Refunded>()? {
            self.odd.push(format!("message {} was refunded", refunded.id));
        }
        Ok(())
    }

    fn take_from_escrow(&mut self, log: &Log) -> Result<()> {
        if let Some(locked) = log.read::<abi::Locked>()? {
            *self.locked.entry(locked.lockKey).or_default() += 1;
        } else if let Some(settled) = log.read::<abi::Settled>()? {
            self.settled.entry(settled.lockKey).or_default().push(settled.commit);
        } else if let Some(asked) = log.read::<abi::EscapeRequested>()? {
            self.odd.push(format!("an escape of deal {} was requested", asked.dealId));
        } else if let Some(escaped) = log.read::<abi::Escaped>()? {
            self.odd.push(format!("a leg of deal {} escaped", escaped.dealId));
        } else if let Some(credited) = log.read::<abi::Credited>()? {
            self.odd.push(format!("{} was credited and not paid", credited.account));
        }
        Ok(())
    }

    fn take_from_inbox(&mut self, log: &Log) -> Result<()> {
        if let Some(received) = log.read::<abi::Received>()? {
            let letter = Letter {
                from: received.source,
                to: self.chain.id,
                sender: received.sender,
                payload: received.payload.clone(),
            };
            self.received.entry(received.id).or_default().push(letter);
        }
        Ok(())
    }
}
