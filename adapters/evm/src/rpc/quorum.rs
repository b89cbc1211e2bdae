//! Several independent endpoints: any of them for what is checked otherwise, k of them for what is believed.

use futures::{StreamExt, stream::FuturesUnordered};
use infrastrukt_ports::PortError;
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

use super::{
    CallError, Endpoint,
    ballot::{Ballot, Subject, spokesman},
};
use crate::config::EvmConfig;

/// How long the others are waited for once enough endpoints have answered, so that one that hangs holds up nobody.
const STRAGGLERS: Duration = Duration::from_secs(2);

/// How long an endpoint may take before another one is asked besides, where k must agree.
const HEDGE: Duration = Duration::from_millis(500);

/// One of several endpoints that are asked the same, whatever protocol it speaks.
pub trait Voter: Send + Sync {
    /// Host and port, for people.
    fn host(&self) -> String;

    /// Requests sent so far.
    fn calls(&self) -> u64;
}

impl Voter for Endpoint {
    fn host(&self) -> String {
        Endpoint::host(self)
    }

    fn calls(&self) -> u64 {
        Endpoint::calls(self)
    }
}

/// The endpoints of one chain. What they are asked is up to the caller, so that chains of other families vote by the
/// same rules.
#[derive(Debug)]
pub struct Quorum<E = Endpoint> {
    endpoints: Vec<Arc<E>>,
    k: usize,
    preferred: AtomicUsize,
    /// Bit i: endpoint i kept others waiting when it was last asked for its vote, and is asked after them.
    late: AtomicU64,
}

impl Quorum {
    /// Endpoints of a configuration that was validated.
    pub fn new(config: &EvmConfig) -> Result<Self, PortError> {
        let endpoints = config.endpoints.iter();
        let endpoints = endpoints.map(|url| Endpoint::new(url.clone(), config.chain, config.limits).map(Arc::new));
        Ok(Self::of(endpoints.collect::<Result<_, _>>()?, config.quorum))
    }
}

impl<E: Voter> Quorum<E> {
    /// These endpoints, of which `k` must agree: at least 1, at most all, more than half.
    pub const fn of(endpoints: Vec<Arc<E>>, k: usize) -> Self {
        Self { endpoints, k, preferred: AtomicUsize::new(0), late: AtomicU64::new(0) }
    }

    /// All endpoints.
    pub fn endpoints(&self) -> &[Arc<E>] {
        &self.endpoints
    }

    /// How many must agree.
    pub const fn k(&self) -> usize {
        self.k
    }

    /// Requests sent so far, all endpoints together.
    pub fn calls(&self) -> u64 {
        self.endpoints.iter().map(|endpoint| endpoint.calls()).sum()
    }

    /// Asks one endpoint after the other until one answers. For what is not believed on one endpoint's word: the caller
    /// checks it, or harm is done to nobody but itself. A refusal (a revert, or an answer that no such contract gives)
    /// is returned once k endpoints give one, so that none alone can put the blame on the request. `Halt` is returned
    /// only where every endpoint lied, so that a lie together with a time-out of the others passes.
    pub async fn any<T, Fut>(&self, ask: impl Fn(Arc<E>) -> Fut) -> Result<T, CallError>
    where
        Fut: Future<Output = Result<T, CallError>>,
    {
        let first = self.preferred.load(Ordering::Relaxed);
        let (mut refusals, mut faults, mut passing) = (Vec::new(), Vec::new(), Vec::new());
        for turn in 0..self.endpoints.len() {
            let index = (first + turn) % self.endpoints.len();
            let error = match ask(self.endpoints[index].clone()).await {
                Ok(answer) => {
                    self.preferred.store(index, Ordering::Relaxed);
                    return Ok(answer);
                }
                Err(error) => error,
            };
            if error.is_refusal() {
                refusals.push(error);
                if refusals.len() >= self.k {
                    return Err(spokesman(refusals));
                }
                continue;
            }
            tracing::warn!(host = %self.endpoints[index].host(), ?error, "endpoint failed, trying the next");
            if error.is_halt() { faults.push(error) } else { passing.push(error) }
        }
        Err(unanswered(self.k, refusals, faults, passing))
    }

