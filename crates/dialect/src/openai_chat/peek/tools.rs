//! Tools on offer, and the choice among them.

use std::ops::Range;

use portolan_core::Capability;

use super::fields::mark;
use super::read::{Path, array, expect, object, pass, skip, string, text};
use super::request::Visit;
use super::{PeekError, RawBlocker};
use crate::json::{Kind, Reader};

/// So many functions are kept; no provider takes more functions.
const FUNCTIONS_MAX: usize = 1_024;

/// A function on offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// What it is called by.
    pub name: String,
    /// Where in the body the schema of its arguments stands, in bytes.
    pub parameters: Option<Range<usize>>,
}

/// The tools that a request offers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offered {
    functions: Vec<Function>,
    /// There are tools of other kinds, whose calls are no JSON objects under a name, or more than are kept.
    others: bool,
}

impl Offered {
    /// The function of this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.name == name)
    }

    /// Whether every tool on offer is a function whose name is known here. So it is where there is no tool.
    #[must_use]
    pub fn only_functions(&self) -> bool {
        !self.others
    }

    fn add(&mut self, function: Option<Function>) {
        match function {
            Some(function) if self.functions.len() < FUNCTIONS_MAX => self.functions.push(function),
            _ => self.others = true,
        }
    }
}

type Result<T> = std::result::Result<T, PeekError>;

/// Whether a tool's type is one of a search that OpenRouter would run.
fn is_server_tool(kind: &str) -> bool {
    kind.starts_with("openrouter:") || kind.starts_with("web_search")
}

pub(super) fn read(visit: &mut Visit, reader: &mut Reader<'_>, path: Path<'_>) -> Result<()> {
    array(reader, path, |reader, i| {
        visit.peek.needs.insert(Capability::Tools);
        tool(visit, reader, path.at(i))
    })?;
    if !visit.peek.needs.has(Capability::Tools) {
        visit.idle.push("tools");
    }
    Ok(())
}

fn tool(visit: &mut Visit, reader: &mut Reader<'_>, path: Path<'_>) -> Result<()> {
    let (mut kind, mut called, mut parameters) = (None, None, None);
    object(reader, path, &["type", "function", "cache_control"], |reader, name| {
        let here = path.key(name);
        match name {
            "type" => kind = Some(string(reader, here, 128)?.into_owned()),
            "function" => {
                object(reader, here, &["name", "description", "parameters", "strict"], |reader, name| {
                    let at = here.key(name);
                    match name {
                        "name" => called = Some(text(reader, at)?).filter(|name| !name.raw.is_empty()),
                        "description" => pass(reader, Kind::String, at)?,
                        "parameters" => {
                            expect(reader, Kind::Object, at)?;
                            parameters = Some(reader.skip()?);
                        }
                        "strict" => pass(reader, Kind::Bool, at)?,
                        _ => skip(reader)?,
                    }
                    Ok(())
                })?;
            }
            "cache_control" => mark(visit, reader, here, RawBlocker::PartCacheControl)?,
            _ => skip(reader)?,
        }
        Ok(())
    })?;
    match kind.as_deref() {
        None => Err(path.key("type").invalid("is missing; a function has the type \"function\"")),
        Some("function") => {
            let Some(name) = called else { return Err(path.key("function").key("name").invalid("is missing")) };
            visit.peek.offered.add(Some(Function { name: name.decode().into_owned(), parameters }));
            Ok(())
        }
        // The caller runs it, as a function. Its calls hold a text.
        Some("custom") => {
            visit.peek.offered.add(None);
            Ok(())
        }
        Some(other) if is_server_tool(other) => Err(path.key("type").not_supported("server tools are not supported; offer a function")),
        Some(_) => {
            visit.peek.hosted_tools = true;
            visit.peek.offered.add(None);
            Ok(())
        }
    }
}

pub(super) fn choice(visit: &mut Visit, reader: &mut Reader<'_>, path: Path<'_>) -> Result<()> {
    let forced = match reader.kind()? {
        Kind::String => match string(reader, path, 64)?.as_ref() {
            "none" | "auto" => false,
            // Mistral's word for it is "any".
            "required" | "any" => true,
            _ => return Err(path.invalid(CHOICES)),
        },
        Kind::Object => named_choice(reader, path).map(|()| true)?,
        _ => return Err(path.invalid(CHOICES)),
    };
    if forced {
        visit.peek.needs.insert(Capability::ToolChoice);
    }
    Ok(())
}

const CHOICES: &str = "must be none, auto, required or an object that names a function";

fn named_choice(reader: &mut Reader<'_>, path: Path<'_>) -> Result<()> {
    let (mut kind, mut named) = (None, false);
    object(reader, path, &["type", "function"], |reader, name| {
        let here = path.key(name);
        match name {
            "type" => kind = Some(string(reader, here, 128)?.into_owned()),
            "function" => {
                object(reader, here, &["name"], |reader, name| {
                    named |= name == "name";
                    if name == "name" { pass(reader, Kind::String, here.key(name)) } else { skip(reader) }
                })?;
            }
            _ => skip(reader)?,
        }
        Ok(())
    })?;
    match kind.as_deref() {
        None => Err(path.key("type").invalid("is missing; to name a function it is \"function\"")),
        Some("function") if !named => Err(path.key("function").key("name").invalid("is missing")),
        Some(other) if is_server_tool(other) => Err(path.key("type").not_supported("server tools are not supported")),
        Some(_) => Ok(()),
    }
}
