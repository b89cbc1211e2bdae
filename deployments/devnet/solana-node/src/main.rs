//! A Solana node of one process: JSON-RPC and WebSocket on loopback, one block per slot by the clock, state in a
//! folder.
//!
//! Exit codes: 0 stopped by SIGTERM or SIGINT with its state saved · 1 could not start, or broke · 2 wrong command
//! line.

mod args;
mod chain;
mod error;
mod folder;
mod genesis;
mod loader;
mod lockout;
mod node;
mod rpc;
mod signals;
mod steer;

use crate::{args::Args, error::NodeError, folder::Folder, genesis::Genesis, node::Node};
use clap::Parser;
use std::{
    io::{self, Write},
    process::ExitCode,
};

fn main() -> ExitCode {
    save_every_slot();
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Surfpool notes the latest slot once a minute unless this variable says otherwise, and slots that go backwards after
/// a restart would take finality back. It has no other way of being told.
#[expect(unsafe_code, reason = "setting a variable of the environment is unsafe once other threads run")]
fn save_every_slot() {
    // SAFETY: the first thing `main` does, while this thread is the only one.
    unsafe { std::env::set_var("SURFPOOL_CHECKPOINT_INTERVAL_SLOTS", "1") };
}

fn run(args: &Args) -> Result<(), NodeError> {
    let endpoints = args.endpoints()?;
    let genesis = Genesis::read(args)?;
    let folder = Folder::open(&args.data_dir)?;
    let chain = chain::open(&folder, &genesis, args.slot_ms)?;
    let genesis_hash = chain.svm.genesis_config.hash();

    let node = Node::start(chain, endpoints, args.slot_ms, args.steer)?;
    let outcome = node
        .wait_until_started()
        .and_then(|()| lockout::lock_cheatcodes(endpoints.rpc).map_err(NodeError::from))
        .and_then(|()| {
            let ready = format!("ready rpc=http://{} ws=ws://{} genesis={genesis_hash}", endpoints.rpc, endpoints.ws);
            writeln!(io::stdout(), "{ready}").map_err(NodeError::Announce)
        })
        .and_then(|()| if args.steer { steer::follow(node.steering()) } else { Ok(()) })
        .and_then(|()| node.wait_for_stop());
    // The state is saved whatever ended the run; the first failure is the one worth telling.
    let stopped = node.stop();
    outcome.and(stopped)
}
