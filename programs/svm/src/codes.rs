//! Why the program undid an instruction.

/// The program's own errors, numbered as in `programs/README.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
#[allow(missing_docs, reason = "the program documents its errors; the names are the same")]
pub enum Refusal {
    UnknownEpoch = 6000,
    RetiredEpoch,
    ExpiredEpoch,
    WrongKind,
    ZeroRoot,
    WrongValidatorSet,
    InvalidValidatorSet,
    WrongScheme,
    TooFewValidators,
    TooManyValidators,
    MalformedCertificate,
    InvalidSignature,
    NotVerified,
    NotConsecutive,
    EpochNotExpired,
    InvalidExpiry,
    CheckpointTooYoung,
    EmptyProof,
    LeafCountMismatch,
    IndicesNotAscending,
    IndexOutOfRange,
    WrongNodeCount,
    RootMismatch,
    Unauthorized,
    Paused,
    UnknownTarget,
    UnknownSource,
    WrongTarget,
    WrongSource,
    InvalidRecipient,
    GasLimitTooHigh,
    PayloadTooLarge,
    DeadlinePassed,
    FeeTooHigh,
    QuoteExpired,
    QuoteStillValid,
    AlreadyDelivered,
    AlreadyRefunded,
    MessageNotExpired,
    PeerFixed,
    WrongPage,
    TooManyMessages,
    InvalidIndex,
    InvalidAmount,
    InvalidEscape,
    LockPassed,
    LockHorizon,
    InvalidPayee,
    NotDepositor,
    AlreadyLocked,
    CancelledLock,
    NotLocked,
    EscapeNotYet,
    EscapeNotRequested,
    EscapeAlreadyRequested,
    NoCredit,
    TransferMismatch,
    InvalidDestination,
    HostileToken,
    WrongToken,
    UnknownRoute,
    RouteExists,
    InvalidRoute,
    UnknownPeer,
    PeerExists,
    MalformedPayload,
    Dust,
    ZeroAmount,
    AmountTooLarge,
    InvalidDeadline,
    InvalidRefund,
    OutflowLimit,
    AboveOutflowLimit,
    MintExceedsLocked,
    InvalidArgument,
    WrongAddress,
    AlreadyExists,
    Overflow,
}

impl Refusal {
    /// Every error there is, in order.
    pub const ALL: [Self; 78] = [
        Self::UnknownEpoch,
        Self::RetiredEpoch,
        Self::ExpiredEpoch,
        Self::WrongKind,
        Self::ZeroRoot,
        Self::WrongValidatorSet,
        Self::InvalidValidatorSet,
        Self::WrongScheme,
        Self::TooFewValidators,
        Self::TooManyValidators,
        Self::MalformedCertificate,
        Self::InvalidSignature,
        Self::NotVerified,
        Self::NotConsecutive,
        Self::EpochNotExpired,
        Self::InvalidExpiry,
        Self::CheckpointTooYoung,
        Self::EmptyProof,
        Self::LeafCountMismatch,
        Self::IndicesNotAscending,
        Self::IndexOutOfRange,
        Self::WrongNodeCount,
        Self::RootMismatch,
        Self::Unauthorized,
        Self::Paused,
        Self::UnknownTarget,
        Self::UnknownSource,
        Self::WrongTarget,
        Self::WrongSource,
        Self::InvalidRecipient,
        Self::GasLimitTooHigh,
        Self::PayloadTooLarge,
        Self::DeadlinePassed,
        Self::FeeTooHigh,
        Self::QuoteExpired,
        Self::QuoteStillValid,
        Self::AlreadyDelivered,
        Self::AlreadyRefunded,
        Self::MessageNotExpired,
        Self::PeerFixed,
        Self::WrongPage,
        Self::TooManyMessages,
        Self::InvalidIndex,
        Self::InvalidAmount,
        Self::InvalidEscape,
        Self::LockPassed,
        Self::LockHorizon,
        Self::InvalidPayee,
        Self::NotDepositor,
        Self::AlreadyLocked,
        Self::CancelledLock,
        Self::NotLocked,
        Self::EscapeNotYet,
        Self::EscapeNotRequested,
        Self::EscapeAlreadyRequested,
        Self::NoCredit,
        Self::TransferMismatch,
        Self::InvalidDestination,
        Self::HostileToken,
        Self::WrongToken,
        Self::UnknownRoute,
        Self::RouteExists,
        Self::InvalidRoute,
        Self::UnknownPeer,
        Self::PeerExists,
        Self::MalformedPayload,
        Self::Dust,
        Self::ZeroAmount,
        Self::AmountTooLarge,
        Self::InvalidDeadline,
        Self::InvalidRefund,
        Self::OutflowLimit,
        Self::AboveOutflowLimit,
        Self::MintExceedsLocked,
        Self::InvalidArgument,
        Self::WrongAddress,
        Self::AlreadyExists,
        Self::Overflow,
    ];
    /// How many there are.
    pub const COUNT: u32 = Self::Overflow as u32 - 5_999;

    /// The error of a number.
    pub fn of(code: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|error| error.code() == code)
    }

    /// The number that a transaction fails with.
    pub const fn code(self) -> u32 {
        self as u32
    }
}

/// Anchor's own errors: what accounts must be before the program looks at them.
pub mod framework {
    /// No instruction of the program begins like this.
    pub const UNKNOWN_INSTRUCTION: u32 = 101;
    /// The arguments are not those of the instruction.
    pub const ARGUMENTS: u32 = 102;
    /// A constraint on an account: 2000 to 2999.
    pub const CONSTRAINTS: core::ops::RangeInclusive<u32> = 2_000..=2_999;
    /// An account that is not what it was taken for: 3000 to 3999.
    pub const ACCOUNTS: core::ops::RangeInclusive<u32> = 3_000..=3_999;
}
