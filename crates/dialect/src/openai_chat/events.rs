//! Answers of an `openai_chat` endpoint, decoded: chunks and bodies into the same events.

use std::borrow::Cow;
use std::ops::Range;

use portolan_core::Quirk;

use super::calls::{Arguments, CallView, Calls, mint};
use super::{delta, error, finish, usage};
use crate::classify::invalid_answer;
use crate::decoder::Decoder;
use crate::ir::{Delta, Event};
use crate::json::{JsonError, Kind, Reader, Text};

/// The decoder of one answer.
#[derive(Debug, Default)]
pub struct Events {
    reasoning_beside: bool,
    started: bool,
    calls: Calls,
    odd_usage: Option<&'static str>,
}

/// Where the members of a frame stand.
#[derive(Debug, Default)]
struct Frame<'a> {
    id: Option<Text<'a>>,
    model: Option<Text<'a>>,
    provider: Option<Text<'a>>,
    tier: Option<Text<'a>>,
    choices: Option<Range<usize>>,
    usage: Option<Range<usize>>,
    failed: bool,
}

/// Where the members of a choice stand.
#[derive(Debug, Default)]
struct Choice<'a> {
    index: Option<u32>,
    content: Option<&'a str>,
    message: Option<&'a str>,
    reason: Option<Text<'a>>,
    native: Option<Text<'a>>,
    logprobs: Option<&'a str>,
    failed: bool,
}

impl Events {
    /// A decoder for an endpoint with these deviations.
    #[must_use]
    pub fn new(quirks: &[Quirk]) -> Self {
        Self { reasoning_beside: quirks.contains(&Quirk::ReasoningBesideCompletion), ..Self::default() }
    }

    fn answer(&mut self, json: &str, whole: bool, sink: &mut dyn FnMut(Event<'_>)) -> Result<(), JsonError> {
        let frame = Frame::read(json)?;
        if frame.failed {
            self.usage(frame.usage.map(|span| &json[span]), sink)?;
            sink(Event::Fault(error::within(json)));
            return Ok(());
        }
        let text = |text: Option<Text<'_>>| text.map_or(String::new(), |text| text.decode().into_owned());
        // Azure's first chunk has neither id nor choices: it tells of filters only.
        let speaks = frame.choices.clone().is_some_and(|span| json[span].trim_start_matches(['[', ' ']).starts_with('{'));
        if !self.started && (frame.id.is_some() || speaks) {
            self.started = true;
            // Before the start, which makes the first chunk: it may have to say who serves.
            let (provider, tier) = (frame.provider.map(|text| text.decode()), frame.tier.map(|text| text.decode()));
            if provider.is_some() || tier.is_some() {
                sink(Event::Served { provider, tier });
            }
            sink(Event::Start { id: text(frame.id).into(), model: text(frame.model).into() });
        }
        let mut found = 0;
        if let Some(span) = frame.choices.clone() {
            let id = frame.id.map_or("", |id| id.raw);
            Reader::new(&json[span]).array(|r, position| {
                found += 1;
                self.choice(Choice::read(r, position)?, id, json, whole, sink)
            })?;
        }
        if whole && found == 0 {
            sink(Event::Fault(invalid_answer("the provider's answer holds no choices")));
            return Ok(());
        }
        self.usage(frame.usage.map(|span| &json[span]), sink)
    }

    fn usage(&mut self, json: Option<&str>, sink: &mut dyn FnMut(Event<'_>)) -> Result<(), JsonError> {
        let Some(json) = json else { return Ok(()) };
        let reading = usage::read(&mut Reader::new(json), self.reasoning_beside)?;
        self.odd_usage = reading.odd.or(self.odd_usage);
        if let Some(usage) = reading.usage {
            sink(Event::Usage(usage));
        }
        if let Some(cost) = reading.cost {
            sink(Event::Cost(cost));
        }
        Ok(())
    }

    fn choice(&mut self, choice: Choice<'_>, id: &str, json: &str, whole: bool, sink: &mut dyn FnMut(Event<'_>)) -> Result<(), JsonError> {
        if choice.failed {
            sink(Event::Fault(error::within(json)));
            return Ok(());
        }
        let at = choice.index.unwrap_or(0);
        let mut say = |delta: Delta<'_>| sink(Event::Delta { choice: at, delta });
        if let Some(json) = choice.logprobs {
            say(Delta::Logprobs(json.into()));
        }
        // Some send both, and mean one.
        let content = if whole { choice.message } else { choice.content.or(choice.message) };
        if let Some(content) = content {
            let view = delta::View::read(content)?;
            view.say(&mut say)?;
            if let Some(calls) = view.calls {
                Reader::new(calls).array(|r, position| {
                    let Some(mut view) = CallView::read(r)? else { return Ok::<(), JsonError>(()) };
                    if whole {
                        // In a body every entry is a call of its own; some number all of them 0.
                        view.index = u32::try_from(position).ok();
                    }
                    self.call(at, &view, id, calls, &mut say);
                    Ok(())
                })?;
            }
            if let Some(call) = view.function_call {
                let mut view = CallView { index: Some(0), ..CallView::default() };
                view.function(&mut Reader::new(call))?;
                if view.bytes() > 0 {
                    self.call(at, &view, id, call, &mut say);
                }
            }
        }
        if let Some(word) = choice.reason {
            let word = word.decode();
            let native = choice.native.map_or_else(|| word.clone(), |native| native.decode());
            sink(Event::Finish { choice: at, reason: finish::normalise(&word), native });
        }
        Ok(())
    }

    fn call(&mut self, choice: u32, view: &CallView<'_>, answer: &str, json: &str, say: &mut dyn FnMut(Delta<'_>)) {
        let place = self.calls.place(choice, view);
        let index = place.index;
        if place.begins {
            let id = view.id.map_or_else(|| Cow::Owned(mint(answer, choice, index)), |id| id.decode());
            say(Delta::ToolCall { index, id, name: view.name.map_or(Cow::Borrowed(""), |name| name.decode()) });
        }
        let text = match &view.arguments {
            Arguments::Text(text) => text.decode(),
            Arguments::Json(span) => Cow::Borrowed(&json[span.clone()]),
            Arguments::Absent | Arguments::Null(_) => return,
        };
        if !text.is_empty() {
            say(Delta::Arguments { index, text });
        }
    }
}

