//! Messages of this chain that expired: their sender is told once.

use infrastrukt_svm_tests::{
    CONSUMED, Certified, HERE, REFUNDED, REMOTE, Refusal, World,
    calls::{self, Bend, SendArgs},
    discriminator, events, pda,
    wire::{Kind, Message, leaf},
};
use solana_instruction::Instruction;
use solana_signer::Signer;

use crate::{limits::among, messages::arriving};

/// A message of Alice's that went out and whose expiry was certified, and the call that refunds it.
fn expired(world: &mut World) -> (Message, Instruction) {
    let payload = world.send_args().payload;
    let (message, proven) = expired_among(world, payload, 1);
    let route = world.outward(REMOTE);
    let refund = calls::refund(world.payer(), &proven.checkpoint, (&message, &route), &proven.proof(0));
    (message, refund)
}

/// A message of Alice's with this payload, and the checkpoint in whose many leaves its expiry is the first.
pub(crate) fn expired_among(world: &mut World, payload: Vec<u8>, leaves: u32) -> (Message, Certified) {
    let page = calls::open_page(world.payer(), REFUNDED, REMOTE, 0);
    world.chain.try_send(&[page], &[]).ok();
    let alice = world.alice.pubkey();
    let args = SendArgs { deadline: world.chain.now() + 100, payload, ..world.send_args() };
    world.chain.done(&[calls::send(alice, world.payer(), REMOTE, &args)], &[&world.alice]);
    let message = Message {
        sender: alice.to_bytes(),
        timestamp: world.chain.now(),
        gas_limit: args.gas_limit,
        deadline: args.deadline,
        payload: args.payload,
        ..Message::plain(HERE, REMOTE, world.chain.last_nonce(REMOTE), args.recipient)
    };
    let leaf = leaf::expired(&message.id(&world.outward(REMOTE)));
    let proven = world.proven(Kind::General, &among(leaf, leaves));
    (message, proven)
}

#[test]
fn an_expired_message_is_refunded_once_to_its_sender() {
    let mut world = World::new();
    let (message, refund) = expired(&mut world);
    let id = message.id(&world.outward(REMOTE));
    let done = world.chain.done(&[refund.clone()], &[]);
    assert_eq!(events(&done, "Refunded").len(), 1);
    let notice = world.chain.notice(&id).expect("the news waits");
    assert_eq!((notice.id, notice.chain), (id, REMOTE));
    assert_eq!((notice.sender, notice.recipient), (message.sender, message.recipient));
    assert_eq!((notice.deadline, notice.timestamp), (message.deadline, message.timestamp));
    assert_eq!((notice.payer, &notice.payload), (world.payer().to_bytes(), &message.payload));
    world.chain.refused(refund.clone(), &[], Refusal::AlreadyRefunded);
    let consume = calls::consume_notice(world.alice.pubkey(), pda::notice(&id), world.payer());
    world.chain.done(&[consume], &[&world.alice]);
    assert!(world.chain.account(&pda::notice(&id)).is_none());
    world.chain.refused(refund, &[], Refusal::AlreadyRefunded);
    assert!(world.chain.is_marked(REFUNDED, REMOTE, message.nonce));
    assert!(!world.chain.is_marked(CONSUMED, REMOTE, message.nonce));
}

/// The payload of a notice is its reader's own. What reads inboxes must not take it for what a peer said.
#[test]
fn a_notice_is_no_message() {
    let mut world = World::new();
    let (message, refund) = expired(&mut world);
    let id = message.id(&world.outward(REMOTE));
    world.chain.done(&[refund], &[]);
    assert!(world.chain.account(&pda::inbox(&id)).is_none());
    let notice = world.chain.account(&pda::notice(&id)).expect("the news waits");
    assert_eq!(notice.data[..8], discriminator("account", "Notice"));
    assert_ne!(notice.data[..8], discriminator("account", "Inbox"));
    let (alice, payer) = (world.alice.pubkey(), world.payer());
    let as_message = calls::consume(alice, pda::notice(&id), payer);
    world.chain.refused_account(as_message, &[&world.alice], &[]);
    let incoming = Message { recipient: alice.to_bytes(), ..world.message(1) };
    let deliver = arriving(&mut world, &incoming);
    world.chain.done(&[deliver], &[]);
    let inbox = pda::inbox(&incoming.id(&world.inward(REMOTE)));
    let as_notice = calls::consume_notice(alice, inbox, payer);
    world.chain.refused_account(as_notice, &[&world.alice], &[]);
}

#[test]
fn only_the_sender_consumes_a_notice() {
    let mut world = World::new();
    let (message, refund) = expired(&mut world);
    world.chain.done(&[refund], &[]);
    let notice = pda::notice(&message.id(&world.outward(REMOTE)));
    let (alice, payer) = (world.alice.pubkey(), world.payer());
    let thief = calls::consume_notice(world.mallory.pubkey(), notice, payer);
    world.chain.refused_account(thief, &[&world.mallory], &[]);
    let unsigned = calls::consume_notice(alice, notice, payer).unsigned(alice);
    world.chain.refused_account(unsigned, &[], &[]);
    let keeping = calls::consume_notice(alice, notice, alice);
    world.chain.refused_account(keeping, &[&world.alice], &[]);
    let (paid, before) = (world.chain.lamports(&notice), world.chain.lamports(&payer));
    let done = world.chain.done(&[calls::consume_notice(alice, notice, payer)], &[&world.alice]);
    assert_eq!(world.chain.lamports(&payer), before + paid - done.fee);
}

/// Only the certified expiry refunds: not the message's own leaf, and not a message that came in.
#[test]
fn a_refund_needs_the_certified_expiry() {
    let mut world = World::new();
    let (message, _) = expired(&mut world);
    let route = world.outward(REMOTE);
    let id = message.id(&route);
    for other in [leaf::message(&id), leaf::decision(&id, false)] {
        let proven = world.proven(Kind::General, &[other]);
        let refund = calls::refund(world.payer(), &proven.checkpoint, (&message, &route), &proven.proof(0));
        world.chain.refused(refund, &[], Refusal::RootMismatch);
    }
    let incoming = world.message(1);
    let inward = world.inward(REMOTE);
    let proven = world.proven(Kind::General, &[leaf::expired(&incoming.id(&inward))]);
    let swapped = Message { source: incoming.target, target: incoming.source, ..incoming };
    let refund = calls::refund(world.payer(), &proven.checkpoint, (&swapped, &inward), &proven.proof(0));
    world.chain.refused_account(refund, &[], &[Refusal::RootMismatch, Refusal::WrongAddress]);
}

/// A transfer is refunded by its own instruction, which pays; as a message it would be marked and pay nobody.
#[test]
fn a_transfer_is_not_refunded_as_a_message() {
    let mut world = World::new();
    let (message, _) = expired(&mut world);
    let route = world.outward(REMOTE);
    let transfer = Message { sender: pda::bridge().to_bytes(), ..message };
    let proven = world.proven(Kind::General, &[leaf::expired(&transfer.id(&route))]);
    let refund = calls::refund(world.payer(), &proven.checkpoint, (&transfer, &route), &proven.proof(0));
    world.chain.refused_account(refund, &[], &[Refusal::InvalidRecipient]);
}
