//! The pipeline end to end: two simulated chains, a hub that verifies and signs for real, and a relayer that is killed.

mod hub;
mod setbacks;
mod signature;
mod world;

use infrastrukt_api::{LegState, MessageState};
use infrastrukt_sim::{Faults, Lie, Recipient, sim_account};
use infrastrukt_types::{Amount, Decision, FactKind, Nonce, Timestamp};
use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::dlq;
use world::{LEFT, RIGHT, World};

const NEVER: Timestamp = Timestamp(0);

fn all_once(world: &World, left: usize, right: usize) -> bool {
    let once = |chain, count| {
        let deliveries = world.deliveries(chain);
        assert!(deliveries.values().all(|times| *times == 1), "delivered twice: {deliveries:?}");
        deliveries.len() == count
    };
    once(LEFT, left) && once(RIGHT, right)
}

#[tokio::test]
async fn messages_arrive_once_and_nothing_is_left_behind() {
    let mut world = World::new();
    world.start().await;
    world.step().await;
    for _ in 0..20 {
        world.send(LEFT, "recipient", NEVER);
        world.send(RIGHT, "recipient", NEVER);
    }
    world.until(200, "all delivered", |world| all_once(world, 20, 20)).await;
    world.until(200, "nothing waits", World::is_idle).await;
    let live = [LEFT, RIGHT].map(|chain| world.shared().book.counts(chain));
    assert_eq!(live, [LEFT, RIGHT].map(|chain| world.counts(chain)), "counted in memory as in the store");
    for _ in 0..40 {
        world.step().await;
    }
    assert!(world.shared().book.collect(None).expect("readable").is_none());
    let kept = infrastrukt_ports::Store::scan(
        world.store.as_ref(),
        infrastrukt_ports::Column("relayer_certificates"),
        &[],
        &[],
        9,
    );
    assert!(kept.expect("readable").is_empty(), "certificates that nothing needs are dropped");
    assert!(world.relayer().problems().is_empty(), "{:?}", world.relayer().problems());
    world.stop().await;
}

async fn killed_at_random(seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut world = World::new();
    world.start().await;
    let (mut left, mut right) = (0, 0);
    for _ in 0..120 {
        if rng.random_bool(0.4) {
            world.send(LEFT, "recipient", NEVER);
            right += 1;
        }
        if rng.random_bool(0.4) {
            world.send(RIGHT, "recipient", NEVER);
            left += 1;
        }
        if rng.random_bool(0.2) {
            // Death at any write: the disk takes a few more batches, then none, then the process is gone.
            world.store.fail_after(rng.random_range(0..12));
            world.step().await;
            world.kill().await;
            world.store.heal();
            world.start().await;
        }
        if rng.random_bool(0.05) {
            world.hub.state().forgets = rng.random_range(0..4);
        }
        let is_down = world.hub.state().is_down;
        if rng.random_bool(if is_down { 0.5 } else { 0.05 }) {
            world.hub.state().is_down = !is_down;
        }
        world.step().await;
        all_once(&world, 0, 0);
    }
    (world.hub.state().is_down, world.hub.state().forgets) = (false, 0);
    world.until(600, "all delivered", |world| all_once(world, left, right)).await;
    world.until(1_200, "nothing waits", World::is_idle).await;
    let state = world.hub.state();
    assert!(state.messages.values().all(|message| message.state == MessageState::Delivered));
}

#[tokio::test]
async fn restart_at_every_stage_loses_and_doubles_nothing() {
    for seed in 0..12 {
        killed_at_random(seed).await;
    }
}

#[tokio::test]
async fn reorged_deliveries_arrive_all_the_same() {
    let mut world = World::new();
    world.start().await;
    world.step().await;
    for round in 0..10 {
        world.send(LEFT, "recipient", NEVER);
        for _ in 0..3 {
            world.step().await;
        }
        let dropped = if round % 2 == 0 { infrastrukt_sim::Dropped::Lost } else { infrastrukt_sim::Dropped::Waiting };
        world.chains[&RIGHT].reorg(2, dropped);
    }
    world.until(400, "all delivered", |world| all_once(world, 0, 10)).await;
    world.until(400, "nothing waits", World::is_idle).await;
}

