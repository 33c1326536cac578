//! Errors in Anthropic's shape.

use serde_json::{Value, json};

use crate::dialect::Problem;

pub(crate) fn error(problem: &Problem, request_id: &str) -> Value {
    let kind = match problem.status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        529 => "overloaded_error",
        400..500 => "invalid_request_error",
        _ => "api_error",
    };
    let message = match &problem.param {
        Some(param) => format!("{param}: {}", problem.message),
        None => problem.message.clone(),
    };
    json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": request_id})
}

pub(crate) fn wrong_key(credential: &str) -> Problem {
    Problem::status(401, format!("invalid x-api-key: {credential}"))
}

pub(crate) fn missing_key() -> Problem {
    Problem::status(401, "x-api-key header is required")
}
