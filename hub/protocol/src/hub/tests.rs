//! Whole blocks, with real signatures, over a state in memory.

use alloy::signers::local::PrivateKeySigner;
use infrastrukt_types::{
    Address, Attestation, B256, Block, ChainId, CheckpointKind, Deal, DealCancel, DealId, Decision, EcdsaCertificate,
    Epoch, Fact, FactId, FactKind, Height, HubTx, Leaf, MessageId, Origin, RotationVote, Timestamp, ValidatorSet,
};
use std::{collections::BTreeMap, convert::Infallible};

use super::*;
use crate::{
    checkpoint::{CheckpointRecord, may_sign},
    deal::{DealRecord, DealState, LegState, Rules},
    genesis::Genesis,
    limits::TALLY_LIFE_S,
    message::{MessageRecord, MessageState},
    testing::{NOW, deal, depositor, genesis, key, keys, message, origin, sign, signed},
    valset::{EpochRecord, RotationTally},
};

mod bound;

#[derive(Default)]
struct State {
    tip: Option<Tip>,
    messages: BTreeMap<MessageId, MessageRecord>,
    deals: BTreeMap<DealId, DealRecord>,
    tallies: BTreeMap<FactId, Tally>,
    facts: BTreeMap<(ChainId, u64, u32, u32), (Origin, FactId)>,
    checkpoints: BTreeMap<(Height, CheckpointKind), CheckpointRecord>,
    epochs: BTreeMap<Epoch, EpochRecord>,
    rotations: BTreeMap<Epoch, RotationTally>,
    frozen: BTreeMap<ChainId, String>,
    rules: Option<Rules>,
}

impl State {
    fn apply(&mut self, changes: &[Change]) {
        for change in changes.iter().cloned() {
            match change {
                Change::Message(record) => drop(self.messages.insert(record.id, record)),
                Change::Deal(record) => drop(self.deals.insert(record.id, record)),
                Change::Tally { id, tally: Some(tally) } => drop(self.tallies.insert(id, tally)),
                Change::Tally { id, tally: None } => drop(self.tallies.remove(&id)),
                Change::Fact { origin, id } => {
                    let position = (origin.chain, origin.block_number, origin.tx_index, origin.event_index);
                    self.facts.insert(position, (origin, id));
                }
                Change::Checkpoint(record) => self.put(record),
                Change::Epoch(record) => drop(self.epochs.insert(record.epoch, record)),
                Change::Rotation { epoch, tally: Some(tally) } => drop(self.rotations.insert(epoch, tally)),
                Change::Rotation { epoch, tally: None } => drop(self.rotations.remove(&epoch)),
                Change::Frozen { chain, evidence } => drop(self.frozen.insert(chain, evidence)),
                Change::Tip(tip) => self.tip = Some(tip),
            }
        }
    }

    fn put(&mut self, record: CheckpointRecord) {
        self.checkpoints.insert((record.checkpoint.height, record.checkpoint.kind), record);
    }
}

impl StateView for State {
    type Error = Infallible;

    fn tip(&self) -> Result<Tip, Infallible> {
        Ok(self.tip.clone().expect("genesis was applied"))
    }

    fn message(&self, id: &MessageId) -> Result<Option<MessageRecord>, Infallible> {
        Ok(self.messages.get(id).cloned())
    }

    fn deal(&self, id: &DealId) -> Result<Option<DealRecord>, Infallible> {
        Ok(self.deals.get(id).cloned())
    }

    fn tally(&self, id: &FactId) -> Result<Option<Tally>, Infallible> {
        Ok(self.tallies.get(id).cloned())
    }

    fn stale_tallies(&self, before: Timestamp, limit: usize) -> Result<Vec<FactId>, Infallible> {
        let stale = self.tallies.iter().filter(|(_, tally)| tally.first_seen < before);
        Ok(stale.map(|(id, _)| *id).take(limit).collect())
    }

