//! `tests/INCIDENTS.md` says the truth: every test that it names exists, every incident that touches this code has one
//! of its own name, and every entry point of the contracts stands there.

use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// What a row holds where nothing here can break that way.
const NO_TEST: &str = "–";
/// Contracts whose entry points are listed.
const CONTRACTS: [&str; 5] = ["Gateway", "Escrow", "EcdsaVerifier", "TokenBridge", "BridgedToken"];
/// Entry points that are a library's own.
const LIBRARY: [&str; 4] =
    ["BridgedToken.approve", "BridgedToken.permit", "BridgedToken.transfer", "BridgedToken.transferFrom"];
/// Incidents that were known when this was written. Rows are added and never taken away.
const ROWS_MIN: usize = 18;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests lie in the repository").to_path_buf()
}

fn read(path: &str) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The cells of all rows of the table under a heading.
fn table(heading: &str) -> Vec<Vec<String>> {
    let text = read("tests/INCIDENTS.md");
    let (_, section) = text.split_once(heading).unwrap_or_else(|| panic!("there is no `{heading}`"));
    let section = section.split_once("\n## ").map_or(section, |(section, _)| section);
    let cells =
        |line: &str| -> Vec<String> { line.trim_matches('|').split('|').map(|cell| cell.trim().into()).collect() };
    section.lines().filter(|line| line.starts_with('|')).skip(2).map(cells).collect()
}

/// The tests that a cell names: file and function.
fn tests(cell: &str) -> Vec<(String, String)> {
    let quoted = cell.split('`').skip(1).step_by(2);
    quoted
        .map(|test| test.split_once("::").unwrap_or_else(|| panic!("`{test}` is not file::name")))
        .map(owned)
        .collect()
}

fn owned((file, name): (&str, &str)) -> (String, String) {
    (file.into(), name.into())
}

fn assert_exists((file, name): &(String, String)) {
    let keyword = if file.ends_with(".sol") { "function" } else { "fn" };
    let definition = format!("{keyword} {name}(");
    assert!(read(file).contains(&definition), "{file} has no test {name}");
}

/// Letters and digits only, so that a test's name can be searched for an incident's.
fn plain(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

#[test]
fn every_incident_has_a_test_of_its_name() {
    let rows = table("# What broke other bridges");
    assert!(rows.len() >= ROWS_MIN, "only {} rows are left", rows.len());
    for row in rows {
        let [incident, cause, rule, cell] = row.as_slice() else { panic!("{row:?} has not four cells") };
        assert!(!cause.is_empty() && !rule.is_empty(), "{incident}: cause or rule is missing");
        if cell == NO_TEST {
            continue;
        }
        let tests = tests(cell);
        tests.iter().for_each(assert_exists);
        let name = plain(incident.split([' ', ',']).next().unwrap_or_default());
        let is_named = tests.iter().any(|(_, test)| plain(test).contains(&name));
        assert!(is_named, "no test of {incident} is named after it");
    }
}

fn entry_points(contract: &str) -> Vec<String> {
    let artifact: Value = serde_json::from_str(&read(&format!("contracts/artifacts/{contract}.json"))).expect("JSON");
    let items = artifact["abi"].as_array().expect("an artifact has an ABI");
    let changes_state = |item: &&Value| {
        item["type"] != "constructor" && matches!(item["stateMutability"].as_str(), Some("nonpayable" | "payable"))
    };
    let name =
        |item: &Value| format!("{contract}.{}", item["name"].as_str().or(item["type"].as_str()).expect("a name"));
    items.iter().filter(changes_state).map(name).collect()
}

#[test]
fn incident_crosscurve_every_entry_point_has_a_test_of_its_caller() {
    let rows = table("## Entry points");
    let mut listed = BTreeSet::new();
    for row in rows {
        let [function, cell] = row.as_slice() else { panic!("{row:?} has not two cells") };
        let tests = tests(cell);
        assert!(!tests.is_empty(), "{function} has no test");
        tests.iter().for_each(assert_exists);
        assert!(listed.insert(function.clone()), "{function} stands twice");
    }
    let deployed: BTreeSet<String> = CONTRACTS.iter().flat_map(|contract| entry_points(contract)).collect();
    let expected: BTreeSet<String> =
        deployed.into_iter().filter(|function| !LIBRARY.contains(&function.as_str())).collect();
    assert_eq!(listed, expected, "the table and the contracts differ");
}
