//! Locks, settlements and escapes.

use infrastrukt_ports::{Action, LockStatus};
use infrastrukt_types::{Account, Amount, Decision, Timestamp};

use crate::{
    Harness, Party,
    failure::{ensure, ensure_eq},
    steps::{ESCAPE_AFTER_S, Locked, Outcome, count, execute, expect_balance, must_reject},
};

async fn expect_status<H: Harness>(h: &H, locked: &Locked, expected: LockStatus) -> Outcome {
    let found = h.reader().await?.lock_status(locked.leg.lock_key(locked.deal)).await?;
    ensure_eq!(found, expected, "status of the lock");
    Ok(())
}

const OPEN: LockStatus = LockStatus::Locked { escape_requested_at: None };

/// COMMIT pays the amount less the tip to the counterparty and the tip to whoever settles, in the leg's token.
pub(crate) async fn commit_pays_the_counterparty<H: Harness>(h: &H) -> Outcome {
    let world = h.world();
    let locked = Locked::terms(h, world.token, 1000, 30).await?;
    let (alice, relayer) = (h.writer(Party::Alice).await?, h.writer(Party::Relayer).await?);
    let reader = h.reader().await?;
    expect_status(h, &locked, LockStatus::None).await?;
    let approve = Action::Approve { token: world.token, spender: world.escrow, amount: Amount(1000) };
    execute(h, alice.as_ref(), "approve", &approve).await?;
    execute(h, alice.as_ref(), "lock", &locked.lock()).await?;
    expect_status(h, &locked, OPEN).await?;
    expect_balance(reader.as_ref(), world.escrow, world.token, 1000, "escrow").await?;
    // Who is to be paid in a token sees to an account of it, where the chain has such.
    h.fund(locked.leg.leg.on_commit, world.token, Amount(0)).await?;

    let before = reader.balance(relayer.account(), world.token).await?;
    execute(h, relayer.as_ref(), "commit", &locked.settle(world, Decision::Commit)?).await?;
    expect_status(h, &locked, LockStatus::Released).await?;
    expect_balance(reader.as_ref(), locked.leg.leg.on_commit, world.token, 970, "counterparty").await?;
    expect_balance(reader.as_ref(), world.escrow, world.token, 0, "escrow at the end").await?;
    let after = reader.balance(relayer.account(), world.token).await?;
    ensure_eq!(Some(after), before.checked_add(Amount(30)), "settler");
    ensure_eq!(count(h, &locked.fact()).await?, 1, "locks");
    ensure_eq!(count(h, &locked.settled(Decision::Commit)).await?, 1, "settlements");
    Ok(())
}

/// ABORT pays everything back where the depositor said.
pub(crate) async fn abort_refunds_the_depositor<H: Harness>(h: &H) -> Outcome {
    let native = 5 * h.world().native_unit;
    let locked = Locked::terms(h, Account::ZERO, native, 0).await?;
    let (alice, relayer) = (h.writer(Party::Alice).await?, h.writer(Party::Relayer).await?);
    execute(h, alice.as_ref(), "lock", &locked.lock()).await?;
    execute(h, relayer.as_ref(), "abort", &locked.settle(h.world(), Decision::Abort)?).await?;
    expect_status(h, &locked, LockStatus::Refunded).await?;
    let reader = h.reader().await?;
    expect_balance(reader.as_ref(), locked.leg.leg.on_abort, Account::ZERO, native, "depositor").await?;
    expect_balance(reader.as_ref(), locked.leg.leg.on_commit, Account::ZERO, 0, "counterparty").await?;
    ensure_eq!(count(h, &locked.settled(Decision::Abort)).await?, 1, "settlements");
    Ok(())
}

