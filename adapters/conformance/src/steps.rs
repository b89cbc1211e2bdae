//! What several cases do: make messages and legs, drive a submission to its end, read the whole chain.

use infrastrukt_ports::{
    Action, CertifiedLeaves, ChainReader, ChainWriter, PortError, Receipt, Remedy, ScanCursor, ScannedBlock,
    SubmissionKey, SubmissionState,
};
use infrastrukt_types::{
    Account, Amount, Bytes, ChainId, CheckpointKind, DealId, Decision, Fact, FactKind, Leaf, Leg, LegRef, Message,
    MessageId, Nonce, Route, Timestamp, keccak256,
};

use crate::{Failure, Harness, Party, TestValidators, World, failure::ensure};

/// Turns that a submission may take until it is final.
const TURNS_MAX: u32 = 32;
/// Blocks read at once where a case does not care.
const SCAN_BLOCKS: u64 = 10_000;
/// Seconds from now to the last moment of a lock, and from there to the first moment of an escape.
const PHASE_S: u64 = 3600;

pub(crate) type Outcome = Result<(), Failure>;

pub(crate) fn key(name: &str) -> SubmissionKey {
    SubmissionKey(keccak256(name.as_bytes()))
}

/// Works on a submission until it is final, whatever became of it.
pub(crate) async fn drive<H: Harness>(
    h: &H,
    writer: &dyn ChainWriter,
    key: SubmissionKey,
) -> Result<SubmissionState, Failure> {
    for _ in 0..TURNS_MAX {
        writer.tick().await?;
        match writer.state(key).await? {
            SubmissionState::Unknown => return Err(Failure::new("an accepted submission is unknown to its writer")),
            end @ (SubmissionState::Final(_) | SubmissionState::Reverted { .. }) => return Ok(end),
            SubmissionState::Pending | SubmissionState::Included { .. } => {
                h.mine(1).await?;
                h.finalize().await?;
            }
        }
    }
    Err(Failure::new(format_args!("the submission is not final after {TURNS_MAX} turns")))
}

/// As [`drive`], for a submission that must succeed.
pub(crate) async fn drive_to_success<H: Harness>(
    h: &H,
    writer: &dyn ChainWriter,
    key: SubmissionKey,
) -> Result<Receipt, Failure> {
    match drive(h, writer, key).await? {
        SubmissionState::Final(receipt) => Ok(receipt),
        other => Err(Failure::new(format_args!("the submission must succeed but is {other:?}"))),
    }
}

/// Submits under the action's name and drives it to success.
pub(crate) async fn execute<H: Harness>(
    h: &H,
    writer: &dyn ChainWriter,
    name: &str,
    action: &Action,
) -> Result<Receipt, Failure> {
    writer.submit(key(name), action).await.map_err(|error| Failure::from(error).at(name))?;
    drive_to_success(h, writer, key(name)).await.map_err(|failure| failure.at(name))
}

/// Submits what cannot succeed: it must be refused for ever, and nothing may be on its way.
pub(crate) async fn must_reject(writer: &dyn ChainWriter, name: &str, action: &Action) -> Outcome {
    match writer.submit(key(name), action).await {
        Ok(()) => Err(Failure::new(format_args!("{name}: accepted, though it cannot succeed"))),
        Err(error) => expect_reject(name, &error),
    }?;
    let state = writer.state(key(name)).await?;
    ensure!(state == SubmissionState::Unknown, "{name}: rejected, but its state is {state:?}");
    Ok(())
}

pub(crate) fn expect_reject(name: &str, error: &PortError) -> Outcome {
    ensure!(error.remedy == Remedy::Reject, "{name}: the remedy must be Reject, not {:?} ({error})", error.remedy);
    Ok(())
}

/// Where the first scan of a case begins.
pub(crate) fn start(world: &World) -> ScanCursor {
    ScanCursor { next: world.start, parent: None }
}

/// Everything final from the cursor on, read in steps of at most `step` blocks.
pub(crate) async fn scan_from(
    reader: &dyn ChainReader,
    mut cursor: ScanCursor,
    step: u64,
) -> Result<Vec<ScannedBlock>, Failure> {
    let mut blocks = Vec::new();
    loop {
        let scan = reader.scan(cursor, step).await?;
        ensure!(scan.cursor.next >= cursor.next, "the cursor went back from {} to {}", cursor.next, scan.cursor.next);
        ensure!(scan.cursor.next - cursor.next <= step, "more than {step} blocks were read at once");
        ensure!(scan.cursor.next <= scan.head.number + 1, "the cursor passed the final head");
        blocks.extend(scan.blocks);
        if scan.cursor == cursor {
            return Ok(blocks);
        }
        cursor = scan.cursor;
    }
}

/// All blocks with facts.
pub(crate) async fn scan_all<H: Harness>(h: &H) -> Result<Vec<ScannedBlock>, Failure> {
    let reader = h.reader().await?;
    scan_from(reader.as_ref(), start(h.world()), SCAN_BLOCKS).await
}

/// All facts.
pub(crate) async fn facts<H: Harness>(h: &H) -> Result<Vec<Fact>, Failure> {
    Ok(scan_all(h).await?.into_iter().flat_map(|block| block.facts).collect())
}

/// How often this very thing happened.
pub(crate) async fn count<H: Harness>(h: &H, kind: &FactKind) -> Result<usize, Failure> {
    Ok(facts(h).await?.iter().filter(|fact| fact.kind == *kind).count())
}

