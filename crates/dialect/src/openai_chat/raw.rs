//! The raw lane's answers: the endpoint's own chunks and bodies, patched.
//!
//! What is ours replaces what is the provider's (`id`, `model`, `provider`, usage; a reseller's `model` and
//! `provider` stay, where they are names), finish reasons are
//! normalised, reasoning gets one name, what clients cannot read is repaired; every other byte is the
//! provider's, in its order. One pass per frame. What stands before `choices` is the same in nearly all
//! chunks of a stream: it is compared with the last one's and not read again.

mod choice;
mod delta;

use std::borrow::Cow;

use portolan_core::Quirk;

use super::answer::Identity;
use super::calls::Calls;
use super::edit::{Editor, Members};
use super::{error, usage};
use crate::classify::invalid_answer;
use crate::json::{JsonError, Kind, Reader, Text};
use crate::relay::{Gathered, NAME_BYTES_MAX, RelaySpec, Seen};

/// Members that every answer must have.
#[derive(Debug, Clone, Copy, Default)]
struct Has {
    id: bool,
    provider: bool,
    model: bool,
    object: bool,
    created: bool,
    choices: bool,
    fingerprint: bool,
}

/// What stood before the last chunk's choices, and what became of it.
#[derive(Debug, Default)]
struct Prefix {
    source: Vec<u8>,
    patched: Vec<u8>,
    has: Has,
}

/// What one frame turned out to be.
#[derive(Debug, Default)]
pub(super) struct Found {
    has: Has,
    pub(super) choices: u32,
    /// Something that the caller can use.
    pub(super) content: bool,
    /// Something else that a caller must see: a role, a finish.
    pub(super) news: bool,
    /// Reasoning was left out.
    pub(super) hidden: bool,
    /// The value of `error`, if it is one.
    failed: bool,
}

/// Patches the frames of one answer, or its one body.
pub(crate) struct Patcher {
    pub(crate) seen: Seen,
    pub(crate) identity: Identity,
    pub(super) exclude_reasoning: bool,
    /// A body, not a stream: `message` in place of `delta`.
    pub(super) whole: bool,
    pub(super) calls: Calls,
    pub(crate) tools: Gathered,
    pub(super) found: Found,
    reasoning_beside: bool,
    prefix: Prefix,
    scratch: String,
    /// Choices that began, and that ended, as bits; those above 63 share the last one.
    begun: u64,
    ended: u64,
}

impl Patcher {
    pub(crate) fn new(spec: &RelaySpec) -> Self {
        Self {
            seen: Seen::default(),
            identity: Identity::new(spec),
            exclude_reasoning: spec.exclude_reasoning,
            whole: !spec.stream,
            calls: Calls::default(),
            tools: Gathered::default(),
            found: Found::default(),
            reasoning_beside: spec.quirks.contains(&Quirk::ReasoningBesideCompletion),
            prefix: Prefix::default(),
            scratch: String::new(),
            begun: 0,
            ended: 0,
        }
    }

    /// Patches the data of one frame into a frame for the caller, or into nothing.
    pub(crate) fn frame(&mut self, data: &str, out: &mut Vec<u8>) {
        if self.seen.fault.is_some() {
            return;
        }
        if data.trim_ascii() == "[DONE]" {
            self.seen.done = true;
            return;
        }
        if data.contains('\n') {
            // Several data lines: between JSON tokens a line feed is white space, in our one line it would end the frame.
            let joined = data.replace('\n', " ");
            return self.frame(&joined, out);
        }
        let start = out.len();
        out.extend_from_slice(b"data: ");
        let walked = self.chunk(data, out);
        let found = std::mem::take(&mut self.found);
        let forwards = match walked {
            Err(e) => {
                self.seen.note_fault(invalid_answer(format!("the provider sent a chunk that is no JSON: {e}")));
                false
            }
            Ok(()) if found.failed => {
                self.seen.note_fault(error::within(data));
                false
            }
            Ok(()) => found.choices > 0 && (!found.hidden || found.content || found.news),
        };
        if !forwards {
            out.truncate(start);
            return;
        }
        out.extend_from_slice(b"\n\n");
        self.seen.content |= found.content;
        self.seen.output_frames += u64::from(found.content);
    }

    /// Patches a whole body, save for its last brace: usage and cost follow.
    pub(crate) fn body(&mut self, json: &str, out: &mut Vec<u8>) {
        let walked = self.object(json, out);
        let found = std::mem::take(&mut self.found);
        let fault = match walked {
            Err(e) => invalid_answer(format!("the provider's answer is no JSON of its dialect: {e}")),
            Ok(()) if found.failed => error::within(json),
            Ok(()) if found.choices == 0 => invalid_answer("the provider's answer holds no choices"),
            Ok(()) => {
                self.seen.content |= found.content;
                self.seen.output_frames += u64::from(found.content);
                self.seen.done = true;
                return;
            }
        };
        self.seen.note_fault(fault);
        out.clear();
    }