    /// Asks until k endpoints give the same answer about what never changes. `None` is no opinion yet. Fail-over adds
    /// endpoints and never lowers k; one that is late keeps its vote, and others are asked besides. Endpoints that contradict a quorum are named in the log. Where no quorum forms,
    /// and contradicting answers or lies leave no k endpoints that could still agree, nobody can be believed and the
    /// lane stops.
    pub async fn agree<T, Fut>(&self, what: &str, ask: impl Fn(Arc<E>) -> Fut) -> Result<T, PortError>
    where
        T: Clone + PartialEq,
        Fut: Future<Output = Result<Option<T>, CallError>>,
    {
        self.poll(ask).await.decide(what, self.k, Subject::Final)
    }

    /// As [`Self::agree`], about the head. Honest endpoints differ there while one of them is behind, so a difference
    /// is waited out.
    pub async fn agree_at_head<T, Fut>(&self, what: &str, ask: impl Fn(Arc<E>) -> Fut) -> Result<T, PortError>
    where
        T: Clone + PartialEq,
        Fut: Future<Output = Result<T, CallError>>,
    {
        let ballot = self.poll(|endpoint| {
            let answer = ask(endpoint);
            async move { answer.await.map(Some) }
        });
        ballot.await.decide(what, self.k, Subject::Head)
    }

    /// The highest value that k endpoints have reached, each by its own account: fewer than k cannot raise it, and
    /// where k others answer, none alone can lower it. A refusal is returned once k endpoints give one.
    pub async fn reached<T, Fut>(&self, what: &str, ask: impl Fn(Arc<E>) -> Fut) -> Result<T, CallError>
    where
        T: Copy + Ord,
        Fut: Future<Output = Result<T, CallError>>,
    {
        let alone = |endpoint: Arc<E>| {
            let answer = ask(endpoint);
            async move { answer.await.map(|value| [value]) }
        };
        let [value] = self.reached_each(what, alone).await?;
        Ok(value)
    }

    /// The same of several values that an endpoint tells together, each judged by itself.
    pub async fn reached_each<T, Fut, const N: usize>(
        &self,
        what: &str,
        ask: impl Fn(Arc<E>) -> Fut,
    ) -> Result<[T; N], CallError>
    where
        T: Copy + Ord,
        Fut: Future<Output = Result<[T; N], CallError>>,
    {
        let (mut told, mut refusals, mut silent) = (Vec::new(), Vec::new(), Vec::new());
        let mut asked: FuturesUnordered<_> = self.endpoints.iter().cloned().map(ask).collect();
        let mut until = None;
        loop {
            match next_until(&mut asked, until).await {
                Some(Ok(values)) => told.push(values),
                Some(Err(error)) if error.is_refusal() => refusals.push(error),
                Some(Err(error)) => silent.push(error.into_message()),
                None => break,
            }
            if told.len().max(refusals.len()) >= self.k {
                until.get_or_insert_with(|| Instant::now() + STRAGGLERS);
            }
        }
        if told.len() >= self.k {
            return Ok(std::array::from_fn(|place| {
                let mut values: Vec<T> = told.iter().map(|values| values[place]).collect();
                values.sort_unstable_by_key(|value| std::cmp::Reverse(*value));
                values[self.k - 1]
            }));
        }
        if refusals.len() >= self.k {
            return Err(spokesman(refusals));
        }
        Err(CallError::retry(format!("fewer than {} endpoints tell {what}: {}", self.k, silent.join("; "))))
    }

