use anchor_lang::prelude::*;
use infrastrukt_core::{fee::fee_up, message::is_evm_account};

use crate::{
    addresses::{self, Placed, TARGET_SEED},
    errors::{ensure, GatewayError},
};

const PAUSED: u8 = 1;
const EVM: u8 = 2;

/// Another chain: where messages go and come from.
#[account]
#[derive(InitSpace)]
pub struct Target {
    /// On the wire.
    pub chain: u64,
    /// The hub's gateway there, set once.
    pub gateway: [u8; 32],
    /// The token bridge there, set once; zero before.
    pub bridge_peer: [u8; 32],
    /// Of the last message sent there.
    pub nonce: u64,
    /// Most gas that a message may ask for.
    pub max_gas_limit: u32,
    /// Longest payload in bytes.
    pub max_payload: u16,
    /// Bit 1: paused. Bit 2: its addresses have 20 bytes.
    pub flags: u8,
    /// Lamports of every message.
    pub base_fee: u64,
    /// Micro-lamports for each unit of gas.
    pub fee_per_gas_micro: u64,
    /// Last second, Unix, at which the price holds.
    pub valid_until: u64,
    /// Of its address.
    pub bump: u8,
}

impl Placed for Target {
    fn address(&self) -> Pubkey {
        addresses::of(&[TARGET_SEED, &self.chain.to_le_bytes()], self.bump)
    }
}

impl Target {
    /// Whether new messages there are stopped.
    pub fn is_paused(&self) -> bool {
        self.flags & PAUSED != 0
    }

    /// Stops or allows new messages.
    pub fn set_paused(&mut self, paused: bool) {
        self.flags = if paused { self.flags | PAUSED } else { self.flags & !PAUSED };
    }

    /// Whether addresses there have 20 bytes, so that dirty upper bytes are a mistake.
    pub fn is_evm(&self) -> bool {
        self.flags & EVM != 0
    }

    /// Says what addresses there are like. Only before the gateway is set.
    pub fn set_evm(&mut self, evm: bool) {
        self.flags = if evm { self.flags | EVM } else { self.flags & !EVM };
    }

    /// Whether `word` can be an account or contract there.
    pub fn has_account(&self, word: &[u8; 32]) -> bool {
        if self.is_evm() {
            is_evm_account(word)
        } else {
            word != &[0; 32]
        }
    }

    /// The token bridge there. Refuses where none is registered.
    pub fn peer(&self) -> Result<[u8; 32]> {
        ensure!(self.bridge_peer != [0; 32], GatewayError::UnknownPeer);
        Ok(self.bridge_peer)
    }

    /// The price in lamports of a message within the caps, while a price is promised.
    pub fn quote(&self, now: u64, gas_limit: u64, payload_bytes: usize) -> Result<u64> {
        ensure!(gas_limit <= u64::from(self.max_gas_limit), GatewayError::GasLimitTooHigh);
        ensure!(payload_bytes <= usize::from(self.max_payload), GatewayError::PayloadTooLarge);
        ensure!(now <= self.valid_until, GatewayError::QuoteExpired);
        let fee = fee_up(self.base_fee, self.fee_per_gas_micro, gas_limit, payload_bytes as u64);
        Ok(fee.ok_or(GatewayError::Overflow)?)
    }
}
