use std::fs;

use super::*;

const CHAIN: &str = r#"
name = "Test chain"
id = "eip155:56"
adapter = "bsc"
symbol = "BNB"

[rpc]
endpoints = ["http://127.0.0.1:8545/secret-key"]
quorum = 1

[contracts]
gateway = "0x1000000000000000000000000000000000000001"
escrow = "0x1000000000000000000000000000000000000002"
verifier = "0x1000000000000000000000000000000000000003"
token_bridge = "0x1000000000000000000000000000000000000004"

[timing]
finality_s = 5
inclusion_s = 10
skew_s = 3
observe_s = 7
"#;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new(config: &str) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir(dir.path().join("chains")).expect("a folder");
        fs::write(dir.path().join("chains/bsc.toml"), CHAIN).expect("written");
        fs::write(dir.path().join("config.toml"), config).expect("written");
        Self(dir)
    }

    fn load(&self, overrides: &Overrides) -> Result<Config, ConfigErrors> {
        Config::load(&self.0.path().join("config.toml"), overrides)
    }
}

/// Loads the configuration and compares all complaints, each shown from its file's name on.
fn check_refused(config: &str, expected: &str) {
    let folder = Folder::new(config);
    let errors = folder.load(&Overrides::default()).expect_err("wrong");
    let prefix = format!("{}/", folder.0.path().display());
    assert_eq!(errors.to_string().replace(&prefix, ""), expected);
}

const GOOD: &str = r#"environment = "devnet"
chains = ["chains/bsc.toml"]

[hub]
url = "http://127.0.0.1:9"
id = "0x1111111111111111111111111111111111111111111111111111111111111111"

[accounts.alice]
"eip155:56" = "0x2000000000000000000000000000000000000001"
"#;

#[test]
fn a_good_file_is_read() {
    let config = Folder::new(GOOD).load(&Overrides::default()).expect("fine");
    assert_eq!(config.chains[0].name.as_str(), "eip155:56");
    assert_eq!(config.relayer.key, "relayer");
    assert!(config.accounts.contains_key("alice"));
}

#[test]
fn flags_win_over_the_file() {
    let hub_url = Some("https://other".to_owned());
    let config = Folder::new(GOOD).load(&Overrides { hub_url, ..Overrides::default() }).expect("fine");
    assert_eq!(config.hub.url, "https://other");
}

#[test]
fn every_mistake_is_named_with_its_line() {
    check_refused(
        r#"environment = "devnet"
chains = ["chains/bsc.toml", "chains/none.toml"]

[hub]
url = "ftp://127.0.0.1"
id = "0x1111111111111111111111111111111111111111111111111111111111111111"

[relayer]
batch_max = 0

[keystore]
folder = "keys"

[wallet]
name = "x"
"#,
        "config.toml:5: hub.url: `ftp://127.0.0.1` is not an HTTP address; write http://HOST:PORT or https://HOST
config.toml:9: relayer.batch_max is 0; write 1 or more
config.toml:12: keystore: unknown field `folder`, expected `dir` or `password_file`; correct the value or remove it
config.toml:14: `wallet` is not a known section; use one of environment, chains, hub, relayer, keystore, accounts, tokens, inbox
chains/none.toml: No such file or directory (os error 2); correct the path under `chains`",
    );
}

#[test]
fn unknown_chains_in_the_address_book_are_refused() {
    check_refused(
        &format!("{GOOD}\"eip155:57\" = \"0x2000000000000000000000000000000000000001\"\n"),
        "config.toml:10: accounts.alice: `eip155:57` is not a chain of this configuration; \
         write the CAIP-2 name of a file in `chains`",
    );
}

#[test]
fn what_is_no_toml_is_refused_once() {
    check_refused(
        "chains = [\n[hub]\nurl = \"http://x\"\nurl = \"http://y\"\n",
        &Folder::new("chains = [\n[hub]\nurl = \"http://x\"\nurl = \"http://y\"\n")
            .load(&Overrides::default())
            .expect_err("wrong")
            .0
            .iter()
            .map(|complaint| {
                assert!(complaint.line.is_some(), "{complaint}");
                format!("config.toml:{}: {}; write valid TOML", complaint.line.unwrap_or(0), complaint.reason)
            })
            .collect::<Vec<_>>()
            .join("\n"),
    );
}

#[test]
fn the_form_for_the_test_network_is_refused_until_it_is_filled_in() {
    let form = include_str!("../../../deployments/testnet/config.toml");
    let folder = Folder::new(form);
    let errors = folder.load(&Overrides::default()).expect_err("a form");
    let lines = form.lines().enumerate().filter(|(_, line)| line.contains("= \"FILL-IN"));
    let expected: Vec<usize> = lines.map(|(index, _)| index + 1).collect();
    let is_placeholder = |complaint: &&Complaint| complaint.reason.contains("placeholder");
    let found: Vec<usize> = errors.0.iter().filter(is_placeholder).filter_map(|complaint| complaint.line).collect();
    assert_eq!(found, expected);
}

#[test]
fn secrets_are_left_out() {
    let config = Folder::new(&GOOD.replace("127.0.0.1:9", "me:pass@127.0.0.1:9/tok3n")).load(&Overrides::default());
    let shown = toml::to_string_pretty(&config.expect("fine").redacted()).expect("encodes");
    for secret in ["me:pass", "tok3n", "secret-key"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains("http://127.0.0.1:9/…"), "{shown}");
}

#[test]
fn urls_lose_their_secrets() {
    for (url, expected) in [
        ("https://host", "https://host"),
        ("https://host/", "https://host"),
        ("https://user:key@host:1/v2/abc?x=1", "https://host:1/…"),
        ("https://host?key=1", "https://host/…"),
        ("nonsense", "…"),
    ] {
        assert_eq!(redact_url(url), expected);
    }
}

#[test]
fn the_key_of_start_must_be_there() {
    let folder = Folder::new(GOOD);
    let errors = folder.load(&Overrides::default()).expect("fine").check_for_start().expect_err("no key");
    assert!(errors.to_string().contains("relayer keys new relayer"), "{errors}");
}
