//! Messages in: at most once, only what is proven, only to whom it is for.

use infrastrukt_svm_tests::{
    CONSUMED, HERE, OTHER_REMOTE, REMOTE, Refusal, World,
    calls::{self, Bend},
    events, evm_account, key_named, pda,
    wire::{Kind, Message, Route, keccak, leaf},
};
use solana_instruction::Instruction;
use solana_signer::Signer;

/// A message that is the only leaf of a verified checkpoint, and the call that delivers it.
pub(crate) fn arriving(world: &mut World, message: &Message) -> Instruction {
    let leaf = world.message_leaf(message);
    let proven = world.proven(Kind::General, &[leaf]);
    world.deliver(&proven, 0, message)
}

/// Delivery of a message with one thing wrong that everybody signed.
#[track_caller]
pub(crate) fn not_delivered(message: impl FnOnce(&World) -> Message, why: Refusal) {
    let mut world = World::new();
    let message = message(&world);
    let deliver = arriving(&mut world, &message);
    world.chain.refused_account(deliver, &[], &[why]);
    assert!(!world.chain.is_marked(CONSUMED, message.source, message.nonce));
}

#[test]
fn a_message_arrives_in_its_inbox_and_is_consumed_by_its_recipient() {
    let mut world = World::new();
    let message = world.message(1);
    let id = message.id(&world.inward(REMOTE));
    let deliver = arriving(&mut world, &message);
    let done = world.chain.done(&[deliver], &[]);
    let expected = [&id[..], &REMOTE.to_le_bytes(), &1u64.to_le_bytes()].concat();
    assert_eq!(events(&done, "Delivered"), [expected]);
    assert!(world.chain.is_marked(CONSUMED, REMOTE, 1));
    let inbox = world.chain.inbox(&id).expect("it waits");
    assert_eq!((inbox.id, inbox.chain), (id, REMOTE));
    assert_eq!((inbox.sender, inbox.recipient), (message.sender, message.recipient));
    assert_eq!((inbox.deadline, inbox.timestamp), (message.deadline, message.timestamp));
    assert_eq!(inbox.payload, message.payload);
    let consume = calls::consume(world.bob.pubkey(), pda::inbox(&id), world.payer());
    world.chain.done(&[consume], &[&world.bob]);
    assert!(world.chain.inbox(&id).is_none());
    assert!(world.chain.is_marked(CONSUMED, REMOTE, 1));
}

#[test]
fn a_message_is_delivered_once_also_after_it_was_consumed() {
    let mut world = World::new();
    let message = world.message(1);
    let leaf = world.message_leaf(&message);
    let deliver = arriving(&mut world, &message);
    world.chain.done(&[deliver.clone()], &[]);
    world.chain.refused(deliver.clone(), &[], Refusal::AlreadyDelivered);
    let inbox = pda::inbox(&message.id(&world.inward(REMOTE)));
    let consume = calls::consume(world.bob.pubkey(), inbox, world.payer());
    world.chain.done(&[consume.clone()], &[&world.bob]);
    world.chain.refused(deliver, &[], Refusal::AlreadyDelivered);
    // Another certificate of the same message, and a batch with it, change nothing.
    let again = world.proven(Kind::General, &[[1; 32], leaf]);
    let deliver = world.deliver(&again, 1, &message);
    world.chain.refused(deliver, &[], Refusal::AlreadyDelivered);
    let route = world.inward(REMOTE);
    let batch = calls::deliver_batch(world.payer(), &again.checkpoint, (&[message], &route), &again.proof(1));
    world.chain.done(&[batch], &[]);
    assert!(world.chain.account(&inbox).is_none());
    world.chain.refused_account(consume, &[&world.bob], &[]);
}

/// Delivering and consuming in one transaction leaves nothing to deliver again in it.
#[test]
fn a_message_is_delivered_once_in_a_transaction() {
    let mut world = World::new();
    let message = world.message(1);
    let deliver = arriving(&mut world, &message);
    let inbox = pda::inbox(&message.id(&world.inward(REMOTE)));
    let consume = calls::consume(world.bob.pubkey(), inbox, world.payer());
    let calls = [deliver.clone(), consume, deliver];
    let is_expected = |code: u32| code == Refusal::AlreadyDelivered.code();
    world.chain.refused_with(&calls, &[&world.bob], is_expected, "AlreadyDelivered");
}

#[test]
fn a_message_that_was_not_certified_is_refused() {
    let mut world = World::new();
    let message = world.message(1);
    let leaf = world.message_leaf(&message);
    let proven = world.proven(Kind::General, &[leaf]);
    let bent = [
        Message { nonce: 2, ..message.clone() },
        Message { sender: [1; 32], ..message.clone() },
        Message { recipient: world.mallory.pubkey().to_bytes(), ..message.clone() },
        Message { timestamp: 1, ..message.clone() },
        Message { gas_limit: 1, ..message.clone() },
        Message { deadline: u64::MAX, ..message.clone() },
        Message { payload: b"hello!".to_vec(), ..message.clone() },
        Message { payload: Vec::new(), ..message.clone() },
        Message { source: OTHER_REMOTE, ..message.clone() },
    ];
    for message in bent {
        let deliver = world.deliver(&proven, 0, &message);
        world.chain.refused(deliver, &[], Refusal::RootMismatch);
    }
}

#[test]
fn a_message_for_another_chain_is_refused() {
    not_delivered(|world| Message { target: HERE + 1, ..world.message(1) }, Refusal::RootMismatch);
}

