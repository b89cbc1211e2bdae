//! What lies in `deployments/` is well formed, names no metric that the code does not have, and makes up no address.

use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// What a form holds where a value is missing.
const PLACEHOLDER: &str = "FILL-IN";
const METRIC_PREFIX: &str = "infrastrukt_";
/// Where metrics are recorded or described.
const METRIC_SOURCES: [&str; 4] = ["relayer/src", "hub/node/src", "adapters/evm/src", "adapters/solana/src"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests lie in the repository").to_path_buf()
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All files below a folder of the repository.
fn files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(dir) = open.pop() {
        let entries = fs::read_dir(&dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
        for entry in entries.map(|entry| entry.expect("readable").path()) {
            if entry.is_dir() { open.push(entry) } else { found.push(entry) }
        }
    }
    found.sort();
    found
}

/// Files for public networks and operators; the devnet's own folder has its own tests.
fn deployment_files() -> Vec<PathBuf> {
    let devnet = root().join("deployments/devnet");
    files("deployments").into_iter().filter(|path| !path.starts_with(&devnet)).collect()
}

fn named(path: &Path, suffix: &str) -> bool {
    path.to_string_lossy().ends_with(suffix)
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'
}

/// Every metric of ours that the text names. A histogram's series have suffixes of their own.
fn metrics(text: &str) -> BTreeSet<String> {
    let starts = text.match_indices(METRIC_PREFIX).map(|(at, _)| at);
    let names = starts.map(|at| {
        let end = text[at..].bytes().position(|byte| !is_name(byte)).map_or(text.len(), |length| at + length);
        let name = &text[at..end];
        ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name).to_string()
    });
    names.collect()
}

/// Names of metrics that stand in the code as string literals.
fn known_metrics() -> BTreeSet<String> {
    let sources = METRIC_SOURCES.iter().flat_map(|folder| files(folder)).filter(|path| named(path, ".rs"));
    let literals = |text: String| -> Vec<String> {
        text.split('"')
            .filter(|part| part.starts_with(METRIC_PREFIX) && part.bytes().all(is_name))
            .map(Into::into)
            .collect()
    };
    sources.flat_map(|path| literals(fs::read_to_string(path).expect("readable"))).collect()
}

fn check_metrics(file: &str) {
    let (named, known) = (metrics(&read(file)), known_metrics());
    assert!(!named.is_empty(), "{file} names no metric");
    let unknown: Vec<_> = named.difference(&known).collect();
    assert!(unknown.is_empty(), "{file} names metrics that the code does not have: {unknown:?}");
}

#[test]
fn alerts_name_metrics_that_exist() {
    check_metrics("deployments/monitoring/alerts.yml");
}

#[test]
fn dashboard_names_metrics_that_exist() {
    check_metrics("deployments/grafana/relayer.json");
}

#[test]
fn metric_names_are_found_in_expressions() {
    let found = metrics("rate(infrastrukt_a_total{lane=\"x\"}[5m]) / infrastrukt_b_seconds_sum");
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["infrastrukt_a_total", "infrastrukt_b_seconds"]);
}

#[test]
fn json_parses_and_the_dashboard_can_be_provisioned() {
    for path in deployment_files().iter().filter(|path| named(path, ".json")) {
        let parsed: Result<Value, _> = serde_json::from_str(&read(path));
        assert!(parsed.is_ok(), "{}: {}", path.display(), parsed.expect_err("it failed"));
    }
    let dashboard: Value = serde_json::from_str(&read("deployments/grafana/relayer.json")).expect("JSON");
    assert!(dashboard.get("id").is_none(), "a provisioned dashboard has no id of another database");
    assert!(dashboard["uid"].is_string() && dashboard["title"].is_string());
    let panels = dashboard["panels"].as_array().expect("panels are a list");
    let mut ids = BTreeSet::new();
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64().expect("a panel has an id")), "panel {} stands twice", panel["id"]);
        let is_row = panel["type"] == "row";
        let targets = panel["targets"].as_array().map_or(0, Vec::len);
        assert!(is_row || targets > 0, "panel {} shows nothing", panel["title"]);
    }
}

