//! Finish reasons: the many words of providers, and OpenRouter's five.

use crate::ir::Finish;

/// The normalised reason. A word that nobody knows ends the answer like any other: `stop`.
#[must_use]
pub fn normalise(word: &str) -> Finish {
    match word {
        "length" | "max_tokens" | "model_length" | "MAX_TOKENS" => Finish::Length,
        "tool_calls" | "function_call" | "tool_use" | "TOOL_CALL" => Finish::ToolCalls,
        "content_filter" | "sensitive" | "safety" | "refusal" | "SAFETY" => Finish::ContentFilter,
        "error" | "network_error" | "insufficient_system_resource" | "ERROR" => Finish::Error,
        _ => Finish::Stop,
    }
}