    /// Hands something to every endpoint, since one that only says it took it would hold it back for ever. Ends when
    /// all have answered, or some time after the first one did. Where none took it, these are their reasons.
    pub async fn spread<T, Fut>(&self, give: impl Fn(Arc<E>) -> Fut) -> Result<(), Vec<CallError>>
    where
        Fut: Future<Output = Result<T, CallError>>,
    {
        let mut given: FuturesUnordered<_> = self.endpoints.iter().cloned().map(give).collect();
        let (mut until, mut is_taken, mut reasons) = (None, false, Vec::new());
        while let Some(answer) = next_until(&mut given, until).await {
            match answer {
                Ok(_) => is_taken = true,
                Err(reason) => reasons.push(reason),
            }
            until.get_or_insert_with(|| Instant::now() + STRAGGLERS);
        }
        if is_taken { Ok(()) } else { Err(reasons) }
    }

    async fn poll<T, Fut>(&self, ask: impl Fn(Arc<E>) -> Fut) -> Ballot<T>
    where
        T: Clone + PartialEq,
        Fut: Future<Output = Result<Option<T>, CallError>>,
    {
        let (mut ballot, mut asked) = (Ballot::new(), FuturesUnordered::new());
        let named = |index: usize| {
            let endpoint = self.endpoints[index].clone();
            let (host, answer) = (endpoint.host(), ask(endpoint));
            async move { (index, host, answer.await) }
        };
        // Whom an answer is still awaited from, and who was too slow for this question.
        let (mut pending, mut overtaken) = (0u64, 0u64);
        let mut waiting = self.in_turn().into_iter();
        for index in waiting.by_ref().take(self.k) {
            pending |= bit(index);
            asked.push(named(index));
        }
        loop {
            let until = (!waiting.as_slice().is_empty()).then(|| Instant::now() + HEDGE);
            let Some((index, host, opinion)) = next_until(&mut asked, until).await else {
                let Some(next) = waiting.next() else { break };
                overtaken |= pending;
                self.late.fetch_or(pending, Ordering::Relaxed);
                pending |= bit(next);
                asked.push(named(next));
                continue;
            };
            pending &= !bit(index);
            if overtaken & bit(index) == 0 {
                self.late.fetch_and(!bit(index), Ordering::Relaxed);
            }
            ballot.count(host, opinion);
            let best = ballot.best();
            if best >= self.k {
                break;
            }
            while best + asked.len() < self.k {
                let Some(next) = waiting.next() else { break };
                pending |= bit(next);
                asked.push(named(next));
            }
        }
        ballot
    }

    /// All endpoints in the order of the configuration, those that were late last.
    fn in_turn(&self) -> Vec<usize> {
        let late = self.late.load(Ordering::Relaxed);
        let mut order: Vec<usize> = (0..self.endpoints.len()).collect();
        order.sort_by_key(|index| late & bit(*index) != 0);
        order
    }

    /// Asks every endpoint and keeps each answer with its host.
    pub async fn all<T, Fut>(&self, ask: impl Fn(Arc<E>) -> Fut) -> Vec<(Arc<E>, Result<T, CallError>)>
    where
        Fut: Future<Output = Result<T, CallError>>,
    {
        let asked = self.endpoints.iter().map(|endpoint| {
            let answer = ask(endpoint.clone());
            async move { (endpoint.clone(), answer.await) }
        });
        futures::future::join_all(asked).await
    }
}

/// The bit of an endpoint; none for those beyond the 64th, which are asked in the order of the configuration.
fn bit(index: usize) -> u64 {
    u32::try_from(index).ok().and_then(|index| 1u64.checked_shl(index)).unwrap_or(0)
}

/// The next of these answers; `None` where there is no other, or none in time.
async fn next_until<Fut: Future>(asked: &mut FuturesUnordered<Fut>, until: Option<Instant>) -> Option<Fut::Output> {
    match until {
        None => asked.next().await,
        Some(until) => tokio::time::timeout_at(until, asked.next()).await.unwrap_or(None),
    }
}

