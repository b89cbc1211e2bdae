//! Setbacks that may cost time and never a message, a lock, or the lane of another chain.

use async_trait::async_trait;
use infrastrukt_api::{LegState, MessageState};
use infrastrukt_ports::{Clock, PortError};
use infrastrukt_sim::{Faults, Recipient, sim_account};
use infrastrukt_types::{Amount, B256, CheckpointKind, Epoch, FactKind, Height, MessageId, Nonce, Timestamp};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::Notify;

use super::{
    NEVER, all_once,
    world::{LEFT, RIGHT, World},
};
use crate::{
    admin,
    pipeline::{
        Lane, Pause, Stage, StageError, StageName,
        deliver::Deliver,
        draft::{self, Candidate},
        drive,
        verify::{self, Verdict},
    },
    store::{CertRef, Item, Work},
};

/// Longest pause before evidence is offered again.
const OFFER_PAUSE: Duration = Duration::from_secs(300);

async fn started() -> World {
    let mut world = World::new();
    world.start().await;
    world.step().await;
    world
}

/// An item whose certificate is not in the store.
fn uncertified(work: Work) -> Item {
    Item::new(work, CertRef { height: Height(99), kind: CheckpointKind::General }, Epoch(1), 7, 0)
}

fn is_sound(world: &World) {
    assert!(world.relayer().problems().is_empty(), "{:?}", world.relayer().problems());
}

#[tokio::test]
async fn leaves_shown_without_their_bodies_are_fetched_by_their_ids() {
    let mut world = started().await;
    world.hub.state().omits_bodies = true;
    for _ in 0..5 {
        world.send(LEFT, "recipient", NEVER);
        world.send(RIGHT, "recipient", NEVER);
    }
    let (id, deal) = world.deal(1);
    world.lock(id, &deal, 0);
    world.lock(id, &deal, 1);
    let paid = |world: &World| world.balance(RIGHT, "alice's purse") == Amount(1_000);
    world.until(300, "everything arrives", |world| all_once(world, 5, 5) && paid(world)).await;
    world.until(300, "nothing waits", World::is_idle).await;
    assert_eq!(world.shared().book.awaited_count(), 0);
    is_sound(&world);
}

#[tokio::test]
async fn a_wrong_body_holds_back_its_own_message_and_nothing_else() {
    let mut world = started().await;
    {
        let mut state = world.hub.state();
        (state.omits_bodies, state.lies_about) = (true, Some((LEFT, Nonce(2))));
    }
    for _ in 0..3 {
        world.send(LEFT, "recipient", NEVER);
        world.send(RIGHT, "recipient", NEVER);
    }
    world.until(300, "the others arrive", |world| all_once(world, 3, 2)).await;
    world.kill().await;
    world.start().await;
    for _ in 0..40 {
        world.step().await;
    }
    assert!(all_once(&world, 3, 2));
    assert_eq!(world.shared().book.awaited_count(), 1, "it is kept over a restart");
    is_sound(&world);
    world.hub.state().lies_about = None;
    world.until(300, "it arrives with its old certificate", |world| all_once(world, 3, 3)).await;
    world.until(300, "nothing waits", World::is_idle).await;
}

#[tokio::test]
async fn a_full_lane_holds_back_its_own_messages_and_nothing_else() {
    let mut world = World::new();
    world.limits.queue_max = 5;
    *world.stuck.lock().expect("not poisoned") = Some(RIGHT);
    world.start().await;
    world.step().await;
    for _ in 0..6 {
        for _ in 0..10 {
            world.send(LEFT, "recipient", NEVER);
        }
        world.step().await;
    }
    let is_behind = |world: &World| world.shared().book.behind(RIGHT).expect("readable").is_some();
    world.until(200, "the lane is full", is_behind).await;
    let (id, deal) = world.deal(1);
    world.lock(id, &deal, 0);
    world.lock(id, &deal, 1);
    for _ in 0..5 {
        world.send(RIGHT, "recipient", NEVER);
    }
    let paid = |world: &World| world.balance(LEFT, "bob's purse") == Amount(1_000);
    world.until(300, "the other lane goes on", |world| all_once(world, 5, 0) && paid(world)).await;
    assert!(is_behind(&world));

    *world.stuck.lock().expect("not poisoned") = None;
    world.until(1_000, "what was passed over arrives", |world| all_once(world, 5, 60)).await;
    world.until(400, "nothing waits", World::is_idle).await;
    assert!(!is_behind(&world));
    assert_eq!(world.balance(RIGHT, "alice's purse"), Amount(1_000));
}

