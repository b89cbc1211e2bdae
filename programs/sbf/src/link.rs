//! The steps from inputs to ELF: legalise every input of bitcode, link and optimise them with LLVM, finish what that
//! leaves, generate code, then rewrite the object for Solana's loader.

use crate::{
    args::Args,
    legalize::{self, LegalizeError},
    target,
};
use bpf_linker::{Linker, LinkerError, LinkerInput, LinkerOptions, OutputType};
use sbpf_linker::{OptimizationConfig, ProgramOptions, SbpfLinkerError, link_program};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// A program that cannot be linked.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// A file that rustc named cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// An input has something that the virtual machine does not.
    #[error("{path}: {source}")]
    Legalize {
        /// The input.
        path: PathBuf,
        /// What it has.
        source: LegalizeError,
    },
    /// The program as a whole is none.
    #[error("the optimised program: {0}")]
    Finish(#[source] LegalizeError),
    /// LLVM refuses to link or to generate code.
    #[error(transparent)]
    Llvm(#[from] LinkerError),
    /// LLVM generated code and said that it is wrong.
    #[error("LLVM refuses the program: its errors are above")]
    Diagnosed,
    /// The object cannot become a program.
    #[error("the object cannot become a program for Solana: {0}")]
    Program(String),
}

/// An input as LLVM gets it.
enum Input {
    /// Bitcode that has been legalised.
    Legal { name: String, bitcode: Vec<u8> },
    /// Everything else: archives of bitcode, of which only small functions survive, and rustc's list of symbols.
    AsItIs(PathBuf),
}

/// Links what the arguments name.
///
/// # Errors
/// See [`LinkError`]. Nothing is written.
pub fn link(args: &Args) -> Result<Vec<u8>, LinkError> {
    let linker = Linker::new(LinkerOptions {
        target: None,
        cpu: args.cpu,
        cpu_features: args.cpu_features.clone(),
        optimize: args.level(),
        unroll_loops: false,
        ignore_inline_never: false,
        llvm_args: target::llvm_args(),
        disable_expand_memcpy_in_order: true,
        disable_memory_builtins: false,
        btf: false,
        allow_bpf_trap: true,
    });
    let inputs = args.inputs.iter().map(|path| prepare(path)).collect::<Result<Vec<_>, _>>()?;
    // rustc names whatever any crate exports by its plain name, std's hooks and software floats among them.
    let link = |inputs, output| linker.link_to_buffer(inputs, output, [target::ENTRYPOINT]);
    let optimised = link(inputs.iter().map(Input::for_llvm).collect::<Vec<_>>(), OutputType::Bitcode)?;
    let finished = legalize::finish(&optimised, target::ENTRYPOINT).map_err(LinkError::Finish)?;
    let object = link(vec![LinkerInput::new_from_buffer("program", &finished)], OutputType::Object)?;
    if linker.has_errors() {
        return Err(LinkError::Diagnosed);
    }
    let options = ProgramOptions::new(OptimizationConfig::enabled(), target::ARCH, target::FRAME_BYTES);
    link_program(&object, options).map_err(|errors| LinkError::Program(SbpfLinkerError::format_errors(&errors)))
}

impl Input {
    fn for_llvm(&self) -> LinkerInput<'_> {
        match self {
            Self::Legal { name, bitcode } => LinkerInput::new_from_buffer(name, bitcode),
            Self::AsItIs(path) => LinkerInput::new_from_file(path),
        }
    }
}

fn prepare(path: &Path) -> Result<Input, LinkError> {
    let bytes = fs::read(path).map_err(|source| LinkError::Read { path: path.to_owned(), source })?;
    match legalize::legalize(&bytes) {
        Ok(Some(bitcode)) => Ok(Input::Legal { name: path.display().to_string(), bitcode }),
        Ok(None) => Ok(Input::AsItIs(path.to_owned())),
        Err(source) => Err(LinkError::Legalize { path: path.to_owned(), source }),
    }
}
