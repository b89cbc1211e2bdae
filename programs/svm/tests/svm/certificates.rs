//! What makes a certificate, and what does not.

use infrastrukt_svm_tests::{
    Certified, Refusal, World, calls, hub_id, pda,
    wire::{Certificate, Checkpoint, Kind, Tree, Validator, ValidatorSet, high_s},
};
use solana_instruction::Instruction;

pub(crate) const LEAF: [u8; 32] = [7; 32];

pub(crate) fn verify(world: &World, checkpoint: &Checkpoint, certificate: &Certificate) -> Instruction {
    let signatures = [&certificate.bitmap[..], &certificate.signatures.concat()].concat();
    calls::verify_checkpoint(world.payer(), checkpoint, &signatures)
}

/// A certificate of these signers, bent, is refused, and nothing is left of it.
#[track_caller]
fn refused(signers: &[usize], bend: impl FnOnce(&mut Certificate), why: Refusal) {
    let mut world = World::new();
    let checkpoint = world.hub.checkpoint(Kind::General, world.chain.now(), &[LEAF]);
    let mut certificate = world.hub.set.certify(&checkpoint.digest(), signers);
    bend(&mut certificate);
    let verify = verify(&world, &checkpoint, &certificate);
    world.chain.refused(verify, &[], why);
    assert!(world.chain.checkpoint(&pda::checkpoint(&checkpoint.digest())).is_none());
}

/// Delivers under a checkpoint's only leaf, which is no message: what counts is the first refusal.
#[track_caller]
fn not_usable(world: &mut World, certified: &Certified, why: Refusal) {
    let message = world.message(1);
    let deliver = world.deliver(certified, 0, &message);
    world.chain.refused(deliver, &[], why);
}

#[test]
fn three_of_four_are_a_quorum() {
    let mut world = World::new();
    let certified = world.proven(Kind::General, &[LEAF]);
    let account = world.chain.checkpoint(&certified.address()).expect("it was opened");
    assert!(account.is_verified);
    assert_eq!((account.signed, account.signed_weight), (0b111, 3));
    assert_eq!(
        (account.digest, account.outbox_root),
        (certified.checkpoint.digest(), certified.checkpoint.outbox_root)
    );
}

#[test]
fn two_of_four_are_no_quorum() {
    let mut world = World::new();
    let message = world.message(1);
    let leaf = world.message_leaf(&message);
    let mut certified = world.certify(Kind::General, &[leaf]);
    certified.certificate = world.hub.set.certify(&certified.checkpoint.digest(), &[0, 3]);
    let verify = world.verify(&certified);
    world.chain.done(&[verify], &[]);
    let account = world.chain.checkpoint(&certified.address()).expect("it waits for more");
    assert!(!account.is_verified);
    not_usable(&mut world, &certified, Refusal::NotVerified);
}

/// Exactly two thirds are not more than two thirds.
#[test]
fn two_thirds_of_the_weight_are_no_quorum() {
    let mut world = World::new();
    let weights = [1, 1, 2, 2];
    let members = (0..4).map(|i| Validator::named(&format!("weighty {i}"), weights[i])).collect();
    let set = ValidatorSet::new(members);
    let expires_at = world.chain.now() + 1_000_000;
    world.rotate(set.clone(), expires_at);
    let heavy: Vec<usize> = (0..4).filter(|i| set.members[*i].weight == 2).collect();
    let mut certified = world.certify(Kind::General, &[LEAF]);
    certified.certificate = set.certify(&certified.checkpoint.digest(), &heavy);
    let verify = world.verify(&certified);
    world.chain.done(&[verify], &[]);
    assert!(!world.chain.checkpoint(&certified.address()).expect("it waits").is_verified);
}

/// The greatest weights there are do not overflow the sum.
#[test]
fn weights_at_their_limit_add_up() {
    let mut world = World::new();
    let set = ValidatorSet::new((0..4).map(|i| Validator::named(&format!("greatest {i}"), u64::MAX)).collect());
    let expires_at = world.chain.now() + 1_000_000;
    world.rotate(set, expires_at);
    let certified = world.proven(Kind::General, &[LEAF]);
    let account = world.chain.checkpoint(&certified.address()).expect("it was opened");
    assert!(account.is_verified);
    assert_eq!(account.signed_weight, 3 * u128::from(u64::MAX));
}

