//! Blocks and time on command, for tests: whoever started the process with `--steer` writes a line to its standard input
//! and reads one from its standard output.
//!
//! `mine N` makes N blocks, `advance S` sets the chain's clock S seconds ahead and makes a block at the new time. The
//! answer is `at SLOT`, or `refused REASON`. No other process can do it, and no client of the node.

use crate::error::NodeError;
use std::{
    io::{self, BufRead, Write},
    thread,
    time::{Duration, Instant},
};
use surfpool_core::surfnet::locker::SurfnetSvmLocker;
use surfpool_types::{SimnetCommand, channel::Sender};

/// Blocks that one line may ask for.
const BLOCKS_MAX: u64 = 10_000;
/// Seconds that one line may ask for: ten years.
const SECONDS_MAX: u64 = 10 * 365 * 86_400;
/// Time for one block.
const BLOCK_LIMIT: Duration = Duration::from_secs(10);
/// Time between two looks at the open slot.
const LOOK: Duration = Duration::from_micros(200);

/// A command that was not carried out.
#[derive(Debug, thiserror::Error)]
enum SteerError {
    /// Not one of the two.
    #[error("{0:?} is no command: write `mine BLOCKS` or `advance SECONDS`")]
    Unknown(String),
    /// More than a test can mean.
    #[error("{given} is more than {max}")]
    TooMany { given: u64, max: u64 },
    /// Block production ended or hangs.
    #[error("slot {0} was not closed")]
    Stuck(u64),
}

/// What moves the chain.
pub(crate) struct Steering {
    pub(crate) locker: SurfnetSvmLocker,
    pub(crate) commands: Sender<SimnetCommand>,
}

/// Carries out commands until standard input ends.
///
/// # Errors
/// The system refuses a thread.
pub(crate) fn follow(steering: Steering) -> Result<(), NodeError> {
    let failed = |source| NodeError::Start { what: "the steering", source };
    let read = move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            let answer = match steering.carry_out(line.trim()) {
                Ok(slot) => format!("at {slot}"),
                Err(error) => format!("refused {error}"),
            };
            // Whoever steered is gone.
            if writeln!(io::stdout(), "{answer}").is_err() {
                return;
            }
        }
    };
    thread::Builder::new().name("steering".to_owned()).spawn(read).map(drop).map_err(failed)
}

impl Steering {
    fn carry_out(&self, line: &str) -> Result<u64, SteerError> {
        let unknown = || SteerError::Unknown(line.chars().take(80).collect());
        let (word, number) = line.split_once(' ').ok_or_else(unknown)?;
        let given: u64 = number.trim().parse().map_err(|_| unknown())?;
        match word {
            "mine" => {
                at_most(given, BLOCKS_MAX)?;
                (0..given).try_for_each(|_| self.close_slot())?;
            }
            "advance" => {
                at_most(given, SECONDS_MAX)?;
                self.locker.with_svm_writer(move |svm| svm.updated_at += given * 1_000);
                self.close_slot()?;
            }
            _ => return Err(unknown()),
        }
        Ok(self.slot())
    }

    /// The slot that is open.
    fn slot(&self) -> u64 {
        self.locker.with_svm_reader(|svm| svm.get_latest_absolute_slot())
    }

    /// Makes a block of what the open slot has, and waits until the next one is open.
    fn close_slot(&self) -> Result<(), SteerError> {
        let slot = self.slot();
        self.commands.send(SimnetCommand::SlotForward(None)).map_err(|_| SteerError::Stuck(slot))?;
        let deadline = Instant::now() + BLOCK_LIMIT;
        while self.slot() == slot {
            if Instant::now() > deadline {
                return Err(SteerError::Stuck(slot));
            }
            thread::sleep(LOOK);
        }
        Ok(())
    }
}

fn at_most(given: u64, max: u64) -> Result<(), SteerError> {
    if given > max { Err(SteerError::TooMany { given, max }) } else { Ok(()) }
}
