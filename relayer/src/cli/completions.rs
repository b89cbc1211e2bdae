//! `relayer completions`.

use clap::CommandFactory as _;

use super::{
    Done, Outcome,
    args::{Cli, CompletionsArgs},
};

pub(super) fn run(args: &CompletionsArgs) -> Outcome {
    let mut command = Cli::command();
    clap_complete::generate(args.shell, &mut command, "relayer", &mut std::io::stdout());
    Ok(Done::Well)
}
