//! The first look at a caller's body: one validating pass that learns all that admission, routing and the
//! ledger need, and touches nothing.
//!
//! `null` is absent, for every field. Fields that nobody knows pass. What restricts, reroutes or adds work
//! and is not built is refused by name: skipping it would break a promise.

mod error;
mod fields;
mod messages;
mod opening;
pub(crate) mod read;
mod reasoning;
mod request;
#[cfg(test)]
mod tests;
mod tools;

use std::borrow::Cow;
use std::ops::Range;

use portolan_core::{Capabilities, Parameters, Preferences, ServiceTier};

pub use error::PeekError;
pub use tools::{Function, Offered};

use crate::ir;

/// What a body asks for.
#[derive(Debug, Clone, Default)]
pub struct Peek {
    /// The models in the order of trial, each once: `model`, then `models`. As given, suffixes included.
    pub models: Vec<String>,
    /// Whether the answer shall be a stream.
    pub stream: bool,
    /// Which providers are wanted.
    pub preferences: Preferences,
    /// What an endpoint must be able to do.
    pub needs: Capabilities,
    /// The fields in use that OpenRouter lists as parameters of endpoints. `max_completion_tokens` counts as `max_tokens`,
    /// `reasoning_effort` as `reasoning`; a JSON schema is `structured_outputs` besides `response_format`. A value that asks
    /// for nothing (`tools: []`) is no use.
    pub parameters: Parameters,
    /// The class of service that is asked for. `None`: the ordinary one.
    pub service_tier: Option<ServiceTier>,
    /// Whether `service_tier` was stated, be it as `auto` or `default`.
    pub service_tier_stated: bool,
    /// How many messages there are.
    pub messages: u32,
    /// Bytes of everything that can become prompt text: messages (their JSON stands for the template of the
    /// chat), tools, response format, and fields that nobody knows. Inline media is not in it. No text has more
    /// tokens than bytes, so this bounds them.
    pub text_bytes: u64,
    /// Media in the messages.
    pub media: Media,
    /// The caller's bound on output tokens: `max_completion_tokens`, or `max_tokens`.
    pub max_tokens: Option<u64>,
    /// How many answers (`n`), 1 when not stated.
    pub choices: u32,
    /// The caller's end user.
    pub user: Option<String>,
    /// The conversation, for stickiness and observability.
    pub session_id: Option<String>,
    /// The key of stickiness next in rank.
    pub prompt_cache_key: Option<String>,
    /// A hash of the first instruction and the first message that is none: the key of stickiness last in rank. The same text
    /// has the same hash in every process.
    pub conversation: u64,
    /// `trace.trace_id`.
    pub trace_id: Option<String>,
    /// Where the value of `trace` stands.
    pub trace: Option<Range<usize>>,
    /// Where the value of `metadata` stands.
    pub metadata: Option<Range<usize>>,
    /// `reasoning`, `reasoning_effort` and `include_reasoning`, folded into one.
    pub reasoning: Option<ir::Reasoning>,
    /// Reason, and do not show it.
    pub reasoning_excluded: bool,
    /// Why the raw lane cannot be taken to an ordinary endpoint of this dialect. Each once.
    pub raw_blockers: Vec<RawBlocker>,
    /// A tool that runs at the provider is offered, or one of [`HOSTED_FIELDS`] asks for one: nobody can bound its cost.
    pub hosted_tools: bool,
    /// The tools on offer.
    pub offered: Offered,
    /// The members of the body, in its order.
    pub fields: Vec<Field>,
}

/// Media in the messages, counted, and the length of what is inline (as it stands in the body: base64).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Media {
    /// Images.
    pub images: Medium,
    /// Files.
    pub files: Medium,
    /// Audio clips.
    pub audios: Medium,
    /// Videos. None yet: they are refused.
    pub videos: Medium,
}

/// One kind of media.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Medium {
    /// How many.
    pub count: u32,
    /// The bytes of those that are inline.
    pub inline_bytes: u64,
}

portolan_core::words! {
    /// Something of OpenRouter's own that an ordinary endpoint of this dialect would refuse or misread: the
    /// request is translated then. The list is closed.
    pub enum RawBlocker {
        /// `reasoning`, with more in it than `exclude`.
        Reasoning = "reasoning",
        /// A message replays `reasoning_details`.
        ReasoningDetails = "reasoning_details",
        /// A message replays `reasoning`.
        ReasoningText = "message_reasoning",
        /// A part, a tool or a message carries `cache_control`.
        PartCacheControl = "part_cache_control",
        /// `cache_control` at the top level.
        CacheControl = "cache_control",
        /// A `file` part.
        File = "file",
        /// A message replays fields of our answers that no endpoint takes (`images`, `annotations`, `model`).
        AnswerFields = "answer_fields",
    }
}

/// A member of the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name, unescaped.
    pub name: Cow<'static, str>,
    /// From the key's opening quote to the end of the value; commas are outside.
    pub member: Range<usize>,
    /// The value alone.
    pub value: Range<usize>,
    /// Whether the value is `null`.
    pub null: bool,
}

impl Peek {
    /// The member of this name, unless it is `null`.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|f| f.name == name && !f.null)
    }

    /// Whether the raw lane is open as far as the body is concerned. To a reseller it always is.
    #[must_use]
    pub fn raw_lane(&self) -> bool {
        self.raw_blockers.is_empty()
    }

    fn block(&mut self, why: RawBlocker) {
        if !self.raw_blockers.contains(&why) {
            self.raw_blockers.push(why);
        }
    }
}

/// Fields that speak to the gateway and never reach an endpoint. `reasoning` is translated where it says more
/// than `exclude`, and so is `cache_control` (both close the raw lane); `user` and `safety_identifier` are
/// replaced by a hash, `service_tier` by the tier that the endpoint stands for.
pub const GATEWAY_ONLY: &[&str] = &[
    "models",
    "provider",
    "route",
    "transforms",
    "plugins",
    "preset",
    "usage",
    "session_id",
    "trace",
    "debug",
    "reasoning",
    "include_reasoning",
    "cache_control",
    "image_config",
    "web_search_options",
    "x_search_filter",
    "stop_server_tools_when",
    "max_tool_calls",
    "deferred_tools",
    "background",
];

/// Fields by which single providers are told to search, at a price of its own.
pub const HOSTED_FIELDS: [&str; 2] = ["search_parameters", "enable_search"];

/// Looks at a chat completions body.
///
/// # Errors
/// When the body is no JSON object, a field has a type or value that it cannot have, or asks for something
/// that is not supported. The error names the field.
pub fn peek(body: &[u8]) -> Result<Peek, PeekError> {
    request::read(body)
}
