//! Every row of the deal's table, and its invariants under any order of events.

use infrastrukt_types::{Decision, Height, Leaf, LockKey, Timestamp};
use proptest::prelude::*;

use super::{DealEffect, DealEvent, DealRecord, DealState, DealStepRefusal, LeafState, LegState, step};
use crate::testing::{RULES, committed, deal_record, lock};

fn apply(record: &DealRecord, event: DealEvent) -> (DealRecord, Vec<DealEffect>) {
    let step = step(record, &event, &RULES).expect("the event applies");
    (step.next, step.effects)
}

fn refused(record: &DealRecord, event: DealEvent) -> DealStepRefusal {
    step(record, &event, &RULES).expect_err("refused")
}

fn after_decide_by(record: &DealRecord) -> Timestamp {
    record.deal.decide_by.plus(1)
}

fn settled(index: u8, decision: Decision, record: &DealRecord) -> DealEvent {
    DealEvent::SettlementProven { index, decision, at: record.deal.sign_by }
}

fn issue(record: &DealRecord, decision: Decision) -> Vec<DealEffect> {
    vec![DealEffect::Issue(Leaf::Decision(record.id, decision))]
}

#[test]
fn all_locks_in_time_commit() {
    let open = deal_record();
    let (first, effects) = apply(&open, lock(&open, 1));
    assert_eq!((first.state, first.decision, effects), (DealState::Locking, None, vec![]));
    let (both, effects) = apply(&first, lock(&open, 0));
    assert_eq!((both.state, both.decision), (DealState::Decided, Some(Decision::Commit)));
    assert_eq!(effects, issue(&open, Decision::Commit));
    assert_eq!(both.decided_at, Some(open.deal.decide_by));
}

#[test]
fn commit_runs_to_the_end() {
    let decided = committed();
    let (issued, _) = apply(&decided, DealEvent::LeafIssued { height: Height(3) });
    assert_eq!((issued.leaf, issued.checkpoint), (LeafState::Issued, Some(Height(3))));
    let (certified, _) = apply(&issued, DealEvent::LeafCertified { height: Height(3) });
    assert_eq!(certified.state, DealState::Certified);
    let (settling, _) = apply(&certified, settled(0, Decision::Commit, &decided));
    assert_eq!(settling.state, DealState::Settling);
    let (done, effects) = apply(&settling, settled(1, Decision::Commit, &decided));
    assert_eq!((done.state, done.is_active(), effects), (DealState::Settled, false, vec![]));
}

#[test]
fn the_first_second_too_late_aborts() {
    let open = deal_record();
    let (first, _) = apply(&open, lock(&open, 0));
    let on_time = DealEvent::TimePassed { now: open.deal.decide_by };
    assert_eq!(refused(&first, on_time), DealStepRefusal::NotDue(open.deal.decide_by));
    let late = after_decide_by(&open);
    let (aborted, effects) = apply(&first, DealEvent::TimePassed { now: late });
    assert_eq!((aborted.state, aborted.decision), (DealState::Decided, Some(Decision::Abort)));
    assert_eq!(effects, issue(&open, Decision::Abort));

    // The last lock proven too late does not commit, even where time itself was not looked at before.
    let event = DealEvent::LockProven { index: 1, lock_key: open.legs[1].lock_key, at: late };
    let (aborted, effects) = apply(&first, event);
    assert_eq!(aborted.decision, Some(Decision::Abort));
    assert_eq!(effects, issue(&open, Decision::Abort));
}

#[test]
fn an_abort_leaf_needs_a_lock() {
    let open = deal_record();
    let late = after_decide_by(&open);
    let (aborted, effects) = apply(&open, DealEvent::TimePassed { now: late });
    assert_eq!((aborted.leaf, effects), (LeafState::None, vec![]));
    let event = |index: usize| DealEvent::LockProven {
        index: u8::try_from(index).expect("small"),
        lock_key: open.legs[index].lock_key,
        at: late.plus(50),
    };
    let (one, effects) = apply(&aborted, event(0));
    assert_eq!((one.leaf, effects), (LeafState::Wanted, issue(&open, Decision::Abort)));
    let (both, effects) = apply(&one, event(1));
    assert_eq!(effects, vec![], "one leaf serves every leg");
    assert_eq!(both.decision, Some(Decision::Abort));

    let (issued, _) = apply(&one, DealEvent::LeafIssued { height: Height(5) });
    let (certified, _) = apply(&issued, DealEvent::LeafCertified { height: Height(5) });
    let (settled, _) = apply(&certified, settled(0, Decision::Abort, &open));
    assert_eq!(settled.state, DealState::Settled);
    let (again, effects) = apply(&settled, event(1));
    assert_eq!((again.state, effects), (DealState::Settling, vec![]), "its certificate is already there");
}