#[test]
fn signatures_may_come_over_several_calls_by_anyone() {
    let mut world = World::new();
    let checkpoint = world.hub.checkpoint(Kind::General, world.chain.now(), &[LEAF]);
    let address = pda::checkpoint(&checkpoint.digest());
    for (signers, is_verified) in
        [(&[3][..], false), (&[][..], false), (&[1, 3][..], false), (&[0][..], true), (&[2][..], true)]
    {
        let certificate = world.hub.set.certify(&checkpoint.digest(), signers);
        let verify = verify(&world, &checkpoint, &certificate);
        world.chain.done(&[verify], &[]);
        assert_eq!(world.chain.checkpoint(&address).expect("it is open").is_verified, is_verified);
    }
}

/// A signature is counted once, over one call and over several.
#[test]
fn a_signer_never_counts_twice() {
    let mut world = World::new();
    let checkpoint = world.hub.checkpoint(Kind::General, world.chain.now(), &[LEAF]);
    let address = pda::checkpoint(&checkpoint.digest());
    let certificate = world.hub.set.certify(&checkpoint.digest(), &[1, 2]);
    for _ in 0..3 {
        let verify = verify(&world, &checkpoint, &certificate);
        world.chain.done(&[verify], &[]);
        let account = world.chain.checkpoint(&address).expect("it is open");
        assert_eq!((account.signed_weight, account.is_verified), (2, false));
    }
}

#[test]
fn one_signature_under_several_bits_is_refused() {
    refused(&[0, 1, 2], |certificate| certificate.signatures[1] = certificate.signatures[0], Refusal::InvalidSignature);
}

#[test]
fn signatures_out_of_order_are_refused() {
    refused(&[0, 1, 2], |certificate| certificate.signatures.swap(0, 1), Refusal::InvalidSignature);
}

#[test]
fn a_signature_over_another_digest_is_refused() {
    let other = ValidatorSet::of("validator", 4).members[0].sign(&[1; 32]);
    refused(&[0, 1, 2], |certificate| certificate.signatures[0] = other, Refusal::InvalidSignature);
}

#[test]
fn a_stranger_s_signature_is_refused() {
    let mut world = World::new();
    let checkpoint = world.hub.checkpoint(Kind::General, world.chain.now(), &[LEAF]);
    let mut certificate = world.hub.set.certify(&checkpoint.digest(), &[0, 1, 2]);
    certificate.signatures[2] = Validator::named("a stranger", 1).sign(&checkpoint.digest());
    let verify = verify(&world, &checkpoint, &certificate);
    world.chain.refused(verify, &[], Refusal::InvalidSignature);
}

/// Every signature has a second form with a high s, which is the same vote in other bytes.
#[test]
fn a_high_s_is_refused() {
    refused(
        &[0, 1, 2],
        |certificate| certificate.signatures[1] = high_s(&certificate.signatures[1]),
        Refusal::InvalidSignature,
    );
}

#[test]
fn other_recovery_ids_are_refused() {
    for v in [0, 1, 2, 3, 26, 29, 30, 31, 255] {
        refused(&[0, 1, 2], |certificate| certificate.signatures[0][64] = v, Refusal::InvalidSignature);
    }
    refused(&[0, 1, 2], |certificate| certificate.signatures[0][64] ^= 7, Refusal::InvalidSignature);
}

/// What recovers to nobody is nobody's signature, whatever the set says.
#[test]
fn a_signature_that_recovers_nobody_is_refused() {
    for (r, s) in [(0, 0), (0, 1), (1, 0), (0xff, 1)] {
        let mut signature = [0; 65];
        signature[..32].fill(r);
        signature[63] = s;
        signature[64] = 27;
        refused(&[0, 1, 2], |certificate| certificate.signatures[0] = signature, Refusal::InvalidSignature);
    }
}

#[test]
fn bits_beyond_the_set_are_refused() {
    refused(&[0, 1, 2], |certificate| certificate.bitmap[0] |= 0x10, Refusal::MalformedCertificate);
    refused(&[0, 1, 2], |certificate| certificate.bitmap[0] |= 0x80, Refusal::MalformedCertificate);
}

