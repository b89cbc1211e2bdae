//! What environment and flags may say instead of the file. A flag wins over the environment, which wins over the file.

use clap::Args;
use std::{net::SocketAddr, path::PathBuf};

use super::NodeConfig;

/// Settings that differ from machine to machine.
#[derive(Args, Clone, Debug, Default)]
pub struct Overrides {
    /// Where the log and every validator's store live
    #[arg(long, env = "INFRASTRUKT_HUB_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Address and port of the JSON-RPC interface
    #[arg(long, env = "INFRASTRUKT_HUB_API_LISTEN", value_name = "ADDR")]
    pub api_listen: Option<SocketAddr>,
    /// Address and port of /healthz, /readyz and /metrics
    #[arg(long, env = "INFRASTRUKT_HUB_OPERATOR_LISTEN", value_name = "ADDR")]
    pub operator_listen: Option<SocketAddr>,
    /// Milliseconds between blocks while entries wait
    #[arg(long, env = "INFRASTRUKT_HUB_BLOCK_INTERVAL_MS", value_name = "MS")]
    pub block_interval_ms: Option<u64>,
}

impl Overrides {
    pub(super) fn apply(&self, config: &mut NodeConfig) {
        let Self { data_dir, api_listen, operator_listen, block_interval_ms } = self;
        if let Some(data_dir) = data_dir {
            config.data_dir.clone_from(data_dir);
        }
        if let Some(listen) = api_listen {
            config.api.listen = *listen;
        }
        if let Some(listen) = operator_listen {
            config.operator.listen = *listen;
        }
        if let Some(interval) = block_interval_ms {
            config.consensus.block_interval_ms = *interval;
        }
    }
}

/// Every name that the environment may hold; any other with this prefix is most likely a slip. `BIN` and
/// `URL` are read by programs that start or call this one.
const NAMES: [&str; 8] =
    ["DATA_DIR", "API_LISTEN", "OPERATOR_LISTEN", "BLOCK_INTERVAL_MS", "LOG", "LOG_FORMAT", "BIN", "URL"];

/// The first variable that looks like a setting and is none.
pub fn unknown_variable(names: impl IntoIterator<Item = String>) -> Option<String> {
    let unknown = |name: &String| name.strip_prefix("INFRASTRUKT_HUB_").is_some_and(|rest| !NAMES.contains(&rest));
    names.into_iter().find(unknown)
}
