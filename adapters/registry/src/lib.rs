//! The one crate that names all adapters.
//!
//! Owns the format of a chain's file, the [`Adapter`] enumeration and the one match on it, and what a [`Kind`] of chain
//! means to people: accounts, keys, the development node. It holds no logic of any chain: everything it hands out is a trait
//! of `infrastrukt-ports`. Whoever uses it needs no other crate under `adapters/`.
//!
//! ```toml
//! name = "BNB Smart Chain"            # for people
//! id = "eip155:56"                    # CAIP-2
//! adapter = "bsc"                     # which crate reads and writes it
//! kind = "evm"                        # notation of its accounts; may be left out
//! symbol = "BNB"                      # native coin
//!
//! [rpc]                               # one host, one vote; outside a devnet https, or a node on this machine
//! endpoints = ["https://one.example/KEY", "https://two.example", "https://three.example"]
//! quorum = 2                          # how many must agree; 1 on a devnet only
//!
//! [contracts]
//! gateway = "0x…"
//! escrow = "0x…"
//! verifier = "0x…"
//! token_bridge = "0x…"
//! start_block = 12_345_678            # block of their deployment: evidence of earlier ones is refused; 0 by default
//!
//! [timing]                            # seconds; deadlines of deals are computed from them
//! finality_s = 5
//! inclusion_s = 60
//! skew_s = 5
//! observe_s = 10
//!
//! [fees]                              # may be left out, as each of its lines
//! max_fee_per_gas_wei = 20_000_000_000
//! min_tip_wei = 50_000_000
//!
//! [limits]                            # may be left out, as each of its lines
//! scan_blocks_max = 1024
//! batch_max = 100
//! response_bytes_max = 67_108_864
//! request_timeout_ms = 15_000
//! tx_gas_max = 16_777_216
//! in_flight_max = 64
//! ```
//!
//! A Solana chain has accounts in base58 and other sections at the end:
//!
//! ```toml
//! id = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"    # the beginning of the genesis hash
//! wire_id = "9223372036854775809"     # the hub's own number for it, 2^63 or above
//! adapter = "solana"
//!
//! [contracts]
//! gateway = "…"                       # the program; the others are accounts of it
//!
//! [fees]                              # in millionths of a lamport for a compute unit
//! unit_price_max = 1_000_000
//! unit_price_min = 0
//!
//! [limits]
//! scan_slots_max = 64
//! fetches_max = 4
//! response_bytes_max = 67_108_864
//! request_timeout_ms = 30_000
//! units_max = 1_400_000
//! in_flight_max = 64
//!
//! [program]                           # compared by `relayer doctor`
//! code_sha256 = "…"
//! upgrade_authority = "nobody"
//! ```

mod accounts;
mod adapter;
mod chain;
mod config;
pub mod devnet;
mod error;
mod file;
mod keys;

pub use accounts::{parse_account, show_account};
pub use adapter::{Adapter, Kind};
pub use chain::{Chain, Context, TX_COLUMNS, connect, verifier};
pub use config::{ChainConfig, Contracts, Settings, Timing};
pub use error::ConfigError;
pub use infrastrukt_evm::{
    EcdsaSigner, EndpointUrl, Environment, FeePolicy, KeyEntry, Keystore, KeystoreError, Limits, SecretKey,
};
pub use keys::{Keyring, Keys, KeysError, NamedKey};