#[tokio::test]
async fn batch_split_isolates_a_poison_message() {
    let mut world = World::new();
    *world.poison.lock().expect("not poisoned") = Some(Nonce(3));
    world.start().await;
    world.step().await;
    for _ in 0..6 {
        world.send(LEFT, "recipient", NEVER);
    }
    world.until(100, "the others arrive", |world| all_once(world, 0, 5)).await;
    world.until(200, "it is dead", |world| world.counts(RIGHT).dead == 1).await;
    let letters = dlq::list(world.shared(), None, 10).expect("readable");
    let [(id, _)] = letters.as_slice() else { panic!("one letter, not {letters:?}") };
    assert!(matches!(dlq::find(world.shared(), "eip155:901/deliver/0x12"), Err(dlq::DlqError::Malformed(_))));

    // A restart keeps the letter with its certificate.
    world.kill().await;
    world.start().await;
    world.until(100, "nothing else waits", World::is_idle).await;
    *world.poison.lock().expect("not poisoned") = None;
    dlq::redrive(world.shared(), &id.to_string()).expect("it is there");
    world.until(100, "it arrives", |world| all_once(world, 0, 6)).await;
    world.until(100, "nothing waits", World::is_idle).await;
    assert_eq!(world.counts(RIGHT).dead, 0);
}

#[tokio::test]
async fn failing_recipient_dies_and_can_be_redriven_or_dropped() {
    let mut world = World::new();
    let stubborn = sim_account("stubborn");
    let refuse = Recipient::Reverts(b"no".to_vec().into());
    world.chains[&RIGHT].with_environment(|environment| environment.recipients.insert(stubborn, refuse));
    world.start().await;
    world.step().await;
    for recipient in ["recipient", "stubborn", "recipient", "stubborn"] {
        world.send(LEFT, recipient, NEVER);
    }
    world.until(300, "two are dead", |world| world.counts(RIGHT).dead == 2).await;
    assert!(all_once(&world, 0, 2), "the others arrived");
    world.chains[&RIGHT].with_environment(|environment| environment.recipients.insert(stubborn, Recipient::Accepts));
    let letters = dlq::list(world.shared(), None, 10).expect("readable");
    let next = dlq::list(world.shared(), Some(&letters[0].0), 10).expect("readable");
    assert_eq!(next, letters[1..]);
    dlq::redrive(world.shared(), &letters[0].0.to_string()).expect("it is there");
    dlq::drop_letter(world.shared(), &letters[1].0.to_string()).expect("it is there");
    assert!(matches!(dlq::redrive(world.shared(), &letters[1].0.to_string()), Err(dlq::DlqError::NotFound(_))));
    world.until(200, "the redriven one arrives", |world| all_once(world, 0, 3)).await;
    world.until(200, "nothing waits", World::is_idle).await;
}

#[tokio::test]
async fn a_dead_letter_past_its_deadline_expires_and_is_refunded() {
    let mut world = World::new();
    let refuse = Recipient::Reverts(b"no".to_vec().into());
    world.chains[&RIGHT].with_environment(|environment| environment.recipients.insert(sim_account("stubborn"), refuse));
    world.start().await;
    world.step().await;
    world.send(LEFT, "stubborn", infrastrukt_ports::Clock::now(&world.clock).plus(200));
    world.until(300, "it is dead", |world| world.counts(RIGHT).dead == 1).await;
    let refunded = |world: &World| world.facts(LEFT).iter().any(|fact| matches!(fact, FactKind::Refunded(_)));
    world.until(600, "it is refunded", refunded).await;
    world.until(200, "nothing waits", World::is_idle).await;
    assert!(world.deliveries(RIGHT).is_empty());
    assert_eq!(world.counts(RIGHT).dead, 0);
}

