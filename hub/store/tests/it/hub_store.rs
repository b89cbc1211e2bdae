//! The hub's state in its columns: blocks, indexes, sign-once records, reopening.

use infrastrukt_ports::{Batch, Column, Store};
use infrastrukt_protocol::{
    Change, CheckpointRecord, DealEvent, DealRecord, DealState, Executed, Hub, MessageEvent, MessageRecord,
    MessageState, StateView, Tally, Tip, step_deal, step_message,
};
use infrastrukt_store::{
    ATTESTED_BLOCKS_MAX, ApplyError, BlockConflict, DealFilter, HUB_COLUMNS, HubStore, Listed, MemoryStore,
    MessageFilter, OpenError, RocksStore, SCANNED_MAX, SCHEMA_VERSION, SignOnceError, StoredShare,
};
use infrastrukt_types::{
    Address, B256, Block, ChainId, CheckpointKind, DealId, Decision, EcdsaCertificate, Epoch, Height, HubTx, Leaf,
    MessageId, Timestamp,
};
use std::sync::Arc;

use crate::samples::{self, NOW};

fn store() -> HubStore {
    HubStore::open(Arc::new(MemoryStore::new(HUB_COLUMNS)), &samples::hub()).expect("opens")
}

fn open_disk(path: &std::path::Path) -> HubStore {
    let disk = RocksStore::open(path, HUB_COLUMNS).expect("opens");
    HubStore::open(Arc::new(disk), &samples::hub()).expect("opens")
}

/// Stores a block that made these changes.
fn apply(store: &HubStore, changes: Vec<Change>, checkpoints: Vec<CheckpointRecord>) {
    let tip = store.tip().expect("read");
    let height = tip.height.next().expect("small");
    let block = Block { height, time: tip.time.plus(1), parent: tip.block_hash, txs: vec![] };
    let tip = Tip { height, time: block.time, block_hash: block.hash(), ..tip };
    store.apply(&block, &Executed { changes, checkpoints, refused: vec![], tip }).expect("stored");
}

fn moved(record: &MessageRecord, event: MessageEvent) -> MessageRecord {
    step_message(record, &event).expect("moves").next
}

fn ids(records: &[MessageRecord]) -> Vec<u64> {
    records.iter().map(|record| record.message.nonce.0).collect()
}

fn deal_event(record: &DealRecord, event: &DealEvent) -> DealRecord {
    step_deal(record, event, &samples::rules()).expect("moves").next
}

#[test]
fn executed_blocks_survive_a_reopening() {
    let directory = tempfile::tempdir().expect("a directory");
    let (hub, id) = (samples::hub(), samples::deal(1).id(samples::hub().hub_id));
    let store = open_disk(directory.path());
    let mut blocks = Vec::new();
    for txs in [vec![HubTx::RegisterDeal(samples::deal(1))], vec![], vec![HubTx::RegisterDeal(samples::deal(2))]] {
        let tip = store.tip().expect("read");
        let height = tip.height.next().expect("small");
        let block = Block { height, time: tip.time.plus(1), parent: tip.block_hash, txs };
        let executed = hub.execute(&store, &block).expect("executes");
        assert_eq!(executed.refused, vec![]);
        store.apply(&block, &executed).expect("stored");
        blocks.push(block);
    }
    let tip = store.tip().expect("read");
    drop(store);
    let store = open_disk(directory.path());
    assert_eq!(store.tip().expect("read"), tip);
    assert_eq!((tip.height, tip.next_deal, tip.open_deals), (Height(3), 2, 2));
    assert_eq!(store.blocks_from(Height(2), 10).expect("read"), blocks[1..]);
    assert_eq!(store.deal(&id).expect("read").expect("registered").deal, samples::deal(1));
    assert_eq!(store.epoch(Epoch(1)).expect("read").expect("current").set, samples::set());
}

