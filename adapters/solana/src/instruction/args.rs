//! Arguments that several instructions share, and how they come from the wire's types.

use borsh::BorshSerialize;
use infrastrukt_types::{ChainId, Checkpoint, LegRef, Message};
use std::fmt;

/// Bytes of a transfer's payload: version, token, amount, recipient, refund, running total.
pub(crate) const TRANSFER_BYTES: usize = 1 + 32 + 8 + 32 + 32 + 16;

/// A number of the wire that a Solana program does not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TooLarge {
    what: &'static str,
    value: u128,
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} of {} is above 2^64 - 1 units, the most that Solana's tokens count", self.what, self.value)
    }
}

/// A checkpoint without what the program knows itself: the hub and the epoch's set.
#[derive(BorshSerialize, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    kind: u8,
    epoch: u64,
    height: u64,
    time: u64,
    outbox_root: [u8; 32],
    state_root: [u8; 32],
}

/// Proof of one leaf.
#[derive(BorshSerialize, Clone, Debug, PartialEq, Eq)]
pub(crate) struct LeafProof {
    pub(crate) count: u32,
    pub(crate) index: u32,
    pub(crate) nodes: Vec<[u8; 32]>,
}

/// Proof of several leaves.
#[derive(BorshSerialize, Clone, Debug, PartialEq, Eq)]
pub(crate) struct LeavesProof {
    pub(crate) count: u32,
    pub(crate) indices: Vec<u32>,
    pub(crate) nodes: Vec<[u8; 32]>,
}

/// A message to this chain.
#[derive(BorshSerialize, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inbound {
    source: u64,
    body: Body,
}

/// A message from this chain.
#[derive(BorshSerialize, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outbound {
    target: u64,
    body: Body,
}

/// A message between the bridges of two chains, which the program knows.
#[derive(BorshSerialize, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Passage {
    /// The other chain.
    chain: u64,
    nonce: u64,
    timestamp: u64,
    gas_limit: u64,
    deadline: u64,
    payload: [u8; TRANSFER_BYTES],
}

#[derive(BorshSerialize, Clone, Debug, PartialEq, Eq)]
struct Body {
    nonce: u64,
    sender: [u8; 32],
    recipient: [u8; 32],
    timestamp: u64,
    gas_limit: u64,
    deadline: u64,
    payload: Vec<u8>,
}

/// A leg without what the program knows itself: chain and escrow.
#[derive(BorshSerialize, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    index: u8,
    lock_by: u64,
    token: [u8; 32],
    amount: u64,
    depositor: [u8; 32],
    on_commit: [u8; 32],
    on_abort: [u8; 32],
    escape_at: u64,
    escape_window: u64,
    tip: u64,
}

impl Terms {
    /// True where whoever settles is paid.
    pub(crate) const fn has_tip(&self) -> bool {
        self.tip != 0
    }
}

impl From<&Checkpoint> for Header {
    fn from(checkpoint: &Checkpoint) -> Self {
        Self {
            kind: checkpoint.kind.byte(),
            epoch: checkpoint.epoch.0,
            height: checkpoint.height.0,
            time: checkpoint.time.0,
            outbox_root: checkpoint.outbox_root.0,
            state_root: checkpoint.state_root.0,
        }
    }
}

impl From<&Message> for Body {
    fn from(message: &Message) -> Self {
        Self {
            nonce: message.nonce.0,
            sender: message.sender.0.0,
            recipient: message.recipient.0.0,
            timestamp: message.timestamp.0,
            gas_limit: message.gas_limit,
            deadline: message.deadline.0,
            payload: message.payload.to_vec(),
        }
    }
}

impl Passage {
    /// A message from or to the bridge of `chain`; `None` where its payload is no transfer's.
    pub(crate) fn new(chain: ChainId, message: &Message) -> Option<Self> {
        Some(Self {
            chain: chain.0,
            nonce: message.nonce.0,
            timestamp: message.timestamp.0,
            gas_limit: message.gas_limit,
            deadline: message.deadline.0,
            payload: message.payload[..].try_into().ok()?,
        })
    }
}

impl From<&Message> for Inbound {
    fn from(message: &Message) -> Self {
        Self { source: message.source.0, body: message.into() }
    }
}

impl From<&Message> for Outbound {
    fn from(message: &Message) -> Self {
        Self { target: message.target.0, body: message.into() }
    }
}

impl TryFrom<&LegRef> for Terms {
    type Error = TooLarge;

    fn try_from(leg_ref: &LegRef) -> Result<Self, TooLarge> {
        let leg = &leg_ref.leg;
        let units = |what, value: u128| u64::try_from(value).map_err(|_| TooLarge { what, value });
        Ok(Self {
            index: leg_ref.index,
            lock_by: leg_ref.lock_by.0,
            token: leg.token.0.0,
            amount: units("amount", leg.amount.0)?,
            depositor: leg.depositor.0.0,
            on_commit: leg.on_commit.0.0,
            on_abort: leg.on_abort.0.0,
            escape_at: leg.escape_at.0,
            escape_window: leg.escape_window,
            tip: units("tip", leg.tip.0)?,
        })
    }
}