#[tokio::test]
async fn overdue_message_expires_and_is_refunded() {
    let mut world = World::new();
    let deadline = infrastrukt_ports::Clock::now(&world.clock).plus(10);
    world.send(LEFT, "recipient", deadline);
    for _ in 0..30 {
        world.step().await;
    }
    world.start().await;
    let refunded = |world: &World| world.facts(LEFT).iter().any(|fact| matches!(fact, FactKind::Refunded(_)));
    world.until(200, "it is refunded", refunded).await;
    world.until(200, "nothing waits", World::is_idle).await;
    assert!(world.deliveries(RIGHT).is_empty());
    let state = world.hub.state();
    assert!(state.messages.values().all(|message| message.state == MessageState::Refunded));
}

#[tokio::test]
async fn lying_rpc_halts_its_lane_and_no_other() {
    let mut world = World::new();
    world.start().await;
    world.step().await;
    world.views[&LEFT].set_faults(Faults { lie: Some(Lie::OmitEvent), ..Faults::default() });
    world.send(LEFT, "recipient", NEVER);
    world.until(50, "the lane halts", |world| !world.relayer().problems().is_empty()).await;
    let problems = world.relayer().problems();
    assert!(problems.len() == 1 && problems[0].contains("eip155:900"), "{problems:?}");

    // An honest endpoint and a restart by a person: it goes on where it stopped.
    world.views[&LEFT].set_faults(Faults::default());
    world.kill().await;
    world.start().await;
    world.until(200, "it arrives", |world| all_once(world, 0, 1)).await;
}

#[tokio::test]
async fn failing_endpoints_only_delay() {
    let mut world = World::new();
    world.start().await;
    for view in world.views.values() {
        view.set_faults(Faults { errors_per_mille: 300, ..Faults::default() });
    }
    for _ in 0..10 {
        world.send(LEFT, "recipient", NEVER);
        world.send(RIGHT, "recipient", NEVER);
    }
    world.until(2_000, "all delivered", |world| all_once(world, 10, 10)).await;
    assert!(world.relayer().problems().is_empty(), "{:?}", world.relayer().problems());
}

#[tokio::test]
async fn locked_deal_is_released_everywhere() {
    let mut world = World::new();
    world.start().await;
    world.step().await;
    let (id, deal) = world.deal(1);
    world.lock(id, &deal, 0);
    world.lock(id, &deal, 1);
    world
        .until(200, "both are paid", |world| {
            world.balance(RIGHT, "alice's purse") == Amount(1_000)
                && world.balance(LEFT, "bob's purse") == Amount(1_000)
        })
        .await;
    world.until(200, "nothing waits", World::is_idle).await;
    let state = world.hub.state();
    let deal = &state.deals[&id];
    assert_eq!(deal.decision, Some(Decision::Commit));
    assert!(deal.legs.iter().all(|leg| leg.state == LegState::Released));
}

#[tokio::test]
async fn party_that_never_locks_costs_the_other_nothing() {
    let mut world = World::new();
    world.start().await;
    world.step().await;
    let (id, deal) = world.deal(1);
    let before = world.balance(LEFT, "alice");
    world.lock(id, &deal, 0);
    let refunded = |world: &World| world.hub.state().deals[&id].legs[0].state == LegState::Refunded;
    world.until(400, "she has it back", refunded).await;
    world.until(400, "nothing waits", World::is_idle).await;
    let fees = before.checked_sub(world.balance(LEFT, "alice")).expect("fees are paid");
    assert!(fees.0 > 0 && fees.0.is_multiple_of(1_000_000_000), "only gas is gone: {fees}");
    assert!(world.facts(RIGHT).is_empty(), "nothing was sent to the chain where nobody locked");
}
