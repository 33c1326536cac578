//! What is wrong with a text that is no JSON.

/// Where and why a text is no JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {at}")]
pub struct JsonError {
    /// What was found or missing.
    pub what: &'static str,
    /// The offset in the body.
    pub at: usize,
}

impl JsonError {
    pub(super) fn new(what: &'static str, at: usize) -> Self {
        Self { what, at }
    }
}
