//! What can be set about the engine, with the defaults of the configuration.

use std::time::Duration;

use portolan_core::Area;

/// A limit on each phase of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// From sending to the first content, per attempt.
    pub first_token: Duration,
    /// Between two frames.
    pub idle: Duration,
    /// The whole request, all attempts together.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { first_token: Duration::from_secs(30), idle: Duration::from_secs(60), total: Duration::from_secs(600) }
    }
}

/// Settings of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The phases' limits.
    pub timeouts: Timeouts,
    /// How often a waiting stream gets a comment, so that proxies between do not give it up.
    pub keep_alive: Duration,
    /// How long an abandoned stream is read on for its usage.
    pub drain_max: Duration,
    /// Where this instance stands.
    pub here: Option<Area>,
    /// The area that every request is confined to.
    pub confine: Option<Area>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            timeouts: Timeouts::default(),
            keep_alive: Duration::from_secs(10),
            drain_max: Duration::from_secs(60),
            here: None,
            confine: None,
        }
    }
}
