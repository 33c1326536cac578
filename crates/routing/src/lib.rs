//! Which endpoints a request may go to, in which order, and why not to the others.
//!
//! [`plan`] is a pure function of a snapshot of the catalog, of what is bound to a credential, of the request and
//! of a seed. It knows nothing of money, of time or of sending.

mod ask;
pub mod auto;
mod explain;
mod filter;
mod order;
mod plan;
mod refusal;
mod rule;

pub use ask::{Ask, Bind, Bindings, Health, NoFailures, SimulatorUse, Stats};
pub use explain::{CandidateView, QuoteView, ScoreView, candidates, detail, explain};
pub use plan::{Choice, NoEndpoint, OrderReason, Plan, Rejection, plan};
pub use rule::{Detail, Rule, Source};
