//! The canonical form: a superset of what the dialects can say.
//!
//! A caller's body is decoded into [`Request`] and encoded for the endpoint; an endpoint's answer is
//! decoded into [`Event`]s (a JSON body into the same events as a stream) and encoded for the caller.

use std::borrow::Cow;

use portolan_core::{Fault, Money, Usage};
use serde_json::value::RawValue;

/// A chat request.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The conversation, in order, system messages included.
    pub messages: Vec<Message>,
    /// Tools that the model may call.
    pub tools: Vec<Tool>,
    /// Whether it must call one.
    pub tool_choice: Option<ToolChoice>,
    /// `false`: at most one call at a time.
    pub parallel_tool_calls: Option<bool>,
    /// The form of the answer.
    pub output: Output,
    /// Sampling settings that the caller stated. What is absent is not sent.
    pub sampling: Sampling,
    /// Reasoning settings that the caller stated.
    pub reasoning: Option<Reasoning>,
    /// The caller's bound on output tokens (reasoning included).
    pub max_tokens: Option<u64>,
    /// Sequences that end the answer.
    pub stop: Vec<String>,
    /// How many answers (OpenAI's `n`), when more than one.
    pub choices: Option<u32>,
    /// The caller's end user, as given. Encoders send a hash of it, or nothing.
    pub user: Option<String>,
    /// A cache mark on the whole request (`cache_control` at the top level).
    pub cache: Option<Cache>,
    /// Fields that the canonical form has no place for, in the caller's order: sent on where the dialect is the caller's, listed as dropped elsewhere.
    pub extra: Vec<(String, Box<RawValue>)>,
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Instructions (`system`).
    System,
    /// Instructions of the application (`developer`).
    Developer,
    /// The user.
    User,
    /// The model.
    Assistant,
    /// A tool's result.
    Tool,
}

/// One turn.
#[derive(Debug, Clone)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// The speaker's name, where given.
    pub name: Option<String>,
    /// The content, in order.
    pub parts: Vec<Part>,
}

/// A mark: cache the prompt up to here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cache {
    /// Kept for five minutes.
    Minutes5,
    /// Kept for an hour.
    Hour1,
}

/// Where media comes from. Gateways never fetch it; an endpoint that takes only the other form refuses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// An `http(s)` address, fetched by the provider.
    Url(String),
    /// Base64 text, and its media type (`image/png`).
    Base64 {
        /// The media type.
        media_type: String,
        /// The data, still encoded.
        data: String,
    },
}

/// A piece of content.
#[derive(Debug, Clone)]
pub enum Part {
    /// Text.
    Text {
        /// The text.
        text: String,
        /// A cache mark on it.
        cache: Option<Cache>,
    },
    /// An image.
    Image {
        /// The image.
        source: Source,
        /// OpenAI's `detail`, where given.
        detail: Option<String>,
        /// A cache mark on it.
        cache: Option<Cache>,
    },
    /// Audio (always inline).
    Audio {
        /// Base64 data.
        data: String,
        /// `wav`, `mp3` ...
        format: String,
    },
    /// A file, a PDF as a rule.
    File {
        /// The file.
        source: Source,
        /// Its name, where given.
        name: Option<String>,
        /// A cache mark on it.
        cache: Option<Cache>,
    },
    /// The model calls a tool. Arguments are JSON text as the model wrote it, possibly empty.
    ToolCall {
        /// The call's id.
        id: String,
        /// The tool's name.
        name: String,
        /// JSON text.
        arguments: String,
        /// A cache mark on it.
        cache: Option<Cache>,
    },
    /// What a tool answered. Holds only text and images.
    ToolResult {
        /// The id of the call that it answers.
        id: String,
        /// The content.
        parts: Vec<Part>,
        /// Whether the tool failed.
        is_error: bool,
        /// A cache mark on it.
        cache: Option<Cache>,
    },
    /// Reasoning of an earlier turn, to be replayed.
    Reasoning(ReasoningPart),
    /// The model declined, in words.
    Refusal(String),
    /// A part that only one family understands (a server tool's block, say), carried byte for byte and only back to it.
    Opaque {
        /// OpenRouter's format name of the family: `anthropic-claude-v1` ...
        format: String,
        /// The JSON as it came.
        json: Box<RawValue>,
    },
}

/// Reasoning, with what its family needs to take it back. One entry of OpenRouter's `reasoning_details`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReasoningPart {
    /// What it is.
    pub kind: ReasoningKind,
    /// Its text, summary or encrypted data.
    pub text: String,
    /// The signature, byte for byte.
    pub signature: Option<String>,
    /// The family that signed it: `anthropic-claude-v1`, `openai-responses-v1` ...; `None` when unknown.
    pub format: Option<String>,
    /// The item's id, where it has one.
    pub id: Option<String>,
}

/// The three kinds of `reasoning_details`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReasoningKind {
    /// `reasoning.text`
    #[default]
    Text,
    /// `reasoning.summary`
    Summary,
    /// `reasoning.encrypted` (Anthropic: redacted thinking)
    Encrypted,
}

/// A tool on offer.
#[derive(Debug, Clone)]
pub enum Tool {
    /// A function of the caller's.
    Function {
        /// Its name.
        name: String,
        /// What it does.
        description: Option<String>,
        /// The JSON schema of its arguments; absent: it takes none.
        parameters: Option<Box<RawValue>>,
        /// Whether arguments must fit the schema.
        strict: Option<bool>,
        /// A cache mark on it.
        cache: Option<Cache>,
    },
    /// A tool of another kind, as it came.
    Other(Box<RawValue>),
}