impl Decoder for Events {
    fn frame(&mut self, _event: Option<&str>, data: &str, sink: &mut dyn FnMut(Event<'_>)) {
        if data.trim_ascii() == "[DONE]" {
            sink(Event::Done);
        } else if let Err(e) = self.answer(data, false, sink) {
            sink(Event::Fault(invalid_answer(format!("the provider sent a chunk that is no JSON: {e}"))));
        }
    }

    fn body(&mut self, json: &str, sink: &mut dyn FnMut(Event<'_>)) {
        if let Err(e) = self.answer(json, true, sink) {
            sink(Event::Fault(invalid_answer(format!("the provider's answer is no JSON of its dialect: {e}"))));
        }
    }

    fn odd_usage(&self) -> Option<&'static str> {
        self.odd_usage
    }
}

impl<'a> Frame<'a> {
    fn read(json: &'a str) -> Result<Self, JsonError> {
        let mut frame = Self::default();
        let mut r = Reader::new(json);
        r.object(|r, key| {
            let kind = r.kind()?;
            match (key.raw, kind) {
                ("id", Kind::String) => frame.id = Some(r.string()?).filter(|id| !id.raw.is_empty()),
                ("model", Kind::String) => frame.model = Some(r.string()?).filter(|model| !model.raw.is_empty()),
                ("provider", Kind::String) => frame.provider = Some(r.string()?).filter(|provider| !provider.raw.is_empty()),
                ("service_tier", Kind::String) => frame.tier = Some(r.string()?).filter(|tier| !tier.raw.is_empty()),
                ("choices", Kind::Array) => frame.choices = Some(r.skip()?),
                ("usage", _) if kind != Kind::Null => frame.usage = Some(r.skip()?),
                ("x_groq", Kind::Object) => {
                    r.object(|r, key| {
                        let span = r.skip()?;
                        if key.raw == "usage" && frame.usage.is_none() {
                            frame.usage = Some(span);
                        }
                        Ok::<(), JsonError>(())
                    })?;
                }
                ("error", _) => {
                    frame.failed |= kind != Kind::Null;
                    r.skip()?;
                }
                _ => r.skip().map(drop)?,
            }
            Ok::<(), JsonError>(())
        })?;
        r.end()?;
        Ok(frame)
    }
}

impl<'a> Choice<'a> {
    fn read(r: &mut Reader<'a>, position: usize) -> Result<Self, JsonError> {
        let mut choice = Self { index: u32::try_from(position).ok(), ..Self::default() };
        r.object(|r, key| {
            let kind = r.kind()?;
            match (key.raw, kind) {
                ("index", Kind::Number) => choice.index = r.raw()?.parse().ok().or(choice.index),
                ("delta", Kind::Object) => choice.content = Some(r.raw()?),
                ("message", Kind::Object) => choice.message = Some(r.raw()?),
                ("finish_reason", Kind::String) => choice.reason = Some(r.string()?).filter(|word| !word.raw.is_empty()),
                ("native_finish_reason", Kind::String) => choice.native = Some(r.string()?).filter(|word| !word.raw.is_empty()),
                ("logprobs", Kind::Object) => choice.logprobs = Some(r.raw()?),
                ("error", _) => {
                    choice.failed = kind != Kind::Null;
                    r.skip()?;
                }
                _ => r.skip().map(drop)?,
            }
            Ok::<(), JsonError>(())
        })?;
        Ok(choice)
    }
}
