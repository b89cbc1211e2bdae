//! Supply: reads the books of every chain's token bridge and raises the alarm where they do not add up.
//!
//! Nothing else depends on it: it stops no lane, and what it cannot read it says in the log and by the age of its last
//! comparison.

use async_trait::async_trait;
use futures::future::join_all;
use infrastrukt_ports::{BridgeBooks, Clock, PortError, RouteSearch};
use infrastrukt_types::{Account, ChainId};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::sync::Notify;

use super::{Lane, Pause, Shared, Stage, StageError, StageName};
use crate::{
    metrics,
    supply::{Finding, Ledger, standings},
};

/// Pause between two comparisons: about a block of the slowest chain.
const EVERY: Duration = Duration::from_secs(10);
/// Longest wait for one chain's books, so that it holds up no comparison of the others for ever. An endpoint that hangs
/// is waited for at each of several questions, and must not keep the others from being heard.
const READ_TIMEOUT: Duration = Duration::from_secs(150);

/// What the last comparisons of one chain's token bridge came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct SupplyReport {
    /// When its books were last compared with those of all chains it has routes to.
    pub(crate) compared_ms: Option<u64>,
    /// What does not add up.
    pub(crate) violations: Vec<String>,
}

/// Watches over the token bridges of all lanes.
pub(crate) struct Supply {
    shared: Arc<Shared>,
    paced: Notify,
    started_ms: u64,
    ledger: Ledger,
}

#[async_trait]
impl Stage for Supply {
    fn name(&self) -> StageName {
        StageName::Supply
    }

    fn lane(&self) -> Option<&Arc<Lane>> {
        None
    }

    fn wake(&self) -> &Notify {
        &self.paced
    }

    async fn turn(&mut self) -> Result<Pause, StageError> {
        let lanes: Vec<Arc<Lane>> = self.shared.lanes.values().cloned().collect();
        let known: Vec<RouteSearch> = lanes.iter().map(|lane| self.known(lane)).collect();
        let ask = |(lane, search)| read(self.shared.clock.clone(), lane, search);
        let asked: Vec<_> = lanes.iter().cloned().zip(known.clone()).map(ask).collect();
        let (searches, readings): (Vec<_>, Vec<_>) = join_all(asked).await.into_iter().unzip();
        self.remember(&lanes, &known, &searches);
        let (mut served, mut fresh) = (BTreeSet::new(), BTreeMap::new());
        for (lane, reading) in lanes.iter().zip(readings) {
            match reading {
                Ok(None) => continue,
                Ok(Some(books)) => {
                    fresh.insert(lane.chain, books);
                }
                Err(error) => {
                    tracing::warn!(lane = lane.label(), %error, "the books of the token bridge cannot be read");
                }
            }
            served.insert(lane.chain);
        }
        let findings = self.ledger.judge(&served, &fresh);
        self.publish(&lanes, &findings, &fresh);
        Ok(Pause::Idle(EVERY))
    }
}

impl Supply {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let started_ms = shared.clock.now_ms();
        Self { shared, paced: Notify::new(), started_ms, ledger: Ledger::default() }
    }

    /// How far routes were looked for. Where that cannot be read they are looked for anew, which stops nothing else.
    fn known(&self, lane: &Lane) -> RouteSearch {
        self.shared.book.route_search(lane.chain).map(Option::unwrap_or_default).unwrap_or_else(|error| {
            tracing::warn!(lane = lane.label(), %error, "token routes are looked for anew");
            RouteSearch::default()
        })
    }

    fn remember(&self, lanes: &[Arc<Lane>], known: &[RouteSearch], searches: &[RouteSearch]) {
        let mut change = self.shared.book.change();
        for ((lane, _), search) in lanes.iter().zip(known).zip(searches).filter(|((_, known), search)| known != search)
        {
            change.set_route_search(lane.chain, search);
        }
        if let Err(error) = change.commit() {
            tracing::warn!(%error, "how far token routes were looked for is not stored");
        }
    }

    /// Violations stand until a complete comparison finds none.
    fn publish(
        &self,
        lanes: &[Arc<Lane>],
        findings: &BTreeMap<ChainId, Finding>,
        fresh: &BTreeMap<ChainId, BridgeBooks>,
    ) {
        let now_ms = self.shared.clock.now_ms();
        let mut reports = self.shared.supply();
        for lane in lanes {
            let Some(finding) = findings.get(&lane.chain) else { continue };
            let report = reports.entry(lane.chain).or_default();
            if finding.complete {
                report.compared_ms = Some(now_ms);
            }
            if finding.complete || !finding.violations.is_empty() {
                report.violations = finding.violations.iter().map(ToString::to_string).collect();
            }
            let compared_ms = report.compared_ms.unwrap_or(self.started_ms);
            metrics::supply_compared_age(lane.label(), now_ms.saturating_sub(compared_ms));
            alarm(lane, finding, fresh.get(&lane.chain));
            if let Some(books) = fresh.get(&lane.chain) {
                figures(lane, books);
            }
        }
        self.shared.set_supply(reports);
    }
}