/// Whether a tool must be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolChoice {
    /// None may be.
    None,
    /// The model decides.
    Auto,
    /// Any one must be.
    Required,
    /// This one must be.
    Function(String),
}

/// The form of the answer.
#[derive(Debug, Clone, Default)]
pub enum Output {
    /// Text.
    #[default]
    Text,
    /// Any JSON object.
    JsonObject,
    /// JSON by a schema.
    JsonSchema {
        /// The schema's name.
        name: String,
        /// Its description.
        description: Option<String>,
        /// The schema.
        schema: Box<RawValue>,
        /// Whether the answer must fit it exactly.
        strict: Option<bool>,
    },
}

/// Sampling settings, each as the JSON number that the caller wrote (no float ever rounds it).
#[derive(Debug, Clone, Default)]
pub struct Sampling {
    /// `temperature`
    pub temperature: Option<serde_json::Number>,
    /// `top_p`
    pub top_p: Option<serde_json::Number>,
    /// `top_k`
    pub top_k: Option<serde_json::Number>,
    /// `min_p`
    pub min_p: Option<serde_json::Number>,
    /// `top_a`
    pub top_a: Option<serde_json::Number>,
    /// `frequency_penalty`
    pub frequency_penalty: Option<serde_json::Number>,
    /// `presence_penalty`
    pub presence_penalty: Option<serde_json::Number>,
    /// `repetition_penalty`
    pub repetition_penalty: Option<serde_json::Number>,
    /// `seed`
    pub seed: Option<serde_json::Number>,
}

/// OpenRouter's `reasoning` object, with the shorthands (`reasoning_effort`, `include_reasoning`) folded in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reasoning {
    /// `none`, `minimal`, `low`, `medium`, `high`, `xhigh`, `max`.
    pub effort: Option<String>,
    /// A budget in tokens.
    pub max_tokens: Option<u64>,
    /// `true`: reason, and do not show it.
    pub exclude: bool,
    /// `enabled`, where stated.
    pub enabled: Option<bool>,
    /// `auto`, `concise`, `detailed`.
    pub summary: Option<String>,
}

/// One thing that an endpoint said.
#[derive(Debug, Clone, PartialEq)]
pub enum Event<'a> {
    /// The answer begins. Not content.
    Start {
        /// The provider's id of the answer.
        id: Cow<'a, str>,
        /// The model as the provider names it.
        model: Cow<'a, str>,
    },
    /// Content.
    Delta {
        /// Which answer, from 0.
        choice: u32,
        /// The content.
        delta: Delta<'a>,
    },
    /// What has been consumed so far. Cumulative: the last one holds.
    Usage(Usage),
    /// What the endpoint says that it charges so far. Cumulative, as usage is.
    Cost(Money),
    /// Who answers, where the endpoint says so: the provider behind a reseller, and the class of service that was given.
    Served {
        /// The provider's display name.
        provider: Option<Cow<'a, str>>,
        /// The endpoint's own word for the class.
        tier: Option<Cow<'a, str>>,
    },
    /// An answer is complete.
    Finish {
        /// Which answer, from 0.
        choice: u32,
        /// Why it ended.
        reason: Finish,
        /// The provider's own word.
        native: Cow<'a, str>,
    },
    /// The endpoint reports a failure.
    Fault(Fault),
    /// The endpoint says that nothing follows (`[DONE]`, `message_stop`).
    Done,
}

/// A piece of the answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Delta<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// Readable reasoning (text or summary).
    Reasoning {
        /// Text or summary.
        kind: ReasoningKind,
        /// Which reasoning item, from 0: its deltas are joined.
        index: u32,
        /// The text.
        text: Cow<'a, str>,
        /// The family, as in [`ReasoningPart::format`].
        format: Option<&'static str>,
    },
    /// The signature of a reasoning item, or encrypted reasoning as a whole.
    Sealed {
        /// `Encrypted`: `data` is the item; else it is the signature of item `index`.
        kind: ReasoningKind,
        /// Which reasoning item.
        index: u32,
        /// The bytes, unchanged.
        data: Cow<'a, str>,
        /// The family.
        format: Option<&'static str>,
    },
    /// A tool call begins.
    ToolCall {
        /// Which call, from 0.
        index: u32,
        /// Its id (made by the decoder where the provider gives none).
        id: Cow<'a, str>,
        /// The tool's name.
        name: Cow<'a, str>,
    },
    /// Arguments of a call, in pieces of JSON text.
    Arguments {
        /// Which call.
        index: u32,
        /// The piece.
        text: Cow<'a, str>,
    },
    /// The model declines, in words.
    Refusal(Cow<'a, str>),
    /// Something of OpenAI's chat format that the canonical form has no word for, to be merged into the caller's delta as this field (`annotations`, `audio`, `images`).
    Field {
        /// The field's name.
        name: &'static str,
        /// Its JSON.
        json: Cow<'a, str>,
    },
    /// Log probabilities of the choice: the JSON of `logprobs`.
    Logprobs(Cow<'a, str>),
}

portolan_core::words! {
    /// OpenRouter's normalised finish reasons.
    pub enum Finish {
        /// `stop`
        Stop = "stop",
        /// `length`
        Length = "length",
        /// `tool_calls`
        ToolCalls = "tool_calls",
        /// `content_filter`
        ContentFilter = "content_filter",
        /// `error`
        Error = "error",
    }
}
