//! Imports go strictly down: types → ports → protocol, store, adapters → registry → relayer and nodes.
//!
//! The graph is read from `cargo metadata`, so that a new dependency line anywhere in the workspace is judged.

use serde_json::Value;
use std::{collections::BTreeMap, process::Command};

/// Where a crate stands, told by its folder.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Types,
    Ports,
    Api,
    Protocol,
    Store,
    Adapter(String),
    Registry,
    Node(String),
    Tests,
}

/// One line of a crate's dependencies.
#[derive(Clone, Debug)]
struct Edge {
    from: String,
    to: String,
    is_dev: bool,
}

/// Crates by name, and all edges out of them, external ones included.
#[derive(Clone, Debug, Default)]
struct Graph {
    folders: BTreeMap<String, String>,
    edges: Vec<Edge>,
}

/// What all EVM chains share is the one adapter that other adapters may build on.
const SHARED_ADAPTER: &str = "evm";
/// Adapters for tests only.
const TEST_ADAPTERS: [&str; 2] = ["sim", "conformance"];
/// What pure crates never see: executors, clocks, randomness, storage, chain SDKs.
const IMPURE: [&str; 10] =
    ["tokio", "futures", "async-trait", "rand", "getrandom", "rocksdb", "alloy", "reqwest", "jsonrpsee", "chrono"];

fn place(folder: &str) -> Option<Place> {
    Some(match folder.split_once('/').unwrap_or((folder, "")) {
        ("hub", "types") => Place::Types,
        ("hub", "ports") => Place::Ports,
        ("hub", "api") => Place::Api,
        ("hub", "protocol") => Place::Protocol,
        ("hub", "store") => Place::Store,
        ("adapters", "registry") => Place::Registry,
        ("adapters", name) if !name.is_empty() => Place::Adapter(name.into()),
        ("hub", "node") | ("relayer", "") => Place::Node(folder.into()),
        ("tests", "") => Place::Tests,
        _ => return None,
    })
}

/// Whether code in `from` may use `to`.
fn may_import(from: &Place, to: &Place) -> bool {
    match from {
        Place::Types => false,
        Place::Ports | Place::Api | Place::Protocol => matches!(to, Place::Types),
        Place::Store => matches!(to, Place::Types | Place::Ports | Place::Protocol),
        Place::Adapter(from) => match to {
            Place::Types | Place::Ports => true,
            Place::Adapter(to) => to == SHARED_ADAPTER && !TEST_ADAPTERS.contains(&from.as_str()),
            Place::Api | Place::Protocol | Place::Store | Place::Registry | Place::Node(_) | Place::Tests => false,
        },
        Place::Registry => match to {
            Place::Types | Place::Ports => true,
            Place::Adapter(to) => !TEST_ADAPTERS.contains(&to.as_str()),
            Place::Api | Place::Protocol | Place::Store | Place::Registry | Place::Node(_) | Place::Tests => false,
        },
        Place::Node(_) => match to {
            Place::Types | Place::Ports | Place::Api | Place::Protocol | Place::Store | Place::Registry => true,
            Place::Adapter(_) | Place::Node(_) | Place::Tests => false,
        },
        Place::Tests => true,
    }
}

/// Whether the tests of `from` may use `to`: helpers and stores yes, a node never.
fn tests_may_import(from: &Place, to: &Place) -> bool {
    let is_helper = matches!(to, Place::Adapter(name) if TEST_ADAPTERS.contains(&name.as_str()));
    may_import(from, to) || is_helper || matches!(to, Place::Store | Place::Types | Place::Ports)
}

fn is_pure(place: &Place) -> bool {
    matches!(place, Place::Types | Place::Protocol)
}

/// A chain SDK comes in many crates; its primitive types are none.
fn is_impure(dependency: &str) -> bool {
    let sdk = dependency.starts_with("alloy-") && dependency != "alloy-primitives";
    sdk || dependency.starts_with("solana-") || IMPURE.contains(&dependency)
}