#[test]
fn blocks_are_stored_in_order_only() {
    let (hub, store) = (samples::hub(), store());
    let tip = store.tip().expect("read");
    let block = Block { height: Height(1), time: tip.time.plus(1), parent: tip.block_hash, txs: vec![] };
    let executed = hub.execute(&store, &block).expect("executes");
    store.apply(&block, &executed).expect("stored");
    assert!(matches!(store.apply(&block, &executed), Err(ApplyError::OutOfOrder { .. })));
    let next = Block { height: Height(2), ..block };
    assert!(matches!(store.apply(&next, &executed), Err(ApplyError::OutOfOrder { .. })));
}

#[test]
fn messages_are_listed_newest_first_and_by_state() {
    let store = store();
    let records: Vec<_> = (1..=3).map(samples::message_record).collect();
    apply(&store, records.iter().cloned().map(Change::Message).collect(), vec![]);
    let list = |state| {
        let filter = MessageFilter { state, ..MessageFilter::default() };
        ids(&store.messages(&filter, None, 10).expect("read").items)
    };
    assert_eq!(list(None), [3, 2, 1]);
    let certified = moved(&records[1], MessageEvent::LeafCertified { height: Height(1) });
    apply(&store, vec![Change::Message(certified.clone())], vec![]);
    assert_eq!((list(Some(MessageState::Proven)), list(Some(MessageState::Certified))), (vec![3, 1], vec![2]));
    let open = |store: &HubStore| -> Vec<u64> {
        store.open_messages(0, 10, 10).expect("read").into_iter().map(|(seq, _)| seq).collect()
    };
    assert_eq!(open(&store), [0, 1, 2]);
    let delivered = moved(&certified, MessageEvent::Delivered);
    apply(&store, vec![Change::Message(delivered)], vec![]);
    assert_eq!((list(Some(MessageState::Certified)), open(&store)), (vec![], vec![0, 2]));
    assert_eq!(store.open_messages(1, 2, 10).expect("read"), vec![]);
    let foreign = MessageFilter { source: Some(ChainId(2)), ..MessageFilter::default() };
    assert_eq!(store.messages(&foreign, None, 10).expect("read"), Listed { items: vec![], next: None });
    let target = MessageFilter { target: Some(ChainId(2)), ..MessageFilter::default() };
    assert_eq!(ids(&store.messages(&target, None, 2).expect("read").items), [3, 2]);
}

#[test]
fn long_lists_are_read_page_by_page() {
    let store = store();
    let records: Vec<_> = (1..=1_200).map(samples::message_record).collect();
    apply(&store, records.into_iter().map(Change::Message).collect(), vec![]);
    let all = store.messages(&MessageFilter::default(), None, 2_000).expect("read");
    assert_eq!(ids(&all.items), (1..=1_200).rev().collect::<Vec<_>>());
    assert_eq!(all.next, None);
    let part = store.messages(&MessageFilter::default(), None, 700).expect("read");
    let rest = store.messages(&MessageFilter::default(), part.next, 700).expect("read");
    assert_eq!(ids(&[part.items, rest.items].concat()), ids(&all.items), "nothing twice, nothing left out");
}

#[test]
fn a_filter_that_matches_nothing_ends_soon_and_says_where() {
    let store = store();
    let count = SCANNED_MAX as u64 + 10;
    let records: Vec<_> = (1..=count).map(samples::message_record).collect();
    apply(&store, records.into_iter().map(Change::Message).collect(), vec![]);
    let foreign = MessageFilter { source: Some(ChainId(2)), ..MessageFilter::default() };
    let first = store.messages(&foreign, None, 10).expect("read");
    assert_eq!(first, Listed { items: vec![], next: Some(10) });
    assert_eq!(store.messages(&foreign, first.next, 10).expect("read").next, None);
    assert_eq!(store.messages(&foreign, Some(0), 10).expect("read").next, None);
}

