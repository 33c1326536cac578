//! `PATCH /keys/{hash}`: changes a key; what is absent stays, `null` clears.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use portolan_tenancy::KeyPatch;

use super::Shown;
use crate::{ControlError, ControlState};

pub(crate) async fn update(State(state): State<ControlState>, Path(hash): Path<String>, body: Bytes) -> Result<Json<Shown>, ControlError> {
    let patch = KeyPatch::parse(&body, state.clock.now())?;
    let changed = state.keys.update(super::hash(&hash)?, patch).await?;
    Ok(super::shown(&changed))
}
