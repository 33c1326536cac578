//! Exit codes, and the errors that lead to them.

use http::StatusCode;
use serde_json::Value;

use crate::config::ConfigError;

/// What the process ends with. The numbers are an interface: scripts rely on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum ExitCode {
    /// Done.
    Ok = 0,
    /// Anything without a code of its own.
    Failure = 1,
    /// Wrong arguments, or a request that was refused as malformed.
    Usage = 2,
    /// A wrong configuration.
    Config = 3,
    /// Not authenticated, or not allowed.
    Authentication = 4,
    /// No such thing.
    NotFound = 5,
    /// It exists already, or is in use.
    Conflict = 6,
    /// A budget or a rate limit.
    Limit = 7,
    /// A guardrail refused.
    Guardrail = 8,
    /// A provider failed.
    Provider = 9,
    /// The server is not ready.
    Unhealthy = 10,
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}

/// Why a command failed, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct CliError {
    pub(crate) code: ExitCode,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl CliError {
    /// An error with its code.
    pub(crate) fn new(code: ExitCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None }
    }

    /// The same, with what to do next.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What a refused request says.
    pub(crate) fn refused(status: StatusCode, body: &Value) -> Self {
        let error = &body["error"];
        let message = error["message"].as_str().map_or_else(|| format!("the server answered {status}"), str::to_owned);
        let rule = error["metadata"]["rule"].as_str();
        Self::new(code_of(status, rule), message)
    }
}

/// The rule is more exact than the status: a member's budget answers 403, as a wrong key may.
fn code_of(status: StatusCode, rule: Option<&str>) -> ExitCode {
    match (status.as_u16(), rule) {
        (_, Some("budget_exhausted" | "budget_in_flight" | "unbounded_cost" | "rate_limit")) => ExitCode::Limit,
        (_, Some("content_filter")) => ExitCode::Guardrail,
        (400 | 413 | 415 | 422, _) => ExitCode::Usage,
        (401 | 403, _) => ExitCode::Authentication,
        (404, _) => ExitCode::NotFound,
        (409 | 412, _) => ExitCode::Conflict,
        (402 | 429, _) => ExitCode::Limit,
        (502 | 504, _) => ExitCode::Provider,
        (503, _) => ExitCode::Unhealthy,
        _ => ExitCode::Failure,
    }
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        Self::new(ExitCode::Config, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_mapped_by_its_rule_then_by_its_status() {
        let cases = [
            (400, None, 2),
            (401, None, 4),
            (403, None, 4),
            (403, Some("budget_exhausted"), 7),
            (403, Some("content_filter"), 8),
            (404, None, 5),
            (409, None, 6),
            (402, None, 7),
            (429, Some("rate_limit"), 7),
            (502, None, 9),
            (503, None, 10),
            (500, None, 1),
        ];
        for (status, rule, code) in cases {
            let body = serde_json::json!({ "error": { "code": status, "message": "no", "metadata": { "rule": rule } } });
            let error = CliError::refused(StatusCode::from_u16(status).unwrap(), &body);
            assert_eq!((error.code as u8, error.message.as_str()), (code, "no"), "{status} {rule:?}");
        }
        assert_eq!(CliError::refused(StatusCode::BAD_GATEWAY, &Value::Null).message, "the server answered 502 Bad Gateway");
    }
}
