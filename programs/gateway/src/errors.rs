//! Every reason for which the program refuses, numbered from 6000 in this order, for ever.

use anchor_lang::prelude::*;
use infrastrukt_core::{
    books::BooksError, certificate::CertificateError, leg::LegError, outbox::OutboxError, valset::ValsetError,
};

/// Refuses with an error unless the condition holds. Anchor's `require!` builds the whole error wherever it stands.
macro_rules! ensure {
    ($condition:expr, $error:expr $(,)?) => {
        if !$condition {
            return Err($crate::errors::refuse($error));
        }
    };
}
pub(crate) use ensure;

/// The error as Anchor reports it.
#[cold]
#[inline(never)]
pub fn refuse(error: GatewayError) -> anchor_lang::error::Error {
    error.into()
}

/// Declares the errors and what they mean. Anchor's `error_code` would put every name and text into the program, 22 kB of
/// it, for a line in the log; the IDL has them for whoever wants to show one.
macro_rules! refusals {
    ($($error:ident: $meaning:literal,)*) => {
        /// Why an instruction is refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u32)]
        pub enum GatewayError {
            $(#[doc = $meaning] $error,)*
        }

        /// Name and meaning of every error, by its number.
        pub const REFUSALS: &[(&str, &str)] = &[$((stringify!($error), $meaning),)*];
    };
}

refusals! {
    UnknownEpoch: "no validator set is known for this epoch",
    RetiredEpoch: "a later epoch has taken over",
    ExpiredEpoch: "the epoch has lost all power",
    WrongKind: "the checkpoint is of another kind",
    ZeroRoot: "the checkpoint has no leaves",
    WrongValidatorSet: "the set has another hash",
    InvalidValidatorSet: "the set is empty, not ascending, has a weight of zero, or is not published",
    WrongScheme: "the set signs by another scheme",
    TooFewValidators: "the set has fewer members than this deployment demands",
    TooManyValidators: "the set has more members than this chain takes",
    MalformedCertificate: "bitmap and signatures do not fit together or the set",
    InvalidSignature: "a signature is not that member's, or not in its one low form",
    NotVerified: "the checkpoint lacks signatures of more than two thirds of the weight",
    NotConsecutive: "the epoch does not follow the current one",
    EpochNotExpired: "the current epoch has not expired",
    InvalidExpiry: "the expiry has passed or lies too far ahead",
    CheckpointTooYoung: "the checkpoint was opened too recently to be closed",
    EmptyProof: "the proof names no leaf",
    LeafCountMismatch: "leaves and indices differ in number",
    IndicesNotAscending: "indices must rise strictly",
    IndexOutOfRange: "an index lies beyond the outbox",
    WrongNodeCount: "the proof has too few or too many nodes",
    RootMismatch: "the proof leads to another root",
    Unauthorized: "the signer has no such right",
    Paused: "this function is paused",
    UnknownTarget: "this chain was never opened",
    UnknownSource: "messages of this chain are not known",
    WrongTarget: "the message goes elsewhere",
    WrongSource: "the message came from elsewhere",
    InvalidRecipient: "nobody can receive there",
    GasLimitTooHigh: "the gas limit is above the target's cap",
    PayloadTooLarge: "the payload is longer than the cap",
    DeadlinePassed: "the deadline has passed",
    FeeTooHigh: "the fee is above what the sender allows",
    QuoteExpired: "the price has run out and waits for a new one",
    QuoteStillValid: "the price was promised for longer",
    AlreadyDelivered: "the message was delivered or expired before",
    AlreadyRefunded: "the message was refunded before",
    MessageNotExpired: "the deadline has not passed",
    PeerFixed: "the chain's gateway and kind of address were set before and stay",
    WrongPage: "the page is of another chain, kind or range of nonces",
    TooManyMessages: "too many messages in one batch, or not one inbox for each",
    InvalidIndex: "no deal has so many legs",
    InvalidAmount: "the tip is not below the amount",
    InvalidEscape: "the escape comes too early or too late, or its window is too short or too long",
    LockPassed: "locking has ended",
    LockHorizon: "locking ends too far ahead",
    InvalidPayee: "money paid there would belong to nobody",
    NotDepositor: "the signer is not the leg's depositor",
    AlreadyLocked: "the leg was locked before",
    CancelledLock: "the depositor has given this lock up",
    NotLocked: "the leg is not locked",
    EscapeNotYet: "it is too early to escape",
    EscapeNotRequested: "no escape was asked for",
    EscapeAlreadyRequested: "an escape was asked for before",
    NoCredit: "there is no such credit",
    TransferMismatch: "the token moved another amount than it was told",
    InvalidDestination: "the destination is not the credited account's, or holds others' money",
    HostileToken: "the mint has an extension that is not known to be harmless",
    WrongToken: "mint, token program or token account do not belong together",
    UnknownRoute: "the token has no route to this chain",
    RouteExists: "the token or its counterpart has a route already",
    InvalidRoute: "the route cannot work",
    UnknownPeer: "the sender is not the bridge of that chain",
    PeerExists: "the bridge of that chain was registered before and stays",
    MalformedPayload: "the payload is not a transfer",
    Dust: "the amount is not a whole number of wire units",
    ZeroAmount: "the amount is zero",
    AmountTooLarge: "the amount does not fit in 64 bits",
    InvalidDeadline: "a transfer needs a deadline, at most 30 days ahead",
    InvalidRefund: "nobody could be given the money back there",
    OutflowLimit: "the outflow limit of this token is used up for now",
    AboveOutflowLimit: "more than the outflow limit lets through at once",
    MintExceedsLocked: "more would come out than went in",
    InvalidArgument: "an argument is zero or out of range",
    WrongAddress: "the account is not at its address",
    AlreadyExists: "the account exists already",
    Overflow: "a number would overflow",
}

impl From<GatewayError> for u32 {
    fn from(error: GatewayError) -> Self {
        ERROR_CODE_OFFSET + error as Self
    }
}

impl From<GatewayError> for Error {
    fn from(error: GatewayError) -> Self {
        ProgramError::Custom(error.into()).into()
    }
}

impl From<OutboxError> for GatewayError {
    fn from(error: OutboxError) -> Self {
        match error {
            OutboxError::Empty => Self::EmptyProof,
            OutboxError::LeafCount { .. } => Self::LeafCountMismatch,
            OutboxError::NotAscending(_) => Self::IndicesNotAscending,
            OutboxError::OutOfRange { .. } => Self::IndexOutOfRange,
            OutboxError::NodeCount(_) => Self::WrongNodeCount,
            OutboxError::Root => Self::RootMismatch,
        }
    }
}

impl From<ValsetError> for GatewayError {
    fn from(error: ValsetError) -> Self {
        match error {
            ValsetError::Length { .. } | ValsetError::Member(_) => Self::InvalidValidatorSet,
            ValsetError::Scheme(_) => Self::WrongScheme,
            ValsetError::TooMany(_) => Self::TooManyValidators,
        }
    }
}

impl From<CertificateError> for GatewayError {
    fn from(error: CertificateError) -> Self {
        match error {
            CertificateError::Malformed => Self::MalformedCertificate,
            CertificateError::Signature(_) => Self::InvalidSignature,
        }
    }
}

impl From<LegError> for GatewayError {
    fn from(error: LegError) -> Self {
        match error {
            LegError::Index(_) => Self::InvalidIndex,
            LegError::Amount { .. } => Self::InvalidAmount,
            LegError::LockPassed(_) => Self::LockPassed,
            LegError::LockHorizon(_) => Self::LockHorizon,
            LegError::Escape { .. } => Self::InvalidEscape,
        }
    }
}

impl From<BooksError> for GatewayError {
    fn from(error: BooksError) -> Self {
        match error {
            BooksError::Zero => Self::ZeroAmount,
            BooksError::Dust { .. } => Self::Dust,
            BooksError::TooLarge(_) => Self::AmountTooLarge,
            BooksError::Unbacked { .. } => Self::MintExceedsLocked,
            BooksError::Overflow => Self::Overflow,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Programs and people know errors by their numbers.
    #[test]
    fn numbers_are_those_of_the_interface() {
        for (error, number) in [
            (GatewayError::UnknownEpoch, 6_000),
            (GatewayError::MalformedCertificate, 6_010),
            (GatewayError::IndexOutOfRange, 6_020),
            (GatewayError::GasLimitTooHigh, 6_030),
            (GatewayError::WrongPage, 6_040),
            (GatewayError::CancelledLock, 6_050),
            (GatewayError::UnknownRoute, 6_060),
            (GatewayError::InvalidRefund, 6_070),
            (GatewayError::Overflow, 6_077),
        ] {
            assert_eq!(u32::from(error), number);
        }
    }
}
