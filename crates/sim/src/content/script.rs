//! The whole of an answer, neutral to dialects: parts in order, and why it ends.

use super::text::Pieces;

/// What the answer says and how it finishes.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    pub(crate) parts: Vec<Part>,
    pub(crate) finish: Finish,
}

/// One part, in the order of the answer.
#[derive(Debug, Clone)]
pub(crate) enum Part {
    /// Reasoning that the caller may read.
    Reasoning(Pieces),
    /// Reasoning that is counted and not shown; redacted to opaque data, or merely left out.
    Withheld { tokens: u64, data: Option<String> },
    /// Text.
    Text(Pieces),
    /// The model's refusal, where a dialect has a place for it.
    Refusal(Pieces),
    /// A call of an offered tool.
    Tool(ToolCall),
}

/// A call of an offered tool.
#[derive(Debug, Clone)]
pub(crate) struct ToolCall {
    /// Unique within the answer and beyond; each dialect puts its own prefix before it.
    pub(crate) id: String,
    pub(crate) name: String,
    /// JSON text of an object.
    pub(crate) arguments: Pieces,
}

/// Why the answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finish {
    /// The model was done.
    Stop,
    /// The token limit.
    Length,
    /// Tools are to be called.
    Tools,
    /// The provider's content filter.
    Filter,
    /// The model refuses.
    Refusal,
}

impl Script {
    /// Output tokens of the whole, and how many of them are reasoning.
    pub(crate) fn tokens(&self) -> (u64, u64) {
        self.parts.iter().fold((0, 0), |(output, reasoning), part| {
            let tokens = part.opening_tokens() + part.pieces().map_or(0, Pieces::tokens);
            (output + tokens, reasoning + if part.is_reasoning() { tokens } else { 0 })
        })
    }

    /// Chunks of content in a stream of it.
    pub(crate) fn chunks(&self) -> u32 {
        let count: usize =
            self.parts.iter().map(|part| usize::from(part.opens_with_content()) + part.pieces().map_or(0, Pieces::len)).sum();
        u32::try_from(count).unwrap_or(u32::MAX)
    }
}

impl Part {
    /// What is streamed piece by piece. Withheld reasoning is not.
    pub(crate) fn pieces(&self) -> Option<&Pieces> {
        match self {
            Part::Reasoning(pieces) | Part::Text(pieces) | Part::Refusal(pieces) => Some(pieces),
            Part::Tool(call) => Some(&call.arguments),
            Part::Withheld { .. } => None,
        }
    }

    pub(crate) fn is_reasoning(&self) -> bool {
        matches!(self, Part::Reasoning(_) | Part::Withheld { .. })
    }

    /// Tokens served by opening the part: the name of a tool is one, withheld reasoning comes at once.
    pub(crate) fn opening_tokens(&self) -> u64 {
        match self {
            Part::Tool(_) => 1,
            Part::Withheld { tokens, .. } => *tokens,
            Part::Reasoning(_) | Part::Text(_) | Part::Refusal(_) => 0,
        }
    }

    /// Whether the opening frame is a chunk of content.
    pub(crate) fn opens_with_content(&self) -> bool {
        self.opening_tokens() > 0
    }
}
