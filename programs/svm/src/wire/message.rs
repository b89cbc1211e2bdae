//! Messages and what the token routes put into them.

use super::{Word, keccak};

/// The version of messages and of token payloads.
const VERSION: u8 = 1;

/// The gateways at both ends, which are part of a message's id and not of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The hub that certifies between them.
    pub hub_id: Word,
    /// Gateway of the source chain.
    pub source: Word,
    /// Gateway of the target chain.
    pub target: Word,
}

/// Bytes sent from one chain to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Always 1.
    pub version: u8,
    /// Chain it comes from.
    pub source: u64,
    /// Chain it goes to.
    pub target: u64,
    /// Number on its way from source to target, from 1.
    pub nonce: u64,
    /// Who sent it.
    pub sender: Word,
    /// Who it is for.
    pub recipient: Word,
    /// When it was sent, in seconds.
    pub timestamp: u64,
    /// Most gas that its recipient may use.
    pub gas_limit: u64,
    /// Last second at which it may be delivered; 0 where there is none.
    pub deadline: u64,
    /// What it says.
    pub payload: Vec<u8>,
}

impl Message {
    /// A message with nothing unusual about it.
    pub fn plain(source: u64, target: u64, nonce: u64, recipient: Word) -> Self {
        Self {
            version: VERSION,
            source,
            target,
            nonce,
            sender: keccak(&[b"sender"]),
            recipient,
            timestamp: 1_700_000_000,
            gas_limit: 0,
            deadline: 0,
            payload: b"hello".to_vec(),
        }
    }

    /// What is proven, delivered and remembered.
    pub fn id(&self, route: &Route) -> Word {
        keccak(&[
            b"INFRASTRUKT/MESSAGE/v1",
            &route.hub_id,
            &route.source,
            &route.target,
            &[self.version],
            &self.source.to_be_bytes(),
            &self.target.to_be_bytes(),
            &self.nonce.to_be_bytes(),
            &self.sender,
            &self.recipient,
            &self.timestamp.to_be_bytes(),
            &self.gas_limit.to_be_bytes(),
            &self.deadline.to_be_bytes(),
            &keccak(&[&self.payload]),
        ])
    }
}

/// The payload by which a token route moves tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenTransfer {
    /// The token on the target chain; zero is the native coin.
    pub token: Word,
    /// Units of at most eight decimals.
    pub amount: u64,
    /// Who is paid on the target chain.
    pub recipient: Word,
    /// Who is paid back on the source chain.
    pub refund_to: Word,
    /// All that the source ever locked or burned on this route, this transfer included.
    pub cumulative: u128,
}

impl TokenTransfer {
    /// The 121 bytes of the payload.
    pub fn payload(&self) -> Vec<u8> {
        [
            &[VERSION][..],
            &self.token,
            &self.amount.to_be_bytes(),
            &self.recipient,
            &self.refund_to,
            &self.cumulative.to_be_bytes(),
        ]
        .concat()
    }
}
