//! A stage: a loop that takes one bounded turn after another, and what becomes of its failures.

use async_trait::async_trait;
use infrastrukt_ports::{PortError, Remedy, StoreError};
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;

use super::{Lane, Shared, hub::HubError};
use crate::metrics;

/// Pause after the first passing failure of a stage; doubles up to the other.
const BACKOFF_MIN_MS: u64 = 250;
const BACKOFF_MAX_MS: u64 = 30_000;
/// Pause after the hub refused a request of this relayer as a whole.
const REFUSED_PAUSE: Duration = Duration::from_secs(10);

/// The stages by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum StageName {
    Observe,
    Submit,
    Take,
    Deliver,
    Confirm,
    Watch,
    Supply,
}

impl StageName {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Submit => "submit",
            Self::Take => "take",
            Self::Deliver => "deliver",
            Self::Confirm => "confirm",
            Self::Watch => "watch",
            Self::Supply => "supply",
        }
    }
}

/// When the next turn is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pause {
    /// At once: there is more to do.
    None,
    /// After this time, or when another stage wakes this one.
    Idle(Duration),
}

/// Why a turn ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StageError {
    #[error(transparent)]
    Port(#[from] PortError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Hub(#[from] HubError),
    #[error("{0}")]
    Halt(String),
}

impl StageError {
    /// True where the stage must not go on.
    pub(crate) fn is_halt(&self) -> bool {
        matches!(self.remedy(), Remedy::Halt)
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::Port(PortError { remedy, .. }) => *remedy,
            Self::Store(StoreError::Io(_)) => Remedy::Retry { after: Duration::ZERO },
            Self::Store(StoreError::Codec(_) | StoreError::UnknownColumn(_)) | Self::Halt(_) => Remedy::Halt,
            Self::Hub(HubError::Unreachable(_) | HubError::Busy(_)) => Remedy::Retry { after: Duration::ZERO },
            Self::Hub(HubError::Refused(_)) => Remedy::Retry { after: REFUSED_PAUSE },
        }
    }
}

/// One stage of one lane, or of the whole relayer where it has no lane.
#[async_trait]
pub(crate) trait Stage: Send + Sync {
    fn name(&self) -> StageName;
    fn lane(&self) -> Option<&Arc<Lane>>;
    fn wake(&self) -> &Notify;
    async fn turn(&mut self) -> Result<Pause, StageError>;
}

/// Runs a stage until the relayer stops or the stage's lane halts.
pub(crate) async fn drive(shared: Arc<Shared>, mut stage: Box<dyn Stage>) {
    let mut failures = 0;
    while !is_over(&shared, stage.as_ref()) {
        let turn = stage.turn().await;
        shared.note_turn(stage.as_ref(), turn.as_ref().err());
        let pause = match turn {
            Ok(Pause::None) => {
                failures = 0;
                tokio::task::yield_now().await;
                continue;
            }
            Ok(Pause::Idle(pause)) => {
                failures = 0;
                pause
            }
            Err(error) => match after_failure(&shared, stage.as_ref(), &error, failures) {
                Some(pause) => {
                    failures = failures.saturating_add(1);
                    pause
                }
                None => return,
            },
        };
        // After a failure nothing but time helps: a wake-up would only defeat the back-off.
        let woken = async {
            match failures {
                0 => stage.wake().notified().await,
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = shared.cancel.cancelled() => return,
            () = woken => {}
            () = shared.clock.sleep(pause) => {}
        }
    }
}

fn is_over(shared: &Shared, stage: &dyn Stage) -> bool {
    shared.cancel.is_cancelled() || stage.lane().is_some_and(|lane| lane.halted().is_some())
}

/// How long to wait, or `None` where the stage must not go on.
fn after_failure(shared: &Shared, stage: &dyn Stage, error: &StageError, failures: u32) -> Option<Duration> {
    let lane = stage.lane().map_or("hub", |lane| lane.label());
    let backoff = Duration::from_millis(shared.jitter.backoff_ms(failures, BACKOFF_MIN_MS, BACKOFF_MAX_MS));
    match error.remedy() {
        Remedy::Retry { after } => {
            metrics::retry(lane, stage.name().name());
            tracing::warn!(lane, stage = stage.name().name(), %error, "will be tried again");
            Some(after.max(backoff))
        }
        Remedy::Rewind { block } => {
            tracing::warn!(lane, stage = stage.name().name(), block, %error, "the chain changed; will be tried again");
            Some(backoff)
        }
        // A question of a stage is right by construction: that it is rejected is the word of one endpoint, which may be
        // replaced or come to its senses. Stopping would hand that endpoint the lane.
        Remedy::Reject => {
            metrics::retry(lane, "rejected");
            tracing::error!(lane, stage = stage.name().name(), %error, "an endpoint rejects a question; will be asked again");
            Some(backoff)
        }
        Remedy::Halt => {
            let reason = format!("{}: {error}", stage.name().name());
            tracing::error!(lane, stage = stage.name().name(), %error, "stopped; a person must look at it");
            match stage.lane() {
                Some(lane) => lane.halt(&reason),
                None => shared.halt_hub(&reason),
            }
            None
        }
    }
}
