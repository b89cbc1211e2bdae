//! Two-party deals under a model checker. The hub's side is the production `step` and `may_sign`, not a copy; the
//! chains, the validators and time are modelled around them, with clocks that differ, locks that are reorganised away,
//! a hub that crashes or dies, one validator of four that is Byzantine, and settlements by whoever wants them.
//!
//! Proven for every reachable state, at these bounds: S1 (atomic) and S4 (one decision). S1 holds under its assumption
//! that the shares of all honest validators on a COMMIT are public by `sign_by + H` once one of them is, and that a
//! public certificate is included within C; a test shows that without the assumption it fails. Each mutant takes away
//! one guard and must be caught.

mod acts;
mod due;
mod properties;
mod terms;
mod world;

use stateright::{Checker, HasDiscoveries, Model};
use std::time::{Duration, Instant};

use world::{Bounds, DealModel, Guard};

/// Clocks of the two chains against hub time: one ahead and one behind, and both right. The legs are alike, so that the
/// mirror image of the first says nothing new.
const SKEWS: &[[i64; 2]] = &[[1, -1], [0, 0]];

/// Ends a search that would otherwise hold up the machine; a sound model is done long before.
const SEARCH_MAX: Duration = Duration::from_secs(240);

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Explores everything and returns how much there was.
fn explore(model: DealModel) -> usize {
    let begin = Instant::now();
    let checker = model.checker().threads(threads()).timeout(SEARCH_MAX).spawn_bfs().join();
    let (states, depth, took) = (checker.unique_state_count(), checker.max_depth(), begin.elapsed());
    println!("{states} unique states, depth {depth}, {} s", took.as_secs());
    assert!(took < SEARCH_MAX, "the search was cut off after {states} states");
    checker.assert_properties();
    states
}

/// The model without one guard must break a property.
fn must_be_caught(model: DealModel, property: &'static str) {
    let search = model.checker().threads(threads()).timeout(SEARCH_MAX);
    let checker = search.finish_when(HasDiscoveries::AnyOf([property].into())).spawn_bfs().join();
    let counterexample = checker.discovery(property).unwrap_or_else(|| panic!("{property} was not broken"));
    println!("{property} is broken by {:?}", counterexample.into_actions());
}

#[test]
fn every_reachable_state_is_atomic_and_decided_once() {
    let states = explore(DealModel::new(Bounds::Hostile, SKEWS));
    assert!(states >= 100_000, "only {states} states: the model has lost its freedom");
}

#[test]
fn a_live_hub_settles_every_deal_one_way() {
    explore(DealModel::new(Bounds::Live, SKEWS));
}

#[test]
fn a_dead_hub_traps_nobodys_money() {
    explore(DealModel::new(Bounds::Dying, SKEWS));
}

#[test]
fn without_public_shares_atomicity_is_lost() {
    must_be_caught(DealModel::without(Guard::PublicShares), "S1: atomic");
}

#[test]
fn mutant_without_sign_by_is_caught() {
    must_be_caught(DealModel::without(Guard::SignBy), "S1: atomic");
}

#[test]
fn mutant_that_aborts_after_all_locked_is_caught() {
    must_be_caught(DealModel::without(Guard::NoAbortAfterAllLocked), "S4: one decision");
}

#[test]
fn mutant_that_aborts_a_stalled_commit_is_caught() {
    must_be_caught(DealModel::without(Guard::StalledNeverAborts), "S4: one decision");
}

#[test]
fn mutant_with_an_early_escape_is_caught() {
    must_be_caught(DealModel::without(Guard::DeliveryBound), "S1: atomic");
}

#[test]
fn mutant_with_a_volatile_vote_is_caught() {
    must_be_caught(DealModel::without(Guard::WriteAhead), "S4: one certificate");
}

#[test]
fn mutant_that_attests_before_final_is_caught() {
    must_be_caught(DealModel::without(Guard::Finality), "S1: atomic");
}
