//! How much memory a process holds, as the kernel counts it.

use anyhow::{Context, Result};

/// Megabytes of a million bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// Held now.
    pub(crate) resident: f64,
    /// Held at most so far.
    pub(crate) peak: f64,
}

/// What the process holds.
pub(crate) fn of(pid: u32) -> Result<Memory> {
    let path = format!("/proc/{pid}/status");
    let status = std::fs::read_to_string(&path).with_context(|| format!("{path}: the process has ended"))?;
    Ok(Memory { resident: megabytes(&status, "VmRSS:")?, peak: megabytes(&status, "VmHWM:")? })
}

fn megabytes(status: &str, name: &str) -> Result<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.split_whitespace().next()).with_context(|| format!("no {name} in a status"))?;
    Ok(kib.parse::<f64>()? * 1_024.0 / 1e6)
}
