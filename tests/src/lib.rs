//! Tests across crates: vectors, model, fuzz targets, differential test, end to end, crate graph.
//!
//! The library holds what two kinds of tests share: the fuzz targets, which libFuzzer drives from `tests/fuzz` and an
//! ordinary test drives over the committed corpus.

pub mod fuzz;
