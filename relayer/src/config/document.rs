//! A TOML file taken apart section by section, so that one mistake does not hide the next.

use std::{
    ops::Range,
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;
use toml::{
    Spanned,
    de::{DeTable, DeValue, ValueDeserializer},
};

use super::Complaint;

/// What a value starts with while nobody has filled it in. Such a file is a form, not a configuration.
pub const PLACEHOLDER: &str = "FILL-IN";

/// A parsed file and what was found wrong with it so far.
pub(super) struct Document<'text> {
    file: PathBuf,
    text: &'text str,
    table: DeTable<'text>,
    complaints: Vec<Complaint>,
    is_toml: bool,
}

impl<'text> Document<'text> {
    /// Parses the text. Syntax errors leave an empty document, since what follows them cannot be trusted.
    pub(super) fn parse(file: &Path, text: &'text str) -> Self {
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut document =
            Self { file: file.into(), text, table: DeTable::new(), complaints: Vec::new(), is_toml: errors.is_empty() };
        if errors.is_empty() {
            let table = table.into_inner();
            document.refuse_placeholders(&table, "");
            document.table = table;
        }
        for error in errors {
            document.complain(error.span(), one_line(error.message()), "write valid TOML");
        }
        document
    }

    /// False where the text is no TOML at all.
    pub(super) const fn is_toml(&self) -> bool {
        self.is_toml
    }

    /// True while nobody took this top-level key.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Takes a top-level value out and reads it as `T`.
    pub(super) fn take<T: DeserializeOwned>(&mut self, key: &str) -> Option<T> {
        let value = self.table.remove(key)?;
        let span = value.span();
        match T::deserialize(ValueDeserializer::from(value)) {
            Ok(read) => Some(read),
            Err(error) => {
                let place = error.span().unwrap_or(span);
                let reason = format!("{key}: {}", one_line(error.message()));
                self.complain(Some(place), reason, "correct the value or remove it");
                None
            }
        }
    }

    /// Adds a complaint about the place, or the file as a whole. A line is complained about once: what else is wrong
    /// with it usually follows from the first.
    pub(super) fn complain(&mut self, place: Option<Range<usize>>, reason: String, remedy: impl Into<String>) {
        let line = place.map(|span| line_of(self.text, span.start));
        if line.is_some() && self.complaints.iter().any(|known| known.line == line) {
            return;
        }
        self.complaints.push(Complaint { file: self.file.clone(), line, reason, remedy: remedy.into() });
    }

    /// The complaints alone, for files whose sections somebody else reads.
    pub(super) fn into_complaints(self) -> Vec<Complaint> {
        self.complaints
    }

    /// All complaints, with one for every top-level key that nobody took.
    pub(super) fn finish(mut self, known: &[&str]) -> Vec<Complaint> {
        for (key, _) in std::mem::take(&mut self.table) {
            let reason = format!("`{}` is not a known section", key.get_ref());
            self.complain(Some(key.span()), reason, format!("use one of {}", known.join(", ")));
        }
        self.complaints.sort_by_key(|complaint| complaint.line);
        self.complaints
    }

    fn refuse_placeholders(&mut self, table: &DeTable<'text>, path: &str) {
        for (key, value) in table {
            self.refuse_placeholder(value, &format!("{path}{}", key.get_ref()));
        }
    }

    fn refuse_placeholder(&mut self, value: &Spanned<DeValue<'text>>, path: &str) {
        match value.get_ref() {
            DeValue::String(text) if text.contains(PLACEHOLDER) => {
                let reason = format!("{path} still holds the placeholder `{text}`");
                self.complain(Some(value.span()), reason, "fill in the real value");
            }
            DeValue::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.refuse_placeholder(item, &format!("{path}[{index}]"));
                }
            }
            DeValue::Table(inner) => self.refuse_placeholders(inner, &format!("{path}.")),
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_) => {}
        }
    }
}

/// The line, from 1, that holds the byte at `offset`.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    let end = offset.min(text.len());
    1 + text.as_bytes()[..end].iter().filter(|byte| **byte == b'\n').count()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
