//! Tool calls in answers: reading one, and telling which call a fragment belongs to.
//!
//! Providers number parallel calls badly: some send `index: 0` with a new id for every call, some send no
//! index, some repeat id and name on every fragment. Clients join fragments by index alone.

use std::ops::Range;

use crate::json::{JsonError, Kind, Reader, Text};

/// How many calls of one answer are told apart. Far above what models make; it bounds what is remembered.
const CALLS_MAX: usize = 1_024;

/// One entry of `tool_calls` (or the legacy `function_call`), as it stands.
#[derive(Debug, Default)]
pub(super) struct CallView<'a> {
    pub(super) span: Range<usize>,
    pub(super) index: Option<u32>,
    /// Where the index stands, even one that is no number.
    pub(super) index_at: Option<Range<usize>>,
    pub(super) id: Option<Text<'a>>,
    /// Where the id stands, even an empty one.
    pub(super) id_at: Option<Range<usize>>,
    pub(super) name: Option<Text<'a>>,
    pub(super) arguments: Arguments<'a>,
}

#[derive(Debug, Default)]
pub(super) enum Arguments<'a> {
    #[default]
    Absent,
    Null(Range<usize>),
    Text(Text<'a>),
    /// Some send the JSON itself.
    Json(Range<usize>),
}

impl<'a> CallView<'a> {
    /// Reads one entry; `None` when it is no object.
    pub(super) fn read(r: &mut Reader<'a>) -> Result<Option<Self>, JsonError> {
        if r.kind()? != Kind::Object {
            r.skip()?;
            return Ok(None);
        }
        let mut view = Self::default();
        view.span = r.object(|r, key| match key.raw {
            "index" => {
                let span = r.skip()?;
                view.index = r.slice(span.clone()).parse().ok();
                view.index_at = Some(span);
                Ok(())
            }
            "id" => {
                r.kind()?;
                let start = r.at();
                text(r, &mut view.id)?;
                view.id_at = Some(start..r.at());
                Ok(())
            }
            "function" if r.kind()? == Kind::Object => view.function(r),
            _ => r.skip().map(drop),
        })?;
        Ok(Some(view))
    }

    /// Reads the object with name and arguments.
    pub(super) fn function(&mut self, r: &mut Reader<'a>) -> Result<(), JsonError> {
        r.object(|r, key| match key.raw {
            "name" => text(r, &mut self.name),
            "arguments" => {
                self.arguments = match r.kind()? {
                    Kind::String => Arguments::Text(r.string()?),
                    Kind::Null => Arguments::Null(r.skip()?),
                    _ => Arguments::Json(r.skip()?),
                };
                Ok(())
            }
            _ => r.skip().map(drop),
        })
        .map(drop)
    }

    /// The bytes that the model generated.
    pub(super) fn bytes(&self) -> usize {
        let arguments = match &self.arguments {
            Arguments::Absent | Arguments::Null(_) => 0,
            Arguments::Text(text) => text.raw.len(),
            Arguments::Json(span) => span.len(),
        };
        arguments + self.name.map_or(0, |name| name.raw.len())
    }
}

/// A string that is not empty; anything else counts as absent.
fn text<'a>(r: &mut Reader<'a>, into: &mut Option<Text<'a>>) -> Result<(), JsonError> {
    if r.kind()? == Kind::String {
        *into = Some(r.string()?).filter(|text| !text.raw.is_empty());
        Ok(())
    } else {
        r.skip().map(drop)
    }
}

/// The calls of an answer so far.
#[derive(Debug, Default)]
pub(super) struct Calls(Vec<Open>);

#[derive(Debug)]
struct Open {
    choice: u32,
    /// The index as the provider gives it.
    given: Option<u32>,
    id: String,
    /// The index as the caller sees it.
    index: u32,
}

/// Where a fragment belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) index: u32,
    pub(super) begins: bool,
}

impl Calls {
    /// Finds the call that a fragment belongs to, or opens one. Ids are compared as they stand in the text.
    pub(super) fn place(&mut self, choice: u32, view: &CallView<'_>) -> Place {
        let id = view.id.map_or("", |id| id.raw);
        let is_full = self.0.len() >= CALLS_MAX;
        let found = match view.index {
            Some(given) => self.0.iter_mut().rev().find(|c| c.choice == choice && c.given == Some(given)),
            None if id.is_empty() => self.0.iter_mut().rev().find(|c| c.choice == choice).filter(|_| view.name.is_none()),
            None => self.0.iter_mut().rev().find(|c| c.choice == choice && c.id == id),
        };
        if let Some(open) = found
            && (id.is_empty() || open.id.is_empty() || open.id == id || is_full)
        {
            if open.id.is_empty() {
                open.id = id.to_owned();
            }
            return Place { index: open.index, begins: false };
        }
        let taken = |index: u32| self.0.iter().any(|c| c.choice == choice && c.index == index);
        let next = self.0.iter().filter(|c| c.choice == choice).map(|c| c.index.saturating_add(1)).max().unwrap_or(0);
        let index = view.index.filter(|given| !taken(*given)).unwrap_or(next);
        if !is_full {
            self.0.push(Open { choice, given: view.index, id: id.to_owned(), index });
        }
        Place { index, begins: true }
    }
}

/// An id for a call that has none: the same for the same answer, so that a replay matches.
pub(super) fn mint(answer: &str, choice: u32, index: u32) -> String {
    const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    let mut eat = |byte: u8| state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    answer.bytes().chain(choice.to_le_bytes()).chain(index.to_le_bytes()).for_each(&mut eat);
    let mut id = String::from("call_");
    for round in 0..24u8 {
        state = (state ^ u64::from(round)).wrapping_mul(0x0100_0000_01b3);
        id.push(char::from(LETTERS[(state >> 32) as usize % LETTERS.len()]));
    }
    id
}
