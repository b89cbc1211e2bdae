//! Who may certify when: rotation, retirement, expiry, recovery.

use infrastrukt_svm_tests::{
    DAY, FIRST_EXPIRY, GRACE, Purse, Refusal, START, World,
    calls::{self, Bend},
    wire::{Kind, ValidatorSet, Word, leaf},
};
use solana_instruction::Instruction;
use solana_signer::Signer;

/// The farthest that a new set may be given power.
const EPOCH_MAX: u64 = 400 * DAY;

/// The call that hands over to `set` in `epoch`, under a verified rotation of exactly that.
fn handover(world: &mut World, epoch: u64, set: &Word, expires_at: u64) -> Instruction {
    let certified = world.proven(Kind::Rotation, &[leaf::rotate(epoch, set, expires_at)]);
    calls::rotate(world.payer(), &certified.checkpoint, (epoch, expires_at, set), &certified.proof(0))
}

fn next_set() -> ValidatorSet {
    ValidatorSet::of("next", 4)
}

#[test]
fn a_rotation_hands_over_to_the_next_epoch() {
    let mut world = World::new();
    world.chain.pass(10);
    let old = world.chain.epoch(1).expect("the first epoch");
    world.rotate(next_set(), START + 90 * DAY);
    assert_eq!(world.chain.config().current_epoch, 2);
    let (first, second) = (world.chain.epoch(1).expect("kept"), world.chain.epoch(2).expect("opened"));
    assert_eq!((first.retired_at, first.expires_at, first.valset_hash), (START + 10, FIRST_EXPIRY, old.valset_hash));
    assert_eq!((second.retired_at, second.expires_at), (0, START + 90 * DAY));
    assert_eq!((second.valset_hash, second.count), (next_set().hash(), 4));
}

#[test]
fn epochs_are_consecutive() {
    for epoch in [0, 1, 3, u64::MAX] {
        let mut world = World::new();
        let call = handover(&mut world, epoch, &next_set().hash(), START + 90 * DAY);
        world.chain.refused_account(call, &[], &[Refusal::NotConsecutive, Refusal::AlreadyExists]);
    }
}

#[test]
fn a_rotation_does_only_what_was_certified() {
    let mut world = World::new();
    let (hash, expires_at) = (next_set().hash(), START + 90 * DAY);
    let certified = world.proven(Kind::Rotation, &[leaf::rotate(2, &hash, expires_at)]);
    let proof = certified.proof(0);
    for terms in [(2, expires_at + 1, &hash), (2, expires_at, &[1; 32]), (2, u64::MAX, &hash)] {
        let call = calls::rotate(world.payer(), &certified.checkpoint, terms, &proof);
        world.chain.refused(call, &[], Refusal::RootMismatch);
    }
}

#[test]
fn a_rotation_needs_a_checkpoint_of_its_kind() {
    let mut world = World::new();
    let (hash, expires_at) = (next_set().hash(), START + 90 * DAY);
    for kind in [Kind::General, Kind::Commits] {
        let certified = world.proven(kind, &[leaf::rotate(2, &hash, expires_at)]);
        let call = calls::rotate(world.payer(), &certified.checkpoint, (2, expires_at, &hash), &certified.proof(0));
        world.chain.refused(call, &[], Refusal::WrongKind);
    }
}

/// A set that rotated itself out cannot rotate somebody else in.
#[test]
fn a_retired_set_rotates_nothing() {
    let mut world = World::new();
    let impostor = ValidatorSet::of("impostor", 4).hash();
    let early = world.proven(Kind::Rotation, &[leaf::rotate(3, &impostor, START + 80 * DAY)]);
    world.rotate(next_set(), START + 90 * DAY);
    let call = calls::rotate(world.payer(), &early.checkpoint, (3, START + 80 * DAY, &impostor), &early.proof(0));
    world.chain.refused_account(call, &[], &[Refusal::RetiredEpoch, Refusal::UnknownEpoch]);
}

/// The same rotation a second time finds another current epoch.
#[test]
fn a_rotation_is_carried_out_once() {
    let mut world = World::new();
    let call = handover(&mut world, 2, &next_set().hash(), START + 90 * DAY);
    world.chain.done(&[call.clone()], &[]);
    let or = [Refusal::NotConsecutive, Refusal::RetiredEpoch, Refusal::UnknownEpoch];
    world.chain.refused_account(call, &[], &or);
}