#[test]
fn deals_are_due_at_their_next_deadline_only() {
    let store = store();
    let open = samples::deal_record(1);
    let decide_by = open.deal.decide_by;
    let due = |before: Timestamp| store.due_deals(before, 10).expect("read");
    apply(&store, vec![Change::Deal(open.clone())], vec![]);
    assert_eq!((due(decide_by), due(decide_by.plus(1))), (vec![], vec![open.id]));
    let lock = |record: &DealRecord, index: u8| {
        let lock_key = record.legs[usize::from(index)].lock_key;
        deal_event(record, &DealEvent::LockProven { index, lock_key, at: NOW.plus(9) })
    };
    let committed = lock(&lock(&open, 0), 1);
    apply(&store, vec![Change::Deal(committed.clone())], vec![]);
    let limit = committed.sign_limit(&samples::rules());
    assert_eq!((due(limit), due(limit.plus(1))), (vec![], vec![open.id]));
    let certified = deal_event(&committed, &DealEvent::LeafCertified { height: Height(2) });
    apply(&store, vec![Change::Deal(certified)], vec![]);
    assert_eq!(due(Timestamp(u64::MAX)), Vec::<DealId>::new());
}

#[test]
fn deals_are_listed_by_state_and_account() {
    let store = store();
    let (one, two) = (samples::deal_record(1), samples::aborted(2));
    let account = one.deal.legs[0].depositor;
    apply(&store, vec![Change::Deal(one.clone()), Change::Deal(two.clone())], vec![]);
    let list = |filter: DealFilter| -> Vec<DealId> {
        store.deals(&filter, None, 10).expect("read").items.into_iter().map(|record| record.id).collect()
    };
    assert_eq!(list(DealFilter::default()), [two.id, one.id]);
    assert_eq!(list(DealFilter { state: Some(DealState::Decided), account: None }), [two.id]);
    assert_eq!(list(DealFilter { state: None, account: Some(account) }), [two.id, one.id]);
    assert_eq!(list(DealFilter { state: None, account: Some(samples::genesis().chains[0].escrow) }), []);
    let aborted = deal_event(&one, &DealEvent::TimePassed { now: one.deal.decide_by.plus(1) });
    apply(&store, vec![Change::Deal(aborted)], vec![]);
    let open: Vec<_> = store.open_deals(0, 10, 10).expect("read").into_iter().map(|(_, id)| id).collect();
    assert_eq!(open, [two.id], "money waits in the second alone");
}

#[test]
fn what_waits_to_be_issued_is_found_in_order() {
    let store = store();
    let records: Vec<_> = (1..=3).map(samples::message_record).collect();
    let [first, second, third] = [&records[0], &records[1], &records[2]].map(|record| record.id);
    apply(&store, records.iter().rev().cloned().map(Change::Message).collect(), vec![]);
    let messages = |limit| store.waiting_messages(limit).expect("read");
    assert_eq!((messages(2), messages(9)), (vec![first, second], vec![first, second, third]));
    let issued = moved(&records[0], MessageEvent::LeafIssued { height: Height(4) });
    apply(&store, vec![Change::Message(issued.clone())], vec![]);
    assert_eq!(messages(9), [second, third]);
    apply(&store, vec![Change::Message(moved(&issued, MessageEvent::LeafWithdrawn))], vec![]);
    assert_eq!(messages(9), [first, second, third]);

    let (one, two) = (samples::aborted(1), samples::aborted(2));
    apply(&store, vec![Change::Deal(two.clone()), Change::Deal(one.clone())], vec![]);
    let deals = |decision, limit| store.waiting_deals(decision, limit).expect("read");
    assert_eq!((deals(Decision::Abort, 1), deals(Decision::Abort, 9)), (vec![one.id], vec![one.id, two.id]));
    assert_eq!(deals(Decision::Commit, 9), vec![]);
    apply(&store, vec![Change::Deal(deal_event(&one, &DealEvent::LeafIssued { height: Height(4) }))], vec![]);
    assert_eq!(deals(Decision::Abort, 9), [two.id]);
}