    fn fact_at(&self, chain: ChainId, block: u64, tx: u32, event: u32) -> Result<Option<FactId>, Infallible> {
        Ok(self.facts.get(&(chain, block, tx, event)).map(|(_, id)| *id))
    }

    fn block_hash_at(&self, chain: ChainId, block: u64) -> Result<Option<B256>, Infallible> {
        let found = self.facts.values().find(|(origin, _)| origin.chain == chain && origin.block_number == block);
        Ok(found.map(|(origin, _)| origin.block_hash))
    }

    fn checkpoint(&self, height: Height, kind: CheckpointKind) -> Result<Option<CheckpointRecord>, Infallible> {
        Ok(self.checkpoints.get(&(height, kind)).cloned())
    }

    fn epoch(&self, epoch: Epoch) -> Result<Option<EpochRecord>, Infallible> {
        Ok(self.epochs.get(&epoch).cloned())
    }

    fn due_deals(&self, before: Timestamp, limit: usize) -> Result<Vec<DealId>, Infallible> {
        let rules = self.rules.expect("set");
        let due = |deal: &&DealRecord| deal.next_deadline(&rules).is_some_and(|deadline| deadline < before);
        Ok(self.deals.values().filter(due).map(|deal| deal.id).take(limit).collect())
    }

    fn uncertified(&self, below: Height, limit: usize) -> Result<Vec<(Height, CheckpointKind)>, Infallible> {
        let open = self.checkpoints.iter().filter(|(_, record)| record.certificate.is_none() && !record.superseded);
        Ok(open.map(|(key, _)| *key).filter(|(height, _)| *height < below).take(limit).collect())
    }

    fn open_messages(&self, from: u64, end: u64, limit: usize) -> Result<Vec<(u64, MessageId)>, Infallible> {
        let open = self.messages.values().filter(|record| !record.state.is_final());
        let mut found: Vec<_> = open.map(|record| (record.seq, record.id)).collect();
        found.sort_unstable();
        Ok(found.into_iter().filter(|(seq, _)| (from..end).contains(seq)).take(limit).collect())
    }

    fn open_deals(&self, from: u64, end: u64, limit: usize) -> Result<Vec<(u64, DealId)>, Infallible> {
        let active = self.deals.values().filter(|record| record.is_active());
        let mut found: Vec<_> = active.map(|record| (record.seq, record.id)).collect();
        found.sort_unstable();
        Ok(found.into_iter().filter(|(seq, _)| (from..end).contains(seq)).take(limit).collect())
    }

    fn waiting_messages(&self, limit: usize) -> Result<Vec<MessageId>, Infallible> {
        let waiting = self.messages.values().filter(|record| record.wanted_leaf().is_some());
        let mut found: Vec<_> = waiting.map(|record| (record.seq, record.id)).collect();
        found.sort_unstable();
        Ok(found.into_iter().map(|(_, id)| id).take(limit).collect())
    }

    fn waiting_deals(&self, decision: Decision, limit: usize) -> Result<Vec<DealId>, Infallible> {
        let waiting = self.deals.values().filter(|record| record.decision == Some(decision) && record.wants_leaf());
        let mut found: Vec<_> = waiting.map(|record| (record.seq, record.id)).collect();
        found.sort_unstable();
        Ok(found.into_iter().map(|(_, id)| id).take(limit).collect())
    }

    fn rotation_votes(&self, epoch: Epoch) -> Result<Option<RotationTally>, Infallible> {
        Ok(self.rotations.get(&epoch).cloned())
    }

    fn frozen(&self, chain: ChainId) -> Result<Option<String>, Infallible> {
        Ok(self.frozen.get(&chain).cloned())
    }
}

/// A hub of four validators with its state.
struct World {
    hub: Hub,
    state: State,
    keys: Vec<PrivateKeySigner>,
}

impl World {
    fn new() -> Self {
        Self::with(genesis())
    }

    fn with(genesis: Genesis) -> Self {
        genesis.validate().expect("a sane genesis");
        let hub = Hub::new(genesis);
        let mut state = State { rules: Some(Rules::from(&hub.genesis.timing)), ..State::default() };
        state.apply(&hub.genesis_changes());
        Self { hub, state, keys: keys(4) }
    }

