//! What all EVM chains share: complete reading of final blocks, receipt proofs, a transaction manager and the bindings of
//! the hub's contracts.
//!
//! Owns the JSON-RPC client with its quorum of endpoints, the check of every block's receipts against its header, the
//! decoding of events, and transactions that survive a crash. It knows no chain by name: a chain's crate hands in a
//! [`Profile`]. Finality is asked for by tag and agreed on by k of n endpoints ([`QuorumHeaders`]); a proof of the chain's
//! own consensus plugs in as another [`HeaderSource`].

pub mod bindings;
mod books;
mod calls;
mod chain;
mod config;
pub mod devnet;
pub mod errors;
mod facts;
mod header;
mod health;
mod keystore;
mod profile;
mod reader;
pub mod receipts;
mod rpc;
mod txmanager;
mod verifier;

pub use calls::{Call, CallContext};
pub use chain::{Context, EvmChain};
pub use config::{
    ConfigError, Contracts, ENDPOINTS_MAX, EndpointUrl, Environment, EvmConfig, FeePolicy, Limits, check_endpoints,
};
pub use facts::{FactDecoder, FactError, Gateways};
pub use header::{BlockHeader, HeaderSource, QuorumHeaders, check_header};
pub use keystore::{EcdsaSigner, KeyEntry, Keystore, KeystoreError, SecretKey};
pub use profile::{FeeMode, Profile};
pub use reader::{EvmReader, parse_account};
pub use rpc::{CallError, Endpoint, Quorum, Voter};
pub use txmanager::{EvmWriter, TX_COLUMNS};
pub use verifier::{EVIDENCE_BYTES_MAX, EVIDENCE_RECEIPTS_MAX, EvmVerifier};
