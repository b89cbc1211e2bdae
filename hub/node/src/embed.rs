//! One validator by itself, for programs that put something of their own between the parts of a hub: a network, a clock
//! for each, failures. [`Node`](crate::Node) runs the same parts in one process, with its two ports.

use infrastrukt_api::Share;
use infrastrukt_ports::{Clock, Consensus};
use infrastrukt_protocol::Hub;
use std::sync::Arc;
use tokio::{sync::broadcast, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    config::EvidenceLimits,
    node::{StartError, ValidatorKit, open_validator},
    validator::{self, Surroundings, Validator},
};

/// What surrounds a validator.
#[derive(Clone)]
pub struct Around {
    /// Orders its entries, and tells it the decided blocks.
    pub consensus: Arc<dyn Consensus>,
    /// Its time.
    pub clock: Arc<dyn Clock>,
    /// Where its shares on checkpoints go.
    pub say: broadcast::Sender<Share>,
    /// Where the shares of the others come from.
    pub hear: broadcast::Sender<Share>,
    /// Bounds of evidence checking.
    pub evidence: EvidenceLimits,
}

/// A validator that runs. Dropped, it stops at once, as if its process had been killed.
pub struct LoneValidator {
    validator: Arc<Validator>,
    _tasks: JoinSet<()>,
}

impl LoneValidator {
    /// Opens its store and runs it from where that ends, on the current runtime. Whether its store fits the log, only
    /// whoever has both can check.
    pub fn start(hub: Arc<Hub>, kit: ValidatorKit, around: Around) -> Result<Self, StartError> {
        let Around { consensus, clock, say, hear, evidence } = around;
        let parts = open_validator(&hub, kit)?;
        let around = Surroundings { hub, consensus, clock, say, hear, evidence, cancel: CancellationToken::new() };
        let mut tasks = JoinSet::new();
        let validator = validator::spawn(parts, &around, &mut tasks)?;
        Ok(Self { validator, _tasks: tasks })
    }

    /// The validator as an [`Interface`](crate::api::Interface) needs it.
    pub const fn validator(&self) -> &Arc<Validator> {
        &self.validator
    }
}
