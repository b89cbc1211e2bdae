//! What a reader reports.

use infrastrukt_ports::{CheckStatus, Remedy, ScanCursor};
use infrastrukt_types::{Account, Amount, B256, FactKind, Nonce, Timestamp};

use crate::{
    Failure, Harness, Party,
    failure::{ensure, ensure_eq},
    steps::{Locked, Outcome, execute, expect_balance, facts, key, scan_all, scan_from, send, start},
};

/// Messages and a lock appear once each, in order, with every field as it was sent and at a place that exists.
pub(crate) async fn facts_equal_what_was_done<H: Harness>(h: &H) -> Outcome {
    let alice = h.writer(Party::Alice).await?;
    let first = execute(h, alice.as_ref(), "first", &send(h, b"first", Timestamp(0))).await?;
    let locked = Locked::terms(h, Account::ZERO, 1000, 0).await?;
    let second = execute(h, alice.as_ref(), "lock", &locked.lock()).await?;

    let found = facts(h).await?;
    ensure!(found.len() == 2, "two things happened, but the facts are {found:?}");
    let world = h.world();
    let FactKind::Sent { gateway, message } = &found[0].kind else {
        return Err(Failure::new(format_args!("the first fact must be Sent, not {:?}", found[0].kind)));
    };
    ensure_eq!(*gateway, world.gateway, "gateway");
    ensure_eq!((message.source, message.target, message.nonce), (world.chain, world.peer, Nonce(1)), "route");
    ensure_eq!(message.sender, h.account(Party::Alice), "sender");
    ensure_eq!(message.payload.as_ref(), b"first".as_slice(), "payload");
    ensure_eq!(first.message_id, Some(crate::steps::id(world, message)), "message id of the receipt");
    ensure_eq!(found[1].kind, locked.fact(), "second fact");
    ensure_eq!((found[0].origin.block_number, found[1].origin.block_number), (first.block, second.block), "blocks");
    ensure!(found.iter().all(|fact| fact.origin.chain == world.chain), "an origin is on another chain");
    Ok(())
}

/// A scan in steps of any size, stopped and resumed by a new reader after any block, finds the same facts, none missing
/// and none twice.
pub(crate) async fn scan_resumes_at_every_split<H: Harness>(h: &H) -> Outcome {
    let alice = h.writer(Party::Alice).await?;
    for (name, payload) in [("one", b"one".as_slice()), ("two", b"two"), ("three", b"three")] {
        execute(h, alice.as_ref(), name, &send(h, payload, Timestamp(0))).await?;
    }
    let all = scan_all(h).await?;
    ensure_eq!(all.len(), 3, "blocks with facts");
    let reader = h.reader().await?;
    for step in [2, 3, 7] {
        ensure_eq!(scan_from(reader.as_ref(), start(h.world()), step).await?, all, format!("in steps of {step}"));
    }

    let mut cursor = start(h.world());
    let mut before = Vec::new();
    loop {
        let resumed = h.reader().await?;
        let rest = scan_from(resumed.as_ref(), cursor, 1000).await?;
        let joined: Vec<_> = before.iter().cloned().chain(rest).collect();
        ensure_eq!(joined, all, format!("resumed at block {}", cursor.next));
        let scan = reader.scan(cursor, 1).await?;
        if scan.cursor == cursor {
            return Ok(());
        }
        before.extend(scan.blocks);
        cursor = scan.cursor;
    }
}

/// What is in a block but not final is neither reported nor passed by the cursor.
pub(crate) async fn nothing_unfinal_is_reported<H: Harness>(h: &H) -> Outcome {
    h.finalize().await?;
    let alice = h.writer(Party::Alice).await?;
    alice.submit(key("send"), &send(h, b"young", Timestamp(0))).await?;
    h.mine(1).await?;
    let reader = h.reader().await?;
    let scan = reader.scan(start(h.world()), 10_000).await?;
    ensure!(scan.blocks.is_empty(), "an unfinal block was reported: {:?}", scan.blocks);
    let head = reader.finalized().await?;
    ensure!(scan.cursor.next <= head.get().number + 1, "the cursor passed the final head");
    h.finalize().await?;
    ensure_eq!(facts(h).await?.len(), 1, "facts once the block is final");
    Ok(())
}