#[tokio::test]
async fn a_busy_hub_and_a_quorum_that_is_hours_away_bury_no_evidence() {
    let mut world = started().await;
    {
        let mut state = world.hub.state();
        (state.is_busy, state.forgets) = (3, 101);
    }
    world.send(LEFT, "recipient", NEVER);
    world.until(100, "it is offered", |world| world.hub.state().is_busy == 0).await;
    for _ in 0..200 {
        if world.hub.state().forgets == 0 {
            break;
        }
        world.clock.advance(OFFER_PAUSE);
        world.step().await;
    }
    assert_eq!(world.hub.state().forgets, 0, "it was offered more than a hundred times");
    assert_eq!((world.counts(LEFT).dead, world.counts(LEFT).evidence), (0, 1));
    world.until(1_000, "it arrives", |world| all_once(world, 0, 1)).await;
    world.until(400, "nothing waits", World::is_idle).await;
}

#[tokio::test]
async fn a_lock_among_locks_of_unknown_deals_is_never_given_up() {
    let mut world = started().await;
    world.hub.state().is_deaf_to_locks = true;
    let deals: Vec<_> = (1..=5).map(|nonce| world.deal(nonce)).collect();
    let known = deals[3].0;
    world.hub.state().deals.retain(|id, _| *id == known);
    for (id, deal) in &deals {
        world.lock(*id, deal, 0);
    }
    world.until(100, "the locks are read", |world| world.counts(LEFT).evidence > 0).await;
    world.send(LEFT, "recipient", NEVER);
    world.until(200, "a later fact is proven", |world| all_once(world, 0, 1)).await;
    for _ in 0..12 {
        world.clock.advance(OFFER_PAUSE);
        world.step().await;
    }
    assert!(world.counts(LEFT).evidence > 0, "the hub still waits for one of the locks");
    world.hub.state().is_deaf_to_locks = false;
    let is_seen = move |world: &World| world.hub.state().deals[&known].legs[0].state != LegState::Waiting;
    world.until(1_000, "the lock is proven", is_seen).await;
    world.until(1_000, "the others are given up, the lock is refunded", World::is_idle).await;
    assert_eq!(world.counts(LEFT).dead, 0);
}

#[tokio::test]
async fn a_final_message_is_observed_until_the_hub_knows_it() {
    let mut world = started().await;
    world.hub.state().forgets = u32::MAX;
    world.send(LEFT, "recipient", NEVER);
    let observed = |world: &World, id| admin::observed(world.shared(), id).expect("readable");
    world.until(50, "it is read", |world| observed(world, None).len() == 1).await;
    let view = observed(&world, None).remove(0);
    assert_eq!((view.state, view.message.source, view.origin.chain), (MessageState::Observed, LEFT, LEFT));
    assert_eq!(observed(&world, Some(view.id)), std::slice::from_ref(&view));
    assert!(observed(&world, Some(MessageId::default())).is_empty());
    world.hub.state().forgets = 0;
    world.until(400, "it arrives", |world| all_once(world, 0, 1)).await;
    assert!(world.hub.state().messages.contains_key(&view.id));
    assert!(observed(&world, None).is_empty());
}

/// A stage whose endpoint rejects its first questions.
struct Doubtful {
    lane: Arc<Lane>,
    wake: Notify,
    rejections: u32,
    is_done: Arc<AtomicBool>,
}

#[async_trait]
impl Stage for Doubtful {
    fn name(&self) -> StageName {
        StageName::Deliver
    }

    fn lane(&self) -> Option<&Arc<Lane>> {
        Some(&self.lane)
    }

    fn wake(&self) -> &Notify {
        &self.wake
    }

