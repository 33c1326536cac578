//! Answers as OpenRouter writes them: events to chunks, or folded into one body.

use std::io::Write as _;

use portolan_core::Fault;

use super::usage;
use crate::ir::{Delta, Event, Finish, ReasoningKind};
use crate::json::quote;
use crate::relay::{Bill, RelaySpec, Seen};

mod fold;

pub(crate) use fold::Fold;

/// Ends every stream.
const DONE: &[u8] = b"data: [DONE]\n\n";

/// What every chunk of an answer says of itself, as JSON.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) id: Vec<u8>,
    pub(crate) model: Vec<u8>,
    pub(crate) provider: Vec<u8>,
    created: String,
    from_provider: bool,
    /// The endpoint is a reseller's: who serves, it says itself.
    pub(crate) is_resold: bool,
    /// It has not yet said which model, or which provider: until then they are as the endpoint has them.
    awaits_model: bool,
    awaits_provider: bool,
}

impl Identity {
    pub(crate) fn new(spec: &RelaySpec) -> Self {
        let json = |text: &str| {
            let mut out = Vec::new();
            quote(text, &mut out);
            out
        };
        Self {
            id: json(spec.id.as_str()),
            model: json(&spec.model),
            provider: json(&spec.provider),
            created: spec.created.to_string(),
            from_provider: false,
            is_resold: spec.is_resold,
            awaits_model: spec.is_resold,
            awaits_provider: spec.is_resold,
        }
    }

    /// What a reseller has said of who serves takes the place of ours. Answers whether it said anything new.
    pub(crate) fn note_served(&mut self, seen: &Seen) -> bool {
        let said = |awaits: &mut bool, ours: &mut Vec<u8>, name: &Option<String>| match name {
            Some(name) if std::mem::take(awaits) => {
                ours.clear();
                quote(name, ours);
                true
            }
            _ => false,
        };
        said(&mut self.awaits_model, &mut self.model, &seen.upstream_model)
            | said(&mut self.awaits_provider, &mut self.provider, &seen.upstream_provider)
    }

    /// The first time that the provider states is kept, so that all chunks agree.
    pub(crate) fn note_created(&mut self, number: &str) {
        if !self.from_provider {
            self.from_provider = true;
            number.clone_into(&mut self.created);
        }
    }

    pub(crate) fn created(&self) -> &str {
        &self.created
    }

    /// A chunk up to its first choice's index.
    pub(crate) fn head(&self) -> Vec<u8> {
        let mut head = Vec::with_capacity(256);
        self.write(b"data: {\"id\":", b"chat.completion.chunk", &mut head);
        head.extend_from_slice(b",\"choices\":[{\"index\":");
        head
    }

    fn write(&self, open: &[u8], object: &[u8], out: &mut Vec<u8>) {
        for part in [
            open,
            &self.id,
            b",\"provider\":",
            &self.provider,
            b",\"model\":",
            &self.model,
            b",\"object\":\"",
            object,
            b"\",\"created\":",
            self.created.as_bytes(),
        ] {
            out.extend_from_slice(part);
        }
    }

    /// The last chunk, with usage and cost, and the end of the stream. It repeats the finish reason of the one
    /// choice; of several choices it holds none, for the reason that was seen last may be another one's.
    pub(crate) fn finish(&self, seen: &Seen, several: bool, bill: &Bill, out: &mut Vec<u8>) {
        if several {
            self.write(b"data: {\"id\":", b"chat.completion.chunk", out);
            out.extend_from_slice(b",\"choices\":[");
        } else {
            out.extend_from_slice(&self.head());
            out.extend_from_slice(b"0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},");
            write_finish(seen.finish.as_ref().map(|(reason, native)| (*reason, native.as_str())), out);
            out.extend_from_slice(b",\"logprobs\":null}");
        }
        out.extend_from_slice(b"],\"usage\":");
        usage::write(bill, out);
        out.extend_from_slice(b"}\n\n");
        out.extend_from_slice(DONE);
    }

    /// The chunk that tells of a failure after content, and the end of the stream.
    pub(crate) fn fail(&self, fault: &Fault, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.head());
        out.extend_from_slice(b"0,\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}],\"error\":{\"code\":");
        write!(out, "{},\"message\":", fault.class.http_status()).expect("a vector takes all bytes");
        quote(&fault.message, out);
        write!(out, ",\"metadata\":{{\"error_type\":\"{}\"", fault.class.error_type()).expect("a vector takes all bytes");
        if let Some(code) = &fault.provider_code {
            out.extend_from_slice(b",\"provider_code\":");
            quote(code, out);
        }
        out.extend_from_slice(b"}}}\n\n");
        out.extend_from_slice(DONE);
    }
}

/// Writes the two finish reasons.
fn write_finish(finish: Option<(Finish, &str)>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\"finish_reason\":");
    let Some((reason, native)) = finish else {
        out.extend_from_slice(b"null,\"native_finish_reason\":null");
        return;
    };
    quote(reason.as_str(), out);
    out.extend_from_slice(b",\"native_finish_reason\":");
    if native.is_empty() { out.extend_from_slice(b"null") } else { quote(native, out) }
}

