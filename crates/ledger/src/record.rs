//! The record of a generation: what finance, security and product ask for. Never content.
//!
//! On disk its names are short, for it is written twice for every request; [`Generation::readable`] gives
//! them back for people.

use std::borrow::Cow;
use std::sync::Arc;

use portolan_core::{AccountId, Capabilities, Fault, GenerationId, KeyHash, Money, Preferences, Price, UnixMillis, Usage, WorkspaceId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::End;

/// The names on disk, and what they stand for. One short name stands for one long name in every structure.
const NAMES: &[(&str, &str)] = &[
    ("t", "at"),
    ("a", "attempts"),
    ("c", "candidates"),
    ("ch", "charge"),
    ("cl", "ceiling_percent"),
    ("co", "cost"),
    ("cp", "price"),
    ("cx", "complexity_ppm"),
    ("d", "detail"),
    ("dr", "dropped"),
    ("e", "endpoint"),
    ("ep", "epoch"),
    ("fa", "fault"),
    ("f", "finish"),
    ("fr", "failed_recently"),
    ("ft", "first_token_ms"),
    ("fl", "flags"),
    ("gw", "gateway_us"),
    ("h", "held"),
    ("k", "key"),
    ("kp", "kept"),
    ("la", "lane"),
    ("lr", "lane_reason"),
    ("l", "latency"),
    ("mt", "max_tokens"),
    ("m", "model"),
    ("nf", "native_finish"),
    ("n", "needs"),
    ("o", "order"),
    ("pb", "probes"),
    ("pr", "preferences"),
    ("pv", "price_version"),
    ("p", "provider"),
    ("ro", "routed"),
    ("rq", "requested"),
    ("rt", "router"),
    ("r", "rule"),
    ("sd", "seed"),
    ("se", "session"),
    ("sg", "strength_ppm"),
    ("sim", "simulated"),
    ("so", "source"),
    ("sv", "served_model"),
    ("sp", "served_provider"),
    ("sk", "sticky"),
    ("sm", "started_ms"),
    ("s", "status"),
    ("st", "stream"),
    ("tg", "tags"),
    ("tk", "task"),
    ("tm", "took_ms"),
    ("tt", "total_ms"),
    ("ti", "trace_id"),
    ("ui", "upstream_id"),
    ("u", "usage"),
    ("wp", "weight_ppm"),
    ("w", "workspace"),
];

impl Generation {
    /// The record as JSON with its full names, as administrators and `portolan logs show` read it.
    #[must_use]
    pub fn readable(&self) -> Value {
        serde_json::to_value(self).map(long_names).unwrap_or_default()
    }
}

fn long_names(value: Value) -> Value {
    let long = |short: String| NAMES.iter().find(|(s, _)| *s == short).map_or(short, |(_, long)| (*long).to_owned());
    let readable = |(name, value): (String, Value)| match (long(name), value.as_u64()) {
        // As the catalog shows it, and whole in readers that take numbers for floating ones.
        (name, Some(version)) if name == "price_version" => (name, format!("{version:016x}").into()),
        (name, _) => (name, long_names(value)),
    };
    match value {
        Value::Object(fields) => fields.into_iter().map(readable).collect(),
        Value::Array(items) => items.into_iter().map(long_names).collect(),
        other => other,
    }
}

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
    #[serde(rename = "t")]
    pub at: UnixMillis,
    /// The caller's key.
    #[serde(rename = "k")]
    pub key: KeyHash,
    /// The model of this attempt.
    #[serde(rename = "m")]
    pub model: Arc<str>,
    /// The provider's slug.
    #[serde(rename = "p")]
    pub provider: Arc<str>,
    /// The endpoint's tag.
    #[serde(rename = "e")]
    pub endpoint: String,
    /// The price version of this attempt.
    #[serde(rename = "pv")]
    pub price_version: u64,
    /// What each account holds.
    #[serde(rename = "h")]
    pub held: Vec<(AccountId, Money)>,
    /// Whether the simulator answers.
    #[serde(rename = "sim", default, skip_serializing_if = "is_default")]
    pub simulated: bool,
}

