//! The journal: the truth about what was opened and what ended.
//!
//! One line per entry, in segments: `crc32 of the JSON, in hex`, a space, the JSON, a newline. Entries that
//! come while a write is under way go together in the next one; there is no timer. A write that fails poisons
//! the journal: nothing is acknowledged any more, for nobody knows what is on the disk until a restart reads it.

mod append;
mod line;
mod read;
mod segment;
mod writer;

pub use append::Append;
pub use writer::Journal;

pub(crate) use line::Line;
pub(crate) use read::{Tail, read};
pub(crate) use segment::{Position, Segments, delete_before, list as segments, path as segment_path};
