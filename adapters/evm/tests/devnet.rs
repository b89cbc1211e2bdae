//! The development chain on a real node: contracts stand where they were announced, and a second deployment changes
//! nothing.

use alloy::providers::{Provider, ProviderBuilder};
use infrastrukt_evm::devnet::{Anvil, AnvilOptions, DeployOptions, Peer, addresses, deploy, dev_key};
use infrastrukt_types::B256;
use std::path::PathBuf;

fn anvil() -> PathBuf {
    let bundled = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil");
    assert!(bundled.is_file(), "no anvil at {}: run `make setup`", bundled.display());
    bundled
}

#[tokio::test]
async fn deploys_where_announced_and_survives_a_restart() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut options =
        AnvilOptions { binary: anvil(), chain_id: 31337, port: None, block_time_s: 0.5, dir: dir.path().to_path_buf() };
    let node = Anvil::start(&options).await.expect("anvil starts");
    let expected = addresses(dev_key(9).address());
    let deployment = DeployOptions {
        url: node.url().into(),
        hub_id: B256::repeat_byte(1),
        valset_hash: B256::repeat_byte(2),
        epoch_expires_at: 4_102_444_800,
        grace_s: 604_800,
        escape_window_min_s: 60,
        peers: vec![Peer::twin(56, &expected, &expected)],
        token_holders: vec![dev_key(0).address()],
    };
    assert_eq!(deploy(&deployment, dev_key(9)).await.expect("deploys"), expected);
    assert_eq!(deploy(&deployment, dev_key(9)).await.expect("deploys again"), expected);
    options.port = Some(node.port());
    node.stop().await;

    let node = Anvil::start(&options).await.expect("anvil starts again");
    let provider = ProviderBuilder::new().connect_http(node.url().parse().expect("a URL"));
    let contracts = [
        expected.verifier,
        expected.gateway,
        expected.escrow,
        expected.token_bridge,
        expected.token,
        expected.bridged_token,
        expected.bridged_native,
        expected.recipient,
    ];
    for contract in contracts {
        assert!(!provider.get_code_at(contract).await.expect("answers").is_empty(), "no code at {contract}");
    }
    node.stop().await;
}
