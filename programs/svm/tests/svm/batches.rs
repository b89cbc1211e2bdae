//! Several messages at once: each by itself, under one proof.

use infrastrukt_svm_tests::{
    CONSUMED, OTHER_REMOTE, REMOTE, Refusal, World,
    calls::{self, Bend},
    events, pda,
    wire::{Kind, Message, Multiproof, Word},
};

#[test]
fn a_batch_delivers_each_message_once_and_skips_the_rest() {
    let mut world = World::new();
    let late = Message { deadline: world.chain.now() - 1, ..world.message(3) };
    let refused = Message { recipient: pda::config().to_bytes(), ..world.message(4) };
    let (first, second) = (world.message(1), world.message(2));
    let messages = [first.clone(), second.clone(), late.clone(), refused.clone()];
    let leaves: Vec<Word> = messages.iter().map(|message| world.message_leaf(message)).collect();
    let proven = world.proven(Kind::General, &leaves);
    let alone = world.deliver(&proven, 0, &first);
    world.chain.done(&[alone], &[]);
    let before = world.chain.account(&pda::inbox(&first.id(&world.inward(REMOTE))));
    let route = world.inward(REMOTE);
    let proof = proven.tree.proof(&[0, 1, 2, 3]);
    let batch = calls::deliver_batch(world.payer(), &proven.checkpoint, (&messages, &route), &proof);
    let done = world.chain.done(&[batch.clone()], &[]);
    let expected = [&second.id(&route)[..], &REMOTE.to_le_bytes(), &2u64.to_le_bytes()].concat();
    assert_eq!(events(&done, "Delivered"), [expected]);
    assert!(world.chain.inbox(&second.id(&route)).is_some());
    assert_eq!(world.chain.account(&pda::inbox(&first.id(&route))), before);
    for (message, is_marked) in [(&first, true), (&second, true), (&late, false), (&refused, false)] {
        assert_eq!(world.chain.is_marked(CONSUMED, REMOTE, message.nonce), is_marked, "nonce {}", message.nonce);
    }
    let done = world.chain.done(&[batch], &[]);
    assert!(events(&done, "Delivered").is_empty());
}

/// The same leaf twice in one outbox is still one message.
#[test]
fn a_message_that_stands_twice_in_a_batch_is_delivered_once() {
    let mut world = World::new();
    let message = world.message(1);
    let leaf = world.message_leaf(&message);
    let proven = world.proven(Kind::General, &[leaf, leaf]);
    let route = world.inward(REMOTE);
    let messages = [message.clone(), message];
    let proof = proven.tree.proof(&[0, 1]);
    let batch = calls::deliver_batch(world.payer(), &proven.checkpoint, (&messages, &route), &proof);
    match world.chain.try_send(&[batch], &[]) {
        Ok(done) => assert_eq!(events(&done, "Delivered").len(), 1),
        Err(_) => assert!(!world.chain.is_marked(CONSUMED, REMOTE, 1)),
    }
}

#[test]
fn a_batch_names_one_index_once() {
    let mut world = World::new();
    let message = world.message(1);
    let leaf = world.message_leaf(&message);
    let proven = world.proven(Kind::General, &[leaf, [2; 32], [3; 32]]);
    let route = world.inward(REMOTE);
    let twice = [message.clone(), message.clone()];
    let bent = Multiproof { indices: vec![0, 0], ..proven.proof(0) };
    let batch = calls::deliver_batch(world.payer(), &proven.checkpoint, (&twice, &route), &bent);
    world.chain.refused(batch, &[], Refusal::IndicesNotAscending);
    let one = [message];
    let bent = Multiproof { indices: vec![0, 1], ..proven.proof(0) };
    let batch = calls::deliver_batch(world.payer(), &proven.checkpoint, (&one, &route), &bent);
    world.chain.refused(batch, &[], Refusal::LeafCountMismatch);
}

/// Every account of a batch is for the message at its place.
#[test]
fn a_batch_writes_each_message_into_its_own_inbox() {
    let mut world = World::new();
    let messages = [world.message(1), world.message(2)];
    let leaves: Vec<Word> = messages.iter().map(|message| world.message_leaf(message)).collect();
    let proven = world.proven(Kind::General, &leaves);
    let route = world.inward(REMOTE);
    let proof = proven.tree.proof(&[0, 1]);
    let batch = calls::deliver_batch(world.payer(), &proven.checkpoint, (&messages, &route), &proof);
    let count = batch.accounts.len();
    let mut swapped = batch.clone();
    swapped.accounts.swap(count - 1, count - 2);
    world.chain.refused_account(swapped, &[], &[Refusal::WrongAddress]);
    let mut twice = batch.clone();
    twice.accounts[count - 1] = twice.accounts[count - 2].clone();
    world.chain.refused_account(twice, &[], &[Refusal::WrongAddress]);
    world.chain.refused(batch.clone().without_last(1), &[], Refusal::TooManyMessages);
    world.chain.done(&[batch], &[]);
}

/// A message of another page or source in a batch would be marked where nobody looks.
#[test]
fn a_batch_is_of_one_page_and_one_source() {
    let mut world = World::new();
    let here = world.message(1);
    let farther = world.message(pda::PAGE_NONCES);
    let elsewhere = Message { source: OTHER_REMOTE, ..world.message(2) };
    let leaves = [&here, &farther, &elsewhere].map(|message| world.message_leaf(message));
    let proven = world.proven(Kind::General, &leaves);
    let route = world.inward(REMOTE);
    for (at, other) in [(1, farther), (2, elsewhere)] {
        let messages = [here.clone(), other];
        let proof = proven.tree.proof(&[0, at]);
        let batch = calls::deliver_batch(world.payer(), &proven.checkpoint, (&messages, &route), &proof);
        let or = [Refusal::WrongPage, Refusal::UnknownSource, Refusal::WrongSource, Refusal::WrongAddress];
        world.chain.refused_account(batch, &[], &or);
        assert!(!world.chain.is_marked(CONSUMED, REMOTE, 1));
    }
}
