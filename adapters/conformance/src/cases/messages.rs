//! Delivery, expiry and refund of messages.

use infrastrukt_ports::Action;
use infrastrukt_types::{CheckpointKind, FactKind, Leaf, Message, Nonce, Timestamp};

use crate::{
    Failure, Harness, Party, TestValidators,
    failure::{ensure, ensure_eq},
    steps::{
        Outcome, count, deliver, drive, drive_to_success, execute, expect_reject, facts, id, inbound, key, must_reject,
        send,
    },
};

async fn expect_consumed<H: Harness>(h: &H, nonce: u64, expected: bool) -> Outcome {
    let world = h.world();
    let consumed = h.reader().await?.is_consumed(world.peer, Nonce(nonce)).await?;
    ensure!(consumed == expected, "message {nonce}: consumed must be {expected}");
    Ok(())
}

/// A second delivery, by anyone, either costs nothing or does nothing; the message can be seen to be consumed.
pub(crate) async fn delivered_twice_has_one_effect<H: Harness>(h: &H) -> Outcome {
    let world = h.world();
    let message = inbound(h, 1, world.recipient, Timestamp(0));
    let action = deliver(world, 1, std::slice::from_ref(&message))?;
    expect_consumed(h, 1, false).await?;
    let relayer = h.writer(Party::Relayer).await?;
    execute(h, relayer.as_ref(), "deliver", &action).await?;
    expect_consumed(h, 1, true).await?;

    let again = h.writer(Party::Bob).await?;
    match again.submit(key("again"), &action).await {
        Ok(()) => drop(drive(h, again.as_ref(), key("again")).await?),
        Err(error) => expect_reject("second delivery", &error)?,
    }
    ensure_eq!(count(h, &FactKind::Delivered(id(world, &message))).await?, 1, "deliveries");
    expect_consumed(h, 1, true).await
}

/// Two relayers that deliver the same message at the same time have one effect.
pub(crate) async fn racing_deliveries_have_one_effect<H: Harness>(h: &H) -> Outcome {
    let world = h.world();
    let message = inbound(h, 7, world.recipient, Timestamp(0));
    let action = deliver(world, 1, std::slice::from_ref(&message))?;
    let (relayer, rival) = (h.writer(Party::Relayer).await?, h.writer(Party::Bob).await?);
    relayer.submit(key("deliver"), &action).await?;
    // A rival whose adapter sees the pool may be told at once that it comes too late.
    let raced = match rival.submit(key("rival"), &action).await {
        Ok(()) => true,
        Err(error) => {
            expect_reject("racing delivery", &error)?;
            false
        }
    };
    h.mine(1).await?;
    drive(h, relayer.as_ref(), key("deliver")).await?;
    if raced {
        drive(h, rival.as_ref(), key("rival")).await?;
    }
    ensure_eq!(count(h, &FactKind::Delivered(id(world, &message))).await?, 1, "deliveries");
    Ok(())
}

/// One recipient that refuses keeps nobody else from being served, and its own message stays deliverable.
pub(crate) async fn failing_message_blocks_nobody<H: Harness>(h: &H) -> Outcome {
    let world = h.world();
    let recipients = [(1, world.recipient), (2, world.failing_recipient), (3, world.recipient)];
    let messages = recipients.map(|(nonce, recipient)| inbound(h, nonce, recipient, Timestamp(0)));
    let relayer = h.writer(Party::Relayer).await?;
    execute(h, relayer.as_ref(), "batch", &deliver(world, 1, &messages)?).await?;
    for (message, delivered) in messages.iter().zip([true, false, true]) {
        let deliveries = count(h, &FactKind::Delivered(id(world, message))).await?;
        ensure_eq!(deliveries, usize::from(delivered), format!("deliveries of message {}", message.nonce));
        expect_consumed(h, message.nonce.0, delivered).await?;
    }
    Ok(())
}

fn expire(h: &impl Harness, message: &Message) -> Result<Action, Failure> {
    let world = h.world();
    let leaves = [Leaf::Message(id(world, message))];
    let certified = TestValidators::genesis().certify(world.hub_id, 1, CheckpointKind::General, &leaves, &[0])?;
    Ok(Action::Expire { certified, message: message.clone() })
}

