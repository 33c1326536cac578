//! The data plane's HTTP: one route per task and dialect, the shapes of OpenRouter's answers, the servers.
//!
//! Handlers authenticate, parse and present; what happens in between is the engine's.

#![recursion_limit = "256"] // for the 44 fields of a generation in one `json!`

mod auth;
mod body;
mod error;
mod headers;
mod router;
mod routes;
mod server;

pub use error::ApiError;
pub use router::{Api, Gateway, Readiness};
pub use routes::explain::explain_for;
pub use server::{ServerLimits, serve};
