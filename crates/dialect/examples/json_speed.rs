//! Measures the JSON reader against `serde_json` and `sonic-rs` on bodies of 100 KiB.
//!
//! `cargo run --release -p portolan-dialect --example json_speed`

use std::hint::black_box;

use portolan_core::Dialect;
use portolan_dialect::json::{Reader, utf8};
use portolan_dialect::openai_chat::decode::decode;
use portolan_dialect::openai_chat::encode::encode;
use portolan_dialect::openai_chat::patch::patch;
use portolan_dialect::openai_chat::peek::peek;
use portolan_dialect::target::Target;

const ROUNDS: usize = 200;

/// A chat body of 40 messages with about 100 KiB of `text`; `ascii` escapes what is not ASCII, as Python's `json.dumps` does.
fn body(text: &str, ascii: bool) -> Vec<u8> {
    let content = text.repeat(100 * 1024 / 40 / serde_json::to_string(text).map_or(1, |t| t.len()));
    let messages: Vec<_> =
        (0..40).map(|i| serde_json::json!({"role": if i % 2 == 0 { "user" } else { "assistant" }, "content": content})).collect();
    let json = serde_json::json!({"model": "openai/gpt-4o-mini", "messages": messages, "temperature": 0.7, "max_tokens": 4096}).to_string();
    if !ascii {
        return json.into_bytes();
    }
    let mut out = String::new();
    for c in json.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out.into_bytes()
}

#[expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a measurement takes the time and prints it")]
fn measure(name: &str, bytes: &[u8], mut work: impl FnMut(&[u8])) {
    let mut best = u128::MAX;
    for _ in 0..ROUNDS {
        let start = std::time::Instant::now();
        work(black_box(bytes));
        best = best.min(start.elapsed().as_nanos());
    }
    let rate = bytes.len() as f64 / best as f64;
    println!("  {name:<28} {:>8.1} us {rate:>6.2} GB/s", best as f64 / 1000.0);
}

#[expect(clippy::print_stdout, reason = "a measurement prints")]
fn main() {
    let mixed = "He said: \"Größe, naïve, 漢字\"\n\tThe quick brown fox jumps over the lazy dog \\ please summarise these notes:\r\n";
    let plain = "The quick brown fox jumps over the lazy dog, and nobody knows why it does so every single day of the year. ";
    let cases =
        [("escaped (json.dumps)", body(mixed, true)), ("plain ASCII", body(plain, false)), ("raw UTF-8, some escapes", body(mixed, false))];
    for (name, bytes) in &cases {
        println!("{name}, {} bytes", bytes.len());
        measure("utf8 only", bytes, |b| {
            black_box(utf8(b)).expect("UTF-8");
        });
        measure("own reader, with utf8", bytes, |b| {
            let mut reader = Reader::new(utf8(b).expect("UTF-8"));
            reader.skip().expect("JSON");
            black_box(reader.at());
        });
        measure("peek (chat request)", bytes, |b| {
            black_box(peek(b)).expect("a chat request");
        });
        let found = peek(bytes).expect("a chat request");
        let shared = bytes::Bytes::copy_from_slice(bytes);
        let target = Target {
            caller: Dialect::OpenAiChat,
            upstream_id: "gpt-4o-mini",
            stream: true,
            max_tokens: Some(4096),
            user_hash: None,
            quirks: &[],
            supported: &[],
            service_tier: None,
            reseller: None,
        };
        measure("patch (raw lane)", bytes, |_| {
            black_box(patch(&shared, &found, &target));
        });
        measure("decode (translated lane)", bytes, |b| {
            black_box(decode(b, &found)).expect("decodes");
        });
        let request = decode(bytes, &found).expect("decodes");
        measure("encode (translated lane)", bytes, |_| {
            black_box(encode(&request, &target));
        });
        measure("serde_json RawValue", bytes, |b| {
            black_box(serde_json::from_slice::<&serde_json::value::RawValue>(b)).expect("JSON");
        });
        measure("serde_json IgnoredAny", bytes, |b| {
            black_box(serde_json::from_slice::<serde::de::IgnoredAny>(b)).expect("JSON");
        });
        measure("sonic-rs LazyValue", bytes, |b| {
            black_box(sonic_rs::from_slice::<sonic_rs::LazyValue<'_>>(b)).expect("JSON");
        });
    }
}