/// After its deadline a message cannot be delivered; it is marked as expired once, and stays so.
pub(crate) async fn expired_message_is_never_delivered<H: Harness>(h: &H) -> Outcome {
    let world = h.world();
    let now = h.reader().await?.now().await?;
    let message = inbound(h, 4, world.recipient, Timestamp(now.0 - 1));
    let late = deliver(world, 1, std::slice::from_ref(&message))?;
    let relayer = h.writer(Party::Relayer).await?;
    must_reject(relayer.as_ref(), "late delivery", &late).await?;
    expect_consumed(h, 4, false).await?;

    execute(h, relayer.as_ref(), "expire", &expire(h, &message)?).await?;
    expect_consumed(h, 4, true).await?;
    must_reject(relayer.as_ref(), "second expiry", &expire(h, &message)?).await?;
    must_reject(relayer.as_ref(), "delivery after expiry", &late).await?;
    ensure_eq!(count(h, &FactKind::Expired(id(world, &message))).await?, 1, "expiries");
    ensure_eq!(count(h, &FactKind::Delivered(id(world, &message))).await?, 0, "deliveries");
    Ok(())
}

/// Before its deadline, or without one, a message cannot be marked as expired.
pub(crate) async fn living_message_cannot_expire<H: Harness>(h: &H) -> Outcome {
    let world = h.world();
    let now = h.reader().await?.now().await?;
    let relayer = h.writer(Party::Relayer).await?;
    for (nonce, deadline) in [(5, now.plus(10_000)), (6, Timestamp(0))] {
        let message = inbound(h, nonce, world.recipient, deadline);
        must_reject(relayer.as_ref(), &format!("expiry of message {nonce}"), &expire(h, &message)?).await?;
        expect_consumed(h, nonce, false).await?;
    }
    let last = inbound(h, 5, world.recipient, now.plus(10_000));
    execute(h, relayer.as_ref(), "deliver in time", &deliver(world, 2, &[last])?).await?;
    expect_consumed(h, 5, true).await
}

/// An expired message is given back at its source once, by a certified expiry and nothing else.
pub(crate) async fn expired_message_is_refunded_once<H: Harness>(h: &H) -> Outcome {
    let world = h.world();
    let now = h.reader().await?.now().await?;
    let alice = h.writer(Party::Alice).await?;
    execute(h, alice.as_ref(), "send", &send(h, b"refund me", now.plus(600))).await?;
    let sent = facts(h).await?.into_iter().find_map(|fact| match fact.kind {
        FactKind::Sent { message, .. } => Some(message),
        FactKind::Delivered(_)
        | FactKind::Expired(_)
        | FactKind::Refunded(_)
        | FactKind::Locked { .. }
        | FactKind::Settled { .. }
        | FactKind::Escaped { .. } => None,
    });
    let message = sent.ok_or_else(|| Failure::new("the message was not reported"))?;
    let refund = |leaf: Leaf| -> Result<Action, Failure> {
        let certified = TestValidators::genesis().certify(world.hub_id, 1, CheckpointKind::General, &[leaf], &[0])?;
        Ok(Action::Refund { certified, message: message.clone() })
    };
    let id = id(world, &message);
    let relayer = h.writer(Party::Relayer).await?;
    must_reject(relayer.as_ref(), "refund by a delivery leaf", &refund(Leaf::Message(id))?).await?;
    ensure!(!h.reader().await?.is_refunded(world.peer, message.nonce).await?, "nothing was given back yet");

    let right = refund(Leaf::Expired(id))?;
    relayer.submit(key("refund"), &right).await?;
    drive_to_success(h, relayer.as_ref(), key("refund")).await?;
    ensure!(h.reader().await?.is_refunded(world.peer, message.nonce).await?, "the refund can be seen");
    must_reject(relayer.as_ref(), "second refund", &right).await?;
    ensure_eq!(count(h, &FactKind::Refunded(id)).await?, 1, "refunds");
    Ok(())
}
