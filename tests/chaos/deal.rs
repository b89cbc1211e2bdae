//! A deal and its digests, written down from the protocol's page and not from the product's code.

use alloy::primitives::{Address, B256, keccak256};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::abi;

/// A deal as the hub's interface has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Deal {
    pub(crate) nonce: B256,
    pub(crate) lock_by: u64,
    pub(crate) decide_by: u64,
    pub(crate) sign_by: u64,
    pub(crate) legs: Vec<Leg>,
}

/// One leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Leg {
    pub(crate) chain: u64,
    pub(crate) escrow: B256,
    pub(crate) token: B256,
    #[serde(with = "decimal")]
    pub(crate) amount: u128,
    pub(crate) depositor: B256,
    pub(crate) on_commit: B256,
    pub(crate) on_abort: B256,
    pub(crate) escape_at: u64,
    pub(crate) escape_window: u64,
    #[serde(with = "decimal")]
    pub(crate) tip: u128,
}

/// JSON carries amounts as decimal text.
mod decimal {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(amount: &u128, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(amount)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u128, D::Error> {
        String::deserialize(from)?.parse::<u128>().map_err(D::Error::custom)
    }
}

impl Deal {
    /// Its id under a hub.
    pub(crate) fn id(&self, hub: B256) -> Result<B256> {
        let count = u8::try_from(self.legs.len()).context("a deal has eight legs at most")?;
        let mut bytes = b"INFRASTRUKT/DEAL/v1".to_vec();
        bytes.extend(hub);
        bytes.extend(self.nonce);
        for time in [self.lock_by, self.decide_by, self.sign_by] {
            bytes.extend(time.to_be_bytes());
        }
        bytes.push(count);
        for leg in &self.legs {
            bytes.extend(leg.hash(self.lock_by));
        }
        Ok(keccak256(bytes))
    }

    /// The key of one leg's lock.
    pub(crate) fn lock_key(&self, id: B256, index: usize) -> Result<B256> {
        let leg = self.legs.get(index).with_context(|| format!("the deal has no leg {index}"))?;
        let mut bytes = b"INFRASTRUKT/LOCK/v1".to_vec();
        bytes.extend(id);
        bytes.push(u8::try_from(index)?);
        bytes.extend(leg.hash(self.lock_by));
        Ok(keccak256(bytes))
    }

    /// One leg as its escrow takes it.
    pub(crate) fn leg_ref(&self, index: usize) -> Result<abi::LegRef> {
        let leg = self.legs.get(index).with_context(|| format!("the deal has no leg {index}"))?;
        let leg = abi::Leg {
            chain: leg.chain,
            escrow: leg.escrow,
            token: leg.token,
            amount: leg.amount,
            depositor: leg.depositor,
            onCommit: leg.on_commit,
            onAbort: leg.on_abort,
            escapeAt: leg.escape_at,
            escapeWindow: leg.escape_window,
            tip: leg.tip,
        };
        Ok(abi::LegRef { index: u8::try_from(index)?, lockBy: self.lock_by, leg })
    }
}

impl Leg {
    fn hash(&self, lock_by: u64) -> B256 {
        let mut bytes = b"INFRASTRUKT/LEG/v1".to_vec();
        bytes.extend(self.chain.to_be_bytes());
        bytes.extend(self.escrow);
        bytes.extend(self.token);
        bytes.extend(self.amount.to_be_bytes());
        for account in [self.depositor, self.on_commit, self.on_abort] {
            bytes.extend(account);
        }
        bytes.extend(self.escape_at.to_be_bytes());
        bytes.extend(self.escape_window.to_be_bytes());
        bytes.extend(self.tip.to_be_bytes());
        bytes.extend(lock_by.to_be_bytes());
        keccak256(bytes)
    }

    /// Who is paid on COMMIT, and who on ABORT.
    pub(crate) fn payees(&self) -> [Address; 2] {
        [self.on_commit, self.on_abort].map(Address::from_word)
    }
}
