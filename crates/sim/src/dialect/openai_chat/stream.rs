//! The chunks of a streamed chat completion.

use serde_json::{Value, json};

use super::error::error;
use super::finish_reason;
use super::report::report;
use crate::content::Part;
use crate::dialect::{Answer, BIG_LINE_BYTES, Frame, Problem};
use crate::usage::{Lie, Reported};

/// What all chunks of one stream begin with, written once.
#[derive(Debug)]
pub(crate) struct Frames {
    /// Up to the value of `choices`.
    head: String,
    /// A stream that will report usage says `null` until then.
    tail: &'static str,
}

impl Frames {
    pub(crate) fn of(answer: &Answer) -> Frames {
        let head = format!(
            r#"data: {{"id":{},"object":"chat.completion.chunk","created":{},"model":{},"service_tier":"default","system_fingerprint":"fp_sim","choices":"#,
            Value::from(answer.id.as_str()),
            answer.created,
            Value::from(answer.model.as_str()),
        );
        Frames { head, tail: if answer.include_usage { ",\"usage\":null}\n\n" } else { "}\n\n" } }
    }

    pub(crate) fn write(&self, answer: &Answer, frame: Frame) -> Vec<u8> {
        match frame {
            Frame::Start => self.start(answer),
            Frame::Open(part) => self.open(answer, part as usize),
            Frame::Piece(part, piece) => self.piece(answer, part as usize, piece as usize),
            Frame::Close(_) => Vec::new(),
            Frame::Finish => self.finish(answer),
            Frame::Ping => b": keep-alive\n\n".to_vec(),
            Frame::Garble => [self.head.as_bytes(), b"[{\"index\":0,\"delta\":{\"content\":\"\xff\xfe\n\n"].concat(),
            Frame::Failure => {
                let problem = Problem::status(500, "The server had an error while processing your request.");
                format!("data: {}\n\n", error(&problem)).into_bytes()
            }
            Frame::BigLine => {
                let padding = "x".repeat(BIG_LINE_BYTES);
                format!(
                    r#"{}[{{"index":0,"delta":{{}},"logprobs":null,"finish_reason":null}}],"obfuscation":"{padding}"{}"#,
                    self.head, self.tail
                )
                .into_bytes()
            }
        }
    }

    fn delta(&self, delta: &str, finish: &str, tail: &str) -> Vec<u8> {
        let mut chunk = Vec::with_capacity(self.head.len() + delta.len() + tail.len() + 80);
        for text in [&self.head, r#"[{"index":0,"delta":"#, delta, r#","logprobs":null,"finish_reason":"#, finish, "}]", tail] {
            chunk.extend_from_slice(text.as_bytes());
        }
        chunk
    }

    fn start(&self, answer: &Answer) -> Vec<u8> {
        let speaks = answer.script.parts.iter().any(|part| matches!(part, Part::Text(_))) || answer.script.parts.is_empty();
        let content = if speaks { "\"\"" } else { "null" };
        let delta = format!(r#"{{"role":"assistant","content":{content},"refusal":null}}"#);
        let early = Reported::early(answer.usage, answer.lie).filter(|_| answer.lie == Lie::Falling);
        let tail = early.map(|reported| with_usage(&report(&reported)));
        self.delta(&delta, "null", tail.as_deref().unwrap_or(self.tail))
    }

    fn open(&self, answer: &Answer, part: usize) -> Vec<u8> {
        let Some(Part::Tool(call)) = answer.script.parts.get(part) else { return Vec::new() };
        let delta = json!({"tool_calls": [{
            "index": tool_index(answer, part),
            "id": format!("call_{}", call.id),
            "type": "function",
            "function": {"name": call.name, "arguments": ""},
        }]});
        self.delta(&delta.to_string(), "null", self.tail)
    }

    fn piece(&self, answer: &Answer, part: usize, piece: usize) -> Vec<u8> {
        let Some(part_of) = answer.script.parts.get(part) else { return Vec::new() };
        let Some(text) = part_of.pieces().map(|pieces| Value::from(pieces.get(piece)).to_string()) else { return Vec::new() };
        let delta = match part_of {
            Part::Reasoning(_) => format!(r#"{{"reasoning_content":{text}}}"#),
            Part::Text(_) => format!(r#"{{"content":{text}}}"#),
            Part::Refusal(_) => format!(r#"{{"refusal":{text}}}"#),
            Part::Tool(_) => format!(r#"{{"tool_calls":[{{"index":{},"function":{{"arguments":{text}}}}}]}}"#, tool_index(answer, part)),
            Part::Withheld { .. } => return Vec::new(),
        };
        self.delta(&delta, "null", self.tail)
    }

    /// The finish reason; then usage in a chunk without choices, where it was asked for; then the end marker.
    fn finish(&self, answer: &Answer) -> Vec<u8> {
        let usage = Reported::last(answer.usage, answer.lie, answer.max_tokens).map(|reported| with_usage(&report(&reported)));
        let twice = usage.as_deref().filter(|_| answer.lie == Lie::Twice);
        let reason = format!("\"{}\"", finish_reason(answer.script.finish));
        let mut frames = self.delta("{}", &reason, twice.unwrap_or(self.tail));
        if let Some(usage) = usage.filter(|_| answer.include_usage) {
            for text in [&self.head, "[]", usage.as_str()] {
                frames.extend_from_slice(text.as_bytes());
            }
        }
        frames.extend_from_slice(b"data: [DONE]\n\n");
        frames
    }
}

fn with_usage(usage: &Value) -> String {
    format!(",\"usage\":{usage}}}\n\n")
}

/// The number of a call among the calls of the answer.
fn tool_index(answer: &Answer, part: usize) -> usize {
    answer.script.parts.iter().take(part).filter(|part| matches!(part, Part::Tool(_))).count()
}
