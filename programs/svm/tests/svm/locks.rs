//! Which legs the escrow takes, from whom, and how often.

use infrastrukt_svm_tests::{
    DAY, FUNDS, HORIZON, MintArgs, Purse, Refusal, SOL, TOKEN_LEGACY, WINDOW_MIN, World,
    accounts::{CANCELLED, LOCKED},
    associated,
    calls::{self, Bend},
    events, key_named, pda,
    wire::{Leg, LegRef, Word},
};
use solana_signer::Signer;

const DEAL: Word = [4; 32];

/// A leg with one thing wrong is refused, and nothing is taken.
#[track_caller]
fn refused(bend: impl FnOnce(&World, &mut LegRef), why: Refusal) {
    let mut world = World::new();
    let mut leg = world.leg(SOL, 1_000_000);
    bend(&world, &mut leg);
    let lock = calls::lock(world.payer(), &DEAL, &leg);
    let before = world.held(Purse::Escrow);
    world.chain.refused(lock, &[&world.alice], why);
    assert_eq!(world.held(Purse::Escrow), before);
    assert!(world.chain.lock(&leg.lock_key(&DEAL)).is_none());
}

#[track_caller]
fn taken(bend: impl FnOnce(&World, &mut LegRef)) {
    let mut world = World::new();
    let mut leg = world.leg(SOL, 1_000_000);
    bend(&world, &mut leg);
    let lock = calls::lock(world.payer(), &DEAL, &leg);
    world.chain.done(&[lock], &[&world.alice]);
    assert_eq!(world.held(Purse::Escrow), u64::try_from(leg.leg.amount).expect("64 bits"));
}

#[test]
fn a_lock_takes_exactly_the_amount_and_says_so() {
    let mut world = World::new();
    let leg = world.leg(SOL, 1_000_000);
    let key = leg.lock_key(&DEAL);
    let alice = world.alice.pubkey();
    let before = world.chain.lamports(&alice);
    let lock = calls::lock(world.payer(), &DEAL, &leg);
    let done = world.chain.done(&[lock], &[&world.alice]);
    assert_eq!(world.chain.lamports(&alice), before - 1_000_000);
    assert_eq!(world.held(Purse::Escrow), 1_000_000);
    assert_eq!(events(&done, "Locked"), [[&DEAL[..], &key, &[0]].concat()]);
    let lock = world.chain.lock(&key).expect("it is there");
    assert_eq!((lock.state, lock.escape_requested_at), (LOCKED, 0));
}

#[test]
fn a_leg_is_locked_once() {
    let mut world = World::new();
    let leg = world.leg(SOL, 1_000_000);
    let lock = calls::lock(world.payer(), &DEAL, &leg);
    world.chain.done(&[lock.clone()], &[&world.alice]);
    world.chain.refused(lock, &[&world.alice], Refusal::AlreadyLocked);
    assert_eq!(world.held(Purse::Escrow), 1_000_000);
}

/// Neither a settlement nor an escape makes room for a second lock under the same key.
#[test]
fn a_leg_is_never_locked_again() {
    for commit in [true, false] {
        let mut world = World::new();
        let (deal, leg) = world.locked(1_000_000);
        let decision = world.decided(&deal, commit);
        let settle = world.settle(&decision, commit, &deal, &leg);
        world.chain.done(&[settle], &[]);
        let lock = calls::lock(world.payer(), &deal, &leg);
        world.chain.refused(lock, &[&world.alice], Refusal::AlreadyLocked);
    }
}

#[test]
fn the_depositor_signs() {
    let mut world = World::new();
    let leg = world.leg(SOL, 1_000_000);
    let alice = world.alice.pubkey();
    let unsigned = calls::lock(world.payer(), &DEAL, &leg).unsigned(alice);
    world.chain.refused_account(unsigned, &[], &[]);
    let other = calls::lock(world.payer(), &DEAL, &leg).substitute(alice, world.mallory.pubkey());
    world.chain.refused(other, &[&world.mallory], Refusal::NotDepositor);
}