    fn tip(&self) -> Tip {
        self.state.tip.clone().expect("genesis was applied")
    }

    /// Executes a block at a time and stores what it led to.
    fn block_at(&mut self, time: Timestamp, txs: Vec<HubTx>) -> Executed {
        let tip = self.tip();
        let height = tip.height.next().expect("a small height");
        let block = Block { height, time, parent: tip.block_hash, txs };
        let executed = self.hub.execute(&self.state, &block).expect("the next block");
        self.state.apply(&executed.changes);
        for record in executed.checkpoints.iter().cloned() {
            self.state.put(record);
        }
        self.state.tip = Some(executed.tip.clone());
        executed
    }

    fn block(&mut self, txs: Vec<HubTx>) -> Executed {
        self.block_at(self.tip().time.plus(1), txs)
    }

    fn attest(&self, validator: usize, facts: &[Fact]) -> HubTx {
        let key = &self.keys[validator];
        let signature = signed(key, Attestation::digest(self.hub.hub_id, facts));
        HubTx::Attest(Attestation { validator: key.address(), facts: facts.to_vec(), signature })
    }

    /// Three of four attest in one block.
    fn prove(&mut self, facts: &[Fact]) -> Executed {
        let votes = (0..3).map(|validator| self.attest(validator, facts)).collect();
        self.block(votes)
    }

    fn certificate(&self, record: &CheckpointRecord, signers: &[usize]) -> EcdsaCertificate {
        let set = &self.state.epochs[&record.checkpoint.epoch].set;
        let digest = record.checkpoint.digest();
        let share = |signer: &usize| (self.keys[*signer].address(), sign(&self.keys[*signer], digest));
        let shares: Vec<_> = signers.iter().map(share).collect();
        EcdsaCertificate::assemble(set, digest, &shares).expect("a quorum")
    }

    fn certify(&self, record: &CheckpointRecord) -> HubTx {
        let certificate = self.certificate(record, &[0, 1, 2]);
        HubTx::Certify { height: record.checkpoint.height, kind: record.checkpoint.kind, certificate }
    }

    fn sent(&self, nonce: u64) -> Fact {
        let gateway = self.hub.genesis.chains[0].gateway;
        Fact {
            origin: origin(1, 10, u32::try_from(nonce).expect("small")),
            kind: FactKind::Sent { gateway, message: message(nonce) },
        }
    }

    fn message_id(&self, nonce: u64) -> MessageId {
        let message = message(nonce);
        let route = self.hub.genesis.route(message.source, message.target).expect("registered");
        message.id(self.hub.hub_id, &route)
    }

    fn deal_id(&self) -> DealId {
        deal().id(self.hub.hub_id)
    }

    fn locked(&self, index: u8) -> Fact {
        let lock_key = deal().leg_ref(index).expect("a leg").lock_key(self.deal_id());
        let kind = FactKind::Locked { deal: self.deal_id(), index, lock_key };
        Fact { origin: origin(u64::from(index) + 1, 20, 0), kind }
    }

    fn settled(&self, index: u8, decision: Decision) -> Fact {
        let lock_key = deal().leg_ref(index).expect("a leg").lock_key(self.deal_id());
        let kind = FactKind::Settled { deal: self.deal_id(), index, lock_key, decision };
        Fact { origin: origin(u64::from(index) + 1, 30, 0), kind }
    }

    fn deal(&self) -> &DealRecord {
        &self.state.deals[&self.deal_id()]
    }

    fn message(&self, nonce: u64) -> &MessageRecord {
        &self.state.messages[&self.message_id(nonce)]
    }
}

fn reasons(executed: &Executed) -> Vec<&Refusal> {
    executed.refused.iter().map(|(_, refusal)| refusal).collect()
}

