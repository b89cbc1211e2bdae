//! What broke other bridges, tried on the reference of the verifier. Each test is named after its incident.

use infrastrukt_conformance::TestValidators;
use infrastrukt_ports::CertifiedLeaves;
use infrastrukt_sim::{Epochs, Revert, sim_account};
use infrastrukt_types::{
    B256, CertificateError, CheckpointKind, DealId, Decision, EcdsaCertificate, Epoch, HubId, Leaf, MessageId, Scheme,
    Timestamp, keccak256,
};

const HUB: HubId = HubId(B256::repeat_byte(0x42));
const START: Timestamp = Timestamp(1_800_000_000);
const GRACE_S: u64 = 1_000;
const LEAF: Leaf = Leaf::Message(MessageId(B256::repeat_byte(7)));
const COMMIT: Leaf = Leaf::Decision(DealId(B256::repeat_byte(8)), Decision::Commit);
const EXPIRES_AT: Timestamp = Timestamp(START.0 + 100_000);

fn verifier(valset_hash: B256) -> Epochs {
    Epochs::new(HUB, Epoch(1), valset_hash, EXPIRES_AT, GRACE_S).governed(4, sim_account("owner"))
}

/// What `validators` say in `epoch`, signed by the first `signers` of them.
fn certified(validators: &TestValidators, epoch: u64, leaf: Leaf, signers: usize) -> CertifiedLeaves {
    let mut certified = validators.certify(HUB, 7, leaf.kind(), &[leaf], &[0]).expect("one leaf, one index");
    certified.checkpoint.epoch = Epoch(epoch);
    certified.certificate = validators.certificate(certified.checkpoint.digest(), signers);
    certified
}

/// Hands over from one set to the next.
fn rotate(epochs: &mut Epochs, from: &TestValidators, to: &TestValidators, now: Timestamp) {
    let (epoch, valset_hash) = (Epoch(2), to.hash());
    let leaf = Leaf::Rotate { epoch, valset_hash, expires_at: EXPIRES_AT };
    let handed_over = certified(from, 1, leaf, TestValidators::QUORUM);
    epochs.rotate(&handed_over, epoch, valset_hash, EXPIRES_AT, now).expect("the set in power rotates");
}

fn judge(epochs: &Epochs, certified: &CertifiedLeaves, now: Timestamp) -> Result<(), Revert> {
    epochs.verify(certified, CheckpointKind::General, now)
}

#[test]
fn incident_nomad_zero_root_epoch_and_set_are_refused_before_and_after_a_rotation() {
    let (old, new) = (TestValidators::genesis(), TestValidators::named("next"));
    let mut epochs = verifier(old.hash());
    for (validators, epoch) in [(&old, 1), (&new, 2)] {
        if epoch == 2 {
            rotate(&mut epochs, &old, &new, START);
        }
        let zeroed = |change: &dyn Fn(&mut CertifiedLeaves)| {
            let mut zeroed = certified(validators, epoch, LEAF, TestValidators::COUNT);
            change(&mut zeroed);
            zeroed.certificate = validators.certificate(zeroed.checkpoint.digest(), TestValidators::COUNT);
            judge(&epochs, &zeroed, START).expect_err("a zero is never trusted")
        };
        assert_eq!(zeroed(&|zero| zero.checkpoint.outbox_root = B256::ZERO), Revert::ZeroRoot);
        assert_eq!(zeroed(&|zero| zero.checkpoint.epoch = Epoch(0)), Revert::UnknownEpoch(Epoch(0)));
        assert_eq!(zeroed(&|zero| zero.checkpoint.hub_id = HubId(B256::ZERO)), Revert::WrongHub(B256::ZERO));
        let no_set = zeroed(&|zero| zero.checkpoint.valset_hash = B256::ZERO);
        assert!(matches!(no_set, Revert::WrongValidatorSet { given, .. } if given == B256::ZERO), "{no_set}");
    }
    let refused = epochs.recover(sim_account("owner"), Epoch(3), B256::ZERO, EXPIRES_AT.plus(9), EXPIRES_AT.plus(1));
    assert!(matches!(refused, Err(Revert::WrongValidatorSet { .. })), "{refused:?}");
}

#[test]
fn incident_thorchain_leaked_keys_below_a_quorum_are_worth_nothing_together() {
    let validators = TestValidators::genesis();
    let epochs = verifier(validators.hash());
    let honest = certified(&validators, 1, LEAF, TestValidators::QUORUM);
    assert_eq!(judge(&epochs, &honest, START), Ok(()));

    let leaked = certified(&validators, 1, LEAF, TestValidators::QUORUM - 1);
    let below = judge(&epochs, &leaked, START);
    assert!(matches!(below, Err(Revert::Certificate(CertificateError::BelowQuorum { .. }))), "{below:?}");

    // Signatures of the two leaked keys in the places of the others: no signature says anything for another key.
    let digest = leaked.checkpoint.digest();
    let encoded = validators.set().encode(Scheme::Ecdsa);
    let shares: Vec<[u8; 65]> = (0..2).map(|index| validators.share(index, digest).1).collect();
    for order in [[0, 1, 0], [0, 1, 1], [1, 0, 1]] {
        let signatures: Vec<u8> = order.iter().flat_map(|index| shares[*index]).collect();
        let mut forged = leaked.clone();
        forged.certificate = EcdsaCertificate([encoded.as_slice(), &[0b0111], &signatures].concat().into());
        let judged = judge(&epochs, &forged, START);
        assert!(matches!(judged, Err(Revert::Certificate(CertificateError::Signature(_)))), "{order:?}: {judged:?}");
    }
}

