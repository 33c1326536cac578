//! `POST /keys`: makes a key; its secret is in this answer only.

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use portolan_tenancy::NewKey;

use crate::{ControlError, ControlState};

pub(crate) async fn create(State(state): State<ControlState>, body: Bytes) -> Result<Response, ControlError> {
    let new = NewKey::parse(&body, state.clock.now())?;
    let (made, key) = state.keys.create(new).await?;
    Ok(super::secret(StatusCode::CREATED, &made, &key))
}
