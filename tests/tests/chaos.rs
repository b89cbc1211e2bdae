//! The short form of `make chaos`: one round with the blows that fit into a minute. The programs `relayer` and `hub`
//! must have been built before.

#[path = "../chaos/mod.rs"]
mod chaos;

use chaos::{
    Options,
    blow::{Blow, Kind},
    side::Side,
};

/// Always the same: what is left to chance is for `make chaos`.
const SEED: u64 = 1;
const MESSAGES: u64 = 80;
const SWAPS: usize = 10;

/// A reorg under a lock, a fork at one endpoint of the other chain all the while, nobody to be believed about the first
/// chain, and `kill -9` of the relayer and of all validators in the middle of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_doubled_or_half_settled_under_chaos() {
    let blow = |kind, side| Blow { kind, side, pick: 0 };
    let blows = vec![
        blow(Kind::ReorgLock, Side::Eth),
        blow(Kind::Fork, Side::Bsc),
        blow(Kind::NoMajority, Side::Eth),
        blow(Kind::KillRelayer, Side::Eth),
        blow(Kind::KillHub, Side::Eth),
    ];
    let options = Options { seed: SEED, rounds: 1, messages: MESSAGES, swaps: SWAPS, blows: Some(blows) };
    if let Err(error) = chaos::run(&options).await {
        panic!("{error:#}");
    }
}