#[test]
fn facts_tallies_and_heights() {
    let store = store();
    let (fact, tally) = (samples::fact(4), samples::tally());
    let id = tally.fact.id();
    apply(&store, vec![Change::Tally { id, tally: Some(tally.clone()) }], vec![]);
    assert_eq!(store.tally(&id).expect("read"), Some(tally));
    assert_eq!(store.proven_height(ChainId(1)).expect("read"), None);
    let proven = Change::Fact { origin: fact.origin, id: fact.id() };
    apply(&store, vec![Change::Tally { id, tally: None }, proven], vec![]);
    assert_eq!(store.tally(&id).expect("read"), None);
    assert_eq!(store.fact_at(ChainId(1), 70, 2, 4).expect("read"), Some(fact.id()));
    assert_eq!(store.fact_at(ChainId(1), 70, 2, 5).expect("read"), None);
    assert_eq!(store.block_hash_at(ChainId(1), 70).expect("read"), Some(fact.origin.block_hash));
    let earlier = Change::Fact { origin: samples::origin(60, 0), id: fact.id() };
    apply(&store, vec![earlier], vec![]);
    assert_eq!(store.proven_height(ChainId(1)).expect("read"), Some(70), "a late fact does not lower it");
}

#[test]
fn votes_are_found_by_their_age_until_they_are_gone() {
    let store = store();
    let (tally, id) = (samples::tally(), samples::tally().fact.id());
    let stale = |before: Timestamp| store.stale_tallies(before, 9).expect("read");
    let put = |tally: Option<Tally>| apply(&store, vec![Change::Tally { id, tally }], vec![]);
    put(Some(tally.clone()));
    assert_eq!((stale(tally.first_seen), stale(tally.first_seen.plus(1))), (vec![], vec![id]));
    let later = Tally { first_seen: tally.first_seen.plus(50), ..tally.clone() };
    put(Some(later.clone()));
    assert_eq!((stale(later.first_seen), stale(later.first_seen.plus(1))), (vec![], vec![id]));
    put(None);
    assert_eq!(stale(Timestamp(u64::MAX)), vec![]);
}

#[test]
fn checkpoints_wait_then_line_up_in_order_of_certification() {
    let store = store();
    let leaf = || Leaf::Message(MessageId(B256::repeat_byte(6)));
    apply(&store, vec![], vec![samples::checkpoint(1, leaf())]);
    apply(&store, vec![], vec![samples::checkpoint(2, leaf())]);
    let waiting = |below| store.uncertified(Height(below), 10).expect("read");
    let general = |height| (Height(height), CheckpointKind::General);
    assert_eq!((waiting(2), waiting(9)), (vec![general(1)], vec![general(1), general(2)]));

    let validator = Address::repeat_byte(3);
    let share = StoredShare { height: Height(2), kind: CheckpointKind::General, validator, signature: [5; 65] };
    store.put_shares(&[share]).expect("stored");
    assert_eq!(store.shares(Height(2), CheckpointKind::General).expect("read"), [share]);
    let superseded = CheckpointRecord { superseded: true, ..samples::checkpoint(1, leaf()) };
    let changes = vec![Change::Checkpoint(superseded), Change::Checkpoint(samples::certified(2, 0))];
    apply(&store, changes, vec![]);
    assert_eq!(waiting(9), vec![]);
    assert_eq!(store.certified_from(0, 10).expect("read"), [samples::certified(2, 0)]);
    assert_eq!(store.certified_from(1, 10).expect("read"), []);
    assert_eq!(store.shares(Height(2), CheckpointKind::General).expect("read"), []);
}

