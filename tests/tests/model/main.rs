//! Deals and messages under a model checker. The hub's side is the production `step` and `may_sign`, not a copy; the
//! chains, the validators and time are modelled around them: clocks that differ, locks, sends and deliveries that are
//! reorganised away, chains that halt or censor up to C, a hub that stops, crashes or dies, a set that rotates in the
//! middle of a deal, fewer than a third of the weight Byzantine, and settlements by whoever wants them.
//!
//! Proven for every reachable state, at these bounds: S1 to S4, L1 to L3, and for messages that each is delivered at
//! most once, only if it was sent, and never given back as well. The assumption of each stands beside it in
//! `properties.rs`; those of S1 are enforced in `deal/due.rs`, and a test shows for each that without it S1 fails.
//!
//! Left out: every leaf has a checkpoint to itself, and the log is one, since what forks it is not the hub's to decide.
//! A state is what any rule or property can tell apart, and no more: see `brief.rs` and `deal/forget.rs`. The larger
//! searches of `large.rs` are left out of an ordinary run. Each mutant of `mutants.rs` takes away one guard, must be
//! caught, and is kept with a counterexample in `traces/`, which does no harm where the guard is in place.

mod deal;
mod large;
mod message;
mod mutants;
mod search;
mod terms;

use deal::{ANY_TIME, Bounds, DealModel, Extras, Setup};
use message::{MessageModel, MessageSetup};
use search::explore;
use terms::{APART, Committee, SKEW_S, Second, TOGETHER};

/// Clocks of the two chains against hub time: one ahead and one behind, and both right. The legs are alike, so that the
/// mirror image of the first says nothing new.
const SKEWS: &[[Second; 2]] = &[APART, TOGETHER];

/// The target's clock: behind, right, ahead.
const TARGET_SKEWS: &[Second] = &[-SKEW_S, 0, SKEW_S];

#[test]
fn every_reachable_state_is_atomic_and_decided_once() {
    explore(DealModel::new(Setup { skews: SKEWS, ..Setup::HOSTILE }), 28_000);
}

#[test]
fn halts_payouts_that_revert_and_other_terms_change_nothing() {
    let extras = Extras { halts: true, bounces: true, other_terms: true, ..Extras::NONE };
    explore(DealModel::new(Setup { extras, skews: SKEWS, ..Setup::HOSTILE }), 500_000);
}

#[test]
fn a_rotation_at_any_moment_of_a_deal_changes_nothing() {
    let extras = Extras { rotation: ANY_TIME, reissue: true, ..Extras::NONE };
    explore(DealModel::new(Setup { extras, ..Setup::HOSTILE }), 1_800_000);
}

#[test]
fn seven_validators_with_two_traitors_are_like_four_with_one() {
    let extras = Extras { reissue: true, ..Extras::NONE };
    let committee = Committee::SEVEN;
    explore(DealModel::new(Setup { extras, committee, skews: SKEWS, ..Setup::HOSTILE }), 300_000);
}

#[test]
fn a_live_hub_settles_every_deal_one_way() {
    explore(DealModel::new(Setup { bounds: Bounds::Live, skews: SKEWS, ..Setup::HOSTILE }), 5_000);
}

#[test]
fn a_dead_hub_traps_nobodys_money() {
    explore(DealModel::new(Setup { bounds: Bounds::Dying, skews: SKEWS, ..Setup::HOSTILE }), 6_000);
}

#[test]
fn messages_are_delivered_once_or_given_back_once() {
    let setup = MessageSetup { halts: true, skews: TARGET_SKEWS, messages: 2, ..MessageSetup::HOSTILE };
    explore(MessageModel::new(setup), 600_000);
}

#[test]
fn every_message_ends() {
    let setup = MessageSetup { live: true, skews: TARGET_SKEWS, messages: 2, ..MessageSetup::HOSTILE };
    explore(MessageModel::new(setup), 2_000);
}
