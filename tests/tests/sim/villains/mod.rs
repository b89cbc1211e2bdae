//! The villains of a run, one file each. All but the traitor stop before the run ends: what they broke is mended, and
//! everything they held up must then come to its end.

mod censor;
mod clock_bender;
mod cutter;
mod disk_breaker;
mod double_claimer;
mod equivocator;
mod fee_raiser;
mod forger;
mod forker;
mod gap_maker;
mod killer;
mod lying_rpc;
mod picky_payee;
mod staller;
mod storm_maker;
mod weak_rpc;

pub(crate) use equivocator::run as equivocate;

use std::sync::Arc;
use tokio::task::JoinSet;

use crate::{dice::Dice, world::World};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Villain {
    Censor,
    ClockBender,
    Cutter,
    DiskBreaker,
    DoubleClaimer,
    FeeRaiser,
    Forger,
    Forker,
    GapMaker,
    Killer,
    LyingRpc,
    PickyPayee,
    Staller,
    StormMaker,
    WeakRpc,
}

impl Villain {
    pub(crate) const ALL: [Self; 15] = [
        Self::Censor,
        Self::ClockBender,
        Self::Cutter,
        Self::DiskBreaker,
        Self::DoubleClaimer,
        Self::FeeRaiser,
        Self::Forger,
        Self::Forker,
        Self::GapMaker,
        Self::Killer,
        Self::LyingRpc,
        Self::PickyPayee,
        Self::Staller,
        Self::StormMaker,
        Self::WeakRpc,
    ];

    /// Lets it loose until its task is aborted.
    pub(crate) fn begin(self, world: Arc<World>, dice: Dice, tasks: &mut JoinSet<()>) {
        match self {
            Self::Censor => tasks.spawn(censor::run(world, dice)),
            Self::ClockBender => tasks.spawn(clock_bender::run(world, dice)),
            Self::Cutter => tasks.spawn(cutter::run(world, dice)),
            Self::DiskBreaker => tasks.spawn(disk_breaker::run(world, dice)),
            Self::DoubleClaimer => tasks.spawn(double_claimer::run(world, dice)),
            Self::FeeRaiser => tasks.spawn(fee_raiser::run(world, dice)),
            Self::Forger => tasks.spawn(forger::run(world, dice)),
            Self::Forker => tasks.spawn(forker::run(world, dice)),
            Self::GapMaker => tasks.spawn(gap_maker::run(world, dice)),
            Self::Killer => tasks.spawn(killer::run(world, dice)),
            Self::LyingRpc => tasks.spawn(lying_rpc::run(world, dice)),
            Self::PickyPayee => tasks.spawn(picky_payee::run(world, dice)),
            Self::Staller => tasks.spawn(staller::run(world, dice)),
            Self::StormMaker => tasks.spawn(storm_maker::run(world, dice)),
            Self::WeakRpc => tasks.spawn(weak_rpc::run(world, dice)),
        };
    }
}

/// Waits for a while, between bounds in milliseconds.
async fn wait(world: &World, dice: &mut Dice, first_ms: u64, last_ms: u64) {
    world.env.time.sleep_ms(dice.within(first_ms, last_ms)).await;
}
