//! `relayer demo`: everything the devnet can do, shown with balances before and after and a time for each step.

use std::{future::Future, time::Duration};

use anyhow::{Context as _, bail, ensure};
use futures::future::try_join_all;
use infrastrukt_api::{DealState, DealView, HubApiClient as _, MessageState};
use infrastrukt_types::{Bytes, DealId, Decision, MessageId};
use serde::Serialize;
use tokio::time::{Instant, sleep};
use zeroize::Zeroizing;

use super::{Devnet, Layout, table};
use crate::{
    config::{Config, Overrides},
    user::{
        AssetSpec, BRIDGE_DEADLINE_DEFAULT, GAS_LIMIT_DEFAULT, Network, Sending, Sent, Transfer, Wallet, bridge, send,
        swap::{self, Expectation, Proposal},
    },
};

/// Messages sent each way.
const MESSAGES: usize = 20;
/// Seconds for locking in the swap that commits.
const LOCK_WITHIN_S: u64 = 120;
/// Seconds for locking in the swap that nobody accepts: short, so that the refund is seen soon.
const LOCK_WITHIN_ABORT_S: u64 = 8;
/// Longest wait for any one step.
const STEP_MAX: Duration = Duration::from_secs(150);
const POLL: Duration = Duration::from_millis(200);

/// One step as it is shown.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Step {
    pub(super) name: String,
    pub(super) seconds: f64,
    pub(super) detail: String,
}

/// Runs the whole demo and ends the devnet whatever happens.
pub(super) async fn run(layout: Layout, json: bool) -> anyhow::Result<()> {
    let started = Instant::now();
    table::say(json, "starting two chains, a hub of four validators and a relayer");
    let devnet = Devnet::start(layout.clone()).await?;
    let mut steps = vec![Step {
        name: "start".into(),
        seconds: started.elapsed().as_secs_f64(),
        detail: format!("data directory {}", layout.dir().display()),
    }];
    let outcome = tokio::select! {
        outcome = show(&layout, json, &mut steps) => outcome,
        signal = tokio::signal::ctrl_c() => Err(signal.err().map_or(anyhow::anyhow!("interrupted"), Into::into)),
    };
    devnet.stop().await;
    let balances = outcome?;
    table::report(json, &steps, &balances, started.elapsed());
    Ok(())
}

async fn show(layout: &Layout, json: bool, steps: &mut Vec<Step>) -> anyhow::Result<table::Balances> {
    let config = Config::load(&layout.config(), &Overrides::default())?;
    let network = Network::open(config, layout.dir())?;
    let password = Zeroizing::new(std::fs::read_to_string(layout.password())?);
    let alice = Wallet::open(&network, "alice", password.trim())?;
    let bob = Wallet::open(&network, "bob", password.trim())?;
    let demo = Demo { network: &network, alice, bob };
    let mut balances = table::Balances::before(&network).await?;
    let mut timed = Timed { json, steps };

    let waiting = timed.run("swap B: alice locks, nobody accepts", demo.propose(LOCK_WITHIN_ABORT_S)).await?;
    let deal = timed.run("swap A: alice locks 1, wants 5", demo.propose(LOCK_WITHIN_S)).await?;
    timed.run("swap A: bob checks and locks 5", demo.accept(deal)).await?;
    timed.run("swap A: committed on both chains", demo.settled(deal, Decision::Commit)).await?;
    timed.run(&format!("{MESSAGES} messages each way"), demo.messages()).await?;
    timed.run("100 DEV there: locked and minted", demo.transfer(true)).await?;
    timed.run("40 bDEV back: burned and released", demo.transfer(false)).await?;
    timed.run("swap B: aborted, alice refunded", demo.settled(waiting, Decision::Abort)).await?;

    balances.after(&network).await?;
    Ok(balances)
}

struct Timed<'a> {
    json: bool,
    steps: &'a mut Vec<Step>,
}

impl Timed<'_> {
    async fn run<T: table::Detail>(
        &mut self,
        name: &str,
        step: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        let started = Instant::now();
        let limited = tokio::time::timeout(STEP_MAX, step).await;
        let outcome = limited.with_context(|| format!("{name}: not done within {}s", STEP_MAX.as_secs()))?;
        let outcome = outcome.with_context(|| format!("{name}: failed"))?;
        let step = Step { name: name.into(), seconds: started.elapsed().as_secs_f64(), detail: outcome.detail() };
        table::say(self.json, &format!("{:>6.1}s  {}  {}", step.seconds, step.name, step.detail));
        self.steps.push(step);
        Ok(outcome)
    }
}

