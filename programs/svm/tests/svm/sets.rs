//! Validator sets: well formed, large enough, and those of their hash.

use infrastrukt_svm_tests::{
    FIRST_EXPIRY, Refusal, World, calls, pda,
    wire::{Kind, ValidatorSet, encode_members, valset_hash},
};
use solana_signer::Signer;

use crate::certificates::{LEAF, verify};

#[test]
fn the_zero_address_is_no_member() {
    let mut world = World::new();
    let members: Vec<_> = (0..4u8).map(|i| ([i; 20], 1)).collect();
    published_is_refused(&mut world, &encode_members(members.into_iter()), Refusal::InvalidValidatorSet);
}

#[test]
fn sets_that_are_not_well_formed_are_not_published() {
    let member = |i: u8| ([i; 20], 1);
    let cases = [
        (encode_members([].into_iter()), Refusal::InvalidValidatorSet),
        (encode_members([member(2), member(1), member(3), member(4)].into_iter()), Refusal::InvalidValidatorSet),
        (encode_members([member(1), member(1), member(2), member(3)].into_iter()), Refusal::InvalidValidatorSet),
        (encode_members([member(1), ([2; 20], 0), member(3), member(4)].into_iter()), Refusal::InvalidValidatorSet),
        (encode_members((1..34).map(member).collect::<Vec<_>>().into_iter()), Refusal::TooManyValidators),
    ];
    for (set, why) in cases {
        published_is_refused(&mut World::new(), &set, why);
    }
    let mut other_scheme = ValidatorSet::of("validator", 4).encoding();
    other_scheme[0] = 2;
    published_is_refused(&mut World::new(), &other_scheme, Refusal::WrongScheme);
}

/// Recovers to a set by its hash alone and tries to publish it.
#[track_caller]
fn published_is_refused(world: &mut World, set: &[u8], why: Refusal) {
    let now = FIRST_EXPIRY + 1;
    world.chain.set_time(now);
    let hash = valset_hash(set);
    let recover = calls::recover(world.recovery_owner.pubkey(), world.payer(), 1, (2, now + 1_000_000, &hash));
    world.chain.done(&[recover], &[&world.recovery_owner]);
    // One member more than are allowed only just fits.
    world.chain.is_relayed = false;
    let publish = calls::publish_set(world.payer(), 2, set);
    world.chain.refused(publish, &[], why);
    assert_eq!(world.chain.epoch(2).expect("recovered").count, 0);
}

#[test]
fn only_the_set_of_the_hash_is_published() {
    let mut world = World::new();
    let now = FIRST_EXPIRY + 1;
    world.chain.set_time(now);
    let set = ValidatorSet::of("next", 4);
    let recover = calls::recover(world.recovery_owner.pubkey(), world.payer(), 1, (2, now + 1_000_000, &set.hash()));
    world.chain.done(&[recover], &[&world.recovery_owner]);
    let other = calls::publish_set(world.payer(), 2, &ValidatorSet::of("impostor", 4).encoding());
    world.chain.refused(other, &[], Refusal::WrongValidatorSet);
    (world.hub.epoch, world.hub.set) = (2, set.clone());
    let certified = world.certify(Kind::General, &[LEAF]);
    let verify = world.verify(&certified);
    world.chain.refused(verify.clone(), &[], Refusal::InvalidValidatorSet);
    let publish = calls::publish_set(world.payer(), 2, &set.encoding());
    world.chain.done(&[publish.clone()], &[]);
    // Once it is there, anybody may publish it again to no effect.
    let before = world.chain.account(&pda::epoch(2));
    world.chain.done(&[publish, verify], &[]);
    assert_eq!(world.chain.account(&pda::epoch(2)), before);
}

/// A set below the least size certifies nothing, also if it was rotated to.
#[test]
fn a_set_below_the_least_size_certifies_nothing() {
    let mut world = World::new();
    let now = FIRST_EXPIRY + 1;
    world.chain.set_time(now);
    let set = ValidatorSet::of("few", 3);
    let recover = calls::recover(world.recovery_owner.pubkey(), world.payer(), 1, (2, now + 1_000_000, &set.hash()));
    world.chain.done(&[recover], &[&world.recovery_owner]);
    let publish = calls::publish_set(world.payer(), 2, &set.encoding());
    let published = world.chain.try_send(&[publish], &[]).is_ok();
    (world.hub.epoch, world.hub.set) = (2, set);
    let certified = world.certify(Kind::General, &[LEAF]);
    let verify = world.verify(&certified);
    let why = if published { Refusal::TooFewValidators } else { Refusal::InvalidValidatorSet };
    world.chain.refused(verify, &[], why);
}

/// A set of 32, the largest, needs several transactions: 22 signatures are 1,430 bytes.
#[test]
fn the_largest_set_is_verified_over_several_transactions() {
    let mut world = World::new();
    let expires_at = world.chain.now() + 1_000_000;
    world.rotate(ValidatorSet::of("many", 32), expires_at);
    let checkpoint = world.hub.checkpoint(Kind::General, world.chain.now(), &[LEAF]);
    let address = pda::checkpoint(&checkpoint.digest());
    for start in (0..22).step_by(11) {
        let signers: Vec<usize> = (start..start + 11).collect();
        let certificate = world.hub.set.certify(&checkpoint.digest(), &signers);
        let verify = verify(&world, &checkpoint, &certificate);
        assert!(!world.chain.checkpoint(&address).is_some_and(|account| account.is_verified));
        world.chain.done(&[verify], &[]);
    }
    assert!(world.chain.checkpoint(&address).expect("it was opened").is_verified);
}
