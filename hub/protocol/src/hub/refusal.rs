//! Why an entry of the log changes nothing.

use infrastrukt_types::{
    Account, Address, CertificateError, ChainId, CheckpointKind, DealId, Epoch, Height, LockKey, MessageId, Timestamp,
};

use crate::{
    deal::DealStepRefusal,
    limits::{DealRefusal, FACTS_PER_ATTESTATION_MAX, MessageRefusal, OPEN_DEALS_MAX, PENDING_FACTS_PER_VALIDATOR_MAX},
    message::MessageStepRefusal,
    valset::RotationRefusal,
};

/// Why an entry is skipped. The block stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not a validator of the current epoch.
    #[error("{0} is no validator of the current epoch")]
    NotAValidator(Address),
    /// Forged or malformed.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// None or too many.
    #[error("an attestation has 1 to {FACTS_PER_ATTESTATION_MAX} facts, not {0}")]
    FactCount(usize),
    /// One fact of an attestation; the others count.
    #[error("fact {place}: {reason}")]
    Fact {
        /// Its place in the attestation.
        place: usize,
        /// Why.
        reason: FactRefusal,
    },
    /// A deal that breaks a rule.
    #[error(transparent)]
    Deal(#[from] DealRefusal),
    /// Too many at a time.
    #[error("{OPEN_DEALS_MAX} deals are open already: register again once some are decided")]
    TooManyDeals,
    /// The set would lose its power while the deal still needs it.
    #[error("the deal needs certificates until {needed}, epoch {epoch} ends at {expires_at}: wait for the rotation")]
    EpochEndsFirst {
        /// The epoch.
        epoch: Epoch,
        /// Its end.
        expires_at: Timestamp,
        /// When the last settlement may be needed.
        needed: Timestamp,
    },
    /// A leg's chain is not believed at present.
    #[error("chain {chain} is frozen: {evidence}")]
    Frozen {
        /// The chain.
        chain: ChainId,
        /// Why.
        evidence: String,
    },
    /// Never registered.
    #[error("deal {0} is not registered: register it before anyone locks")]
    UnknownDeal(DealId),
    /// One signature for each leg.
    #[error("a cancel carries one signature for each of the {expected} legs, not {given}")]
    SignatureCount {
        /// Given.
        given: usize,
        /// Legs.
        expected: usize,
    },
    /// The chain's signatures are of a kind that the hub cannot check.
    #[error("leg {index}: signatures of {account} on chain {chain} cannot be checked here: let the deadline pass")]
    UnsupportedSignature {
        /// The leg.
        index: usize,
        /// Its chain.
        chain: ChainId,
        /// Its depositor.
        account: Account,
    },
    /// Not made by the leg's depositor for this very deal.
    #[error("leg {index}: this is no signature of {account} on chain {chain} on the cancel of this deal")]
    CancelSignature {
        /// The leg.
        index: usize,
        /// Its chain.
        chain: ChainId,
        /// Its depositor.
        account: Account,
    },
    /// The deal's own rules.
    #[error(transparent)]
    DealStep(#[from] DealStepRefusal),
    /// The message's own rules.
    #[error(transparent)]
    MessageStep(#[from] MessageStepRefusal),
    /// No such checkpoint.
    #[error("there is no {kind:?} checkpoint at height {height}")]
    UnknownCheckpoint {
        /// Height.
        height: Height,
        /// Kind.
        kind: CheckpointKind,
    },
    /// Its leaves were issued again.
    #[error("the {kind:?} checkpoint at height {height} is superseded: certify the later one")]
    Superseded {
        /// Height.
        height: Height,
        /// Kind.
        kind: CheckpointKind,
    },
    /// Another set certifies now.
    #[error("the checkpoint is of epoch {given}, the current one is {current}")]
    RetiredEpoch {
        /// The checkpoint's.
        given: Epoch,
        /// Current.
        current: Epoch,
    },
    /// No such epoch.
    #[error("epoch {0} is unknown")]
    UnknownEpoch(Epoch),
    /// The rotation's rules.
    #[error(transparent)]
    Rotation(#[from] RotationRefusal),
}

/// Why a fact is not counted. It may be offered again: nothing of it was stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FactRefusal {
    /// Not registered here.
    #[error("chain {0} is not registered with this hub")]
    UnknownChain(ChainId),
    /// Not believed at present.
    #[error("chain {chain} is frozen: {evidence}")]
    Frozen {
        /// The chain.
        chain: ChainId,
        /// Why.
        evidence: String,
    },
    /// The validator's share of unproven facts is used up.
    #[error("validator {0} has {PENDING_FACTS_PER_VALIDATOR_MAX} facts waiting for other votes: offer it again later")]
    TooManyPending(Address),
    /// A message that breaks a rule.
    #[error(transparent)]
    Message(#[from] MessageRefusal),
    /// Not proven yet.
    #[error("message {0} is not proven: prove where it was sent first")]
    UnknownMessage(MessageId),
    /// Never registered.
    #[error("deal {0} is not registered: it must be before anyone locks")]
    UnknownDeal(DealId),
    /// The fact belongs on another chain.
    #[error("the fact was read on {given} but can only happen on {expected}")]
    WrongChain {
        /// Where it was read.
        given: ChainId,
        /// Where it belongs.
        expected: ChainId,
    },
    /// The deal has fewer legs.
    #[error("deal {deal} has no leg {index}")]
    NoSuchLeg {
        /// The deal.
        deal: DealId,
        /// The leg.
        index: u8,
    },
    /// The lock is of other terms.
    #[error("leg {index} of deal {deal}: lock {given} is not the deal's {expected}")]
    WrongLock {
        /// The deal.
        deal: DealId,
        /// The leg.
        index: u8,
        /// In the fact.
        given: LockKey,
        /// In the deal.
        expected: LockKey,
    },
}
