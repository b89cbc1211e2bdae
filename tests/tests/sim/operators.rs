//! Operators of validators vote for the next set.

use infrastrukt_relayer::pipeline::hub::HubError;
use infrastrukt_types::{Epoch, RotationVote};
use std::sync::Arc;

use crate::{
    caller::Caller,
    hub,
    party::{Life, Party, VALIDATORS},
    world::World,
};

/// The epoch they vote for.
pub(crate) const NEXT: Epoch = Epoch(2);
/// Seconds for which it outlives the first one.
const LONGER_S: u64 = 1_000;
/// Pause before a vote is offered again.
const AGAIN_MS: u64 = 3_000;

/// Every honest member votes until its vote counts.
pub(crate) async fn rotate(world: Arc<World>, at_ms: u64) {
    world.env.time.sleep_ms(at_ms).await;
    world.env.fault("rotation");
    let caller = Caller::new(world.clone(), Party::People, Life::default());
    let (set, expires_at) = (hub::second_set(), hub::EPOCH_EXPIRES_AT.plus(LONGER_S));
    for index in (0..VALIDATORS).filter(|index| !world.is_traitor(*index)) {
        let signer = hub::signer(index);
        let digest = RotationVote::digest(world.hub.hub_id, NEXT, &set, expires_at);
        let signature = signer.sign(digest).await.expect("a key in memory").to_vec().into();
        let vote = RotationVote { validator: signer.address(), epoch: NEXT, set: set.clone(), expires_at, signature };
        while let Err(HubError::Busy(_) | HubError::Unreachable(_)) = caller.vote_rotation(vote.clone()).await {
            world.env.time.sleep_ms(AGAIN_MS).await;
        }
    }
}