/// A message to the peer.
pub(crate) fn send(h: &impl Harness, payload: &'static [u8], deadline: Timestamp) -> Action {
    let world = h.world();
    Action::Send {
        target: world.peer,
        recipient: h.fresh_account("recipient on the peer"),
        gas_limit: world.gas_limit,
        deadline,
        payload: Bytes::from_static(payload),
    }
}

/// A message from the peer.
pub(crate) fn inbound(h: &impl Harness, nonce: u64, recipient: Account, deadline: Timestamp) -> Message {
    let world = h.world();
    Message {
        version: infrastrukt_types::MESSAGE_VERSION,
        source: world.peer,
        target: world.chain,
        nonce: Nonce(nonce),
        sender: h.fresh_account("sender on the peer"),
        recipient,
        timestamp: Timestamp(1_700_000_000),
        gas_limit: world.gas_limit,
        deadline,
        payload: Bytes::copy_from_slice(&nonce.to_be_bytes()),
    }
}

/// The id of a message between the chain and its peer.
pub(crate) fn id(world: &World, message: &Message) -> MessageId {
    let gateway = |chain: ChainId| if chain == world.chain { world.gateway } else { world.peer_gateway };
    let route = Route { source_gateway: gateway(message.source), target_gateway: gateway(message.target) };
    message.id(world.hub_id, &route)
}

/// Leaves of one checkpoint, certified by the first set; the proof is of all of them.
pub(crate) fn certified(world: &World, height: u64, leaves: &[Leaf]) -> Result<CertifiedLeaves, Failure> {
    certified_by(&TestValidators::genesis(), world, height, leaves)
}

/// As [`certified`], by a set of the caller's choice.
pub(crate) fn certified_by(
    validators: &TestValidators,
    world: &World,
    height: u64,
    leaves: &[Leaf],
) -> Result<CertifiedLeaves, Failure> {
    let kind = leaves.first().map_or(CheckpointKind::General, Leaf::kind);
    let picked: Vec<u32> = (0u32..).take(leaves.len()).collect();
    validators.certify(world.hub_id, height, kind, leaves, &picked)
}

/// The delivery of messages under one checkpoint.
pub(crate) fn deliver(world: &World, height: u64, messages: &[Message]) -> Result<Action, Failure> {
    let leaves: Vec<_> = messages.iter().map(|message| Leaf::Message(id(world, message))).collect();
    Ok(Action::Deliver { certified: certified(world, height, &leaves)?, messages: messages.to_vec() })
}

/// Alice's leg of a deal, with all its money bound for fresh accounts.
#[derive(Clone, Debug)]
pub(crate) struct Locked {
    pub(crate) deal: DealId,
    pub(crate) leg: LegRef,
}

impl Locked {
    /// A leg whose deadlines count from the chain's present time.
    pub(crate) async fn terms<H: Harness>(h: &H, token: Account, amount: u128, tip: u128) -> Result<Self, Failure> {
        let now = h.reader().await?.now().await?;
        let world = h.world();
        let lock_by = now.plus(PHASE_S);
        let leg = Leg {
            chain: world.chain,
            escrow: world.escrow,
            token,
            amount: Amount(amount),
            depositor: h.account(Party::Alice),
            on_commit: h.fresh_account("paid on commit"),
            on_abort: h.fresh_account("paid on abort"),
            escape_at: lock_by.plus(PHASE_S),
            escape_window: world.escape_window,
            tip: Amount(tip),
        };
        Ok(Self { deal: DealId(keccak256(b"deal")), leg: LegRef { index: 0, lock_by, leg } })
    }

    pub(crate) fn lock(&self) -> Action {
        Action::Lock { deal: self.deal, leg: self.leg.clone() }
    }

    pub(crate) fn fact(&self) -> FactKind {
        FactKind::Locked { deal: self.deal, index: self.leg.index, lock_key: self.leg.lock_key(self.deal) }
    }

    pub(crate) fn settled(&self, decision: Decision) -> FactKind {
        let lock_key = self.leg.lock_key(self.deal);
        FactKind::Settled { deal: self.deal, index: self.leg.index, lock_key, decision }
    }

    pub(crate) fn escaped(&self) -> FactKind {
        FactKind::Escaped { deal: self.deal, index: self.leg.index, lock_key: self.leg.lock_key(self.deal) }
    }

    pub(crate) fn settle(&self, world: &World, decision: Decision) -> Result<Action, Failure> {
        let certified = certified(world, 1, &[Leaf::Decision(self.deal, decision)])?;
        Ok(Action::Settle { certified, settlements: vec![(self.deal, decision, vec![self.leg.clone()])] })
    }

    pub(crate) fn request_escape(&self) -> Action {
        Action::RequestEscape { deal: self.deal, leg: self.leg.clone() }
    }

    pub(crate) fn execute_escape(&self) -> Action {
        Action::ExecuteEscape { deal: self.deal, leg: self.leg.clone() }
    }
}

/// Seconds after which an escape of a leg made now may be requested.
pub(crate) const ESCAPE_AFTER_S: u64 = 2 * PHASE_S + 60;

/// Checks a balance.
pub(crate) async fn expect_balance(
    reader: &dyn ChainReader,
    account: Account,
    token: Account,
    expected: u128,
    what: &str,
) -> Outcome {
    let found = reader.balance(account, token).await?;
    ensure!(found == Amount(expected), "{what}: the balance must be {expected}, not {found}");
    Ok(())
}
