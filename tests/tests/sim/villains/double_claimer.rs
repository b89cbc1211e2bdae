//! Claims everything that is certified, for itself, twice, and with the other decision as well: delivers, refunds,
//! settles and rotates beside the relayer, and takes the tips where it is faster.

use infrastrukt_api::{CertifiedCheckpoint, LeafView};
use infrastrukt_ports::{Action, CertifiedLeaves};
use infrastrukt_sim::SimTx;
use infrastrukt_types::{Amount, ChainId, Deal, DealId, Decision, Leaf, LegRef, Outbox};
use std::{collections::BTreeMap, sync::Arc};

use super::wait;
use crate::{
    caller::Caller,
    chains::{CHAINS, Chain, GAS_PRICE, claimer},
    dice::Dice,
    party::{Life, Party},
    world::World,
};

/// Checkpoints read at a time.
const PAGE: u32 = 8;

pub(super) async fn run(world: Arc<World>, mut dice: Dice) {
    let caller = Caller::new(world.clone(), Party::People, Life::default());
    let (mut next, mut claims) = (0, Vec::new());
    loop {
        wait(&world, &mut dice, 1_000, 5_000).await;
        if let Ok(page) = caller.certified(next, PAGE).await {
            next = page.next;
            claims.extend(page.items.iter().flat_map(claims_of));
        }
        for chain in &world.chains {
            let here = claims.iter().filter(|(id, _)| *id == chain.id).map(|(_, action)| action);
            claim(&world, chain, here);
        }
        // What was claimed is claimed again at times.
        if dice.chance(500) {
            claims.clear();
        }
    }
}

/// Sends every claim twice, with a price that gets it into the next block.
fn claim<'a>(world: &World, chain: &Chain, claims: impl Iterator<Item = &'a Action>) {
    let mut nonce = chain.sim.inspect(|state| state.nonce(claimer()));
    for action in claims {
        world.env.fault("double claim");
        for _ in 0..2 {
            let (from, gas_price, value) = (claimer(), 2 * GAS_PRICE, Amount::ZERO);
            // Refused or not: whatever comes of it must do no harm.
            let _ = chain.sim.broadcast(SimTx { from, nonce, gas_price, value, action: action.clone() });
            nonce += 1;
        }
    }
}

fn claims_of(checkpoint: &CertifiedCheckpoint) -> Vec<(ChainId, Action)> {
    let CertifiedCheckpoint { checkpoint, certificate, leaves, .. } = checkpoint;
    let hashes = leaves.iter().map(|view| view.leaf.hash()).collect();
    let outbox = Outbox::new(hashes).expect("a checkpoint has leaves");
    let mut claims = Vec::new();
    for (index, view) in (0u32..).zip(leaves) {
        let proof = outbox.prove(&[index]).expect("an index of a leaf");
        let (checkpoint, certificate) = (checkpoint.clone(), certificate.clone());
        claims.extend(claims_of_leaf(CertifiedLeaves { checkpoint, certificate, proof }, view));
    }
    claims
}

fn claims_of_leaf(certified: CertifiedLeaves, view: &LeafView) -> Vec<(ChainId, Action)> {
    match (&view.leaf, &view.message, &view.deal) {
        (Leaf::Message(_), Some(message), _) => {
            vec![(message.target, Action::Deliver { certified, messages: vec![message.clone()] })]
        }
        (Leaf::Expired(_), Some(message), _) => {
            vec![(message.source, Action::Refund { certified, message: message.clone() })]
        }
        (Leaf::Decision(id, _), _, Some(deal)) => {
            // Only one of them is what the leaf says.
            let decisions = [Decision::Commit, Decision::Abort].into_iter();
            decisions.flat_map(|decision| settlements(deal, *id, decision, &certified)).collect()
        }
        (Leaf::Rotate { epoch, valset_hash, expires_at }, _, _) => {
            let (epoch, valset_hash, expires_at) = (epoch.0, *valset_hash, *expires_at);
            let rotate =
                |chain| (chain, Action::Rotate { certified: certified.clone(), epoch, valset_hash, expires_at });
            CHAINS.map(rotate).to_vec()
        }
        // The hub left out what the leaf speaks of.
        (Leaf::Message(_) | Leaf::Expired(_) | Leaf::Decision(_, _), _, _) => Vec::new(),
    }
}

fn settlements(deal: &Deal, id: DealId, decision: Decision, certified: &CertifiedLeaves) -> Vec<(ChainId, Action)> {
    let mut legs: BTreeMap<ChainId, Vec<LegRef>> = BTreeMap::new();
    deal.leg_refs().for_each(|leg| legs.entry(leg.leg.chain).or_default().push(leg));
    let settle = |(chain, legs)| {
        (chain, Action::Settle { certified: certified.clone(), settlements: vec![(id, decision, legs)] })
    };
    legs.into_iter().map(settle).collect()
}
