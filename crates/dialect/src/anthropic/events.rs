//! From an answer to events.
//!
//! Blocks carry the provider's indexes, which also count what is not ours to show (server tools); calls and
//! reasoning items are counted anew, from 0. A message that begins twice (spliced streams) begins once.

use std::borrow::Cow;

use portolan_core::Usage;
use serde::Serialize;
use serde_json::value::RawValue;

use super::answer::{Citation, Content, Frame, Head, Message, Piece, StopDetails, Text};
use super::usage::Tally;
use super::{FAMILY, error};
use crate::classify::invalid_answer;
use crate::decoder::Decoder;
use crate::ir::{Delta, Event, Finish, ReasoningKind};

/// Blocks that may be open at once. Anthropic opens one at a time; more is a stream that only wants our memory.
const OPEN_BLOCKS_MAX: usize = 256;
/// Citations that are kept for one block.
const CITATIONS_MAX: usize = 256;

type Sink<'s> = dyn FnMut(Event<'_>) + 's;

/// Decodes one answer.
#[derive(Debug, Default)]
pub struct Events {
    started: bool,
    finished: bool,
    done: bool,
    tally: Tally,
    open: Vec<(u64, Open)>,
    calls: u32,
    reasoning: u32,
    /// Characters of text so far: annotations say where they belong.
    text_chars: usize,
}

/// A block that has begun.
#[derive(Debug)]
enum Open {
    Text {
        from: usize,
        citations: Vec<UrlCitation>,
    },
    Call {
        index: u32,
        /// What the block began with, to be said at its end if no piece follows.
        arguments: Option<String>,
        pieces: bool,
    },
    Reasoning(u32),
    /// Somebody else's: a server tool and what it found.
    Other,
}

/// The annotation of OpenAI's format.
#[derive(Debug, Serialize)]
struct UrlCitation {
    url: String,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    start_index: usize,
    end_index: usize,
}

impl Decoder for Events {
    fn frame(&mut self, event: Option<&str>, data: &str, sink: &mut Sink<'_>) {
        if self.done {
            return;
        }
        // Not Anthropic's, but gateways that speak its dialect send it.
        if data.trim() == "[DONE]" {
            return self.end(sink);
        }
        let frame: Frame<'_> = match serde_json::from_str(data) {
            Ok(frame) => frame,
            Err(error) => return sink(Event::Fault(invalid_answer(format!("a frame of the stream is not Anthropic's: {error}")))),
        };
        let index = frame.index.unwrap_or(0);
        match frame.kind.as_ref().map(|kind| kind.0.as_ref()).or(event) {
            Some("content_block_delta") => self.piece(index, frame.delta.unwrap_or_default(), sink),
            Some("content_block_start") => match parsed::<Content<'_>>(frame.content_block) {
                Some(block) => self.open(index, block, sink),
                None => sink(Event::Fault(invalid_answer("a block of the stream begins without its content"))),
            },
            Some("content_block_stop") => self.close(index, sink),
            Some("message_start") => match parsed::<Message<'_>>(frame.message) {
                Some(message) => self.start(&message, sink),
                None => sink(Event::Fault(invalid_answer("the stream begins without its message"))),
            },
            Some("message_delta") => {
                self.usage(frame.usage.map(RawValue::get), sink);
                let delta = frame.delta.unwrap_or_default();
                self.finish(delta.stop_reason, delta.stop_details, sink);
            }
            Some("message_stop") => self.end(sink),
            Some("error") => sink(Event::Fault(error::within(data))),
            // `ping`, and what will be invented: to be ignored, as Anthropic asks.
            _ => {}
        }
    }

    fn body(&mut self, json: &str, sink: &mut Sink<'_>) {
        let message: Message<'_> = match (serde_json::from_str::<Head<'_>>(json), serde_json::from_str(json)) {
            (Ok(Head { kind: Some(Text(kind)) }), _) if kind == "error" => return sink(Event::Fault(error::within(json))),
            (Ok(Head { kind: Some(Text(kind)) }), Ok(message)) if kind == "message" => message,
            (_, Err(error)) => return sink(Event::Fault(invalid_answer(format!("the answer is not Anthropic's: {error}")))),
            _ => return sink(Event::Fault(invalid_answer("the answer is not a message"))),
        };
        self.start(
            &Message {
                usage: None,
                content: None,
                id: message.id.clone(),
                model: message.model.clone(),
                stop_reason: None,
                stop_details: None,
            },
            sink,
        );
        for (index, block) in (0..).zip(message.content.unwrap_or_default()) {
            match serde_json::from_str::<Content<'_>>(block.get()) {
                Ok(block) => self.open(index, block, sink),
                Err(error) => return sink(Event::Fault(invalid_answer(format!("a block of the answer is not Anthropic's: {error}")))),
            }
            self.close(index, sink);
        }
        self.usage(message.usage.map(RawValue::get), sink);
        self.finish(message.stop_reason, message.stop_details, sink);
        self.end(sink);
    }

    fn odd_usage(&self) -> Option<&'static str> {
        self.tally.odd()
    }
}

