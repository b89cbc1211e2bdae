//! What the program keeps of a checkpoint: who may open, use and close it.

use infrastrukt_svm_tests::{
    CONSUMED, REMOTE, Refusal, SYSTEM, World,
    calls::{self, Bend},
    key_named, pda,
    wire::Kind,
};
use solana_address::Address;
use solana_instruction::{AccountMeta, Instruction};
use solana_signer::Signer;

use crate::certificates::LEAF;

#[test]
fn a_checkpoint_closes_only_when_it_is_old_and_pays_its_payer() {
    let mut world = World::new();
    let certified = world.proven(Kind::General, &[LEAF]);
    let (address, payer) = (certified.address(), world.payer());
    world.chain.pass(3_599);
    world.chain.refused(calls::close_checkpoint(address, payer), &[], Refusal::CheckpointTooYoung);
    world.chain.pass(1);
    let thief = calls::close_checkpoint(address, payer).substitute(payer, world.mallory.pubkey());
    world.chain.refused_account(thief, &[], &[Refusal::InvalidDestination, Refusal::WrongAddress]);
    let before = (world.chain.lamports(&payer), world.chain.lamports(&address));
    let done = world.chain.done(&[calls::close_checkpoint(address, payer)], &[]);
    assert_eq!(world.chain.lamports(&payer), before.0 + before.1 - done.fee);
    assert!(world.chain.account(&address).is_none());
}

/// Anyone closes. Whoever comes second keeps what goes along in the same transaction, and gains nothing.
#[test]
fn a_checkpoint_that_is_gone_closes_again() {
    let mut world = World::new();
    let old = world.proven(Kind::General, &[LEAF]);
    world.chain.pass(3_600);
    let close = calls::close_checkpoint(old.address(), world.payer());
    world.chain.done(&[close.clone()], &[]);
    let message = world.message(1);
    let leaf = world.message_leaf(&message);
    let proven = world.proven(Kind::General, &[leaf]);
    let deliver = world.deliver(&proven, 0, &message);
    world.chain.done(&[close.clone(), deliver], &[]);
    assert!(world.chain.is_marked(CONSUMED, REMOTE, 1));
    assert!(world.chain.account(&old.address()).is_none());
    // What somebody sent there since stays there.
    world.chain.fund(old.address(), 1_000_000);
    let before = world.chain.lamports(&world.payer());
    let done = world.chain.done(&[close], &[]);
    assert_eq!(world.chain.lamports(&world.payer()), before - done.fee);
    assert_eq!(world.chain.lamports(&old.address()), 1_000_000);
}

#[test]
fn what_is_no_checkpoint_is_not_closed() {
    let mut world = World::new();
    let certified = world.proven(Kind::General, &[LEAF]);
    world.chain.pass(3_600);
    let payer = world.payer();
    let others = [pda::config(), pda::escrow(), pda::bridge(), pda::fees(), pda::epoch(1), pda::target(REMOTE)];
    for other in others.into_iter().chain([pda::page(CONSUMED, REMOTE, 0), pda::PROGRAM]) {
        let before = world.chain.account(&other);
        world.chain.fails(&[calls::close_checkpoint(other, payer)], &[]);
        assert_eq!(world.chain.account(&other), before);
    }
    let account = world.chain.account(&certified.address()).expect("it was opened");
    let copy = key_named("elsewhere").pubkey();
    world.chain.put(copy, account);
    world.chain.refused(calls::close_checkpoint(copy, payer), &[], Refusal::WrongAddress);
    let mallory = world.mallory.pubkey();
    let before = world.chain.lamports(&mallory);
    world.chain.done(&[calls::close_checkpoint(mallory, payer)], &[]);
    assert_eq!(world.chain.lamports(&mallory), before);
}

/// Closing and opening anew begins from nothing: bits of the first life do not come back.
#[test]
fn a_revived_checkpoint_knows_no_signatures() {
    let mut world = World::new();
    let mut certified = world.certify(Kind::General, &[LEAF]);
    let digest = certified.checkpoint.digest();
    certified.certificate = world.hub.set.certify(&digest, &[0, 1]);
    let verify = world.verify(&certified);
    world.chain.done(&[verify], &[]);
    world.chain.pass(3_600);
    certified.certificate = world.hub.set.certify(&digest, &[2]);
    let (close, again) = (calls::close_checkpoint(certified.address(), world.payer()), world.verify(&certified));
    world.chain.done(&[close, again], &[]);
    let account = world.chain.checkpoint(&certified.address()).expect("it was opened anew");
    assert_eq!((account.signed, account.is_verified), (0b100, false));
    assert_eq!(account.opened_at, world.chain.now());
}

/// The lamports of a closed checkpoint cannot be sent back to keep its data alive.
#[test]
fn a_closed_checkpoint_is_of_no_use_in_the_same_transaction() {
    let mut world = World::new();
    let message = world.message(1);
    let leaf = world.message_leaf(&message);
    let certified = world.proven(Kind::General, &[leaf]);
    world.chain.pass(3_600);
    let close = calls::close_checkpoint(certified.address(), world.payer());
    let revive = transfer(&world, certified.address(), 5_000_000);
    let deliver = world.deliver(&certified, 0, &message);
    let is_account = |code: u32| (3_000..4_000).contains(&code) || code == Refusal::NotVerified.code();
    world.chain.refused_with(&[close, revive, deliver], &[], is_account, "an account's check");
}

fn transfer(world: &World, to: Address, lamports: u64) -> Instruction {
    let accounts = vec![AccountMeta::new(world.payer(), true), AccountMeta::new(to, false)];
    let data = [&2u32.to_le_bytes()[..], &lamports.to_le_bytes()].concat();
    Instruction { program_id: SYSTEM, accounts, data }
}

/// Anyone may send lamports to an address before the program opens it.
#[test]
fn lamports_sent_ahead_do_not_stop_a_checkpoint() {
    let mut world = World::new();
    let certified = world.certify(Kind::General, &[LEAF]);
    world.chain.fund(certified.address(), 1);
    let verify = world.verify(&certified);
    world.chain.done(&[verify], &[]);
    assert!(world.chain.checkpoint(&certified.address()).expect("it was opened").is_verified);
}

#[test]
fn verifying_what_is_verified_changes_nothing() {
    let mut world = World::new();
    let certified = world.proven(Kind::General, &[LEAF]);
    let before = world.chain.account(&certified.address());
    let again = world.verify(&certified);
    world.chain.done(&[again], &[]);
    assert_eq!(world.chain.account(&certified.address()), before);
}

/// Nobody but the payer's own signature spends the payer's lamports.
#[test]
fn rent_is_paid_by_who_signs_for_it() {
    let mut world = World::new();
    let certified = world.certify(Kind::General, &[LEAF]);
    let victim = key_named("alice").pubkey();
    let verify = world.verify(&certified).substitute(world.payer(), victim).unsigned(victim);
    world.chain.refused_account(verify, &[], &[]);
}