#[test]
fn forms_are_toml_without_made_up_addresses() {
    let forms: Vec<_> =
        deployment_files().into_iter().filter(|path| named(path, ".toml") || named(path, ".toml.example")).collect();
    assert!(forms.len() >= 10, "only {} forms were found", forms.len());
    for form in forms {
        let text = read(&form);
        let table: toml::Table = text.parse().unwrap_or_else(|error| panic!("{}: {error}", form.display()));
        assert!(text.contains(PLACEHOLDER), "{} has nothing to fill in and yet no deployment exists", form.display());
        assert!(!text.contains("0x"), "{} names an address of something that is not deployed", form.display());
        let Some(contracts) = table.get("contracts").and_then(toml::Value::as_table) else { continue };
        for name in ["gateway", "escrow", "verifier", "token_bridge"] {
            let value = contracts.get(name).and_then(toml::Value::as_str).unwrap_or_default();
            assert!(value.starts_with(PLACEHOLDER), "{}: contracts.{name} must be a placeholder", form.display());
        }
        let rpc = table["rpc"].as_table().expect("a chain file has endpoints");
        let (endpoints, quorum) = (rpc["endpoints"].as_array().map_or(0, Vec::len), rpc["quorum"].as_integer());
        let quorum = usize::try_from(quorum.expect("a number")).expect("not negative");
        assert!(quorum >= 2 && 2 * quorum > endpoints && endpoints >= quorum, "{}: weak quorum", form.display());
    }
}

#[test]
fn every_network_has_the_same_forms() {
    let of = |network: &str| -> BTreeSet<String> {
        let names = files(&format!("deployments/{network}")).into_iter();
        names.map(|path| path.file_name().expect("a file has a name").to_string_lossy().into_owned()).collect()
    };
    assert_eq!(of("testnet"), of("mainnet"));
    assert!(of("mainnet").contains("README.md"));
}

/// No YAML reader is among our dependencies; this catches what breaks such files most often.
#[test]
fn alert_rules_are_complete() {
    for file in ["monitoring/alerts.yml", "monitoring/prometheus.yml", "grafana/provider.yml"] {
        let text = read(Path::new("deployments").join(file));
        for (number, line) in text.lines().enumerate() {
            let indent = line.len() - line.trim_start_matches(' ').len();
            assert!(!line.contains('\t') && indent % 2 == 0, "{file}:{}: indent with two spaces", number + 1);
        }
    }
    let alerts = read("deployments/monitoring/alerts.yml");
    let mut names = BTreeSet::new();
    for rule in alerts.split("- alert: ").skip(1) {
        let name = rule.lines().next().unwrap_or_default();
        assert!(names.insert(name), "alert {name} stands twice");
        for key in ["expr: ", "severity: ", "summary: ", "description: "] {
            assert!(rule.contains(key), "alert {name} has no {key}");
        }
        let is_known = rule.contains("severity: page") || rule.contains("severity: ticket");
        assert!(is_known, "alert {name} has an unknown severity");
        let balanced = |open: char, close: char| rule.matches(open).count() == rule.matches(close).count();
        assert!(balanced('(', ')') && balanced('{', '}') && balanced('[', ']'), "alert {name} has an open bracket");
    }
    assert!(names.len() >= 10, "only {} alerts", names.len());
}

#[test]
fn services_are_hardened_and_start_what_exists() {
    for (unit, binary) in [("hub.service", "hub"), ("relayer.service", "relayer")] {
        let text = read(Path::new("deployments/systemd").join(unit));
        assert!(text.contains(&format!("ExecStart=/usr/local/bin/{binary} start --config ")), "{unit} starts {binary}");
        for rule in [
            "NoNewPrivileges=yes",
            "ProtectSystem=strict",
            "ProtectHome=yes",
            "PrivateTmp=yes",
            "CapabilityBoundingSet=\n",
            "MemoryDenyWriteExecute=yes",
            "SystemCallFilter=@system-service",
            "UMask=0077",
        ] {
            assert!(text.contains(rule), "{unit} lacks {rule}");
        }
        assert!(!text.contains("User=root"), "{unit} runs as root");
    }
}

#[test]
fn container_does_not_run_as_root() {
    let text = read("deployments/container/Dockerfile");
    let last_stage = text.rsplit("\nFROM ").next().unwrap_or_default();
    let user = last_stage.lines().filter_map(|line| line.strip_prefix("USER ")).next_back();
    assert!(
        user.is_some_and(|user| !user.starts_with('0') && !user.starts_with("root")),
        "the last stage needs a USER"
    );
    assert!(text.matches("\nFROM ").count() >= 2, "what builds must not be in what runs");
    assert!(last_stage.contains("/out/hub") && last_stage.contains("/out/relayer"));
}
