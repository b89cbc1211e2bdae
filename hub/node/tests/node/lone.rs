//! One validator by itself, at the end of a long line.

use async_trait::async_trait;
use infrastrukt_hub::{
    consensus::InProcessLeader,
    embed::{Around, LoneValidator},
};
use infrastrukt_ports::{Consensus, PortError};
use infrastrukt_protocol::Hub;
use infrastrukt_store::ConsensusLog;
use infrastrukt_types::{Block, Height, HubTx};
use std::{sync::Arc, time::Duration};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use crate::world::{World, eventually};

/// How long a block is on its way: more than the second after which a validator looks at its other work.
const DELAY: Duration = Duration::from_millis(1_500);

/// A log that is far away.
struct Distant(Arc<InProcessLeader>);

#[async_trait]
impl Consensus for Distant {
    async fn submit(&self, tx: HubTx) -> Result<(), PortError> {
        self.0.submit(tx).await
    }

    async fn decided(&self, height: Height) -> Result<Block, PortError> {
        tokio::time::sleep(DELAY).await;
        self.0.decided(height).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_that_is_long_on_its_way_is_followed_all_the_same() {
    let mut parts = World::in_memory().parts();
    let hub = Arc::new(Hub::new(parts.genesis.clone()));
    let log = Arc::new(ConsensusLog::new(parts.log));
    let leader = InProcessLeader::open(log, parts.clock.clone(), parts.settings.consensus.pace()).unwrap();
    let cancel = CancellationToken::new();
    tokio::spawn(leader.clone().run(cancel.clone()));
    let gossip = broadcast::channel(16).0;
    let around = Around {
        consensus: Arc::new(Distant(leader)),
        clock: parts.clock,
        say: gossip.clone(),
        hear: gossip,
        evidence: parts.settings.evidence,
    };
    let lone = LoneValidator::start(hub, parts.validators.remove(0), around).unwrap();
    eventually("the second block", || async { (lone.validator().height() >= Height(2)).then_some(()) }).await;
    cancel.cancel();
}
