//! The relayer's configuration, as it would lie beside a chain's file that is there.

use infrastrukt_relayer::config::{Config, Overrides, is_name};
use std::path::Path;

use super::Seed;

/// A folder with a chain's file, for configurations that name it.
const PLACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/config/config.toml");
const FILE: &str = include_str!("../../fuzz/config/config.toml");
const FORM: &str = include_str!("../../../deployments/testnet/config.toml");

pub(super) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Config::parse(Path::new(PLACE), text, &Overrides::default()) {
        Ok(config) => {
            assert!(!config.chains.is_empty(), "a configuration without a chain was taken");
            assert!(is_name(&config.relayer.key), "{} became the name of a key file", config.relayer.key);
            assert!(config.relayer.batch_max > 0 && config.relayer.retries_max > 0);
        }
        Err(errors) => assert!(!errors.to_string().is_empty(), "it was refused without a reason"),
    }
}

pub(super) fn seeds() -> Vec<Seed> {
    [("good", FILE), ("form", FORM)].map(|(name, text)| (name.to_string(), text.as_bytes().to_vec())).into()
}
