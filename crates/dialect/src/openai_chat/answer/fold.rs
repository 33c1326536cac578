//! All events of an answer, folded into one body.

use std::borrow::Cow;
use std::io::Write as _;

use super::{Identity, write_detail, write_finish};
use crate::ir::{Delta, Event, Finish, ReasoningKind};
use crate::json::quote;
use crate::openai_chat::usage;
use crate::relay::Bill;

/// The answer so far.
#[derive(Debug, Default)]
pub(crate) struct Fold {
    choices: Vec<Choice>,
    exclude_reasoning: bool,
}

#[derive(Debug, Default)]
struct Choice {
    index: u32,
    text: String,
    refusal: String,
    reasoning: String,
    details: Vec<Detail>,
    calls: Vec<Call>,
    fields: Vec<(&'static str, String)>,
    logprobs: Option<String>,
    finish: Option<(Finish, String)>,
}

/// One item of reasoning, its deltas joined.
#[derive(Debug)]
struct Detail {
    kind: ReasoningKind,
    index: u32,
    text: String,
    signature: String,
    format: Option<&'static str>,
}

#[derive(Debug, Default)]
struct Call {
    index: u32,
    id: String,
    name: String,
    arguments: String,
}

impl Fold {
    pub(crate) fn new(exclude_reasoning: bool) -> Self {
        Self { choices: Vec::new(), exclude_reasoning }
    }

    /// Takes the next event.
    pub(crate) fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Delta { choice, delta } => {
                let exclude = self.exclude_reasoning;
                let choice = self.choice(*choice);
                match delta {
                    Delta::Reasoning { .. } | Delta::Sealed { .. } if exclude => {}
                    other => choice.take(other),
                }
            }
            Event::Finish { choice, reason, native } => self.choice(*choice).finish = Some((*reason, native.clone().into_owned())),
            Event::Start { .. } | Event::Usage(_) | Event::Cost(_) | Event::Served { .. } | Event::Fault(_) | Event::Done => {}
        }
    }

    fn choice(&mut self, index: u32) -> &mut Choice {
        let at = self.choices.iter().position(|c| c.index == index).unwrap_or_else(|| {
            self.choices.push(Choice { index, ..Choice::default() });
            self.choices.len() - 1
        });
        &mut self.choices[at]
    }

    /// Writes the body.
    pub(crate) fn write(&self, identity: &Identity, bill: &Bill, out: &mut Vec<u8>) {
        identity.write(b"{\"id\":", b"chat.completion", out);
        out.extend_from_slice(b",\"system_fingerprint\":null,\"choices\":[");
        for (at, choice) in self.choices.iter().enumerate() {
            out.extend_from_slice(if at == 0 { b"" } else { b"," });
            choice.write(out);
        }
        out.extend_from_slice(b"],\"usage\":");
        usage::write(bill, out);
        out.push(b'}');
    }
}

impl Choice {
    fn take(&mut self, delta: &Delta<'_>) {
        match delta {
            Delta::Text(text) => self.text.push_str(text),
            Delta::Refusal(text) => self.refusal.push_str(text),
            Delta::Reasoning { kind, index, text, format } => {
                self.reasoning.push_str(text);
                self.detail(*kind, *index, *format).text.push_str(text);
            }
            Delta::Sealed { kind: ReasoningKind::Encrypted, index, data, format } => {
                self.detail(ReasoningKind::Encrypted, *index, *format).text.push_str(data);
            }
            Delta::Sealed { kind, index, data, format } => self.detail(*kind, *index, *format).signature.push_str(data),
            Delta::ToolCall { index, id, name } => {
                let call = self.call(*index);
                (call.id, call.name) = (id.clone().into_owned(), name.clone().into_owned());
            }
            Delta::Arguments { index, text } => self.call(*index).arguments.push_str(text),
            Delta::Field { name, json } => {
                self.fields.retain(|(known, _)| known != name);
                self.fields.push((name, json.clone().into_owned()));
            }
            Delta::Logprobs(json) => self.logprobs = Some(json.clone().into_owned()),
        }
    }

    fn detail(&mut self, kind: ReasoningKind, index: u32, format: Option<&'static str>) -> &mut Detail {
        let at = self.details.iter().position(|d| d.kind == kind && d.index == index).unwrap_or_else(|| {
            self.details.push(Detail { kind, index, text: String::new(), signature: String::new(), format });
            self.details.len() - 1
        });
        let detail = &mut self.details[at];
        detail.format = detail.format.or(format);
        detail
    }

    fn call(&mut self, index: u32) -> &mut Call {
        let at = self.calls.iter().position(|c| c.index == index).unwrap_or_else(|| {
            self.calls.push(Call { index, ..Call::default() });
            self.calls.len() - 1
        });
        &mut self.calls[at]
    }

    fn write(&self, out: &mut Vec<u8>) {
        write!(out, "{{\"index\":{},\"logprobs\":{},", self.index, self.logprobs.as_deref().unwrap_or("null"))
            .expect("a vector takes all bytes");
        write_finish(self.finish.as_ref().map(|(reason, native)| (*reason, native.as_str())), out);
        out.extend_from_slice(b",\"message\":{\"role\":\"assistant\",\"content\":");
        // Clients expect a text, save beside tool calls.
        text_or_null(&self.text, self.text.is_empty() && !self.calls.is_empty(), out);
        out.extend_from_slice(b",\"refusal\":");
        text_or_null(&self.refusal, self.refusal.is_empty(), out);
        out.extend_from_slice(b",\"reasoning\":");
        text_or_null(&self.reasoning, self.reasoning.is_empty(), out);
        self.write_details(out);
        self.write_calls(out);
        for (name, json) in &self.fields {
            write!(out, ",\"{name}\":{json}").expect("a vector takes all bytes");
        }
        out.extend_from_slice(b"}}");
    }

    fn write_details(&self, out: &mut Vec<u8>) {
        if self.details.is_empty() {
            return;
        }
        out.extend_from_slice(b",\"reasoning_details\":[");
        for (at, detail) in self.details.iter().enumerate() {
            out.extend_from_slice(if at == 0 { b"" } else { b"," });
            let field = match detail.kind {
                ReasoningKind::Text => "text",
                ReasoningKind::Summary => "summary",
                ReasoningKind::Encrypted => "data",
            };
            let fields = [(field, detail.text.as_str()), ("signature", detail.signature.as_str())];
            let signed = usize::from(!detail.signature.is_empty());
            write_detail(detail.kind, &fields[..=signed], detail.format, detail.index, out);
        }
        out.push(b']');
    }

    fn write_calls(&self, out: &mut Vec<u8>) {
        if self.calls.is_empty() {
            return;
        }
        out.extend_from_slice(b",\"tool_calls\":[");
        for (at, call) in self.calls.iter().enumerate() {
            out.extend_from_slice(if at == 0 { b"" } else { b"," });
            write!(out, "{{\"index\":{},\"id\":", call.index).expect("a vector takes all bytes");
            quote(&call.id, out);
            out.extend_from_slice(b",\"type\":\"function\",\"function\":{\"name\":");
            quote(&call.name, out);
            out.extend_from_slice(b",\"arguments\":");
            // A call without arguments is the empty object: clients parse the text.
            let arguments: Cow<'_, str> = if call.arguments.is_empty() { Cow::Borrowed("{}") } else { Cow::Borrowed(&call.arguments) };
            quote(&arguments, out);
            out.extend_from_slice(b"}}");
        }
        out.push(b']');
    }
}

fn text_or_null(text: &str, null: bool, out: &mut Vec<u8>) {
    if null { out.extend_from_slice(b"null") } else { quote(text, out) }
}
