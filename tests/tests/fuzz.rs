//! The fuzz targets over the committed corpus and seeded mutations of it, within seconds and on any toolchain.
//! `make fuzz` lets libFuzzer go on from the same corpus.
//!
//! `UPDATE_CORPUS=1 cargo test -p infrastrukt-tests --test fuzz` writes the seeds that are derived from the vectors.

use infrastrukt_tests::fuzz::{TARGETS, Target};
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// Mutated inputs of each target.
const MUTATIONS: usize = 10_000;
/// Longest mutated input, in bytes.
const INPUT_LEN_MAX: usize = 1 << 14;
/// Numbers that lie where ranges end.
const EDGES: [u64; 8] = [0, 1, 0x7f, 0x80, 0xff, 1 << 31, 1 << 63, u64::MAX];

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("readable").path()).collect();
    files.sort();
    files
}

/// The committed inputs and the derived ones.
fn inputs(target: &Target) -> Vec<Vec<u8>> {
    let committed = files(&corpus(target.name)).into_iter().map(|path| fs::read(path).expect("readable"));
    committed.chain((target.seeds)().into_iter().map(|(_, bytes)| bytes)).collect()
}

/// One change of some bytes, as fuzzers make them.
fn change(rng: &mut StdRng, bytes: &mut Vec<u8>, others: &[Vec<u8>]) {
    let at = rng.random_range(0..=bytes.len());
    match rng.random_range(0..8u8) {
        0 | 1 if at < bytes.len() => bytes[at] ^= 1 << rng.random_range(0..8u8),
        2 if at < bytes.len() => bytes[at] = rng.random(),
        3 => bytes.truncate(at),
        4 => bytes.insert(at, rng.random()),
        5 if at < bytes.len() => {
            bytes.remove(at);
        }
        6 => {
            let edge = EDGES[rng.random_range(0..EDGES.len())].to_be_bytes();
            let edge = &edge[8 - (1 << rng.random_range(0..4u8))..];
            let end = bytes.len().min(at + edge.len());
            drop(bytes.splice(at..end, edge.iter().copied()));
        }
        7 => {
            let other = &others[rng.random_range(0..others.len())];
            let from = rng.random_range(0..=other.len());
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
        _ => {}
    }
    bytes.truncate(INPUT_LEN_MAX);
}

fn check(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("the target exists");
    let inputs = inputs(target);
    assert!(!inputs.is_empty(), "{name} has nothing to begin with");
    inputs.iter().for_each(|input| (target.run)(input));
    let mut rng = StdRng::seed_from_u64(0x1f5a);
    for round in 0..MUTATIONS {
        let mut bytes = inputs[round % inputs.len()].clone();
        for _ in 0..rng.random_range(1..=4u8) {
            change(&mut rng, &mut bytes, &inputs);
        }
        (target.run)(&bytes);
    }
}

macro_rules! targets {
    ($($name:ident),* $(,)?) => {
        $(#[test]
        fn $name() {
            check(stringify!($name));
        })*

        const CHECKED: &[&str] = &[$(stringify!($name)),*];
    };
}

targets!(codec, certificate, multiproof, receipt, header, facts, api, relayer_config, chain_file, deal_file, text,);

#[test]
fn every_target_is_checked_here_and_has_a_program() {
    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(names, CHECKED);
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/Cargo.toml")).expect("readable");
    for name in names {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} has no program in tests/fuzz");
    }
}

/// The corpus in the repository is the one that the vectors give, with whatever fuzzing added to it.
#[test]
fn the_corpus_is_derived_from_the_vectors() {
    for target in &TARGETS {
        for (name, bytes) in (target.seeds)() {
            let path = corpus(target.name).join(name);
            if env::var_os("UPDATE_CORPUS").is_some() {
                fs::create_dir_all(corpus(target.name)).expect("a folder");
                fs::write(&path, bytes).expect("written");
                continue;
            }
            let committed = fs::read(&path).unwrap_or_default();
            assert!(committed == bytes, "{} is not the derived one: run `make corpus`", path.display());
        }
    }
}
