//! What a writer promises about one submission.

use infrastrukt_ports::{ChainWriter, SubmissionState};
use infrastrukt_types::{Account, FactKind, Timestamp};

use crate::{
    Failure, Harness, Party,
    failure::{ensure, ensure_eq},
    steps::{Locked, Outcome, drive_to_success, facts, key, must_reject, send},
};

/// Turns in which a transaction that left its block must come back into one.
const TURNS_MAX: u32 = 16;

async fn sent_messages<H: Harness>(h: &H) -> Result<usize, Failure> {
    Ok(facts(h).await?.iter().filter(|fact| matches!(fact.kind, FactKind::Sent { .. })).count())
}

/// Submitting a key again, at any stage, changes nothing.
pub(crate) async fn same_key_is_one_transaction<H: Harness>(h: &H) -> Outcome {
    let alice = h.writer(Party::Alice).await?;
    ensure_eq!(alice.state(key("send")).await?, SubmissionState::Unknown, "state before");
    let action = send(h, b"once", Timestamp(0));
    alice.submit(key("send"), &action).await?;
    alice.submit(key("send"), &action).await?;
    h.mine(1).await?;
    alice.submit(key("send"), &action).await?;
    drive_to_success(h, alice.as_ref(), key("send")).await?;
    alice.submit(key("send"), &action).await?;

    let restarted = h.writer(Party::Alice).await?;
    restarted.submit(key("send"), &action).await?;
    restarted.tick().await?;
    h.mine(1).await?;
    h.finalize().await?;
    ensure_eq!(sent_messages(h).await?, 1, "messages sent under one key");
    let state = restarted.state(key("send")).await?;
    ensure!(matches!(state, SubmissionState::Final(_)), "the restarted writer reports {state:?}");
    Ok(())
}

/// A transaction that was stored but never seen by the chain is sent once after a restart, and so are those behind it.
pub(crate) async fn restart_before_broadcast_sends_once<H: Harness>(h: &H) -> Outcome {
    let alice = h.writer(Party::Alice).await?;
    alice.submit(key("first"), &send(h, b"first", Timestamp(0))).await?;
    alice.submit(key("second"), &send(h, b"second", Timestamp(0))).await?;
    h.lose_pending().await?;
    drop(alice);

    let restarted = h.writer(Party::Alice).await?;
    let report = restarted.tick().await?;
    ensure!(report.open == 2, "two submissions are open after the restart, not {}", report.open);
    drive_to_success(h, restarted.as_ref(), key("first")).await?;
    drive_to_success(h, restarted.as_ref(), key("second")).await?;
    ensure_eq!(sent_messages(h).await?, 2, "messages sent");
    Ok(())
}

async fn turn_until_included<H: Harness>(h: &H, writer: &dyn ChainWriter) -> Outcome {
    for _ in 0..TURNS_MAX {
        writer.tick().await?;
        if matches!(writer.state(key("send")).await?, SubmissionState::Included { .. }) {
            return Ok(());
        }
        h.mine(1).await?;
    }
    Err(Failure::new(format_args!("the transaction is in no block after {TURNS_MAX} turns")))
}

/// A transaction whose unfinal block was replaced gets into another one, once.
pub(crate) async fn reorg_includes_again<H: Harness>(h: &H) -> Outcome {
    h.finalize().await?;
    let alice = h.writer(Party::Alice).await?;
    alice.submit(key("send"), &send(h, b"again", Timestamp(0))).await?;
    h.mine(1).await?;
    turn_until_included(h, alice.as_ref()).await?;
    h.reorg(1).await?;
    turn_until_included(h, alice.as_ref()).await?;
    drive_to_success(h, alice.as_ref(), key("send")).await?;
    ensure_eq!(sent_messages(h).await?, 1, "messages sent");
    Ok(())
}

/// What the contracts refuse is refused before anything is spent.
pub(crate) async fn impossible_action_costs_nothing<H: Harness>(h: &H) -> Outcome {
    let (reader, alice) = (h.reader().await?, h.writer(Party::Alice).await?);
    let before = reader.balance(alice.account(), Account::ZERO).await?;
    must_reject(alice.as_ref(), "send past its deadline", &send(h, b"late", Timestamp(1))).await?;

    let richer = u128::MAX / 2;
    let locked = Locked::terms(h, Account::ZERO, richer, 0).await?;
    must_reject(alice.as_ref(), "lock beyond the balance", &locked.lock()).await?;

    let mut stranger = Locked::terms(h, Account::ZERO, 1000, 0).await?;
    stranger.leg.leg.depositor = h.account(Party::Bob);
    must_reject(alice.as_ref(), "lock of another's leg", &stranger.lock()).await?;

    h.mine(1).await?;
    ensure_eq!(reader.balance(alice.account(), Account::ZERO).await?, before, "balance after refusals");
    Ok(())
}
