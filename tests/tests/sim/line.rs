//! A validator's line to the others: entries to the log, blocks from it, shares between validators. Whatever goes over
//! it may be lost, late, twice or out of order. What honest validators say is watched: none may ever say two things.

use async_trait::async_trait;
use infrastrukt_api::Share;
use infrastrukt_ports::{Consensus, PortError};
use infrastrukt_types::{Block, Height, HubTx};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::broadcast::{self, error::RecvError};

use crate::{
    net::Fate,
    party::{Life, Party, VALIDATORS},
    world::World,
};

/// Pause before a block is asked for again that did not come, or that there is none of yet.
const ASK_AGAIN_MS: u64 = 1_000;

/// The log, as far as a validator reaches it.
pub(crate) struct Line {
    world: Arc<World>,
    me: Party,
    life: Life,
    /// When blocks that are on their way arrive. Whoever stops waiting and begins again waits no longer for that.
    arrivals: Mutex<BTreeMap<Height, u64>>,
}

impl Line {
    pub(crate) fn new(world: Arc<World>, index: u8, life: Life) -> Self {
        Self { world, me: Party::Validator(index), life, arrivals: Mutex::default() }
    }

    fn arrivals(&self) -> MutexGuard<'_, BTreeMap<Height, u64>> {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When a block arrives that was decided; `None` where it got lost this time.
    fn arrival(&self, height: Height) -> Option<u64> {
        if let Some(at_ms) = self.arrivals().get(&height) {
            return Some(*at_ms);
        }
        match self.world.net.send(Party::Front, self.me) {
            Fate::Lost => None,
            Fate::Arrives { after_ms, again_ms: _ } => {
                let at_ms = self.world.env.time.now_ms() + after_ms;
                let mut arrivals = self.arrivals();
                arrivals.retain(|known, _| *known >= height);
                arrivals.insert(height, at_ms);
                Some(at_ms)
            }
        }
    }
}

#[async_trait]
impl Consensus for Line {
    async fn submit(&self, tx: HubTx) -> Result<(), PortError> {
        self.life.go_on().await;
        self.world.watch.entry(&self.world.env, &tx);
        match self.world.net.send(self.me, Party::Front) {
            Fate::Lost => {}
            Fate::Arrives { after_ms, again_ms } => {
                for after_ms in [Some(after_ms), again_ms].into_iter().flatten() {
                    tokio::spawn(order(self.world.clone(), after_ms, tx.clone()));
                }
            }
        }
        Ok(())
    }

    async fn decided(&self, height: Height) -> Result<Block, PortError> {
        let World { env, .. } = self.world.as_ref();
        loop {
            self.life.go_on().await;
            let front = self.world.front().filter(|front| front.leader.height() >= height);
            let Some(front) = front else {
                tokio::select! {
                    biased;
                    () = self.world.disk(Party::Front).written.notified() => {}
                    () = env.time.sleep_ms(ASK_AGAIN_MS) => {}
                }
                continue;
            };
            match self.arrival(height) {
                Some(at_ms) => env.time.sleep_until(at_ms).await,
                None => {
                    env.time.sleep_ms(ASK_AGAIN_MS).await;
                    continue;
                }
            }
            self.life.go_on().await;
            return front.leader.decided(height).await;
        }
    }
}

/// Brings an entry to whoever orders the log when it arrives.
pub(crate) async fn order(world: Arc<World>, after_ms: u64, tx: HubTx) {
    world.env.time.sleep_ms(after_ms).await;
    if let Some(front) = world.front()
        && let Err(error) = front.leader.submit(tx).await
    {
        // It is offered again by whoever offered it.
        world.env.act("entry refused", &[error.message.len() as u64]);
    }
}

/// Carries what one validator says to the others.
pub(crate) async fn spread(world: Arc<World>, index: u8, life: Life, mut said: broadcast::Receiver<Share>) {
    loop {
        let share = match said.recv().await {
            Ok(share) => share,
            Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return,
        };
        if life.is_over() {
            return;
        }
        world.watch.share(&world.env, &share);
        for other in (0..VALIDATORS).filter(|other| *other != index) {
            send_share(&world, Party::Validator(index), other, &share);
        }
    }
}

/// Sends a share to one validator.
pub(crate) fn send_share(world: &Arc<World>, from: Party, to: u8, share: &Share) {
    let Fate::Arrives { after_ms, again_ms } = world.net.send(from, Party::Validator(to)) else { return };
    for after_ms in [Some(after_ms), again_ms].into_iter().flatten() {
        let (world, share) = (world.clone(), share.clone());
        tokio::spawn(async move {
            world.env.time.sleep_ms(after_ms).await;
            world.hear(to, share);
        });
    }
}
