//! Development chains: a node of one process with the gateway in its genesis, and what is set up on it. Never for value:
//! all keys here are published.

mod deploy;
mod node;
mod token;

pub use deploy::{DeployError, DeployOptions, Peer, TokenRoute, deploy};
pub use node::{Node, NodeError, NodeOptions, Steered, binary, gateway_program};
pub use token::{bridged_mint, mint_of, mint_setup};

use infrastrukt_types::keccak256;
use solana_pubkey::{Pubkey, pubkey};

use crate::key::SolanaKey;

/// The gateway program on development chains: the id that the committed build declares.
pub const PROGRAM: Pubkey = pubkey!("4Kpiu7PNcHtFEpgAu5tkqsPB7whtMAsDbN9m1jUPR3tQ");

/// The first slot that has a block. Surfpool begins where a slot can have 31 before it, since the one 31 slots back is
/// final.
pub const FIRST_SLOT: u64 = 31;

/// The secret of a development key: anyone can compute it.
pub fn dev_seed(index: u32) -> [u8; 32] {
    keccak256(format!("INFRASTRUKT solana development key {index}")).0
}

/// A development key. The devnet funds the first ten.
pub fn dev_key(index: u32) -> SolanaKey {
    SolanaKey::from_seed(dev_seed(index))
}