#[test]
fn expiries_that_make_no_epoch_are_refused() {
    for expires_at in [0, START - 1, START, START + EPOCH_MAX + 1, u64::MAX] {
        let mut world = World::new();
        let call = handover(&mut world, 2, &next_set().hash(), expires_at);
        world.chain.refused(call, &[], Refusal::InvalidExpiry);
    }
    for expires_at in [START + 1, START + EPOCH_MAX] {
        let mut world = World::new();
        let call = handover(&mut world, 2, &next_set().hash(), expires_at);
        world.chain.done(&[call], &[]);
    }
}

#[test]
fn the_zero_set_is_never_given_power() {
    let mut world = World::new();
    let call = handover(&mut world, 2, &[0; 32], START + 90 * DAY);
    world.chain.refused_account(call, &[], &[Refusal::WrongValidatorSet, Refusal::InvalidValidatorSet]);
    world.chain.set_time(FIRST_EXPIRY + 1);
    let terms = (2, FIRST_EXPIRY + DAY, &[0; 32]);
    let call = calls::recover(world.recovery_owner.pubkey(), world.payer(), 1, terms);
    let why =
        |code: u32| [Refusal::WrongValidatorSet, Refusal::InvalidValidatorSet].iter().any(|why| why.code() == code);
    world.chain.refused_with(&[call], &[&world.recovery_owner], why, "a refusal of the set");
}

#[test]
fn messages_of_a_retired_epoch_are_refused_also_if_verified_before() {
    let mut world = World::new();
    let message = world.message(1);
    let leaf = world.message_leaf(&message);
    let verified = world.proven(Kind::General, &[leaf]);
    let later = world.certify(Kind::General, &[leaf]);
    world.rotate(next_set(), START + 90 * DAY);
    let deliver = world.deliver(&verified, 0, &message);
    world.chain.refused(deliver, &[], Refusal::RetiredEpoch);
    let verify = world.verify(&later);
    world.chain.try_send(&[verify], &[]).ok();
    let deliver = world.deliver(&later, 0, &message);
    world.chain.refused_account(deliver, &[], &[Refusal::RetiredEpoch]);
}

#[test]
fn decisions_of_a_retired_epoch_count_through_its_grace_and_no_longer() {
    let mut world = World::new();
    let (deal, leg) = world.locked(1_000_000);
    let (other_deal, other) = world.locked(2_000_000);
    let first = world.decided(&deal, true);
    let second = world.decided(&other_deal, true);
    world.rotate(next_set(), START + 90 * DAY);
    world.chain.set_time(START + GRACE);
    let settle = world.settle(&first, true, &deal, &leg);
    world.chain.done(&[settle], &[]);
    world.chain.set_time(START + GRACE + 1);
    let settle = world.settle(&second, true, &other_deal, &other);
    world.chain.refused(settle, &[], Refusal::RetiredEpoch);
}

/// Also a checkpoint that was verified in time is worth nothing after its epoch's last second.
#[test]
fn nothing_counts_after_the_epoch_expired() {
    let mut world = World::new();
    let (deal, leg) = world.locked(1_000_000);
    let message = world.message(1);
    let leaf = world.message_leaf(&message);
    let decision = world.decided(&deal, false);
    let delivery = world.proven(Kind::General, &[leaf]);
    let fresh = world.certify(Kind::General, &[leaf]);
    let rotation = handover(&mut world, 2, &next_set().hash(), START + 90 * DAY);
    world.chain.set_time(FIRST_EXPIRY + 1);
    let calls = [
        world.verify(&fresh),
        world.deliver(&delivery, 0, &message),
        world.settle(&decision, false, &deal, &leg),
        rotation,
    ];
    for call in calls {
        world.chain.refused(call, &[], Refusal::ExpiredEpoch);
    }
    world.chain.set_time(FIRST_EXPIRY);
    let deliver = world.deliver(&delivery, 0, &message);
    world.chain.done(&[deliver], &[]);
}

#[test]
fn recovery_waits_for_the_expiry() {
    let mut world = World::new();
    world.chain.set_time(FIRST_EXPIRY);
    let hash = next_set().hash();
    let terms = (2, FIRST_EXPIRY + 10 * DAY, &hash);
    let recover = calls::recover(world.recovery_owner.pubkey(), world.payer(), 1, terms);
    world.chain.refused(recover.clone(), &[&world.recovery_owner], Refusal::EpochNotExpired);
    world.chain.set_time(FIRST_EXPIRY + 1);
    world.chain.done(&[recover], &[&world.recovery_owner]);
    assert_eq!(world.chain.config().current_epoch, 2);
}

