//! The linker that rustc calls. Exit code 1 and one line on standard error when a program cannot be linked.

use clap::Parser;
use infrastrukt_sbf::{args::Args, link};
use std::{fs, process::ExitCode};

fn main() -> ExitCode {
    // LLVM's own errors come this way.
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::ERROR)
        .with_writer(std::io::stderr)
        .init();
    let args = Args::parse();
    let written = link::link(&args).map_err(|error| error.to_string()).and_then(|elf| {
        let output = &args.output;
        fs::write(output, elf).map_err(|error| format!("cannot write {}: {error}", output.display()))
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sbf-link: {error}");
            ExitCode::FAILURE
        }
    }
}