#[test]
fn a_message_is_proven_certified_and_delivered() {
    let mut world = World::new();
    let executed = world.prove(&[world.sent(1)]);
    assert_eq!(executed.refused, vec![]);
    assert_eq!(executed.checkpoints[0].leaves, vec![Leaf::Message(world.message_id(1))]);
    assert_eq!(world.message(1).checkpoint, Some(Height(1)));

    let certify = world.certify(&executed.checkpoints[0]);
    let executed = world.block(vec![certify.clone(), certify]);
    assert_eq!(executed.refused, vec![], "a second certificate is no error");
    assert_eq!((world.message(1).state, executed.tip.next_cursor), (MessageState::Certified, 1));

    let delivered = Fact { origin: origin(2, 11, 0), kind: FactKind::Delivered(world.message_id(1)) };
    world.prove(&[delivered]);
    assert_eq!(world.message(1).state, MessageState::Delivered);
    assert!(world.state.tallies.is_empty() && world.tip().pending_facts.is_empty());
}

#[test]
fn a_fact_needs_more_than_two_thirds_and_counts_once_a_validator() {
    let mut world = World::new();
    let fact = world.sent(1);
    let one = world.attest(0, std::slice::from_ref(&fact));
    world.block(vec![one.clone(), one.clone()]);
    world.block(vec![one, world.attest(1, std::slice::from_ref(&fact))]);
    assert!(world.state.messages.is_empty());
    assert_eq!(world.state.tallies[&fact.id()].voters.len(), 2);
    world.block(vec![world.attest(3, std::slice::from_ref(&fact))]);
    assert_eq!(world.message(1).state, MessageState::Proven);
    let late = world.block(vec![world.attest(2, &[fact])]);
    assert_eq!((late.refused.len(), late.changes.len(), late.checkpoints.len()), (0, 0, 0));
}

#[test]
fn votes_without_a_quorum_are_forgotten_and_free_their_places() {
    let mut world = World::new();
    let fact = world.sent(1);
    world.block((0..2).map(|validator| world.attest(validator, std::slice::from_ref(&fact))).collect());
    let first_seen = world.tip().time;
    world.block_at(first_seen.plus(TALLY_LIFE_S), vec![]);
    assert_eq!((world.state.tallies.len(), world.tip().pending_facts.len()), (1, 2));
    world.block_at(first_seen.plus(TALLY_LIFE_S + 1), vec![]);
    assert!(world.state.tallies.is_empty() && world.tip().pending_facts.is_empty());
    world.block(vec![world.attest(2, std::slice::from_ref(&fact))]);
    assert!(world.state.messages.is_empty(), "forgotten votes no longer count");
    world.prove(&[fact]);
    assert_eq!(world.message(1).state, MessageState::Proven);
}

#[test]
fn blocks_may_share_a_second() {
    let mut world = World::new();
    world.block(vec![HubTx::RegisterDeal(deal())]);
    let decide_by = deal().decide_by;
    let vote = |world: &World, index| (0..3).map(|v| world.attest(v, &[world.locked(index)])).collect::<Vec<_>>();
    world.block_at(decide_by, vote(&world, 0));
    world.block_at(decide_by, vote(&world, 1));
    assert_eq!(world.deal().decision, Some(Decision::Commit), "the second itself is in time, in every block of it");
    assert_eq!((world.tip().height, world.tip().time), (Height(3), decide_by));
}

#[test]
fn views_that_differ_never_add_up() {
    let mut world = World::new();
    let honest = world.sent(1);
    let mut forged = honest.clone();
    forged.origin.block_hash = B256::repeat_byte(0xee);
    let votes = vec![
        world.attest(0, std::slice::from_ref(&honest)),
        world.attest(1, std::slice::from_ref(&honest)),
        world.attest(2, std::slice::from_ref(&forged)),
        world.attest(3, &[forged]),
    ];
    world.block(votes);
    assert!(world.state.messages.is_empty());
    assert_eq!(world.state.tallies.len(), 2);
}

