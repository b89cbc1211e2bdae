use anchor_lang::{prelude::*, solana_program::bpf_loader_upgradeable};
use infrastrukt_core::{
    leg::{MAX_ESCAPE_SECONDS, MAX_TIME},
    valset::MAX_MEMBERS,
};

use crate::{
    addresses::{ASSET_SEED, BRIDGE_SEED, CONFIG_SEED, ESCROW_SEED, FEES_SEED},
    clock,
    epochs::{self, Next},
    errors::{ensure, GatewayError},
    events::{self, GuardianSet, Rotated},
    state::{Asset, Config, Purse, PURSE_BRIDGE, PURSE_ESCROW, PURSE_FEES},
    store,
};

/// Chain ids from here on are assigned by the hub to chains that have no EIP-155 id.
const FIRST_ASSIGNED_ID: u64 = 1 << 63;
const SOL_DECIMALS: u8 = 9;
/// Tag of the loader's accounts that hold a program's bytes and authority.
const PROGRAM_DATA: u32 = 3;

/// What a deployment is. None of it but the guardian ever changes.
#[derive(AnchorSerialize, AnchorDeserialize, Clone)]
pub struct InitializeArgs {
    pub hub_id: [u8; 32],
    pub chain: u64,
    pub owner: Pubkey,
    pub recovery_owner: Pubkey,
    pub guardian: Pubkey,
    pub grace: u64,
    pub min_validators: u16,
    pub min_escape_window: u64,
    pub max_lock_horizon: u64,
    pub epoch: u64,
    pub expires_at: u64,
    pub valset_hash: [u8; 32],
}

/// Sets the program up, once. Only its upgrade authority may, so that nobody does it first with another hub or owner.
#[derive(Accounts)]
pub struct Initialize<'info> {
    #[account(mut)]
    pub payer: Signer<'info>,
    pub authority: Signer<'info>,
    /// CHECK: at the one address that the loader has for it, and read below.
    #[account(
        address = bpf_loader_upgradeable::get_program_data_address(&crate::ID),
        owner = bpf_loader_upgradeable::ID,
        constraint = upgrade_authority(&program_data)? == Some(authority.key()) @ GatewayError::Unauthorized,
    )]
    pub program_data: UncheckedAccount<'info>,
    /// CHECK: opened here at its address.
    #[account(mut)]
    pub config: UncheckedAccount<'info>,
    /// CHECK: opened here at its address.
    #[account(mut)]
    pub escrow: UncheckedAccount<'info>,
    /// CHECK: opened here at its address.
    #[account(mut)]
    pub bridge: UncheckedAccount<'info>,
    /// CHECK: opened here at its address.
    #[account(mut)]
    pub fees: UncheckedAccount<'info>,
    /// CHECK: opened here at its address.
    #[account(mut)]
    pub epoch: UncheckedAccount<'info>,
    /// CHECK: opened here at its address.
    #[account(mut)]
    pub native_asset: UncheckedAccount<'info>,
    pub system_program: Program<'info, System>,
    /// CHECK: compared where the event is recorded.
    pub event_authority: UncheckedAccount<'info>,
    /// CHECK: only here so that the program can call itself.
    pub program: UncheckedAccount<'info>,
}

impl Initialize<'_> {
    pub fn run(ctx: Context<Initialize>, args: InitializeArgs) -> Result<()> {
        check(&args)?;
        let accounts = ctx.accounts;
        let (number, guardian) = (args.epoch, args.guardian);
        let (valset_hash, expires_at) = (args.valset_hash, args.expires_at);
        store::open(&accounts.payer, &accounts.config, &[CONFIG_SEED], 8 + Config::INIT_SPACE)?;
        store::write(&accounts.config, &config(args))?;
        open_purse(&accounts.payer, &accounts.escrow, ESCROW_SEED, PURSE_ESCROW)?;
        open_purse(&accounts.payer, &accounts.bridge, BRIDGE_SEED, PURSE_BRIDGE)?;
        open_purse(&accounts.payer, &accounts.fees, FEES_SEED, PURSE_FEES)?;
        open_sol(&accounts.payer, &accounts.native_asset)?;
        let next = Next { number, valset_hash, expires_at };
        epochs::begin(&accounts.payer, &accounts.epoch, next, clock::now()?)?;
        events::emit(&accounts.event_authority, &GuardianSet { guardian })?;
        events::emit(&accounts.event_authority, &Rotated { epoch: number, valset_hash, expires_at })
    }
}

