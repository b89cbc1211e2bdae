//! The binary `relayer`: for operators who run it and for users who swap, send and bridge.

/// Gives memory back to the system as the queue shrinks, in the background; how soon is set in `.cargo/config.toml`.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    infrastrukt_relayer::cli::run()
}
