//! A chain's file. Whatever is read keeps the rules that the file's reader promises.

use infrastrukt_registry::{ChainConfig, Environment};
use std::path::Path;

use super::Seed;

const FILE: &str = include_str!("../../fuzz/config/chains/bsc.toml");

pub(super) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for environment in [Environment::Devnet, Environment::Mainnet] {
        let Ok(config) = ChainConfig::parse(Path::new("chain.toml"), text, environment) else { continue };
        assert!((1..=config.endpoints.len()).contains(&config.quorum), "a quorum of {} was taken", config.quorum);
        let is_devnet = matches!(environment, Environment::Devnet);
        assert!(is_devnet || 2 * config.quorum > config.endpoints.len(), "a quorum of at most half was taken");
        assert!(is_devnet || config.quorum > 1, "one endpoint was believed outside of a devnet");
        let contracts = config.contracts;
        let all = [contracts.gateway, contracts.escrow, contracts.verifier, contracts.token_bridge];
        assert!(all.iter().all(|contract| !contract.is_zero() && contract.to_evm().is_ok()), "{all:?}");
    }
}

pub(super) fn seeds() -> Vec<Seed> {
    let three = FILE
        .replace("[\"http://127.0.0.1:8545\"]", "[\"https://a.example\", \"https://b.example\", \"https://c.example\"]")
        .replace("quorum = 1", "quorum = 2");
    let limits = format!("{three}\n[fees]\nmin_tip_wei = 1\n[limits]\nbatch_max = 3\nrequest_timeout_ms = 9\n");
    [("devnet", FILE.to_string()), ("mainnet", three), ("limits", limits)]
        .map(|(name, text)| (name.to_string(), text.into_bytes()))
        .into()
}
