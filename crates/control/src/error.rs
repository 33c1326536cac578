//! Errors in OpenRouter's shape: `{"error": {"code", "message", "metadata"}}`.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use portolan_store::StoreError;
use portolan_tenancy::{AdminError, Invalid};
use serde_json::json;

/// Why a management request was refused.
#[derive(Debug)]
pub enum ControlError {
    /// The request is wrong; names the field and the remedy.
    Invalid(Invalid),
    /// There is no such thing.
    NotFound(String),
    /// Our own fault. What it was is logged, not told.
    Internal,
}

impl From<Invalid> for ControlError {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

impl From<AdminError> for ControlError {
    fn from(error: AdminError) -> Self {
        match error {
            AdminError::NotFound(_) => Self::NotFound(error.to_string()),
            AdminError::Invalid(invalid) => Self::Invalid(invalid),
            AdminError::Store(source) => {
                tracing::error!(error = %source, "a key could not be read or changed");
                Self::Internal
            }
        }
    }
}

impl From<StoreError> for ControlError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a record could not be read");
        Self::Internal
    }
}

impl IntoResponse for ControlError {
    fn into_response(self) -> Response {
        let (status, message, field) = match self {
            Self::Invalid(Invalid { field, message }) => (StatusCode::BAD_REQUEST, message, field),
            Self::NotFound(message) => (StatusCode::NOT_FOUND, message, None),
            Self::Internal => {
                (StatusCode::INTERNAL_SERVER_ERROR, "the change could not be made; try again, the log says more".to_owned(), None)
            }
        };
        let mut error = json!({ "code": status.as_u16(), "message": message });
        if let Some(field) = field {
            error["metadata"] = json!({ "field": field });
        }
        (status, Json(json!({ "error": error }))).into_response()
    }
}
