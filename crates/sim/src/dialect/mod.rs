//! The wire dialects. Each folder has the same files: `request` (what is asked), `check` (what the provider would refuse),
//! `answer` (a body), `stream` (frames), `report` (usage), `error`. `match dialect` stands in this file only.

mod anthropic;
mod asked;
mod openai_chat;
mod problem;

pub(crate) use asked::{Asked, InputCount, Output, Tool, ToolChoice};
pub(crate) use problem::Problem;

use http::HeaderMap;
use serde_json::{Map, Value};

use crate::content::Script;
use crate::usage::{Lie, Usage};

/// A wire format of requests and answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// OpenAI's Chat Completions.
    OpenAiChat,
    /// Anthropic's Messages.
    Anthropic,
}

/// All that is known of an answer before it is written.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) dialect: Dialect,
    /// The response id, with the dialect's prefix.
    pub(crate) id: String,
    pub(crate) model: String,
    /// Unix seconds.
    pub(crate) created: u64,
    pub(crate) script: Script,
    /// The truth.
    pub(crate) usage: Usage,
    pub(crate) lie: Lie,
    pub(crate) max_tokens: Option<u64>,
    /// Whether a stream reports usage.
    pub(crate) include_usage: bool,
}

/// One frame of a stream, neutral to dialects. Numbers are positions in the script: a part, and a piece of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Frame {
    /// The opening frame, without content.
    Start,
    /// A part begins.
    Open(u32),
    /// A piece of a part.
    Piece(u32, u32),
    /// A part ends.
    Close(u32),
    /// Finish reason, usage, end marker.
    Finish,
    /// A keep-alive.
    Ping,
    /// Not JSON, not UTF-8.
    Garble,
    /// An error.
    Failure,
    /// A line of 10 MB that says nothing.
    BigLine,
}

/// Padding of [`Frame::BigLine`].
pub(crate) const BIG_LINE_BYTES: usize = 10 << 20;

/// Writes the frames of one stream.
#[derive(Debug)]
pub(crate) enum Frames {
    OpenAiChat(openai_chat::Frames),
    Anthropic,
}

impl Frames {
    pub(crate) fn of(answer: &Answer) -> Frames {
        match answer.dialect {
            Dialect::OpenAiChat => Frames::OpenAiChat(openai_chat::Frames::of(answer)),
            Dialect::Anthropic => Frames::Anthropic,
        }
    }

    /// The bytes of a frame; none where the dialect has no frame for it.
    pub(crate) fn write(&self, answer: &Answer, frame: Frame) -> Vec<u8> {
        match self {
            Frames::OpenAiChat(frames) => frames.write(answer, frame),
            Frames::Anthropic => anthropic::write_frame(answer, frame),
        }
    }
}

impl Dialect {
    /// The dialect of a path. Whatever stands before the last parts is the user's base URL.
    pub(crate) fn of_path(path: &str) -> Option<Dialect> {
        if path.ends_with("/chat/completions") {
            Some(Dialect::OpenAiChat)
        } else if path.ends_with("/messages") {
            Some(Dialect::Anthropic)
        } else {
            None
        }
    }

    /// The dialect of a client that lists models: Anthropic's send their version.
    pub(crate) fn of_headers(headers: &HeaderMap) -> Dialect {
        if headers.contains_key("anthropic-version") { Dialect::Anthropic } else { Dialect::OpenAiChat }
    }

    /// As configuration and records write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Dialect::OpenAiChat => "openai_chat",
            Dialect::Anthropic => "anthropic",
        }
    }

    pub(crate) fn response_id(self, minted: &str) -> String {
        match self {
            Dialect::OpenAiChat => format!("chatcmpl-{minted}"),
            Dialect::Anthropic => format!("msg_01{minted}"),
        }
    }

    /// The header that carries the provider's id of the request.
    pub(crate) fn request_id_header(self) -> &'static str {
        match self {
            Dialect::OpenAiChat => "x-request-id",
            Dialect::Anthropic => "request-id",
        }
    }

    /// The credential that came with the request.
    pub(crate) fn credential(self, headers: &HeaderMap) -> Option<&str> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).filter(|value| !value.trim().is_empty());
        let bearer = || header("authorization").and_then(|value| value.strip_prefix("Bearer ")).filter(|token| !token.trim().is_empty());
        match self {
            Dialect::OpenAiChat => bearer().or_else(|| header("api-key")),
            Dialect::Anthropic => header("x-api-key").or_else(bearer),
        }
    }

    /// What the provider refuses before it looks at the body.
    pub(crate) fn check_headers(self, headers: &HeaderMap) -> Result<(), Problem> {
        match self {
            Dialect::OpenAiChat => Ok(()),
            Dialect::Anthropic => anthropic::check_headers(headers),
        }
    }

    /// What is asked. Reads leniently: what is missing or wrong is found by [`Dialect::check`].
    pub(crate) fn read(self, body: &Map<String, Value>) -> Asked {
        match self {
            Dialect::OpenAiChat => openai_chat::read(body),
            Dialect::Anthropic => anthropic::read(body),
        }
    }

    /// What the provider would refuse.
    pub(crate) fn check(self, body: &Map<String, Value>) -> Result<(), Problem> {
        match self {
            Dialect::OpenAiChat => openai_chat::check(body),
            Dialect::Anthropic => anthropic::check(body),
        }
    }

    /// The body of an answer that is not streamed.
    pub(crate) fn body(self, answer: &Answer) -> Value {
        match self {
            Dialect::OpenAiChat => openai_chat::body(answer),
            Dialect::Anthropic => anthropic::body(answer),
        }
    }

    /// The body of an error.
    pub(crate) fn error(self, problem: &Problem, request_id: &str) -> Value {
        match self {
            Dialect::OpenAiChat => openai_chat::error(problem),
            Dialect::Anthropic => anthropic::error(problem, request_id),
        }
    }

    /// A 401 whose message repeats the credential.
    pub(crate) fn wrong_key(self, credential: &str) -> Problem {
        match self {
            Dialect::OpenAiChat => openai_chat::wrong_key(credential),
            Dialect::Anthropic => anthropic::wrong_key(credential),
        }
    }

    /// A 401 for a request without credential.
    pub(crate) fn missing_key(self) -> Problem {
        match self {
            Dialect::OpenAiChat => openai_chat::missing_key(),
            Dialect::Anthropic => anthropic::missing_key(),
        }
    }

    /// The list of models.
    pub(crate) fn models(self, created: u64) -> Value {
        match self {
            Dialect::OpenAiChat => openai_chat::models(created),
            Dialect::Anthropic => anthropic::models(),
        }
    }
}

/// The models that a list shows. Any other name is answered too.
const MODELS: &[&str] = &["echo", "sim", "sim-c200-d5"];
