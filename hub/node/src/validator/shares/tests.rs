use super::*;
use infrastrukt_ports::Signer;
use infrastrukt_registry::{EcdsaSigner, SecretKey};
use infrastrukt_types::Validator;

const KEY: SlotKey = (Height(7), CheckpointKind::General);
const DIGEST: B256 = B256::repeat_byte(0xd1);

fn signer(index: u8) -> EcdsaSigner {
    EcdsaSigner::new(&SecretKey::from_bytes([index; 32]).unwrap())
}

/// Keys 1 to 4 with equal weights.
fn set() -> Arc<ValidatorSet> {
    let members = (1..=4).map(|index| Validator { address: signer(index).address(), weight: 1 }).collect();
    Arc::new(ValidatorSet::new(members).unwrap())
}

async fn share(index: u8, digest: B256) -> Share {
    let signature = signer(index).sign(digest).await.unwrap().to_vec().into();
    Share { validator: signer(index).address(), height: KEY.0, kind: KEY.1, signature }
}

#[tokio::test]
async fn a_quorum_gives_a_certificate_of_no_more_signatures_than_needed() {
    let set = set();
    let mut pool = SharePool::default();
    pool.begin(KEY, DIGEST, &set);
    for index in 1..=2 {
        pool.receive(share(index, DIGEST).await, KEY.0, &set).unwrap();
    }
    pool.receive(share(1, DIGEST).await, KEY.0, &set).unwrap();
    assert!(pool.take_complete(0, 100, |_| 0).is_empty(), "two of four are no quorum, the same share twice neither");
    for index in 3..=4 {
        pool.receive(share(index, DIGEST).await, KEY.0, &set).unwrap();
    }
    let complete = pool.take_complete(0, 100, |_| 0);
    let (key, certificate) = complete.first().unwrap();
    assert_eq!(*key, KEY);
    assert_eq!(certificate.verify(&set, DIGEST), Ok(()));
    assert_eq!(certificate.0.len(), set.encode(infrastrukt_types::Scheme::Ecdsa).len() + 1 + 3 * 65);
    assert!(pool.take_complete(99, 100, |_| 0).is_empty());
    assert_eq!(pool.take_complete(100, 100, |_| 0).len(), 1, "offered again while it is not in the log");
    pool.forget(KEY);
    assert_eq!(pool.len(), 0);
}

#[tokio::test]
async fn forged_foreign_and_malformed_shares_are_refused() {
    let set = set();
    let mut pool = SharePool::default();
    pool.begin(KEY, DIGEST, &set);
    let other = share(1, B256::repeat_byte(2)).await;
    assert!(matches!(pool.receive(other, KEY.0, &set), Err(ShareRefusal::Signature(_))));
    let mut stolen = share(1, DIGEST).await;
    stolen.validator = signer(2).address();
    assert!(matches!(pool.receive(stolen, KEY.0, &set), Err(ShareRefusal::Signature(_))));
    let stranger = share(9, DIGEST).await;
    assert!(matches!(pool.receive(stranger, KEY.0, &set), Err(ShareRefusal::Signature(_))));
    let mut short = share(1, DIGEST).await;
    short.signature = vec![1; 64].into();
    assert!(matches!(pool.receive(short, KEY.0, &set), Err(ShareRefusal::Length(_))));
    assert!(pool.shares(KEY).is_empty());
}

#[tokio::test]
async fn early_shares_wait_within_bounds() {
    let set = set();
    let mut pool = SharePool::default();
    let early = share(1, DIGEST).await;
    pool.receive(early.clone(), Height(0), &set).unwrap();
    for height in 0..2 * EARLY_SHARES_MAX as u64 {
        let flood = Share { height: Height(1_000 + height), ..share(2, DIGEST).await };
        pool.receive(flood, Height(0), &set).unwrap();
    }
    assert!(matches!(pool.receive(share(9, DIGEST).await, Height(0), &set), Err(ShareRefusal::Signature(_))));
    assert_eq!(pool.early.values().map(VecDeque::len).max(), Some(EARLY_SHARES_MAX));
    pool.begin(KEY, DIGEST, &set);
    assert_eq!(pool.shares(KEY), vec![early]);
}

#[test]
fn turns_pass_from_validator_to_validator() {
    let set = set();
    for height in 0..9 {
        let key = (Height(height), CheckpointKind::Commits);
        let mut turns: Vec<u64> = set.members().iter().map(|member| turn(&set, member.address, key)).collect();
        turns.sort_unstable();
        assert_eq!(turns, [0, 1, 2, 3]);
    }
    assert_eq!(turn(&set, Address::ZERO, KEY), 4);
}

#[test]
fn a_pause_is_kept_before_the_turn() {
    let mut pool = SharePool::default();
    pool.begin(KEY, DIGEST, &set());
    assert!(pool.take_complete(0, 1, |_| 0).is_empty());
    assert_eq!(pool.len(), 1);
}

#[tokio::test]
async fn shares_on_commits_wait_to_be_stored_and_who_made_room_is_named() {
    let (set, key) = (set(), (KEY.0, CheckpointKind::Commits));
    let commit = |share: Share| Share { kind: key.1, ..share };
    let (first, second) = (commit(share(1, DIGEST).await), commit(share(2, DIGEST).await));
    let mut pool = SharePool::default();
    pool.receive(first.clone(), Height(0), &set).unwrap();
    assert_eq!(pool.begin(key, DIGEST, &set), None);
    pool.receive(second.clone(), key.0, &set).unwrap();
    pool.receive(second.clone(), key.0, &set).unwrap();
    assert_eq!(pool.unsaved(), [first, second.clone()]);
    pool.saved(1);
    assert_eq!(pool.unsaved(), [second]);
    assert_eq!(pool.incomplete_commits(9).len(), 2);
    assert!(pool.count(&commit(share(3, DIGEST).await)).unwrap());
    assert_eq!((pool.unsaved().len(), pool.incomplete_commits(9).len()), (1, 0), "stored already, and a quorum");

    let later = (1..=SLOTS_MAX as u64).map(|height| (Height(KEY.0.0 + height), CheckpointKind::General));
    let evicted: Vec<SlotKey> = later.filter_map(|later| pool.begin(later, DIGEST, &set)).collect();
    assert_eq!(evicted, [key]);
    assert_eq!((pool.unsaved().len(), pool.len()), (0, SLOTS_MAX));
}
