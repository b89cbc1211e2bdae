//! Every decoder and proof verifier that reads what others wrote, as a function of bytes that panics where a promise is
//! broken: nothing panics, nothing is accepted that nobody proved, and what is decoded encodes to what decodes alike.
//!
//! The decoder of the token bridge's payload exists in Solidity only, where `forge` fuzzes it.

mod api;
mod certificate;
mod chain_file;
mod codec;
mod deal_file;
mod facts;
mod header;
mod multiproof;
mod receipt;
mod relayer_config;
mod text;
mod vectors;

/// An input to begin with: a name for its file, and its bytes.
pub type Seed = (String, Vec<u8>);

/// One decoder or verifier.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, and that of its corpus folder and of its program in `tests/fuzz`.
    pub name: &'static str,
    /// Runs one input.
    pub run: fn(&[u8]),
    /// Inputs that get past the first checks.
    pub seeds: fn() -> Vec<Seed>,
}

/// All targets.
pub static TARGETS: [Target; 11] = [
    Target { name: "codec", run: codec::run, seeds: codec::seeds },
    Target { name: "certificate", run: certificate::run, seeds: certificate::seeds },
    Target { name: "multiproof", run: multiproof::run, seeds: multiproof::seeds },
    Target { name: "receipt", run: receipt::run, seeds: receipt::seeds },
    Target { name: "header", run: header::run, seeds: header::seeds },
    Target { name: "facts", run: facts::run, seeds: facts::seeds },
    Target { name: "api", run: api::run, seeds: api::seeds },
    Target { name: "relayer_config", run: relayer_config::run, seeds: relayer_config::seeds },
    Target { name: "chain_file", run: chain_file::run, seeds: chain_file::seeds },
    Target { name: "deal_file", run: deal_file::run, seeds: deal_file::seeds },
    Target { name: "text", run: text::run, seeds: text::seeds },
];

/// Runs one input of the target with this name.
///
/// # Panics
/// Where a promise is broken, or no target has this name.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("the programs name targets that exist");
    (target.run)(data);
}