/// A generation that ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Generation {
    /// Its id.
    pub id: GenerationId,
    /// When the request came.
    #[serde(rename = "t")]
    pub at: UnixMillis,
    /// The caller's key.
    #[serde(rename = "k")]
    pub key: KeyHash,
    /// The caller's workspace.
    #[serde(rename = "w")]
    pub workspace: WorkspaceId,
    /// The models that were asked for, in order.
    #[serde(rename = "rq")]
    pub requested: Vec<String>,
    /// The model that served (or was tried last).
    #[serde(rename = "m")]
    pub model: Arc<str>,
    /// Its provider's slug.
    #[serde(rename = "p")]
    pub provider: Arc<str>,
    /// The endpoint's tag.
    #[serde(rename = "e")]
    pub endpoint: String,
    /// Whether the caller asked for a stream.
    #[serde(rename = "st", default, skip_serializing_if = "is_default")]
    pub stream: bool,
    /// Whether the simulator answered.
    #[serde(rename = "sim", default, skip_serializing_if = "is_default")]
    pub simulated: bool,
    /// How it ended.
    pub end: End,
    /// The HTTP status that the caller got (499: none, the caller was gone).
    #[serde(rename = "s")]
    pub status: u16,
    /// The normalised finish reason.
    #[serde(rename = "f", default, skip_serializing_if = "is_default")]
    pub finish: Option<String>,
    /// The provider's own finish reason.
    #[serde(rename = "nf", default, skip_serializing_if = "is_default")]
    pub native_finish: Option<String>,
    /// Every attempt, in order.
    #[serde(rename = "a")]
    pub attempts: Vec<Attempt>,
    /// What the request needed of an endpoint.
    #[serde(rename = "n", default, skip_serializing_if = "is_default")]
    pub needs: Capabilities,
    /// The caller's routing preferences.
    #[serde(rename = "pr", default, skip_serializing_if = "is_default")]
    pub preferences: Preferences,
    /// The candidates of the plan, for the explanation.
    #[serde(rename = "c", default, skip_serializing_if = "is_default")]
    pub candidates: Vec<Candidate>,
    /// The epoch of the snapshot (policy, catalog, keys) that decided.
    #[serde(rename = "ep")]
    pub epoch: u64,
    /// The seed of the balancing.
    #[serde(rename = "sd")]
    pub seed: u64,
    /// What was consumed.
    #[serde(rename = "u")]
    pub usage: Usage,
    /// What the providers will bill, over all attempts.
    #[serde(rename = "co")]
    pub cost: Money,
    /// What the billing table makes of it.
    #[serde(rename = "ch")]
    pub charge: Money,
    /// The price version of the charge.
    #[serde(rename = "pv")]
    pub price_version: u64,
    /// What each account held at the end.
    #[serde(rename = "h")]
    pub held: Vec<(AccountId, Money)>,
    /// What is unusual about it.
    #[serde(rename = "fl", default, skip_serializing_if = "is_default")]
    pub flags: Flags,
    /// How long it took.
    #[serde(rename = "l")]
    pub latency: Latency,
    /// The output bound that was sent.
    #[serde(rename = "mt", default, skip_serializing_if = "is_default")]
    pub max_tokens: Option<u64>,
    /// `X-Request-ID` or the trace id of `traceparent`.
    #[serde(rename = "ti", default, skip_serializing_if = "is_default")]
    pub trace_id: Option<String>,
    /// The application that called.
    #[serde(default, skip_serializing_if = "is_default")]
    pub app: App,
    /// The caller's end user.
    #[serde(default, skip_serializing_if = "is_default")]
    pub user: Option<String>,
    /// The caller's session.
    #[serde(rename = "se", default, skip_serializing_if = "is_default")]
    pub session: Option<String>,
    /// What its routers decided.
    #[serde(rename = "ro", default, skip_serializing_if = "is_default")]
    pub routed: Vec<RouterChoice>,
    /// The key of the conversation that was pinned to the endpoint by this answer.
    #[serde(rename = "sk", default, skip_serializing_if = "is_default")]
    pub sticky: Option<String>,
    /// The caller's own tags (`metadata`).
    #[serde(rename = "tg", default, skip_serializing_if = "is_default")]
    pub tags: Vec<(String, String)>,
}

