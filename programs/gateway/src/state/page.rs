use std::cell::RefMut;

use anchor_lang::prelude::*;
use infrastrukt_core::replay::{self, PAGE_BYTES};

use crate::{
    addresses::{self, Placed, PAGE_SEED},
    errors::{ensure, GatewayError},
};

/// Messages to this chain that were delivered or expired, by their source.
pub const KIND_CONSUMED: u8 = 0;
/// Messages of this chain that were refunded, by their target.
pub const KIND_REFUNDED: u8 = 1;

/// Replay bits of 8,192 nonces. Nobody can close it. The bits follow the fields as raw bytes, so that they are never
/// copied.
#[account]
#[derive(InitSpace)]
pub struct Page {
    /// `KIND_…`.
    pub kind: u8,
    /// Of its address.
    pub bump: u8,
    /// Zero.
    pub reserved: [u8; 6],
    /// The other chain.
    pub chain: u64,
    /// nonce / 8,192.
    pub index: u64,
}

impl Placed for Page {
    fn address(&self) -> Pubkey {
        addresses::of(&[PAGE_SEED, &[self.kind], &self.chain.to_le_bytes(), &self.index.to_le_bytes()], self.bump)
    }
}

impl Page {
    /// Bytes before the bits.
    pub const HEAD: usize = 8 + Self::INIT_SPACE;
    /// Bytes of the account.
    pub const SPACE: usize = Self::HEAD + PAGE_BYTES;

    /// Refuses unless the bit of this message is in this page.
    pub fn require_holds(&self, kind: u8, chain: u64, nonce: u64) -> Result<()> {
        let holds = self.kind == kind && self.chain == chain && self.index == replay::page_of(nonce);
        ensure!(holds, GatewayError::WrongPage);
        Ok(())
    }
}

/// Sets the bit of a nonce of this page; false if it was set already.
pub fn claim(page: &Account<Page>, nonce: u64) -> Result<bool> {
    let info = page.to_account_info();
    let mut data: RefMut<&mut [u8]> = info.try_borrow_mut_data()?;
    let bits = data
        .get_mut(Page::HEAD..)
        .and_then(|bits| bits.first_chunk_mut::<PAGE_BYTES>())
        .ok_or(GatewayError::WrongPage)?;
    Ok(replay::set(bits, nonce))
}
