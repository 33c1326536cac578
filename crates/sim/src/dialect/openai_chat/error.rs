//! Errors in OpenAI's shape.

use serde_json::{Value, json};

use crate::dialect::Problem;

pub(crate) fn error(problem: &Problem) -> Value {
    let (kind, code) = match problem.status {
        401 => ("invalid_request_error", Some("invalid_api_key")),
        403 => ("invalid_request_error", Some("unsupported_country_region_territory")),
        404 => ("invalid_request_error", Some("model_not_found")),
        402 => ("insufficient_quota", Some("insufficient_quota")),
        429 => ("requests", Some("rate_limit_exceeded")),
        400..500 => ("invalid_request_error", None),
        _ => ("server_error", None),
    };
    json!({"error": {"message": problem.message, "type": kind, "param": problem.param, "code": problem.code.or(code)}})
}

pub(crate) fn wrong_key(credential: &str) -> Problem {
    Problem::status(401, format!("Incorrect API key provided: {credential}."))
}

pub(crate) fn missing_key() -> Problem {
    Problem::status(401, "You didn't provide an API key: expected 'Authorization: Bearer YOUR_KEY'.")
}
