//! The binary `relayer`: for operators who run it and for users who swap, send and bridge.

fn main() -> std::process::ExitCode {
    infrastrukt_relayer::cli::run()
}
