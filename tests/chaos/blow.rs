//! The blows: what each does, and how it is made good again.

use std::{fmt, time::Duration};

use alloy::{primitives::B256, sol_types::SolEvent};
use anyhow::{Result, ensure};
use tokio::time::{Instant, sleep};

use super::{
    abi,
    files::VALIDATORS,
    lie::Forgery,
    poll::until,
    proxy::{Conduct, ENDPOINTS},
    rpc::list,
    side::Side,
    world::World,
};

/// Longest wait for a block to take back.
const REORG_MAX: Duration = Duration::from_secs(45);
/// Longest wait for a lie to be listened to, before another endpoint is the honest one.
const HEARD_MAX: Duration = Duration::from_secs(6);
const LOOK_PAUSE: Duration = Duration::from_millis(100);
/// Longest until somebody says why nothing moves.
const SAYS_WHY_MAX: Duration = Duration::from_secs(60);
/// For this long nothing must move on a lane that stopped.
const STILL: Duration = Duration::from_secs(2);
/// Longest until what was certified before the stop has been delivered.
const DRAIN_MAX: Duration = Duration::from_secs(60);

/// What kinds there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `kill -9` of the relayer.
    KillRelayer,
    /// `kill -9` of the process that hosts all validators.
    KillHub,
    /// `kill -9` of that process, which comes back without one validator, and later with it.
    LoseValidator,
    /// All endpoints of one validator speak for another fork.
    DeceiveValidator,
    /// Two of three endpoints leave out an event.
    Omit,
    /// Two of three endpoints add an event that never was.
    Invent,
    /// One of three endpoints speaks for another fork.
    Fork,
    /// One of three endpoints answers nothing.
    Stall,
    /// Two of three endpoints answer nothing: there is no quorum until they are back.
    StallTwo,
    /// A block with a lock is taken back.
    ReorgLock,
    /// A block with a settlement is taken back.
    ReorgSettlement,
    /// One endpoint speaks for a fork, one answers nothing, one is honest: nobody can be believed.
    NoMajority,
}

/// All of them.
pub(crate) const KINDS: [Kind; 12] = [
    Kind::KillRelayer,
    Kind::KillHub,
    Kind::LoseValidator,
    Kind::DeceiveValidator,
    Kind::Omit,
    Kind::Invent,
    Kind::Fork,
    Kind::Stall,
    Kind::StallTwo,
    Kind::ReorgLock,
    Kind::ReorgSettlement,
    Kind::NoMajority,
];

/// One blow: what, at which chain, and a number that picks the endpoint or validator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Blow {
    pub(crate) kind: Kind,
    pub(crate) side: Side,
    pub(crate) pick: usize,
}

impl fmt::Display for Blow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = self.side;
        match self.kind {
            Kind::KillRelayer => write!(f, "kill -9 of the relayer"),
            Kind::KillHub => write!(f, "kill -9 of all validators"),
            Kind::LoseValidator => write!(f, "kill -9 of the hub, back without validator {}", self.validator()),
            Kind::DeceiveValidator => write!(f, "validator {} sees a fork of {side}", self.validator()),
            Kind::Omit => write!(f, "two endpoints of {side} omit a log"),
            Kind::Invent => write!(f, "two endpoints of {side} invent a log"),
            Kind::Fork => write!(f, "endpoint {} of {side} serves a fork", self.asked_first()),
            Kind::Stall => write!(f, "endpoint {} of {side} stalls", self.asked_first()),
            Kind::StallTwo => write!(f, "two endpoints of {side} stall"),
            Kind::ReorgLock => write!(f, "reorg of {side} under a lock"),
            Kind::ReorgSettlement => write!(f, "reorg of {side} under a settlement"),
            Kind::NoMajority => write!(f, "no honest majority for {side}"),
        }
    }
}

impl Kind {
    /// What comes first where two blows fall together: a reorg waits for something to happen, and a stall is asked
    /// about, before anybody is dead.
    pub(crate) const fn rank(self) -> u8 {
        match self {
            Self::ReorgLock | Self::ReorgSettlement => 0,
            Self::StallTwo | Self::Omit | Self::Invent | Self::NoMajority => 1,
            Self::LoseValidator | Self::DeceiveValidator | Self::Fork | Self::Stall => 2,
            Self::KillRelayer | Self::KillHub => 3,
        }
    }
}

impl Blow {
    const fn validator(&self) -> usize {
        self.pick % VALIDATORS
    }

    /// A quorum is asked of the first two; the third is asked where they differ or fail.
    const fn asked_first(&self) -> usize {
        self.pick % 2
    }

