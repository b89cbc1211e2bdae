//! The Rust reference of escrow and verifier, which the Solidity contracts are held equal to as well.
//!
//! It knows accounts of 20 bytes. Each account of this chain stands there under an alias of that size; lock keys are
//! then other words for the same locks. Decisions, checkpoints and certificates name no account and are the same bytes.

use infrastrukt_ports::{CertifiedLeaves, TokenInfo};
use infrastrukt_sim::{Environment, Epochs, Escrow, Ledger, LegRules, Money, Revert, TokenKind};
use infrastrukt_svm_tests::{
    FIRST_EXPIRY, GRACE, HORIZON, MEMBERS_MIN, SOL, WINDOW_MIN, hub_id, pda,
    wire::{LegRef, Word, keccak},
};
use infrastrukt_types::{
    Account, Amount, B256, CertificateError, ChainId, Checkpoint, CheckpointKind, DealId, Decision, EcdsaCertificate,
    Epoch, Height, HubId, Leg, LockKey, Multiproof, Timestamp,
};

use crate::{
    op::{Call, Evidence, Op, Outcome},
    setting::{DEPOSITORS, SOL_UNIT, SOL_UNITS, Setting, TOKENS},
};

/// An EVM chain's id, since the reference's accounts are of that kind.
const CHAIN: ChainId = ChainId(31_337);

/// What the reference knows.
#[derive(Clone)]
pub(crate) struct Reference {
    pub(crate) ledger: Ledger,
    pub(crate) escrow: Escrow,
    pub(crate) epochs: Epochs,
    /// Everyone refuses to be paid while something is settled: the program always credits.
    refusing: Environment,
}

/// The reference's name of an account.
pub(crate) fn alias(account: &Word) -> Account {
    if account == &SOL {
        return Account::ZERO;
    }
    let mut word = keccak(&[b"alias", account]);
    word[..12].fill(0);
    Account(B256::from(word))
}

fn escrow() -> Account {
    alias(&pda::escrow().to_bytes())
}

/// A leg in the reference's names.
pub(crate) fn leg_of(leg_ref: &LegRef) -> infrastrukt_types::LegRef {
    let leg = &leg_ref.leg;
    infrastrukt_types::LegRef {
        index: leg_ref.index,
        lock_by: Timestamp(leg_ref.lock_by),
        leg: Leg {
            chain: CHAIN,
            escrow: escrow(),
            token: alias(&leg.token),
            amount: Amount(leg.amount),
            depositor: alias(&leg.depositor),
            on_commit: alias(&leg.on_commit),
            on_abort: alias(&leg.on_abort),
            escape_at: Timestamp(leg.escape_at),
            escape_window: leg.escape_window,
            tip: Amount(leg.tip),
        },
    }
}

/// The reference's key of a lock.
pub(crate) fn key_of(deal: &Word, leg: &LegRef) -> LockKey {
    leg_of(leg).lock_key(deal_of(deal))
}

fn deal_of(deal: &Word) -> DealId {
    DealId(B256::from(*deal))
}

fn certified(evidence: &Evidence) -> CertifiedLeaves {
    let checkpoint = &evidence.checkpoint;
    let kinds = [CheckpointKind::General, CheckpointKind::Commits, CheckpointKind::Rotation];
    let nodes = evidence.proof.nodes.iter().map(|node| B256::from(*node)).collect();
    CertifiedLeaves {
        checkpoint: Checkpoint {
            hub_id: HubId(B256::from(checkpoint.hub_id)),
            kind: kinds[usize::from(checkpoint.kind)],
            epoch: Epoch(checkpoint.epoch),
            valset_hash: B256::from(checkpoint.valset_hash),
            height: Height(checkpoint.height),
            time: Timestamp(checkpoint.time),
            outbox_root: B256::from(checkpoint.outbox_root),
            state_root: B256::from(checkpoint.state_root),
        },
        certificate: EcdsaCertificate(evidence.certificate.bytes().into()),
        proof: Multiproof { count: evidence.proof.count, indices: evidence.proof.indices.clone(), nodes },
    }
}

