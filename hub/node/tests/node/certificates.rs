//! Certificates that somebody outside put together.

use infrastrukt_api::{ErrorCode, HubApiClient};
use infrastrukt_protocol::StateView;
use infrastrukt_types::{Attestation, B256, CheckpointKind, EcdsaCertificate, Height, ValidatorSet};
use std::sync::{Arc, Mutex};

use crate::{
    bounds::code,
    world::{PickySigner, World, certified, client, eventually, signer, submit},
};

async fn assemble(set: &ValidatorSet, digest: B256) -> EcdsaCertificate {
    let mut shares = Vec::new();
    for index in 0..3 {
        let key = signer(index);
        shares.push((key.address(), key.sign(digest).await.unwrap()));
    }
    EcdsaCertificate::assemble(set, digest, &shares).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn anyone_may_hand_in_a_certificate_and_nobody_a_forged_one() {
    let mut world = World::in_memory();
    let fact = world.sent(1);
    // The keys attest to the message, but refuse to sign its checkpoint.
    let allowed = Arc::new(Mutex::new(vec![Attestation::digest(world.hub_id(), std::slice::from_ref(&fact))]));
    world.signers =
        (0..4).map(|index| Arc::new(PickySigner { inner: signer(index), allowed: allowed.clone() }) as _).collect();
    let node = world.start().await;
    let client = client(&node);
    submit(&client, std::slice::from_ref(&fact)).await;
    let id = world.message_id(&fact);
    let kind = CheckpointKind::General;
    let height = eventually("the checkpoint", || async { client.message(id).await.unwrap()?.checkpoint }).await;
    let record = node.validators()[0].store.checkpoint(height, kind).unwrap().expect("just issued");
    let set = &world.genesis.identity.validators;

    let good = assemble(set, record.checkpoint.digest()).await;
    let forged = assemble(set, B256::repeat_byte(7)).await;
    assert_eq!(code(client.submit_certificate(height, kind, forged.clone()).await), ErrorCode::Refused as i32);
    let elsewhere = client.submit_certificate(Height(u64::MAX), kind, good.clone()).await;
    assert_eq!(code(elsewhere), ErrorCode::Refused as i32);

    client.submit_certificate(height, kind, good.clone()).await.unwrap();
    assert_eq!(certified(&client, 0).await.certificate, good);
    client.submit_certificate(height, kind, forged).await.expect("it is certified already");
    node.shutdown().await;
}
