//! A chain's file. Whatever is read keeps the rules that the file's reader promises.

use infrastrukt_registry::{ChainConfig, Environment, Kind};
use infrastrukt_types::ChainId;
use std::path::Path;

use super::Seed;

const FILE: &str = include_str!("../../fuzz/config/chains/bsc.toml");
const SOLANA: &str = include_str!("../../fuzz/config/chains/solana.toml");

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
        assert!(all.iter().all(|contract| !contract.is_zero()), "{all:?}");
        match config.adapter.kind() {
            Kind::Evm => assert!(config.id.0 < ChainId::HUB_ASSIGNED_MIN && all.iter().all(|one| one.to_evm().is_ok())),
            Kind::Solana => assert!(config.id.0 >= ChainId::HUB_ASSIGNED_MIN, "{} is an EVM chain's id", config.id),
        }
    }
}

pub(super) fn seeds() -> Vec<Seed> {
    let three = FILE
        .replace("[\"http://127.0.0.1:8545\"]", "[\"https://a.example\", \"https://b.example\", \"https://c.example\"]")
        .replace("quorum = 1", "quorum = 2");
    let limits = format!("{three}\n[fees]\nmin_tip_wei = 1\n[limits]\nbatch_max = 3\nrequest_timeout_ms = 9\n");
    [("devnet", FILE.to_string()), ("mainnet", three), ("limits", limits), ("solana", SOLANA.to_string())]
        .map(|(name, text)| (name.to_string(), text.into_bytes()))
        .into()
}
