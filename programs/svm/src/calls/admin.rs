//! What owner and guardian may do.

use solana_address::Address;
use solana_instruction::Instruction;

use super::Accounts;
use crate::{data::Data, pda, wire::Word};

/// Another chain as the owner describes it.
#[derive(Clone, Copy, Debug)]
pub struct TargetArgs {
    /// The chain.
    pub chain: u64,
    /// Its gateway.
    pub gateway: Word,
    /// Most gas that a message may ask for.
    pub max_gas_limit: u32,
    /// Most bytes of a payload.
    pub max_payload: u16,
    /// True where accounts are 20 bytes.
    pub is_evm: bool,
}

/// Opens or changes the way to another chain.
pub fn set_target(owner: Address, payer: Address, args: &TargetArgs) -> Instruction {
    let data = Data::call("set_target")
        .u64(args.chain)
        .raw(&args.gateway)
        .u32(args.max_gas_limit)
        .u16(args.max_payload)
        .bool(args.is_evm);
    Accounts::default()
        .signer(owner)
        .payer(payer)
        .read(pda::config())
        .write(pda::target(args.chain))
        .system()
        .events()
        .call(data)
}

fn owned(authority: Address, account: Address) -> Accounts {
    Accounts::default().signer(authority).read(pda::config()).write(account).events()
}

/// Quotes a fee.
pub fn set_fee(owner: Address, chain: u64, base: u64, per_gas_micro: u64, valid_until: u64) -> Instruction {
    owned(owner, pda::target(chain)).call(Data::call("set_fee").u64(base).u64(per_gas_micro).u64(valid_until))
}

/// Stops or allows messages to a chain.
pub fn pause_target(authority: Address, chain: u64, paused: bool) -> Instruction {
    owned(authority, pda::target(chain)).call(Data::call("pause_target").bool(paused))
}

/// Replaces the bits of what is paused.
pub fn pause(authority: Address, functions: u8) -> Instruction {
    Accounts::default().signer(authority).write(pda::config()).events().call(Data::call("pause").u8(functions))
}

/// Names another guardian.
pub fn set_guardian(authority: Address, guardian: Address) -> Instruction {
    let data = Data::call("set_guardian").raw(guardian.as_ref());
    Accounts::default().signer(authority).write(pda::config()).events().call(data)
}

/// Pays fees out.
pub fn withdraw_fees(owner: Address, destination: Address, amount: u64) -> Instruction {
    Accounts::default()
        .signer(owner)
        .read(pda::config())
        .write(pda::fees())
        .write(destination)
        .events()
        .call(Data::call("withdraw_fees").u64(amount))
}
