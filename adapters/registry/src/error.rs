//! What is wrong with a chain's file.

use std::{
    fmt,
    ops::Range,
    path::{Path, PathBuf},
};

/// One thing wrong with one file: where, what, and what to do. Never repeats an endpoint's URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// The file.
    pub file: PathBuf,
    /// Line from 1; absent where the whole file is meant.
    pub line: Option<usize>,
    /// What is wrong and what to do.
    pub reason: String,
}

impl ConfigError {
    pub(crate) fn at(file: &Path, text: &str, span: Option<Range<usize>>, reason: impl Into<String>) -> Self {
        let line = span.map(|span| line_of(text, span.start));
        Self { file: file.into(), line, reason: reason.into() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        write!(f, " {}", self.reason)
    }
}

/// The line, from 1, that holds the byte at `offset`.
fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}
