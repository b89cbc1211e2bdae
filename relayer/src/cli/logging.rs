//! Logs go to standard error, so that standard output holds the answer alone.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use super::args::{Global, LogFormat};

/// Variable with a filter in `tracing` syntax, which wins over `-v`.
const FILTER_VARIABLE: &str = "INFRASTRUKT_LOG";

/// Starts logging for this process.
pub(super) fn start(global: &Global, is_service: bool) {
    let level = match (global.verbose, is_service) {
        (0, false) => "error",
        (0, true) | (1, false) => "info",
        (1, true) | (2, _) => "debug,hyper=info,jsonrpsee=info",
        (_, _) => "trace",
    };
    let filter = EnvFilter::try_from_env(FILTER_VARIABLE).unwrap_or_else(|_| EnvFilter::new(level));
    let wants_color =
        std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(wants_color).with_writer(std::io::stderr);
    let started = match global.log_format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    if let Err(error) = started {
        tracing::debug!(%error, "logging was started before");
    }
}
