//! Bytes that earlier releases wrote. A type whose bytes change needs a new schema version with a migration; its old
//! fixture stays.

use infrastrukt_types::{Bytes, codec};
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt::Debug, path::Path};

use crate::samples;

/// Compares a value with its fixture, both ways.
fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(name: &str, value: &T, wrong: &mut Vec<String>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v1").join(name).with_extension("hex");
    let actual = Bytes::from(codec::encode(value));
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    let stored: Bytes = stored.trim().parse().unwrap_or_default();
    match codec::decode::<T>(&stored) {
        Ok(decoded) if decoded == *value && stored == actual => {}
        Ok(_) | Err(_) => wrong.push(format!("{name} {actual}")),
    }
}

#[test]
fn bytes_of_schema_1_are_read_and_written_as_ever() {
    let mut wrong = Vec::new();
    check("block", &samples::block(), &mut wrong);
    check("message", &samples::message_record(1), &mut wrong);
    check("deal", &samples::aborted(1), &mut wrong);
    check("tally", &samples::tally(), &mut wrong);
    check("checkpoint", &samples::certified(9, 4), &mut wrong);
    check("epoch", &samples::epoch(), &mut wrong);
    check("rotation", &samples::votes(), &mut wrong);
    check("tip", &samples::tip(), &mut wrong);
    assert!(wrong.is_empty(), "the stored bytes of these types changed:\n{}", wrong.join("\n"));
}
