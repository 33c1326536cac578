//! Which model answers a request for `openrouter/auto` or `openrouter/free`.
//!
//! [`route`] judges the prompt ([`classify`]: a task, and how hard it is), takes the models that the request allows and that can serve it
//! ([`Market::candidates`]), and ranks them ([`choose`]): the cheapest that is strong enough comes first. All of it is a pure function of
//! the request and of the snapshot, and takes some tens of microseconds. The method and its figures: `docs/auto-router.md`.

mod candidates;
mod choose;
mod classify;
mod cues;
mod explain;
mod features;
mod knob;
mod pattern;
mod plugin;
mod route;
mod scan;
mod strength;
mod task;
mod view;
mod weights;

pub use candidates::{AutoCandidate, Market, is_judge};
pub use choose::{Ranking, choose};
pub use classify::{Judgement, classify};
pub use explain::{ModelView, RouterView, explain};
pub use features::Features;
pub use knob::{CostTier, Knob, TRADEOFF_MAX};
pub use pattern::{PATTERN_CHARACTERS_MAX, PATTERNS_CHARACTERS_MAX, PATTERNS_MAX, covers};
pub use plugin::AutoPlugin;
pub use route::{MODELS_MAX, Routed, Router, free, route};
pub use strength::{default_set, strength};
pub use task::TaskKind;
pub use view::PromptView;
pub use weights::{Weights, WeightsError};
