//! Expiry is decided here, to the second, and once.

use infrastrukt_svm_tests::{
    CONSUMED, REMOTE, Refusal, World, calls, events,
    wire::{Kind, Message},
};

use crate::messages::{arriving, not_delivered};

#[test]
fn a_deadline_is_the_last_second() {
    let mut world = World::new();
    let deadline = world.chain.now() + 100;
    let message = Message { deadline, ..world.message(1) };
    let leaf = world.message_leaf(&message);
    let proven = world.proven(Kind::General, &[leaf]);
    let expire = calls::expire(&proven.checkpoint, &message, &proven.proof(0));
    let deliver = world.deliver(&proven, 0, &message);
    world.chain.set_time(deadline);
    world.chain.refused(expire.clone(), &[], Refusal::MessageNotExpired);
    world.chain.set_time(deadline + 1);
    world.chain.refused(deliver.clone(), &[], Refusal::DeadlinePassed);
    let done = world.chain.done(&[expire.clone()], &[]);
    assert_eq!(events(&done, "Expired").len(), 1);
    assert!(world.chain.is_marked(CONSUMED, REMOTE, 1));
    world.chain.refused(expire, &[], Refusal::AlreadyDelivered);
    // Also where time seems to go back.
    world.chain.set_time(deadline);
    world.chain.refused(deliver, &[], Refusal::AlreadyDelivered);
}

#[test]
fn a_message_without_deadline_never_expires() {
    let mut world = World::new();
    let message = world.message(1);
    let leaf = world.message_leaf(&message);
    let proven = world.proven(Kind::General, &[leaf]);
    world.chain.pass(86_400 * 30);
    let expire = calls::expire(&proven.checkpoint, &message, &proven.proof(0));
    world.chain.refused(expire, &[], Refusal::MessageNotExpired);
}

#[test]
fn a_delivered_message_does_not_expire() {
    let mut world = World::new();
    let message = Message { deadline: world.chain.now() + 100, ..world.message(1) };
    let leaf = world.message_leaf(&message);
    let proven = world.proven(Kind::General, &[leaf]);
    let deliver = world.deliver(&proven, 0, &message);
    world.chain.done(&[deliver], &[]);
    world.chain.pass(101);
    let expire = calls::expire(&proven.checkpoint, &message, &proven.proof(0));
    world.chain.refused(expire, &[], Refusal::AlreadyDelivered);
}

#[test]
fn deadlines_at_the_limits_are_numbers_like_others() {
    for deadline in [u64::MAX, u64::MAX - 1, 1 << 63, i64::MAX as u64] {
        let mut world = World::new();
        let message = Message { deadline, ..world.message(1) };
        let deliver = arriving(&mut world, &message);
        world.chain.done(&[deliver], &[]);
    }
    not_delivered(|world| Message { deadline: 1, ..world.message(1) }, Refusal::DeadlinePassed);
}