struct Demo<'network> {
    network: &'network Network,
    alice: Wallet<'network>,
    bob: Wallet<'network>,
}

impl Demo<'_> {
    /// The two chains, in the order of the configuration.
    fn chains(&self) -> anyhow::Result<[&crate::user::Chain; 2]> {
        let names: Vec<_> = self.network.config.chains.iter().map(|file| file.name.clone()).collect();
        let [a, b] = names.as_slice() else { bail!("the demo needs two chains, not {}", names.len()) };
        Ok([self.network.chain_named(a)?, self.network.chain_named(b)?])
    }

    async fn propose(&self, lock_within_s: u64) -> anyhow::Result<DealId> {
        let [a, b] = self.chains()?;
        let asset = |chain: &crate::user::Chain, amount: &str| -> anyhow::Result<AssetSpec> {
            Ok(format!("{}/native:{amount}", chain.name()).parse()?)
        };
        let legs = Proposal::swap("alice", "bob", asset(a, "1")?, asset(b, "5")?);
        let (hub_id, deal) = swap::quote(self.network, &Proposal { legs, tip: None, lock_within_s }).await?;
        let id = swap::register(self.network, hub_id, &deal).await?;
        let own = swap::own_legs(self.network, &deal, "alice")?;
        let record = swap::load_deal(self.network, id, now()).await?;
        swap::lock_legs(self.network, &self.alice, record, &own).await?;
        Ok(id)
    }

    async fn accept(&self, id: DealId) -> anyhow::Result<()> {
        let reviewed = swap::review(self.network, id, "bob", &Expectation::default(), now()).await?;
        swap::lock_legs(self.network, &self.bob, reviewed.record, &reviewed.own).await?;
        Ok(())
    }

    async fn settled(&self, id: DealId, expected: Decision) -> anyhow::Result<DealView> {
        loop {
            let view = self.network.hub.call(self.network.hub.api().deal(id)).await?;
            let view = view.with_context(|| format!("the hub does not know deal {id}"))?;
            match view.state {
                DealState::Settled => {
                    ensure!(view.decision == Some(expected), "deal {id} was decided {:?}", view.decision);
                    return Ok(view);
                }
                DealState::Stalled | DealState::Escaped | DealState::Fault => {
                    bail!("deal {id} is {:?}: {}", view.state, view.fault.unwrap_or_default());
                }
                DealState::Open
                | DealState::Locking
                | DealState::Decided
                | DealState::Certified
                | DealState::Settling => sleep(POLL).await,
            }
        }
    }

    async fn messages(&self) -> anyhow::Result<Vec<MessageId>> {
        let [a, b] = self.chains()?;
        let mut sendings = Vec::new();
        for (source, target) in [(a, b), (b, a)] {
            for number in 0..MESSAGES {
                let payload = Bytes::from(format!("message {number} from {}", source.name()).into_bytes());
                let gas_limit = GAS_LIMIT_DEFAULT;
                sendings.push(Sending { source, target, recipient: None, gas_limit, deadline: None, payload });
            }
        }
        let sent = try_join_all(sendings.iter().map(|sending| send(self.network, &self.alice, sending))).await?;
        for message in &sent {
            self.delivered(message).await?;
        }
        Ok(sent.into_iter().map(|message| message.id).collect())
    }

    async fn transfer(&self, there: bool) -> anyhow::Result<MessageId> {
        let [a, b] = self.chains()?;
        let (source, target, token, amount, wallet, recipient) =
            if there { (a, b, "DEV", "100", &self.alice, "bob") } else { (b, a, "bDEV", "40", &self.bob, "alice") };
        let (recipient, deadline) = (Some(recipient), BRIDGE_DEADLINE_DEFAULT);
        let transfer = Transfer { source, target, token, amount, recipient, deadline, refund_to: None };
        let sent = bridge(self.network, wallet, &transfer).await?;
        self.delivered(&sent).await?;
        Ok(sent.id)
    }

    async fn delivered(&self, sent: &Sent) -> anyhow::Result<()> {
        loop {
            match self.network.hub.call(self.network.hub.api().message(sent.id)).await? {
                Some(view) if view.state == MessageState::Delivered => return Ok(()),
                Some(view) if matches!(view.state, MessageState::Expired | MessageState::Refunded) => {
                    bail!("message {} expired", sent.id);
                }
                Some(_) | None => sleep(POLL).await,
            }
        }
    }
}

fn now() -> infrastrukt_types::Timestamp {
    let elapsed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    infrastrukt_types::Timestamp(elapsed.as_secs())
}
