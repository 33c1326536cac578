//! The content of a choice (`delta` or `message`), patched.

use std::ops::Range;

use super::Patcher;
use crate::json::{JsonError, Kind, Reader, Text, quote};
use crate::openai_chat::calls::{Arguments, CallView, Place, mint};
use crate::openai_chat::edit::{Editor, Members};
use crate::openai_chat::list::{Listed, audio_bytes};

/// What the members so far have filled.
#[derive(Debug, Default)]
struct Filled {
    content: bool,
    reasoning: bool,
}

impl Patcher {
    pub(super) fn content(&mut self, e: &mut Editor<'_, '_>, r: &mut Reader<'_>, choice: u32) -> Result<(), JsonError> {
        if r.kind()? == Kind::Null {
            let span = r.skip()?;
            e.replace(span, b"{}");
            return Ok(());
        }
        let mut m = Members::default();
        let mut filled = Filled::default();
        r.object(|r, key| {
            e.begin(&mut m, &key);
            self.content_member(e, &mut m, &mut filled, r, key, choice)
        })
        .map(drop)
    }

    fn content_member(
        &mut self,
        e: &mut Editor<'_, '_>,
        m: &mut Members,
        filled: &mut Filled,
        r: &mut Reader<'_>,
        key: Text<'_>,
        choice: u32,
    ) -> Result<(), JsonError> {
        let kind = r.kind()?;
        match (key.raw, kind) {
            ("content", _) if filled.content => return dropped(e, m, r),
            ("content", Kind::String) => {
                filled.content = true;
                let text = r.string()?;
                self.said(text.raw.len(), true);
            }
            ("content", Kind::Null) => {
                filled.content = true;
                r.skip()?;
            }
            ("content", _) => self.odd_content(e, filled, r)?,
            ("reasoning" | "reasoning_content" | "reasoning_text", Kind::String) => {
                let text = r.string()?;
                self.said(text.raw.len(), !self.exclude_reasoning);
                self.found.hidden |= self.exclude_reasoning;
                if self.exclude_reasoning || filled.reasoning || text.raw.is_empty() {
                    e.drop(m, r);
                    return Ok(());
                }
                filled.reasoning = true;
                if key.raw != "reasoning" {
                    e.rename(&key, "reasoning");
                }
            }
            ("reasoning" | "reasoning_content" | "reasoning_text", Kind::Null) => return dropped(e, m, r),
            ("reasoning" | "reasoning_content" | "reasoning_text" | "reasoning_details" | "reasoning_opaque", _)
                if self.exclude_reasoning =>
            {
                self.found.hidden = true;
                return dropped(e, m, r);
            }
            ("reasoning_details", Kind::Array) => {
                let length = r.skip()?.len();
                // The same text as `reasoning`, in another form.
                self.said(if length > 2 && !filled.reasoning { length } else { 0 }, true);
            }
            ("tool_calls", Kind::Array) => r.array(|r, position| self.call(e, r, choice, position)).map(drop)?,
            ("function_call", Kind::Object) => {
                let mut view = CallView::default();
                view.function(r)?;
                self.said(view.bytes(), true);
            }
            ("refusal", Kind::String) => {
                let text = r.string()?;
                self.said(text.raw.len(), true);
            }
            ("images", Kind::Array) => {
                let length = r.skip()?.len();
                self.said(length.saturating_sub(2), true);
            }
            ("audio", Kind::Object) => {
                let length = audio_bytes(r)?;
                self.said(length, true);
            }
            _ => r.skip().map(drop)?,
        }
        e.keep(m, r);
        Ok(())
    }

    /// The model generated `bytes`.
    #[inline]
    fn said(&mut self, bytes: usize, visible: bool) {
        self.seen.output_bytes = self.seen.output_bytes.saturating_add(bytes as u64);
        self.found.content |= bytes > 0 && visible;
    }

