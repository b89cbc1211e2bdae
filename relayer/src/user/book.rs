//! The address book: names for accounts, tokens and inboxes.

use std::{collections::BTreeMap, path::Path};

use infrastrukt_types::Caip2;
use serde::Deserialize;

use super::UserError;
use crate::config::{ByChain, Config};

/// Name of the file that a devnet describes itself in.
pub const DEVNET_FILE: &str = "devnet.json";

/// Names from the configuration, and below them those of a devnet in the same data directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Book {
    accounts: BTreeMap<String, ByChain>,
    tokens: BTreeMap<String, ByChain>,
    inbox: ByChain,
}

/// The part of `devnet.json` that holds names.
#[derive(Deserialize)]
struct Devnet {
    #[serde(default)]
    accounts: Vec<DevnetAccount>,
    #[serde(default)]
    chains: Vec<DevnetChain>,
}

#[derive(Deserialize)]
struct DevnetAccount {
    name: String,
    addresses: ByChain,
}

#[derive(Deserialize)]
struct DevnetChain {
    id: Caip2,
    #[serde(default)]
    contracts: BTreeMap<String, String>,
    #[serde(default)]
    tokens: BTreeMap<String, String>,
}

impl Book {
    /// Reads the names of both places.
    pub fn load(config: &Config, data_dir: &Path) -> Result<Self, UserError> {
        let path = data_dir.join(DEVNET_FILE);
        let mut book = match std::fs::read(&path) {
            Ok(bytes) => Self::from_devnet(&bytes).map_err(|reason| UserError::Damaged { path, reason })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::default(),
            Err(error) => return Err(UserError::file(path)(error)),
        };
        for (name, by_chain) in &config.accounts {
            book.accounts.entry(name.clone()).or_default().extend(by_chain.clone());
        }
        for (symbol, by_chain) in &config.tokens {
            book.tokens.entry(symbol.clone()).or_default().extend(by_chain.clone());
        }
        book.inbox.extend(config.inbox.clone());
        Ok(book)
    }

    fn from_devnet(bytes: &[u8]) -> Result<Self, String> {
        let devnet: Devnet = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let mut book = Self::default();
        book.accounts.extend(devnet.accounts.into_iter().map(|account| (account.name, account.addresses)));
        for mut chain in devnet.chains {
            if let Some(inbox) = chain.contracts.remove("inbox") {
                book.inbox.insert(chain.id.clone(), inbox);
            }
            for (symbol, address) in chain.tokens {
                book.tokens.entry(symbol).or_default().insert(chain.id.clone(), address);
            }
        }
        Ok(book)
    }

    /// A name's account on a chain, in the chain's own notation.
    pub fn account(&self, name: &str, chain: &Caip2) -> Option<&str> {
        self.accounts.get(name)?.get(chain).map(String::as_str)
    }

    /// The name of the account on a chain that `is_it` knows by its text. What differs in case alone is the same account
    /// in hexadecimal notation and another one in base58, so that texts are not compared here.
    pub fn name_of(&self, chain: &Caip2, is_it: impl Fn(&str) -> bool) -> Option<&str> {
        let has = |by_chain: &ByChain| by_chain.get(chain).is_some_and(|known| is_it(known));
        self.accounts.iter().find(|(_, by_chain)| has(by_chain)).map(|(name, _)| name.as_str())
    }

    /// A symbol's address on a chain.
    pub fn token(&self, symbol: &str, chain: &Caip2) -> Option<&str> {
        self.tokens.get(symbol)?.get(chain).map(String::as_str)
    }

    /// The symbol of the token on a chain that `is_it` knows by its text.
    pub fn symbol_of(&self, chain: &Caip2, is_it: impl Fn(&str) -> bool) -> Option<&str> {
        let has = |by_chain: &ByChain| by_chain.get(chain).is_some_and(|known| is_it(known));
        self.tokens.iter().find(|(_, by_chain)| has(by_chain)).map(|(symbol, _)| symbol.as_str())
    }

    /// The contract that takes messages without a named recipient.
    pub fn inbox(&self, chain: &Caip2) -> Option<&str> {
        self.inbox.get(chain).map(String::as_str)
    }

    /// All names of accounts.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.accounts.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_devnet() {
        let json = br#"{"hub":{"rpc":"http://127.0.0.1:1"},
            "chains":[{"id":"eip155:56","rpc":"http://127.0.0.1:2","contracts":{"escrow":"0x1","inbox":"0x2"},
                       "tokens":{"TST":"0x3"}}],
            "accounts":[{"name":"alice","addresses":{"eip155:56":"0xAb"}}]}"#;
        let book = Book::from_devnet(json).expect("well formed");
        let chain: Caip2 = "eip155:56".parse().expect("a chain");
        assert_eq!(book.account("alice", &chain), Some("0xAb"));
        assert_eq!(book.account("bob", &chain), None);
        assert_eq!(book.name_of(&chain, |text| text == "0xAb"), Some("alice"));
        assert_eq!(book.name_of(&chain, |text| text == "0xaB"), None);
        assert_eq!(book.token("TST", &chain), Some("0x3"));
        assert_eq!(book.symbol_of(&chain, |text| text == "0x3"), Some("TST"));
        assert_eq!(book.inbox(&chain), Some("0x2"));
        assert!(Book::from_devnet(b"{").is_err());
    }
}
