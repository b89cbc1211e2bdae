//! What one token bridge tells another.

use crate::Bytes32;

/// Bytes of a payload.
pub const PAYLOAD_BYTES: usize = 121;

const VERSION: u8 = 1;

/// A transfer. Addresses are those of the chain they are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// The token on the target, zero for its native coin.
    pub token: Bytes32,
    /// Wire units.
    pub amount: u64,
    /// Who receives it.
    pub recipient: Bytes32,
    /// Who gets it back on the source.
    pub refund_to: Bytes32,
    /// All that the source ever locked or burned on this route, this transfer included, in wire units.
    pub cumulative: u128,
}

impl Transfer {
    /// version ‖ token ‖ amount ‖ recipient ‖ refund_to ‖ cumulative, packed big-endian.
    pub fn encode(&self) -> [u8; PAYLOAD_BYTES] {
        let mut bytes = [0; PAYLOAD_BYTES];
        bytes[0] = VERSION;
        bytes[1..33].copy_from_slice(&self.token);
        bytes[33..41].copy_from_slice(&self.amount.to_be_bytes());
        bytes[41..73].copy_from_slice(&self.recipient);
        bytes[73..105].copy_from_slice(&self.refund_to);
        bytes[105..].copy_from_slice(&self.cumulative.to_be_bytes());
        bytes
    }

    /// The transfer in a payload of exactly the right length and version.
    pub fn decode(payload: &[u8]) -> Option<Self> {
        let bytes: &[u8; PAYLOAD_BYTES] = payload.try_into().ok()?;
        if bytes[0] != VERSION {
            return None;
        }
        Some(Self {
            token: *bytes[1..].first_chunk()?,
            amount: u64::from_be_bytes(*bytes[33..].first_chunk()?),
            recipient: *bytes[41..].first_chunk()?,
            refund_to: *bytes[73..].first_chunk()?,
            cumulative: u128::from_be_bytes(*bytes[105..].first_chunk()?),
        })
    }
}
