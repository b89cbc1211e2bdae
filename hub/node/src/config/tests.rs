use super::*;

const VALID: &str = r#"environment = "devnet"
data_dir = "data"
genesis = "genesis.json"
chains = ["a.toml"]

[api]
listen = "127.0.0.1:0"

[[validators]]
keystore = "one.json"
password_file = "one.password"
rpc."eip155:31337" = { endpoints = ["http://127.0.0.1:8545"], quorum = 1 }
"#;

/// Writes the configuration beside the files it names and loads it.
fn load(text: &str, overrides: &Overrides) -> Result<NodeConfig, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    for name in ["genesis.json", "a.toml", "one.json", "one.password"] {
        std::fs::write(folder.path().join(name), "").unwrap();
    }
    let file = folder.path().join("hub.toml");
    std::fs::write(&file, text).unwrap();
    NodeConfig::load(&file, overrides)
}

fn check_refused(text: &str, line: Option<usize>, reason: &str) {
    let error = load(text, &Overrides::default()).unwrap_err();
    let found = match &error {
        ConfigError::Line { line, .. } => Some(*line),
        ConfigError::Whole { .. } | ConfigError::Unreadable { .. } => None,
    };
    assert_eq!(found, line, "{error}");
    assert!(error.to_string().contains(reason), "{error}");
}

#[test]
fn a_valid_file_has_defaults_and_absolute_paths() {
    let config = load(VALID, &Overrides::default()).unwrap();
    assert_eq!(config.operator.listen.to_string(), "127.0.0.1:9645");
    assert_eq!(config.consensus, ConsensusConfig::default());
    assert_eq!(config.api.limits, ApiLimits::default());
    assert!(config.genesis.get_ref().is_absolute());
    assert!(config.data_dir.ends_with("data"));
}

#[test]
fn overrides_win_over_the_file() {
    let overrides =
        Overrides { block_interval_ms: Some(50), data_dir: Some("/elsewhere".into()), ..Overrides::default() };
    let config = load(VALID, &overrides).unwrap();
    assert_eq!(config.consensus.block_interval_ms, 50);
    assert_eq!(config.data_dir, Path::new("/elsewhere"));
}

#[test]
fn errors_name_the_line_and_the_reason() {
    check_refused(&VALID.replace("data_dir", "datadir"), Some(2), "unknown field `datadir`");
    check_refused(&VALID.replace("devnet", "prod"), Some(1), "unknown variant `prod`");
    check_refused(&VALID.replace("127.0.0.1:0", "here"), Some(7), "socket address");
    check_refused(&VALID.replace("a.toml", "b.toml"), Some(4), "there is no file");
    check_refused(&VALID.replace("one.json", "two.json"), Some(10), "there is no file");
    check_refused(&VALID.replace("eip155:31337", "anvil"), Some(12), "CAIP-2");
    check_refused(&VALID.replace("[\"a.toml\"]", "[]"), None, "`chains` is empty");
    check_refused("environment = ", Some(1), "");
    let endless = format!("{VALID}\n[consensus]\nblock_interval_ms = 0\n");
    check_refused(&endless, None, "block_interval_ms");
}

#[test]
fn a_key_is_hosted_once() {
    let twice = format!("{VALID}\n[[validators]]\nkeystore = \"one.json\"\npassword_file = \"one.password\"\n");
    check_refused(&twice, Some(15), "listed twice");
}

#[test]
fn a_missing_file_is_named() {
    let error = NodeConfig::load(Path::new("/nowhere/hub.toml"), &Overrides::default()).unwrap_err();
    assert!(matches!(error, ConfigError::Unreadable { .. }));
    assert!(error.to_string().starts_with("/nowhere/hub.toml"));
}

#[test]
fn a_slip_in_the_environment_is_found() {
    let names = ["PATH", "INFRASTRUKT_HUB_DATA_DIR", "INFRASTRUKT_HUB_DATADIR"].map(String::from);
    assert_eq!(unknown_variable(names).as_deref(), Some("INFRASTRUKT_HUB_DATADIR"));
    assert_eq!(unknown_variable(["INFRASTRUKT_HUB_LOG".to_owned()]), None);
}

#[test]
fn the_example_shows_the_defaults() {
    let text = include_str!("../../hub.example.toml");
    let config = NodeConfig::parse(Path::new("/etc/hub/hub.toml"), text).unwrap();
    assert_eq!(config.api, ApiConfig::default());
    assert_eq!(config.operator, OperatorConfig::default());
    assert_eq!(config.consensus, ConsensusConfig::default());
    assert_eq!(config.evidence, EvidenceLimits::default());
    assert_eq!(config.chains[1].get_ref(), Path::new("/etc/hub/chains/bsc.toml"));
    assert_eq!(config.validators[0].rpc.len(), 1);
    assert!(!format!("{config:?}").contains("KEY"), "URLs may hold keys");
}