    /// Strikes. Returns whether it hit, as far as that is known at once.
    pub(crate) async fn strike(&self, world: &mut World, forgery: Option<Forgery>) -> Result<bool> {
        let (side, views) = (self.side, &world.views);
        match self.kind {
            Kind::KillRelayer => world.kill_relayer().await?,
            Kind::KillHub => world.kill_hub().await?,
            Kind::LoseValidator => world.restart_hub_without(Some(self.validator())).await?,
            Kind::DeceiveValidator => {
                world.chain(side).lead_by_fork().await?;
                for place in 0..ENDPOINTS {
                    views.conduct_for_validator(self.validator(), side, place, Conduct::Forks);
                }
            }
            Kind::Omit => return Ok(self.lie_but_one(world, Conduct::Omits).await),
            Kind::Invent => {
                views.forge(forgery);
                return Ok(self.lie_but_one(world, Conduct::Invents).await);
            }
            Kind::Fork => {
                world.chain(side).lead_by_fork().await?;
                views.conduct(side, self.asked_first(), Conduct::Forks);
            }
            Kind::Stall => views.conduct(side, self.asked_first(), Conduct::Stalls),
            Kind::StallTwo => {
                views.conduct(side, 0, Conduct::Stalls);
                views.conduct(side, 1, Conduct::Stalls);
                // Without a quorum the lane waits, and goes on by itself later.
                says_why(world, side, "too few endpoints").await?;
            }
            Kind::ReorgLock => return Ok(reorg(world, side, abi::Locked::SIGNATURE_HASH).await? > 0),
            Kind::ReorgSettlement => return Ok(reorg(world, side, abi::Settled::SIGNATURE_HASH).await? > 0),
            Kind::NoMajority => stops_and_says_why(world, side).await?,
        }
        Ok(true)
    }

    /// Makes it good again, as far as that is an operator's work.
    pub(crate) async fn heal(&self, world: &mut World) -> Result<()> {
        match self.kind {
            Kind::KillRelayer => world.start_relayer().await,
            Kind::KillHub => world.start_hub().await,
            Kind::LoseValidator => world.restart_hub_without(None).await,
            Kind::DeceiveValidator => {
                world.views.heal(self.side);
                world.restart_hub().await
            }
            Kind::Omit | Kind::Invent | Kind::Fork | Kind::Stall | Kind::StallTwo | Kind::NoMajority => {
                world.views.heal(self.side);
                Ok(())
            }
            Kind::ReorgLock | Kind::ReorgSettlement => Ok(()),
        }
    }

    /// Receipts are proven against a header that a quorum agrees on: one honest endpoint is enough for them. The
    /// relayer asks one endpoint until it fails, so another one is the honest one where nobody listened to the lie.
    /// Returns whether somebody did.
    async fn lie_but_one(&self, world: &World, conduct: Conduct) -> bool {
        let views = &world.views;
        let before = views.lies(conduct);
        for turn in 0..ENDPOINTS {
            let honest = (self.pick + turn) % ENDPOINTS;
            for place in 0..ENDPOINTS {
                views.conduct(self.side, place, if place == honest { Conduct::Honest } else { conduct });
            }
            let end = Instant::now() + HEARD_MAX;
            while Instant::now() < end {
                if views.lies(conduct) > before {
                    return true;
                }
                sleep(LOOK_PAUSE).await;
            }
        }
        false
    }
}

async fn reorg(world: &World, side: Side, event: B256) -> Result<usize> {
    world.chain(side).reorg_under(event, REORG_MAX).await
}

/// Where nobody can be believed the lane stops, says why, and nothing more of that chain arrives anywhere. Nobody gives
/// the chain up: the endpoint that is silent may yet side with the honest one.
async fn stops_and_says_why(world: &World, side: Side) -> Result<()> {
    let (chain, target) = (world.chain(side), world.chain(side.other()));
    chain.lead_by_fork().await?;
    world.views.conduct(side, 0, Conduct::Forks);
    world.views.conduct(side, 2, Conduct::Stalls);
    says_why(world, side, "differ").await?;
    until(&format!("nothing of {side} moves"), DRAIN_MAX, || async {
        let before = target.count::<abi::Delivered>(target.gateway).await?;
        sleep(STILL).await;
        let after = target.count::<abi::Delivered>(target.gateway).await?;
        Ok((before == after).then_some(()))
    })
    .await?;
    let sent = chain.count::<abi::Sent>(chain.gateway).await?;
    let delivered = target.count::<abi::Delivered>(target.gateway).await?;
    ensure!(delivered < sent, "all {sent} messages of {side} had arrived before it stopped");
    let halts = world.halts().await?;
    ensure!(halts.is_empty(), "validators gave {side} up: {halts:?}");
    Ok(())
}

/// Waits until a stage of the relayer's lane names this reason, without the lane being halted for good.
async fn says_why(world: &World, side: Side, reason: &str) -> Result<()> {
    until(&format!("the lane of {side} says what it waits for"), SAYS_WHY_MAX, || async {
        let lane = world.lane(side).await?;
        ensure!(lane["halted"].is_null(), "silence is no reason to halt: {lane}");
        let says = |stage: &serde_json::Value| stage["error"].as_str().is_some_and(|error| error.contains(reason));
        Ok(list(&lane["stages"])?.iter().any(says).then_some(()))
    })
    .await
}
