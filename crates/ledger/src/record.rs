//! The record of a generation: what finance, security and product ask for. Never content.

use portolan_core::{AccountId, Capabilities, Fault, GenerationId, KeyHash, Money, UnixMillis, Usage};
use serde::{Deserialize, Serialize};

use crate::End;

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// One entry of the journal. Written in this order for a generation; `Closed` exactly once.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// About to send: from here on money may be spent.
    Opened(Opened),
    /// About to send to another endpoint, with the hold extended.
    Extended(Opened),
    /// It ended.
    Closed(Box<Generation>),
}

/// What must survive a crash to charge an orphan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// The generation.
    pub id: GenerationId,
    /// When the request came.
    pub at: UnixMillis,
    /// The caller's key.
    pub key: KeyHash,
    /// The model of this attempt.
    pub model: String,
    /// The provider's slug.
    pub provider: String,
    /// The endpoint's tag.
    pub endpoint: String,
    /// The price version of this attempt.
    pub price_version: u64,
    /// What each account holds.
    pub held: Vec<(AccountId, Money)>,
    /// Whether the simulator answers.
    #[serde(default, skip_serializing_if = "is_default")]
    pub simulated: bool,
}

/// A generation that ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Generation {
    /// Its id.
    pub id: GenerationId,
    /// When the request came.
    pub at: UnixMillis,
    /// The caller's key.
    pub key: KeyHash,
    /// The caller's workspace.
    pub workspace: String,
    /// The models that were asked for, in order.
    pub requested: Vec<String>,
    /// The model that served (or was tried last).
    pub model: String,
    /// Its provider's slug.
    pub provider: String,
    /// The endpoint's tag.
    pub endpoint: String,
    /// Whether the caller asked for a stream.
    #[serde(default, skip_serializing_if = "is_default")]
    pub stream: bool,
    /// Whether the simulator answered.
    #[serde(default, skip_serializing_if = "is_default")]
    pub simulated: bool,
    /// How it ended.
    pub end: End,
    /// The HTTP status that the caller got (499: none, the caller was gone).
    pub status: u16,
    /// The normalised finish reason.
    #[serde(default, skip_serializing_if = "is_default")]
    pub finish: Option<String>,
    /// The provider's own finish reason.
    #[serde(default, skip_serializing_if = "is_default")]
    pub native_finish: Option<String>,
    /// Every attempt, in order.
    pub attempts: Vec<Attempt>,
    /// What the request needed of an endpoint.
    #[serde(default, skip_serializing_if = "is_default")]
    pub needs: Capabilities,
    /// The caller's routing preferences.
    #[serde(default, skip_serializing_if = "is_default")]
    pub preferences: Preferences,
    /// The candidates of the plan, for the explanation.
    #[serde(default, skip_serializing_if = "is_default")]
    pub candidates: Vec<Candidate>,
    /// The epoch of the snapshot (policy, catalog, keys) that decided.
    pub epoch: u64,
    /// The seed of the balancing.
    pub seed: u64,
    /// What was consumed.
    pub usage: Usage,
    /// What the providers will bill, over all attempts.
    pub cost: Money,
    /// What the billing table makes of it.
    pub charge: Money,
    /// The price version of the charge.
    pub price_version: u64,
    /// What each account held at the end.
    pub held: Vec<(AccountId, Money)>,
    /// What is unusual about it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub flags: Flags,
    /// How long it took.
    pub latency: Latency,
    /// The output bound that was sent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub max_tokens: Option<u64>,
    /// `X-Request-ID` or the trace id of `traceparent`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub trace_id: Option<String>,
    /// The application that called.
    #[serde(default, skip_serializing_if = "is_default")]
    pub app: App,
    /// The caller's end user.
    #[serde(default, skip_serializing_if = "is_default")]
    pub user: Option<String>,
    /// The caller's session.
    #[serde(default, skip_serializing_if = "is_default")]
    pub session: Option<String>,
    /// The caller's own tags (`metadata`).
    #[serde(default, skip_serializing_if = "is_default")]
    pub tags: Vec<(String, String)>,
}

