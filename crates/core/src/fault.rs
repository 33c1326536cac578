//! What went wrong with an attempt: whose fault, of what class, and whether another try makes sense.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Whose fault it is. Only the upstream's counts against an endpoint's health.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The request is wrong, or the caller went away.
    Caller,
    /// This gateway.
    Gateway,
    /// The provider, or the way to it.
    Upstream,
}

/// The class of a fault. Names follow OpenRouter's `error_type` vocabulary where it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// 400: the provider calls the request invalid.
    InvalidRequest,
    /// 400: too many tokens for the context.
    ContextLengthExceeded,
    /// 400 or 403: the content is not allowed there.
    ContentPolicyViolation,
    /// 401 or 403 from the provider: our credential is refused. The caller can do nothing about it.
    CredentialRefused,
    /// 402 or a spent quota at the provider.
    CredentialExhausted,
    /// 404: the provider does not know the model.
    NotFound,
    /// 413.
    PayloadTooLarge,
    /// 429.
    RateLimitExceeded,
    /// 503 or 529.
    ProviderOverloaded,
    /// 5xx, no connection, a broken connection, an error event.
    ProviderUnavailable,
    /// The provider answered with something that is not its dialect.
    InvalidAnswer,
    /// A phase took too long: connecting, the first token, the pause between tokens, the whole.
    Timeout,
    /// The gateway refuses to open this connection (egress rules).
    EgressRefused,
    /// The caller hung up.
    CallerGone,
    /// The gateway is shutting down.
    Draining,
    /// A fault of our own.
    Internal,
}

/// Whether and where to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// Nowhere: every endpoint would answer the same.
    Never,
    /// At the same endpoint, after a pause.
    SameEndpoint,
    /// At the next endpoint of the plan.
    NextEndpoint,
}

/// A failed attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// Whose fault.
    pub origin: Origin,
    /// Of what kind.
    pub class: Class,
    /// What to do.
    pub retry: Retry,
    /// The provider's HTTP status, where it answered one.
    pub status: Option<u16>,
    /// The provider's own code, where it gave one.
    pub provider_code: Option<String>,
    /// What happened; holds no credential (providers echo keys: they are masked before this is made).
    pub message: String,
    /// How long the provider asked us to wait.
    pub retry_after: Option<Duration>,
}

impl Fault {
    /// A fault without a provider's answer.
    #[must_use]
    pub fn new(origin: Origin, class: Class, retry: Retry, message: impl Into<String>) -> Self {
        Self { origin, class, retry, status: None, provider_code: None, message: message.into(), retry_after: None }
    }
}

impl Class {
    /// OpenRouter's `error.metadata.error_type` for this class.
    #[must_use]
    pub fn error_type(self) -> &'static str {
        match self {
            Class::InvalidRequest => "invalid_request",
            Class::ContextLengthExceeded => "context_length_exceeded",
            Class::ContentPolicyViolation => "content_policy_violation",
            Class::NotFound => "not_found",
            Class::PayloadTooLarge => "payload_too_large",
            Class::RateLimitExceeded => "rate_limit_exceeded",
            Class::ProviderOverloaded => "provider_overloaded",
            Class::Timeout => "timeout",
            Class::CredentialRefused
            | Class::CredentialExhausted
            | Class::ProviderUnavailable
            | Class::InvalidAnswer
            | Class::EgressRefused => "provider_unavailable",
            Class::CallerGone | Class::Draining | Class::Internal => "server",
        }
    }

    /// The HTTP status that the caller sees for this class.
    #[must_use]
    pub fn http_status(self) -> u16 {
        match self {
            Class::InvalidRequest | Class::ContextLengthExceeded | Class::ContentPolicyViolation => 400,
            Class::PayloadTooLarge => 413,
            Class::RateLimitExceeded => 429,
            Class::ProviderOverloaded | Class::Draining => 503,
            Class::Timeout => 504,
            Class::NotFound
            | Class::CredentialRefused
            | Class::CredentialExhausted
            | Class::ProviderUnavailable
            | Class::InvalidAnswer
            | Class::EgressRefused => 502,
            Class::CallerGone => 499,
            Class::Internal => 500,
        }
    }
}