#[test]
fn signatures_without_bits_and_bits_without_signatures_are_refused() {
    let pop = |certificate: &mut Certificate| {
        certificate.signatures.pop();
    };
    refused(&[0, 1, 2], pop, Refusal::MalformedCertificate);
    let push = |certificate: &mut Certificate| certificate.signatures.push(certificate.signatures[0]);
    refused(&[0, 1, 2], push, Refusal::MalformedCertificate);
    refused(&[0, 1, 2], |certificate| certificate.bitmap.clear(), Refusal::MalformedCertificate);
    // The byte more is read as the first of a signature.
    refused(&[0, 1, 2], |certificate| certificate.bitmap.push(0), Refusal::InvalidSignature);
}

#[test]
fn a_byte_too_many_or_too_few_is_refused() {
    let mut world = World::new();
    let certified = world.certify(Kind::General, &[LEAF]);
    let signatures = certified.signatures();
    let long = [&signatures[..], &[0]].concat();
    for bytes in [&long[..], &signatures[..signatures.len() - 1], &[]] {
        let verify = calls::verify_checkpoint(world.payer(), &certified.checkpoint, bytes);
        world.chain.refused(verify, &[], Refusal::MalformedCertificate);
    }
}

/// The set that the program knows is what counts: a certificate cannot bring its own.
#[test]
fn another_set_s_certificate_is_refused() {
    let mut world = World::new();
    let honest = world.hub.set.clone();
    world.hub.set = ValidatorSet::of("impostor", 4);
    let certified = world.certify(Kind::General, &[LEAF]);
    let verify = world.verify(&certified);
    // The program derives the checkpoint's address from its own set's hash.
    world.chain.refused_account(verify, &[], &[Refusal::WrongAddress]);
    world.hub.set = honest;
    let certified = world.certify(Kind::General, &[LEAF]);
    let impostors = ValidatorSet::of("impostor", 4).certify_least(&certified.checkpoint.digest());
    let theirs = Certified { certificate: impostors, ..certified };
    let verify = world.verify(&theirs);
    world.chain.refused(verify, &[], Refusal::InvalidSignature);
}

#[test]
fn another_hub_s_certificate_is_refused() {
    let mut world = World::new();
    world.hub.id = [3; 32];
    let certified = world.certify(Kind::General, &[LEAF]);
    let foreign = world.verify(&certified);
    world.chain.refused_account(foreign, &[], &[Refusal::WrongAddress]);
    // At the address where the program would look for it, its signatures are over another digest.
    let own = Checkpoint { hub_id: hub_id(), ..certified.checkpoint };
    let verify = calls::verify_checkpoint(world.payer(), &own, &certified.signatures());
    world.chain.refused(verify, &[], Refusal::InvalidSignature);
}

#[test]
fn each_field_of_the_checkpoint_is_signed() {
    let mut world = World::new();
    let certified = world.certify(Kind::General, &[LEAF]);
    let signed = certified.checkpoint;
    let bent = [
        Checkpoint { kind: 1, ..signed },
        Checkpoint { height: signed.height + 1, ..signed },
        Checkpoint { time: signed.time + 1, ..signed },
        Checkpoint { outbox_root: [1; 32], ..signed },
        Checkpoint { state_root: [0; 32], ..signed },
    ];
    for checkpoint in bent {
        let verify = calls::verify_checkpoint(world.payer(), &checkpoint, &certified.signatures());
        world.chain.refused(verify, &[], Refusal::InvalidSignature);
    }
}

#[test]
fn an_epoch_that_is_not_there_certifies_nothing() {
    let mut world = World::new();
    for epoch in [0, 2, u64::MAX] {
        world.hub.epoch = epoch;
        let certified = world.certify(Kind::General, &[LEAF]);
        let verify = world.verify(&certified);
        world.chain.refused_account(verify, &[], &[Refusal::UnknownEpoch]);
    }
}

#[test]
fn kinds_that_do_not_exist_are_refused() {
    let mut world = World::new();
    for kind in [3, 4, 255] {
        let checkpoint = Checkpoint { kind, ..world.hub.checkpoint(Kind::General, world.chain.now(), &[LEAF]) };
        let certificate = world.hub.set.certify_least(&checkpoint.digest());
        let verify = verify(&world, &checkpoint, &certificate);
        // Whether it is kept or not, nothing may be done with it.
        world.chain.try_send(&[verify], &[]).ok();
        let certified = Certified { checkpoint, tree: Tree::new(&[LEAF]), certificate };
        let message = world.message(1);
        let deliver = world.deliver(&certified, 0, &message);
        let or = [Refusal::WrongKind, Refusal::NotVerified];
        world.chain.refused_account(deliver, &[], &or);
    }
}