/// Writes events as chunks, each as one.
#[derive(Debug)]
pub(crate) struct Chunks {
    head: Vec<u8>,
    exclude_reasoning: bool,
    /// Log probabilities that wait for the text they belong to.
    logprobs: Vec<(u32, String)>,
}

impl Chunks {
    pub(crate) fn new(identity: &Identity, exclude_reasoning: bool) -> Self {
        Self { head: identity.head(), exclude_reasoning, logprobs: Vec::new() }
    }

    /// From here on the chunks say something else of themselves.
    pub(crate) fn rename(&mut self, identity: &Identity) {
        self.head = identity.head();
    }

    /// Appends the chunk of an event, where it makes one.
    pub(crate) fn event(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        match event {
            Event::Start { .. } => {
                self.open(0, out);
                self.close(0, None, out);
            }
            Event::Delta { choice, delta } => self.delta(*choice, delta, out),
            Event::Finish { choice, reason, native } => {
                self.open(*choice, out);
                self.close(*choice, Some((*reason, native)), out);
            }
            Event::Usage(_) | Event::Cost(_) | Event::Served { .. } | Event::Fault(_) | Event::Done => {}
        }
    }

    fn delta(&mut self, choice: u32, delta: &Delta<'_>, out: &mut Vec<u8>) {
        match delta {
            Delta::Logprobs(json) => {
                self.logprobs.push((choice, json.clone().into_owned()));
                return;
            }
            Delta::Reasoning { .. } | Delta::Sealed { .. } if self.exclude_reasoning => return,
            Delta::Text(text) => {
                self.begin(choice, out);
                quote(text, out);
            }
            other => {
                self.open(choice, out);
                write_delta(other, out);
            }
        }
        self.close(choice, None, out);
    }

    fn begin(&self, choice: u32, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.head);
        write!(out, "{choice}").expect("a vector takes all bytes");
        out.extend_from_slice(b",\"delta\":{\"role\":\"assistant\",\"content\":");
    }

    fn open(&self, choice: u32, out: &mut Vec<u8>) {
        self.begin(choice, out);
        out.extend_from_slice(b"\"\"");
    }

    fn close(&mut self, choice: u32, finish: Option<(Finish, &str)>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"},");
        write_finish(finish, out);
        out.extend_from_slice(b",\"logprobs\":");
        let waiting = self.logprobs.iter().position(|(of, _)| *of == choice).map(|at| self.logprobs.swap_remove(at).1);
        write_json(waiting.as_deref().unwrap_or("null"), out);
        out.extend_from_slice(b"}]}\n\n");
    }
}

/// Writes the members of a delta that is no text, each with its comma before.
fn write_delta(delta: &Delta<'_>, out: &mut Vec<u8>) {
    match delta {
        Delta::Text(_) | Delta::Logprobs(_) => {}
        Delta::Reasoning { kind, index, text, format } => {
            out.extend_from_slice(b",\"reasoning\":");
            quote(text, out);
            out.extend_from_slice(b",\"reasoning_details\":[");
            let field = if *kind == ReasoningKind::Summary { "summary" } else { "text" };
            write_detail(*kind, &[(field, text)], *format, *index, out);
            out.push(b']');
        }
        Delta::Sealed { kind, index, data, format } => {
            out.extend_from_slice(b",\"reasoning_details\":[");
            let field = if *kind == ReasoningKind::Encrypted { "data" } else { "signature" };
            write_detail(*kind, &[(field, data)], *format, *index, out);
            out.push(b']');
        }
        Delta::ToolCall { index, id, name } => {
            write!(out, ",\"tool_calls\":[{{\"index\":{index},\"id\":").expect("a vector takes all bytes");
            quote(id, out);
            out.extend_from_slice(b",\"type\":\"function\",\"function\":{\"name\":");
            quote(name, out);
            out.extend_from_slice(b",\"arguments\":\"\"}}]");
        }
        Delta::Arguments { index, text } => {
            write!(out, ",\"tool_calls\":[{{\"index\":{index},\"type\":\"function\",\"function\":{{\"arguments\":")
                .expect("a vector takes all bytes");
            quote(text, out);
            out.extend_from_slice(b"}}]");
        }
        Delta::Refusal(text) => {
            out.extend_from_slice(b",\"refusal\":");
            quote(text, out);
        }
        Delta::Field { name, json } => {
            write!(out, ",\"{name}\":").expect("a vector takes all bytes");
            write_json(json, out);
        }
    }
}

/// Writes JSON as it came, on one line: a line feed between its tokens would end our frame.
fn write_json(json: &str, out: &mut Vec<u8>) {
    out.extend(json.bytes().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte }));
}

/// Writes one entry of `reasoning_details`.
fn write_detail(kind: ReasoningKind, fields: &[(&str, &str)], format: Option<&str>, index: u32, out: &mut Vec<u8>) {
    let kind = match kind {
        ReasoningKind::Text => "text",
        ReasoningKind::Summary => "summary",
        ReasoningKind::Encrypted => "encrypted",
    };
    write!(out, "{{\"type\":\"reasoning.{kind}\"").expect("a vector takes all bytes");
    for (name, text) in fields {
        write!(out, ",\"{name}\":").expect("a vector takes all bytes");
        quote(text, out);
    }
    write!(out, ",\"format\":\"{}\",\"index\":{index}}}", format.unwrap_or("unknown")).expect("a vector takes all bytes");
}
