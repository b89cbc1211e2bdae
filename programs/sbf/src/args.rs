//! The command line, as rustc's linker flavour `bpf` writes it.

use bpf_linker::{Cpu, OptLevel};
use clap::Parser;
use std::{
    ffi::{CString, NulError},
    path::PathBuf,
    str::FromStr,
};

/// Links bitcode into a program for Solana's virtual machine. rustc calls it.
#[derive(Debug, Parser)]
#[command(name = "sbf-link", version)]
pub struct Args {
    /// Object files and libraries of bitcode
    #[arg(required = true)]
    pub inputs: Vec<PathBuf>,
    /// The program
    #[arg(short, long)]
    pub output: PathBuf,
    /// Generation of BPF (`-C target-cpu`): v2 is what version 0 of Solana's bytecode grew from
    #[arg(long, default_value = "v2", value_parser = cpu)]
    pub cpu: Cpu,
    /// Features of the back end (`-C target-feature`)
    #[arg(long, default_value = "", allow_hyphen_values = true, value_parser = c_string)]
    pub cpu_features: CString,
    /// Level of optimisation; the last one counts
    #[arg(short = 'O', default_value = "2")]
    pub optimize: Vec<Level>,
    /// File with the symbols that rustc exports, of which only the entry point counts
    #[arg(long, value_name = "FILE", hide = true)]
    pub export_symbols: Option<PathBuf>,
    /// Folders of libraries; everything comes by path
    #[arg(short = 'L', hide = true)]
    pub library_folders: Vec<PathBuf>,
    /// Debug information, which no program carries
    #[arg(long, hide = true)]
    pub debug: bool,
}

/// A level of optimisation.
#[derive(Clone, Copy, Debug)]
pub struct Level(pub OptLevel);

/// An argument of rustc's that this linker does not know.
#[derive(Debug, thiserror::Error)]
pub enum ArgsError {
    /// Not a level.
    #[error("{0:?} is no level of optimisation: 0, 1, 2, 3, s or z")]
    Level(String),
    /// A processor that version 0 of the bytecode does not have.
    #[error("programs of bytecode version 0 are compiled for v1 or v2, not {0:?}: set -C target-cpu=v2")]
    Cpu(String),
}

impl FromStr for Level {
    type Err = ArgsError;

    fn from_str(text: &str) -> Result<Self, ArgsError> {
        Ok(Self(match text {
            "0" => OptLevel::No,
            "1" => OptLevel::Less,
            "2" => OptLevel::Default,
            "3" => OptLevel::Aggressive,
            "s" => OptLevel::Size,
            "z" => OptLevel::SizeMin,
            unknown => return Err(ArgsError::Level(unknown.to_owned())),
        }))
    }
}

impl Args {
    /// The level that counts.
    pub fn level(&self) -> OptLevel {
        self.optimize.last().map_or(OptLevel::Default, |level| level.0)
    }
}

fn cpu(text: &str) -> Result<Cpu, ArgsError> {
    match text {
        "generic" => Ok(Cpu::Generic),
        "v1" => Ok(Cpu::V1),
        "v2" => Ok(Cpu::V2),
        unknown => Err(ArgsError::Cpu(unknown.to_owned())),
    }
}

fn c_string(text: &str) -> Result<CString, NulError> {
    CString::new(text)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_call_of_rustc_is_understood() {
        let args = Args::try_parse_from([
            "sbf-link",
            "--export-symbols",
            "/tmp/rustc/symbols",
            "/tmp/rustc/symbols.o",
            "/tmp/program.rcgu.o",
            "-L",
            "/tmp/deps",
            "/usr/lib/libcompiler_builtins.rlib",
            "-o",
            "/tmp/libprogram.so",
            "-O3",
            "--cpu",
            "v2",
            "--cpu-features",
            "+allows-misaligned-mem-access",
        ])
        .unwrap();
        assert_eq!(args.inputs.len(), 3);
        assert!(matches!(args.level(), OptLevel::Aggressive));
        assert_eq!(args.cpu_features.to_str().unwrap(), "+allows-misaligned-mem-access");
    }

    #[test]
    fn a_processor_beyond_version_0_is_refused() {
        let args = ["sbf-link", "a.o", "-o", "a.so", "--cpu"];
        Args::try_parse_from(args.iter().chain(&["v2"])).unwrap();
        Args::try_parse_from(args.iter().chain(&["v3"])).unwrap_err();
    }
}
