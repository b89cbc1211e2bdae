//! The table, the file and the verdict.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{
    figures::{Beside, Figure, Limit},
    programs,
};

/// Says how the programs were built; the Makefile knows.
const BUILD_VARIABLE: &str = "INFRASTRUKT_BENCH_BUILD";

/// One measured figure.
#[derive(Clone, Debug)]
struct Row {
    figure: Figure,
    value: f64,
    detail: Value,
}

/// A part without figures, and why.
#[derive(Clone, Debug)]
struct Absent {
    part: &'static str,
    reason: String,
}

/// Everything measured.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
    left_out: Vec<Absent>,
    failed: Vec<Absent>,
}

impl Row {
    fn is_met(&self) -> Option<bool> {
        match self.figure.limit {
            Limit::AtMost(most) => Some(self.value <= most),
            Limit::AtLeast(least) => Some(self.value >= least),
            Limit::Free => None,
        }
    }

    fn ratio(&self) -> Option<f64> {
        self.figure.beside.map(|beside| self.value / beside.value)
    }

    fn print(&self) {
        let unit = self.figure.unit;
        let limit = match self.figure.limit {
            Limit::AtMost(most) => format!("<= {}", shown(most, "")),
            Limit::AtLeast(least) => format!(">= {}", shown(least, "")),
            Limit::Free => String::new(),
        };
        let verdict = self.is_met().map_or("", |met| if met { "met" } else { "MISSED" });
        let beside = self
            .figure
            .beside
            .map_or_else(String::new, |Beside { name, value }| format!("{} {name}", shown(value, "")));
        let ratio = self.ratio().map_or_else(String::new, |ratio| format!("{ratio:.2}"));
        println!(
            "| {:<54} | {:>12} | {limit:>9} | {verdict:<6} | {beside:<36} | {ratio:>6} |",
            self.figure.name,
            shown(self.value, unit)
        );
    }

    fn json(&self) -> Value {
        let limit = match self.figure.limit {
            Limit::AtMost(most) => json!({ "at_most": most }),
            Limit::AtLeast(least) => json!({ "at_least": least }),
            Limit::Free => Value::Null,
        };
        let beside = self.figure.beside.map(|Beside { name, value }| json!({ "name": name, "value": value }));
        json!({
            "name": self.figure.name.trim(), "unit": self.figure.unit, "value": self.value, "limit": limit,
            "met": self.is_met(), "beside": beside, "ratio": self.ratio(), "detail": self.detail,
        })
    }
}

/// Small figures keep their digits, large ones lose what nobody reads.
fn shown(value: f64, unit: &str) -> String {
    let number = match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    };
    if unit.is_empty() { number } else { format!("{number} {unit}") }
}

impl Report {
    /// Takes a figure with whatever else is worth keeping about it.
    pub(crate) fn add(&mut self, figure: Figure, value: f64, detail: Value) {
        self.rows.push(Row { figure, value, detail });
    }

    /// Takes the gas of several equal transactions, each of which did the operation `each` times.
    pub(crate) fn gas(&mut self, figure: Figure, mut samples: Vec<u64>, each: u64) -> Result<()> {
        samples.sort_unstable();
        let median = samples.get(samples.len() / 2).context("something was measured")? / each;
        self.add(figure, median as f64, json!({ "transactions": samples }));
        Ok(())
    }

    /// What was measured for a figure, if it was.
    pub(crate) fn value(&self, figure: &Figure) -> Option<f64> {
        self.rows.iter().find(|row| row.figure.name == figure.name).map(|row| row.value)
    }

    /// Notes that a part cannot be measured on this machine.
    pub(crate) fn leave_out(&mut self, part: &'static str, reason: String) {
        println!("    left out: {reason}");
        self.left_out.push(Absent { part, reason });
    }

    /// Notes how a part ended: one that fails does not hide the others.
    pub(crate) fn close(&mut self, part: &'static str, outcome: Result<()>) {
        if let Err(error) = outcome {
            println!("    FAILED: {error:#}");
            self.failed.push(Absent { part, reason: format!("{error:#}") });
        }
    }

    /// True where no limit is missed and every part could be measured or was left out.
    pub(crate) fn is_met(&self) -> bool {
        self.failed.is_empty() && self.rows.iter().all(|row| row.is_met() != Some(false))
    }

    pub(crate) fn print(&self) {
        println!();
        println!(
            "| {:<54} | {:>12} | {:>9} | {:<6} | {:<36} | {:>6} |",
            "figure", "ours", "limit", "", "beside", "ratio"
        );
        println!("|{:-<56}|{:->14}|{:->11}|{:-<8}|{:-<38}|{:->8}|", "", "", "", "", "", "");
        for row in &self.rows {
            row.print();
        }
        println!();
        for Absent { part, reason } in &self.left_out {
            println!("left out: {part}: {reason}");
        }
        for Absent { part, reason } in &self.failed {
            println!("FAILED: {part}: {reason}");
        }
        println!("build: {}", build());
    }

    /// Writes everything as JSON beside the build.
    pub(crate) fn write(&self) -> Result<PathBuf> {
        let path = programs::target_dir()?.join("bench.json");
        let absent = |list: &[Absent]| -> Vec<Value> {
            list.iter().map(|Absent { part, reason }| json!({ "part": part, "reason": reason })).collect()
        };
        let document = json!({
            "build": build(),
            "processors": std::thread::available_parallelism().map_or(0, usize::from),
            "rows": self.rows.iter().map(Row::json).collect::<Vec<_>>(),
            "left_out": absent(&self.left_out),
            "failed": absent(&self.failed),
            "met": self.is_met(),
        });
        std::fs::write(&path, serde_json::to_vec_pretty(&document)?)?;
        Ok(path)
    }
}

fn build() -> String {
    std::env::var(BUILD_VARIABLE)
        .unwrap_or_else(|_| "not by `make bench`: rates of an unoptimised build say little".into())
}
