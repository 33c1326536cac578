//! Measures what the relay costs per chunk of a stream, and checks what it wrote.
//!
//! `cargo run --release -p portolan-dialect --example relay_speed`

use std::hint::black_box;

use portolan_core::{Dialect, GenerationId};
use portolan_dialect::relay::{Relay, RelaySpec};

const CHUNKS: usize = 200;
const ROUNDS: usize = 2_000;

fn spec() -> RelaySpec {
    RelaySpec {
        id: GenerationId::parse("gen-1760000000-abcdefghij0123456789").expect("the id has the right form"),
        model: "openai/gpt-4o-mini".into(),
        provider: "OpenAI".into(),
        is_resold: false,
        created: 1_760_000_000,
        stream: true,
        exclude_reasoning: false,
        quirks: Vec::new(),
    }
}

/// Chunks as OpenAI sends them, each its own piece of the stream.
fn openai(chunk: impl Fn(usize) -> String, tail: &str) -> Vec<String> {
    let head = r#"data: {"id":"chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT","object":"chat.completion.chunk","created":1741569952,"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_44added55e","choices":[{"index":0,"delta":"#;
    let line = |delta: &str, finish: &str| format!("{head}{delta},\"logprobs\":null,\"finish_reason\":{finish}}}]{tail}}}\n\n");
    let mut all = vec![line(r#"{"role":"assistant","content":"","refusal":null}"#, "null")];
    all.extend((0..CHUNKS).map(|i| line(&chunk(i), "null")));
    all.push(line("{}", "\"stop\""));
    all.push("data: [DONE]\n\n".into());
    all
}

fn anthropic() -> Vec<String> {
    let mut all = vec![
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":200,\"output_tokens\":1}}}\n\n".to_owned(),
        "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n".to_owned(),
    ];
    all.extend((0..CHUNKS).map(|i| format!("event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"@{i:016x} dolor\"}}}}\n\n")));
    all.push("event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":200}}\n\n".into());
    all.push("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n".into());
    all
}

#[expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a measurement takes the time and prints it")]
fn measure(name: &str, pieces: &[String], make: impl Fn() -> Relay) {
    let mut out = Vec::with_capacity(1 << 20);
    let mut best = u128::MAX;
    for _ in 0..ROUNDS {
        out.clear();
        let mut relay = make();
        let start = std::time::Instant::now();
        for piece in pieces {
            relay.push(black_box(piece.as_bytes()), &mut out);
        }
        best = best.min(start.elapsed().as_nanos());
        relay.end(&mut out);
        assert!(relay.seen().fault.is_none() && relay.seen().output_frames == CHUNKS as u64, "{:?}", relay.seen());
    }
    let bytes: usize = pieces.iter().map(String::len).sum();
    println!("{name:<44} {:>5} ns per chunk of {} bytes", best / pieces.len() as u128, bytes / pieces.len());
}

fn main() {
    let text = |i: usize| format!("{{\"content\":\"@{i:016x} dolor\"}}");
    let reasoning = |i: usize| format!("{{\"reasoning_content\":\"@{i:016x} dolor\"}}");
    let arguments = |i: usize| format!("{{\"tool_calls\":[{{\"index\":0,\"function\":{{\"arguments\":\"@{i:016x}\"}}}}]}}");
    let raw = || Relay::raw(spec());
    let translated = || Relay::translated(Dialect::OpenAiChat, spec());
    measure("raw: text", &openai(text, ""), raw);
    measure("raw: text, usage null", &openai(text, ",\"usage\":null"), raw);
    measure("raw: text, usage null and obfuscation", &openai(text, ",\"usage\":null,\"obfuscation\":\"a8Gxk20\""), raw);
    measure("raw: reasoning", &openai(reasoning, ""), raw);
    measure("raw: arguments of a call", &openai(arguments, ""), raw);
    measure("translated: openai_chat, text", &openai(text, ",\"usage\":null"), translated);
    measure("translated: anthropic, text", &anthropic(), || Relay::translated(Dialect::Anthropic, spec()));
}
