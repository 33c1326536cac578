//! `/keys`

mod create;
mod delete;
mod get;
mod list;
mod rotate;
mod update;

pub(crate) use create::create;
pub(crate) use delete::delete;
pub(crate) use get::get;
pub(crate) use list::list;
pub(crate) use rotate::rotate;
pub(crate) use update::update;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use portolan_core::{ApiKey, ExposeSecret, KeyHash};
use portolan_tenancy::{Invalid, KeyState, KeyView};
use serde::Serialize;

use crate::ControlError;

/// A key.
#[derive(Serialize)]
pub(crate) struct Shown {
    data: KeyView,
}

/// A key and its secret, in the one answer that ever holds it.
#[derive(Serialize)]
struct Secret<'a> {
    data: KeyView,
    key: &'a str,
}

fn view(state: &KeyState) -> KeyView {
    KeyView::of(&state.key, &state.spent)
}

fn shown(state: &KeyState) -> Json<Shown> {
    Json(Shown { data: view(state) })
}

fn secret(status: StatusCode, state: &KeyState, key: &ApiKey) -> Response {
    let body = Json(Secret { data: view(state), key: key.expose_secret() });
    (status, [(http::header::CACHE_CONTROL, "no-store")], body).into_response()
}

fn hash(text: &str) -> Result<KeyHash, ControlError> {
    let wrong = || Invalid::field("hash", "must be the 64 hexadecimal digits that a list of the keys shows");
    KeyHash::parse(text).ok_or_else(|| wrong().into())
}
