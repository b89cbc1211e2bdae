//! A deal: an n-party atomic transaction, all legs released or all refunded.

use alloc::vec::Vec;
use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

use crate::{Account, Amount, ChainId, DealId, HubId, LockKey, Timestamp, packed::Packed};

/// Fewest legs of a deal.
pub const LEGS_MIN: usize = 2;
/// Most legs of a deal.
pub const LEGS_MAX: usize = 8;

/// The terms all parties agree to before anyone locks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Deal {
    /// Random; makes equal terms distinct deals.
    #[cfg_attr(feature = "schema", schemars(with = "alloc::string::String"))]
    pub nonce: B256,
    /// Last second of chain time at which an escrow takes a lock.
    pub lock_by: Timestamp,
    /// Last second of hub time at which COMMIT can be decided.
    pub decide_by: Timestamp,
    /// Last second of hub time at which a COMMIT decision is eligible for signatures.
    pub sign_by: Timestamp,
    /// [`LEGS_MIN`] to [`LEGS_MAX`].
    pub legs: Vec<Leg>,
}

/// One lock on one chain inside a deal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Leg {
    /// The chain it locks on.
    pub chain: ChainId,
    /// The escrow it locks in.
    pub escrow: Account,
    /// What is locked; zero is the native coin.
    pub token: Account,
    /// How much, in the token's smallest unit, tip included.
    pub amount: Amount,
    /// Who locks it.
    pub depositor: Account,
    /// Who is paid on COMMIT.
    pub on_commit: Account,
    /// Who is paid on ABORT and on escape.
    pub on_abort: Account,
    /// Chain time from which an escape may be requested.
    pub escape_at: Timestamp,
    /// Seconds between the request of an escape and its execution.
    pub escape_window: u64,
    /// Part of `amount` that goes to whoever settles.
    pub tip: Amount,
}

/// A leg with what its escrow needs to re-derive the lock key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LegRef {
    /// The leg's place in the deal.
    pub index: u8,
    /// The deal's `lock_by`.
    pub lock_by: Timestamp,
    /// The leg itself.
    pub leg: Leg,
}

/// The one bit the hub says about a deal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Refund every leg.
    Abort,
    /// Release every leg.
    Commit,
}

impl Decision {
    /// The bit in the decision leaf.
    pub const fn bit(self) -> u8 {
        match self {
            Self::Abort => 0,
            Self::Commit => 1,
        }
    }
}

impl Leg {
    /// The 216 bytes that every digest of a leg is made of.
    pub fn packed(&self) -> Vec<u8> {
        Packed::default()
            .u64(self.chain.0)
            .bytes(self.escrow)
            .bytes(self.token)
            .u128(self.amount.0)
            .bytes(self.depositor)
            .bytes(self.on_commit)
            .bytes(self.on_abort)
            .u64(self.escape_at.0)
            .u64(self.escape_window)
            .u128(self.tip.0)
            .into_vec()
    }

    /// The leg bound to the deal's `lock_by`.
    pub fn hash(&self, lock_by: Timestamp) -> B256 {
        Packed::tagged("INFRASTRUKT/LEG/v1").bytes(self.packed()).u64(lock_by.0).keccak()
    }
}

impl LegRef {
    /// The key of this leg's lock in its escrow.
    pub fn lock_key(&self, deal: DealId) -> LockKey {
        LockKey(
            Packed::tagged("INFRASTRUKT/LOCK/v1")
                .bytes(deal)
                .u8(self.index)
                .bytes(self.leg.hash(self.lock_by))
                .keccak(),
        )
    }
}

impl Deal {
    /// The deal's id under `hub`.
    pub fn id(&self, hub: HubId) -> DealId {
        let count = u8::try_from(self.legs.len()).unwrap_or(u8::MAX);
        let head = Packed::tagged("INFRASTRUKT/DEAL/v1")
            .bytes(hub)
            .bytes(self.nonce)
            .u64(self.lock_by.0)
            .u64(self.decide_by.0)
            .u64(self.sign_by.0)
            .u8(count);
        DealId(self.legs.iter().fold(head, |packed, leg| packed.bytes(leg.hash(self.lock_by))).keccak())
    }

    /// The leg at `index`, with what its escrow needs.
    pub fn leg_ref(&self, index: u8) -> Option<LegRef> {
        let leg = self.legs.get(usize::from(index))?.clone();
        Some(LegRef { index, lock_by: self.lock_by, leg })
    }

    /// All legs with their indices.
    pub fn leg_refs(&self) -> impl Iterator<Item = LegRef> + '_ {
        (0u8..).zip(&self.legs).map(|(index, leg)| LegRef { index, lock_by: self.lock_by, leg: leg.clone() })
    }
}
