//! A development chain of this family: a real anvil node as a child process, and the hub's contracts on it.
//!
//! Its keys are anvil's published ones and its contracts' owner is a plain key: nothing here may ever hold value.

mod anvil;
mod deploy;

pub use anvil::{Anvil, AnvilError, AnvilOptions};
pub use deploy::{Addresses, DeployError, DeployOptions, Peer, TokenRoute, addresses, deploy};

use alloy::signers::local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English};

/// Anvil's published mnemonic: everybody has these keys.
const MNEMONIC: &str = "test test test test test test test test test test test junk";

/// The published development key at `index`; anvil funds the first ten.
pub fn dev_key(index: u32) -> PrivateKeySigner {
    MnemonicBuilder::<English>::default()
        .phrase(MNEMONIC)
        .index(index)
        .and_then(|builder| builder.build())
        .expect("the phrase is a valid mnemonic")
}
