//! Tests across crates: vectors, model, end to end, crate graph.