    async fn turn(&mut self) -> Result<Pause, StageError> {
        if self.rejections > 0 {
            self.rejections -= 1;
            return Err(PortError::reject("there is no contract").into());
        }
        self.is_done.store(true, Ordering::Release);
        Ok(Pause::Idle(OFFER_PAUSE))
    }
}

#[tokio::test]
async fn a_rejected_question_delays_a_stage_and_halts_nothing() {
    let mut world = started().await;
    let (shared, is_done) = (world.shared().clone(), Arc::new(AtomicBool::new(false)));
    let lane = shared.lanes[&LEFT].clone();
    let stage = Doubtful { lane, wake: Notify::new(), rejections: 3, is_done: is_done.clone() };
    tokio::spawn(drive(shared, Box::new(stage)));
    world.until(100, "it was asked again", |_| is_done.load(Ordering::Acquire)).await;
    is_sound(&world);
}

#[tokio::test]
async fn a_silent_hub_holds_back_what_it_is_asked_about_and_nothing_else() {
    let mut world = started().await;
    *world.stuck.lock().expect("not poisoned") = Some(RIGHT);
    world.send(LEFT, "recipient", NEVER);
    world.until(100, "its delivery is planned", |world| world.counts(RIGHT).open_plans == 1).await;
    world.hub.state().is_down = true;
    let message = world.hub.state().messages.values().next().expect("it is proven").message.clone();
    let mut refund = uncertified(Work::Refund { id: MessageId::default(), message });
    refund.verify = true;
    let mut change = world.shared().book.change();
    change.put_item(RIGHT, refund).expect("readable");
    change.commit().expect("writable");
    for _ in 0..5 {
        world.step().await;
    }
    *world.stuck.lock().expect("not poisoned") = None;
    world.until(200, "the message arrives", |world| all_once(world, 0, 1)).await;
    assert_eq!(world.counts(RIGHT).queued, 1, "the refund waits for the hub");
}

#[tokio::test]
async fn a_chain_that_tells_no_time_holds_back_what_is_near_its_deadline_and_nothing_else() {
    let mut world = started().await;
    world.views[&RIGHT].set_faults(Faults { is_dead: true, ..Faults::default() });
    world.send(LEFT, "recipient", Clock::now(&world.clock).plus(600));
    world.send(LEFT, "recipient", NEVER);
    world.until(200, "the one without a deadline arrives", |world| all_once(world, 0, 1)).await;
    for _ in 0..20 {
        world.step().await;
    }
    assert!(all_once(&world, 0, 1), "the other one waits");
    world.views[&RIGHT].set_faults(Faults::default());
    world.until(200, "it arrives in time", |world| all_once(world, 0, 2)).await;
    is_sound(&world);
}

#[tokio::test]
async fn no_endpoint_alone_ends_a_message() {
    let mut world = started().await;
    world.send(LEFT, "recipient", NEVER);
    world.until(100, "it arrives", |world| all_once(world, 0, 1)).await;
    world.until(200, "nothing waits", World::is_idle).await;
    let view = world.hub.state().messages.values().next().expect("it is proven").clone();
    let (shared, id) = (world.shared().clone(), view.id);
    let mut item = uncertified(Work::Deliver { id, message: view.message });
    item.done_seen = Some(Timestamp(0));
    let judge = || verify::judge(&shared, &shared.lanes[&RIGHT], item.clone(), Timestamp(0));
    assert!(matches!(judge().await, Ok(Verdict::Done(_))), "its chain and the hub agree");
    world.hub.state().messages.get_mut(&id).expect("it is proven").state = MessageState::Certified;
    assert!(matches!(judge().await, Ok(Verdict::Wait { .. })), "only its chain's endpoint says so");
}

#[tokio::test]
async fn what_was_finished_while_it_was_drafted_needs_no_certificate() {
    let world = started().await;
    let lane = world.shared().lanes[&RIGHT].clone();
    let deliver = Deliver::new(world.shared().clone(), lane.clone());
    let gone = uncertified(Work::Rotate { epoch: Epoch(2), valset_hash: B256::ZERO, expires_at: Timestamp(9) });
    let mut drafts = draft::drafts(vec![Candidate::new(gone, Timestamp(0))], &lane.policy, 1);
    let draft = drafts.pop().expect("one candidate");
    let mut change = world.shared().book.change();
    assert!(matches!(deliver.store(&mut change, draft), Ok(None)));
}