#[test]
fn forged_and_foreign_attestations_are_skipped() {
    let mut world = World::new();
    let facts = [world.sent(1)];
    let stranger = key(77);
    let digest = Attestation::digest(world.hub.hub_id, &facts);
    let foreign =
        Attestation { validator: stranger.address(), facts: facts.to_vec(), signature: signed(&stranger, digest) };
    let forged =
        Attestation { validator: world.keys[0].address(), facts: facts.to_vec(), signature: signed(&stranger, digest) };
    let empty = Attestation { validator: world.keys[0].address(), facts: vec![], signature: signed(&stranger, digest) };
    let executed = world.block([foreign, forged, empty].map(HubTx::Attest).to_vec());
    let reasons = reasons(&executed);
    assert!(matches!(reasons[..], [Refusal::NotAValidator(_), Refusal::Certificate(_), Refusal::FactCount(0)]));
    assert!(executed.changes.is_empty());
}

#[test]
fn a_bad_fact_does_not_spoil_the_others() {
    let mut world = World::new();
    let mut lying = world.sent(2);
    lying.kind = FactKind::Sent { gateway: world.hub.genesis.chains[0].escrow, message: message(2) };
    let unknown = Fact { origin: origin(2, 5, 0), kind: FactKind::Delivered(world.message_id(9)) };
    let executed = world.prove(&[lying, unknown, world.sent(1)]);
    assert_eq!(executed.refused.len(), 6);
    assert!(matches!(executed.refused[0].1, Refusal::Fact { place: 0, reason: FactRefusal::Message(_) }));
    assert!(matches!(executed.refused[1].1, Refusal::Fact { place: 1, reason: FactRefusal::UnknownMessage(_) }));
    assert_eq!(world.message(1).state, MessageState::Proven);
}

#[test]
fn facts_count_on_their_own_chain_only() {
    let mut world = World::new();
    world.prove(&[world.sent(1)]);
    let at_source = Fact { origin: origin(1, 11, 0), kind: FactKind::Delivered(world.message_id(1)) };
    let executed = world.prove(&[at_source]);
    assert!(matches!(executed.refused[0].1, Refusal::Fact { reason: FactRefusal::WrongChain { .. }, .. }));
    assert_eq!(world.message(1).state, MessageState::Proven);
}

#[test]
fn a_swap_commits() {
    let mut world = World::new();
    world.block(vec![HubTx::RegisterDeal(deal()), HubTx::RegisterDeal(deal())]);
    assert_eq!((world.deal().state, world.tip().open_deals), (DealState::Open, 1));
    world.prove(&[world.locked(0)]);
    let executed = world.prove(&[world.locked(1)]);
    assert_eq!(executed.checkpoints[0].checkpoint.kind, CheckpointKind::Commits);
    assert_eq!((world.deal().state, world.tip().open_deals), (DealState::Decided, 0));
    let certify = world.certify(&executed.checkpoints[0]);
    world.block(vec![certify]);
    assert_eq!(world.deal().state, DealState::Certified);
    world.prove(&[world.settled(0, Decision::Commit)]);
    world.prove(&[world.settled(1, Decision::Commit)]);
    assert_eq!(world.deal().state, DealState::Settled);
}

#[test]
fn a_lock_before_registration_can_be_proven_after_it() {
    let mut world = World::new();
    let executed = world.prove(&[world.locked(0)]);
    assert!(matches!(executed.refused[0].1, Refusal::Fact { reason: FactRefusal::UnknownDeal(_), .. }));
    assert!(world.state.tallies.is_empty());
    world.block(vec![HubTx::RegisterDeal(deal())]);
    world.prove(&[world.locked(0)]);
    assert_eq!(world.deal().state, DealState::Locking);
}

#[test]
fn time_aborts_before_any_entry_of_the_block() {
    let mut world = World::new();
    world.block(vec![HubTx::RegisterDeal(deal())]);
    world.prove(&[world.locked(0)]);
    let votes = (0..3).map(|validator| world.attest(validator, &[world.locked(1)])).collect();
    let executed = world.block_at(deal().decide_by.plus(1), votes);
    assert_eq!(world.deal().decision, Some(Decision::Abort));
    assert_eq!(world.deal().legs[1].state, LegState::Locked);
    assert_eq!(executed.checkpoints[0].leaves, vec![Leaf::Decision(world.deal_id(), Decision::Abort)]);
    assert_eq!(world.tip().open_deals, 0);
}

