//! Why a body is refused.

use crate::json::{JsonError, Kind};

/// Why a body is refused: always the caller's to mend, always a 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeekError {
    /// No JSON.
    #[error("the request body is not valid JSON: {0}")]
    Syntax(#[from] JsonError),
    /// A field has a value that it cannot have.
    #[error("{field}: {problem}")]
    Invalid {
        /// The path of the field: `messages[3].content`.
        field: String,
        /// What is wrong with it, and what would be right.
        problem: String,
    },
    /// A field asks for something that this gateway does not do, and that must not be skipped silently.
    #[error("{field}: {problem}")]
    NotSupported {
        /// The path of the field.
        field: String,
        /// What is not supported, and what to do instead.
        problem: String,
    },
}

impl PeekError {
    pub(crate) fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), problem: problem.into() }
    }

    pub(crate) fn not_supported(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::NotSupported { field: field.into(), problem: problem.into() }
    }

    /// The field that is at fault, where it is one.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        match self {
            PeekError::Syntax(_) => None,
            PeekError::Invalid { field, .. } | PeekError::NotSupported { field, .. } => Some(field),
        }
    }

    /// The rule as errors name it.
    #[must_use]
    pub fn rule(&self) -> &'static str {
        match self {
            PeekError::NotSupported { .. } => "not_supported",
            PeekError::Syntax(_) | PeekError::Invalid { .. } => "invalid_request",
        }
    }
}

/// The word for a kind of value in an error.
pub(super) fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::String => "a string",
        Kind::Number => "a number",
        Kind::Bool => "a boolean",
        Kind::Null => "null",
        Kind::Object => "an object",
        Kind::Array => "an array",
    }
}