/// One attempt.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Attempt {
    /// The model.
    #[serde(rename = "m")]
    pub model: Arc<str>,
    /// The provider's slug.
    #[serde(rename = "p")]
    pub provider: Arc<str>,
    /// The endpoint's tag.
    #[serde(rename = "e")]
    pub endpoint: String,
    /// `raw` or `translated`.
    #[serde(rename = "la")]
    pub lane: Cow<'static, str>,
    /// Why that lane.
    #[serde(rename = "lr")]
    pub lane_reason: Cow<'static, str>,
    /// Parameters that the endpoint's dialect could not take.
    #[serde(rename = "dr", default, skip_serializing_if = "is_default")]
    pub dropped: Vec<String>,
    /// The provider's id of its answer.
    #[serde(rename = "ui", default, skip_serializing_if = "is_default")]
    pub upstream_id: Option<String>,
    /// The model that served behind a reseller, as the reseller names it.
    #[serde(rename = "sv", default, skip_serializing_if = "is_default")]
    pub served_model: Option<String>,
    /// The provider that served behind a reseller, as the reseller names it.
    #[serde(rename = "sp", default, skip_serializing_if = "is_default")]
    pub served_provider: Option<String>,
    /// The provider's HTTP status.
    #[serde(rename = "s", default, skip_serializing_if = "is_default")]
    pub status: Option<u16>,
    /// What went wrong.
    #[serde(rename = "fa", default, skip_serializing_if = "is_default")]
    pub fault: Option<Fault>,
    /// From the request's arrival to the start of this attempt, in milliseconds.
    #[serde(rename = "sm")]
    pub started_ms: u32,
    /// How long it took, in milliseconds.
    #[serde(rename = "tm")]
    pub took_ms: u32,
    /// What it consumed.
    #[serde(rename = "u", default, skip_serializing_if = "is_default")]
    pub usage: Usage,
    /// What the provider will bill for it.
    #[serde(rename = "co", default, skip_serializing_if = "is_default")]
    pub cost: Money,
    /// The price version that it was priced by.
    #[serde(rename = "pv")]
    pub price_version: u64,
}

/// One candidate of the plan, as codes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The model.
    #[serde(rename = "m")]
    pub model: Arc<str>,
    /// The endpoint's tag.
    #[serde(rename = "e")]
    pub endpoint: String,
    /// Its place in the order, from 1; 0: rejected.
    #[serde(rename = "o", default, skip_serializing_if = "is_default")]
    pub order: u16,
    /// The rule that rejected it, or the reason for its place.
    #[serde(rename = "r")]
    pub rule: Cow<'static, str>,
    /// Where that rule comes from.
    #[serde(rename = "so", default, skip_serializing_if = "is_default")]
    pub source: String,
    /// The rule's detail.
    #[serde(rename = "d", default, skip_serializing_if = "is_default")]
    pub detail: String,
    /// The weight in the draw, in millionths.
    #[serde(rename = "wp", default, skip_serializing_if = "is_default")]
    pub weight_ppm: u32,
    /// The price it was weighed by: USD per token, mean of input and output.
    #[serde(rename = "cp", default, skip_serializing_if = "is_default")]
    pub price: Price,
    /// Whether it had failed in the last seconds.
    #[serde(rename = "fr", default, skip_serializing_if = "is_default")]
    pub failed_recently: bool,
    /// Whether it had failed, and this request found out whether it was well again.
    #[serde(rename = "pb", default, skip_serializing_if = "is_default")]
    pub probes: bool,
}

