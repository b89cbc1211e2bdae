//! The embedded devnet: real nodes and a hub as child processes, the relayer inside, all from one command.
//!
//! Its keys are published and its escape windows are minutes: it must never hold value.

mod demo;
mod error;
mod files;
mod foreign;
mod hub;
mod keys;
mod layout;
mod running;
mod table;

pub use error::DevnetError;
pub use layout::Layout;
pub use running::Devnet;

use infrastrukt_registry::Kind;
use std::path::PathBuf;

/// `relayer start --devnet`: runs until it is told to end. With chains of one kind only, where one is named.
pub async fn run_start(data_dir: PathBuf, only: Option<Kind>, json: bool) -> anyhow::Result<()> {
    let mut devnet = Devnet::start(Layout::new(data_dir), only).await?;
    devnet.announce(json)?;
    let outcome = devnet.until_told_to_end().await;
    devnet.stop().await;
    Ok(outcome?)
}

/// `relayer demo`: a devnet in `data_dir` (a temporary one where none is named) and everything it can do.
pub async fn run_demo(data_dir: Option<PathBuf>, json: bool) -> anyhow::Result<()> {
    let temporary = tempfile::Builder::new().prefix("infrastrukt-demo-").tempdir()?;
    let dir = data_dir.unwrap_or_else(|| temporary.path().to_path_buf());
    demo::run(Layout::new(dir), json).await
}
