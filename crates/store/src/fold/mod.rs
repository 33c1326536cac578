//! The fold: closed generations go from the journal into the database, each exactly once.
//!
//! One thread owns the writing connection. It is handed what the journal has written, in order, and never
//! makes the journal wait: when its inbox is full the rest stays in the file, and it reads it there. The
//! cursor moves in the transaction that inserts the rows, and a generation that is there already is passed
//! over, so that any part of the journal can be folded again.

mod inbox;
mod item;
mod recover;
mod worker;

pub use item::ended_at;

pub(crate) use inbox::{Batch, Inbox};
pub(crate) use item::{Encoded, Item, Row};
pub(crate) use recover::recover;
pub(crate) use worker::Worker;
