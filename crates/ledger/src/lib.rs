//! Money: price a usage, quote a request, hold, extend, settle, release; and the record of what happened.
//!
//! Two-phase, as in a ledger: a hold is pending until it is settled (posted) or released (voided).
//! The state machine is synchronous and knows no clock, store or lock: it works on accounts that the
//! caller has locked, in the order of their ids, and only it can make a [`Held`], which sending needs.

mod account;
mod billing;
mod hold;
mod price;
mod record;

pub use account::{Account, AccountState, Limit, Refusal, Spend};
pub use billing::{End, charge};
pub use hold::{Held, Quote};
pub use price::{Bound, Cost, cost, worst_case};
pub use record::{App, Attempt, Candidate, Entry, Flags, Generation, Latency, Opened, RouterChoice};