/// Who may upgrade the program: `UpgradeableLoaderState::ProgramData` in bincode is its tag 3 in four bytes, the slot in
/// eight, and the authority behind one byte that says whether there is one. Anchor's reader of it brings bincode along.
fn upgrade_authority(program_data: &AccountInfo<'_>) -> Result<Option<Pubkey>> {
    authority_in(&program_data.try_borrow_data()?)
}

fn authority_in(data: &[u8]) -> Result<Option<Pubkey>> {
    let (tag, rest) = data.split_first_chunk::<4>().ok_or(ErrorCode::AccountNotProgramData)?;
    require!(u32::from_le_bytes(*tag) == PROGRAM_DATA, ErrorCode::AccountNotProgramData);
    let (_slot, rest) = rest.split_first_chunk::<8>().ok_or(ErrorCode::AccountNotProgramData)?;
    match rest.split_first() {
        Some((0, _)) => Ok(None),
        Some((1, rest)) => {
            let authority = rest.first_chunk::<32>().ok_or(ErrorCode::AccountNotProgramData)?;
            Ok(Some(Pubkey::new_from_array(*authority)))
        }
        _ => Err(ErrorCode::AccountNotProgramData.into()),
    }
}

fn check(args: &InitializeArgs) -> Result<()> {
    let nobody = Pubkey::default();
    let is_hub_named = args.hub_id != [0; 32] && args.chain >= FIRST_ASSIGNED_ID;
    let are_people_named = args.owner != nobody && args.recovery_owner != nobody && args.guardian != nobody;
    let is_set_sound = args.epoch != 0 && (1..=MAX_MEMBERS).contains(&usize::from(args.min_validators));
    let are_times_sound = args.grace != 0
        && (1..=MAX_ESCAPE_SECONDS).contains(&args.min_escape_window)
        && (1..=MAX_TIME).contains(&args.max_lock_horizon);
    ensure!(is_hub_named && are_people_named && is_set_sound && are_times_sound, GatewayError::InvalidArgument);
    Ok(())
}

fn config(args: InitializeArgs) -> Config {
    Config {
        hub_id: args.hub_id,
        chain: args.chain,
        owner: args.owner,
        recovery_owner: args.recovery_owner,
        guardian: args.guardian,
        grace: args.grace,
        min_escape_window: args.min_escape_window,
        max_lock_horizon: args.max_lock_horizon,
        current_epoch: args.epoch,
        min_validators: args.min_validators,
        paused: 0,
    }
}

fn open_purse<'info>(
    payer: &AccountInfo<'info>,
    account: &AccountInfo<'info>,
    seed: &'static [u8],
    kind: u8,
) -> Result<()> {
    store::open(payer, account, &[seed], 8 + Purse::INIT_SPACE)?;
    store::write(account, &Purse { kind })
}

fn open_sol<'info>(payer: &AccountInfo<'info>, account: &AccountInfo<'info>) -> Result<()> {
    let mint = Pubkey::default();
    let bump = store::open(payer, account, &[ASSET_SEED, mint.as_ref()], 8 + Asset::INIT_SPACE)?;
    store::write(account, &Asset::new(mint, Pubkey::default(), SOL_DECIMALS, bump))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    fn program_data(tag: u32, option: u8) -> Vec<u8> {
        [&tag.to_le_bytes()[..], &9_u64.to_le_bytes(), &[option], &KEY, &[1, 2, 3]].concat()
    }

    #[test]
    fn the_authority_is_read_and_one_that_was_given_up_is_none() {
        assert_eq!(authority_in(&program_data(3, 1)).ok(), Some(Some(Pubkey::new_from_array(KEY))));
        // The loader leaves the old key behind the zero.
        assert_eq!(authority_in(&program_data(3, 0)).ok(), Some(None));
    }

    #[test]
    fn other_accounts_of_the_loader_and_broken_ones_are_refused() {
        for tag in [0, 1, 2, 4, u32::MAX] {
            assert!(authority_in(&program_data(tag, 1)).is_err(), "tag {tag}");
        }
        assert!(authority_in(&program_data(3, 2)).is_err());
        let whole = program_data(3, 1);
        for length in 0..45 {
            assert!(authority_in(&whole[..length]).is_err(), "{length} bytes");
        }
    }
}