/// The timer refund needs a request at its time and a whole window after it, and then pays without any certificate.
pub(crate) async fn escape_takes_two_steps<H: Harness>(h: &H) -> Outcome {
    let native = 5 * h.world().native_unit;
    let locked = Locked::terms(h, Account::ZERO, native, native / 5).await?;
    let (alice, anyone) = (h.writer(Party::Alice).await?, h.writer(Party::Bob).await?);
    execute(h, alice.as_ref(), "lock", &locked.lock()).await?;
    must_reject(anyone.as_ref(), "request too early", &locked.request_escape()).await?;
    must_reject(anyone.as_ref(), "execution without request", &locked.execute_escape()).await?;

    h.advance(ESCAPE_AFTER_S).await?;
    execute(h, anyone.as_ref(), "request", &locked.request_escape()).await?;
    let status = h.reader().await?.lock_status(locked.leg.lock_key(locked.deal)).await?;
    let requested =
        matches!(status, LockStatus::Locked { escape_requested_at: Some(at) } if at >= locked.leg.leg.escape_at);
    ensure!(requested, "after the request the status is {status:?}");
    must_reject(anyone.as_ref(), "second request", &locked.request_escape()).await?;
    must_reject(anyone.as_ref(), "execution within the window", &locked.execute_escape()).await?;

    h.advance(h.world().escape_window + 60).await?;
    execute(h, anyone.as_ref(), "execute", &locked.execute_escape()).await?;
    expect_status(h, &locked, LockStatus::Escaped).await?;
    let reader = h.reader().await?;
    expect_balance(reader.as_ref(), locked.leg.leg.on_abort, Account::ZERO, native, "depositor").await?;
    ensure_eq!(count(h, &locked.escaped()).await?, 1, "escapes");
    must_reject(anyone.as_ref(), "commit after the escape", &locked.settle(h.world(), Decision::Commit)?).await
}

/// A decision counts until an escape executes, also after its request; whatever closed a leg closed it for ever.
pub(crate) async fn settled_leg_never_escapes<H: Harness>(h: &H) -> Outcome {
    let world = h.world();
    let native = 5 * world.native_unit;
    let locked = Locked::terms(h, Account::ZERO, native, 0).await?;
    let (alice, relayer) = (h.writer(Party::Alice).await?, h.writer(Party::Relayer).await?);
    execute(h, alice.as_ref(), "lock", &locked.lock()).await?;
    h.advance(ESCAPE_AFTER_S).await?;
    execute(h, relayer.as_ref(), "request", &locked.request_escape()).await?;
    h.advance(world.escape_window + 60).await?;
    execute(h, relayer.as_ref(), "commit", &locked.settle(world, Decision::Commit)?).await?;

    must_reject(relayer.as_ref(), "escape after commit", &locked.execute_escape()).await?;
    must_reject(relayer.as_ref(), "second commit", &locked.settle(world, Decision::Commit)?).await?;
    must_reject(relayer.as_ref(), "abort after commit", &locked.settle(world, Decision::Abort)?).await?;
    expect_status(h, &locked, LockStatus::Released).await?;
    let reader = h.reader().await?;
    expect_balance(reader.as_ref(), locked.leg.leg.on_commit, Account::ZERO, native, "counterparty").await?;
    expect_balance(reader.as_ref(), locked.leg.leg.on_abort, Account::ZERO, 0, "depositor").await
}

/// A leg locks once, in time, in its own escrow, and pays nobody but whom it names.
pub(crate) async fn late_and_repeated_locks_are_refused<H: Harness>(h: &H) -> Outcome {
    let world = h.world();
    let locked = Locked::terms(h, Account::ZERO, 5000, 0).await?;
    let alice = h.writer(Party::Alice).await?;
    let changed = |name: &str, change: &dyn Fn(&mut Locked)| {
        let mut other = locked.clone();
        change(&mut other);
        (name.to_string(), other)
    };
    let refused = [
        changed("lock after its time", &|other| other.leg.lock_by = Timestamp(1)),
        changed("leg of another chain", &|other| other.leg.leg.chain = world.peer),
        changed("leg of another escrow", &|other| other.leg.leg.escrow = world.gateway),
        changed("ninth leg", &|other| other.leg.index = 8),
        changed("nothing to lock", &|other| other.leg.leg.amount = Amount::ZERO),
        changed("a tip of everything", &|other| other.leg.leg.tip = other.leg.leg.amount),
        changed("no payee", &|other| other.leg.leg.on_commit = Account::ZERO),
        changed("the escrow as payee", &|other| other.leg.leg.on_abort = world.escrow),
        changed("escape before the lock", &|other| other.leg.leg.escape_at = other.leg.lock_by),
        changed("a window too short", &|other| other.leg.leg.escape_window = world.escape_window - 1),
    ];
    for (name, other) in &refused {
        must_reject(alice.as_ref(), name, &other.lock()).await?;
    }
    must_reject(alice.as_ref(), "settling what nobody locked", &locked.settle(world, Decision::Commit)?).await?;
    execute(h, alice.as_ref(), "lock", &locked.lock()).await?;
    must_reject(alice.as_ref(), "the same lock again", &locked.lock()).await?;
    let mut redirected = locked.clone();
    redirected.leg.leg.on_commit = h.account(Party::Bob);
    must_reject(alice.as_ref(), "another payee", &redirected.settle(world, Decision::Commit)?).await?;
    expect_status(h, &locked, OPEN).await
}
