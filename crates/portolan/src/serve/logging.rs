//! Structured logs on standard error: a sentence and dotted fields; never bodies, prompts or keys.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::config::{Environment, LogFormat, Logging};

/// Starts logging, once per process.
pub(super) fn start(logging: &Logging, env: &Environment) {
    // hyper and rustls say much at `debug` that no operator of ours needs.
    let filter = EnvFilter::new(format!("{},hyper=warn,hyper_util=warn,rustls=warn", logging.level));
    let colour = std::io::stderr().is_terminal() && env.get("NO_COLOR").is_none();
    let builder = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false).with_ansi(colour);
    // A log that cannot be written (its disk is full) must not panic in whoever logs: the complaint would go the same way.
    let builder = builder.log_internal_errors(false);
    let started = match logging.format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => builder.try_init(),
    };
    if let Err(error) = started {
        tracing::debug!(%error, "logging runs already");
    }
}