#[test]
fn cancel_is_for_before_the_last_lock() {
    let open = deal_record();
    let at = open.deal.lock_by;
    let (cancelled, effects) = apply(&open, DealEvent::Cancelled { at });
    assert_eq!((cancelled.decision, effects), (Some(Decision::Abort), vec![]));
    assert_eq!(refused(&committed(), DealEvent::Cancelled { at }), DealStepRefusal::AlreadyDecided(Decision::Commit));
    let (first, _) = apply(&open, lock(&open, 0));
    assert_eq!(apply(&first, DealEvent::Cancelled { at }).1, issue(&open, Decision::Abort));
}

#[test]
fn an_escape_before_the_decision_aborts() {
    let open = deal_record();
    let (first, _) = apply(&open, lock(&open, 0));
    let at = open.deal.lock_by;
    let (escaped, effects) = apply(&first, DealEvent::EscapeProven { index: 1, at });
    assert_eq!((escaped.state, escaped.decision), (DealState::Escaped, Some(Decision::Abort)));
    assert_eq!(effects, issue(&open, Decision::Abort), "the other leg is refunded by certificate");
}

#[test]
fn commit_not_certified_in_time_stalls_and_never_aborts() {
    let decided = committed();
    let limit = decided.sign_limit(&RULES);
    assert_eq!(decided.next_deadline(&RULES), Some(limit));
    assert_eq!(refused(&decided, DealEvent::TimePassed { now: limit }), DealStepRefusal::NotDue(limit));
    let (stalled, effects) = apply(&decided, DealEvent::TimePassed { now: limit.plus(1) });
    assert_eq!((stalled.state, stalled.decision, effects), (DealState::Stalled, Some(Decision::Commit), vec![]));
    assert_eq!(stalled.next_deadline(&RULES), None);
    assert!(!stalled.may_reissue(limit.plus(1), &RULES));
    let (escaped, _) = apply(&stalled, DealEvent::EscapeProven { index: 0, at: limit.plus(100) });
    assert_eq!((escaped.state, escaped.decision), (DealState::Escaped, Some(Decision::Commit)));

    // A certificate that exists all the same is spread, not hidden.
    let (certified, _) = apply(&stalled, DealEvent::LeafCertified { height: Height(9) });
    assert_eq!(certified.state, DealState::Certified);
}

#[test]
fn a_commit_that_nobody_signs_is_not_issued_again() {
    let (issued, _) = apply(&committed(), DealEvent::LeafIssued { height: Height(3) });
    let (certified, _) = apply(&issued, DealEvent::LeafCertified { height: Height(3) });
    let now = issued.deal.sign_by;
    for sound in [issued, certified] {
        assert!(sound.may_reissue(now, &RULES));
        let (escaped, _) = apply(&sound, DealEvent::EscapeProven { index: 0, at: now });
        assert!(escaped.any(LegState::Locked) && !escaped.may_reissue(now, &RULES));
        let (fault, _) = apply(&sound, DealEvent::ConflictSeen { evidence: "block 7 changed".into() });
        assert!(!fault.may_reissue(now, &RULES));
    }
}

