//! The provider simulator: an upstream that speaks real wire dialects, with scripted content, usage, latency and faults, and
//! keeps a ledger of what it truly served.
//!
//! It refuses to know the gateway's codecs: every byte comes from templates of its own, and its tests hold those against
//! recordings of real providers. A mistake shared by both sides would cancel out and be seen by nobody.
//!
//! - [`Sim`] serves connections: in process over a duplex stream, or as a server over TCP. `Sim::serve` and
//!   `Sim::serve_connection` are the same code.
//! - The *shape* of an answer is asked for by the model's name or by a header; [`shapes_help`] prints the grammar.
//! - The ledger ([`LedgerView`]) is the ground truth for accounting proofs, joined by the response id.
//! - It checks what it is sent as the real providers do (and says 400), so that a wrong translation is found here.

mod content;
mod dialect;
mod ledger;
mod random;
mod serve;
mod shape;
mod usage;

pub use ledger::{End, LedgerView, ServedRequest, Totals};
pub use serve::{Sim, SimOptions};
pub use shape::shapes_help;