#[test]
fn a_leg_of_another_token_is_not_paid_in_sol() {
    refused(|_, leg| leg.leg.token = [1; 32], Refusal::WrongToken);
}

#[test]
fn nobody_of_the_hub_s_own_is_paid() {
    let own = [[0; 32], pda::PROGRAM.to_bytes(), pda::config().to_bytes(), pda::escrow().to_bytes()];
    let others = [pda::bridge().to_bytes(), pda::fees().to_bytes()];
    for account in own.into_iter().chain(others) {
        refused(|_, leg| leg.leg.on_commit = account, Refusal::InvalidPayee);
        refused(|_, leg| leg.leg.on_abort = account, Refusal::InvalidPayee);
    }
}

#[test]
fn a_tip_is_below_the_amount() {
    for (amount, tip) in [(0, 0), (1, 1), (1_000, 1_000), (1_000, u64::MAX), (u64::MAX, u64::MAX)] {
        refused(|_, leg| (leg.leg.amount, leg.leg.tip) = (u128::from(amount), u128::from(tip)), Refusal::InvalidAmount);
    }
    taken(|_, leg| (leg.leg.amount, leg.leg.tip) = (1_000_000, 999_999));
    taken(|_, leg| leg.leg.tip = 0);
}

#[test]
fn an_index_is_below_eight() {
    for index in [8, 9, 255] {
        refused(|_, leg| leg.index = index, Refusal::InvalidIndex);
    }
    taken(|_, leg| leg.index = 7);
}

#[test]
fn a_leg_is_locked_in_time() {
    refused(|world, leg| leg.lock_by = world.chain.now() - 1, Refusal::LockPassed);
    refused(|_, leg| leg.lock_by = 0, Refusal::LockPassed);
    let beyond = |world: &World, leg: &mut LegRef| later(leg, world.chain.now() + HORIZON + 1);
    refused(beyond, Refusal::LockHorizon);
    refused(|_, leg| leg.lock_by = u64::MAX, Refusal::LockHorizon);
    taken(|world, leg| later(leg, world.chain.now()));
    taken(|world, leg| later(leg, world.chain.now() + HORIZON));
}

fn later(leg: &mut LegRef, lock_by: u64) {
    leg.lock_by = lock_by;
    leg.leg.escape_at = lock_by + DAY;
}

#[test]
fn an_escape_is_neither_too_near_nor_too_far() {
    let most = 60 * DAY;
    for after in [0, most + 1] {
        refused(|_, leg| leg.leg.escape_at = leg.lock_by + after, Refusal::InvalidEscape);
    }
    refused(|_, leg| leg.leg.escape_at = leg.lock_by - 1, Refusal::InvalidEscape);
    refused(|_, leg| leg.leg.escape_at = u64::MAX, Refusal::InvalidEscape);
    refused(|_, leg| leg.leg.escape_at = 0, Refusal::InvalidEscape);
    for window in [0, WINDOW_MIN - 1, most + 1, u64::MAX] {
        refused(|_, leg| leg.leg.escape_window = window, Refusal::InvalidEscape);
    }
    taken(|_, leg| leg.leg.escape_at = leg.lock_by + 1);
    taken(|_, leg| (leg.leg.escape_at, leg.leg.escape_window) = (leg.lock_by + most, most));
}

/// Chain and escrow of a leg are the program's own, whatever the depositor thought: the key is another one.
#[test]
fn a_leg_of_another_chain_or_escrow_has_another_key() {
    let mut world = World::new();
    let own = world.leg(SOL, 1_000_000);
    let legs = [Leg { chain: 1, ..own.leg }, Leg { escrow: [1; 32], ..own.leg }];
    for leg in legs {
        let lock = calls::lock(world.payer(), &DEAL, &LegRef { leg, ..own });
        world.chain.refused_account(lock, &[&world.alice], &[Refusal::WrongAddress]);
    }
}

