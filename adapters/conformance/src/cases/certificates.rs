//! Certificates that must count, and all those that must not.

use infrastrukt_ports::{Action, CertifiedLeaves};
use infrastrukt_types::{
    Account, B256, Checkpoint, CheckpointKind, Decision, EcdsaCertificate, Epoch, HubId, Leaf, Nonce, Timestamp,
};

use crate::{
    Failure, Harness, Party, TestValidators,
    failure::{ensure, ensure_eq},
    steps::{Locked, Outcome, certified, certified_by, deliver, execute, id, inbound, must_reject},
};

/// Seconds for which the next set is good.
const NEXT_EPOCH_S: u64 = 30 * 24 * 3600;

/// The same checkpoint with one field changed and signed again by the true set: only the field is wrong.
fn resigned(good: &CertifiedLeaves, change: impl Fn(&mut Checkpoint)) -> CertifiedLeaves {
    let mut bad = good.clone();
    change(&mut bad.checkpoint);
    let digest = bad.checkpoint.digest();
    bad.certificate = TestValidators::genesis().certificate(digest, TestValidators::QUORUM);
    bad
}

/// The same checkpoint with other bytes for a certificate.
fn with_certificate(good: &CertifiedLeaves, certificate: EcdsaCertificate) -> CertifiedLeaves {
    CertifiedLeaves { certificate, ..good.clone() }
}

fn with_bytes(good: &CertifiedLeaves, change: impl Fn(&mut Vec<u8>)) -> CertifiedLeaves {
    let mut bytes = good.certificate.0.to_vec();
    change(&mut bytes);
    with_certificate(good, EcdsaCertificate(bytes.into()))
}

/// Everything that can be wrong with a certificate.
fn forgeries(good: &CertifiedLeaves) -> Vec<(&'static str, CertifiedLeaves)> {
    let (validators, strangers) = (TestValidators::genesis(), TestValidators::named("strangers"));
    let digest = good.checkpoint.digest();
    let set_len = validators.set().encode(infrastrukt_types::Scheme::Ecdsa).len();
    let by_strangers = {
        let mut bad = good.clone();
        bad.checkpoint.valset_hash = strangers.hash();
        let digest = bad.checkpoint.digest();
        with_certificate(&bad, strangers.certificate(digest, TestValidators::COUNT))
    };
    vec![
        ("below quorum", with_certificate(good, validators.certificate(digest, TestValidators::QUORUM - 1))),
        ("no signature", with_certificate(good, validators.certificate(digest, 0))),
        ("a foreign set that calls itself right", with_certificate(good, strangers.certificate(digest, 4))),
        ("a foreign set under its own hash", by_strangers),
        ("epoch zero", resigned(good, |checkpoint| checkpoint.epoch = Epoch(0))),
        ("the next epoch", resigned(good, |checkpoint| checkpoint.epoch = Epoch(2))),
        ("another hub", resigned(good, |checkpoint| checkpoint.hub_id = HubId(B256::repeat_byte(0xee)))),
        ("another kind", resigned(good, |checkpoint| checkpoint.kind = CheckpointKind::Rotation)),
        ("the zero root", resigned(good, |checkpoint| checkpoint.outbox_root = B256::ZERO)),
        ("another root", resigned(good, |checkpoint| checkpoint.outbox_root = B256::repeat_byte(0x77))),
        ("a state nobody signed", {
            let mut bad = good.clone();
            bad.checkpoint.state_root = B256::repeat_byte(0x55);
            bad
        }),
        ("no certificate", with_bytes(good, Vec::clear)),
        ("a byte too many", with_bytes(good, |bytes| bytes.push(0))),
        ("a byte too few", with_bytes(good, |bytes| bytes.truncate(bytes.len() - 1))),
        ("a signer beyond the set", with_bytes(good, |bytes| bytes[set_len] |= 0x80)),
        ("another v", with_bytes(good, |bytes| bytes[set_len + 65] ^= 1)),
        ("v of a raw recovery id", with_bytes(good, |bytes| bytes[set_len + 65] -= 27)),
        ("a damaged signature", with_bytes(good, |bytes| bytes[set_len + 40] ^= 1)),
        (
            "the first signature twice",
            with_bytes(good, |bytes| bytes.copy_within(set_len + 1..set_len + 66, set_len + 66)),
        ),
        ("another weight", with_bytes(good, |bytes| bytes[set_len - 1] ^= 1)),
        ("a node too many", {
            let mut bad = good.clone();
            bad.proof.nodes.push(B256::ZERO);
            bad
        }),
        ("another count", {
            let mut bad = good.clone();
            bad.proof.count += 1;
            bad
        }),
        ("another index", {
            let mut bad = good.clone();
            bad.proof.indices[0] = 1;
            bad
        }),
    ]
}