#[test]
fn a_cancel_needs_every_depositor() {
    let mut world = World::new();
    world.block(vec![HubTx::RegisterDeal(deal())]);
    world.prove(&[world.locked(0)]);
    let digest = DealCancel::digest(world.hub.hub_id, world.deal_id());
    let both: Vec<_> = (0..2).map(|index| signed(&depositor(index), digest)).collect();
    let twice_one = vec![both[0].clone(), both[0].clone()];
    let cancel =
        |signatures| HubTx::CancelDeal(DealCancel { deal: deal().id(genesis().identity.hub_id()), signatures });
    let executed = world.block(vec![cancel(both[..1].to_vec()), cancel(twice_one)]);
    assert!(matches!(
        reasons(&executed)[..],
        [Refusal::SignatureCount { .. }, Refusal::CancelSignature { index: 1, .. }]
    ));
    world.block(vec![cancel(both)]);
    assert_eq!(world.deal().decision, Some(Decision::Abort));
}

#[test]
fn two_histories_of_a_chain_freeze_it() {
    let mut world = World::new();
    world.prove(&[world.sent(1)]);
    let mut other = world.sent(2);
    other.origin.block_hash = B256::repeat_byte(0xdd);
    world.prove(&[other]);
    assert!(world.state.frozen[&ChainId(1)].contains("changed"));
    assert!(!world.state.messages.contains_key(&world.message_id(2)));
    let executed = world.prove(&[world.sent(3)]);
    assert!(matches!(executed.refused[0].1, Refusal::Fact { reason: FactRefusal::Frozen { .. }, .. }));
    let executed = world.block(vec![HubTx::RegisterDeal(deal())]);
    assert!(matches!(reasons(&executed)[..], [Refusal::Frozen { .. }]));
}

#[test]
fn a_frozen_chain_rules_out_commit() {
    let mut world = World::new();
    world.block(vec![HubTx::RegisterDeal(deal())]);
    world.prove(&[world.locked(0)]);
    let mut other = world.sent(1);
    other.origin = Origin { block_hash: B256::repeat_byte(0xdd), event_index: 7, ..world.locked(0).origin };
    world.prove(&[other]);
    world.prove(&[world.locked(1)]);
    assert_eq!((world.deal().state, world.deal().decision), (DealState::Fault, None));
    world.block_at(deal().decide_by.plus(1), vec![]);
    assert_eq!((world.deal().state, world.deal().decision), (DealState::Fault, Some(Decision::Abort)));
}

#[test]
fn uncertified_leaves_are_issued_again() {
    let mut world = World::new();
    let first = world.prove(&[world.sent(1)]).checkpoints[0].clone();
    let mut later = Vec::new();
    for _ in 0..6 {
        later.extend(world.block(vec![]).checkpoints);
    }
    assert_eq!(later.len(), 1);
    assert_eq!(later[0].leaves, first.leaves);
    assert!(world.state.checkpoints[&(Height(1), CheckpointKind::General)].superseded);
    assert_eq!(world.message(1).checkpoint, Some(later[0].checkpoint.height));
    let executed = world.block(vec![world.certify(&first), world.certify(&later[0])]);
    assert!(matches!(reasons(&executed)[..], [Refusal::Superseded { .. }]));
    assert_eq!(world.message(1).state, MessageState::Certified);
}

#[test]
fn a_commit_is_not_issued_again_past_its_limit() {
    let mut world = World::new();
    world.block(vec![HubTx::RegisterDeal(deal())]);
    world.prove(&[world.locked(0)]);
    let commit = world.prove(&[world.locked(1)]).checkpoints[0].clone();
    let limit = world.deal().sign_limit(&Rules::from(&world.hub.genesis.timing));
    world.block_at(limit.plus(1), vec![]);
    assert_eq!(world.deal().state, DealState::Stalled);
    for _ in 0..7 {
        assert!(world.block(vec![]).checkpoints.is_empty());
    }
    // Its certificate may turn up all the same; then everyone must see it.
    let certify = world.certify(&commit);
    assert_eq!(world.block(vec![certify]).refused, vec![]);
    assert_eq!(world.deal().state, DealState::Certified);
}

