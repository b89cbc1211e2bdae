//! Arguments of instructions: what travels, without what the program knows itself.

use anchor_lang::prelude::*;
use infrastrukt_core::{
    checkpoint,
    leg::{self, Leg},
    message::Message,
    outbox,
    transfer::PAYLOAD_BYTES,
    Bytes32,
};

use crate::{
    addresses::{BRIDGE, ESCROW},
    errors::{ensure, GatewayError},
    state::{Config, Target},
};

/// A checkpoint, without the hub's id and the set's hash.
#[derive(AnchorSerialize, AnchorDeserialize, Clone)]
pub struct Header {
    pub kind: u8,
    pub epoch: u64,
    pub height: u64,
    pub time: u64,
    pub outbox_root: [u8; 32],
    pub state_root: [u8; 32],
}

impl Header {
    /// What validators of the set sign.
    pub fn digest(&self, hub_id: &Bytes32, valset_hash: &Bytes32) -> Bytes32 {
        let header = checkpoint::Header {
            kind: self.kind,
            epoch: self.epoch,
            height: self.height,
            time: self.time,
            outbox_root: &self.outbox_root,
            state_root: &self.state_root,
        };
        header.digest(hub_id, valset_hash)
    }
}

/// Proof of one leaf.
#[derive(AnchorSerialize, AnchorDeserialize, Clone)]
pub struct Proof {
    pub count: u32,
    pub index: u32,
    pub nodes: Vec<[u8; 32]>,
}

impl Proof {
    /// Refuses unless the leaf stands under this root.
    pub fn check(&self, root: &Bytes32, leaf: Bytes32) -> Result<()> {
        let checked = outbox::verify_one(root, leaf, self.count, self.index, &self.nodes);
        Ok(checked.map_err(GatewayError::from)?)
    }
}

/// Proof of several leaves.
#[derive(AnchorSerialize, AnchorDeserialize, Clone)]
pub struct Multiproof {
    pub count: u32,
    pub indices: Vec<u32>,
    pub nodes: Vec<[u8; 32]>,
}

impl Multiproof {
    /// Refuses unless the leaves stand under this root. Uses both up.
    pub fn check(mut self, root: &Bytes32, mut leaves: Vec<Bytes32>) -> Result<()> {
        let checked = outbox::verify(root, &mut leaves, self.count, &mut self.indices, &self.nodes);
        Ok(checked.map_err(GatewayError::from)?)
    }
}

/// A message to this chain.
#[derive(AnchorSerialize, AnchorDeserialize, Clone)]
pub struct Inbound {
    pub source: u64,
    pub nonce: u64,
    pub sender: [u8; 32],
    pub recipient: [u8; 32],
    pub timestamp: u64,
    pub gas_limit: u64,
    pub deadline: u64,
    pub payload: Vec<u8>,
}

impl Inbound {
    /// The id of the message as it comes from `source`. Refuses the messages of another chain.
    pub fn id(&self, config: &Config, source: &Target) -> Result<Bytes32> {
        ensure!(self.source == source.chain, GatewayError::UnknownSource);
        let message = self.message(config.chain);
        Ok(message.id(&config.hub_id, &source.gateway, &crate::ID.to_bytes()))
    }

    /// Whether it came too late.
    pub fn is_expired(&self, now: u64) -> bool {
        self.message(0).is_expired(now)
    }

    fn message(&self, target: u64) -> Message<'_> {
        Message {
            source: self.source,
            target,
            nonce: self.nonce,
            sender: &self.sender,
            recipient: &self.recipient,
            timestamp: self.timestamp,
            gas_limit: self.gas_limit,
            deadline: self.deadline,
            payload: &self.payload,
        }
    }
}

/// A message of this chain.
#[derive(AnchorSerialize, AnchorDeserialize, Clone)]
pub struct Outbound {
    pub target: u64,
    pub nonce: u64,
    pub sender: [u8; 32],
    pub recipient: [u8; 32],
    pub timestamp: u64,
    pub gas_limit: u64,
    pub deadline: u64,
    pub payload: Vec<u8>,
}

impl Outbound {
    /// The id of the message as it goes to `target`. Refuses messages to another chain.
    pub fn id(&self, config: &Config, target: &Target) -> Result<Bytes32> {
        ensure!(self.target == target.chain, GatewayError::WrongTarget);
        let message = Message {
            source: config.chain,
            target: self.target,
            nonce: self.nonce,
            sender: &self.sender,
            recipient: &self.recipient,
            timestamp: self.timestamp,
            gas_limit: self.gas_limit,
            deadline: self.deadline,
            payload: &self.payload,
        };
        Ok(message.id(&config.hub_id, &crate::ID.to_bytes(), &target.gateway))
    }
}

