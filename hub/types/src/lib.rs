//! Wire types of the INFRASTRUKT protocol: what crosses a chain boundary, byte for byte.
//!
//! Owns the nouns (chain, message, deal, leg, checkpoint, certificate, fact, evidence), their packed encodings and
//! digests, the outbox tree and the check of a certificate. It never does I/O, knows no chain SDK and reads no clock.
//! Every encoding here is frozen by the vectors in `tests/vectors/`, which Foundry reads as well.
#![no_std]

extern crate alloc;

mod account;
mod amount;
mod block;
mod caip;
mod certificate;
mod checkpoint;
pub mod codec;
mod curve;
mod deal;
mod evidence;
mod fact;
mod ids;
mod message;
mod outbox;
mod packed;
mod recover;
mod valset;
mod verified;

pub use account::{Account, AccountError};
pub use amount::{Amount, AmountError};
pub use block::{Attestation, Block, DealCancel, HubTx, RotationVote};
pub use caip::{Caip2, Caip10, CaipError};
pub use certificate::{CertificateError, EcdsaCertificate, verify_share};
pub use checkpoint::{Checkpoint, CheckpointKind, Leaf};
pub use curve::Curve;
pub use deal::{Deal, Decision, LEGS_MAX, LEGS_MIN, Leg, LegRef};
pub use evidence::{Evidence, ReceiptEvidence, ReceiptProof};
pub use fact::{Fact, FactKind, Origin};
pub use ids::{ChainId, DealId, Epoch, FactId, Height, HubId, LockKey, MessageId, Nonce, Timestamp};
pub use message::{MESSAGE_VERSION, Message, Route};
pub use outbox::{Multiproof, MultiproofError, Outbox};
pub use valset::{Scheme, Validator, ValidatorSet, ValidatorSetError};
pub use verified::{Finalized, Verified};

pub use alloy_primitives::{Address, B256, Bytes, keccak256};