#[test]
fn amounts_beyond_what_there_is_are_not_locked() {
    let mut world = World::new();
    for amount in [FUNDS + 1, u64::MAX - 1, u64::MAX] {
        let leg = world.leg(SOL, amount);
        let lock = calls::lock(world.payer(), &DEAL, &leg);
        world.chain.fails(&[lock], &[&world.alice]);
        assert!(world.chain.lock(&leg.lock_key(&DEAL)).is_none());
    }
}

/// Anyone may send lamports to the address of a lock before it is opened.
#[test]
fn lamports_sent_ahead_stop_no_lock_and_no_cancel() {
    for lamports in [1, 890_880, 5_000_000_000] {
        let mut world = World::new();
        let leg = world.leg(SOL, 1_000_000);
        world.chain.fund(pda::lock(&leg.lock_key(&DEAL)), lamports);
        let lock = calls::lock(world.payer(), &DEAL, &leg);
        world.chain.done(&[lock], &[&world.alice]);
        assert_eq!(world.chain.lock(&leg.lock_key(&DEAL)).expect("locked").state, LOCKED);
        let other = world.leg(SOL, 2_000_000);
        world.chain.fund(pda::lock(&other.lock_key(&DEAL)), lamports);
        let cancel = calls::cancel_lock(world.payer(), &DEAL, &other);
        world.chain.done(&[cancel], &[&world.alice]);
        assert_eq!(world.chain.lock(&other.lock_key(&DEAL)).expect("cancelled").state, CANCELLED);
    }
}

#[test]
fn a_cancelled_lock_is_never_opened() {
    let mut world = World::new();
    let leg = world.leg(SOL, 1_000_000);
    let cancel = calls::cancel_lock(world.payer(), &DEAL, &leg);
    let done = world.chain.done(&[cancel.clone()], &[&world.alice]);
    assert_eq!(events(&done, "LockCancelled").len(), 1);
    world.chain.refused(cancel, &[&world.alice], Refusal::CancelledLock);
    let lock = calls::lock(world.payer(), &DEAL, &leg);
    world.chain.refused(lock, &[&world.alice], Refusal::CancelledLock);
    for (decision, commit) in [(world.decided(&DEAL, true), true), (world.decided(&DEAL, false), false)] {
        let settle = world.settle(&decision, commit, &DEAL, &leg);
        world.chain.refused(settle, &[], Refusal::NotLocked);
    }
    world.chain.set_time(leg.leg.escape_at);
    world.chain.refused(calls::request_escape(&DEAL, &leg), &[], Refusal::NotLocked);
}

#[test]
fn only_the_depositor_cancels_and_only_what_is_not_open() {
    let mut world = World::new();
    let leg = world.leg(SOL, 1_000_000);
    let alice = world.alice.pubkey();
    let cancel = calls::cancel_lock(world.payer(), &DEAL, &leg);
    let thief = cancel.clone().substitute(alice, world.mallory.pubkey());
    world.chain.refused(thief, &[&world.mallory], Refusal::NotDepositor);
    world.chain.refused_account(cancel.clone().unsigned(alice), &[], &[]);
    let lock = calls::lock(world.payer(), &DEAL, &leg);
    world.chain.done(&[lock], &[&world.alice]);
    world.chain.refused(cancel, &[&world.alice], Refusal::AlreadyLocked);
    assert_eq!(world.chain.lock(&leg.lock_key(&DEAL)).expect("locked").state, LOCKED);
}