/// A message between this chain's token bridge and its peer, in or out. Who they are is known here, and the nodes of a
/// proof have to fit beside it.
#[derive(AnchorSerialize, AnchorDeserialize, Clone)]
pub struct Passage {
    /// The other chain.
    pub chain: u64,
    pub nonce: u64,
    pub timestamp: u64,
    pub gas_limit: u64,
    pub deadline: u64,
    pub payload: [u8; PAYLOAD_BYTES],
}

impl Passage {
    /// The message as the bridge of `source` sent it. Refuses where no such bridge is known.
    pub fn inbound(&self, source: &Target) -> Result<Inbound> {
        Ok(Inbound {
            source: self.chain,
            nonce: self.nonce,
            sender: source.peer()?,
            recipient: BRIDGE.to_bytes(),
            timestamp: self.timestamp,
            gas_limit: self.gas_limit,
            deadline: self.deadline,
            payload: self.payload.to_vec(),
        })
    }

    /// The message as it was sent to the bridge of `target`. Refuses where no such bridge is known.
    pub fn outbound(&self, target: &Target) -> Result<Outbound> {
        Ok(Outbound {
            target: self.chain,
            nonce: self.nonce,
            sender: BRIDGE.to_bytes(),
            recipient: target.peer()?,
            timestamp: self.timestamp,
            gas_limit: self.gas_limit,
            deadline: self.deadline,
            payload: self.payload.to_vec(),
        })
    }
}

/// A leg with its place in the deal. Chain and escrow are this program's.
#[derive(AnchorSerialize, AnchorDeserialize, Clone)]
pub struct Terms {
    pub index: u8,
    pub lock_by: u64,
    pub token: Pubkey,
    pub amount: u64,
    pub depositor: Pubkey,
    pub on_commit: Pubkey,
    pub on_abort: Pubkey,
    pub escape_at: u64,
    pub escape_window: u64,
    pub tip: u64,
}

impl Terms {
    /// Names the lock of this leg in this deal.
    pub fn lock_key(&self, deal_id: &Bytes32, config: &Config) -> Bytes32 {
        let escrow = ESCROW.to_bytes();
        let leg = Leg {
            chain: config.chain,
            escrow: &escrow,
            token: self.token.as_array(),
            amount: u128::from(self.amount),
            depositor: self.depositor.as_array(),
            on_commit: self.on_commit.as_array(),
            on_abort: self.on_abort.as_array(),
            escape_at: self.escape_at,
            escape_window: self.escape_window,
            tip: u128::from(self.tip),
        };
        leg::lock_key(deal_id, self.index, &leg.hash(self.lock_by))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: [u8; 32] = [9; 32];

    fn chain(bridge_peer: [u8; 32]) -> Target {
        Target {
            chain: 56,
            gateway: [1; 32],
            bridge_peer,
            nonce: 0,
            max_gas_limit: 0,
            max_payload: 0,
            flags: 0,
            base_fee: 0,
            fee_per_gas_micro: 0,
            valid_until: 0,
            bump: 0,
        }
    }

    #[test]
    fn a_passage_is_a_message_between_the_bridges() {
        let payload = [5; PAYLOAD_BYTES];
        let passage = Passage { chain: 56, nonce: 1, timestamp: 2, gas_limit: 3, deadline: 4, payload };
        let mut bytes = Vec::new();
        passage.serialize(&mut bytes).expect("a vector takes every byte");
        assert_eq!(bytes.len(), 161);
        let inbound = passage.inbound(&chain(PEER)).expect("the peer is known");
        assert_eq!((inbound.source, inbound.sender, inbound.recipient), (56, PEER, BRIDGE.to_bytes()));
        assert_eq!((inbound.nonce, inbound.timestamp, inbound.gas_limit, inbound.deadline), (1, 2, 3, 4));
        let outbound = passage.outbound(&chain(PEER)).expect("the peer is known");
        assert_eq!((outbound.target, outbound.sender, outbound.recipient), (56, BRIDGE.to_bytes(), PEER));
        assert_eq!((outbound.nonce, outbound.timestamp, outbound.gas_limit, outbound.deadline), (1, 2, 3, 4));
        assert_eq!((&inbound.payload[..], &outbound.payload[..]), (&payload[..], &payload[..]));
        let nobody = chain([0; 32]);
        assert!(passage.inbound(&nobody).is_err() && passage.outbound(&nobody).is_err());
    }
}