#[test]
fn an_unsound_deal_does_not_hold_up_the_one_beside_it() {
    let mut world = World::new();
    let sound = deal();
    let unsound = Deal { nonce: B256::repeat_byte(8), ..sound.clone() };
    world.block([&sound, &unsound].map(|deal| HubTx::RegisterDeal(deal.clone())).to_vec());
    let ids = [&sound, &unsound].map(|deal| deal.id(world.hub.hub_id));
    let on_leg = |id: DealId, deal: &Deal, index: u8, block: u64, event: u32| {
        let lock_key = deal.leg_ref(index).expect("a leg").lock_key(id);
        let origin = origin(u64::from(index) + 1, block, event);
        (origin, lock_key)
    };
    let locked = |place: usize, deal: &Deal, index: u8| {
        let (origin, lock_key) = on_leg(ids[place], deal, index, 20, u32::try_from(place).expect("small"));
        Fact { origin, kind: FactKind::Locked { deal: ids[place], index, lock_key } }
    };
    let locks = [(0, &sound, 0), (0, &sound, 1), (1, &unsound, 0), (1, &unsound, 1)];
    let executed = world.prove(&locks.map(|(place, deal, index)| locked(place, deal, index)));
    assert_eq!(executed.checkpoints[0].leaves.len(), 2, "both COMMITs share a checkpoint");

    let (origin, lock_key) = on_leg(ids[1], &unsound, 0, 21, 0);
    world.prove(&[Fact { origin, kind: FactKind::Escaped { deal: ids[1], index: 0, lock_key } }]);
    let mut again = Vec::new();
    for _ in 0..6 {
        again.extend(world.block(vec![]).checkpoints);
    }
    let [record] = &again[..] else { panic!("one checkpoint is issued: {again:?}") };
    assert_eq!(record.leaves, vec![Leaf::Decision(ids[0], Decision::Commit)]);
    let (deals, tip) = (world.state.deals.values().cloned().collect::<Vec<_>>(), world.tip());
    let rules = Rules::from(&world.hub.genesis.timing);
    assert_eq!(may_sign(record, &deals, &world.state.epochs[&Epoch(1)], tip.time, &rules), Ok(()));
}

#[test]
fn certificates_below_quorum_or_of_another_checkpoint_are_refused() {
    let mut world = World::new();
    let first = world.prove(&[world.sent(1)]).checkpoints[0].clone();
    let second = world.prove(&[world.sent(2)]).checkpoints[0].clone();
    let of_first = world.certificate(&first, &[0, 1, 3]);
    let wrong = HubTx::Certify { height: Height(2), kind: CheckpointKind::General, certificate: of_first };
    let nowhere = HubTx::Certify {
        height: Height(9),
        kind: CheckpointKind::General,
        certificate: world.certificate(&second, &[0, 1, 2]),
    };
    let executed = world.block(vec![wrong, nowhere]);
    assert!(matches!(reasons(&executed)[..], [Refusal::Certificate(_), Refusal::UnknownCheckpoint { .. }]));
    assert_eq!(world.tip().next_cursor, 0);
}

fn rotation(world: &World, voter: usize, set: &ValidatorSet) -> HubTx {
    let expires_at = NOW.plus(20_000_000);
    let digest = RotationVote::digest(world.hub.hub_id, Epoch(2), set, expires_at);
    let validator: Address = world.keys[voter].address();
    let signature = signed(&world.keys[voter], digest);
    HubTx::Rotate(RotationVote { validator, epoch: Epoch(2), set: set.clone(), expires_at, signature })
}

