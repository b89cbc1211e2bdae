//! A decision pays each leg once, to whom the leg says, and its tip to who settles.

use infrastrukt_svm_tests::{
    Purse, Refusal, SOL, World,
    accounts::{REFUNDED_LEG, RELEASED},
    calls::{self, Bend},
    events, key_named, pda,
    wire::{Kind, LegRef, Multiproof, Word, leaf},
};
use solana_address::Address;
use solana_signer::Signer;

fn decided_and_settled(commit: bool) -> (World, Word, LegRef) {
    let mut world = World::new();
    let (deal, leg) = world.locked(1_000_000);
    let decision = world.decided(&deal, commit);
    let settle = world.settle(&decision, commit, &deal, &leg);
    let done = world.chain.done(&[settle], &[]);
    let key = leg.lock_key(&deal);
    assert_eq!(events(&done, "Settled"), [[&deal[..], &key, &[0, u8::from(commit)]].concat()]);
    (world, deal, leg)
}

#[test]
fn a_commit_pays_the_counterparty_and_the_tip_to_the_settler() {
    let (world, deal, leg) = decided_and_settled(true);
    assert_eq!(world.chain.lock(&leg.lock_key(&deal)).expect("kept").state, RELEASED);
    assert_eq!(world.chain.owed(Purse::Escrow, &leg.leg.on_commit, &SOL), 990_000);
    assert_eq!(world.chain.owed(Purse::Escrow, &world.payer().to_bytes(), &SOL), 10_000);
    assert!(world.chain.credit(Purse::Escrow, &leg.leg.on_abort, &SOL).is_none());
}

#[test]
fn an_abort_pays_back_and_the_tip_to_the_settler() {
    let (world, deal, leg) = decided_and_settled(false);
    assert_eq!(world.chain.lock(&leg.lock_key(&deal)).expect("kept").state, REFUNDED_LEG);
    assert_eq!(world.chain.owed(Purse::Escrow, &leg.leg.on_abort, &SOL), 990_000);
    assert_eq!(world.chain.owed(Purse::Escrow, &world.payer().to_bytes(), &SOL), 10_000);
    assert!(world.chain.credit(Purse::Escrow, &leg.leg.on_commit, &SOL).is_none());
}

#[test]
fn a_leg_is_settled_once() {
    for first in [true, false] {
        let (mut world, deal, leg) = decided_and_settled(first);
        for commit in [true, false] {
            let decision = world.decided(&deal, commit);
            let settle = world.settle(&decision, commit, &deal, &leg);
            world.chain.refused(settle, &[], Refusal::NotLocked);
        }
        let owed = [leg.leg.on_commit, leg.leg.on_abort, world.payer().to_bytes()]
            .map(|account| world.chain.owed(Purse::Escrow, &account, &SOL));
        assert_eq!(owed.iter().sum::<u64>(), 1_000_000);
    }
}

#[test]
fn twice_in_one_transaction_is_once_too_often() {
    let mut world = World::new();
    let (deal, leg) = world.locked(1_000_000);
    let decision = world.decided(&deal, true);
    let settle = world.settle(&decision, true, &deal, &leg);
    let is_expected = |code: u32| code == Refusal::NotLocked.code();
    world.chain.refused_with(&[settle.clone(), settle], &[], is_expected, "NotLocked");
}

/// The payee's credit and the settler's are then one account, named twice.
#[test]
fn a_payee_who_settles_gets_share_and_tip() {
    let mut world = World::new();
    let (deal, leg) = world.locked(1_000_000);
    let decision = world.decided(&deal, true);
    let bob = world.bob.pubkey();
    for again in [false, true] {
        let (deal, leg, decision) = if again {
            let (deal, leg) = world.locked(3_000_000);
            let decision = world.decided(&deal, true);
            (deal, leg, decision)
        } else {
            (deal, leg, decision.clone())
        };
        let proof = decision.proof(0);
        let settle = calls::settle(bob, &decision.checkpoint, (&deal, true), &leg, &proof);
        world.chain.done(&[settle], &[&world.bob]);
    }
    assert_eq!(world.chain.owed(Purse::Escrow, &bob.to_bytes(), &SOL), 4_000_000);
}

