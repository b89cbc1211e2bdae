//! What the owner of a deployment does once: devnets do it at their start.

use borsh::BorshSerialize;
use infrastrukt_types::{B256, ChainId};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;

use super::{read, sign, sign_write, write};
use crate::{
    address::{Gateway, NATIVE, SYSTEM_PROGRAM, program_data},
    discriminator::instruction::{INITIALIZE, REGISTER_PEER, REGISTER_ROUTE, SET_FEE, SET_OUTFLOW_LIMIT, SET_TARGET},
};

/// Settings of a new gateway.
#[derive(BorshSerialize, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Initialize {
    pub(crate) hub_id: [u8; 32],
    pub(crate) chain: u64,
    pub(crate) owner: [u8; 32],
    pub(crate) recovery_owner: [u8; 32],
    pub(crate) guardian: [u8; 32],
    pub(crate) grace: u64,
    pub(crate) min_validators: u16,
    pub(crate) min_escape_window: u64,
    pub(crate) max_lock_horizon: u64,
    pub(crate) epoch: u64,
    pub(crate) expires_at: u64,
    pub(crate) valset_hash: [u8; 32],
}

/// What messages to a chain may be and cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TargetTerms {
    pub(crate) gateway: [u8; 32],
    pub(crate) max_gas_limit: u32,
    pub(crate) max_payload: u16,
    pub(crate) is_evm: bool,
}

impl Gateway {
    /// Sets the gateway up; `authority` may upgrade the program.
    pub(crate) fn initialize(&self, authority: Pubkey, args: &Initialize) -> Instruction {
        let accounts = vec![
            sign_write(authority),
            sign(authority),
            read(program_data(&self.program)),
            write(self.config),
            write(self.escrow),
            write(self.bridge),
            write(self.fees),
            write(self.epoch(args.epoch)),
            write(self.asset(&NATIVE)),
            read(SYSTEM_PROGRAM),
        ];
        self.emitting(INITIALIZE, args, accounts)
    }

    /// Makes another chain known.
    pub(crate) fn set_target(&self, owner: Pubkey, chain: ChainId, terms: &TargetTerms) -> Instruction {
        let TargetTerms { gateway, max_gas_limit, max_payload, is_evm } = *terms;
        let accounts =
            vec![sign(owner), sign_write(owner), read(self.config), write(self.target(chain)), read(SYSTEM_PROGRAM)];
        self.emitting(SET_TARGET, &(chain.0, gateway, max_gas_limit, max_payload, is_evm), accounts)
    }

    /// Sets the fee of messages to a chain, in lamports and micro-lamports for a unit of gas.
    pub(crate) fn set_fee(&self, owner: Pubkey, chain: ChainId, fee: (u64, u64), valid_until: u64) -> Instruction {
        let accounts = vec![sign(owner), read(self.config), write(self.target(chain))];
        self.emitting(SET_FEE, &(fee.0, fee.1, valid_until), accounts)
    }

    /// Names the other chain's token bridge.
    pub(crate) fn register_peer(&self, owner: Pubkey, chain: ChainId, peer: [u8; 32]) -> Instruction {
        let accounts = vec![sign(owner), read(self.config), write(self.target(chain))];
        self.emitting(REGISTER_PEER, &peer, accounts)
    }

    /// Bounds what may arrive of a token within so many seconds, and what may be given back.
    pub(crate) fn set_outflow_limit(&self, owner: Pubkey, mint: Pubkey, capacity: u64, window_s: u64) -> Instruction {
        let accounts = vec![sign(owner), read(self.config), write(self.asset(&mint))];
        self.emitting(SET_OUTFLOW_LIMIT, &(capacity, window_s), accounts)
    }

    /// Opens a token's way to another chain; `kind` 1 locks here, 2 mints here.
    pub(crate) fn register_route(
        &self,
        owner: Pubkey,
        (chain, mint): (ChainId, Pubkey),
        (remote_token, kind, remote_decimals): (B256, u8, u8),
        receive_gas: u64,
    ) -> Instruction {
        let shown = if mint == NATIVE { SYSTEM_PROGRAM } else { mint };
        let accounts = vec![
            sign(owner),
            sign_write(owner),
            read(self.config),
            write(self.asset(&mint)),
            read(shown),
            write(self.route(chain, &mint)),
            write(self.pair(chain, remote_token)),
            read(SYSTEM_PROGRAM),
        ];
        self.emitting(REGISTER_ROUTE, &(chain.0, remote_token.0, kind, remote_decimals, receive_gas), accounts)
    }
}
