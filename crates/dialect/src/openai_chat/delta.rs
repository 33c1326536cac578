//! The content of a choice (`delta` or `message`), as the canonical form says it.

use std::borrow::Cow;

use super::list::{Listed, audio_bytes};
use crate::ir::{Delta, ReasoningKind};
use crate::json::{JsonError, Kind, Reader, Text};

/// The members of a delta or message. They are said in the order in which models make them, whatever order they came in.
#[derive(Debug, Default)]
pub(super) struct View<'a> {
    text: Cow<'a, str>,
    reasoning: Cow<'a, str>,
    details: Option<&'a str>,
    refusal: Option<Text<'a>>,
    fields: Vec<(&'static str, &'a str)>,
    pub(super) calls: Option<&'a str>,
    pub(super) function_call: Option<&'a str>,
}

/// Formats of signed reasoning that are known; what is none of them is carried without one.
const FORMATS: [&str; 9] = [
    "anthropic-claude-v1",
    "openai-responses-v1",
    "google-gemini-v1",
    "xai-responses-v1",
    "meta-responses-v1",
    "azure-openai-responses-v1",
    "bedrock-openai-responses-v1",
    "bedrock-xai-responses-v1",
    "unknown",
];

impl<'a> View<'a> {
    pub(super) fn read(json: &'a str) -> Result<Self, JsonError> {
        let mut view = Self::default();
        Reader::new(json).object(|r, key| view.member(r, key.raw))?;
        Ok(view)
    }

    fn member(&mut self, r: &mut Reader<'a>, key: &str) -> Result<(), JsonError> {
        match (key, r.kind()?) {
            ("content", Kind::String) => self.text = r.string()?.decode(),
            ("content", Kind::Array) => {
                let (_, listed) = Listed::read(r)?;
                self.text = Cow::Owned(meant(&listed.text));
                if self.reasoning.is_empty() {
                    self.reasoning = Cow::Owned(meant(&listed.reasoning));
                }
            }
            ("content", Kind::Object) => self.text = Cow::Borrowed(r.raw()?),
            // Some send the same text under two names: the first one holds.
            ("reasoning" | "reasoning_content" | "reasoning_text", Kind::String) => {
                let text = r.string()?;
                if self.reasoning.is_empty() {
                    self.reasoning = text.decode();
                }
            }
            ("reasoning_details", Kind::Array) => self.details = Some(r.raw()?).filter(|json| json.len() > 2),
            ("refusal", Kind::String) => self.refusal = Some(r.string()?).filter(|text| !text.raw.is_empty()),
            ("tool_calls", Kind::Array) => self.calls = Some(r.raw()?),
            ("function_call", Kind::Object) => self.function_call = Some(r.raw()?),
            ("annotations", Kind::Array) => self.field("annotations", r.raw()?),
            ("images", Kind::Array) => self.field("images", r.raw()?),
            ("audio", Kind::Object) => {
                let json = r.raw()?;
                if audio_bytes(&mut Reader::new(json))? > 0 {
                    self.field("audio", json);
                }
            }
            _ => r.skip().map(drop)?,
        }
        Ok(())
    }

    fn field(&mut self, name: &'static str, json: &'a str) {
        if json.len() > 2 {
            self.fields.push((name, json));
        }
    }

    /// Says all but the tool calls.
    pub(super) fn say(&self, say: &mut dyn FnMut(Delta<'_>)) -> Result<(), JsonError> {
        let mut from_details = false;
        if let Some(details) = self.details {
            Reader::new(details).array(|r, position| {
                let detail = Detail::read(r, position)?;
                from_details |= detail.say(say);
                Ok::<(), JsonError>(())
            })?;
        }
        if !from_details && !self.reasoning.is_empty() {
            say(Delta::Reasoning { kind: ReasoningKind::Text, index: 0, text: Cow::Borrowed(&self.reasoning), format: None });
        }
        if !self.text.is_empty() {
            say(Delta::Text(Cow::Borrowed(&self.text)));
        }
        if let Some(text) = self.refusal {
            say(Delta::Refusal(text.decode()));
        }
        for (name, json) in &self.fields {
            say(Delta::Field { name, json: Cow::Borrowed(json) });
        }
        Ok(())
    }
}

/// One entry of `reasoning_details`.
#[derive(Debug, Default)]
struct Detail<'a> {
    kind: ReasoningKind,
    index: u32,
    text: Cow<'a, str>,
    data: Cow<'a, str>,
    signature: Cow<'a, str>,
    format: Option<&'static str>,
}

impl<'a> Detail<'a> {
    fn read(r: &mut Reader<'a>, position: usize) -> Result<Self, JsonError> {
        let mut detail = Self { index: u32::try_from(position).unwrap_or(0), ..Self::default() };
        r.object(|r, key| {
            match (key.raw, r.kind()?) {
                ("type", Kind::String) => {
                    detail.kind = match r.string()?.raw {
                        "reasoning.summary" => ReasoningKind::Summary,
                        "reasoning.encrypted" => ReasoningKind::Encrypted,
                        _ => ReasoningKind::Text,
                    };
                }
                ("index", Kind::Number) => detail.index = r.raw()?.parse().unwrap_or(detail.index),
                ("text" | "summary", Kind::String) => detail.text = r.string()?.decode(),
                ("data", Kind::String) => detail.data = r.string()?.decode(),
                ("signature", Kind::String) => detail.signature = r.string()?.decode(),
                ("format", Kind::String) => {
                    let name = r.string()?.raw;
                    detail.format = FORMATS.into_iter().find(|known| *known == name);
                }
                _ => r.skip().map(drop)?,
            }
            Ok::<(), JsonError>(())
        })?;
        Ok(detail)
    }

    /// Answers whether it held readable text.
    fn say(&self, say: &mut dyn FnMut(Delta<'_>)) -> bool {
        let Self { kind, index, format, .. } = *self;
        if !self.text.is_empty() {
            say(Delta::Reasoning { kind, index, text: Cow::Borrowed(&self.text), format });
        }
        if !self.data.is_empty() {
            say(Delta::Sealed { kind: ReasoningKind::Encrypted, index, data: Cow::Borrowed(&self.data), format });
        }
        if !self.signature.is_empty() {
            say(Delta::Sealed { kind: ReasoningKind::Text, index, data: Cow::Borrowed(&self.signature), format });
        }
        !self.text.is_empty()
    }
}

/// The meaning of a text that is still escaped.
fn meant(raw: &str) -> String {
    Text { raw, escaped: raw.contains('\\'), at: 0 }.decode().into_owned()
}