/// Nothing but a quorum of the known set over this very checkpoint delivers a message.
pub(crate) async fn forged_certificates_are_rejected<H: Harness>(h: &H) -> Outcome {
    let world = h.world();
    let message = inbound(h, 1, world.recipient, Timestamp(0));
    let good = certified(world, 1, &[Leaf::Message(id(world, &message))])?;
    let relayer = h.writer(Party::Relayer).await?;
    for (name, bad) in forgeries(&good) {
        let action = Action::Deliver { certified: bad, messages: vec![message.clone()] };
        must_reject(relayer.as_ref(), name, &action).await?;
    }
    let mut other = message.clone();
    other.payload = infrastrukt_types::Bytes::from_static(b"changed");
    let action = Action::Deliver { certified: good.clone(), messages: vec![other] };
    must_reject(relayer.as_ref(), "another message", &action).await?;
    ensure!(!h.reader().await?.is_consumed(world.peer, Nonce(1)).await?, "a forged certificate had an effect");
    let action = Action::Deliver { certified: good, messages: vec![message] };
    execute(h, relayer.as_ref(), "the honest certificate", &action).await?;
    Ok(())
}

/// Nothing but a quorum over this very decision, in a checkpoint of its kind, moves a leg.
pub(crate) async fn forged_decisions_are_rejected<H: Harness>(h: &H) -> Outcome {
    let world = h.world();
    let locked = Locked::terms(h, Account::ZERO, 5000, 0).await?;
    let (alice, relayer) = (h.writer(Party::Alice).await?, h.writer(Party::Relayer).await?);
    execute(h, alice.as_ref(), "lock", &locked.lock()).await?;
    let settle = |certified: CertifiedLeaves, decision| Action::Settle {
        certified,
        settlements: vec![(locked.deal, decision, vec![locked.leg.clone()])],
    };
    let good = certified(world, 1, &[Leaf::Decision(locked.deal, Decision::Commit)])?;
    for (name, bad) in forgeries(&good) {
        must_reject(relayer.as_ref(), name, &settle(bad, Decision::Commit)).await?;
    }
    let general = resigned(&good, |checkpoint| checkpoint.kind = CheckpointKind::General);
    must_reject(relayer.as_ref(), "COMMIT among the general leaves", &settle(general, Decision::Commit)).await?;
    must_reject(relayer.as_ref(), "the other decision", &settle(good.clone(), Decision::Abort)).await?;
    execute(h, relayer.as_ref(), "the honest decision", &settle(good, Decision::Commit)).await?;
    Ok(())
}

/// A rotation takes the next epoch only. The old set's messages stop counting at once, its decisions later.
pub(crate) async fn rotation_retires_the_old_set<H: Harness>(h: &H) -> Outcome {
    let world = h.world();
    let now = h.reader().await?.now().await?;
    let next = TestValidators::named("next");
    let rotation = |epoch: u64| -> Result<Action, Failure> {
        let (valset_hash, expires_at) = (next.hash(), now.plus(NEXT_EPOCH_S));
        let certified = certified(world, 1, &[Leaf::Rotate { epoch: Epoch(epoch), valset_hash, expires_at }])?;
        Ok(Action::Rotate { certified, epoch, valset_hash, expires_at })
    };
    let (alice, relayer) = (h.writer(Party::Alice).await?, h.writer(Party::Relayer).await?);
    let locked = Locked::terms(h, Account::ZERO, 5000, 0).await?;
    execute(h, alice.as_ref(), "lock", &locked.lock()).await?;
    must_reject(relayer.as_ref(), "rotation that skips an epoch", &rotation(3)?).await?;
    ensure_eq!(h.reader().await?.epoch().await?, Epoch(1), "epoch before the rotation");
    execute(h, relayer.as_ref(), "rotation", &rotation(2)?).await?;
    ensure_eq!(h.reader().await?.epoch().await?, Epoch(2), "epoch after the rotation");
    must_reject(relayer.as_ref(), "the same rotation again", &rotation(2)?).await?;

    let message = inbound(h, 1, world.recipient, Timestamp(0));
    let old = deliver(world, 2, std::slice::from_ref(&message))?;
    must_reject(relayer.as_ref(), "a message under the retired epoch", &old).await?;
    let mut renewed = certified_by(&next, world, 3, &[Leaf::Message(id(world, &message))])?;
    renewed.checkpoint.epoch = Epoch(2);
    renewed.certificate = next.certificate(renewed.checkpoint.digest(), TestValidators::QUORUM);
    let action = Action::Deliver { certified: renewed, messages: vec![message] };
    execute(h, relayer.as_ref(), "a message under the new epoch", &action).await?;
    execute(h, relayer.as_ref(), "an old decision", &locked.settle(world, Decision::Abort)?).await?;
    ensure_eq!(crate::steps::count(h, &locked.settled(Decision::Abort)).await?, 1, "settlements");
    Ok(())
}
