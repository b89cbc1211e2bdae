//! End-to-end tests: the programs as people run them, two real nodes, and judgements read from the chains by another
//! client than ours. The binaries `relayer` and `hub` must have been built before.

#[path = "../e2e/mod.rs"]
mod e2e;
