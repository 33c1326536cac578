//! Usage in OpenAI's shape: the prompt includes the cache, the completion includes reasoning.

use serde_json::{Value, json};

use crate::usage::Reported;

pub(super) fn report(reported: &Reported) -> Value {
    let usage = reported.usage();
    let number = |count| reported.number(count);
    let mut prompt = json!({"cached_tokens": number(usage.cache_read), "audio_tokens": 0});
    if usage.cache_write() > 0 {
        prompt["cache_write_tokens"] = number(usage.cache_write());
    }
    json!({
        "prompt_tokens": number(usage.input),
        "completion_tokens": number(usage.output),
        "total_tokens": number(usage.input.saturating_add(usage.output)),
        "prompt_tokens_details": prompt,
        "completion_tokens_details": {
            "reasoning_tokens": number(usage.reasoning),
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    })
}
