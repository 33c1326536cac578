//! A validating JSON reader that makes no copy: one pass, positions instead of values.
//!
//! The reader goes forward only. Whoever drives it visits the few members that matter and skips the
//! rest; what is skipped is validated all the same: syntax, escapes, control characters, depth.
//! Numbers are checked by their grammar and never computed, so `1e999999` is a number here.
//! A lone surrogate (`\ud800`) is valid syntax; [`Text::decode`] answers U+FFFD for it.
//!
//! Strings are found 64 bytes at a time by comparing vectors. `docs/performance.md` holds the
//! measurements against `serde_json` and `sonic-rs`; `examples/json_speed.rs` makes them.

mod error;
mod reader;
mod scan;
#[cfg(test)]
mod tests;
mod text;
mod vectors;
mod write;

pub use error::JsonError;
pub use reader::{DEPTH_MAX, Kind, Reader, utf8};
pub use text::{Text, quote};
pub use write::Writer;