/// What it comes to when no endpoint answered and fewer than `k` refused.
fn unanswered(
    k: usize,
    refusals: Vec<CallError>,
    mut faults: Vec<CallError>,
    mut passing: Vec<CallError>,
) -> CallError {
    if passing.is_empty()
        && refusals.is_empty()
        && let Some(fault) = faults.pop()
    {
        return fault;
    }
    if refusals.is_empty() && faults.is_empty() && !passing.is_empty() {
        return passing.swap_remove(0);
    }
    let told = passing.into_iter().chain(faults).chain(refusals).map(CallError::into_message);
    let told: Vec<String> = told.collect();
    CallError::retry(format!("too few endpoints answered, of which {k} must agree: {}", told.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use infrastrukt_ports::Remedy;

    /// An endpoint that takes its time and says a number.
    struct Slow {
        host: &'static str,
        takes: Duration,
        says: u64,
        asked: AtomicU64,
    }

    impl Voter for Slow {
        fn host(&self) -> String {
            self.host.into()
        }

        fn calls(&self) -> u64 {
            self.asked.load(Ordering::Relaxed)
        }
    }

    /// Longer than anybody waits for an answer.
    const HOURS: u64 = 36_000_000;

    fn quorum(endpoints: &[(&'static str, u64, u64)], k: usize) -> Quorum<Slow> {
        let slow = |(host, takes_ms, says): &(&'static str, u64, u64)| {
            let (takes, asked) = (Duration::from_millis(*takes_ms), AtomicU64::new(0));
            Arc::new(Slow { host, takes, says: *says, asked })
        };
        Quorum::of(endpoints.iter().map(slow).collect(), k)
    }

    /// What they agree on, and after how many milliseconds.
    async fn vote(quorum: &Quorum<Slow>) -> (Result<u64, PortError>, u128) {
        let begin = Instant::now();
        let ask = |endpoint: Arc<Slow>| async move {
            endpoint.asked.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(endpoint.takes).await;
            Ok::<_, CallError>(Some(endpoint.says))
        };
        let agreed = quorum.agree("a number", ask).await;
        (agreed, begin.elapsed().as_millis())
    }

    fn asked(quorum: &Quorum<Slow>) -> Vec<u64> {
        quorum.endpoints().iter().map(|endpoint| endpoint.calls()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_hangs_is_waited_for_once() {
        let quorum = quorum(&[("hanging", HOURS, 1), ("one", 20, 1), ("two", 20, 1)], 2);
        let (agreed, took_ms) = vote(&quorum).await;
        assert!(agreed.is_ok_and(|number| number == 1) && took_ms < 600, "{took_ms} ms");
        let (agreed, took_ms) = vote(&quorum).await;
        assert!(agreed.is_ok_and(|number| number == 1) && took_ms < 100, "{took_ms} ms");
        assert_eq!(asked(&quorum), [1, 2, 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn where_all_are_in_time_no_more_than_needed_are_asked() {
        let quorum = quorum(&[("one", 400, 1), ("two", 20, 1), ("three", 20, 1)], 2);
        assert!(vote(&quorum).await.0.is_ok());
        assert_eq!(asked(&quorum), [1, 1, 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_was_late_still_has_its_vote() {
        let quorum = quorum(&[("late", 2_000, 1), ("one", 20, 1), ("liar", 20, 2)], 2);
        let (agreed, took_ms) = vote(&quorum).await;
        assert!(agreed.is_ok_and(|number| number == 1) && took_ms >= 2_000, "{took_ms} ms");
        // The two that differ are asked first now, and the third decides.
        assert!(vote(&quorum).await.0.is_ok_and(|number| number == 1));
        assert_eq!(asked(&quorum), [2, 2, 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn late_answers_do_not_lower_the_quorum() {
        let quorum = quorum(&[("hanging", HOURS, 1), ("one", 20, 1), ("liar", 20, 2)], 2);
        let waited = tokio::time::timeout(Duration::from_secs(60), vote(&quorum)).await;
        assert!(waited.is_err(), "two that differ decide nothing while a third could");
        let torn = self::quorum(&[("one", 20, 1), ("liar", 900, 2)], 2);
        assert!(vote(&torn).await.0.is_err_and(|error| error.remedy == Remedy::Halt));
    }
}