#[test]
fn incident_orbit_a_rotation_takes_the_power_of_stolen_keys() {
    let (stolen, new) = (TestValidators::genesis(), TestValidators::named("next"));
    let mut epochs = verifier(stolen.hash());
    rotate(&mut epochs, &stolen, &new, START);

    let message = certified(&stolen, 1, LEAF, TestValidators::COUNT);
    assert_eq!(judge(&epochs, &message, START), Err(Revert::RetiredEpoch(Epoch(1))));
    let posing = certified(&stolen, 2, LEAF, TestValidators::COUNT);
    assert!(matches!(judge(&epochs, &posing, START), Err(Revert::WrongValidatorSet { .. })));

    // Deals that were decided before are carried out, and no longer than the grace lasts.
    let decision = certified(&stolen, 1, COMMIT, TestValidators::QUORUM);
    let decided = |now| epochs.verify_decision(&decision, CheckpointKind::Commits, now);
    assert_eq!(decided(START.plus(GRACE_S)), Ok(()));
    assert_eq!(decided(START.plus(GRACE_S + 1)), Err(Revert::RetiredEpoch(Epoch(1))));
    let present = certified(&new, 2, LEAF, TestValidators::QUORUM);
    assert_eq!(judge(&epochs, &present, START), Ok(()));
}

#[test]
fn incident_ronin_delegations_expire_with_their_epoch() {
    let validators = TestValidators::genesis();
    let epochs = verifier(validators.hash());
    for (leaf, kind) in [(LEAF, CheckpointKind::General), (COMMIT, CheckpointKind::Commits)] {
        let everyone = certified(&validators, 1, leaf, TestValidators::COUNT);
        let judge = |now| match kind {
            CheckpointKind::Commits => epochs.verify_decision(&everyone, kind, now),
            CheckpointKind::General | CheckpointKind::Rotation => epochs.verify(&everyone, kind, now),
        };
        assert_eq!(judge(EXPIRES_AT), Ok(()));
        assert_eq!(judge(EXPIRES_AT.plus(1)), Err(Revert::ExpiredEpoch(Epoch(1))));
    }
}

#[test]
fn incident_ronin_2024_a_weight_left_at_zero_certifies_nothing() {
    let validators = TestValidators::genesis();
    let mut encoded = validators.set().encode(Scheme::Ecdsa);
    let weight_at = 3 + 2 * 28 + 20;
    encoded[weight_at..weight_at + 8].fill(0);
    let valset_hash = keccak256([b"INFRASTRUKT/VALSET/v1".as_slice(), &encoded].concat());

    let mut certified = certified(&validators, 1, LEAF, TestValidators::COUNT);
    certified.checkpoint.valset_hash = valset_hash;
    let genuine = validators.certificate(certified.checkpoint.digest(), TestValidators::COUNT).0;
    certified.certificate = EcdsaCertificate([encoded.as_slice(), &genuine[encoded.len()..]].concat().into());
    assert_eq!(judge(&verifier(valset_hash), &certified, START), Err(Revert::InvalidValidatorSet));
}

#[test]
fn incident_harmony_a_set_below_the_least_size_has_no_say() {
    let validators = TestValidators::genesis();
    let epochs = Epochs::new(HUB, Epoch(1), validators.hash(), EXPIRES_AT, GRACE_S).governed(5, sim_account("owner"));
    let everyone = certified(&validators, 1, LEAF, TestValidators::COUNT);
    assert_eq!(judge(&epochs, &everyone, START), Err(Revert::TooFewValidators { given: 4, min: 5 }));
}

#[test]
fn incident_iotube_the_recovery_owner_cannot_replace_a_living_set() {
    let validators = TestValidators::genesis();
    let mut epochs = verifier(validators.hash());
    let mine = keccak256("mine");
    let (owner, until) = (sim_account("owner"), EXPIRES_AT.plus(9));
    let early = epochs.recover(owner, Epoch(2), mine, until, EXPIRES_AT);
    assert_eq!(early, Err(Revert::EpochNotExpired(EXPIRES_AT)));
    let stranger = sim_account("stranger");
    let foreign = epochs.recover(stranger, Epoch(2), mine, until, EXPIRES_AT.plus(1));
    assert_eq!(foreign, Err(Revert::Unauthorized(stranger)));
    assert_eq!(epochs.current(), Epoch(1));
    epochs.recover(owner, Epoch(2), mine, until, EXPIRES_AT.plus(1)).expect("nobody else is left");
}
