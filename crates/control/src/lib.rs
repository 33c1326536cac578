//! The management endpoints, in OpenRouter's shapes: one file each.
//!
//! Knows neither SQL nor the engine: keys are changed through [`portolan_tenancy::KeyAdmin`], records are
//! read from the store. Who may call is decided before: today by the mode of the admin socket.

mod error;
mod generations;
mod keys;
mod state;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

pub use error::ControlError;
pub use state::ControlState;

/// A request about a key has some hundred bytes.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// All management endpoints. Paths begin at the root: nest it where it is served.
pub fn router(state: ControlState) -> Router {
    Router::new()
        .route("/keys", post(keys::create).get(keys::list))
        .route("/keys/{hash}", get(keys::get).patch(keys::update).delete(keys::delete))
        .route("/keys/{hash}/rotate", post(keys::rotate))
        .route("/generations/{id}", get(generations::get))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(state)
}
