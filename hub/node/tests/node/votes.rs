//! Votes for the next set, handed in from outside.

use infrastrukt_api::{ErrorCode, HubApiClient};
use infrastrukt_ports::Signer;
use infrastrukt_types::{Epoch, RotationVote, Timestamp, Validator, ValidatorSet};

use crate::{
    bounds::code,
    world::{World, client, eventually, signer},
};

async fn vote(world: &World, voter: &dyn Signer, set: &ValidatorSet, expires_at: Timestamp) -> RotationVote {
    let epoch = Epoch(2);
    let digest = RotationVote::digest(world.hub_id(), epoch, set, expires_at);
    let signature = voter.sign(digest).await.unwrap().to_vec().into();
    RotationVote { validator: voter.address(), epoch, set: set.clone(), expires_at, signature }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quorum_of_votes_begins_the_next_epoch() {
    let world = World::in_memory();
    let node = world.start().await;
    let client = client(&node);
    let set = world.genesis.identity.validators.clone();
    let end = world.genesis.identity.epoch_expires_at;
    let wanted = end.plus(1_000);

    let before = client.rotation().await.unwrap();
    assert_eq!((before.epoch, before.expires_at, before.total_weight.as_str()), (Epoch(1), end, "4"));
    assert!(before.proposals.is_empty());

    let foreign = vote(&world, signer(9).as_ref(), &set, wanted).await;
    let mut forged = vote(&world, signer(1).as_ref(), &set, wanted).await;
    forged.validator = signer(0).address();
    let early = vote(&world, signer(0).as_ref(), &set, Timestamp(end.0 - 1)).await;
    for junk in [foreign, forged, early] {
        assert_eq!(code(client.vote_rotation(junk).await), ErrorCode::Refused as i32);
    }
    assert_eq!(client.status().await.unwrap().pending, 0, "junk must not reach the log");

    let first = vote(&world, signer(0).as_ref(), &set, wanted).await;
    for _ in 0..2 {
        let view = client.vote_rotation(first.clone()).await.unwrap();
        let [proposal] = view.proposals.as_slice() else { panic!("one proposal, not {:?}", view.proposals) };
        assert_eq!((proposal.voters.as_slice(), proposal.weight.as_str()), ([signer(0).address()].as_slice(), "1"));
        assert_eq!((proposal.epoch, proposal.expires_at, proposal.decided), (Epoch(2), wanted, false));
    }
    let members = [0, 1, 2].map(|index| Validator { address: signer(index).address(), weight: 1 });
    let smaller = ValidatorSet::new(members.to_vec()).unwrap();
    let other = vote(&world, signer(3).as_ref(), &smaller, wanted).await;
    assert_eq!(client.vote_rotation(other).await.unwrap().proposals.len(), 2);
    for index in [1, 2] {
        client.vote_rotation(vote(&world, signer(index).as_ref(), &set, wanted).await).await.unwrap();
    }
    eventually("the new epoch", || async {
        let view = client.rotation().await.unwrap();
        (view.epoch == Epoch(2) && view.expires_at == wanted).then_some(())
    })
    .await;
    node.shutdown().await;
}