impl Events {
    fn start(&mut self, message: &Message<'_>, sink: &mut Sink<'_>) {
        if !self.started {
            self.started = true;
            let text = |field: &Option<Text<'_>>| field.as_ref().map_or_else(String::new, |t| t.0.to_string());
            sink(Event::Start { id: Cow::Owned(text(&message.id)), model: Cow::Owned(text(&message.model)) });
        }
        self.usage(message.usage.map(RawValue::get), sink);
    }

    fn usage(&mut self, json: Option<&str>, sink: &mut Sink<'_>) {
        let usage: Option<Usage> = json.and_then(|json| self.tally.take(json));
        if let Some(usage) = usage {
            sink(Event::Usage(usage));
        }
    }

    fn open(&mut self, index: u64, block: Content<'_>, sink: &mut Sink<'_>) {
        // A spliced stream begins an index again without having ended it.
        self.close(index, sink);
        if self.open.len() >= OPEN_BLOCKS_MAX {
            return sink(Event::Fault(invalid_answer("the stream leaves too many blocks open")));
        }
        let opened = match block.kind.0.as_ref() {
            "text" => {
                let from = self.text_chars;
                self.text(block.text, sink);
                let mut citations = Vec::new();
                block.citations.unwrap_or_default().into_iter().for_each(|json| cite(&mut citations, json.get()));
                Open::Text { from, citations }
            }
            "tool_use" => self.call(block, sink),
            "thinking" => {
                let item = self.next_reasoning();
                reason(item, block.thinking, sink);
                seal(item, ReasoningKind::Text, block.signature, sink);
                Open::Reasoning(item)
            }
            "redacted_thinking" => {
                let item = self.next_reasoning();
                seal(item, ReasoningKind::Encrypted, block.data, sink);
                Open::Reasoning(item)
            }
            _ => Open::Other,
        };
        self.open.push((index, opened));
    }

    fn call(&mut self, block: Content<'_>, sink: &mut Sink<'_>) -> Open {
        let index = self.calls;
        self.calls += 1;
        let id = block.id.map_or_else(|| Cow::Owned(format!("call_{index}")), |id| id.0);
        sink(delta(Delta::ToolCall { index, id, name: block.name.unwrap_or_default().0 }));
        // Whole answers hold the arguments here; streams an empty object.
        let arguments = block.input.map(|input| input.get()).filter(|input| !matches!(*input, "{}" | "null" | "\"\"")).map(str::to_owned);
        Open::Call { index, arguments, pieces: false }
    }

    fn next_reasoning(&mut self) -> u32 {
        self.reasoning += 1;
        self.reasoning - 1
    }

    fn piece(&mut self, index: u64, piece: Piece<'_>, sink: &mut Sink<'_>) {
        let kind = piece.kind.as_ref().map_or("", |kind| kind.0.as_ref());
        match (kind, self.open.iter_mut().rev().find(|(at, _)| *at == index).map(|(_, open)| open)) {
            ("text_delta", _) => self.text(piece.text, sink),
            ("input_json_delta", Some(Open::Call { index, pieces, .. })) => {
                if let Some(Text(text)) = piece.partial_json.filter(|text| !text.0.is_empty()) {
                    *pieces = true;
                    sink(delta(Delta::Arguments { index: *index, text }));
                }
            }
            ("thinking_delta", Some(Open::Reasoning(item))) => reason(*item, piece.thinking, sink),
            ("signature_delta", Some(Open::Reasoning(item))) => seal(*item, ReasoningKind::Text, piece.signature, sink),
            ("citations_delta", Some(Open::Text { citations, .. })) => {
                if let Some(json) = piece.citation {
                    cite(citations, json.get());
                }
            }
            // Pieces of blocks that are not shown, and of kinds to come.
            _ => {}
        }
    }

