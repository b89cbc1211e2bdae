//! What must hold for messages, and what must be possible so that it means something.

use infrastrukt_protocol::MessageState;
use stateright::{Model, Property};

use super::{
    acts::Act,
    model::{HORIZON, MessageModel},
    world::{Part, World},
};

pub(crate) const ONCE: &str = "delivered at most once";
pub(crate) const ONE_END: &str = "never delivered and refunded";
pub(crate) const FROM_SOURCE: &str = "delivered only if sent";
pub(crate) const ONE_REFUND: &str = "refunded at most once";
pub(crate) const NO_CONTRADICTION: &str = "no honest chain is frozen";
pub(crate) const ENDS: &str = "delivered or given back";

type Of = Property<MessageModel>;

impl Model for MessageModel {
    type State = World;
    type Action = Act;

    fn init_states(&self) -> Vec<World> {
        self.setup.skews.iter().map(|skew| World::new(*skew)).collect()
    }

    fn actions(&self, world: &World, acts: &mut Vec<Act>) {
        if world.now >= HORIZON {
            return;
        }
        let before = acts.len();
        self.all_acts(world, acts);
        let due = |act: &Act| act.is_duty() && self.next_state(world, *act).is_some();
        if !self.setup.live || !acts[before..].iter().any(due) {
            acts.push(Act::Tick);
        }
    }

    fn next_state(&self, world: &World, act: Act) -> Option<World> {
        let mut next = *world;
        (self.apply(&mut next, act) && next != *world).then_some(next)
    }

    fn properties(&self) -> Vec<Of> {
        let mut properties = vec![
            Of::always(ONCE, |model, world| all(model, world, |part| part.calls <= 1)),
            Of::always(ONE_END, |model, world| all(model, world, |part| part.calls == 0 || part.refunds == 0)),
            Of::always(FROM_SOURCE, |model, world| all(model, world, |part| part.calls == 0 || part.sent_at.is_some())),
            Of::always(ONE_REFUND, |model, world| all(model, world, |part| part.refunds <= 1)),
            Of::always(NO_CONTRADICTION, |model, world| all(model, world, |part| !part.frozen)),
            Of::sometimes("proven delivered", |_, world| is_proven(world, MessageState::Delivered)),
            Of::sometimes("proven refunded", |_, world| is_proven(world, MessageState::Refunded)),
        ];
        if self.setup.live {
            properties.push(Of::eventually(ENDS, |model, world| world.now >= HORIZON && all(model, world, has_ended)));
        }
        properties
    }
}

fn all(model: &MessageModel, world: &World, holds: fn(&Part) -> bool) -> bool {
    model.messages().all(|message| holds(world.part(message)))
}

fn is_proven(world: &World, state: MessageState) -> bool {
    world.parts[0].hub.state == Some(state)
}

/// Liveness. Assumes a live hub, working chains, and somebody who expires and refunds; recipients may refuse for ever.
fn has_ended(part: &Part) -> bool {
    part.sent_at.is_none() || part.calls + part.refunds == 1
}