impl Reference {
    pub(crate) fn new(setting: &Setting) -> Self {
        let mut ledger = Ledger::new();
        for token in setting.tokens {
            let info = TokenInfo { symbol: "TOK".into(), decimals: 6 };
            ledger.add_token(alias(&token.mint.to_bytes()), info, TokenKind::Honest);
        }
        for (place, person) in setting.people.iter().enumerate() {
            let coins = if place < DEPOSITORS { SOL_UNITS * SOL_UNIT } else { 0 };
            ledger.mint(Account::ZERO, alias(person), Amount(coins.into())).expect("within the supply");
            for token in setting.tokens {
                let token = alias(&token.mint.to_bytes());
                ledger.mint(token, alias(person), Amount(TOKENS.into())).expect("within the supply");
                ledger.approve(token, alias(person), escrow(), Amount(u128::MAX)).expect("is a token");
            }
        }
        let rules =
            LegRules { here: CHAIN, escrow: escrow(), escape_window_min: WINDOW_MIN, lock_horizon_max: HORIZON };
        let hub = HubId(B256::from(hub_id()));
        let first = B256::from(setting.sets[0].hash());
        let epochs = Epochs::new(hub, Epoch(1), first, Timestamp(FIRST_EXPIRY), GRACE)
            .governed(usize::from(MEMBERS_MIN), alias(&setting.recovery_owner));
        let mut refusing = Environment::default();
        refusing.refusing_payees.extend(setting.holders().iter().map(alias));
        Self { ledger, escrow: Escrow::new(hub, alias(&setting.guardian), rules), epochs, refusing }
    }

    pub(crate) fn run(&mut self, op: &Op) -> Outcome {
        match self.call(op) {
            Ok(()) => Outcome::Done,
            Err(revert) => Outcome::Refused(reason(&revert)),
        }
    }

    fn call(&mut self, op: &Op) -> Result<(), Revert> {
        let (now, caller) = (Timestamp(op.at), alias(&op.caller));
        let Self { ledger, escrow, epochs, refusing } = self;
        match &op.call {
            Call::Lock { deal, leg } => {
                let leg = leg_of(leg);
                let value = if leg.leg.token.is_zero() { leg.leg.amount } else { Amount::ZERO };
                escrow.lock(ledger, caller, deal_of(deal), &leg, value, now).map(drop)
            }
            Call::CancelLock { deal, leg } => escrow.cancel_lock(caller, deal_of(deal), &leg_of(leg)).map(drop),
            Call::Settle { evidence, deal, commit, leg } => {
                let decision = if *commit { Decision::Commit } else { Decision::Abort };
                let settlements = [(deal_of(deal), decision, vec![leg_of(leg)])];
                let money = Money { ledger, environment: refusing };
                escrow.settle(epochs, money, caller, &certified(evidence), &settlements, now).map(drop)
            }
            Call::RequestEscape { deal, leg } => escrow.request_escape(deal_of(deal), &leg_of(leg), now).map(drop),
            Call::ExecuteEscape { deal, leg } => {
                let money = Money { ledger, environment: refusing };
                escrow.execute_escape(money, deal_of(deal), &leg_of(leg), now).map(drop)
            }
            Call::Withdraw { account, token } => {
                let money = Money { ledger, environment: &Environment::default() };
                escrow.withdraw(money, alias(token), alias(account)).map(drop)
            }
            Call::Pause(paused) => escrow.set_locks_paused(caller, *paused),
            Call::SetGuardian(guardian) => escrow.set_guardian(caller, alias(guardian)),
            Call::Rotate { evidence, epoch, valset_hash, expires_at } => epochs.rotate(
                &certified(evidence),
                Epoch(*epoch),
                B256::from(*valset_hash),
                Timestamp(*expires_at),
                now,
            ),
            Call::Recover { epoch, valset_hash, expires_at } => {
                epochs.recover(caller, Epoch(*epoch), B256::from(*valset_hash), Timestamp(*expires_at), now)
            }
        }
    }
}

/// The error's name.
fn reason(revert: &Revert) -> String {
    let name = match revert {
        Revert::Certificate(CertificateError::Malformed) => "MalformedCertificate",
        Revert::Certificate(CertificateError::Signature(_) | CertificateError::UnknownSigner(_)) => "InvalidSignature",
        Revert::Certificate(CertificateError::BelowQuorum { .. }) => "BelowQuorum",
        Revert::Certificate(CertificateError::WrongSet) => "WrongValidatorSet",
        Revert::Multiproof(_) => "Proof",
        Revert::NothingSettled => "NotLocked",
        Revert::EpochNotExpired(_) => "EpochNotExpired",
        other => return other.to_string().split('(').next().unwrap_or_default().to_string(),
    };
    name.to_string()
}