/// One attempt.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Attempt {
    /// The model.
    pub model: String,
    /// The provider's slug.
    pub provider: String,
    /// The endpoint's tag.
    pub endpoint: String,
    /// `raw` or `translated`.
    pub lane: String,
    /// Why that lane.
    pub lane_reason: String,
    /// Parameters that the endpoint's dialect could not take.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dropped: Vec<String>,
    /// The provider's id of its answer.
    #[serde(default, skip_serializing_if = "is_default")]
    pub upstream_id: Option<String>,
    /// The provider's HTTP status.
    #[serde(default, skip_serializing_if = "is_default")]
    pub status: Option<u16>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "is_default")]
    pub fault: Option<Fault>,
    /// From the request's arrival to the start of this attempt, in milliseconds.
    pub started_ms: u32,
    /// How long it took, in milliseconds.
    pub took_ms: u32,
    /// What it consumed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub usage: Usage,
    /// What the provider will bill for it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cost: Money,
    /// The price version that it was priced by.
    pub price_version: u64,
}

/// One candidate of the plan, as codes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The model.
    pub model: String,
    /// The endpoint's tag.
    pub endpoint: String,
    /// Its place in the order, from 1; 0: rejected.
    #[serde(default, skip_serializing_if = "is_default")]
    pub order: u16,
    /// The rule that rejected it, or the reason for its place.
    pub rule: String,
    /// Where that rule comes from.
    #[serde(default, skip_serializing_if = "is_default")]
    pub source: String,
    /// The rule's detail.
    #[serde(default, skip_serializing_if = "is_default")]
    pub detail: String,
    /// The weight in the draw, in millionths.
    #[serde(default, skip_serializing_if = "is_default")]
    pub weight_ppm: u32,
}

/// Routing preferences as the caller stated them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Preferences {
    /// `provider.order`
    #[serde(default, skip_serializing_if = "is_default")]
    pub order: Vec<String>,
    /// `provider.only`
    #[serde(default, skip_serializing_if = "is_default")]
    pub only: Vec<String>,
    /// `provider.ignore`
    #[serde(default, skip_serializing_if = "is_default")]
    pub ignore: Vec<String>,
    /// `provider.allow_fallbacks: false`
    #[serde(default, skip_serializing_if = "is_default")]
    pub no_fallbacks: bool,
}

/// What is unusual about a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Flags {
    /// The usage is an estimate: the provider reported none, or was cancelled.
    #[serde(default, skip_serializing_if = "is_default")]
    pub estimated: bool,
    /// The usage that was reported made no sense in part.
    #[serde(default, skip_serializing_if = "is_default")]
    pub odd_usage: bool,
    /// It cost more than was held.
    #[serde(default, skip_serializing_if = "is_default")]
    pub over_hold: bool,
    /// The process ended before it did.
    #[serde(default, skip_serializing_if = "is_default")]
    pub orphaned: bool,
    /// The caller hung up and the provider's stream was read to its end.
    #[serde(default, skip_serializing_if = "is_default")]
    pub drained: bool,
    /// An unstated output limit was lowered to what was affordable.
    #[serde(default, skip_serializing_if = "is_default")]
    pub lowered_max_tokens: bool,
}

/// Durations of a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Latency {
    /// From the request's arrival to the first content, in milliseconds.
    #[serde(default, skip_serializing_if = "is_default")]
    pub first_token_ms: Option<u32>,
    /// From the request's arrival to the end, in milliseconds.
    pub total_ms: u32,
    /// The gateway's own part until the first attempt was sent, in microseconds.
    pub gateway_us: u32,
}

/// The application that called.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct App {
    /// `HTTP-Referer`
    #[serde(default, skip_serializing_if = "is_default")]
    pub referer: Option<String>,
    /// `X-OpenRouter-Title` or `X-Title`
    #[serde(default, skip_serializing_if = "is_default")]
    pub title: Option<String>,
    /// `X-OpenRouter-Categories`
    #[serde(default, skip_serializing_if = "is_default")]
    pub categories: Vec<String>,
}
