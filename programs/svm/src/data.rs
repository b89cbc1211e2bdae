//! Instruction data: Anchor's discriminator and Borsh arguments, written out.

use sha2::{Digest, Sha256};

use crate::wire::{Checkpoint, LegRef, Message, Multiproof, Word};

/// The first eight bytes of an instruction, an account or an event.
pub fn discriminator(namespace: &str, name: &str) -> [u8; 8] {
    let hash: Word = Sha256::digest(format!("{namespace}:{name}")).into();
    hash[..8].try_into().expect("a hash is longer than eight bytes")
}

/// Instruction data under construction.
#[derive(Clone, Debug, Default)]
pub struct Data(pub Vec<u8>);

impl Data {
    /// Data of an instruction that has no arguments yet.
    pub fn call(name: &str) -> Self {
        Self(discriminator("global", name).to_vec())
    }

    /// Appends bytes as they are.
    #[must_use]
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    /// Appends a byte.
    #[must_use]
    pub fn u8(self, value: u8) -> Self {
        self.raw(&[value])
    }

    /// Appends a truth value.
    #[must_use]
    pub fn bool(self, value: bool) -> Self {
        self.u8(u8::from(value))
    }

    /// Appends an integer.
    #[must_use]
    pub fn u16(self, value: u16) -> Self {
        self.raw(&value.to_le_bytes())
    }

    /// Appends an integer.
    #[must_use]
    pub fn u32(self, value: u32) -> Self {
        self.raw(&value.to_le_bytes())
    }

    /// Appends an integer.
    #[must_use]
    pub fn u64(self, value: u64) -> Self {
        self.raw(&value.to_le_bytes())
    }

    /// Appends bytes with their number before them.
    #[must_use]
    pub fn bytes(self, bytes: &[u8]) -> Self {
        self.u32(length(bytes.len())).raw(bytes)
    }

    /// Appends words with their number before them.
    #[must_use]
    pub fn words(self, words: &[Word]) -> Self {
        self.u32(length(words.len())).raw(&words.concat())
    }

    /// Appends a checkpoint without what the program knows itself.
    #[must_use]
    pub fn header(self, checkpoint: &Checkpoint) -> Self {
        self.u8(checkpoint.kind)
            .u64(checkpoint.epoch)
            .u64(checkpoint.height)
            .u64(checkpoint.time)
            .raw(&checkpoint.outbox_root)
            .raw(&checkpoint.state_root)
    }

    /// Appends the proof of one leaf.
    #[must_use]
    pub fn proof(self, proof: &Multiproof) -> Self {
        let index = *proof.indices.first().expect("a proof of one leaf has an index");
        self.u32(proof.count).u32(index).words(&proof.nodes)
    }

    /// Appends the proof of several leaves.
    #[must_use]
    pub fn multiproof(self, proof: &Multiproof) -> Self {
        let indices = proof
            .indices
            .iter()
            .fold(self.u32(proof.count).u32(length(proof.indices.len())), |data, index| data.u32(*index));
        indices.words(&proof.nodes)
    }

    /// Appends a message that comes here.
    #[must_use]
    pub fn inbound(self, message: &Message) -> Self {
        self.u64(message.source).message_rest(message)
    }

    /// Appends a message that went out from here.
    #[must_use]
    pub fn outbound(self, message: &Message) -> Self {
        self.u64(message.target).message_rest(message)
    }

    /// Appends a message between the bridges without its two ends; `chain` is the other one.
    #[must_use]
    pub fn passage(self, chain: u64, message: &Message) -> Self {
        self.u64(chain)
            .u64(message.nonce)
            .u64(message.timestamp)
            .u64(message.gas_limit)
            .u64(message.deadline)
            .raw(&message.payload)
    }

    fn message_rest(self, message: &Message) -> Self {
        self.u64(message.nonce)
            .raw(&message.sender)
            .raw(&message.recipient)
            .u64(message.timestamp)
            .u64(message.gas_limit)
            .u64(message.deadline)
            .bytes(&message.payload)
    }

    /// Appends a leg without what the program knows itself.
    ///
    /// # Panics
    /// Where amount or tip has more than 64 bits: no such leg can be written down for this chain.
    #[must_use]
    pub fn terms(self, leg_ref: &LegRef) -> Self {
        let leg = &leg_ref.leg;
        let [amount, tip] = [leg.amount, leg.tip].map(|value| u64::try_from(value).expect("64 bits"));
        self.u8(leg_ref.index)
            .u64(leg_ref.lock_by)
            .raw(&leg.token)
            .u64(amount)
            .raw(&leg.depositor)
            .raw(&leg.on_commit)
            .raw(&leg.on_abort)
            .u64(leg.escape_at)
            .u64(leg.escape_window)
            .u64(tip)
    }
}

fn length(length: usize) -> u32 {
    u32::try_from(length).expect("a transaction holds far less")
}
