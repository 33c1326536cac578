//! Errors as OpenRouter's clients expect them.

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use portolan_engine::{Refused, Rule};
use portolan_tenancy::Denied;

/// No parameter of ours has a longer name; of others the text of the error says enough.
const PARAMETER_CHARS_MAX: usize = 40;

/// An error answer.
#[derive(Debug)]
pub struct ApiError(Refused);

impl ApiError {
    /// The refusal behind it.
    #[must_use]
    pub fn refused(&self) -> &Refused {
        &self.0
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        Self(refused)
    }
}

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        let refused = Refused::new(401, "authentication", denied.to_string());
        Self::from(match denied {
            Denied::Unknown => refused,
            Denied::Disabled => refused.by(Rule::KeyDisabled),
            Denied::Expired => refused.by(Rule::KeyExpired),
        })
    }
}

impl From<QueryRejection> for ApiError {
    fn from(rejection: QueryRejection) -> Self {
        // "Failed to deserialize query string: <parameter>: <what is wrong>", or "...: duplicate field `<parameter>`"
        let text = rejection.body_text();
        let said = text.split_once(": ").map_or(text.as_str(), |(_, said)| said);
        let name = said.split_once(": ").map(|(name, _)| name).or_else(|| said.split('`').nth(1));
        match name.filter(|name| name.len() <= PARAMETER_CHARS_MAX && !name.contains(|c: char| c.is_whitespace() || c.is_control())) {
            Some(name) => Refused::field(name, said).into(),
            None => Refused::new(400, "invalid_request", text).into(),
        }
    }
}

impl From<PathRejection> for ApiError {
    fn from(rejection: PathRejection) -> Self {
        Refused::new(400, "invalid_request", rejection.body_text()).into()
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(self.0.body())).into_response();
        if let Some(seconds) = self.0.retry_after_seconds() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
