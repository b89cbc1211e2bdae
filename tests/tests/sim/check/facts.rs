//! What the hub's contracts reported, block by block.

use infrastrukt_sim::Event;
use infrastrukt_types::{ChainId, FactKind};

use crate::world::World;

/// A fact that stands on a chain.
#[derive(Clone, Debug)]
pub(super) struct Happened {
    pub(super) chain: ChainId,
    pub(super) kind: FactKind,
}

/// Everything in final blocks, chain by chain.
pub(super) fn all(world: &World) -> Vec<Happened> {
    let mut happened = Vec::new();
    for chain in &world.chains {
        let (contracts, finalized) = (chain.sim.contracts(), chain.sim.finalized());
        let receipts = chain.sim.receipts().into_iter().filter(|(number, _)| *number <= finalized);
        for log in receipts.flat_map(|(_, receipt)| receipt.logs) {
            let is_ours = [contracts.gateway, contracts.escrow].contains(&log.emitter);
            if let Event::Fact(kind) = log.event
                && is_ours
            {
                happened.push(Happened { chain: chain.id, kind });
            }
        }
    }
    happened
}
