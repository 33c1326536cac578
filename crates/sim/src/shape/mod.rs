//! The shape of an answer: how much content, at what pace, reported how, and broken where.

mod parse;
mod table;

pub(crate) use parse::REASONING_CHUNKS;
pub use table::shapes_help;

use crate::usage::Lie;

/// Everything that a request can ask of its answer. The default is a short, correct answer without delay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) content: Content,
    pub(crate) pace: Pace,
    pub(crate) report: Report,
    pub(crate) fault: Option<Fault>,
    /// Seconds in `Retry-After`, on an error.
    pub(crate) retry_after: Option<u32>,
    /// An error's body is an HTML page.
    pub(crate) html: bool,
    /// The answer claims to be compressed, and is not.
    pub(crate) gzip: bool,
    /// Of 100 requests, so many get the fault.
    pub(crate) fault_percent: Option<u32>,
    /// Requests are not checked, beyond what is needed to answer.
    pub(crate) lax: bool,
}

/// What the answer says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Content {
    /// Chunks of text, one token each.
    pub(crate) chunks: Option<u32>,
    /// Bytes of text.
    pub(crate) bytes: Option<u32>,
    /// The text is that of the last user message.
    pub(crate) echo: bool,
    /// Chunks of reasoning, one token each.
    pub(crate) reasoning: Option<u32>,
    /// The reasoning is withheld.
    pub(crate) redacted: bool,
    /// How many of the offered tools are called.
    pub(crate) tools: u32,
    /// The finish reason is forced.
    pub(crate) finish: Option<ForcedFinish>,
    /// There is no content at all.
    pub(crate) empty: bool,
    /// The caller's token limit is ignored.
    pub(crate) unlimited: bool,
}

/// A finish reason that the content does not explain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ForcedFinish {
    /// The token limit.
    Length,
    /// The provider's content filter.
    Filter,
    /// The model's own refusal.
    Refusal,
}

/// How fast it comes, and in which frames. Times are milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Pace {
    /// Before the headers.
    pub(crate) latency_ms: Option<u32>,
    /// Between the headers and the first content.
    pub(crate) first_ms: u32,
    /// Between chunks of content.
    pub(crate) delay_ms: Option<u32>,
    /// Every byte is a write of its own.
    pub(crate) tiny: bool,
    /// Every byte is a write of its own, this long after the one before.
    pub(crate) drip_ms: Option<u32>,
    /// A keep-alive before every chunk of content, and while hanging.
    pub(crate) ping: bool,
    /// Lines end with CR LF.
    pub(crate) crlf: bool,
}

/// What is said about usage.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// Input tokens, in place of the count by text.
    pub(crate) input: Option<u32>,
    /// Input tokens read from the cache.
    pub(crate) cache_read: u32,
    /// Input tokens written to the cache for minutes.
    pub(crate) cache_write_5m: u32,
    /// Input tokens written to the cache for an hour.
    pub(crate) cache_write_1h: u32,
    /// How the report differs from the truth.
    pub(crate) lie: Lie,
}

/// What goes wrong. At most one thing does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// An error status with the dialect's body.
    Status(u16),
    /// 401 with a body that repeats the credential.
    EchoKey,
    /// 200 with an error as its body.
    ErrorInOk,
    /// 302 to another path of the simulator.
    Redirect,
    /// Silence instead of headers.
    Hang,
    /// The connection closes instead of headers.
    Cut,
    /// After so many chunks of content.
    After(u32, Midway),
}

/// A fault of an answer that has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Midway {
    /// Silence.
    Hang,
    /// The connection closes within the body.
    Cut,
    /// The body ends cleanly, too early.
    Eof,
    /// A frame that cannot be parsed; then it goes on.
    Garble,
    /// An error event; then it ends.
    Failure,
    /// One line of 10 MB; then it goes on.
    BigLine,
}
