//! Test tokens. Their addresses follow from the key that makes them, so that making one again finds it.

use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;

use super::dev_key;
use crate::{
    address::{SYSTEM_PROGRAM, TOKEN_PROGRAM, associated_token},
    instruction::create_associated_token,
};

/// Which development key makes the devnet's tokens: the one that deploys.
const MAKER: u32 = 9;

/// The name of the token that is minted here for one at home on another chain.
const BRIDGED: &str = "bridged DEV";

/// Bytes of a mint.
pub(super) const MINT_BYTES: usize = 82;

/// The mint that `maker` makes under this name, of at most 32 bytes.
pub fn mint_of(maker: &Pubkey, name: &str) -> Pubkey {
    Pubkey::create_with_seed(maker, name, &TOKEN_PROGRAM).expect("the names of test tokens are short")
}

/// The mint of the token that the gateway's bridge mints on devnets.
pub fn bridged_mint() -> Pubkey {
    mint_of(&dev_key(MAKER).address(), BRIDGED)
}

pub(super) const fn bridged_name() -> &'static str {
    BRIDGED
}

/// Makes a mint, and gives these owners this many units each where `authority` is the maker.
pub fn mint_setup(
    maker: &Pubkey,
    name: &str,
    (decimals, authority, lamports): (u8, Pubkey, u64),
    holders: &[(Pubkey, u64)],
) -> Vec<Instruction> {
    let mint = mint_of(maker, name);
    let mut calls = vec![create(maker, &mint, name, lamports), initialize(&mint, decimals, &authority)];
    for (owner, units) in holders {
        calls.push(create_associated_token(*maker, *owner, mint, TOKEN_PROGRAM));
        calls.push(mint_to(maker, &mint, owner, *units));
    }
    calls
}

/// `CreateAccountWithSeed` of the system program.
fn create(maker: &Pubkey, mint: &Pubkey, name: &str, lamports: u64) -> Instruction {
    let length = u64::try_from(name.len()).unwrap_or(u64::MAX);
    let space = u64::try_from(MINT_BYTES).unwrap_or(u64::MAX);
    let (kind, sizes) = (3u32.to_le_bytes(), [lamports.to_le_bytes(), space.to_le_bytes()].concat());
    let data =
        [&kind, maker.as_ref(), &length.to_le_bytes(), name.as_bytes(), sizes.as_slice(), TOKEN_PROGRAM.as_ref()];
    let accounts = vec![AccountMeta::new(*maker, true), AccountMeta::new(*mint, false)];
    Instruction { program_id: SYSTEM_PROGRAM, accounts, data: data.concat() }
}

/// `InitializeMint2` of the token program, without anyone who could freeze.
fn initialize(mint: &Pubkey, decimals: u8, authority: &Pubkey) -> Instruction {
    let data = [[20, decimals].as_slice(), authority.as_ref(), &[0]].concat();
    Instruction { program_id: TOKEN_PROGRAM, accounts: vec![AccountMeta::new(*mint, false)], data }
}

/// `MintTo` of the token program.
fn mint_to(maker: &Pubkey, mint: &Pubkey, owner: &Pubkey, units: u64) -> Instruction {
    let holding = associated_token(owner, mint, &TOKEN_PROGRAM);
    let accounts =
        vec![AccountMeta::new(*mint, false), AccountMeta::new(holding, false), AccountMeta::new_readonly(*maker, true)];
    Instruction { program_id: TOKEN_PROGRAM, accounts, data: [[7].as_slice(), &units.to_le_bytes()].concat() }
}