#[tokio::test]
async fn a_refund_by_somebody_else_is_waited_for_and_not_tried() {
    let mut world = World::new();
    world.send(LEFT, "recipient", Clock::now(&world.clock).plus(10));
    for _ in 0..30 {
        world.step().await;
    }
    world.start().await;
    let is_refunded = |world: &World| world.facts(LEFT).iter().any(|fact| matches!(fact, FactKind::Refunded(_)));
    world.until(200, "it is refunded", is_refunded).await;
    world.until(200, "nothing waits", World::is_idle).await;
    let view = world.hub.state().messages.values().next().expect("it is proven").clone();
    let (shared, id) = (world.shared().clone(), view.id);
    let mut item = uncertified(Work::Refund { id, message: view.message });
    let judge = |item: &Item| verify::judge(&shared, &shared.lanes[&LEFT], item.clone(), Timestamp(0));
    assert!(matches!(judge(&item).await, Ok(Verdict::Done(_))), "the hub knows");
    world.hub.state().messages.get_mut(&id).expect("it is proven").state = MessageState::Expired;
    let Ok(Verdict::Wait { item: seen, .. }) = judge(&item).await else { panic!("another refund would only fail") };
    assert!(seen.done_seen.is_some());
    item.done_seen = Some(Timestamp(0));
    assert!(matches!(judge(&item).await, Ok(Verdict::Wait { .. })), "final, and the hub does not know yet");
}

#[tokio::test]
async fn a_refund_that_failed_for_a_while_is_tried_again_by_itself() {
    let mut world = World::new();
    let (sender, refuse) = (sim_account("alice"), Recipient::Reverts(b"not now".to_vec().into()));
    world.chains[&LEFT].with_environment(|environment| environment.recipients.insert(sender, refuse));
    world.send(LEFT, "recipient", Clock::now(&world.clock).plus(10));
    for _ in 0..30 {
        world.step().await;
    }
    world.start().await;
    world.until(600, "its refund is dead", |world| world.counts(LEFT).dead == 1).await;
    world.chains[&LEFT].with_environment(|environment| environment.recipients.remove(&sender));
    for _ in 0..100 {
        world.step().await;
    }
    assert_eq!(world.counts(LEFT).dead, 1, "it is left alone for an hour");
    world.clock.advance(Duration::from_secs(3_600));
    let is_refunded = |world: &World| world.facts(LEFT).iter().any(|fact| matches!(fact, FactKind::Refunded(_)));
    world.until(400, "it is refunded", is_refunded).await;
    world.until(200, "nothing waits", World::is_idle).await;
    assert_eq!(world.counts(LEFT).dead, 0);
}

#[tokio::test]
async fn a_rotation_by_somebody_else_is_over_once_it_is_final() {
    let mut world = started().await;
    world.until(50, "the lane is read", |world| world.shared().lanes[&RIGHT].is_final(Timestamp(0))).await;
    let shared = world.shared().clone();
    let rotation = |epoch: u64| {
        let (epoch, expires_at) = (Epoch(epoch), Timestamp(u64::MAX));
        uncertified(Work::Rotate { epoch, valset_hash: B256::ZERO, expires_at })
    };
    let judge = |item: Item| verify::judge(&shared, &shared.lanes[&RIGHT], item, Timestamp(0));
    assert!(matches!(judge(rotation(2)).await, Ok(Verdict::Go(_))), "the chain is in epoch 1");
    let Ok(Verdict::Wait { item: seen, .. }) = judge(rotation(1)).await else { panic!("it is done as of the head") };
    assert!(seen.done_seen.is_some());
    let last = Item { done_seen: Some(Timestamp(0)), ..seen };
    assert!(matches!(judge(last).await, Ok(Verdict::Done(_))));
}
