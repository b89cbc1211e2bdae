//! How often something succeeds in a second, on the clock or of CPU time.

use std::{
    fs,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

const LASTS: Duration = Duration::from_secs(2);
/// Turns that two rivals take, so that a disk that slows down does so for both.
const TURNS: u32 = 4;
const TURN: Duration = Duration::from_secs(1);

/// Nanoseconds that this thread has spent on a CPU.
fn cpu_ns() -> Result<u64> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").context("the kernel counts a thread's CPU time")?;
    let first = text.split_whitespace().next().context("schedstat begins with CPU time")?;
    Ok(first.parse()?)
}

/// How often `work` succeeds in a second of CPU time.
pub(crate) fn per_cpu_second(mut work: impl FnMut() -> Result<()>) -> Result<f64> {
    let (started, before) = (Instant::now(), cpu_ns()?);
    let mut count = 0u32;
    while started.elapsed() < LASTS {
        work()?;
        count += 1;
    }
    let spent_ns = cpu_ns()?.saturating_sub(before).max(1);
    Ok(f64::from(count) * 1e9 / spent_ns as f64)
}

/// One rival's count and time.
#[derive(Default)]
struct Score {
    count: u32,
    seconds: f64,
}

impl Score {
    fn turn(&mut self, work: &mut impl FnMut(u32) -> Result<()>) -> Result<()> {
        let started = Instant::now();
        while started.elapsed() < TURN {
            work(self.count)?;
            self.count += 1;
        }
        self.seconds += started.elapsed().as_secs_f64();
        Ok(())
    }

    fn per_second(&self) -> f64 {
        f64::from(self.count) / self.seconds
    }
}

/// How often each of two succeeds in a second on the clock, which includes waiting for the disk. They take turns.
pub(crate) fn rivals(
    mut one: impl FnMut(u32) -> Result<()>,
    mut other: impl FnMut(u32) -> Result<()>,
) -> Result<(f64, f64)> {
    let (mut first, mut second) = (Score::default(), Score::default());
    for _ in 0..TURNS {
        first.turn(&mut one)?;
        second.turn(&mut other)?;
    }
    Ok((first.per_second(), second.per_second()))
}
