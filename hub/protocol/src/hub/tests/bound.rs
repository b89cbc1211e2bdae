//! No checkpoint has more leaves than its bound. What is beyond comes in the next blocks, which need no entries: every
//! leaf once, none lost.

use infrastrukt_types::{Outbox, keccak256};
use std::ops::RangeInclusive;

use super::*;
use crate::{
    limits::{CHECKPOINT_LEAVES_MAX, DUE_DEALS_PER_BLOCK_MAX, FACTS_PER_ATTESTATION_MAX, TXS_PER_BLOCK_MAX},
    testing::validator_set,
};

const MAX: u64 = CHECKPOINT_LEAVES_MAX as u64;

impl World {
    /// Votes of three of four on these facts, in as many attestations as they take.
    fn votes(&self, facts: &[Fact]) -> Vec<HubTx> {
        let by = |validator| facts.chunks(FACTS_PER_ATTESTATION_MAX).map(move |part| self.attest(validator, part));
        (0..3).flat_map(by).collect()
    }

    fn sends(&self, nonces: RangeInclusive<u64>) -> Vec<Fact> {
        nonces.map(|nonce| self.sent(nonce)).collect()
    }

    /// The lock of this leg of each deal.
    fn locks(&self, deals: &[Deal], index: u8) -> Vec<Fact> {
        let lock = |(event, deal): (u32, &Deal)| {
            let id = deal.id(self.hub.hub_id);
            let lock_key = deal.leg_ref(index).expect("a leg").lock_key(id);
            let origin = origin(u64::from(index) + 1, 20, event);
            Fact { origin, kind: FactKind::Locked { deal: id, index, lock_key } }
        };
        (0..).zip(deals).map(lock).collect()
    }

    fn register(&mut self, deals: &[Deal]) {
        for part in deals.chunks(TXS_PER_BLOCK_MAX) {
            let executed = self.block(part.iter().cloned().map(HubTx::RegisterDeal).collect());
            assert_eq!(executed.refused, vec![]);
        }
    }

    /// Every leaf that matters waits, or stands in one checkpoint that may be signed; none of those is too large.
    fn check(&self) {
        let epoch = self.tip().epoch;
        let mut standing: BTreeMap<&Leaf, usize> = BTreeMap::new();
        for record in self.state.checkpoints.values() {
            assert!(record.leaves.len() <= CHECKPOINT_LEAVES_MAX);
            if record.checkpoint.epoch == epoch && !record.superseded {
                for leaf in &record.leaves {
                    *standing.entry(leaf).or_default() += 1;
                }
            }
        }
        let places = |leaf: &Leaf, waits: bool| standing.get(leaf).copied().unwrap_or_default() + usize::from(waits);
        for record in self.state.messages.values() {
            let leaf = Leaf::Message(record.id);
            assert_eq!(places(&leaf, record.wanted_leaf().is_some()), 1, "{leaf:?}");
        }
        for record in self.state.deals.values().filter(|record| record.any(LegState::Locked)) {
            if let Some(decision) = record.decision {
                let leaf = Leaf::Decision(record.id, decision);
                assert_eq!(places(&leaf, record.wants_leaf()), 1, "{leaf:?}");
            }
        }
    }
}

fn deals(count: u64) -> Vec<Deal> {
    let deal = deal();
    (1..=count).map(|number| Deal { nonce: keccak256(number.to_be_bytes()), ..deal.clone() }).collect()
}

fn is_abort(leaf: &Leaf) -> bool {
    matches!(leaf, Leaf::Decision(_, Decision::Abort))
}

/// Kind and leaves of each checkpoint of a block.
fn sizes(executed: &Executed) -> Vec<(CheckpointKind, usize)> {
    executed.checkpoints.iter().map(|record| (record.checkpoint.kind, record.leaves.len())).collect()
}

#[test]
fn a_proof_has_eleven_nodes_at_most() {
    let outbox = Outbox::new((0..MAX).map(|number| keccak256(number.to_be_bytes())).collect()).expect("not empty");
    assert_eq!(outbox.prove(&[0]).expect("in range").nodes.len(), 11);
}

#[test]
fn messages_beyond_the_bound_come_in_the_next_blocks_in_order() {
    let mut world = World::new();
    let count = 2 * MAX + 5;
    let mut executed = world.block(world.votes(&world.sends(1..=count)));
    assert_eq!(executed.refused, vec![]);
    let mut issued = Vec::new();
    for size in [CHECKPOINT_LEAVES_MAX, CHECKPOINT_LEAVES_MAX, 5] {
        assert_eq!(sizes(&executed), [(CheckpointKind::General, size)]);
        issued.extend(executed.checkpoints[0].leaves.clone());
        world.check();
        executed = world.block(vec![]);
    }
    assert_eq!(sizes(&executed), []);
    let sent: Vec<Leaf> = (1..=count).map(|nonce| Leaf::Message(world.message_id(nonce))).collect();
    assert!(issued == sent);
    assert_eq!((world.message(MAX).checkpoint, world.message(count).checkpoint), (Some(Height(1)), Some(Height(3))));
}

