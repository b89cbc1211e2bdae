//! The operator's commands, run as an operator runs them.

use infrastrukt_hub::{genesis_file, load_signer};
use infrastrukt_ports::Signer;
use infrastrukt_registry::Keystore;
use infrastrukt_types::{Timestamp, Validator, ValidatorSet};
use serde_json::Value;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::world::{World, eventually, signer};

struct Answer {
    code: Option<i32>,
    out: String,
    errors: String,
}

async fn hub(arguments: &[&str]) -> Answer {
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_hub")).args(arguments).output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Answer { code: output.status.code(), out: text(output.stdout), errors: text(output.stderr) }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The line that begins with `name`, without it.
fn line(out: &str, name: &str) -> String {
    let found = out.lines().find_map(|line| line.strip_prefix(name));
    found.unwrap_or_else(|| panic!("no {name} in {out}")).trim().to_owned()
}

const CHAIN: &str = r#"name = "A chain"
id = "eip155:31337"
adapter = "ethereum"
symbol = "ETH"

[rpc]
endpoints = ["http://127.0.0.1:1"]
quorum = 1

[contracts]
gateway = "0x0000000000000000000000000000000000000011"
escrow = "0x0000000000000000000000000000000000000012"
verifier = "0x0000000000000000000000000000000000000013"
token_bridge = "0x0000000000000000000000000000000000000014"

[timing]
finality_s = 60
inclusion_s = 60
skew_s = 15
observe_s = 60
"#;

#[tokio::test(flavor = "multi_thread")]
async fn contracts_can_be_deployed_between_identity_and_genesis() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (identity, genesis, chain) = (path("identity.json"), path("genesis.json"), path("a.toml"));
    let members: Vec<String> = (0..4).map(|index| signer(index).address().to_string()).collect();
    let mut arguments = vec!["genesis", "identity", "--name", "a hub", "--created-at", "1700000000"];
    arguments.extend(["--out", text(&identity)]);
    arguments.extend(members.iter().flat_map(|member| ["--validator", member.as_str()]));
    let first = hub(&arguments).await;
    assert_eq!(first.code, Some(0), "{}", first.errors);
    let hub_id = line(&first.out, "hub id");
    assert_eq!(genesis_file::read_identity(&identity).unwrap().hub_id().to_string(), hub_id);
    assert_eq!(hub(&arguments).await.code, Some(3), "an identity is never overwritten");

    // The contracts' addresses are known only now.
    fs::write(&chain, CHAIN).unwrap();
    let arguments = ["genesis", "new", "--environment", "devnet", "--identity", text(&identity)];
    let arguments = [arguments.as_slice(), &["--chain", text(&chain), "--out", text(&genesis)]].concat();
    let second = hub(&arguments).await;
    assert_eq!(second.code, Some(0), "{}", second.errors);
    assert_eq!(line(&second.out, "hub id"), hub_id);
    let written = genesis_file::read(&genesis).unwrap();
    assert_eq!((written.identity.created_at, written.chains.len()), (Timestamp(1_700_000_000), 1));
}

/// A world whose first three keys lie in files, with the configuration of a node that hosts them.
fn world_with_files(folder: &Path) -> (World, PathBuf) {
    let password = folder.join("password");
    fs::write(&password, "correct horse\n").unwrap();
    fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).unwrap();
    let keystore = Keystore::new(folder.join("keys"));
    let mut world = World::in_memory();
    let mut config = String::from(
        "environment = \"devnet\"\ndata_dir = \"data\"\ngenesis = \"genesis.json\"\nchains = [\"a.toml\"]\n",
    );
    for index in 0..3 {
        let name = format!("validator-{index}");
        keystore.create(&name, "correct horse").unwrap();
        world.signers[index] = load_signer(&folder.join(format!("keys/{name}.json")), &password).unwrap();
        config += &format!("\n[[validators]]\nkeystore = \"keys/{name}.json\"\npassword_file = \"password\"\n");
    }
    let member = |key: &Arc<dyn Signer>| Validator { address: key.address(), weight: 1 };
    world.genesis.identity.validators = ValidatorSet::new(world.signers.iter().map(member).collect()).unwrap();
    genesis_file::write(&folder.join("genesis.json"), &world.genesis).unwrap();
    fs::write(folder.join("a.toml"), CHAIN).unwrap();
    let file = folder.join("hub.toml");
    fs::write(&file, config).unwrap();
    (world, file)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_votes_for_the_next_set() {
    let folder = tempfile::tempdir().unwrap();
    let (world, config) = world_with_files(folder.path());
    let node = world.start().await;
    let url = node.rpc_url();
    let end = world.genesis.identity.epoch_expires_at;
    let members: Vec<String> = world.signers.iter().map(|key| format!("{}=2", key.address())).collect();
    let vote = async |expires_at: u64| {
        let expires_at = expires_at.to_string();
        let mut arguments = vec!["rotation", "vote", "--config", text(&config), "--url", url.as_str()];
        arguments.extend(["--expires-at", expires_at.as_str()]);
        arguments.extend(members.iter().flat_map(|member| ["--validator", member.as_str()]));
        hub(&arguments).await
    };

    let early = vote(end.0 - 1).await;
    assert_eq!(early.code, Some(3), "{}", early.out);
    assert!(early.errors.contains("it must be after"), "{}", early.errors);

    let done = vote(end.0 + 1_000).await;
    assert_eq!(done.code, Some(0), "{}", done.errors);
    assert_eq!(done.out.lines().filter(|line| line.starts_with("vote ")).count(), 3, "{}", done.out);
    assert!(line(&done.out, "votes").contains("decided"), "{}", done.out);
    eventually("the new epoch", || async {
        let shown = hub(&["rotation", "show", "--json", "--url", url.as_str()]).await;
        let view: Value = serde_json::from_str(&shown.out).unwrap();
        (view["epoch"] == 2 && view["total_weight"] == "8").then_some(())
    })
    .await;
    node.shutdown().await;
}
