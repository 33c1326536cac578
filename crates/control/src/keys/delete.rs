//! `DELETE /keys/{hash}`: ends a key. Its records stay.

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;

use crate::{ControlError, ControlState};

#[derive(Serialize)]
pub(crate) struct Deleted {
    deleted: bool,
}

pub(crate) async fn delete(State(state): State<ControlState>, Path(hash): Path<String>) -> Result<Json<Deleted>, ControlError> {
    state.keys.delete(super::hash(&hash)?).await?;
    Ok(Json(Deleted { deleted: true }))
}
