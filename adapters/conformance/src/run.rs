//! Runs every case on a chain of its own.

use std::{
    any::Any,
    fmt::Write,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    task::Poll,
    time::Duration,
};

use crate::{Failure, Harness, cases};

/// No case may hang a build: the slowest chain needs a few seconds for one.
const CASE_TIMEOUT: Duration = Duration::from_secs(120);

#[derive(Default)]
struct Report {
    passed: usize,
    failed: Vec<(&'static str, Failure)>,
}

impl Report {
    fn record(&mut self, case: &'static str, outcome: Result<(), Failure>) {
        match outcome {
            Ok(()) => self.passed += 1,
            Err(failure) => self.failed.push((case, failure)),
        }
    }

    fn into_result(self) -> Result<usize, Failure> {
        if self.failed.is_empty() {
            return Ok(self.passed);
        }
        let mut text = format!("{} of {} cases failed", self.failed.len(), self.failed.len() + self.passed);
        for (case, failure) in &self.failed {
            // Writing to a string cannot fail.
            let _ = write!(text, "\n  {case}: {failure}");
        }
        Err(Failure::new(text))
    }
}

async fn within_time(case: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let timed = tokio::time::timeout(CASE_TIMEOUT, without_panic(case)).await;
    timed.unwrap_or_else(|_| Err(Failure::new(format_args!("not finished after {CASE_TIMEOUT:?}"))))
}

/// An adapter that panics fails the case it panicked in, and no other.
async fn without_panic(case: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let mut case = Box::pin(case);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| case.as_mut().poll(context))) {
        Ok(poll) => poll,
        Err(panic) => Poll::Ready(Err(Failure::new(format_args!("panicked: {}", words(panic.as_ref()))))),
    })
    .await
}

fn words(panic: &(dyn Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text,
        (None, None) => "without a message",
    }
}

macro_rules! cases {
    ($factory:ident, $($group:ident :: $case:ident),+ $(,)?) => {{
        let mut report = Report::default();
        $(
            let outcome = match $factory().await {
                Ok(harness) => within_time(cases::$group::$case(&harness)).await,
                Err(failure) => Err(failure.at("no fresh chain")),
            };
            report.record(concat!(stringify!($group), "::", stringify!($case)), outcome);
        )+
        report.into_result()
    }};
}

/// Runs all cases, each on a fresh chain from `factory`, and returns how many there are. The failure names every case
/// that did not pass.
pub async fn run_all<H, F, Fut>(factory: F) -> Result<usize, Failure>
where
    H: Harness,
    F: Fn() -> Fut,
    Fut: Future<Output = Result<H, Failure>>,
{
    cases! {
        factory,
        reading::facts_equal_what_was_done,
        reading::scan_resumes_at_every_split,
        reading::nothing_unfinal_is_reported,
        reading::cursor_of_another_fork_halts,
        reading::balances_credits_and_tokens,
        reading::accounts_round_trip,
        reading::healthy_chain_passes_its_checks,
        evidence::evidence_proves_what_was_scanned,
        evidence::tampered_evidence_is_rejected,
        submitting::same_key_is_one_transaction,
        submitting::restart_before_broadcast_sends_once,
        submitting::reorg_includes_again,
        submitting::impossible_action_costs_nothing,
        messages::delivered_twice_has_one_effect,
        messages::racing_deliveries_have_one_effect,
        messages::failing_message_blocks_nobody,
        messages::expired_message_is_never_delivered,
        messages::living_message_cannot_expire,
        messages::expired_message_is_refunded_once,
        deals::commit_pays_the_counterparty,
        deals::abort_refunds_the_depositor,
        deals::escape_takes_two_steps,
        deals::settled_leg_never_escapes,
        deals::late_and_repeated_locks_are_refused,
        certificates::forged_certificates_are_rejected,
        certificates::forged_decisions_are_rejected,
        certificates::rotation_retires_the_old_set,
        manual::every_action_can_be_done_by_hand,
        manual::delivery_by_hand_works,
        manual::lock_by_hand_works,
    }
}
