//! Errors of a configuration file, with the line they are on.

use std::{
    ops::Range,
    path::{Path, PathBuf},
};

/// Why a configuration is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: cannot be read: {reason}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// A line is wrong.
    #[error("{}:{line}: {reason}", file.display())]
    Line {
        /// The file.
        file: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// What is wrong and what would be right.
        reason: String,
    },
    /// The whole is wrong.
    #[error("{}: {reason}", file.display())]
    Whole {
        /// The file.
        file: PathBuf,
        /// What is wrong and what would be right.
        reason: String,
    },
}

/// A file with its text.
pub(crate) struct Source<'a> {
    pub(crate) file: &'a Path,
    pub(crate) text: &'a str,
}

impl Source<'_> {
    /// The error for the line where `span` begins, or for the whole file.
    pub(crate) fn error(&self, span: Option<Range<usize>>, reason: String) -> ConfigError {
        let file = self.file.to_path_buf();
        match span.and_then(|span| self.text.get(..span.start)) {
            Some(before) => ConfigError::Line { file, line: before.matches('\n').count() + 1, reason },
            None => ConfigError::Whole { file, reason },
        }
    }
}

pub(crate) fn fail(source: &Source<'_>, span: Range<usize>, reason: String) -> Result<(), ConfigError> {
    Err(source.error(Some(span), reason))
}
