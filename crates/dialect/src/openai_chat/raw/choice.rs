//! One choice of a chunk or body, patched.

use super::Patcher;
use crate::json::{JsonError, Kind, Reader, Text};
use crate::openai_chat::edit::{Editor, Members};
use crate::openai_chat::finish;

/// What a choice holds.
#[derive(Debug, Default)]
struct Holds {
    has_index: bool,
    index: u32,
    content: bool,
    finish: bool,
    native: bool,
}

impl Patcher {
    pub(super) fn choice(&mut self, e: &mut Editor<'_, '_>, r: &mut Reader<'_>, position: usize) -> Result<(), JsonError> {
        let start = if r.kind()? == Kind::Object { r.at() } else { usize::MAX };
        self.found.choices += 1;
        let mut m = Members::default();
        let mut holds = Holds { index: u32::try_from(position).unwrap_or(u32::MAX), ..Holds::default() };
        let span = r.object(|r, key| {
            e.begin(&mut m, &key);
            self.choice_member(e, &mut m, &mut holds, r, key, start)
        })?;
        self.begun |= bit(holds.index);
        let mut add = |text: &[u8]| {
            let comma = m.insert();
            e.insert(span.end - 1, comma);
            e.insert(span.end - 1, text);
        };
        if !holds.has_index {
            add(format!("\"index\":{}", holds.index).as_bytes());
        }
        if !holds.content {
            // Azure leaves a filtered message out.
            add(if self.whole { b"\"message\":{\"role\":\"assistant\",\"content\":\"\"}" } else { b"\"delta\":{}" });
        }
        if !holds.finish {
            add(b"\"finish_reason\":null,\"native_finish_reason\":null");
        }
        Ok(())
    }

    fn choice_member(
        &mut self,
        e: &mut Editor<'_, '_>,
        m: &mut Members,
        holds: &mut Holds,
        r: &mut Reader<'_>,
        key: Text<'_>,
        start: usize,
    ) -> Result<(), JsonError> {
        match key.raw {
            "index" if !holds.has_index => {
                let span = r.skip()?;
                holds.has_index = true;
                match r.slice(span.clone()).parse() {
                    Ok(index) => holds.index = index,
                    Err(_) => e.replace(span, holds.index.to_string().as_bytes()),
                }
            }
            "delta" | "message" if self.is_content(key.raw, holds, e.text, start)? => {
                if !holds.has_index {
                    holds.index = ahead(e.text, start)?.index.unwrap_or(holds.index);
                }
                holds.content = true;
                if key.raw == "message" && !self.whole {
                    e.rename(&key, "delta");
                }
                self.content(e, r, holds.index)?;
            }
            // Some repeat all that was said so far in every chunk.
            "delta" | "message" => {
                r.skip()?;
                e.drop(m, r);
                return Ok(());
            }
            "finish_reason" if !holds.finish => {
                if !holds.has_index {
                    holds.index = ahead(e.text, start)?.index.unwrap_or(holds.index);
                }
                self.finish(e, holds, r)?;
            }
            "native_finish_reason" if !holds.native => {
                holds.native = true;
                r.skip()?;
            }
            "finish_reason" | "native_finish_reason" | "index" => {
                r.skip()?;
                e.drop(m, r);
                return Ok(());
            }
            "error" if r.kind()? != Kind::Null => {
                self.found.failed = true;
                r.skip()?;
            }
            _ => r.skip().map(drop)?,
        }
        e.keep(m, r);
        Ok(())
    }

    /// Whether this member is the one that holds the content.
    fn is_content(&self, key: &str, holds: &Holds, text: &str, start: usize) -> Result<bool, JsonError> {
        Ok(match (key, self.whole) {
            _ if holds.content => false,
            ("delta", false) | ("message", true) => true,
            ("delta", true) => false,
            _ => !ahead(text, start)?.delta,
        })
    }

    fn finish(&mut self, e: &mut Editor<'_, '_>, holds: &mut Holds, r: &mut Reader<'_>) -> Result<(), JsonError> {
        holds.finish = true;
        let (span, word) = super::string(r)?;
        let native = if let Some(word) = word {
            let meant = word.decode();
            let reason = finish::normalise(&meant);
            if reason.as_str() != meant {
                e.replace(span.clone(), format!("\"{}\"", reason.as_str()).as_bytes());
            }
            self.found.news = true;
            self.ended |= bit(holds.index);
            self.tools.finish(holds.index, reason);
            self.seen.finish = Some((reason, meant.into_owned()));
            &e.text[span]
        } else {
            if &e.text[span.clone()] != "null" {
                e.replace(span, b"null");
            }
            "null"
        };
        if !holds.native && !native_follows(&e.text[r.at()..]) {
            holds.native = true;
            e.insert(r.at(), b",\"native_finish_reason\":");
            e.insert(r.at(), native.as_bytes());
        }
        Ok(())
    }
}

/// Providers that are gateways themselves name the native reason; they put it next.
fn native_follows(rest: &str) -> bool {
    rest.trim_ascii_start().strip_prefix(',').is_some_and(|rest| rest.trim_ascii_start().starts_with("\"native_finish_reason\""))
}

struct Ahead {
    index: Option<u32>,
    delta: bool,
}

/// Looks through a whole choice for what comes late in it: those who sort their keys put the index last.
fn ahead(text: &str, start: usize) -> Result<Ahead, JsonError> {
    let mut ahead = Ahead { index: None, delta: false };
    Reader::new(&text[start..]).object(|r, key| {
        let value = r.raw()?;
        match key.raw {
            "index" => ahead.index = value.parse().ok(),
            "delta" => ahead.delta = value != "null",
            _ => {}
        }
        Ok::<(), JsonError>(())
    })?;
    Ok(ahead)
}

fn bit(choice: u32) -> u64 {
    1 << choice.min(63)
}
