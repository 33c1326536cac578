//! `portolan config check|show`.

use serde_json::json;

use super::exit::{CliError, ExitCode};
use super::host::Host;
use super::output::Output;
use super::sheet::table;
use crate::config::{Config, ConfigError};

/// The configuration with what the host has to say of it.
pub(super) fn checked(loaded: Result<Config, ConfigError>, host: &impl Host) -> Result<Config, ConfigError> {
    let mut config = loaded?;
    match host.check(&config) {
        Ok(warnings) => {
            config.warnings.extend(warnings);
            Ok(config)
        }
        Err(mut error) => {
            error.warnings.splice(..0, config.warnings);
            Err(error)
        }
    }
}

/// Prints ok, or all that is wrong.
pub(super) fn check(loaded: Result<Config, ConfigError>, output: Output) -> Result<ExitCode, CliError> {
    let warnings = loaded.as_ref().map_or_else(|error| &error.warnings, |config| &config.warnings);
    warnings.iter().for_each(|warning| output.warning(warning));
    match &loaded {
        Err(error) if output.json => {
            output.data(&json!({ "ok": false, "problems": error.problems, "warnings": warnings }).to_string())?;
            Ok(ExitCode::Config)
        }
        Err(error) => Err(error.clone().into()),
        Ok(config) if output.json => {
            output.data(&json!({ "ok": true, "file": config.file, "warnings": warnings }).to_string())?;
            Ok(ExitCode::Ok)
        }
        Ok(config) => {
            let file = config.file.as_ref().map_or("defaults, no file".to_owned(), |file| file.display().to_string());
            output.data(&format!("ok ({file})"))?;
            Ok(ExitCode::Ok)
        }
    }
}

/// Prints every setting.
pub(super) fn show(config: &Config, origin: bool, output: Output) -> Result<ExitCode, CliError> {
    if output.json {
        let text =
            serde_json::to_string(&json!({ "data": config.entries })).map_err(|e| CliError::new(ExitCode::Failure, e.to_string()))?;
        output.data(&text)?;
    } else if origin {
        let rows = config.entries.iter().map(|entry| [entry.key.clone(), entry.value.clone(), entry.origin.to_string()]);
        output.data(&table(&["setting", "value", "origin"], rows))?;
    } else {
        output.data(&config.entries.iter().map(|entry| format!("{} = {}\n", entry.key, entry.value)).collect::<String>())?;
    }
    Ok(ExitCode::Ok)
}
