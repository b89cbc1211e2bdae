//! The hub's own state: validators that executed the same blocks hold the same, none gave anything up, no deal is at
//! fault, no chain is frozen.

use infrastrukt_protocol::{DealState, StateView, Tip};
use infrastrukt_store::DealFilter;
use infrastrukt_types::Epoch;

use crate::{chains::CHAINS, operators, party::Party, world::World};

/// Deals at fault that are shown.
const SHOWN_MAX: usize = 3;

/// What the hub has not done yet.
pub(super) fn open(world: &World) -> Vec<String> {
    let mut open = Vec::new();
    let missing = Party::CRASHING.into_iter().filter(|party| !world.is_absent(*party) && !world.is_running(*party));
    open.extend(missing.map(|party| format!("{party:?} is not up")));
    let heights: Vec<_> = world.validators().iter().map(|validator| validator.height()).collect();
    let highest = heights.iter().max().copied().unwrap_or_default();
    if heights.iter().any(|height| height.0 + 2 < highest.0) {
        open.push(format!("validators are at heights {heights:?}"));
    }
    let wanted = if world.script.rotates_ms.is_some() { operators::NEXT } else { Epoch(1) };
    for chain in &world.chains {
        let current = chain.sim.inspect(|state| state.epochs.current());
        if current != wanted {
            open.push(format!("{} is in epoch {current}, not {wanted}", chain.id));
        }
    }
    open
}

pub(super) fn broken(world: &World) -> Vec<String> {
    let (mut broken, mut tips) = (Vec::new(), Vec::new());
    for validator in world.validators() {
        let (me, store) = (validator.address, &validator.store);
        if let Some(reason) = validator.halted() {
            broken.push(format!("validator {me} stopped: {reason}"));
        }
        let Ok(tip) = store.tip() else { continue };
        for chain in CHAINS {
            if let Ok(Some(evidence)) = store.frozen(chain) {
                broken.push(format!("the hub froze {chain}: {evidence}"));
            }
        }
        let filter = DealFilter { state: Some(DealState::Fault), account: None };
        if let Ok(faults) = store.deals(&filter, None, SHOWN_MAX) {
            let shown = faults.items.into_iter();
            broken.extend(shown.map(|deal| format!("deal {} is at fault: {:?}", deal.id, deal.fault)));
        }
        tips.push((me, tip));
    }
    for (me, tip) in &tips {
        let differs = |(_, other): &&(_, Tip)| {
            other.height == tip.height && (other.state_root, other.block_hash) != (tip.state_root, tip.block_hash)
        };
        if let Some((other, _)) = tips.iter().find(differs) {
            broken.push(format!("validators {me} and {other} hold different states at height {}", tip.height));
        }
    }
    broken
}
