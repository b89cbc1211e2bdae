//! Epochs and checkpoints.

use solana_address::Address;
use solana_instruction::Instruction;

use super::Accounts;
use crate::{
    data::Data,
    pda,
    wire::{Checkpoint, Multiproof, Word},
};

/// What the program is set up with.
#[derive(Clone, Debug)]
pub struct InitializeArgs {
    /// The hub.
    pub hub_id: Word,
    /// This chain.
    pub chain: u64,
    /// Who administers.
    pub owner: Address,
    /// Who may recover an epoch that expired.
    pub recovery_owner: Address,
    /// Who may pause.
    pub guardian: Address,
    /// Seconds for which a retired epoch's decisions count.
    pub grace: u64,
    /// Least members of a set.
    pub min_validators: u16,
    /// Shortest window of an escape, in seconds.
    pub min_escape_window: u64,
    /// Longest way to a `lock_by`, in seconds.
    pub max_lock_horizon: u64,
    /// The first epoch.
    pub epoch: u64,
    /// Its last second.
    pub expires_at: u64,
    /// Hash of its set.
    pub valset_hash: Word,
}

/// Sets the program up, once.
pub fn initialize(payer: Address, authority: Address, program_data: Address, args: &InitializeArgs) -> Instruction {
    let data = Data::call("initialize")
        .raw(&args.hub_id)
        .u64(args.chain)
        .raw(args.owner.as_ref())
        .raw(args.recovery_owner.as_ref())
        .raw(args.guardian.as_ref())
        .u64(args.grace)
        .u16(args.min_validators)
        .u64(args.min_escape_window)
        .u64(args.max_lock_horizon)
        .u64(args.epoch)
        .u64(args.expires_at)
        .raw(&args.valset_hash);
    Accounts::default()
        .payer(payer)
        .signer(authority)
        .read(program_data)
        .write(pda::config())
        .write(pda::escrow())
        .write(pda::bridge())
        .write(pda::fees())
        .write(pda::epoch(args.epoch))
        .write(pda::asset(&pda::SOL))
        .system()
        .events()
        .call(data)
}

/// Checks signatures of a checkpoint: `signatures` is what follows the set in a certificate.
pub fn verify_checkpoint(payer: Address, checkpoint: &Checkpoint, signatures: &[u8]) -> Instruction {
    Accounts::default()
        .payer(payer)
        .read(pda::config())
        .read(pda::epoch(checkpoint.epoch))
        .write(pda::checkpoint(&checkpoint.digest()))
        .system()
        .call(Data::call("verify_checkpoint").header(checkpoint).bytes(signatures))
}

/// Closes a checkpoint's account.
pub fn close_checkpoint(checkpoint: Address, payer: Address) -> Instruction {
    Accounts::default().write(checkpoint).write(payer).call(Data::call("close_checkpoint"))
}

/// Stores the members of an epoch's set.
pub fn publish_set(payer: Address, epoch: u64, set: &[u8]) -> Instruction {
    Accounts::default()
        .payer(payer)
        .write(pda::epoch(epoch))
        .system()
        .call(Data::call("publish_set").u64(epoch).bytes(set))
}

/// Hands over to the next epoch's set.
pub fn rotate(
    payer: Address,
    checkpoint: &Checkpoint,
    (next, expires_at, valset_hash): (u64, u64, &Word),
    proof: &Multiproof,
) -> Instruction {
    Accounts::default()
        .payer(payer)
        .write(pda::config())
        .read(pda::checkpoint(&checkpoint.digest()))
        .write(pda::epoch(checkpoint.epoch))
        .write(pda::epoch(next))
        .system()
        .events()
        .call(Data::call("rotate").u64(next).u64(expires_at).raw(valset_hash).proof(proof))
}

/// Gives the chain a living set again.
pub fn recover(
    recovery_owner: Address,
    payer: Address,
    current: u64,
    (next, expires_at, valset_hash): (u64, u64, &Word),
) -> Instruction {
    Accounts::default()
        .signer(recovery_owner)
        .payer(payer)
        .write(pda::config())
        .write(pda::epoch(current))
        .write(pda::epoch(next))
        .system()
        .events()
        .call(Data::call("recover").u64(next).u64(expires_at).raw(valset_hash))
}