    /// Whether there is another choice than the first.
    pub(crate) fn has_several(&self) -> bool {
        self.begun > 1
    }

    /// The stream ended: whether the answer is whole.
    pub(crate) fn close(&mut self) -> bool {
        self.seen.close(self.begun & !self.ended != 0)
    }

    fn chunk(&mut self, text: &str, out: &mut Vec<u8>) -> Result<(), JsonError> {
        let Some(rest) = text.as_bytes().strip_prefix(self.prefix.source.as_slice()).filter(|_| self.prefix.has.choices) else {
            self.object(text, out)?;
            out.push(b'}');
            return Ok(());
        };
        let rest = &text[text.len() - rest.len()..];
        out.extend_from_slice(&self.prefix.patched);
        self.found.has = self.prefix.has;
        let mut r = Reader::new(rest);
        let mut e = Editor::new(rest, 0, out);
        self.choices(&mut e, &mut r)?;
        let at = r.at();
        e.flush(at);
        let tail = &rest[at..];
        if tail != "}" {
            self.members_after(tail, out)?;
        }
        self.supply(out);
        out.push(b'}');
        Ok(())
    }

    /// Patches the members that follow the choices of a chunk whose beginning is known.
    fn members_after(&mut self, tail: &str, out: &mut Vec<u8>) -> Result<(), JsonError> {
        let tail = tail.trim_ascii_start();
        let Some(members) = tail.strip_prefix(',') else {
            // Only the brace can follow; of anything else the reader names the error.
            return if tail.trim_ascii_end() == "}" {
                Ok(())
            } else {
                Reader::new(tail).end().and_then(|()| Reader::new(tail).skip().map(drop))
            };
        };
        if members.trim_ascii_start().starts_with('}') {
            // A comma before the brace: the reader names the error.
            return Reader::new(members).string().map(drop);
        }
        let mut text = std::mem::take(&mut self.scratch);
        text.clear();
        text.push('{');
        text.push_str(members);
        let before = out.len();
        out.push(b',');
        let mut e = Editor::new(&text, 1, out);
        let kept = self.members(&mut e, false);
        if matches!(kept, Ok(false)) {
            out.truncate(before);
        }
        self.scratch = text;
        kept.map(drop)
    }

    /// Patches a whole object, save for its last brace.
    fn object(&mut self, text: &str, out: &mut Vec<u8>) -> Result<(), JsonError> {
        let mut e = Editor::new(text, 0, out);
        self.members(&mut e, !self.whole)?;
        self.supply(out);
        Ok(())
    }

    /// Patches the members of an object and writes all up to its last brace; answers whether any stays.
    fn members(&mut self, e: &mut Editor<'_, '_>, remembers: bool) -> Result<bool, JsonError> {
        let begin = e.out.len();
        let mut r = Reader::new(e.text);
        let mut m = Members::default();
        let span = r.object(|r, key| {
            e.begin(&mut m, &key);
            if remembers && key.raw == "choices" && !self.found.has.choices && r.kind()? == Kind::Array {
                self.remember(e, r.at(), begin);
            }
            self.member(e, &mut m, r, key)
        })?;
        r.end()?;
        e.flush(span.end - 1);
        Ok(m.any_kept())
    }

