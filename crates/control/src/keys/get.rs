//! `GET /keys/{hash}`: one key.

use axum::Json;
use axum::extract::{Path, State};

use super::Shown;
use crate::{ControlError, ControlState};

pub(crate) async fn get(State(state): State<ControlState>, Path(hash): Path<String>) -> Result<Json<Shown>, ControlError> {
    let found = state.keys.get(super::hash(&hash)?).await?;
    Ok(super::shown(&found))
}
