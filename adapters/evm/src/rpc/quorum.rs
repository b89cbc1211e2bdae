//! Several independent endpoints: any of them for what is checked otherwise, k of them for what is believed.

use futures::{StreamExt, stream::FuturesUnordered};
use infrastrukt_ports::PortError;
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
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

/// The endpoints of one chain.
#[derive(Debug)]
pub struct Quorum {
    endpoints: Vec<Arc<Endpoint>>,
    k: usize,
    preferred: AtomicUsize,
}

impl Quorum {
    /// Endpoints of a configuration that was validated.
    pub fn new(config: &EvmConfig) -> Result<Self, PortError> {
        let endpoints = config.endpoints.iter();
        let endpoints = endpoints.map(|url| Endpoint::new(url.clone(), config.chain, config.limits).map(Arc::new));
        Ok(Self { endpoints: endpoints.collect::<Result<_, _>>()?, k: config.quorum, preferred: AtomicUsize::new(0) })
    }

    /// All endpoints.
    pub fn endpoints(&self) -> &[Arc<Endpoint>] {
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
    pub async fn any<T, Fut>(&self, ask: impl Fn(Arc<Endpoint>) -> Fut) -> Result<T, CallError>
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
    /// endpoints and never lowers k. Endpoints that contradict a quorum are named in the log. Where no quorum forms,
    /// and contradicting answers or lies leave no k endpoints that could still agree, nobody can be believed and the
    /// lane stops.
    pub async fn agree<T, Fut>(&self, what: &str, ask: impl Fn(Arc<Endpoint>) -> Fut) -> Result<T, PortError>
    where
        T: Clone + PartialEq,
        Fut: Future<Output = Result<Option<T>, CallError>>,
    {
        self.poll(ask).await.decide(what, self.k, Subject::Final)
    }

    /// As [`Self::agree`], about the head. Honest endpoints differ there while one of them is behind, so a difference
    /// is waited out.
    pub async fn agree_at_head<T, Fut>(&self, what: &str, ask: impl Fn(Arc<Endpoint>) -> Fut) -> Result<T, PortError>
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
    pub(crate) async fn reached<T, Fut>(&self, what: &str, ask: impl Fn(Arc<Endpoint>) -> Fut) -> Result<T, CallError>
    where
        T: Copy + Ord,
        Fut: Future<Output = Result<T, CallError>>,
    {
        let alone = |endpoint: Arc<Endpoint>| {
            let answer = ask(endpoint);
            async move { answer.await.map(|value| [value]) }
        };
        let [value] = self.reached_each(what, alone).await?;
        Ok(value)
    }

    /// The same of several values that an endpoint tells together, each judged by itself.
    pub(crate) async fn reached_each<T, Fut, const N: usize>(
        &self,
        what: &str,
        ask: impl Fn(Arc<Endpoint>) -> Fut,
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
    pub(crate) async fn spread<T, Fut>(&self, give: impl Fn(Arc<Endpoint>) -> Fut) -> Result<(), Vec<CallError>>
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

    async fn poll<T, Fut>(&self, ask: impl Fn(Arc<Endpoint>) -> Fut) -> Ballot<T>
    where
        T: Clone + PartialEq,
        Fut: Future<Output = Result<Option<T>, CallError>>,
    {
        let mut ballot = Ballot::new();
        let named = |endpoint: &Arc<Endpoint>| {
            let (host, answer) = (endpoint.host(), ask(endpoint.clone()));
            async move { (host, answer.await) }
        };
        let mut waiting = self.endpoints.iter();
        let mut asked: FuturesUnordered<_> = waiting.by_ref().take(self.k).map(&named).collect();
        while let Some((host, opinion)) = asked.next().await {
            ballot.count(host, opinion);
            let best = ballot.best();
            if best >= self.k {
                break;
            }
            while best + asked.len() < self.k {
                let Some(endpoint) = waiting.next() else { break };
                asked.push(named(endpoint));
            }
        }
        ballot
    }

    /// Asks every endpoint and keeps each answer with its host.
    pub(crate) async fn all<T, Fut>(
        &self,
        ask: impl Fn(Arc<Endpoint>) -> Fut,
    ) -> Vec<(Arc<Endpoint>, Result<T, CallError>)>
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