fn violations(graph: &Graph) -> Vec<String> {
    let mut found = Vec::new();
    for (name, folder) in &graph.folders {
        if place(folder).is_none() {
            found.push(format!("{name} in {folder} has no place in the layout"));
        }
    }
    for Edge { from, to, is_dev } in &graph.edges {
        let Some(from_place) = graph.folders.get(from).and_then(|folder| place(folder)) else { continue };
        let Some(to_folder) = graph.folders.get(to) else {
            if is_pure(&from_place) && !is_dev && is_impure(to) {
                found.push(format!("{from} is pure and must not use {to}"));
            }
            continue;
        };
        let Some(to_place) = place(to_folder) else { continue };
        let allowed =
            if *is_dev { tests_may_import(&from_place, &to_place) } else { may_import(&from_place, &to_place) };
        if !allowed {
            let kind = if *is_dev { "the tests of " } else { "" };
            found.push(format!("{kind}{from} must not use {to}: imports go strictly down"));
        }
    }
    found
}

fn workspace() -> Graph {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs, since it runs this test");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let root = text(&metadata["workspace_root"]);
    let mut graph = Graph::default();
    for package in metadata["packages"].as_array().expect("packages are a list") {
        let name = text(&package["name"]);
        let manifest = text(&package["manifest_path"]);
        let folder = manifest.strip_prefix(&root).and_then(|path| path.strip_suffix("/Cargo.toml"));
        let folder = folder.expect("a member lies in the workspace").trim_start_matches('/').to_string();
        for dependency in package["dependencies"].as_array().expect("dependencies are a list") {
            let is_dev = dependency["kind"] == "dev";
            graph.edges.push(Edge { from: name.clone(), to: text(&dependency["name"]), is_dev });
        }
        graph.folders.insert(name, folder);
    }
    graph
}

fn text(value: &Value) -> String {
    value.as_str().expect("cargo metadata has a string here").to_string()
}

#[test]
fn imports_go_strictly_down() {
    let graph = workspace();
    assert!(graph.folders.len() >= 15, "only {} crates were found", graph.folders.len());
    let found = violations(&graph);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn made_up_edges_are_caught() {
    let honest = workspace();
    let forbidden = [
        ("infrastrukt-types", "infrastrukt-ports", false),
        ("infrastrukt-ports", "infrastrukt-store", false),
        ("infrastrukt-protocol", "infrastrukt-store", false),
        ("infrastrukt-protocol", "tokio", false),
        ("infrastrukt-protocol", "alloy-provider", false),
        ("infrastrukt-ethereum", "infrastrukt-bsc", false),
        ("infrastrukt-evm", "infrastrukt-ethereum", false),
        ("infrastrukt-evm", "infrastrukt-registry", false),
        ("infrastrukt-solana", "infrastrukt-ethereum", false),
        ("infrastrukt-registry", "infrastrukt-sim", false),
        ("infrastrukt-relayer", "infrastrukt-solana", false),
        ("infrastrukt-types", "solana-pubkey", false),
        ("infrastrukt-relayer", "infrastrukt-evm", false),
        ("infrastrukt-relayer", "infrastrukt-hub", false),
        ("infrastrukt-store", "infrastrukt-hub", true),
    ];
    for (from, to, is_dev) in forbidden {
        let mut graph = honest.clone();
        graph.edges.push(Edge { from: from.into(), to: to.into(), is_dev });
        assert_eq!(violations(&graph).len(), violations(&honest).len() + 1, "{from} → {to}");
    }
}

#[test]
fn allowed_edges_and_unknown_folders() {
    let mut graph = Graph::default();
    graph.folders.insert("infrastrukt-newchain".into(), "adapters/newchain".into());
    graph.folders.insert("infrastrukt-evm".into(), "adapters/evm".into());
    graph.folders.insert("infrastrukt-conformance".into(), "adapters/conformance".into());
    let mut add =
        |to: &str, is_dev| graph.edges.push(Edge { from: "infrastrukt-newchain".into(), to: to.into(), is_dev });
    add("infrastrukt-evm", false);
    add("tokio", false);
    add("infrastrukt-conformance", true);
    assert_eq!(violations(&graph), Vec::<String>::new());
    graph.folders.insert("stray".into(), "tools/stray".into());
    assert_eq!(violations(&graph).len(), 1);
}
