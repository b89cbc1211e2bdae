//! The contracts' typed errors, under the names they have on EVM chains.

use infrastrukt_types::{
    Account, Amount, B256, CertificateError, ChainId, DealId, Epoch, LockKey, MultiproofError, Nonce, Timestamp,
};

/// Why a contract undid a call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "names and fields are those of the Solidity interfaces, which document them")]
pub enum Revert {
    #[error("UnknownTarget({0})")]
    UnknownTarget(ChainId),
    #[error("UnknownSource({0})")]
    UnknownSource(ChainId),
    #[error("PausedTarget({0})")]
    PausedTarget(ChainId),
    #[error("InvalidRecipient({0})")]
    InvalidRecipient(Account),
    #[error("GasLimitTooHigh({given}, {max})")]
    GasLimitTooHigh { given: u64, max: u64 },
    #[error("PayloadTooLarge({given}, {max})")]
    PayloadTooLarge { given: usize, max: usize },
    #[error("DeadlinePassed({deadline}, {now})")]
    DeadlinePassed { deadline: Timestamp, now: Timestamp },
    #[error("NotExpired({deadline}, {now})")]
    NotExpired { deadline: Timestamp, now: Timestamp },
    #[error("WrongFee({given}, {required})")]
    WrongFee { given: Amount, required: Amount },
    #[error("WrongVersion({0})")]
    WrongVersion(u8),
    #[error("WrongTarget({given}, {here})")]
    WrongTarget { given: ChainId, here: ChainId },
    #[error("WrongSource({given}, {here})")]
    WrongSource { given: ChainId, here: ChainId },
    #[error("AlreadyDelivered({0}, {1})")]
    AlreadyDelivered(ChainId, Nonce),
    #[error("AlreadyRefunded({0}, {1})")]
    AlreadyRefunded(ChainId, Nonce),
    #[error("NotOneMessage({0})")]
    NotOneMessage(usize),
    #[error("the sender refused its expired message")]
    SenderRefused,

    #[error("WrongHub({0})")]
    WrongHub(B256),
    #[error("WrongKind({given}, {expected})")]
    WrongKind { given: u8, expected: u8 },
    #[error("UnknownEpoch({0})")]
    UnknownEpoch(Epoch),
    #[error("RetiredEpoch({0})")]
    RetiredEpoch(Epoch),
    #[error("ExpiredEpoch({0})")]
    ExpiredEpoch(Epoch),
    #[error("WrongValidatorSet({given}, {expected})")]
    WrongValidatorSet { given: B256, expected: B256 },
    #[error("ZeroRoot()")]
    ZeroRoot,
    #[error("RootMismatch({computed}, {expected})")]
    RootMismatch { computed: B256, expected: B256 },
    #[error("NotConsecutive({given}, {expected})")]
    NotConsecutive { given: Epoch, expected: Epoch },
    #[error("InvalidExpiry({0})")]
    InvalidExpiry(Timestamp),
    #[error("NotExpired({0})")]
    EpochNotExpired(Timestamp),
    #[error("Unauthorized({0})")]
    Unauthorized(Account),
    #[error("MalformedCertificate()")]
    MalformedCertificate,
    #[error("WrongScheme({0})")]
    WrongScheme(u8),
    #[error("InvalidValidatorSet()")]
    InvalidValidatorSet,
    #[error("TooFewValidators({given}, {min})")]
    TooFewValidators { given: usize, min: usize },
    #[error("certificate: {0}")]
    Certificate(#[from] CertificateError),
    #[error("proof: {0}")]
    Multiproof(#[from] MultiproofError),

    #[error("LockingPaused()")]
    LockingPaused,
    #[error("WrongChain({given}, {here})")]
    WrongChain { given: ChainId, here: ChainId },
    #[error("WrongEscrow({0})")]
    WrongEscrow(Account),
    #[error("InvalidAddress({0})")]
    InvalidAddress(Account),
    #[error("InvalidIndex({0})")]
    InvalidIndex(u8),
    #[error("InvalidAmount({amount}, {tip})")]
    InvalidAmount { amount: Amount, tip: Amount },
    #[error("InvalidEscape({escape_at}, {escape_window})")]
    InvalidEscape { escape_at: Timestamp, escape_window: u64 },
    #[error("LockPassed({lock_by}, {now})")]
    LockPassed { lock_by: Timestamp, now: Timestamp },
    #[error("LockHorizon({lock_by}, {latest})")]
    LockHorizon { lock_by: Timestamp, latest: Timestamp },
    #[error("NotDepositor({caller}, {depositor})")]
    NotDepositor { caller: Account, depositor: Account },
    #[error("AlreadyLocked({0})")]
    AlreadyLocked(LockKey),
    #[error("CancelledLock({0})")]
    CancelledLock(LockKey),
    #[error("InvalidSignature()")]
    InvalidSignature,
    #[error("SignatureExpired({0})")]
    SignatureExpired(Timestamp),
    #[error("NotLocked({0})")]
    NotLocked(LockKey),
    #[error("WrongValue({given}, {required})")]
    WrongValue { given: Amount, required: Amount },
    #[error("TokenWithoutCode({0})")]
    TokenWithoutCode(Account),
    #[error("TransferMismatch({received}, {expected})")]
    TransferMismatch { received: Amount, expected: Amount },
    #[error("TransferFailed()")]
    TransferFailed,
    #[error("NothingSettled()")]
    NothingSettled,
    #[error("MixedDecisions({0})")]
    MixedDecisions(DealId),
    #[error("TooManyLegs({0})")]
    TooManyLegs(usize),
    #[error("EscapeNotYet({now}, {executable_at})")]
    EscapeNotYet { now: Timestamp, executable_at: Timestamp },
    #[error("EscapeNotRequested({0})")]
    EscapeNotRequested(LockKey),
    #[error("EscapeAlreadyRequested({0})")]
    EscapeAlreadyRequested(LockKey),
    #[error("NoCredit({account}, {token})")]
    NoCredit { account: Account, token: Account },

    #[error("insufficient funds: {available} of {required} are there; fund the account")]
    InsufficientFunds { available: Amount, required: Amount },
    #[error("the simulated chain has no token bridge; use an EVM adapter for Bridge")]
    NoTokenBridge,
}