#[test]
fn a_commit_that_waits_to_be_issued_keeps_its_limit() {
    let wanted = committed();
    let (limit, late) = (wanted.sign_limit(&RULES), wanted.sign_limit(&RULES).plus(1));
    let (issued, _) = apply(&wanted, DealEvent::LeafIssued { height: Height(3) });
    assert!(wanted.wants_leaf() && !issued.wants_leaf());
    let (withdrawn, effects) = apply(&issued, DealEvent::LeafWithdrawn);
    assert_eq!((withdrawn.leaf, withdrawn.checkpoint, effects), (LeafState::Wanted, None, vec![]));
    for waiting in [wanted, withdrawn] {
        assert!(waiting.may_issue(limit, &RULES) && !waiting.may_issue(late, &RULES));
        let (stalled, effects) = apply(&waiting, DealEvent::TimePassed { now: late });
        assert_eq!((stalled.state, stalled.wants_leaf(), effects), (DealState::Stalled, false, vec![]));
        let (escaped, _) = apply(&waiting, DealEvent::EscapeProven { index: 0, at: limit });
        assert!(escaped.any(LegState::Locked) && !escaped.wants_leaf());
    }

    let (certified, _) = apply(&issued, DealEvent::LeafCertified { height: Height(3) });
    let (again, _) = apply(&certified, DealEvent::LeafWithdrawn);
    assert_eq!((again.state, again.shown_checkpoint()), (DealState::Certified, Some(Height(3))));
    assert!(again.may_issue(late, &RULES), "a known certificate may be repeated without limit");
}

#[test]
fn an_abort_waits_as_long_as_money_does() {
    let open = deal_record();
    assert_eq!(refused(&open, DealEvent::LeafWithdrawn), DealStepRefusal::NoLeaf);
    let (first, _) = apply(&open, lock(&open, 0));
    let (aborted, _) = apply(&first, DealEvent::TimePassed { now: after_decide_by(&open) });
    assert!(!first.wants_leaf() && aborted.may_issue(Timestamp(u64::MAX), &RULES));
    let (escaped, _) = apply(&aborted, DealEvent::EscapeProven { index: 0, at: open.deal.sign_by });
    assert!(!escaped.wants_leaf(), "nothing is locked any more");
}

#[test]
fn released_and_escaped_is_a_fault() {
    let decided = committed();
    let (escaped, _) = apply(&decided, DealEvent::EscapeProven { index: 0, at: decided.deal.sign_by });
    let (fault, effects) = apply(&escaped, settled(1, Decision::Commit, &decided));
    assert_eq!((fault.state, fault.decision, effects), (DealState::Fault, Some(Decision::Commit), vec![]));
    assert!(fault.fault.expect("evidence").contains("Escaped"));
    let (released, _) = apply(&decided, settled(1, Decision::Commit, &decided));
    let (fault, _) = apply(&released, DealEvent::EscapeProven { index: 0, at: decided.deal.sign_by });
    assert_eq!(fault.state, DealState::Fault);
}

#[test]
fn a_settlement_against_the_decision_freezes_its_chain() {
    let decided = committed();
    let (fault, effects) = apply(&decided, settled(1, Decision::Abort, &decided));
    assert_eq!(fault.state, DealState::Fault);
    assert!(matches!(&effects[..], [DealEffect::Freeze { chain, .. }] if *chain == decided.deal.legs[1].chain));
    let open = deal_record();
    let (fault, effects) = apply(&open, settled(0, Decision::Commit, &open));
    assert_eq!((fault.state, effects.len()), (DealState::Fault, 1), "no decision at all");
}

#[test]
fn a_conflict_rules_commit_out_but_not_abort() {
    let open = deal_record();
    let (fault, _) = apply(&open, DealEvent::ConflictSeen { evidence: "block 7 changed".into() });
    let (one, _) = apply(&fault, lock(&open, 0));
    let (both, effects) = apply(&one, lock(&open, 1));
    assert_eq!((both.state, both.decision, effects), (DealState::Fault, None, vec![]));
    let (aborted, effects) = apply(&both, DealEvent::TimePassed { now: after_decide_by(&open) });
    assert_eq!((aborted.state, aborted.decision), (DealState::Fault, Some(Decision::Abort)));
    assert_eq!(effects, issue(&open, Decision::Abort));
    assert_eq!(aborted.fault.as_deref(), Some("block 7 changed"));
}

