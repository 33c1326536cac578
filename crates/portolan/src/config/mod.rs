//! The configuration: file, environment and flags become one typed, immutable [`Config`].
//!
//! Read in layers (defaults, file, environment, flags; the later wins), checked as a whole: whoever
//! loads gets a configuration without mistakes, or all the mistakes at once. This module reads the
//! file and the files that `${file:...}` names. It opens no socket and no store, and knows no row of the
//! catalog: what it needs of the built-in providers is passed in as [`BuiltinProvider`]s.

mod check;
mod choices;
mod environment;
mod interpolate;
mod keys;
mod load;
mod nearest;
mod overrides;
mod paths;
mod problem;
mod providers;
mod reader;
mod sections;
mod setting;
mod settings;
mod tree;
mod values;

#[cfg(test)]
mod tests;

pub(crate) use choices::{JournalSync, LiveSource, LogFormat, Profile, Simulator};
pub(crate) use environment::Environment;
pub(crate) use keys::BuiltinProvider;
pub(crate) use load::{Flags, load};
pub(crate) use nearest::nearest;
pub(crate) use problem::{ConfigError, Origin, Problem};
pub(crate) use settings::{Config, Logging, ModelSettings, ProviderSettings};
