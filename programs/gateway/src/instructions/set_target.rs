use anchor_lang::prelude::*;

use crate::{
    addresses::{is_home, Placed, TARGET_SEED},
    errors::{ensure, GatewayError},
    events::{self, TargetSet},
    state::{Config, Target},
    store,
};

/// Most gas that a message may ask for; the hub certifies no more.
const MAX_GAS_LIMIT: u32 = 10_000_000;
/// Most bytes of a payload that this chain can send.
const MAX_PAYLOAD: u16 = 4_096;

/// A chain and its caps.
#[derive(AnchorSerialize, AnchorDeserialize, Clone)]
pub struct TargetArgs {
    pub chain: u64,
    pub gateway: [u8; 32],
    pub max_gas_limit: u32,
    pub max_payload: u16,
    pub evm: bool,
}

/// Opens a chain, or changes its caps. Its gateway and kind of address are set once: messages under way are bound to that
/// gateway, and another would count its nonces from 1 over bits that are already set.
#[derive(Accounts)]
pub struct SetTarget<'info> {
    pub owner: Signer<'info>,
    #[account(mut)]
    pub payer: Signer<'info>,
    #[account(constraint = is_home(&config) @ ErrorCode::ConstraintAddress)]
    pub config: Box<Account<'info, Config>>,
    /// CHECK: opened here at its address, or read and compared with it.
    #[account(mut)]
    pub target: UncheckedAccount<'info>,
    pub system_program: Program<'info, System>,
    /// CHECK: compared where the event is recorded.
    pub event_authority: UncheckedAccount<'info>,
    /// CHECK: only here so that the program can call itself.
    pub program: UncheckedAccount<'info>,
}

impl SetTarget<'_> {
    pub fn run(ctx: Context<SetTarget>, args: TargetArgs) -> Result<()> {
        let accounts = ctx.accounts;
        accounts.config.require_owner(&accounts.owner)?;
        ensure!(args.chain != 0 && args.chain != accounts.config.chain, GatewayError::WrongTarget);
        ensure!(args.max_gas_limit <= MAX_GAS_LIMIT, GatewayError::GasLimitTooHigh);
        ensure!(args.max_payload <= MAX_PAYLOAD, GatewayError::PayloadTooLarge);
        let mut target = if store::is_free(&accounts.target) {
            open(&accounts.payer, &accounts.target, &args)?
        } else {
            reopen(&accounts.target, &args)?
        };
        (target.max_gas_limit, target.max_payload) = (args.max_gas_limit, args.max_payload);
        store::write(&accounts.target, &target)?;
        let TargetArgs { chain, gateway, max_gas_limit, max_payload, evm } = args;
        let event = TargetSet { target: chain, gateway, max_gas_limit, max_payload, evm };
        events::emit(&accounts.event_authority, &event)
    }
}

fn open<'info>(payer: &AccountInfo<'info>, account: &AccountInfo<'info>, args: &TargetArgs) -> Result<Target> {
    let seeds: [&[u8]; 2] = [TARGET_SEED, &args.chain.to_le_bytes()];
    let bump = store::open(payer, account, &seeds, 8 + Target::INIT_SPACE)?;
    let mut target = Target {
        chain: args.chain,
        gateway: args.gateway,
        bridge_peer: [0; 32],
        nonce: 0,
        max_gas_limit: 0,
        max_payload: 0,
        flags: 0,
        base_fee: 0,
        fee_per_gas_micro: 0,
        valid_until: 0,
        bump,
    };
    target.set_evm(args.evm);
    ensure!(target.has_account(&args.gateway), GatewayError::InvalidRecipient);
    Ok(target)
}

fn reopen(account: &AccountInfo<'_>, args: &TargetArgs) -> Result<Target> {
    let target: Target = store::read(account)?;
    ensure!(target.chain == args.chain && account.key == &target.address(), GatewayError::WrongAddress);
    ensure!(target.gateway == args.gateway && target.is_evm() == args.evm, GatewayError::PeerFixed);
    Ok(target)
}
