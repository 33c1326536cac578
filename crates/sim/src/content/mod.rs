//! What an answer says, before any dialect writes it: parts, pieces of text, and what each costs.

mod compose;
mod schema;
mod script;
mod signature;
mod text;

pub(crate) use compose::compose;
pub(crate) use script::{Finish, Part, Script};
pub(crate) use signature::{is_redacted, is_signed, sign};
