//! `relayer demo`: everything the devnet can do, shown with balances before and after and a time for each step.

use std::{future::Future, time::Duration};

use anyhow::{Context as _, bail, ensure};
use futures::future::try_join_all;
use infrastrukt_api::{DealState, DealView, HubApiClient as _, MessageState};
use infrastrukt_registry::devnet::DevNode;
use infrastrukt_types::{Bytes, DealId, Decision, MessageId};
use serde::Serialize;
use tokio::time::{Instant, sleep};
use zeroize::Zeroizing;

use super::{Devnet, Layout, table};
use crate::{
    config::{ChainFile, Config, Overrides},
    user::{
        AssetSpec, BRIDGE_DEADLINE_DEFAULT, Chain, GAS_LIMIT_DEFAULT, LegSpec, NATIVE, Network, Sending, Sent,
        Transfer, Wallet, bridge, send,
        swap::{self, Expectation, Proposal},
    },
};

/// Messages sent from each chain to each other one.
const MESSAGES: usize = 5;
/// Seconds for locking in the deals that commit.
const LOCK_WITHIN_S: u64 = 120;
/// Seconds for locking in the deal that one party lets pass: short, so that the refund is seen soon.
const LOCK_WITHIN_ABORT_S: u64 = 20;
/// What the legs of the deal of three lock, in whole coins of each chain.
const AMOUNTS: [&str; 3] = ["1", "2", "0.5"];
/// Who takes part in the deal of three, in the order of its legs.
const PARTIES: [&str; 3] = ["alice", "bob", "carol"];
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
    table::say(json, "starting three chains, a hub of four validators and a relayer");
    let devnet = Devnet::start(layout.clone(), None).await?;
    let mut steps = vec![Step {
        name: "start".into(),
        seconds: started.elapsed().as_secs_f64(),
        detail: format!("data directory {}", layout.dir().display()),
    }];
    let outcome = tokio::select! {
        outcome = show(&layout, devnet.nodes(), json, &mut steps) => outcome,
        signal = tokio::signal::ctrl_c() => Err(signal.err().map_or(anyhow::anyhow!("interrupted"), Into::into)),
    };
    devnet.stop().await;
    let balances = outcome?;
    table::report(json, &steps, &balances, started.elapsed());
    Ok(())
}

async fn show(
    layout: &Layout,
    nodes: &[DevNode],
    json: bool,
    steps: &mut Vec<Step>,
) -> anyhow::Result<table::Balances> {
    let config = Config::load(&layout.config(), &Overrides::default())?;
    let network = Network::open(config, layout.dir())?;
    let password = Zeroizing::new(std::fs::read_to_string(layout.password())?);
    let wallet = |name| Wallet::open(&network, name, password.trim());
    let [alice, bob, carol] = PARTIES;
    let demo = Demo { network: &network, alice: wallet(alice)?, bob: wallet(bob)?, carol: wallet(carol)? };
    let mut balances = table::Balances::before(&network, nodes).await?;
    let mut timed = Timed { json, steps };

    let (alice, bob, carol) = (&demo.alice, &demo.bob, &demo.carol);
    let waiting =
        timed.run("deal B of three: alice locks", demo.propose(alice, demo.ring()?, LOCK_WITHIN_ABORT_S)).await?;
    timed.run("deal B: bob locks, carol never does", demo.accept(bob, waiting)).await?;

    let [a, b, c] = demo.chains()?;
    let name = format!("swap A: alice locks 1 on {}, wants 5 on {}", a.file.title, c.file.title);
    let swap = timed.run(&name, demo.propose(alice, demo.swap()?, LOCK_WITHIN_S)).await?;
    timed.run("swap A: bob checks and locks 5", demo.accept(bob, swap)).await?;
    timed.run("swap A: committed on both chains", demo.settled(swap, Decision::Commit)).await?;

    let deal = timed.run("deal C of three: alice locks", demo.propose(alice, demo.ring()?, LOCK_WITHIN_S)).await?;
    timed
        .run("deal C: bob and carol lock", async {
            demo.accept(bob, deal).await?;
            demo.accept(carol, deal).await
        })
        .await?;
    timed.run("deal C: committed on all three chains", demo.settled(deal, Decision::Commit)).await?;

    timed.run(&format!("{MESSAGES} messages from each chain to each other"), demo.messages()).await?;
    for target in [b, c] {
        let there = format!("100 DEV to {}: locked and minted", target.file.title);
        timed.run(&there, demo.transfer(a, target, "DEV", "100", alice, "bob")).await?;
        let back = format!("40 bDEV back from {}: burned and released", target.file.title);
        timed.run(&back, demo.transfer(target, a, "bDEV", "40", bob, "alice")).await?;
    }
    timed.run("deal B: aborted, alice and bob refunded", demo.settled(waiting, Decision::Abort)).await?;

    balances.after(&network, nodes).await?;
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
    carol: Wallet<'network>,
}