    /// Content that is no text: a list of parts (Mistral, Databricks), or the JSON that was asked for (Cloudflare). Clients read only texts.
    fn odd_content(&mut self, e: &mut Editor<'_, '_>, filled: &mut Filled, r: &mut Reader<'_>) -> Result<(), JsonError> {
        filled.content = true;
        if r.kind()? != Kind::Array {
            let span = r.skip()?;
            let mut text = Vec::new();
            quote(r.slice(span.clone()), &mut text);
            self.said(span.len(), true);
            e.replace(span, &text);
            return Ok(());
        }
        let (span, listed) = Listed::read(r)?;
        self.said(listed.text.len(), true);
        e.replace(span, b"\"");
        e.insert(r.at(), listed.text.as_bytes());
        e.insert(r.at(), b"\"");
        if listed.reasoning.is_empty() {
            return Ok(());
        }
        self.said(listed.reasoning.len(), !self.exclude_reasoning);
        self.found.hidden |= self.exclude_reasoning;
        if !self.exclude_reasoning && !filled.reasoning {
            filled.reasoning = true;
            e.insert(r.at(), b",\"reasoning\":\"");
            e.insert(r.at(), listed.reasoning.as_bytes());
            e.insert(r.at(), b"\"");
        }
        Ok(())
    }

    /// One tool call: it stays as it is, save for what would mislead clients.
    fn call(&mut self, e: &mut Editor<'_, '_>, r: &mut Reader<'_>, choice: u32, position: usize) -> Result<(), JsonError> {
        let Some(view) = CallView::read(r)? else { return Ok(()) };
        // A call without any argument is content as well.
        self.said(view.bytes().max(usize::from(view.id.is_some())), true);
        // In a body every entry is a call of its own, and needs no index.
        let place = if self.whole {
            Place { index: u32::try_from(position).unwrap_or(u32::MAX), begins: true }
        } else {
            self.calls.place(choice, &view)
        };
        self.gather(choice, place, &view, r);
        let front = view.span.start + 1..view.span.start + 1;
        let index = match &view.index_at {
            _ if view.index == Some(place.index) => None,
            Some(span) => Some((span.clone(), place.index.to_string().into_bytes())),
            None if self.whole => None,
            None => Some((front.clone(), format!("\"index\":{},", place.index).into_bytes())),
        };
        let id = if place.begins && view.id.is_none() {
            Some(mint(self.seen.upstream_id.as_deref().unwrap_or_default(), choice, place.index))
        } else {
            None
        };
        let id = id.map(|id| match &view.id_at {
            Some(span) => (span.clone(), format!("\"{id}\"").into_bytes()),
            None => (front, format!("\"id\":\"{id}\",").into_bytes()),
        });
        let mut fixes = [index, id, arguments_fix(&view, r)];
        if fixes.iter().all(Option::is_none) {
            return Ok(());
        }
        fixes.sort_by_key(|fix| fix.as_ref().map_or(0, |(span, _)| span.start));
        for (span, with) in fixes.into_iter().flatten() {
            e.replace(span, &with);
        }
        Ok(())
    }

    /// Keeps the fragment for the judgement of the whole call, in the words that the caller reads.
    fn gather(&mut self, choice: u32, place: Place, view: &CallView<'_>, r: &Reader<'_>) {
        if place.begins {
            let name = view.name.map(|name| name.decode()).unwrap_or_default();
            self.tools.begin(choice, place.index, &name);
        }
        match &view.arguments {
            Arguments::Text(text) => self.tools.arguments(choice, place.index, &text.decode()),
            Arguments::Json(span) => self.tools.arguments(choice, place.index, r.slice(span.clone())),
            Arguments::Absent | Arguments::Null(_) => {}
        }
    }
}

/// Arguments are a text: an absent one is empty, and JSON is quoted.
fn arguments_fix(view: &CallView<'_>, r: &Reader<'_>) -> Option<(Range<usize>, Vec<u8>)> {
    match &view.arguments {
        Arguments::Null(span) => Some((span.clone(), b"\"\"".to_vec())),
        Arguments::Json(span) => {
            let mut text = Vec::new();
            quote(r.slice(span.clone()), &mut text);
            Some((span.clone(), text))
        }
        Arguments::Absent | Arguments::Text(_) => None,
    }
}

fn dropped(e: &mut Editor<'_, '_>, m: &mut Members, r: &mut Reader<'_>) -> Result<(), JsonError> {
    r.skip()?;
    e.drop(m, r);
    Ok(())
}