#[test]
fn a_rotation_hands_over_and_issues_the_unfinished_again() {
    let mut world = World::new();
    let message_checkpoint = world.prove(&[world.sent(1)]).checkpoints[0].clone();
    let certify = world.certify(&message_checkpoint);
    world.block(vec![certify]);
    let pending = world.prove(&[world.sent(2)]).checkpoints[0].clone();

    let next_keys = keys(5);
    let set = crate::testing::validator_set(5);
    let votes = (0..3).map(|voter| rotation(&world, voter, &set)).collect();
    let executed = world.block(votes);
    let handover = executed.checkpoints[0].clone();
    assert_eq!(handover.checkpoint.kind, CheckpointKind::Rotation);
    assert_eq!(world.tip().epoch, Epoch(1), "not before it is certified");
    let again = world.block(vec![rotation(&world, 3, &set)]);
    assert!(matches!(reasons(&again)[..], [Refusal::Rotation(_)]));

    let certify = world.certify(&handover);
    let executed = world.block(vec![certify]);
    assert_eq!(executed.refused, vec![]);
    assert_eq!((executed.tip.epoch, executed.tip.sweep), (Epoch(2), None));
    let reissued = &executed.checkpoints[0];
    assert_eq!(reissued.checkpoint.epoch, Epoch(2));
    assert_eq!(reissued.leaves, vec![Leaf::Message(world.message_id(1)), Leaf::Message(world.message_id(2))]);

    let executed = world.block(vec![world.certify(&pending)]);
    assert!(matches!(reasons(&executed)[..], [Refusal::RetiredEpoch { .. }]));
    world.keys = next_keys;
    let digest = reissued.checkpoint.digest();
    let shares: Vec<_> = world.keys[..4].iter().map(|key| (key.address(), sign(key, digest))).collect();
    let certificate = EcdsaCertificate::assemble(&set, digest, &shares).expect("four of five");
    let height = reissued.checkpoint.height;
    let executed = world.block(vec![HubTx::Certify { height, kind: CheckpointKind::General, certificate }]);
    assert_eq!(executed.refused, vec![]);
    assert_eq!(world.message(2).certified, Some(height));
}

#[test]
fn a_deal_must_end_before_the_epoch() {
    let mut genesis = genesis();
    genesis.identity.epoch_expires_at = deal().sign_by.plus(genesis.timing.recovery_s);
    let mut world = World::with(genesis);
    let executed = world.block(vec![HubTx::RegisterDeal(deal())]);
    assert!(matches!(reasons(&executed)[..], [Refusal::EpochEndsFirst { .. }]));
}

#[test]
fn only_the_next_block_executes() {
    let world = World::new();
    let tip = world.tip();
    let block = Block { height: Height(1), time: tip.time.plus(1), parent: tip.block_hash, txs: vec![] };
    let check = |change: fn(&mut Block)| {
        let mut other = block.clone();
        change(&mut other);
        world.hub.execute(&world.state, &other).expect_err("refused")
    };
    assert!(matches!(check(|block| block.height = Height(2)), ExecuteError::Height { .. }));
    assert!(matches!(check(|block| block.parent = B256::repeat_byte(1)), ExecuteError::Parent { .. }));
    assert!(matches!(check(|block| block.time.0 -= 2), ExecuteError::Time { .. }));
}

#[test]
fn the_state_root_covers_every_change_and_is_the_same_everywhere() {
    let (mut one, mut other) = (World::new(), World::new());
    let votes = |world: &World| (0..3).map(|v| world.attest(v, &[world.sent(1), world.sent(2)])).collect::<Vec<_>>();
    let (first, second) = (one.block(votes(&one)), other.block(votes(&other)));
    assert_eq!(first, second);
    assert_ne!(one.block(vec![]).tip.state_root, first.tip.state_root);
    assert_eq!(apply_root(B256::ZERO, &first.changes), apply_root(B256::ZERO, &second.changes));
    assert_ne!(apply_root(B256::ZERO, &first.changes), apply_root(B256::ZERO, &first.changes[1..]));
}