#[test]
fn decisions_beyond_the_bound_go_before_messages() {
    let mut world = World::new();
    let deals = deals(MAX + 300);
    world.register(&deals);
    // Too late for COMMIT: each lock wants an ABORT.
    let facts = [world.sends(1..=10), world.locks(&deals, 0)].concat();
    let executed = world.block_at(deals[0].decide_by.plus(1), world.votes(&facts));
    assert_eq!(executed.refused, vec![]);
    assert_eq!(sizes(&executed), [(CheckpointKind::General, CHECKPOINT_LEAVES_MAX)]);
    assert!(executed.checkpoints[0].leaves.iter().all(is_abort));
    world.check();

    let executed = world.block(vec![]);
    let (decisions, messages) = executed.checkpoints[0].leaves.split_at(300);
    assert!(decisions.iter().all(is_abort));
    let sent: Vec<Leaf> = (1..=10).map(|nonce| Leaf::Message(world.message_id(nonce))).collect();
    assert_eq!(messages, sent);
    world.check();
    assert_eq!(sizes(&world.block(vec![])), []);
}

#[test]
fn due_deals_beyond_the_bound_abort_in_the_next_blocks() {
    let mut world = World::new();
    let deals = deals(MAX + 300);
    world.register(&deals);
    world.block(world.votes(&world.locks(&deals, 0)));
    let mut executed = world.block_at(deals[0].decide_by.plus(1), world.votes(&world.sends(1..=MAX)));
    assert_eq!(executed.refused, vec![]);
    let due = DUE_DEALS_PER_BLOCK_MAX;
    for (aborts, all) in [(due, CHECKPOINT_LEAVES_MAX), (due, CHECKPOINT_LEAVES_MAX), (300, 300)] {
        assert_eq!(sizes(&executed), [(CheckpointKind::General, all)]);
        let (decisions, messages) = executed.checkpoints[0].leaves.split_at(aborts);
        assert!(decisions.iter().all(is_abort) && !messages.iter().any(is_abort));
        world.check();
        executed = world.block(vec![]);
    }
    assert_eq!(sizes(&executed), []);
    assert!(world.state.deals.values().all(|deal| deal.checkpoint.is_some()));
}

/// A hub with more COMMITs than one checkpoint holds, of which a hundred wait; and the last second of all of them.
fn with_waiting_commits() -> (World, Timestamp) {
    let mut world = World::new();
    let deals = deals(MAX + 100);
    world.register(&deals);
    let facts = [world.locks(&deals, 0), world.locks(&deals, 1)].concat();
    let executed = world.block(world.votes(&facts));
    assert_eq!(executed.refused, vec![]);
    assert_eq!(sizes(&executed), [(CheckpointKind::Commits, CHECKPOINT_LEAVES_MAX)]);
    world.check();
    let limit = deals[0].sign_by.plus(world.hub.genesis.timing.recovery_s);
    (world, limit)
}

#[test]
fn a_commit_that_waited_is_issued_up_to_its_limit() {
    let (mut world, limit) = with_waiting_commits();
    let executed = world.block_at(limit, vec![]);
    assert_eq!(sizes(&executed), [(CheckpointKind::Commits, 100)]);
    world.check();
    assert_eq!(sizes(&world.block_at(limit, vec![])), []);
}

#[test]
fn a_commit_that_waited_past_its_limit_stalls() {
    let (mut world, limit) = with_waiting_commits();
    for _ in 0..9 {
        assert_eq!(sizes(&world.block_at(limit.plus(1), vec![])), []);
    }
    let stalled = |deal: &DealRecord| deal.state == DealState::Stalled && !deal.wants_leaf();
    assert!(world.state.deals.values().all(stalled));
    assert_eq!(world.state.waiting_deals(Decision::Commit, 1), Ok(vec![]));
}

#[test]
fn leaves_that_are_issued_again_wait_where_there_is_no_room() {
    let mut world = World::new();
    let count = 2 * MAX + 5;
    world.block(world.votes(&world.sends(1..=count)));
    for nonce in count + 1..=count + 20 {
        // Each block has a message of its own beside those of the checkpoints that nobody certified.
        world.block(world.votes(&world.sends(nonce..=nonce)));
        world.check();
    }
    let superseded = world.state.checkpoints.values().filter(|record| record.superseded);
    assert!(superseded.map(|record| record.leaves.len()).sum::<usize>() > 2 * CHECKPOINT_LEAVES_MAX);
}

#[test]
fn a_new_epoch_issues_every_leaf_once_also_what_waited_for_the_old_one() {
    let mut world = World::new();
    let (old, new) = (2 * MAX + 500, 2_000);
    world.block(world.votes(&world.sends(1..=old)));
    let set = validator_set(4);
    let votes = (0..3).map(|voter| rotation(&world, voter, &set)).collect();
    let is_rotation = |record: &CheckpointRecord| record.checkpoint.kind == CheckpointKind::Rotation;
    let handover = world.block(votes).checkpoints.into_iter().find(is_rotation).expect("the set is decided");

    // What the block proves that changes the epoch has no room beside what waits and what is swept.
    let mut txs = world.votes(&world.sends(old + 1..=old + new));
    txs.push(world.certify(&handover));
    let mut issued: BTreeMap<Leaf, usize> = BTreeMap::new();
    for _ in 0..20 {
        let executed = world.block(txs);
        assert_eq!((executed.tip.epoch, executed.refused), (Epoch(2), vec![]));
        for leaf in executed.checkpoints.iter().flat_map(|record| &record.leaves) {
            *issued.entry(leaf.clone()).or_default() += 1;
        }
        txs = executed.checkpoints.iter().map(|record| world.certify(record)).collect();
    }
    assert_eq!(world.tip().sweep, None);
    assert_eq!(issued.len() as u64, old + new);
    assert!(issued.values().all(|times| *times == 1));
    world.check();
}