    fn member(&mut self, e: &mut Editor<'_, '_>, m: &mut Members, r: &mut Reader<'_>, key: Text<'_>) -> Result<(), JsonError> {
        let has = &mut self.found.has;
        match key.raw {
            "id" if !std::mem::replace(&mut has.id, true) => {
                let id = string(r)?;
                e.replace(id.0, &self.identity.id);
                // A reseller's own name for who serves follows where it stands.
                if !self.identity.is_resold {
                    has.provider = true;
                    e.insert(r.at(), b",\"provider\":");
                    e.insert(r.at(), &self.identity.provider);
                }
                note(&mut self.seen.upstream_id, id.1);
            }
            "model" if !std::mem::replace(&mut has.model, true) => {
                let model = string(r)?;
                if let Some(name) = name(&self.seen.upstream_model, model.1) {
                    self.seen.note_model(name);
                    self.identity.note_served(&self.seen);
                }
                e.replace(model.0, &self.identity.model);
            }
            "object" if !std::mem::replace(&mut has.object, true) => {
                let ours: &str = if self.whole { "\"chat.completion\"" } else { "\"chat.completion.chunk\"" };
                let span = r.skip()?;
                if r.slice(span.clone()) != ours {
                    e.replace(span, ours.as_bytes());
                }
            }
            "created" if !has.created && r.kind()? == Kind::Number => {
                has.created = true;
                self.identity.note_created(r.raw()?);
            }
            "choices" if !has.choices && r.kind()? == Kind::Array => {
                has.choices = true;
                self.choices(e, r)?;
            }
            "usage" => {
                let reading = usage::read(r, self.reasoning_beside)?;
                self.seen.note_usage(reading.usage, reading.odd);
                self.seen.cost = reading.cost.or(self.seen.cost);
                e.drop(m, r);
                return Ok(());
            }
            // Groq reports usage in here as well; the rest of it means nothing outside.
            "x_groq" if r.kind()? == Kind::Object => {
                self.x_groq(r)?;
                e.drop(m, r);
                return Ok(());
            }
            "error" => {
                self.found.failed |= r.kind()? != Kind::Null;
                r.skip()?;
                e.drop(m, r);
                return Ok(());
            }
            // Who answers behind the endpoint. Of a reseller the caller reads it; else it reads our own name for the endpoint.
            "provider" => {
                let resold = self.identity.is_resold && !std::mem::replace(&mut has.provider, true);
                let provider = string(r)?;
                if let Some(name) = name(&self.seen.upstream_provider, provider.1) {
                    self.seen.note_provider(name);
                    self.identity.note_served(&self.seen);
                }
                if !resold {
                    e.drop(m, r);
                    return Ok(());
                }
                e.replace(provider.0, &self.identity.provider);
            }
            "service_tier" => {
                let tier = string(r)?.1.map(|tier| tier.decode().into_owned());
                self.seen.upstream_tier = tier.or_else(|| self.seen.upstream_tier.take());
            }
            "id" | "model" | "object" | "created" | "choices" | "obfuscation" => {
                r.skip()?;
                e.drop(m, r);
                return Ok(());
            }
            "system_fingerprint" => {
                has.fingerprint = true;
                r.skip()?;
            }
            _ => r.skip().map(drop)?,
        }
        e.keep(m, r);
        Ok(())
    }

    fn x_groq(&mut self, r: &mut Reader<'_>) -> Result<(), JsonError> {
        r.object(|r, key| {
            if key.raw != "usage" {
                return r.skip().map(drop);
            }
            let reading = usage::read(r, self.reasoning_beside)?;
            self.seen.note_usage(reading.usage, reading.odd);
            Ok(())
        })
        .map(drop)
    }

    fn choices(&mut self, e: &mut Editor<'_, '_>, r: &mut Reader<'_>) -> Result<(), JsonError> {
        r.array(|r, position| self.choice(e, r, position)).map(drop)
    }

    /// Keeps what stands before the choices, for the next chunk begins alike.
    fn remember(&mut self, e: &mut Editor<'_, '_>, at: usize, begin: usize) {
        e.flush(at);
        let before = &e.text[..at];
        if self.found.failed || before.contains("\"usage\"") || before.contains("\"x_groq\"") {
            return;
        }
        self.prefix.source.clear();
        self.prefix.source.extend_from_slice(before.as_bytes());
        self.prefix.patched.clear();
        self.prefix.patched.extend_from_slice(&e.out[begin..]);
        self.prefix.has = Has { choices: true, ..self.found.has };
    }

    /// Adds the members that clients insist on and the provider left out.
    fn supply(&mut self, out: &mut Vec<u8>) {
        let has = self.found.has;
        if has.id && has.provider && has.model && has.object && has.created && (has.fingerprint || !self.whole) {
            return;
        }
        let mut add = |missing: bool, parts: &[&[u8]]| {
            if missing {
                out.extend_from_slice(if out.ends_with(b"{") { b"" } else { b"," });
                parts.iter().for_each(|part| out.extend_from_slice(part));
            }
        };
        let identity = &self.identity;
        add(!has.id, &[b"\"id\":", &identity.id]);
        add(!has.provider, &[b"\"provider\":", &identity.provider]);
        add(!has.model, &[b"\"model\":", &identity.model]);
        add(!has.object, &[b"\"object\":", if self.whole { b"\"chat.completion\"" } else { b"\"chat.completion.chunk\"" }]);
        add(!has.created, &[b"\"created\":", identity.created().as_bytes()]);
        add(self.whole && !has.fingerprint, &[b"\"system_fingerprint\":null"]);
    }
}

/// The next value's place, and its text where it is a string that is not empty.
fn string<'a>(r: &mut Reader<'a>) -> Result<(std::ops::Range<usize>, Option<Text<'a>>), JsonError> {
    if r.kind()? != Kind::String {
        return Ok((r.skip()?, None));
    }
    let text = r.string()?;
    Ok((text.at..text.end(), Some(text).filter(|text| !text.raw.is_empty())))
}

/// What may be the name that is still missing. What is too long is not even decoded.
fn name<'a>(missing: &Option<String>, text: Option<Text<'a>>) -> Option<Cow<'a, str>> {
    text.filter(|text| missing.is_none() && text.raw.len() <= NAME_BYTES_MAX).map(|text| text.decode())
}

/// The first one holds.
fn note(into: &mut Option<String>, text: Option<Text<'_>>) {
    if into.is_none() {
        *into = text.map(|text| text.decode().into_owned());
    }
}
