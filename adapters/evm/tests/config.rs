//! Which endpoints may answer for a quorum.

mod common;

use infrastrukt_evm::{ConfigError, Environment};

fn check(environment: Environment, urls: &[&str]) -> Result<(), ConfigError> {
    let urls: Vec<String> = urls.iter().map(|url| (*url).to_owned()).collect();
    let mut config = common::config(&urls, 2);
    config.environment = environment;
    config.validate()
}

#[test]
fn outside_a_devnet_nobody_on_the_line_answers_for_an_endpoint() {
    let plain = ["https://one.example/key", "http://two.example", "https://three.example"];
    for environment in [Environment::Testnet, Environment::Mainnet] {
        let error = check(environment, &plain).expect_err("plain http");
        assert!(matches!(&error, ConfigError::PlainHttp(url) if url.host() == "two.example"), "{error}");
        for own in ["http://127.0.0.1:8545", "http://localhost:8545", "http://[::1]:8545"] {
            assert_eq!(check(environment, &["https://one.example", own, "https://three.example"]), Ok(()));
        }
        let near = ["https://one.example", "http://10.0.0.7:8545", "https://three.example"];
        assert!(matches!(check(environment, &near), Err(ConfigError::PlainHttp(_))));
    }
    assert_eq!(check(Environment::Devnet, &plain), Ok(()));
}

#[test]
fn one_host_has_one_vote() {
    for twin in ["http://one.example", "https://one.example:8443", "https://ONE.example.", "https://key@one.example/v2"]
    {
        let error = check(Environment::Devnet, &["https://one.example/key", twin, "https://three.example"]);
        assert!(matches!(error, Err(ConfigError::Duplicate(_))), "{twin}: {error:?}");
    }
    let same_node = ["http://localhost:8545", "http://127.0.0.1:8545/v2", "https://three.example"];
    assert!(matches!(check(Environment::Devnet, &same_node), Err(ConfigError::Duplicate(_))));
    let two_nodes = ["http://localhost:8545", "http://127.0.0.1:8546", "https://three.example"];
    assert_eq!(check(Environment::Mainnet, &two_nodes), Ok(()));
}
