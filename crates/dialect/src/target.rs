//! What an encoder is told about the endpoint, and what it answers.

use std::borrow::Cow;

use bytes::Bytes;
use portolan_core::{Dialect, MaxPrice, Preferences, Quirk, ServiceTier};

/// The endpoint that a request is written for.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The caller's dialect. Fields that the canonical form has no place for (`extra`) go only to an endpoint of the same.
    pub caller: Dialect,
    /// What the provider calls the model.
    pub upstream_id: &'a str,
    /// Whether it shall answer in a stream.
    pub stream: bool,
    /// The bound on output tokens to send. `None`: none is sent (a dialect that requires one says so).
    pub max_tokens: Option<u64>,
    /// Stands for the caller's end user, whose own name never leaves the gateway. `None`: nothing does.
    pub user_hash: Option<&'a str>,
    /// The endpoint's deviations from its dialect.
    pub quirks: &'a [Quirk],
    /// The parameters that the endpoint takes, by OpenRouter's names. Empty: not known, so all.
    pub supported: &'a [String],
    /// The class of service that the endpoint stands for. It is what is sent, whatever the caller stated: `None` sends none.
    pub service_tier: Option<ServiceTier>,
    /// The endpoint is OpenRouter, or a gateway like it: it understands our own fields, and routes further.
    pub reseller: Option<Reseller<'a>>,
}

/// What binds an endpoint that passes a request on to providers of its own.
#[derive(Debug, Clone, Copy)]
pub struct Reseller<'a> {
    /// The caller's preferences. Those that restrict are passed on; those that name or order providers speak of ours, and are not.
    pub preferences: &'a Preferences,
    /// The providers that may not serve, by slug, whoever forbids them: behind a reseller as little as here.
    pub ignore: &'a [String],
    /// The dearest that it may choose: what is held for the request. It stands in place of the caller's own ceiling.
    pub max_price: MaxPrice,
}

/// Settings that OpenRouter leaves out where an endpoint does not take them. All others are sent as they are.
const LEFT_OUT: &[&str] = &[
    "temperature",
    "top_p",
    "top_k",
    "top_a",
    "min_p",
    "frequency_penalty",
    "presence_penalty",
    "repetition_penalty",
    "seed",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "stop",
    "verbosity",
];

impl Target<'_> {
    /// Whether a parameter is to be sent: an endpoint would refuse the whole request for a setting that it does not know.
    #[must_use]
    pub fn takes(&self, parameter: &str) -> bool {
        self.supported.is_empty() || !LEFT_OUT.contains(&parameter) || self.supported.iter().any(|s| s == parameter)
    }

    /// Whether the endpoint deviates so.
    #[must_use]
    pub fn has(&self, quirk: Quirk) -> bool {
        self.quirks.contains(&quirk)
    }
}

/// A request in an endpoint's dialect.
#[derive(Debug, Clone, Default)]
pub struct Encoded {
    /// The path after the provider's base URL: `/chat/completions`.
    pub path: Cow<'static, str>,
    /// Headers that the dialect demands (never a credential).
    pub headers: Vec<(&'static str, String)>,
    /// The body, in pieces that are sent one after the other: the raw lane shares the caller's bytes.
    pub body: Vec<Bytes>,
    /// What the endpoint's dialect cannot say, by OpenRouter's parameter names, each once.
    pub dropped: Vec<String>,
}

impl Encoded {
    /// The length of the body.
    #[must_use]
    pub fn body_len(&self) -> usize {
        self.body.iter().map(Bytes::len).sum()
    }

    /// Notes that a parameter was left out.
    pub fn drop_parameter(&mut self, name: impl Into<String>) {
        let name = name.into();
        if !self.dropped.contains(&name) {
            self.dropped.push(name);
        }
    }
}
