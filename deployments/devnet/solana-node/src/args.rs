//! The command line.

use clap::{Parser, value_parser};
use solana_address::{Address, error::ParseAddressError};
use std::{
    net::{Ipv4Addr, SocketAddrV4},
    path::PathBuf,
    str::FromStr,
};

/// A Solana node of one process for devnets and tests: loopback only, state kept over restarts.
#[derive(Debug, Parser)]
#[command(name = "solana-node", version, about)]
pub(crate) struct Args {
    /// Folder of the chain, made if missing; a chain found there goes on
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: PathBuf,
    /// Port of JSON-RPC on 127.0.0.1
    #[arg(long, value_name = "PORT", default_value_t = 8899, value_parser = value_parser!(u16).range(1..))]
    pub(crate) rpc_port: u16,
    /// Port of subscriptions on 127.0.0.1; clients expect the one after the RPC port
    #[arg(long, value_name = "PORT", value_parser = value_parser!(u16).range(1..))]
    pub(crate) ws_port: Option<u16>,
    /// Milliseconds from slot to slot; a slot is final 31 slots later
    #[arg(long, value_name = "MS", default_value_t = 400, value_parser = value_parser!(u64).range(20..=10_000))]
    pub(crate) slot_ms: u64,
    /// Program that exists from the first slot; repeatable
    #[arg(long = "program", value_name = "ID=FILE.so")]
    pub(crate) programs: Vec<ProgramFile>,
    /// Who may upgrade those programs; nobody, if not given
    #[arg(long, value_name = "PUBKEY")]
    pub(crate) upgrade_authority: Option<Address>,
    /// Key that holds lamports from the first slot; repeatable
    #[arg(long = "fund", value_name = "PUBKEY=LAMPORTS")]
    pub(crate) funds: Vec<Fund>,
    /// Make blocks only on command from standard input, instead of by the clock: for tests
    #[arg(long)]
    pub(crate) steer: bool,
}

/// Where the node listens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Endpoints {
    /// JSON-RPC over HTTP.
    pub(crate) rpc: SocketAddrV4,
    /// Subscriptions over WebSocket.
    pub(crate) ws: SocketAddrV4,
}

/// A program and the file of its ELF.
#[derive(Clone, Debug)]
pub(crate) struct ProgramFile {
    /// Address of the program.
    pub(crate) id: Address,
    /// The ELF.
    pub(crate) file: PathBuf,
}

/// A key and what it holds.
#[derive(Clone, Debug)]
pub(crate) struct Fund {
    /// The key.
    pub(crate) key: Address,
    /// Its lamports.
    pub(crate) lamports: u64,
}

/// An argument that cannot be meant.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArgsError {
    /// No `=` in an argument of two halves.
    #[error("{given:?} lacks its `=`: give {expected}")]
    NoEquals {
        /// The argument.
        given: String,
        /// Its form.
        expected: &'static str,
    },
    /// Not a base58 key of 32 bytes.
    #[error("{given:?} is no address of Solana: {source}")]
    Address {
        /// The text.
        given: String,
        /// What is wrong with it.
        source: ParseAddressError,
    },
    /// Not a number of lamports.
    #[error("{given:?} is no amount in lamports: {source}")]
    Lamports {
        /// The text.
        given: String,
        /// What is wrong with it.
        source: std::num::ParseIntError,
    },
    /// Both servers on one port.
    #[error("port {0} cannot serve both RPC and subscriptions: give --ws-port another")]
    SamePort(u16),
    /// There is no port after the RPC port.
    #[error("there is no port after {0} for subscriptions: give --ws-port, or a smaller --rpc-port")]
    NoNextPort(u16),
}

impl Args {
    /// Both endpoints, on loopback: surfpool has calls that need no permission and must never meet a network.
    pub(crate) fn endpoints(&self) -> Result<Endpoints, ArgsError> {
        let next = || self.rpc_port.checked_add(1).ok_or(ArgsError::NoNextPort(self.rpc_port));
        let ws_port = self.ws_port.map_or_else(next, Ok)?;
        if ws_port == self.rpc_port {
            return Err(ArgsError::SamePort(ws_port));
        }
        let local = |port| SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
        Ok(Endpoints { rpc: local(self.rpc_port), ws: local(ws_port) })
    }
}

impl FromStr for ProgramFile {
    type Err = ArgsError;

    fn from_str(text: &str) -> Result<Self, ArgsError> {
        let (id, file) = halves(text, "ID=FILE.so")?;
        Ok(Self { id: address(id)?, file: file.into() })
    }
}

impl FromStr for Fund {
    type Err = ArgsError;

    fn from_str(text: &str) -> Result<Self, ArgsError> {
        let (key, lamports) = halves(text, "PUBKEY=LAMPORTS")?;
        let lamports = lamports.parse().map_err(|source| ArgsError::Lamports { given: lamports.to_owned(), source })?;
        Ok(Self { key: address(key)?, lamports })
    }
}

fn halves<'a>(text: &'a str, expected: &'static str) -> Result<(&'a str, &'a str), ArgsError> {
    text.split_once('=').ok_or_else(|| ArgsError::NoEquals { given: text.to_owned(), expected })
}

fn address(text: &str) -> Result<Address, ArgsError> {
    text.parse().map_err(|source| ArgsError::Address { given: text.to_owned(), source })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const KEY: &str = "Vote111111111111111111111111111111111111111";

    fn parse(extra: &[&str]) -> Result<Args, clap::Error> {
        Args::try_parse_from(["solana-node", "--data-dir", "chain"].iter().chain(extra))
    }

    #[test]
    fn subscriptions_take_the_port_after_the_rpc_port() {
        let endpoints = parse(&["--rpc-port", "18899"]).unwrap().endpoints().unwrap();
        assert_eq!((endpoints.rpc.port(), endpoints.ws.port()), (18899, 18900));
        assert!(endpoints.rpc.ip().is_loopback() && endpoints.ws.ip().is_loopback());
    }

    #[test]
    fn ports_that_cannot_both_be_served_are_refused() {
        let same = parse(&["--rpc-port", "9000", "--ws-port", "9000"]).unwrap().endpoints();
        assert!(matches!(same, Err(ArgsError::SamePort(9000))), "{same:?}");
        let none = parse(&["--rpc-port", "65535"]).unwrap().endpoints();
        assert!(matches!(none, Err(ArgsError::NoNextPort(65535))), "{none:?}");
    }

    #[test]
    fn programs_and_funds_are_read_in_pairs() {
        let program = format!("{KEY}=/tmp/a=b.so");
        let fund = format!("{KEY}=5000");
        let args = parse(&["--program", &program, "--fund", &fund]).unwrap();
        assert_eq!(args.programs[0].id.to_string(), KEY);
        assert_eq!(args.programs[0].file, PathBuf::from("/tmp/a=b.so"));
        assert_eq!(args.funds[0].lamports, 5000);
    }

    #[test]
    fn halves_of_the_wrong_kind_are_refused() {
        for (flag, value) in [("--program", KEY), ("--program", "x=a.so"), ("--fund", "Vote1=-1")] {
            parse(&[flag, value]).unwrap_err();
        }
        parse(&["--fund", &format!("{KEY}=-1")]).unwrap_err();
    }
}