/// A cursor that stands on a block which is not part of the chain means that a final block changed.
pub(crate) async fn cursor_of_another_fork_halts<H: Harness>(h: &H) -> Outcome {
    h.mine(2).await?;
    h.finalize().await?;
    let reader = h.reader().await?;
    let next = reader.finalized().await?.get().number;
    let forged = ScanCursor { next, parent: Some(B256::repeat_byte(0xbb)) };
    match reader.scan(forged, 10).await {
        Ok(scan) => Err(Failure::new(format_args!("a cursor of another fork was read on: {scan:?}"))),
        Err(error) => {
            ensure!(error.remedy == Remedy::Halt, "the remedy must be Halt, not {:?} ({error})", error.remedy);
            Ok(())
        }
    }
}

/// Balances, credits and token descriptions are what they were made to be.
pub(crate) async fn balances_credits_and_tokens<H: Harness>(h: &H) -> Outcome {
    let world = h.world();
    let reader = h.reader().await?;
    let account = h.fresh_account("someone");
    expect_balance(reader.as_ref(), account, Account::ZERO, 0, "native before").await?;
    expect_balance(reader.as_ref(), account, world.token, 0, "token before").await?;
    let native = 12_345 * world.native_unit;
    h.fund(account, Account::ZERO, Amount(native)).await?;
    h.fund(account, world.token, Amount(678)).await?;
    expect_balance(reader.as_ref(), account, Account::ZERO, native, "native").await?;
    expect_balance(reader.as_ref(), account, world.token, 678, "token").await?;
    ensure_eq!(reader.credit(account, Account::ZERO).await?, Amount(0), "credit");
    ensure_eq!(reader.token(world.token).await?, world.token_info, "token");
    ensure!(!reader.token(Account::ZERO).await?.symbol.is_empty(), "the native coin has no symbol");
    ensure!(reader.rpc_calls() > 0, "the calls to endpoints are not counted");
    Ok(())
}

/// Accounts are read as they are written, and nonsense is refused.
pub(crate) async fn accounts_round_trip<H: Harness>(h: &H) -> Outcome {
    let reader = h.reader().await?;
    for party in Party::ALL {
        let account = h.account(party);
        ensure_eq!(reader.parse_account(&reader.show_account(account))?, account, format!("{party:?}"));
        ensure_eq!(h.writer(party).await?.account(), account, format!("the writer of {party:?}"));
    }
    for text in ["", "0x", "alice", "0x12"] {
        let Err(error) = reader.parse_account(text) else {
            return Err(Failure::new(format_args!("`{text}` was read as an account")));
        };
        crate::steps::expect_reject(text, &error)?;
    }
    ensure_eq!(reader.chain(), h.world().chain, "chain");
    Ok(())
}

/// Nothing fails on a healthy chain, and time is close to what the chain says.
pub(crate) async fn healthy_chain_passes_its_checks<H: Harness>(h: &H) -> Outcome {
    let (reader, verifier) = (h.reader().await?, h.verifier().await?);
    let checks = [reader.check().await, verifier.check().await].concat();
    ensure!(!checks.is_empty(), "nothing is checked");
    let failing: Vec<_> = checks.iter().filter(|check| check.status == CheckStatus::Fail).collect();
    ensure!(failing.is_empty(), "checks fail on a healthy chain: {failing:?}");
    let before = reader.now().await?;
    h.advance(100).await?;
    let after = reader.now().await?;
    ensure!(after >= before.plus(100), "time went from {before} to {after} in 100 seconds");
    Ok(())
}
