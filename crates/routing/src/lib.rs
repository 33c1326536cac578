//! Which endpoints a request may go to, in which order, and why not to the others.
//!
//! [`plan`] is a pure function of a snapshot of the catalog, of what is bound to a credential, of the request and
//! of a seed. It knows nothing of money, of time or of sending.

mod ask;
pub mod auto;
mod contradiction;
mod detail;
mod explain;
mod filter;
mod names;
mod order;
mod plan;
mod policy;
mod refusal;
mod rule;
mod variant;
mod why;

pub use ask::{Ask, Bind, Bindings, Health, NoFailures, SimulatorUse, Standing, Stats};
pub use detail::{detail, notes};
pub use explain::{CandidateView, QuoteView, ScoreView, explain};
pub use names::canonical;
pub use plan::{Choice, NoEndpoint, OrderReason, Plan, Rejection, plan};
pub use policy::Policy;
pub use refusal::{Constraint, Excluded};
pub use rule::{DataFlaw, Detail, PriceOf, Rule, Source};
pub use variant::Variant;
