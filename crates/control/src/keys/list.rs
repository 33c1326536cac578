//! `GET /keys`: a page of keys, the newest first.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Query, State};
use portolan_tenancy::{Invalid, KeyFilter, KeyView};
use serde::Serialize;

use crate::{ControlError, ControlState};

#[derive(Serialize)]
pub(crate) struct Listed {
    data: Vec<KeyView>,
}

pub(crate) async fn list(
    State(state): State<ControlState>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Json<Listed>, ControlError> {
    let keys = state.keys.list(filter(&query)?).await?;
    Ok(Json(Listed { data: keys.iter().map(super::view).collect() }))
}

fn filter(query: &HashMap<String, String>) -> Result<KeyFilter, Invalid> {
    let offset = match text(query, "offset") {
        None => 0,
        Some(number) => number.parse().map_err(|_| Invalid::field("offset", "must be a whole number, how many keys to pass over"))?,
    };
    Ok(KeyFilter {
        include_disabled: flag(query, "include_disabled")?,
        include_expired: flag(query, "include_expired")?,
        offset,
        workspace_id: text(query, "workspace_id").map(str::to_owned),
    })
}

/// An empty value is an absent one: clients send both for what was not set.
fn text<'a>(query: &'a HashMap<String, String>, name: &str) -> Option<&'a str> {
    query.get(name).map(String::as_str).filter(|value| !value.is_empty())
}

fn flag(query: &HashMap<String, String>, name: &'static str) -> Result<bool, Invalid> {
    match text(query, name) {
        None | Some("false" | "0") => Ok(false),
        Some("true" | "1") => Ok(true),
        Some(_) => Err(Invalid::field(name, "must be true or false")),
    }
}
