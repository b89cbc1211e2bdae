use anchor_lang::prelude::*;
use infrastrukt_core::{
    certificate::{add_signatures, Signed},
    checkpoint::ROTATION,
    valset::is_quorum,
};

use crate::{
    addresses::{is_home, Placed, CHECKPOINT_SEED},
    clock,
    errors::{ensure, GatewayError},
    state::{Checkpoint, Config, Epoch},
    store,
    wire::Header,
};

/// Counts signatures on a checkpoint, in one transaction or several, by anyone. Whoever opens it pays its rent.
#[derive(Accounts)]
pub struct VerifyCheckpoint<'info> {
    #[account(mut)]
    pub payer: Signer<'info>,
    #[account(constraint = is_home(&config) @ ErrorCode::ConstraintAddress)]
    pub config: Box<Account<'info, Config>>,
    #[account(constraint = is_home(&epoch) @ ErrorCode::ConstraintAddress)]
    pub epoch: Box<Account<'info, Epoch>>,
    /// CHECK: opened here at its address, or read and compared with it.
    #[account(mut)]
    pub checkpoint: UncheckedAccount<'info>,
    pub system_program: Program<'info, System>,
}

impl VerifyCheckpoint<'_> {
    pub fn run(ctx: Context<VerifyCheckpoint>, header: Header, signatures: Vec<u8>) -> Result<()> {
        let (accounts, now) = (ctx.accounts, clock::now()?);
        check(&header, &accounts.config, &accounts.epoch, now)?;
        let digest = header.digest(&accounts.config.hub_id, &accounts.epoch.valset_hash);
        let mut checkpoint = if store::is_free(&accounts.checkpoint) {
            open(&accounts.payer, &accounts.checkpoint, &header, digest, now)?
        } else {
            reopen(&accounts.checkpoint, &digest)?
        };
        if !checkpoint.verified {
            count(&accounts.config, &accounts.epoch, &mut checkpoint, &signatures)?;
            store::write(&accounts.checkpoint, &checkpoint)?;
        }
        Ok(())
    }
}

/// Refuses what nothing could use: the widest rule is that of decisions.
fn check(header: &Header, config: &Config, epoch: &Epoch, now: u64) -> Result<()> {
    ensure!(header.kind <= ROTATION, GatewayError::WrongKind);
    ensure!(header.outbox_root != [0; 32], GatewayError::ZeroRoot);
    ensure!(header.epoch == epoch.number, GatewayError::UnknownEpoch);
    epoch.require_deciding(now, config.grace)
}

fn open<'info>(
    payer: &AccountInfo<'info>,
    account: &AccountInfo<'info>,
    header: &Header,
    digest: [u8; 32],
    now: u64,
) -> Result<Checkpoint> {
    let bump = store::open(payer, account, &[CHECKPOINT_SEED, &digest], 8 + Checkpoint::INIT_SPACE)?;
    Ok(Checkpoint {
        digest,
        kind: header.kind,
        epoch: header.epoch,
        height: header.height,
        time: header.time,
        outbox_root: header.outbox_root,
        signed_weight: 0,
        signed: 0,
        verified: false,
        opened_at: now,
        payer: *payer.key,
        bump,
    })
}

fn reopen(account: &AccountInfo<'_>, digest: &[u8; 32]) -> Result<Checkpoint> {
    let checkpoint: Checkpoint = store::read(account)?;
    ensure!(&checkpoint.digest == digest, GatewayError::WrongAddress);
    ensure!(account.key == &checkpoint.address(), GatewayError::WrongAddress);
    Ok(checkpoint)
}

fn count(config: &Config, epoch: &Account<Epoch>, checkpoint: &mut Checkpoint, signatures: &[u8]) -> Result<()> {
    let info = epoch.to_account_info();
    let data = info.try_borrow_data()?;
    let members = epoch.members(&data)?;
    ensure!(members.count() >= usize::from(config.min_validators), GatewayError::TooFewValidators);
    let before = Signed { bits: checkpoint.signed, weight: checkpoint.signed_weight };
    let signed = add_signatures(&checkpoint.digest, members, before, signatures).map_err(GatewayError::from)?;
    checkpoint.signed = signed.bits;
    checkpoint.signed_weight = signed.weight;
    checkpoint.verified = is_quorum(signed.weight, members.total_weight());
    Ok(())
}