#[test]
fn tokens_are_locked_out_of_the_depositor_s_own_account() {
    let mut world = World::new();
    let token = world.token("token", TOKEN_LEGACY);
    let leg = world.leg(token.mint.to_bytes(), 700);
    let (alice, bob) = (world.alice.pubkey(), world.bob.pubkey());
    let bobs = world.chain.open_account(bob, token);
    world.chain.mint_to(token, bobs, 5_000);
    let lock = calls::lock_token(world.payer(), &DEAL, &leg, token);
    let of_bob = lock.clone().substitute(associated(&alice, token), bobs);
    world.chain.fails(&[of_bob], &[&world.alice]);
    let vault = associated(&pda::escrow(), token);
    let of_the_vault = lock.clone().substitute(associated(&alice, token), vault);
    world.chain.refused_account(of_the_vault, &[&world.alice], &[Refusal::InvalidDestination]);
    let by_mallory = lock.clone().substitute(alice, world.mallory.pubkey());
    world.chain.refused(by_mallory, &[&world.mallory], Refusal::NotDepositor);
    world.chain.done(&[lock], &[&world.alice]);
    assert_eq!((world.chain.tokens(&vault), world.chain.tokens(&associated(&alice, token))), (700, 999_300));
}

/// A leg in one token cannot be paid in another, and a leg in SOL not in tokens.
#[test]
fn a_leg_is_paid_in_its_own_token() {
    let mut world = World::new();
    let token = world.token("token", TOKEN_LEGACY);
    let worthless = world.token("worthless", TOKEN_LEGACY);
    let alice = world.alice.pubkey();
    let leg = world.leg(token.mint.to_bytes(), 700);
    let honest = calls::lock_token(world.payer(), &DEAL, &leg, token);
    let or = [Refusal::WrongToken, Refusal::WrongAddress];
    let other_asset = honest
        .clone()
        .substitute(pda::asset(&token.mint.to_bytes()), pda::asset(&worthless.mint.to_bytes()))
        .substitute(token.mint, worthless.mint)
        .substitute(associated(&alice, token), associated(&alice, worthless))
        .substitute(associated(&pda::escrow(), token), associated(&pda::escrow(), worthless));
    world.chain.refused_account(other_asset, &[&world.alice], &or);
    let other_source = honest.clone().substitute(associated(&alice, token), associated(&alice, worthless));
    world.chain.refused_account(other_source, &[&world.alice], &or);
    let bridge_vault = honest.clone().substitute(associated(&pda::escrow(), token), associated(&pda::bridge(), token));
    world.chain.refused_account(bridge_vault, &[&world.alice], &or);
    let sol = world.leg(SOL, 700);
    let sol = calls::lock_token(world.payer(), &DEAL, &sol, token);
    world.chain.refused_account(sol, &[&world.alice], &or);
    world.chain.done(&[honest], &[&world.alice]);
}

#[test]
fn a_token_that_nobody_opened_is_not_locked() {
    let mut world = World::new();
    let token = world.chain.put_mint("unopened", TOKEN_LEGACY, &MintArgs::of(6));
    for owner in [world.alice.pubkey(), pda::escrow()] {
        world.chain.open_account(owner, token);
    }
    world.chain.mint_to(token, associated(&world.alice.pubkey(), token), 1_000);
    let leg = world.leg(token.mint.to_bytes(), 700);
    let lock = calls::lock_token(world.payer(), &DEAL, &leg, token);
    world.chain.refused_account(lock, &[&world.alice], &[]);
}

/// Fees and rent may be another's; the leg's money is the depositor's alone.
#[test]
fn the_payer_pays_rent_and_never_the_leg() {
    let mut world = World::new();
    let sponsor = key_named("sponsor");
    world.chain.fund(sponsor.pubkey(), 1_000_000_000);
    let leg = world.leg(SOL, 5_000_000);
    let lock = calls::lock(sponsor.pubkey(), &DEAL, &leg);
    world.chain.done(&[lock], &[&sponsor, &world.alice]);
    let rent = world.chain.lamports(&pda::lock(&leg.lock_key(&DEAL)));
    assert_eq!(world.chain.lamports(&sponsor.pubkey()), 1_000_000_000 - rent);
}
