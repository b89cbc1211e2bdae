//! What endpoints answered to one question, and what may be concluded from it.

use infrastrukt_ports::PortError;

use super::{CallError, failure::RETRY_AFTER};

/// What a question is about: how an honest endpoint may answer it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// What never changes: all honest endpoints give one answer.
    Final,
    /// The head: honest endpoints differ while one of them is behind or a block is replaced.
    Head,
}

/// Opinions on one question, by answer.
pub(super) struct Ballot<T> {
    answers: Vec<(T, Vec<String>)>,
    /// Endpoints that say that the request can never succeed.
    refusals: Vec<CallError>,
    /// Endpoints that lied or serve another chain.
    faults: Vec<CallError>,
    /// Why the others gave no answer.
    absent: Vec<String>,
}

impl<T: Clone + PartialEq> Ballot<T> {
    pub(super) const fn new() -> Self {
        Self { answers: Vec::new(), refusals: Vec::new(), faults: Vec::new(), absent: Vec::new() }
    }

    pub(super) fn count(&mut self, host: String, opinion: Result<Option<T>, CallError>) {
        match opinion {
            Ok(Some(answer)) => match self.answers.iter_mut().find(|(known, _)| *known == answer) {
                Some((_, hosts)) => hosts.push(host),
                None => self.answers.push((answer, vec![host])),
            },
            Ok(None) => self.absent.push(format!("{host} does not know it yet")),
            Err(error) if error.is_halt() => self.faults.push(error),
            Err(error) if error.is_refusal() => self.refusals.push(error),
            Err(error) => self.absent.push(error.into_message()),
        }
    }

    /// Endpoints behind the most frequent answer, a refusal included.
    pub(super) fn best(&self) -> usize {
        self.answers.iter().map(|(_, hosts)| hosts.len()).max().unwrap_or(0).max(self.refusals.len())
    }

    /// The answer of k endpoints. Where there is none, `Halt` only if so many lied that the others are fewer than k, or
    /// if answers about what never changes contradict each other and those still missing could not make k of any: a
    /// liar is waited out together with a time-out, or with an honest endpoint that is behind.
    pub(super) fn decide(mut self, what: &str, k: usize, subject: Subject) -> Result<T, PortError> {
        self.log(what, subject);
        if let Some(agreed) = self.answers.iter().position(|(_, hosts)| hosts.len() >= k) {
            return Ok(self.answers.swap_remove(agreed).0);
        }
        if self.refusals.len() >= k {
            return Err(spokesman(self.refusals).into());
        }
        let answers: usize = self.answers.iter().map(|(_, hosts)| hosts.len()).sum();
        let others = answers + self.refusals.len() + self.absent.len();
        let all_spoke = self.absent.is_empty();
        if all_spoke
            && others < k
            && let Some(fault) = self.faults.pop()
        {
            return Err(fault.into());
        }
        let is_contested = self.answers.len() > 1;
        let is_open = self.best() + self.absent.len() >= k;
        if subject == Subject::Final && is_contested && !is_open {
            let hosts = self.hosts();
            return Err(PortError::halt(format!(
                "endpoints contradict each other about {what}: {hosts}; find out which one is wrong and replace it"
            )));
        }
        Err(self.open_question(what, k))
    }

    fn log(&self, what: &str, subject: Subject) {
        match subject {
            Subject::Final if self.answers.len() > 1 => {
                tracing::error!(what, hosts = self.hosts(), "endpoints contradict each other");
            }
            Subject::Head if self.answers.len() > 1 => {
                tracing::debug!(what, hosts = self.hosts(), "endpoints differ about the head");
            }
            Subject::Final | Subject::Head => {}
        }
        for fault in &self.faults {
            tracing::error!(what, ?fault, "an endpoint lied");
        }
    }

    fn hosts(&self) -> String {
        self.answers.iter().map(|(_, hosts)| hosts.join(" and ")).collect::<Vec<_>>().join(" against ")
    }

    fn open_question(mut self, what: &str, k: usize) -> PortError {
        let best = self.best();
        if self.answers.len() > 1 {
            let hosts = self.hosts();
            self.absent.push(format!("{hosts} differ"));
        }
        let others = self.faults.into_iter().chain(self.refusals).map(CallError::into_message);
        let why: Vec<String> = self.absent.into_iter().chain(others).collect();
        PortError::retry(RETRY_AFTER, format!("{best} of {k} endpoints agree about {what} so far: {}", why.join("; ")))
    }
}

/// The refusal that says most: nodes may leave out a revert's data. There is at least one.
pub(super) fn spokesman(refusals: Vec<CallError>) -> CallError {
    let told = |refusal: &CallError| match refusal {
        CallError::Reverted(data) => data.len(),
        CallError::Port(_) | CallError::Refused { .. } => 0,
    };
    refusals.into_iter().max_by_key(told).expect("k endpoints refused, and k is at least 1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use infrastrukt_ports::Remedy;

    type Opinion = Result<Option<u8>, CallError>;

    fn decide(opinions: Vec<Opinion>, k: usize, subject: Subject) -> Result<u8, Remedy> {
        let mut ballot = Ballot::new();
        for (index, opinion) in opinions.into_iter().enumerate() {
            ballot.count(format!("endpoint {index}"), opinion);
        }
        ballot.decide("it", k, subject).map_err(|error| error.remedy)
    }

    fn lie() -> Opinion {
        Err(CallError::halt("it serves another chain"))
    }

    #[test]
    fn a_liar_stops_nobody_while_the_others_could_agree() {
        for subject in [Subject::Head, Subject::Final] {
            assert_eq!(decide(vec![lie(), Ok(Some(1)), Ok(Some(1))], 2, subject), Ok(1));
            let silent = decide(vec![lie(), Ok(Some(1)), Ok(None)], 2, subject);
            assert!(matches!(silent, Err(Remedy::Retry { .. })), "{silent:?}");
            assert_eq!(decide(vec![lie(), Ok(Some(1))], 2, subject), Err(Remedy::Halt), "nobody is left to agree");
            assert_eq!(decide(vec![lie(), lie(), Ok(Some(1))], 2, subject), Err(Remedy::Halt));
        }
        let behind = decide(vec![lie(), Ok(Some(1)), Ok(Some(2))], 2, Subject::Head);
        assert!(matches!(behind, Err(Remedy::Retry { .. })), "one of the honest is a block behind: {behind:?}");
        assert_eq!(decide(vec![lie(), Ok(Some(1)), Ok(Some(2))], 2, Subject::Final), Err(Remedy::Halt));
    }
}
