//! `GET /key`, and its old name `GET /auth/key`

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use portolan_tenancy::CurrentKeyView;
use serde_json::json;

use crate::Gateway;
use crate::auth::Authenticated;

pub(crate) async fn current(State(gateway): State<Arc<Gateway>>, Authenticated(caller): Authenticated) -> Response {
    let spent = gateway.directory.spent(&caller.key);
    let view = CurrentKeyView::of(&caller.key, &spent, gateway.engine.clock().now());
    axum::Json(json!({ "data": view })).into_response()
}
