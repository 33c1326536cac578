//! `POST /keys/{hash}/rotate`: a new secret for the same key. The old one stops at once. (Ours, not OpenRouter's.)

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;

use crate::{ControlError, ControlState};

pub(crate) async fn rotate(State(state): State<ControlState>, Path(hash): Path<String>) -> Result<Response, ControlError> {
    let (rotated, key) = state.keys.rotate(super::hash(&hash)?).await?;
    Ok(super::secret(StatusCode::OK, &rotated, &key))
}
