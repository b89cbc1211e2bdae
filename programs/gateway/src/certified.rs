//! Which verified checkpoints may say what. Judged when they are used, not when they were verified: the epoch may have
//! been retired or have expired meanwhile.

use anchor_lang::prelude::*;
use infrastrukt_core::checkpoint::{COMMITS, GENERAL, ROTATION};

use crate::{
    errors::{ensure, GatewayError},
    state::{Checkpoint, Epoch},
};

/// Refuses unless the checkpoint speaks for messages now.
pub fn require_general(epoch: &Epoch, checkpoint: &Checkpoint, now: u64) -> Result<()> {
    require_verified(epoch, checkpoint, GENERAL)?;
    epoch.require_current(now)
}

/// Refuses unless the checkpoint may hand over to the next set now.
pub fn require_rotation(epoch: &Epoch, checkpoint: &Checkpoint, now: u64) -> Result<()> {
    require_verified(epoch, checkpoint, ROTATION)?;
    epoch.require_current(now)
}

/// Refuses unless the checkpoint's decisions of this kind count now.
pub fn require_decision(epoch: &Epoch, checkpoint: &Checkpoint, commit: bool, now: u64, grace: u64) -> Result<()> {
    require_verified(epoch, checkpoint, if commit { COMMITS } else { GENERAL })?;
    epoch.require_deciding(now, grace)
}

fn require_verified(epoch: &Epoch, checkpoint: &Checkpoint, kind: u8) -> Result<()> {
    ensure!(checkpoint.verified, GatewayError::NotVerified);
    ensure!(checkpoint.kind == kind, GatewayError::WrongKind);
    ensure!(checkpoint.epoch == epoch.number, GatewayError::UnknownEpoch);
    Ok(())
}