#[test]
fn shares_stay_until_their_checkpoint_is_certified_also_after_a_restart() {
    let directory = tempfile::tempdir().expect("a directory");
    let commit = |height| samples::checkpoint(height, samples::decision(1, Decision::Commit));
    let share = |height, byte| {
        let (validator, kind) = (Address::repeat_byte(byte), CheckpointKind::Commits);
        StoredShare { height: Height(height), kind, validator, signature: [byte; 65] }
    };
    let shares = [share(1, 2), share(1, 7), share(2, 3)];
    let store = open_disk(directory.path());
    apply(&store, vec![], vec![commit(1)]);
    apply(&store, vec![], vec![commit(2)]);
    store.put_shares(&shares).expect("stored");
    drop(store);

    let store = open_disk(directory.path());
    assert_eq!(store.all_shares(9).expect("read"), shares);
    let superseded = CheckpointRecord { superseded: true, ..commit(1) };
    let certificate = Some(EcdsaCertificate(vec![7; 40].into()));
    let certified = CheckpointRecord { certificate, cursor: Some(0), ..commit(2) };
    apply(&store, [superseded, certified].map(Change::Checkpoint).to_vec(), vec![]);
    assert_eq!(store.all_shares(9).expect("read"), shares[..2], "a superseded COMMIT may still be certified");
    store.forget_share(Height(1), CheckpointKind::Commits, shares[0].validator).expect("forgotten");
    assert_eq!(store.shares(Height(1), CheckpointKind::Commits).expect("read"), shares[1..2]);
    store.forget_shares(&[(Height(1), CheckpointKind::Commits)]).expect("forgotten");
    assert_eq!(store.all_shares(9).expect("read"), []);
}

#[test]
fn another_hash_of_a_block_is_never_attested_to_also_after_a_restart() {
    let directory = tempfile::tempdir().expect("a directory");
    let first = samples::fact(0);
    let mut other = samples::fact(1);
    other.origin.block_hash = B256::repeat_byte(0xee);
    let mut elsewhere = samples::fact(2);
    elsewhere.origin.chain = ChainId(2);
    let store = open_disk(directory.path());
    assert_eq!(store.attest_once(vec![first.clone()]).expect("stored"), (vec![first.clone()], vec![]));
    drop(store);

    let store = open_disk(directory.path());
    let (facts, conflicts) = store.attest_once(vec![first.clone(), other.clone(), elsewhere.clone()]).expect("stored");
    assert_eq!(facts, [elsewhere], "nothing of the chain is attested to, the others go on");
    let (known, given) = (first.origin.block_hash, other.origin.block_hash);
    assert_eq!(conflicts, [BlockConflict { chain: ChainId(1), block: 70, known, given }]);
    let again = store.attest_once(vec![first.clone()]).expect("stored");
    assert_eq!(again, (vec![first], vec![]), "the hash that came first stays");

    let proven = samples::origin(90, 0);
    apply(&store, vec![Change::Fact { origin: proven, id: samples::fact(0).id() }], vec![]);
    other.origin.block_number = 90;
    assert_eq!(store.attest_once(vec![other]).expect("stored").1.len(), 1, "a quorum vouched for another hash");
}

#[test]
fn blocks_far_behind_the_newest_are_forgotten() {
    let store = store();
    let at = |block: u64, hash: u8| {
        let mut fact = samples::fact(0);
        (fact.origin.block_number, fact.origin.block_hash) = (block, B256::repeat_byte(hash));
        fact
    };
    let conflicts = |fact| store.attest_once(vec![fact]).expect("stored").1.len();
    assert_eq!(conflicts(at(5, 1)), 0);
    assert_eq!(conflicts(at(5 + ATTESTED_BLOCKS_MAX, 1)), 0);
    assert_eq!(conflicts(at(5, 2)), 1, "within the bound it is remembered");
    assert_eq!(conflicts(at(6 + ATTESTED_BLOCKS_MAX, 1)), 0);
    assert_eq!(conflicts(at(5, 2)), 0);
}

