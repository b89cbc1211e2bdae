//! `make chaos`: the devnet of real nodes under load, struck by everything that `tests/chaos` knows.
//!
//! `ROUNDS`, `MESSAGES` and `SWAPS` (of each round) and `SEED` come from the environment. Exit code 1 where anything
//! was lost, doubled, invented, changed or half settled.

#[path = "../../chaos/mod.rs"]
mod chaos;

use std::{
    env,
    process::ExitCode,
    str::FromStr,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};

use chaos::Options;

const ROUNDS: u32 = 30;
const MESSAGES: u64 = 1_000;
const SWAPS: usize = 100;

fn main() -> Result<ExitCode> {
    let now_ns = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
    // Of the time, the part that differs from run to run.
    let chance = u64::try_from(now_ns % u128::from(u32::MAX))?;
    let options = Options {
        seed: setting("SEED", chance)?,
        rounds: setting("ROUNDS", ROUNDS)?,
        messages: setting("MESSAGES", MESSAGES)?,
        swaps: setting("SWAPS", SWAPS)?,
        blows: None,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let outcome = runtime.block_on(chaos::run(&options));
    Ok(if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A number from the environment, where it is set and not empty.
fn setting<T: FromStr>(name: &str, default: T) -> Result<T>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    match env::var(name) {
        Ok(text) if !text.is_empty() => text.parse().with_context(|| format!("{name}={text} is no such number")),
        Ok(_) | Err(env::VarError::NotPresent) => Ok(default),
        Err(error) => Err(error).with_context(|| name.to_owned()),
    }
}
