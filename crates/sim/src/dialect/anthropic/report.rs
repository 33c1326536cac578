//! Usage in Anthropic's shape: the input leaves out what was read from and written to the cache.

use serde_json::{Value, json};

use crate::usage::Reported;

/// The whole report: at the start of a stream, and in an answer that is not streamed.
pub(super) fn report(reported: &Reported) -> Value {
    let usage = reported.usage();
    let number = |count| reported.number(count);
    let mut report = json!({
        "input_tokens": number(usage.uncached()),
        "cache_creation_input_tokens": number(usage.cache_write()),
        "cache_read_input_tokens": number(usage.cache_read),
        "cache_creation": {
            "ephemeral_5m_input_tokens": number(usage.cache_write_5m),
            "ephemeral_1h_input_tokens": number(usage.cache_write_1h),
        },
        "output_tokens": number(usage.output),
        "service_tier": "standard",
    });
    if usage.reasoning > 0 {
        report["output_tokens_details"] = json!({"thinking_tokens": number(usage.reasoning)});
    }
    report
}

/// The report at the end of a stream: counts so far, without the classes of cache writes.
pub(super) fn last(reported: &Reported) -> Value {
    let usage = reported.usage();
    let number = |count| reported.number(count);
    let mut report = json!({
        "input_tokens": number(usage.uncached()),
        "cache_creation_input_tokens": number(usage.cache_write()),
        "cache_read_input_tokens": number(usage.cache_read),
        "output_tokens": number(usage.output),
    });
    if usage.reasoning > 0 {
        report["output_tokens_details"] = json!({"thinking_tokens": number(usage.reasoning)});
    }
    report
}
