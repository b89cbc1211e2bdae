//! Messages between chains.

use crate::{Bytes32, hash::keccak};

/// The one version of messages.
pub const VERSION: u8 = 1;

/// Bytes sent from one chain to another, without the version. Addresses are those of the chain they are on.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Where it was sent.
    pub source: u64,
    /// Where it goes.
    pub target: u64,
    /// Counts per (source, target) from 1.
    pub nonce: u64,
    /// Who sent it.
    pub sender: &'a Bytes32,
    /// Who receives it.
    pub recipient: &'a Bytes32,
    /// Unix seconds at the source when it was sent.
    pub timestamp: u64,
    /// Gas that the recipient is given where gas is a notion.
    pub gas_limit: u64,
    /// Last second of the target's time at which it may be delivered, 0 for none.
    pub deadline: u64,
    /// What is said.
    pub payload: &'a [u8],
}

impl Message<'_> {
    /// The message's id, which binds the hub and both gateways.
    pub fn id(&self, hub_id: &Bytes32, source_gateway: &Bytes32, target_gateway: &Bytes32) -> Bytes32 {
        keccak(&[
            b"INFRASTRUKT/MESSAGE/v1",
            hub_id,
            source_gateway,
            target_gateway,
            &[VERSION],
            &self.source.to_be_bytes(),
            &self.target.to_be_bytes(),
            &self.nonce.to_be_bytes(),
            self.sender,
            self.recipient,
            &self.timestamp.to_be_bytes(),
            &self.gas_limit.to_be_bytes(),
            &self.deadline.to_be_bytes(),
            &keccak(&[self.payload]),
        ])
    }

    /// Whether the target's time `now` is past the deadline.
    pub fn is_expired(&self, now: u64) -> bool {
        self.deadline != 0 && now > self.deadline
    }
}

/// Whether `word` can be an account where addresses have 20 bytes: clean upper bytes, and not zero.
pub fn is_evm_account(word: &Bytes32) -> bool {
    is_evm_word(word) && word != &[0; 32]
}

/// Whether the upper 12 bytes of `word` are clean. Zero is: it names the native coin.
pub fn is_evm_word(word: &Bytes32) -> bool {
    word[..12].iter().all(|byte| *byte == 0)
}
