//! From an endpoint's bytes to the caller's: what the engine drives, whatever the lane.
//!
//! Knows nothing of sockets, of time or of money beyond printing it. The engine pushes the bytes as they
//! come, holds back what is appended until [`Seen::content`], settles, and then asks for the end.

mod body;
mod drive;
mod raw;
mod schema;
mod seen;
mod stray;
mod tap;
mod tools;
mod translated;

pub use drive::{BODY_BYTES_MAX, Relay};
pub use seen::{Bill, RelaySpec, Seen};
pub use tools::ToolCalls;

pub(crate) use seen::NAME_BYTES_MAX;
pub(crate) use tools::Gathered;
