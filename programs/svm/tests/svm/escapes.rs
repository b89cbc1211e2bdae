//! The timer refund: late, in two steps, to `on_abort`, and never beside a decision.

use infrastrukt_svm_tests::{
    Purse, Refusal, SOL, World,
    accounts::ESCAPED,
    calls::{self, Bend},
    events, pda,
    wire::{LegRef, Word},
};
use solana_signer::Signer;

/// A locked leg at the first second at which its escape may be asked for.
fn escapable() -> (World, Word, LegRef) {
    let mut world = World::new();
    let (deal, leg) = world.locked(1_000_000);
    world.chain.set_time(leg.leg.escape_at);
    (world, deal, leg)
}

#[test]
fn an_escape_pays_everything_back_and_no_tip() {
    let (mut world, deal, leg) = escapable();
    let key = leg.lock_key(&deal);
    let executable_at = world.chain.now() + leg.leg.escape_window;
    let done = world.chain.done(&[calls::request_escape(&deal, &leg)], &[]);
    let expected = [&deal[..], &key, &[0], &executable_at.to_le_bytes()].concat();
    assert_eq!(events(&done, "EscapeRequested"), [expected]);
    assert_eq!(world.chain.lock(&key).expect("locked").escape_requested_at, world.chain.now());
    world.chain.set_time(executable_at);
    let escape = calls::execute_escape(world.payer(), &deal, &leg);
    let done = world.chain.done(&[escape], &[]);
    assert_eq!(events(&done, "Escaped"), [[&deal[..], &key, &[0]].concat()]);
    assert_eq!(world.chain.lock(&key).expect("kept").state, ESCAPED);
    assert_eq!(world.chain.owed(Purse::Escrow, &leg.leg.on_abort, &SOL), 1_000_000);
    assert!(world.chain.credit(Purse::Escrow, &world.payer().to_bytes(), &SOL).is_none());
}

#[test]
fn an_escape_is_not_asked_for_too_early() {
    let (mut world, deal, leg) = escapable();
    let request = calls::request_escape(&deal, &leg);
    world.chain.set_time(leg.leg.escape_at - 1);
    world.chain.refused(request.clone(), &[], Refusal::EscapeNotYet);
    world.chain.set_time(leg.leg.escape_at);
    world.chain.done(&[request], &[]);
}

#[test]
fn an_escape_is_not_executed_too_early() {
    let (mut world, deal, leg) = escapable();
    let execute = calls::execute_escape(world.payer(), &deal, &leg);
    world.chain.refused(execute.clone(), &[], Refusal::EscapeNotRequested);
    world.chain.done(&[calls::request_escape(&deal, &leg)], &[]);
    world.chain.refused(execute.clone(), &[], Refusal::EscapeNotYet);
    world.chain.pass(leg.leg.escape_window - 1);
    world.chain.refused(execute.clone(), &[], Refusal::EscapeNotYet);
    world.chain.pass(1);
    world.chain.done(&[execute], &[]);
}

/// Asking again would push the end of the window out for ever.
#[test]
fn an_escape_is_asked_for_once() {
    let (mut world, deal, leg) = escapable();
    world.chain.done(&[calls::request_escape(&deal, &leg)], &[]);
    world.chain.pass(100);
    world.chain.refused(calls::request_escape(&deal, &leg), &[], Refusal::EscapeAlreadyRequested);
}

#[test]
fn a_leg_escapes_once() {
    let (mut world, deal, leg) = escapable();
    world.chain.done(&[calls::request_escape(&deal, &leg)], &[]);
    world.chain.pass(leg.leg.escape_window);
    let execute = calls::execute_escape(world.payer(), &deal, &leg);
    world.chain.done(&[execute.clone()], &[]);
    world.chain.refused(execute, &[], Refusal::NotLocked);
    world.chain.refused(calls::request_escape(&deal, &leg), &[], Refusal::NotLocked);
    let lock = calls::lock(world.payer(), &deal, &leg);
    world.chain.set_time(leg.lock_by);
    world.chain.refused(lock, &[&world.alice], Refusal::AlreadyLocked);
}

/// COMMIT and ABORT stay valid until an escape executes, and not a moment longer.
#[test]
fn a_decision_ends_an_escape_and_an_escape_ends_all_decisions() {
    for commit in [true, false] {
        let (mut world, deal, leg) = escapable();
        world.chain.done(&[calls::request_escape(&deal, &leg)], &[]);
        world.chain.pass(leg.leg.escape_window);
        let decision = world.decided(&deal, commit);
        let settle = world.settle(&decision, commit, &deal, &leg);
        let execute = calls::execute_escape(world.payer(), &deal, &leg);
        let escaped = world.chain.simulate(&[execute.clone(), settle.clone()], &[]);
        assert!(escaped.is_err(), "settled after the escape");
        world.chain.done(&[settle], &[]);
        world.chain.refused(execute, &[], Refusal::NotLocked);
        let payee = if commit { leg.leg.on_commit } else { leg.leg.on_abort };
        assert_eq!(world.chain.owed(Purse::Escrow, &payee, &SOL), 990_000);
    }
}

#[test]
fn an_escaped_leg_is_not_settled() {
    let (mut world, deal, leg) = escapable();
    world.chain.done(&[calls::request_escape(&deal, &leg)], &[]);
    world.chain.pass(leg.leg.escape_window);
    let execute = calls::execute_escape(world.payer(), &deal, &leg);
    world.chain.done(&[execute], &[]);
    for commit in [true, false] {
        let decision = world.decided(&deal, commit);
        let settle = world.settle(&decision, commit, &deal, &leg);
        world.chain.refused(settle, &[], Refusal::NotLocked);
    }
    assert!(world.chain.credit(Purse::Escrow, &leg.leg.on_commit, &SOL).is_none());
}

#[test]
fn what_was_never_locked_does_not_escape() {
    let mut world = World::new();
    let leg = world.leg(SOL, 1_000_000);
    world.chain.set_time(leg.leg.escape_at);
    world.chain.refused_account(calls::request_escape(&[1; 32], &leg), &[], &[]);
    let execute = calls::execute_escape(world.payer(), &[1; 32], &leg);
    world.chain.refused_account(execute, &[], &[]);
}

/// Whoever executes an escape changes neither whom it pays nor when.
#[test]
fn an_escape_goes_by_the_leg_s_own_terms() {
    let (mut world, deal, leg) = escapable();
    let own = pda::lock(&leg.lock_key(&deal));
    world.chain.done(&[calls::request_escape(&deal, &leg)], &[]);
    let mallory = world.mallory.pubkey().to_bytes();
    let bends: [fn(&mut LegRef, Word); 3] =
        [|leg, _| leg.leg.escape_window = 0, |leg, account| leg.leg.on_abort = account, |leg, _| leg.leg.amount += 1];
    for bend in bends {
        let mut bent = leg;
        bend(&mut bent, mallory);
        let other = pda::lock(&bent.lock_key(&deal));
        let execute = calls::execute_escape(world.payer(), &deal, &bent).substitute(other, own);
        world.chain.refused_account(execute, &[], &[Refusal::WrongAddress]);
    }
    let mut early = leg;
    early.leg.escape_at = 0;
    let request = calls::request_escape(&deal, &early).substitute(pda::lock(&early.lock_key(&deal)), own);
    world.chain.refused_account(request, &[], &[Refusal::WrongAddress]);
}
