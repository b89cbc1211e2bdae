//! Several independent endpoints: any of them for what is checked otherwise, k of them for what is believed.

use futures::{StreamExt, stream::FuturesUnordered};
use infrastrukt_ports::PortError;
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{CallError, Endpoint, failure::RETRY_AFTER};
use crate::config::EvmConfig;

/// The endpoints of one chain.
#[derive(Debug)]
pub struct Quorum {
    endpoints: Vec<Arc<Endpoint>>,
    k: usize,
    preferred: AtomicUsize,
}

/// Opinions on one question, by answer.
struct Ballot<T> {
    answers: Vec<(T, Vec<String>)>,
    faults: Vec<CallError>,
    absent: Vec<String>,
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
    /// checks it, or harm is done to nobody but itself. Where none answers, the worst failure is returned, so that a lie
    /// which no other endpoint could correct stops the lane.
    pub async fn any<T, Fut>(&self, ask: impl Fn(Arc<Endpoint>) -> Fut) -> Result<T, CallError>
    where
        Fut: Future<Output = Result<T, CallError>>,
    {
        let first = self.preferred.load(Ordering::Relaxed);
        let mut worst: Option<CallError> = None;
        for turn in 0..self.endpoints.len() {
            let index = (first + turn) % self.endpoints.len();
            match ask(self.endpoints[index].clone()).await {
                Ok(answer) => {
                    self.preferred.store(index, Ordering::Relaxed);
                    return Ok(answer);
                }
                Err(CallError::Reverted(data)) => return Err(CallError::Reverted(data)),
                Err(error) => {
                    tracing::warn!(host = %self.endpoints[index].host(), ?error, "endpoint failed, trying the next");
                    if worst.as_ref().is_none_or(|known| !known.is_halt()) {
                        worst = Some(error);
                    }
                }
            }
        }
        Err(worst.expect("a validated configuration has an endpoint, which answered or failed"))
    }

    /// Asks until k endpoints give the same answer. `None` is no opinion yet. Fail-over adds endpoints and never lowers
    /// k. Endpoints that contradict a quorum are named in the log; where no quorum forms and two answers differ, or an
    /// endpoint lied, nobody can be believed and the lane stops.
    pub async fn agree<T, Fut>(&self, what: &str, ask: impl Fn(Arc<Endpoint>) -> Fut) -> Result<T, PortError>
    where
        T: Clone + PartialEq,
        Fut: Future<Output = Result<Option<T>, CallError>>,
    {
        let mut ballot = Ballot { answers: Vec::new(), faults: Vec::new(), absent: Vec::new() };
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
        ballot.decide(what, self.k)
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

impl<T: Clone + PartialEq> Ballot<T> {
    fn count(&mut self, host: String, opinion: Result<Option<T>, CallError>) {
        match opinion {
            Ok(Some(answer)) => match self.answers.iter_mut().find(|(known, _)| *known == answer) {
                Some((_, hosts)) => hosts.push(host),
                None => self.answers.push((answer, vec![host])),
            },
            Ok(None) => self.absent.push(format!("{host} does not know it yet")),
            Err(error) if error.is_halt() => self.faults.push(error),
            Err(error) => self.absent.push(PortError::from(error).message),
        }
    }

    fn best(&self) -> usize {
        self.answers.iter().map(|(_, hosts)| hosts.len()).max().unwrap_or(0)
    }

    fn decide(mut self, what: &str, k: usize) -> Result<T, PortError> {
        let contested = self.answers.len() > 1;
        let hosts = |answers: &[(T, Vec<String>)]| {
            answers.iter().map(|(_, hosts)| hosts.join(" and ")).collect::<Vec<_>>().join(" against ")
        };
        if contested {
            tracing::error!(what, hosts = hosts(&self.answers), "endpoints contradict each other");
        }
        for fault in &self.faults {
            tracing::error!(what, ?fault, "an endpoint lied");
        }
        if let Some(agreed) = self.answers.iter().position(|(_, hosts)| hosts.len() >= k) {
            return Ok(self.answers.swap_remove(agreed).0);
        }
        if let Some(fault) = self.faults.pop() {
            return Err(fault.into());
        }
        if contested {
            let hosts = hosts(&self.answers);
            return Err(PortError::halt(format!(
                "endpoints contradict each other about {what}: {hosts}; find out which one is wrong and replace it"
            )));
        }
        let (best, why) = (self.best(), self.absent.join("; "));
        Err(PortError::retry(RETRY_AFTER, format!("{best} of {k} endpoints agree about {what} so far: {why}")))
    }
}
