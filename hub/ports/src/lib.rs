//! Ports: the traits through which the hub and the relayer reach chains, storage, keys and time.
//!
//! Owns the traits, the values that pass through them and the [`Remedy`] that every failure carries. It never holds an
//! implementation. No method here is one that some chain cannot implement.

mod action;
mod bridge;
mod chain;
mod clock;
mod consensus;
mod failure;
mod signer;
mod store;
mod verifier;

pub use action::{Action, CertifiedLeaves, ManualCall, Receipt, SubmissionKey, SubmissionState};
pub use bridge::{BridgeBooks, BridgeRoute, RouteKind, RouteSearch};
pub use chain::{
    BlockRef, ChainReader, ChainWriter, Check, CheckStatus, LockStatus, Scan, ScanCursor, ScannedBlock, TickReport,
    TokenInfo,
};
pub use clock::Clock;
pub use consensus::Consensus;
pub use failure::{PortError, Remedy};
pub use signer::{Signer, SignerError};
pub use store::{Batch, Column, Row, Store, StoreError, Write};
pub use verifier::FactVerifier;