#[test]
fn foreign_and_repeated_locks_are_refused() {
    let open = deal_record();
    let at = open.deal.lock_by;
    let wrong = DealEvent::LockProven { index: 0, lock_key: LockKey::default(), at };
    assert!(matches!(refused(&open, wrong), DealStepRefusal::WrongLock { index: 0, .. }));
    let swapped = DealEvent::LockProven { index: 0, lock_key: open.legs[1].lock_key, at };
    assert!(matches!(refused(&open, swapped), DealStepRefusal::WrongLock { index: 0, .. }));
    let ninth = DealEvent::LockProven { index: 8, lock_key: LockKey::default(), at };
    assert_eq!(refused(&open, ninth), DealStepRefusal::NoSuchLeg(8));
    let (first, _) = apply(&open, lock(&open, 0));
    let again = refused(&first, lock(&open, 0));
    assert_eq!(again, DealStepRefusal::AlreadyProven { index: 0, state: LegState::Locked });
}

#[derive(Clone, Debug)]
enum Act {
    Lock(u8),
    Wait(u64),
    Cancel,
    Settle(u8, bool),
    Escape(u8),
    Issue,
    Withdraw,
    Certify,
    Conflict,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => (0u8..3).prop_map(Act::Lock),
        2 => (0u64..900).prop_map(Act::Wait),
        1 => Just(Act::Cancel),
        2 => ((0u8..3), any::<bool>()).prop_map(|(index, commit)| Act::Settle(index, commit)),
        1 => (0u8..3).prop_map(Act::Escape),
        2 => Just(Act::Issue),
        1 => Just(Act::Withdraw),
        2 => Just(Act::Certify),
        1 => Just(Act::Conflict),
    ]
}

fn event(act: &Act, record: &DealRecord, now: Timestamp) -> DealEvent {
    let decision = |commit: bool| if commit { Decision::Commit } else { Decision::Abort };
    match act {
        Act::Lock(index) => DealEvent::LockProven {
            index: *index,
            lock_key: record.legs.get(usize::from(*index)).map_or(LockKey::default(), |leg| leg.lock_key),
            at: now,
        },
        Act::Wait(_) => DealEvent::TimePassed { now },
        Act::Cancel => DealEvent::Cancelled { at: now },
        Act::Settle(index, commit) => {
            DealEvent::SettlementProven { index: *index, decision: decision(*commit), at: now }
        }
        Act::Escape(index) => DealEvent::EscapeProven { index: *index, at: now },
        Act::Issue => DealEvent::LeafIssued { height: Height(1) },
        Act::Withdraw => DealEvent::LeafWithdrawn,
        Act::Certify => DealEvent::LeafCertified { height: Height(1) },
        Act::Conflict => DealEvent::ConflictSeen { evidence: "seen".into() },
    }
}

proptest! {
    /// S4 and its kin, whatever happens in whatever order.
    #[test]
    fn invariants_hold_in_any_order(acts in proptest::collection::vec(act(), 1..40)) {
        let mut record = deal_record();
        let mut now = record.registered_at.plus(400);
        let mut leaves = Vec::new();
        for act in &acts {
            if let Act::Wait(seconds) = act {
                now = now.plus(*seconds);
            }
            let Ok(step) = step(&record, &event(act, &record, now), &RULES) else { continue };
            for effect in &step.effects {
                if let DealEffect::Issue(leaf) = effect {
                    leaves.push(leaf.clone());
                }
            }
            let next = step.next;
            prop_assert!(record.decision.is_none() || next.decision == record.decision, "S4");
            prop_assert!(record.fault.is_none() || next.fault == record.fault, "evidence is kept");
            if next.decision == Some(Decision::Commit) {
                prop_assert!(next.legs.iter().all(|leg| leg.locked_at.is_some_and(|at| at <= next.deal.decide_by)));
            }
            if next.decision == Some(Decision::Abort) && record.decision.is_none() {
                prop_assert!(!record.legs.iter().all(|leg| leg.state == LegState::Locked) || record.fault.is_some());
            }
            let released = next.any(LegState::Released);
            let refunded = next.any(LegState::Refunded) || next.any(LegState::Escaped);
            prop_assert!(!(released && refunded) || next.state == DealState::Fault, "S1 is seen");
            prop_assert_eq!(next.state, next.derived_state());
            prop_assert!(next.leaf != LeafState::Issued || next.checkpoint.is_some(), "a leaf waits or stands");
            record = next;
        }
        prop_assert!(leaves.len() <= 1, "one leaf serves every leg");
    }
}