/// What a router decided, as codes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouterChoice {
    /// Its name.
    #[serde(rename = "rt")]
    pub router: String,
    /// What the prompt was taken for; `None` for this and the following: nobody looked at it.
    #[serde(rename = "tk", default, skip_serializing_if = "is_default")]
    pub task: Option<String>,
    /// How hard the prompt is, in millionths.
    #[serde(rename = "cx", default, skip_serializing_if = "is_default")]
    pub complexity_ppm: Option<u32>,
    /// The share of the candidates, the cheapest first, that might be chosen.
    #[serde(rename = "cl", default, skip_serializing_if = "is_default")]
    pub ceiling_percent: Option<u8>,
    /// The strength that was asked for, in millionths.
    #[serde(rename = "sg", default, skip_serializing_if = "is_default")]
    pub strength_ppm: Option<u32>,
    /// The model that the conversation had before and kept.
    #[serde(rename = "kp", default, skip_serializing_if = "is_default")]
    pub kept: Option<String>,
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
    /// It cost more than was held under a strict limit.
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
    #[serde(rename = "ft", default, skip_serializing_if = "is_default")]
    pub first_token_ms: Option<u32>,
    /// From the request's arrival to the end, in milliseconds.
    #[serde(rename = "tt")]
    pub total_ms: u32,
    /// The gateway's own part until the first attempt was sent, in microseconds.
    #[serde(rename = "gw")]
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A record on disk with every field set.
    const FULL: &str = r#"{"id":"gen-1-01234567890123456789","t":1,"k":"0000000000000000000000000000000000000000000000000000000000000000","w":"w",
        "rq":["a/b"],"m":"a/b","p":"p","e":"p/x","st":true,"sim":true,"end":"completed","s":200,"f":"stop","nf":"end_turn",
        "a":[{"m":"a/b","p":"p","e":"p/x","la":"raw","lr":"same_dialect","dr":["seed"],"ui":"x","sv":"a/b-1","sp":"P","s":200,"fa":{"origin":"upstream","class":"timeout",
        "retry":"never","status":504,"provider_code":null,"message":"late","retry_after":null},"sm":1,"tm":2,"u":{"input":1},"co":0.1,"pv":7}],
        "n":["tools"],"pr":{"order":["p"]},"c":[{"m":"a/b","e":"p/x","o":1,"r":"drawn","so":"s","d":"d","wp":5}],"ep":1,"sd":2,"u":{"input":1},
        "co":0.1,"ch":0.1,"pv":7,"h":[[1,0.5]],"fl":{"drained":true},"l":{"ft":1,"tt":2,"gw":3},"mt":9,"ti":"t","app":{"title":"x"},"user":"u","se":"s",
        "tg":[["m","v"]]}"#;

    #[test]
    fn a_record_reads_back_and_people_see_its_full_names() {
        let record: Generation = serde_json::from_str(FULL).unwrap();
        let again: Generation = serde_json::from_str(&serde_json::to_string(&record).unwrap()).unwrap();
        let readable = record.readable();
        assert_eq!(again.readable(), readable);
        assert_eq!(readable["charge"].to_string(), "0.1");
        let version = Value::from("0000000000000007");
        assert_eq!((&readable["price_version"], &readable["attempts"][0]["price_version"]), (&version, &version));
        assert_eq!((&readable["attempts"][0]["lane"], &readable["latency"]["total_ms"]), (&"raw".into(), &2.into()));
        let served = (&readable["attempts"][0]["served_model"], &readable["attempts"][0]["served_provider"]);
        assert_eq!(served, (&"a/b-1".into(), &"P".into()));
        assert_eq!(readable["tags"][0][0], "m", "what the caller wrote is no name of ours");
        let names = readable.as_object().unwrap().keys().filter(|name| name.len() < 3 && *name != "id" && *name != "at");
        assert_eq!(names.collect::<Vec<_>>(), Vec::<&String>::new());
    }
}