impl Demo<'_> {
    /// The first three chains, in the order of the configuration.
    fn chains(&self) -> anyhow::Result<[&Chain; 3]> {
        let files = &self.network.config.chains;
        let [a, b, c, ..] = files.as_slice() else { bail!("the demo needs three chains, not {}", files.len()) };
        let chain = |file: &ChainFile| self.network.chain_named(&file.name);
        Ok([chain(a)?, chain(b)?, chain(c)?])
    }

    /// A swap between the first and the third chain.
    fn swap(&self) -> anyhow::Result<Vec<LegSpec>> {
        let [a, _, c] = self.chains()?;
        Ok(Proposal::swap("alice", "bob", coins(a, "1")?, coins(c, "5")?))
    }

    /// A leg on each chain: everybody pays the next one.
    fn ring(&self) -> anyhow::Result<Vec<LegSpec>> {
        let mut legs = Vec::new();
        for (place, chain) in self.chains()?.into_iter().enumerate() {
            let payee = PARTIES[(place + 1) % PARTIES.len()];
            let (party, asset) = (PARTIES[place].into(), coins(chain, AMOUNTS[place])?);
            legs.push(LegSpec { party, asset, payee: payee.into() });
        }
        Ok(legs)
    }

    async fn propose(&self, wallet: &Wallet<'_>, legs: Vec<LegSpec>, lock_within_s: u64) -> anyhow::Result<DealId> {
        let (hub_id, deal) = swap::quote(self.network, &Proposal { legs, tip: None, lock_within_s }).await?;
        let id = swap::register(self.network, hub_id, &deal).await?;
        let own = swap::own_legs(self.network, &deal, wallet.name())?;
        let record = swap::load_deal(self.network, id, now()).await?;
        swap::lock_legs(self.network, wallet, record, &own).await?;
        Ok(id)
    }

    async fn accept(&self, wallet: &Wallet<'_>, id: DealId) -> anyhow::Result<()> {
        let reviewed = swap::review(self.network, id, wallet.name(), &Expectation::default(), now()).await?;
        swap::lock_legs(self.network, wallet, reviewed.record, &reviewed.own).await?;
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
        let mut sendings = Vec::new();
        for source in self.chains()? {
            for target in self.chains()?.into_iter().filter(|target| target.file.id != source.file.id) {
                for number in 0..MESSAGES {
                    let payload = Bytes::from(format!("message {number} from {}", source.file.title).into_bytes());
                    let gas_limit = GAS_LIMIT_DEFAULT;
                    sendings.push(Sending { source, target, recipient: None, gas_limit, deadline: None, payload });
                }
            }
        }
        let sent = try_join_all(sendings.iter().map(|sending| send(self.network, &self.alice, sending))).await?;
        for message in &sent {
            self.delivered(message).await?;
        }
        Ok(sent.into_iter().map(|message| message.id).collect())
    }

    async fn transfer(
        &self,
        source: &Chain,
        target: &Chain,
        token: &str,
        amount: &str,
        wallet: &Wallet<'_>,
        recipient: &str,
    ) -> anyhow::Result<MessageId> {
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

fn coins(chain: &Chain, amount: &str) -> anyhow::Result<AssetSpec> {
    Ok(format!("{}/{NATIVE}:{amount}", chain.name()).parse()?)
}

fn now() -> infrastrukt_types::Timestamp {
    let elapsed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    infrastrukt_types::Timestamp(elapsed.as_secs())
}