/// A lane's books. A halt is of no use here: the lane itself halts where it meets the same.
async fn read(
    clock: Arc<dyn Clock>,
    lane: Arc<Lane>,
    mut search: RouteSearch,
) -> (RouteSearch, Result<Option<BridgeBooks>, PortError>) {
    let books = patient(clock.as_ref(), lane.reader.bridge_books(&mut search)).await;
    (search, books)
}

async fn patient<T>(clock: &dyn Clock, reading: impl Future<Output = Result<T, PortError>>) -> Result<T, PortError> {
    tokio::select! {
        biased;
        books = reading => books,
        () = clock.sleep(READ_TIMEOUT) => {
            Err(PortError::retry(EVERY, format!("they took longer than {} seconds", READ_TIMEOUT.as_secs())))
        }
    }
}

fn alarm(lane: &Lane, finding: &Finding, books: Option<&BridgeBooks>) {
    let violated: BTreeSet<Account> = finding.violations.iter().map(|violation| violation.token()).collect();
    for violation in &finding.violations {
        let token = lane.reader.show_account(violation.token());
        tracing::error!(lane = lane.label(), token, %violation, "a token is not backed; have the bridges paused");
    }
    for route in books.iter().flat_map(|books| &books.routes).filter(|route| route.held.is_none()) {
        let token = lane.reader.show_account(route.token);
        tracing::warn!(lane = lane.label(), token, "the token does not tell what there is of it; look at its code");
    }
    for token in &violated {
        metrics::supply_violation(lane.label(), &lane.reader.show_account(*token), true);
    }
    let sound = books.filter(|_| finding.complete).into_iter().flat_map(|books| standings(books).into_keys());
    for token in sound.filter(|token| !violated.contains(token)) {
        metrics::supply_violation(lane.label(), &lane.reader.show_account(token), false);
    }
}

fn figures(lane: &Lane, books: &BridgeBooks) {
    for (token, standing) in standings(books) {
        let token = lane.reader.show_account(token);
        if let Some(locked) = standing.locked {
            metrics::bridge_locked(lane.label(), &token, locked.booked);
        }
        if let Some(supply) = standing.minted.and_then(|minted| minted.held) {
            metrics::bridge_minted(lane.label(), &token, supply);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::SystemClock, store::Book};
    use infrastrukt_sim::SimStore;
    use infrastrukt_types::B256;

    /// Longest that an adapter waits for one answer, where nothing else is configured.
    const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
    /// What is final, routes, the head, and the books at two blocks.
    const QUESTIONS: usize = 6;

    #[tokio::test(start_paused = true)]
    async fn an_endpoint_that_hangs_at_every_question_ends_no_reading() {
        let reading = async {
            for _ in 0..QUESTIONS {
                tokio::time::sleep(REQUEST_TIMEOUT).await;
            }
            Ok(7)
        };
        assert!(matches!(patient(&SystemClock, reading).await, Ok(7)));
        let silent = patient(&SystemClock, std::future::pending::<Result<(), PortError>>()).await;
        assert!(silent.is_err(), "the comparison of the others goes on");
    }

    #[test]
    fn what_was_looked_through_is_known_after_a_restart() {
        let (store, chain) = (Arc::new(SimStore::new()), ChainId(56));
        let found = BTreeSet::from([(Account::ZERO, ChainId(1))]);
        let search = RouteSearch { bridge: Account(B256::repeat_byte(4)), next: 77, found };
        let book = Book::open(store.clone(), [chain]).expect("opens");
        let mut change = book.change();
        change.set_route_search(chain, &search);
        change.commit().expect("writes");
        let again = Book::open(store, [chain]).expect("opens");
        assert_eq!(again.route_search(chain).expect("reads"), Some(search));
        assert_eq!(again.route_search(ChainId(1)).expect("reads"), None);
    }
}
