//! Where a value comes from, and what is wrong with it.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Built in.
    Default,
    /// The configuration file.
    File {
        /// Its path, as it was found.
        path: Arc<str>,
        /// Counted from 1.
        line: usize,
        /// In characters, counted from 1.
        column: usize,
    },
    /// An environment variable.
    Env(String),
    /// A flag of the command line.
    Flag(&'static str),
}

impl Origin {
    pub(super) fn is_env(&self) -> bool {
        matches!(self, Origin::Env(_))
    }
}

/// As `config show --origin` prints it: `default`, `portolan.toml:12`, `env NAME`, `flag --listen`.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File { path, line, .. } => write!(f, "{path}:{line}"),
            Origin::Env(name) => write!(f, "env {name}"),
            Origin::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

/// One mistake of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Problem {
    /// Where it stands.
    pub(crate) origin: Origin,
    /// The setting, as a dotted path. Empty where the file is no TOML.
    pub(crate) key: String,
    /// What is wrong, and what to do about it. Never a secret.
    pub(crate) message: String,
}

impl Problem {
    pub(crate) fn new(origin: Origin, key: impl Into<String>, message: impl Into<String>) -> Self {
        Self { origin, key: key.into(), message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::Default => {}
            Origin::File { path, line, column } => write!(f, "{path}:{line}:{column}: ")?,
            other => write!(f, "{other}: ")?,
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

/// All that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) struct ConfigError {
    /// At least one.
    pub(crate) problems: Vec<Problem>,
    /// What was noticed besides.
    pub(crate) warnings: Vec<String>,
}

impl ConfigError {
    /// The problems down the file, then the rest in the order in which they were found.
    pub(crate) fn new(mut problems: Vec<Problem>, warnings: Vec<String>) -> Self {
        problems.sort_by_key(|problem| match problem.origin {
            Origin::File { line, column, .. } => (line, column),
            _ => (usize::MAX, 0),
        });
        Self { problems, warnings }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.problems.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}