/// A decision that says nothing of this deal, or the other thing, settles nothing.
#[test]
fn only_the_certified_bit_of_this_deal_counts() {
    let mut world = World::new();
    let (deal, leg) = world.locked(1_000_000);
    let other_deal = [1; 32];
    let other = world.decided(&other_deal, true);
    let settle = world.settle(&other, true, &deal, &leg);
    world.chain.refused(settle, &[], Refusal::RootMismatch);
    // Under the other deal's id the leg has another lock.
    let settle = calls::settle(world.payer(), &other.checkpoint, (&other_deal, true), &leg, &other.proof(0))
        .substitute(pda::lock(&leg.lock_key(&other_deal)), pda::lock(&leg.lock_key(&deal)));
    world.chain.refused_account(settle, &[], &[Refusal::WrongAddress]);
    let abort = world.decided(&deal, false);
    let commit = calls::settle(world.payer(), &abort.checkpoint, (&deal, true), &leg, &abort.proof(0));
    world.chain.refused(commit, &[], Refusal::WrongKind);
    for leaf in [leaf::message(&deal), leaf::expired(&deal), leaf::decision(&deal, false), deal] {
        let proven = world.proven(Kind::Commits, &[leaf]);
        let settle = world.settle(&proven, true, &deal, &leg);
        world.chain.refused(settle, &[], Refusal::RootMismatch);
    }
}

/// COMMITs travel apart, so that a refused one strands nothing else; nor does an ABORT come among them.
#[test]
fn each_decision_comes_in_its_own_kind_of_checkpoint() {
    let mut world = World::new();
    let (deal, leg) = world.locked(1_000_000);
    let wrong = [(Kind::General, true), (Kind::Rotation, true), (Kind::Commits, false), (Kind::Rotation, false)];
    for (kind, commit) in wrong {
        let proven = world.proven(kind, &[leaf::decision(&deal, commit)]);
        let settle = world.settle(&proven, commit, &deal, &leg);
        world.chain.refused(settle, &[], Refusal::WrongKind);
    }
}

/// Everything about a leg is in its key: whoever settles can change none of it.
#[test]
fn a_leg_with_anything_changed_is_another_leg() {
    let mut world = World::new();
    let (deal, leg) = world.locked(1_000_000);
    let decision = world.decided(&deal, true);
    let mallory = world.mallory.pubkey().to_bytes();
    let bends: [fn(&mut LegRef, Word); 10] = [
        |leg, _| leg.index = 1,
        |leg, _| leg.lock_by += 1,
        |leg, _| leg.leg.token = [1; 32],
        |leg, _| leg.leg.amount += 1,
        |leg, account| leg.leg.depositor = account,
        |leg, account| leg.leg.on_commit = account,
        |leg, account| leg.leg.on_abort = account,
        |leg, _| leg.leg.escape_at = 0,
        |leg, _| leg.leg.escape_window = 0,
        |leg, _| leg.leg.tip = leg.leg.amount - 1,
    ];
    for bend in bends {
        let mut bent = leg;
        bend(&mut bent, mallory);
        let (own, other) = (pda::lock(&leg.lock_key(&deal)), pda::lock(&bent.lock_key(&deal)));
        let absent = world.settle(&decision, true, &deal, &bent);
        world.chain.refused_account(absent.clone(), &[], &[]);
        world.chain.refused_account(absent.substitute(other, own), &[], &[Refusal::WrongAddress]);
    }
}

#[test]
fn a_credit_is_written_to_whom_it_belongs() {
    let mut world = World::new();
    let (deal, leg) = world.locked(1_000_000);
    let decision = world.decided(&deal, true);
    let settle = world.settle(&decision, true, &deal, &leg);
    let mallory = world.mallory.pubkey().to_bytes();
    let (of_bob, of_payer) = (credit(&leg.leg.on_commit, &SOL), credit(&world.payer().to_bytes(), &SOL));
    let others = [
        credit(&mallory, &SOL),
        credit(&leg.leg.on_abort, &SOL),
        credit(&leg.leg.on_commit, &[1; 32]),
        pda::credit(Purse::Bridge, &leg.leg.on_commit, &SOL),
        pda::escrow(),
        world.mallory.pubkey(),
    ];
    for other in others {
        for own in [of_bob, of_payer] {
            world.chain.refused_account(settle.clone().substitute(own, other), &[], &[Refusal::WrongAddress]);
        }
    }
    // The payee's share and the tip, each in the other's place.
    let mut swapped = settle.clone();
    swapped.accounts.swap(5, 6);
    world.chain.refused_account(swapped, &[], &[Refusal::WrongAddress]);
    world.chain.done(&[settle], &[]);
}

fn credit(account: &Word, token: &Word) -> Address {
    pda::credit(Purse::Escrow, account, token)
}

