//! How much the program can take at once on a real network: transactions of 1,232 bytes and 1,400,000 compute units.

use infrastrukt_svm_tests::{
    REMOTE, TOKEN_LEGACY, World, associated, calls, events, key_named,
    tokens::open_associated,
    wire::{Kind, Message, Tree, ValidatorSet, Word, leaf},
};
use solana_signer::Signer;

use crate::{
    bridging::{arriving_among, minting},
    refunds::expired_among,
    returns::burned,
};

/// A message in an outbox of 2,048 leaves.
#[test]
fn a_message_deep_in_a_large_outbox_is_delivered_in_one_transaction() {
    let mut world = World::new();
    let message = Message { payload: Vec::new(), ..world.message(1) };
    let leaf = world.message_leaf(&message);
    let leaves: Vec<Word> = (0..2_048u32).map(|i| if i == 1_000 { leaf } else { filler(i) }).collect();
    let certified = world.proven(Kind::General, &leaves);
    let deliver = world.deliver(&certified, 1_000, &message);
    let done = world.chain.done(&[deliver], &[]);
    assert_eq!(events(&done, "Delivered").len(), 1);
}

/// What a sender was promised to get back comes back, however much happened in the same block.
#[test]
fn the_longest_message_with_a_deadline_comes_back() {
    let mut world = World::new();
    let (message, proven) = expired_among(&mut world, vec![3; 256], 2_048);
    let route = world.outward(REMOTE);
    let refund = calls::refund(world.payer(), &proven.checkpoint, (&message, &route), &proven.proof(0));
    world.chain.done(&[refund], &[]);
    let notice = world.chain.notice(&message.id(&route)).expect("the news waits");
    assert_eq!(notice.payload, message.payload);
}

#[test]
fn a_transfer_of_tokens_is_deep_in_a_large_outbox() {
    let (mut world, token) = minting(TOKEN_LEGACY);
    let bob = world.bob.pubkey();
    let message = world.transfer(1, token.mint.to_bytes(), bob.to_bytes(), 500, 500);
    let deliver = arriving_among(&mut world, &message, (bob, token), 4_096);
    world.chain.done(&[deliver], &[]);
    assert_eq!(world.chain.tokens(&associated(&bob, token)), 500);
}

/// Somebody who never had the token is paid in the transaction that opens an account for it.
#[test]
fn a_transfer_to_a_new_holder_is_deep_in_an_outbox() {
    let (mut world, token) = minting(TOKEN_LEGACY);
    let newcomer = key_named("newcomer").pubkey();
    let message = world.transfer(1, token.mint.to_bytes(), newcomer.to_bytes(), 500, 500);
    let deliver = arriving_among(&mut world, &message, (newcomer, token), 512);
    let open = open_associated(world.payer(), newcomer, token);
    world.chain.done(&[open, deliver], &[]);
    assert_eq!(world.chain.tokens(&associated(&newcomer, token)), 500);
}

#[test]
fn a_refund_that_mints_is_deep_in_a_large_outbox() {
    let (mut world, token, gone) = burned();
    let leaf = leaf::expired(&gone.id(&world.outward(REMOTE)));
    let proven = world.proven(Kind::General, &among(leaf, 2_048));
    let (mint, bob) = (token.mint.to_bytes(), world.bob.pubkey().to_bytes());
    let terms = (&mint, &bob, Some(token));
    let refund = calls::refund_transfer(world.payer(), &proven.checkpoint, &gone, terms, &proven.proof(0));
    let done = world.chain.done(&[refund], &[]);
    assert_eq!(events(&done, "Returned").len(), 1);
}

/// A leaf before so many others that there are `count` in all.
pub(crate) fn among(leaf: Word, count: u32) -> Vec<Word> {
    (0..count).map(|i| if i == 0 { leaf } else { filler(i) }).collect()
}

fn filler(i: u32) -> Word {
    let mut word = [7; 32];
    word[..4].copy_from_slice(&i.to_be_bytes());
    word
}

/// Verification by three of four and a delivery go together, as the fast path does it.
#[test]
fn a_certificate_and_a_delivery_fit_into_one_transaction() {
    let mut world = World::new();
    let message = world.message(1);
    let leaf = world.message_leaf(&message);
    let certified = world.certify(Kind::General, &[leaf, filler(1), filler(2)]);
    let (verify, deliver) = (world.verify(&certified), world.deliver(&certified, 0, &message));
    world.chain.done(&[verify, deliver], &[]);
}

#[test]
fn a_certificate_and_a_settlement_fit_into_one_transaction() {
    let mut world = World::new();
    let (deal, leg) = world.locked(1_000_000);
    let certified = world.certify(Kind::Commits, &[leaf::decision(&deal, true), filler(1)]);
    let (verify, settle) = (world.verify(&certified), world.settle(&certified, true, &deal, &leg));
    world.chain.done(&[verify, settle], &[]);
}

/// As many messages as a transaction holds; more than the program takes are refused before they cost much.
#[test]
fn a_batch_is_bounded() {
    let mut world = World::new();
    let messages: Vec<Message> = (1..=5).map(|i| Message { payload: Vec::new(), ..world.message(i) }).collect();
    let leaves: Vec<Word> = messages.iter().map(|message| world.message_leaf(message)).collect();
    let proven = world.proven(Kind::General, &leaves);
    let route = world.inward(REMOTE);
    let four = &messages[..4];
    let proof = proven.tree.proof(&[0, 1, 2, 3]);
    let batch = calls::deliver_batch(world.payer(), &proven.checkpoint, (four, &route), &proof);
    let done = world.chain.done(&[batch], &[]);
    assert_eq!(events(&done, "Delivered").len(), 4);
}

/// The payload of a message that goes out is bounded by its transaction; the program adds no bound below that.
#[test]
fn a_large_payload_goes_out() {
    let mut world = World::new();
    let args = calls::SendArgs { payload: vec![3; 600], ..world.send_args() };
    let send = calls::send(world.alice.pubkey(), world.payer(), REMOTE, &args);
    let done = world.chain.done(&[send], &[&world.alice]);
    assert!(events(&done, "Sent")[0].ends_with(&args.payload));
}

/// The least quorum of every size of set that one transaction can carry, and the next that it cannot.
#[test]
fn sets_of_every_size_are_judged() {
    for count in [4, 7, 10, 13] {
        let mut world = World::new();
        let expires_at = world.chain.now() + 1_000_000;
        world.rotate(ValidatorSet::of("sized", count), expires_at);
        let certified = world.proven(Kind::General, &[filler(0)]);
        let account = world.chain.checkpoint(&certified.address()).expect("it was opened");
        assert!(account.is_verified, "{count} members");
        assert_eq!(certified.checkpoint.outbox_root, Tree::new(&[filler(0)]).root());
    }
}
