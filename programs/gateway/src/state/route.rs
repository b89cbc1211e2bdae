use anchor_lang::prelude::*;
use infrastrukt_core::books::{self, Books, Kind};

use crate::{
    addresses::{self, Placed, ROUTE_SEED},
    errors::GatewayError,
};

/// The token is at home here.
pub const ROUTE_LOCK: u8 = 1;
/// The token stands for a remote one.
pub const ROUTE_MINT: u8 = 2;

/// One local token paired with one remote token, for ever, with the books of what went out and came in.
#[account]
#[derive(InitSpace)]
pub struct Route {
    /// The other chain.
    pub chain: u64,
    /// The local token, zero for SOL.
    pub token: Pubkey,
    /// Its counterpart there, zero for the native coin.
    pub remote_token: [u8; 32],
    /// `ROUTE_…`.
    pub kind: u8,
    /// As they were when it was registered.
    pub local_decimals: u8,
    /// The fewest of both sides and 8.
    pub wire_decimals: u8,
    /// Of its address.
    pub bump: u8,
    /// Gas that the remote bridge is given to receive.
    pub receive_gas: u64,
    /// Ever locked or burned here, in wire units.
    pub sent: u128,
    /// Of that, given back since the message expired undelivered.
    pub returned: u128,
    /// Ever released or minted here.
    pub received: u128,
    /// The highest running total that the remote bridge has reported.
    pub backing: u128,
}

/// The kind in a byte, if there is one.
pub fn kind_of(byte: u8) -> Option<Kind> {
    match byte {
        ROUTE_LOCK => Some(Kind::Lock),
        ROUTE_MINT => Some(Kind::Mint),
        _ => None,
    }
}

impl Placed for Route {
    fn address(&self) -> Pubkey {
        addresses::of(&[ROUTE_SEED, &self.chain.to_le_bytes(), self.token.as_ref()], self.bump)
    }
}

impl Route {
    /// Whether the token is minted here.
    pub fn is_minted(&self) -> bool {
        self.kind == ROUTE_MINT
    }

    /// The books, to be changed and kept by `keep`.
    pub fn books(&self) -> Result<Books> {
        Ok(Books {
            kind: kind_of(self.kind).ok_or(GatewayError::InvalidRoute)?,
            unit: books::unit(self.local_decimals, self.wire_decimals).ok_or(GatewayError::InvalidRoute)?,
            sent: self.sent,
            returned: self.returned,
            received: self.received,
            backing: self.backing,
        })
    }

    /// Keeps what the books say now.
    pub fn keep(&mut self, books: &Books) {
        self.sent = books.sent;
        self.returned = books.returned;
        self.received = books.received;
        self.backing = books.backing;
    }
}