#[test]
fn lamports_sent_ahead_stop_no_settlement() {
    let mut world = World::new();
    let (deal, leg) = world.locked(1_000_000);
    let decision = world.decided(&deal, true);
    world.chain.fund(credit(&leg.leg.on_commit, &SOL), 1);
    world.chain.fund(credit(&world.payer().to_bytes(), &SOL), 10_000_000_000);
    let settle = world.settle(&decision, true, &deal, &leg);
    world.chain.done(&[settle], &[]);
    assert_eq!(world.chain.owed(Purse::Escrow, &leg.leg.on_commit, &SOL), 990_000);
    assert_eq!(world.chain.owed(Purse::Escrow, &world.payer().to_bytes(), &SOL), 10_000);
}

#[test]
fn proofs_with_anything_wrong_are_refused() {
    let mut world = World::new();
    let (deal, leg) = world.locked(1_000_000);
    let leaves = [[1; 32], [2; 32], leaf::decision(&deal, true), [4; 32], [5; 32]];
    let decision = world.proven(Kind::Commits, &leaves);
    let good = decision.proof(2);
    let node = |at: usize| {
        let mut nodes = good.nodes.clone();
        nodes[at][0] ^= 1;
        nodes
    };
    let more = [good.nodes.clone(), vec![[9; 32]]].concat();
    let fewer = good.nodes[1..].to_vec();
    let bent = [
        (Multiproof { count: 0, ..good.clone() }, Refusal::EmptyProof),
        (Multiproof { count: 6, ..good.clone() }, Refusal::RootMismatch),
        (Multiproof { count: u32::MAX, ..good.clone() }, Refusal::WrongNodeCount),
        (Multiproof { indices: vec![3], ..good.clone() }, Refusal::RootMismatch),
        (Multiproof { indices: vec![5], ..good.clone() }, Refusal::IndexOutOfRange),
        (Multiproof { indices: vec![u32::MAX], ..good.clone() }, Refusal::IndexOutOfRange),
        (Multiproof { nodes: node(0), ..good.clone() }, Refusal::RootMismatch),
        (Multiproof { nodes: node(2), ..good.clone() }, Refusal::RootMismatch),
        (Multiproof { nodes: more, ..good.clone() }, Refusal::WrongNodeCount),
        (Multiproof { nodes: fewer, ..good.clone() }, Refusal::WrongNodeCount),
        (Multiproof { nodes: Vec::new(), ..good.clone() }, Refusal::WrongNodeCount),
    ];
    for (proof, why) in bent {
        let settle = calls::settle(world.payer(), &decision.checkpoint, (&deal, true), &leg, &proof);
        world.chain.refused(settle, &[], why);
    }
    let settle = calls::settle(world.payer(), &decision.checkpoint, (&deal, true), &leg, &good);
    world.chain.done(&[settle], &[]);
}

/// A settler without a tip needs no credit of its own; whatever it names in its place stays as it is.
#[test]
fn without_a_tip_the_settler_is_owed_nothing() {
    let mut world = World::new();
    let mut leg = world.leg(SOL, 1_000_000);
    leg.leg.tip = 0;
    let deal = [6; 32];
    let lock = calls::lock(world.payer(), &deal, &leg);
    world.chain.done(&[lock], &[&world.alice]);
    let decision = world.decided(&deal, true);
    let settle = world.settle(&decision, true, &deal, &leg);
    world.chain.done(&[settle], &[]);
    assert!(world.chain.credit(Purse::Escrow, &world.payer().to_bytes(), &SOL).is_none());
    assert_eq!(world.chain.owed(Purse::Escrow, &leg.leg.on_commit, &SOL), 1_000_000);
}

/// The settler pays the rent of the credit and gets it back when the credit is paid.
#[test]
fn the_rent_of_a_credit_goes_back_to_the_settler() {
    let mut world = World::new();
    let (deal, leg) = world.locked(1_000_000);
    let decision = world.decided(&deal, true);
    let settler = key_named("settler");
    world.chain.fund(settler.pubkey(), 1_000_000_000);
    let settle = calls::settle(settler.pubkey(), &decision.checkpoint, (&deal, true), &leg, &decision.proof(0));
    world.chain.done(&[settle], &[&settler]);
    for account in [world.bob.pubkey(), settler.pubkey()] {
        let withdraw = calls::withdraw_credit(Purse::Escrow, account, settler.pubkey());
        world.chain.done(&[withdraw], &[]);
    }
    assert_eq!(world.chain.lamports(&settler.pubkey()), 1_000_000_000 + 10_000);
    assert_eq!(world.held(Purse::Escrow), 0);
}