#[test]
fn a_message_of_another_version_is_refused() {
    not_delivered(|world| Message { version: 2, ..world.message(1) }, Refusal::RootMismatch);
}

/// The id binds both gateways: what another gateway of the same chain sent is not believed.
#[test]
fn a_message_of_another_gateway_is_refused() {
    let mut world = World::new();
    let message = world.message(1);
    for route in [
        Route { source: evm_account("impostor"), ..world.inward(REMOTE) },
        Route { target: [5; 32], ..world.inward(REMOTE) },
        Route { hub_id: [5; 32], ..world.inward(REMOTE) },
    ] {
        let proven = world.proven(Kind::General, &[leaf::message(&message.id(&route))]);
        let deliver = world.deliver(&proven, 0, &message);
        world.chain.refused(deliver, &[], Refusal::RootMismatch);
    }
}

#[test]
fn a_message_of_an_unknown_chain_is_refused() {
    let mut world = World::new();
    let message = Message { source: 999, ..world.message(1) };
    let page = calls::open_page(world.payer(), CONSUMED, 999, 0);
    world.chain.try_send(&[page], &[]).ok();
    let deliver = arriving(&mut world, &message);
    world.chain.refused_account(deliver, &[], &[Refusal::UnknownSource]);
}

/// No leaf of another type is a message, whatever its fields are.
#[test]
fn leaves_of_other_types_are_no_messages() {
    let mut world = World::new();
    let message = world.message(1);
    let id = message.id(&world.inward(REMOTE));
    for other in [leaf::expired(&id), leaf::decision(&id, true), leaf::decision(&id, false), id, keccak(&[&id])] {
        let proven = world.proven(Kind::General, &[other]);
        let deliver = world.deliver(&proven, 0, &message);
        world.chain.refused(deliver, &[], Refusal::RootMismatch);
    }
}

#[test]
fn messages_travel_in_general_checkpoints_only() {
    let mut world = World::new();
    let message = world.message(1);
    let leaf = world.message_leaf(&message);
    for kind in [Kind::Commits, Kind::Rotation] {
        let proven = world.proven(kind, &[leaf]);
        let deliver = world.deliver(&proven, 0, &message);
        world.chain.refused(deliver, &[], Refusal::WrongKind);
    }
}

/// The hub's own accounts hold money and power; what arrives for them would belong to nobody.
#[test]
fn the_hub_s_own_accounts_are_no_recipients() {
    let own = [[0; 32], pda::PROGRAM.to_bytes(), pda::config().to_bytes(), pda::escrow().to_bytes()];
    let purses = [pda::fees().to_bytes(), pda::bridge().to_bytes()];
    for recipient in own.into_iter().chain(purses) {
        not_delivered(|world| Message { recipient, ..world.message(1) }, Refusal::InvalidRecipient);
    }
}

/// Whoever delivers in time may let the recipient's own instruction wait. The recipient sees how late it is.
#[test]
fn a_recipient_can_see_that_a_message_is_late() {
    let mut world = World::new();
    let deadline = world.chain.now() + 60;
    let message = Message { deadline, ..world.message(1) };
    let deliver = arriving(&mut world, &message);
    world.chain.set_time(deadline);
    world.chain.done(&[deliver], &[]);
    world.chain.pass(86_400);
    let inbox = world.chain.inbox(&message.id(&world.inward(REMOTE))).expect("it waits");
    assert!(inbox.deadline < world.chain.now());
    assert_eq!((inbox.deadline, inbox.timestamp), (deadline, message.timestamp));
}

#[test]
fn only_the_recipient_consumes() {
    let mut world = World::new();
    let message = world.message(1);
    let deliver = arriving(&mut world, &message);
    world.chain.done(&[deliver], &[]);
    let (inbox, payer, bob) = (pda::inbox(&message.id(&world.inward(REMOTE))), world.payer(), world.bob.pubkey());
    let thief = calls::consume(world.mallory.pubkey(), inbox, payer);
    world.chain.refused_account(thief, &[&world.mallory], &[Refusal::Unauthorized]);
    let unsigned = calls::consume(bob, inbox, payer).unsigned(bob);
    world.chain.refused_account(unsigned, &[], &[]);
    let keeping = calls::consume(bob, inbox, bob);
    world.chain.refused_account(keeping, &[&world.bob], &[Refusal::WrongAddress, Refusal::InvalidDestination]);
    let into_itself = calls::consume(bob, inbox, inbox);
    world.chain.refused_account(into_itself, &[&world.bob], &[Refusal::WrongAddress, Refusal::InvalidDestination]);
    world.chain.done(&[calls::consume(bob, inbox, payer)], &[&world.bob]);
}

/// A relayer that pays for an inbox gets its rent back, whoever consumes.
#[test]
fn the_rent_of_an_inbox_goes_back_to_its_payer() {
    let mut world = World::new();
    let message = world.message(1);
    let payer = key_named("relayer");
    world.chain.fund(payer.pubkey(), 1_000_000_000);
    let deliver = arriving(&mut world, &message).substitute(world.payer(), payer.pubkey());
    world.chain.done(&[deliver], &[&payer]);
    let paid = 1_000_000_000 - world.chain.lamports(&payer.pubkey());
    let inbox = pda::inbox(&message.id(&world.inward(REMOTE)));
    assert_eq!(world.chain.lamports(&inbox), paid);
    let consume = calls::consume(world.bob.pubkey(), inbox, payer.pubkey());
    world.chain.done(&[consume], &[&world.bob]);
    assert_eq!(world.chain.lamports(&payer.pubkey()), 1_000_000_000);
}