#[test]
fn only_the_recovery_owner_recovers() {
    let mut world = World::new();
    world.chain.set_time(FIRST_EXPIRY + 1);
    let hash = next_set().hash();
    let terms = (2, FIRST_EXPIRY + 10 * DAY, &hash);
    for thief in [&world.owner, &world.guardian, &world.mallory] {
        let call = calls::recover(thief.pubkey(), world.chain.payer.pubkey(), 1, terms);
        world.chain.refused(call, &[thief], Refusal::Unauthorized);
    }
    let recovery_owner = world.recovery_owner.pubkey();
    let unsigned = calls::recover(recovery_owner, world.payer(), 1, terms).unsigned(recovery_owner);
    world.chain.refused_account(unsigned, &[], &[]);
}

#[test]
fn recovery_only_goes_forward() {
    let mut world = World::new();
    world.rotate(next_set(), FIRST_EXPIRY);
    world.chain.set_time(FIRST_EXPIRY + 1);
    let hash = ValidatorSet::of("recovered", 4).hash();
    for epoch in [0, 1, 2] {
        let terms = (epoch, FIRST_EXPIRY + 10 * DAY, &hash);
        let call = calls::recover(world.recovery_owner.pubkey(), world.payer(), 2, terms);
        let or = [Refusal::NotConsecutive, Refusal::AlreadyExists];
        world.chain.refused_account(call, &[&world.recovery_owner], &or);
    }
    for expires_at in [0, FIRST_EXPIRY, FIRST_EXPIRY + 1, FIRST_EXPIRY + 2 + EPOCH_MAX] {
        let call = calls::recover(world.recovery_owner.pubkey(), world.payer(), 2, (9, expires_at, &hash));
        world.chain.refused(call, &[&world.recovery_owner], Refusal::InvalidExpiry);
    }
    let terms = (9, FIRST_EXPIRY + 10 * DAY, &hash);
    let call = calls::recover(world.recovery_owner.pubkey(), world.payer(), 2, terms);
    world.chain.done(&[call], &[&world.recovery_owner]);
    assert_eq!(world.chain.config().current_epoch, 9);
}

/// A recovery is over when it is done: the set it named must expire before there can be another.
#[test]
fn a_recovered_epoch_is_left_alone_until_it_expires() {
    let mut world = World::new();
    world.chain.set_time(FIRST_EXPIRY + 1);
    let hash = next_set().hash();
    let call = calls::recover(world.recovery_owner.pubkey(), world.payer(), 1, (2, FIRST_EXPIRY + DAY, &hash));
    world.chain.done(&[call], &[&world.recovery_owner]);
    let call = calls::recover(world.recovery_owner.pubkey(), world.payer(), 2, (3, FIRST_EXPIRY + DAY, &hash));
    world.chain.refused(call, &[&world.recovery_owner], Refusal::EpochNotExpired);
    // Nor by way of the epoch before, which has expired.
    let call = calls::recover(world.recovery_owner.pubkey(), world.payer(), 1, (3, FIRST_EXPIRY + DAY, &hash));
    let or = [Refusal::EpochNotExpired, Refusal::WrongAddress, Refusal::RetiredEpoch, Refusal::UnknownEpoch];
    world.chain.refused_account(call, &[&world.recovery_owner], &or);
}

/// Escapes and withdrawals need no certificate, and still work on a chain that slept through its epoch.
#[test]
fn deposits_come_back_without_any_epoch() {
    let mut world = World::new();
    let (deal, leg) = world.locked(1_000_000);
    world.chain.set_time(FIRST_EXPIRY + DAY);
    world.chain.done(&[calls::request_escape(&deal, &leg)], &[]);
    world.chain.pass(leg.leg.escape_window);
    let escape = calls::execute_escape(world.payer(), &deal, &leg);
    let alice = world.alice.pubkey();
    let withdraw = calls::withdraw_credit(Purse::Escrow, alice, world.payer());
    let before = world.chain.lamports(&alice);
    world.chain.done(&[escape, withdraw], &[]);
    assert_eq!(world.chain.lamports(&alice), before + 1_000_000);
}
