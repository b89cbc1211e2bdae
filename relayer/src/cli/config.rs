//! `relayer config`.

use serde_json::json;

use super::{Context, Done, Outcome, args::ConfigCommand, output::Tone};
use crate::user::UserError;

pub(super) fn run(context: &Context, command: ConfigCommand) -> Outcome {
    match command {
        ConfigCommand::Validate => validate(context),
        ConfigCommand::Show => show(context),
    }
}

fn validate(context: &Context) -> Outcome {
    let config = context.config()?;
    config.check_for_start()?;
    context.out.toned(Tone::Good, format!("{} is fine", config.file.display()));
    context.out.document(&json!({ "file": config.file, "valid": true }))?;
    Ok(Done::Well)
}

fn show(context: &Context) -> Outcome {
    let config = context.config()?.redacted();
    let text = toml::to_string_pretty(&config)
        .map_err(|error| UserError::Unexpected(format!("the configuration does not encode: {error}")))?;
    context.out.line(text.trim_end());
    context.out.document(&config)?;
    Ok(Done::Well)
}
