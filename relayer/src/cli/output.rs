//! What people and programs see: tables and colours for the one, exactly one JSON document for the other.

use std::{
    io::{IsTerminal as _, Write as _},
    time::Duration,
};

use anstyle::{AnsiColor, Style};
use comfy_table::{Cell, Color, ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde_json::json;

use crate::{config::ConfigErrors, user::UserError};

/// Pause between two pictures of a spinner.
const SPIN: Duration = Duration::from_millis(120);

/// How good a piece of news is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Good,
    Warn,
    Bad,
}

/// Where answers go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Out {
    json: bool,
    colour: bool,
}

/// A running step; it disappears when dropped.
pub(super) struct Step(Option<ProgressBar>);

impl Out {
    pub(super) fn new(json: bool) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { json, colour: wanted && !json && std::io::stdout().is_terminal() }
    }

    pub(super) const fn is_json(self) -> bool {
        self.json
    }

    /// A JSON document on one line; nothing for people.
    pub(super) fn document(self, value: &impl Serialize) -> Result<(), UserError> {
        if !self.json {
            return Ok(());
        }
        let text = serde_json::to_string(value)
            .map_err(|error| UserError::Unexpected(format!("an answer does not encode: {error}")))?;
        self.print(&text);
        Ok(())
    }

    /// A line for people; nothing for programs.
    pub(super) fn line(self, text: impl AsRef<str>) {
        if !self.json {
            self.print(text.as_ref());
        }
    }

    /// A line in colour for people.
    pub(super) fn toned(self, tone: Tone, text: impl AsRef<str>) {
        self.line(self.paint(tone, text.as_ref()));
    }

    /// A table for people. The last column may be given a tone for each row.
    pub(super) fn table(self, header: &[&str], rows: Vec<Vec<String>>) {
        let rows = rows.into_iter().map(|row| (Tone::Plain, row)).collect();
        self.toned_table(header, rows);
    }

    /// A table whose rows each have a tone, which colours their first column.
    pub(super) fn toned_table(self, header: &[&str], rows: Vec<(Tone, Vec<String>)>) {
        let mut table = Table::new();
        table.load_preset(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
        if !self.colour {
            table.force_no_tty();
        }
        table.set_header(header.to_vec());
        for (tone, row) in rows {
            let cells = row.into_iter().enumerate().map(|(column, text)| match (column, colour_of(tone)) {
                (0, Some(colour)) => Cell::new(text).fg(colour),
                (_, _) => Cell::new(text),
            });
            table.add_row(cells.collect::<Vec<_>>());
        }
        self.line(table.to_string());
    }

    /// Shows what is being waited for, on terminals only.
    pub(super) fn step(self, text: impl Into<String>) -> Step {
        if self.json || !std::io::stderr().is_terminal() {
            return Step(None);
        }
        let bar = ProgressBar::new_spinner().with_message(text.into());
        let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        bar.set_style(style);
        bar.enable_steady_tick(SPIN);
        Step(Some(bar))
    }

    /// A failure: JSON on stdout for programs, text on stderr for people.
    pub(super) fn failure(self, error: &UserError) {
        if self.json {
            self.print(&failure_json(error).to_string());
            return;
        }
        let mark = if self.colour { AnsiColor::Red.on_default().bold() } else { Style::new() };
        eprintln!("{mark}error:{mark:#} {error}");
        if !matches!(error, UserError::Config(_)) {
            eprintln!("  {}", error.remedy());
        }
    }

    fn paint(self, tone: Tone, text: &str) -> String {
        let colour = match tone {
            Tone::Plain => return text.into(),
            Tone::Good => AnsiColor::Green,
            Tone::Warn => AnsiColor::Yellow,
            Tone::Bad => AnsiColor::Red,
        };
        let style = if self.colour { colour.on_default() } else { Style::new() };
        format!("{style}{text}{style:#}")
    }

    /// A closed pipe (`| head`) is no failure of the command.
    fn print(self, text: &str) {
        let mut stdout = std::io::stdout().lock();
        if writeln!(stdout, "{text}").and_then(|()| stdout.flush()).is_err() {
            tracing::debug!("standard output is closed");
        }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(bar) = self.0.take() {
            bar.finish_and_clear();
        }
    }
}

const fn colour_of(tone: Tone) -> Option<Color> {
    match tone {
        Tone::Plain => None,
        Tone::Good => Some(Color::Green),
        Tone::Warn => Some(Color::Yellow),
        Tone::Bad => Some(Color::Red),
    }
}

/// The one shape of a failure for programs.
pub(super) fn failure_json(error: &UserError) -> serde_json::Value {
    let mut body = json!({ "code": error.kind().word(), "message": error.to_string(), "remedy": error.remedy() });
    if let UserError::Config(ConfigErrors(complaints)) = error {
        body["complaints"] = json!(complaints);
    }
    json!({ "error": body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_have_one_shape() {
        let error = UserError::UnknownChain { text: "eip155:9".into(), known: "eip155:56".into() };
        let expected = json!({ "error": {
            "code": "not_found",
            "message": "chain `eip155:9` is not configured",
            "remedy": "use one of eip155:56, or add the chain's file to the configuration",
        }});
        assert_eq!(failure_json(&error), expected);
    }

    #[test]
    fn programs_get_no_colour() {
        let out = Out { json: false, colour: false };
        assert_eq!(out.paint(Tone::Bad, "no"), "no");
        let out = Out { json: false, colour: true };
        assert!(out.paint(Tone::Bad, "no").contains('\u{1b}'));
    }
}
