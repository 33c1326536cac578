//! Standard output for data, standard error for messages.

use std::io::{IsTerminal, Write};

use super::exit::{CliError, ExitCode};
use crate::config::Environment;

/// How this run prints.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    /// Only JSON goes to standard output.
    pub(super) json: bool,
    colour: bool,
}

impl Output {
    pub(super) fn new(json: bool, env: &Environment) -> Self {
        let colour = std::io::stderr().is_terminal() && env.get("NO_COLOR").is_none() && env.get("TERM") != Some("dumb");
        Self { json, colour }
    }

    /// Prints the result.
    ///
    /// # Errors
    /// When it cannot be written, a reader that has gone (`| head`) excepted.
    pub(super) fn data(self, text: &str) -> Result<(), CliError> {
        let mut out = std::io::stdout().lock();
        let end = if text.ends_with('\n') { "" } else { "\n" };
        match write!(out, "{text}{end}").and_then(|()| out.flush()) {
            Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(CliError::new(ExitCode::Failure, format!("cannot write to standard output: {e}")))
            }
            _ => Ok(()),
        }
    }

    /// Prints a message. One that cannot be written has nowhere else to go.
    pub(super) fn note(self, text: &str) {
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    pub(super) fn warning(self, text: &str) {
        self.labelled("warning", "33", text);
    }

    pub(super) fn error(self, error: &CliError) {
        self.labelled("error", "31", &error.message);
        if let Some(hint) = &error.hint {
            self.note(&format!("  {hint}"));
        }
    }

    fn labelled(self, label: &str, ansi: &str, text: &str) {
        let label = if self.colour { format!("\u{1b}[1;{ansi}m{label}:\u{1b}[0m") } else { format!("{label}:") };
        // Each mistake of a configuration is a line of its own, which tools can parse: path:line:column.
        let break_or_space = if text.contains('\n') { '\n' } else { ' ' };
        self.note(&format!("{label}{break_or_space}{text}"));
    }
}

/// Prints what a server says at its start: for people on standard output, beside it where only JSON may stand there.
/// A start must not fail because nobody reads.
pub(crate) fn say(text: &dyn std::fmt::Display, json: bool) {
    let _ = if json { writeln!(std::io::stderr().lock(), "{text}") } else { writeln!(std::io::stdout().lock(), "{text}") };
}