    fn text(&mut self, text: Option<Text<'_>>, sink: &mut Sink<'_>) {
        if let Some(Text(text)) = text.filter(|text| !text.0.is_empty()) {
            self.text_chars += text.chars().count();
            sink(delta(Delta::Text(text)));
        }
    }

    fn close(&mut self, index: u64, sink: &mut Sink<'_>) {
        if let Some(at) = self.open.iter().rposition(|(open, _)| *open == index) {
            let (_, block) = self.open.swap_remove(at);
            self.closed(block, sink);
        }
    }

    fn closed(&mut self, block: Open, sink: &mut Sink<'_>) {
        match block {
            // A tool without arguments sends no piece, yet callers parse what they get.
            Open::Call { index, arguments, pieces: false } => {
                sink(delta(Delta::Arguments { index, text: arguments.map_or(Cow::Borrowed("{}"), Cow::Owned) }));
            }
            Open::Text { from, citations } if !citations.is_empty() => self.annotate(from, citations, sink),
            _ => {}
        }
    }

    /// Anthropic cites per block: the annotation covers the block's text.
    fn annotate(&self, from: usize, citations: Vec<UrlCitation>, sink: &mut Sink<'_>) {
        #[derive(Serialize)]
        struct Annotation {
            #[serde(rename = "type")]
            kind: &'static str,
            url_citation: UrlCitation,
        }
        let place = |citation| UrlCitation { start_index: from, end_index: self.text_chars, ..citation };
        let annotations: Vec<_> = citations.into_iter().map(|c| Annotation { kind: "url_citation", url_citation: place(c) }).collect();
        if let Ok(json) = serde_json::to_string(&annotations) {
            sink(delta(Delta::Field { name: "annotations", json: Cow::Owned(json) }));
        }
    }

    fn finish(&mut self, reason: Option<Text<'_>>, details: Option<&RawValue>, sink: &mut Sink<'_>) {
        let Some(Text(native)) = reason else { return };
        if self.finished {
            return;
        }
        self.finished = true;
        for (_, block) in std::mem::take(&mut self.open) {
            self.closed(block, sink);
        }
        if native == "refusal"
            && let Some(Text(why)) = parsed::<StopDetails<'_>>(details).and_then(|d| d.explanation)
            && !why.is_empty()
        {
            sink(delta(Delta::Refusal(why)));
        }
        sink(Event::Finish { choice: 0, reason: finish_reason(&native), native });
    }

    fn end(&mut self, sink: &mut Sink<'_>) {
        self.done = true;
        sink(Event::Done);
    }
}

fn finish_reason(native: &str) -> Finish {
    match native {
        "max_tokens" | "model_context_window_exceeded" => Finish::Length,
        "tool_use" => Finish::ToolCalls,
        "refusal" => Finish::ContentFilter,
        // `end_turn`, `stop_sequence`, `pause_turn`, and what will be invented.
        _ => Finish::Stop,
    }
}

fn reason(index: u32, text: Option<Text<'_>>, sink: &mut Sink<'_>) {
    if let Some(Text(text)) = text.filter(|text| !text.0.is_empty()) {
        sink(delta(Delta::Reasoning { kind: ReasoningKind::Text, index, text, format: Some(FAMILY) }));
    }
}

fn seal(index: u32, kind: ReasoningKind, data: Option<Text<'_>>, sink: &mut Sink<'_>) {
    if let Some(Text(data)) = data.filter(|data| !data.0.is_empty()) {
        sink(delta(Delta::Sealed { kind, index, data, format: Some(FAMILY) }));
    }
}

fn cite(citations: &mut Vec<UrlCitation>, json: &str) {
    let Ok(Citation { url: Some(Text(url)), title, cited_text }) = serde_json::from_str::<Citation<'_>>(json) else { return };
    if citations.len() < CITATIONS_MAX {
        citations.push(UrlCitation {
            url: url.into_owned(),
            title: title.unwrap_or_default().0.into_owned(),
            content: cited_text.map(|text| text.0.into_owned()),
            start_index: 0,
            end_index: 0,
        });
    }
}

fn delta(delta: Delta<'_>) -> Event<'_> {
    Event::Delta { choice: 0, delta }
}

fn parsed<'a, T: serde::Deserialize<'a>>(json: Option<&'a RawValue>) -> Option<T> {
    serde_json::from_str(json?.get()).ok()
}
