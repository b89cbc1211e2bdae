//! What a payee could do to a decision on this chain, and on no other: a payment goes along in the settlement's own
//! transaction, and whoever is paid owns the account that it goes to.

use infrastrukt_conformance::{Failure, Harness, Party};
use infrastrukt_ports::{Action, ChainWriter, LockStatus, SubmissionKey, SubmissionState};
use infrastrukt_types::{Amount, CheckpointKind, DealId, Decision, Leaf, Leg, LegRef, keccak256};

use super::{ESCAPE_WINDOW_S, HUB, SolanaHarness, hands, index, validators};

/// Turns that a submission may take.
const TURNS_MAX: u32 = 16;
const AMOUNT: u128 = 1_000;

fn key(name: &str) -> SubmissionKey {
    SubmissionKey(keccak256(name))
}

async fn drive(h: &SolanaHarness, writer: &dyn ChainWriter, name: &str) -> Result<SubmissionState, Failure> {
    for _ in 0..TURNS_MAX {
        writer.tick().await?;
        match writer.state(key(name)).await? {
            SubmissionState::Pending | SubmissionState::Included { .. } => h.finalize().await?,
            end @ (SubmissionState::Unknown | SubmissionState::Final(_) | SubmissionState::Reverted { .. }) => {
                return Ok(end);
            }
        }
    }
    Err(Failure::new(format_args!("{name} did not come to an end")))
}

/// The payee gives its token account away after the settlement was planned and before it is in a block.
pub(crate) async fn payee_takes_its_account_away() -> Result<(), Failure> {
    let h = SolanaHarness::fresh().await?;
    let (alice, relayer) = (h.writer(Party::Alice).await?, h.writer(Party::Relayer).await?);
    let now = h.reader().await?.now().await?;
    let lock_by = now.plus(3_600);
    let leg = Leg {
        chain: h.world().chain,
        escrow: h.world().escrow,
        token: h.world().token,
        amount: Amount(AMOUNT),
        depositor: h.account(Party::Alice),
        on_commit: h.account(Party::Bob),
        on_abort: h.account(Party::Alice),
        escape_at: lock_by.plus(3_600),
        escape_window: ESCAPE_WINDOW_S,
        tip: Amount::ZERO,
    };
    let (deal, leg) = (DealId(keccak256("deal")), LegRef { index: 0, lock_by, leg });
    alice.submit(key("lock"), &Action::Lock { deal, leg: leg.clone() }).await?;
    expect_final(drive(&h, alice.as_ref(), "lock").await?)?;

    let leaf = Leaf::Decision(deal, Decision::Commit);
    let certified = validators().certify(HUB, 1, CheckpointKind::Commits, &[leaf], &[0])?;
    let settlements = vec![(deal, Decision::Commit, vec![leg.clone()])];
    relayer.submit(key("settle"), &Action::Settle { certified, settlements }).await?;
    // Certificate and settlement may need a transaction each; the second one pays.
    for _ in 0..TURNS_MAX {
        relayer.tick().await?;
        if h.chain.waits_with(&SETTLE) {
            break;
        }
        h.finalize().await?;
    }
    hands::give_account_away(&h.chain, index(Party::Bob)).await?;
    expect_final(drive(&h, relayer.as_ref(), "settle").await?)?;

    let reader = h.reader().await?;
    let (status, owed) =
        (reader.lock_status(leg.lock_key(deal)).await?, reader.credit(h.account(Party::Bob), h.world().token).await?);
    match (status, owed) {
        (LockStatus::Released, Amount(AMOUNT)) => Ok(()),
        other => Err(Failure::new(format_args!("the leg must be released and the payee credited, not {other:?}"))),
    }
}

/// `sha256("global:settle")[..8]`.
const SETTLE: [u8; 8] = [0xaf, 0x2a, 0xb9, 0x57, 0x90, 0x83, 0x66, 0xd4];

fn expect_final(state: SubmissionState) -> Result<(), Failure> {
    match state {
        SubmissionState::Final(_) => Ok(()),
        other => Err(Failure::new(format_args!("must be executed, and is {other:?}"))),
    }
}
