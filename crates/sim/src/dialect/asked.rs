//! What a request asks for, neutral to dialects.

use serde_json::Value;

/// A request, as far as the answer depends on it.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) model: String,
    pub(crate) stream: bool,
    /// Whether a stream is to report usage.
    pub(crate) include_usage: bool,
    pub(crate) max_tokens: Option<u64>,
    pub(crate) input: InputCount,
    /// The text of the last user message.
    pub(crate) last_user: String,
    /// The last message brings results of tools.
    pub(crate) answers_tools: bool,
    pub(crate) tools: Vec<Tool>,
    pub(crate) tool_choice: ToolChoice,
    pub(crate) parallel_tools: bool,
    pub(crate) output: Output,
    pub(crate) reasoning: bool,
    /// Reasoning is wanted, and its text is not.
    pub(crate) reasoning_hidden: bool,
}

/// An offered tool.
#[derive(Debug, Clone)]
pub(crate) struct Tool {
    pub(crate) name: String,
    pub(crate) schema: Value,
}

/// Which tools are to be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ToolChoice {
    None,
    Auto,
    Any,
    Named(String),
}

/// The form of the text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Output {
    Text,
    Json,
    Schema(Value),
}

/// What the input tokens are counted from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct InputCount {
    pub(crate) text_bytes: u64,
    pub(crate) messages: u64,
    /// Images, files and audio.
    pub(crate) media: u64,
}

impl InputCount {
    pub(crate) fn text(&mut self, text: &str) {
        self.text_bytes += text.len() as u64;
    }

    /// A value that the provider would show the model as JSON.
    pub(crate) fn json(&mut self, value: &Value) {
        self.text_bytes += value.to_string().len() as u64;
    }

    /// The rule that the help states: a token per four bytes, and a little per message, request and medium.
    pub(crate) fn tokens(&self) -> u64 {
        self.text_bytes.div_ceil(4) + 3 * self.messages + 3 + 256 * self.media
    }
}
