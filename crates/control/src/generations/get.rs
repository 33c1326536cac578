//! `GET /generations/{id}`: the whole record of a generation, with all it holds. (Ours; OpenRouter's shape is `GET /generation`.)

use axum::Json;
use axum::extract::{Path, State};
use portolan_core::GenerationId;
use portolan_tenancy::Invalid;
use serde::Serialize;
use serde_json::Value;

use crate::{ControlError, ControlState};

#[derive(Serialize)]
pub(crate) struct Shown {
    data: Value,
}

pub(crate) async fn get(State(state): State<ControlState>, Path(id): Path<String>) -> Result<Json<Shown>, ControlError> {
    let id = GenerationId::parse(&id).map_err(|e| Invalid::field("id", format_args!("is wrong: {e}")))?;
    let missing =
        || ControlError::NotFound(format!("there is no generation {id}; it may be open still, look again when its response has ended"));
    let data = state.store.generation(&id).await?.ok_or_else(missing)?;
    Ok(Json(Shown { data: data.readable() }))
}
