//! One command of `relayer`, run as a user runs it.

use std::{
    env,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tokio::{process::Command, time::timeout};

/// Longest that any command may take: it waits for a block at most.
const COMMAND_MAX: Duration = Duration::from_secs(90);

/// What a command answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) code: i32,
    pub(crate) json: Value,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Removes what the caller's own environment would set above the test's.
pub(crate) fn clean(command: &mut Command) {
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("INFRASTRUKT_")) {
        command.env_remove(name);
    }
    command.env("NO_COLOR", "1").stdin(Stdio::null()).kill_on_drop(true);
}

/// Runs a program to its end; `line` is how failures call it.
pub(crate) async fn run(mut command: Command, line: &str) -> Result<Answer> {
    clean(&mut command);
    let output = timeout(COMMAND_MAX, command.output())
        .await
        .with_context(|| format!("`{line}` did not end within {} s", COMMAND_MAX.as_secs()))?
        .with_context(|| format!("`{line}` does not run"))?;
    Ok(Answer {
        code: output.status.code().unwrap_or(-1),
        json: Value::Null,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// The command line of one data directory.
#[derive(Clone, Debug)]
pub(crate) struct Cli {
    pub(crate) program: PathBuf,
    pub(crate) dir: PathBuf,
}

impl Cli {
    /// Runs the command for people and returns what it printed.
    pub(crate) async fn text(&self, args: &[&str]) -> Result<Answer> {
        let mut command = Command::new(&self.program);
        command.args(args).arg("--data-dir").arg(&self.dir);
        run(command, &format!("relayer {}", args.join(" "))).await
    }

    /// Runs the command with `--json`; exactly one document must come back, whatever the outcome.
    pub(crate) async fn json(&self, args: &[&str]) -> Result<Answer> {
        let mut answer = self.text(&[args, &["--json"]].concat()).await?;
        answer.json = serde_json::from_str(&answer.stdout)
            .with_context(|| format!("`relayer {}` printed no single JSON document: {answer:?}", args.join(" ")))?;
        Ok(answer)
    }

    /// Runs a command that must succeed.
    pub(crate) async fn ok(&self, args: &[&str]) -> Result<Value> {
        let answer = self.json(args).await?;
        ensure!(answer.code == 0, "`relayer {}` failed with {}: {}", args.join(" "), answer.code, answer.json);
        Ok(answer.json)
    }

    /// Runs a command that must fail with this exit code and word, and returns what it said. Every failure names a
    /// remedy.
    pub(crate) async fn refused(&self, args: &[&str], kind: Kind) -> Result<String> {
        let answer = self.json(args).await?;
        let line = args.join(" ");
        let (code, word) = kind.code();
        ensure!(answer.code == code, "`relayer {line}` ended with {}, not {code}: {}", answer.code, answer.json);
        let error = &answer.json["error"];
        ensure!(error["code"] == word, "`relayer {line}` failed with another word than {word}: {error}");
        let (message, remedy) = (text(&error["message"])?, text(&error["remedy"])?);
        ensure!(!message.is_empty() && !remedy.is_empty(), "`relayer {line}` does not say what to do: {error}");
        Ok(format!("{message}; {remedy}"))
    }
}

/// How a command may fail: the documented exit codes with their words.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Usage,
    Config,
    Refused,
    NotFound,
    Reverted,
}

impl Kind {
    const fn code(self) -> (i32, &'static str) {
        match self {
            Self::Usage => (2, "usage"),
            Self::Config => (3, "config"),
            Self::Refused => (4, "refused"),
            Self::NotFound => (5, "not_found"),
            Self::Reverted => (8, "reverted"),
        }
    }
}

/// A JSON string.
pub(crate) fn text(value: &Value) -> Result<String> {
    value.as_str().map(str::to_owned).with_context(|| format!("`{value}` is no text"))
}

/// A JSON number.
pub(crate) fn number(value: &Value) -> Result<u64> {
    value.as_u64().with_context(|| format!("`{value}` is no number"))
}

/// A JSON list.
pub(crate) fn list(value: &Value) -> Result<&Vec<Value>> {
    value.as_array().with_context(|| format!("`{value}` is no list"))
}

/// A file that must be JSON.
pub(crate) fn json_file(path: &Path) -> Result<Value> {
    let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
    serde_json::from_slice(&bytes).with_context(|| path.display().to_string())
}

/// Fails unless the text contains every word.
pub(crate) fn says(given: &str, words: &[&str]) -> Result<()> {
    match words.iter().find(|word| !given.contains(**word)) {
        Some(word) => bail!("`{given}` does not mention `{word}`"),
        None => Ok(()),
    }
}