#[test]
fn one_beginning_of_an_epoch_is_signed() {
    let store = store();
    let rotation = |height, set: u8, end: u64| {
        let valset_hash = B256::repeat_byte(set);
        samples::checkpoint(height, Leaf::Rotate { epoch: Epoch(3), valset_hash, expires_at: Timestamp(end) })
    };
    store.sign_once(&rotation(4, 1, 900)).expect("the first");
    store.sign_once(&rotation(9, 1, 900)).expect("the same issued again");
    for other in [rotation(10, 2, 900), rotation(10, 1, 901)] {
        assert!(matches!(store.sign_once(&other), Err(SignOnceError::Rotation { epoch: Epoch(3), .. })));
    }
    assert_eq!(store.signed_digest(Height(10), CheckpointKind::Rotation).expect("read"), None, "nothing was written");
}

#[test]
fn epochs_votes_and_frozen_chains() {
    let store = store();
    let frozen = Change::Frozen { chain: ChainId(2), evidence: "block 7 changed".into() };
    let votes = Change::Rotation { epoch: Epoch(3), tally: Some(samples::votes()) };
    apply(&store, vec![Change::Epoch(samples::epoch()), votes, frozen], vec![]);
    assert_eq!(store.epoch(Epoch(2)).expect("read"), Some(samples::epoch()));
    assert_eq!(store.rotation_votes(Epoch(3)).expect("read"), Some(samples::votes()));
    assert_eq!(store.frozen(ChainId(2)).expect("read").as_deref(), Some("block 7 changed"));
    apply(&store, vec![Change::Rotation { epoch: Epoch(3), tally: None }], vec![]);
    assert_eq!(store.rotation_votes(Epoch(3)).expect("read"), None);
}

#[test]
fn signs_once_for_ever_also_after_a_restart() {
    let directory = tempfile::tempdir().expect("a directory");
    let first = samples::checkpoint(4, samples::decision(1, Decision::Abort));
    let mut other = first.clone();
    other.checkpoint.state_root = B256::repeat_byte(0x66);
    let store = open_disk(directory.path());
    store.sign_once(&first).expect("the first");
    drop(store);
    let store = open_disk(directory.path());
    store.sign_once(&first).expect("the same again");
    assert!(matches!(store.sign_once(&other), Err(SignOnceError::Digest { .. })));
    assert_eq!(store.signed_digest(Height(4), CheckpointKind::General).expect("read"), Some(first.checkpoint.digest()));

    let opposite = samples::checkpoint(5, samples::decision(1, Decision::Commit));
    assert!(matches!(store.sign_once(&opposite), Err(SignOnceError::Decision { .. })));
    assert_eq!(store.signed_digest(Height(5), CheckpointKind::Commits).expect("read"), None, "nothing was written");
    store.sign_once(&samples::checkpoint(6, samples::decision(1, Decision::Abort))).expect("the same decision");
}

#[test]
fn another_genesis_or_another_schema_is_refused() {
    let memory: Arc<dyn Store> = Arc::new(MemoryStore::new(HUB_COLUMNS));
    HubStore::open(memory.clone(), &samples::hub()).expect("opens");
    let mut edited = samples::genesis();
    edited.timing.recovery_s += 1;
    let refusal = HubStore::open(memory.clone(), &Hub::new(edited)).err().expect("refused");
    assert!(matches!(refusal, OpenError::OtherGenesis { .. }));
    let open_as = |version: u32| {
        let mut batch = Batch::default();
        batch.put(Column("meta"), b"schema".as_slice(), version.to_be_bytes());
        memory.commit(batch).expect("committed");
        HubStore::open(memory.clone(), &samples::hub()).err().expect("refused")
    };
    let (older, newer) = (open_as(SCHEMA_VERSION - 1), open_as(SCHEMA_VERSION + 1));
    assert!(matches!(older, OpenError::OlderSchema { found } if found == SCHEMA_VERSION - 1));
    assert!(matches!(newer, OpenError::NewerSchema { found } if found == SCHEMA_VERSION + 1));
}
