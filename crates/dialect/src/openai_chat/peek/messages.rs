//! The messages: roles, content, tool calls, media. What a guard reads here is what a provider reads.

use portolan_core::Capability;

use super::fields::mark;
use super::read::{Path, array, expect, object, pass, skip, string, text};
use super::request::Visit;
use super::{Medium, PeekError, RawBlocker};
use crate::json::{Kind, Reader};

type Result<T> = std::result::Result<T, PeekError>;

const KEYS: &[&str] = &[
    "role",
    "content",
    "name",
    "tool_calls",
    "tool_call_id",
    "refusal",
    "reasoning",
    "reasoning_content",
    "reasoning_details",
    "cache_control",
    "function_call",
    "configuration_update",
    "images",
    "annotations",
    "model",
    "audio",
];

pub(super) fn read(visit: &mut Visit, reader: &mut Reader<'_>) -> Result<()> {
    let path = Path::Top("messages");
    array(reader, path, |reader, i| {
        visit.peek.messages += 1;
        message(visit, reader, path.at(i))
    })?;
    visit.peek.conversation = visit.opening.hash();
    Ok(())
}

fn message(visit: &mut Visit, reader: &mut Reader<'_>, path: Path<'_>) -> Result<()> {
    let (mut role, mut content, mut answers) = (None, false, false);
    let span = object(reader, path, KEYS, |reader, name| {
        let here = path.key(name);
        match name {
            "role" => role = Some(read_role(reader, here)?),
            "content" => {
                content = true;
                read_content(visit, reader, here)?;
            }
            "name" | "refusal" | "reasoning_content" => pass(reader, Kind::String, here)?,
            "tool_call_id" => {
                answers = true;
                text(reader, here)?;
            }
            "tool_calls" => tool_calls(reader, here)?,
            "reasoning" => {
                text(reader, here)?;
                visit.peek.block(RawBlocker::ReasoningText);
            }
            "reasoning_details" => {
                pass(reader, Kind::Array, here)?;
                visit.peek.block(RawBlocker::ReasoningDetails);
            }
            "cache_control" => mark(visit, reader, here, RawBlocker::PartCacheControl)?,
            "function_call" => return Err(here.not_supported("is not supported; use tool_calls")),
            "configuration_update" => return Err(here.not_supported("is not supported; leave it out")),
            "images" | "annotations" => {
                expect(reader, Kind::Array, here)?;
                let span = reader.skip()?;
                // An empty list is what a replayed answer holds as a rule; it still is no request's field.
                if span.len() > 2 || name == "images" {
                    visit.peek.block(RawBlocker::AnswerFields);
                }
            }
            "model" => {
                text(reader, here)?;
                visit.peek.block(RawBlocker::AnswerFields);
            }
            _ => skip(reader)?,
        }
        Ok(())
    })?;
    match role {
        None => return Err(path.key("role").invalid("is missing")),
        Some("assistant") => {}
        Some(_) if !content => return Err(path.key("content").invalid("must be a string or a list of parts")),
        Some("tool") if !answers => return Err(path.key("tool_call_id").invalid("is missing")),
        Some(_) => {}
    }
    visit.opening.note(matches!(role, Some("system" | "developer")), || reader.slice(span));
    Ok(())
}

fn read_role(reader: &mut Reader<'_>, path: Path<'_>) -> Result<&'static str> {
    let found = string(reader, path, 64)?;
    if found == "function" {
        return Err(path.not_supported("the role function is not supported; use tool"));
    }
    ["system", "developer", "user", "assistant", "tool"]
        .into_iter()
        .find(|role| *role == found)
        .ok_or_else(|| path.invalid("must be system, developer, user, assistant or tool"))
}

fn read_content(visit: &mut Visit, reader: &mut Reader<'_>, path: Path<'_>) -> Result<()> {
    match reader.kind()? {
        Kind::String => skip(reader),
        Kind::Array => array(reader, path, |reader, i| part(visit, reader, path.at(i))),
        _ => Err(path.invalid("must be a string or a list of parts")),
    }
}

/// One part. Its type may stand behind what it holds, so each holder is read by its own name, and the type
/// must then be the one that was held: nothing hides in a part that a guard takes for another.
fn part(visit: &mut Visit, reader: &mut Reader<'_>, path: Path<'_>) -> Result<()> {
    let (mut kind, mut held) = (None, [false; HOLDERS.len()]);
    object(reader, path, PART_KEYS, |reader, name| {
        let here = path.key(name);
        if let Some(i) = HOLDERS.iter().position(|h| *h == name) {
            held[i] = true;
        }
        match name {
            "type" => kind = Some(read_type(reader, here)?),
            "text" | "refusal" => pass(reader, Kind::String, here)?,
            "image_url" => image(visit, reader, here)?,
            "input_audio" => audio(visit, reader, here)?,
            "file" => file(visit, reader, here)?,
            "cache_control" => mark(visit, reader, here, RawBlocker::PartCacheControl)?,
            _ => skip(reader)?,
        }
        Ok(())
    })?;
    let Some(kind) = kind else { return Err(path.key("type").invalid("is missing; a text has the type \"text\"")) };
    if let Some(other) = HOLDERS.iter().zip(held).find(|(name, held)| *held != (**name == kind)) {
        let problem = if other.1 { "does not belong to a part of this type" } else { "is missing" };
        return Err(path.key(other.0).invalid(problem));
    }
    Ok(())
}

/// The types of parts; each holds its content under its own name.
const HOLDERS: [&str; 5] = ["text", "image_url", "input_audio", "file", "refusal"];
const PART_KEYS: &[&str] = &["type", "text", "image_url", "input_audio", "file", "refusal", "cache_control"];

fn read_type(reader: &mut Reader<'_>, path: Path<'_>) -> Result<&'static str> {
    let found = string(reader, path, 64)?;
    if matches!(found.as_ref(), "video_url" | "input_video") {
        return Err(path.not_supported("video is not supported"));
    }
    HOLDERS.into_iter().find(|kind| *kind == found).ok_or_else(|| path.invalid("must be text, image_url, input_audio, file or refusal"))
}

fn image(visit: &mut Visit, reader: &mut Reader<'_>, path: Path<'_>) -> Result<()> {
    let mut url = None;
    if reader.kind()? == Kind::String {
        // Mistral's form.
        url = Some(reader.string()?.raw);
    } else {
        object(reader, path, &["url", "detail"], |reader, name| {
            match name {
                "url" => url = Some(text(reader, path.key(name))?.raw),
                "detail" => pass(reader, Kind::String, path.key(name))?,
                _ => skip(reader)?,
            }
            Ok(())
        })?;
    }
    let url = url.ok_or_else(|| path.key("url").invalid("is missing"))?;
    visit.peek.needs.insert(Capability::ImageInput);
    let inline = inline_bytes(url);
    visit.inline_bytes += inline;
    visit.peek.media.images.add(inline);
    Ok(())
}

fn audio(visit: &mut Visit, reader: &mut Reader<'_>, path: Path<'_>) -> Result<()> {
    let (mut data, mut format) = (None, false);
    object(reader, path, &["data", "format"], |reader, name| {
        match name {
            "data" => data = Some(text(reader, path.key(name))?.raw),
            "format" => {
                format = true;
                text(reader, path.key(name))?;
            }
            _ => skip(reader)?,
        }
        Ok(())
    })?;
    let data = data.ok_or_else(|| path.key("data").invalid("is missing"))?;
    if !format {
        return Err(path.key("format").invalid("is missing; wav or mp3, say"));
    }
    visit.peek.needs.insert(Capability::AudioInput);
    visit.inline_bytes += data.len() as u64;
    visit.peek.media.audios.add(data.len() as u64);
    Ok(())
}

fn file(visit: &mut Visit, reader: &mut Reader<'_>, path: Path<'_>) -> Result<()> {
    let mut data = None;
    object(reader, path, &["file_data", "filename", "file_id"], |reader, name| {
        let here = path.key(name);
        match name {
            "file_data" => data = Some(text(reader, here)?.raw),
            "filename" => pass(reader, Kind::String, here)?,
            "file_id" => return Err(here.not_supported("uploaded files are not supported; send file_data")),
            _ => skip(reader)?,
        }
        Ok(())
    })?;
    let data = data.ok_or_else(|| path.key("file_data").invalid("is missing"))?;
    visit.peek.needs.insert(Capability::FileInput);
    visit.peek.block(RawBlocker::File);
    let inline = inline_bytes(data);
    visit.inline_bytes += inline;
    visit.peek.media.files.add(inline);
    Ok(())
}

/// The length of what is not an address. Data without the `data:` prefix is inline all the same.
fn inline_bytes(url: &str) -> u64 {
    let is_address = ["http://", "https://", "http:\\/", "https:\\/"].iter().any(|scheme| url.starts_with(scheme));
    if is_address { 0 } else { url.len() as u64 }
}

/// Calls that the model made. Arguments are text: an object there would be read by some and not by others.
fn tool_calls(reader: &mut Reader<'_>, path: Path<'_>) -> Result<()> {
    array(reader, path, |reader, i| {
        let here = path.at(i);
        let mut function = false;
        object(reader, here, &["id", "type", "function"], |reader, name| {
            let at = here.key(name);
            match name {
                "id" => pass(reader, Kind::String, at)?,
                "type" if string(reader, at, 64)? != "function" => {
                    return Err(at.not_supported("only calls of the type function are supported"));
                }
                "type" => {}
                "function" => {
                    function = true;
                    object(reader, at, &["name", "arguments"], |reader, name| {
                        match name {
                            "name" | "arguments" => pass(reader, Kind::String, at.key(name))?,
                            _ => skip(reader)?,
                        }
                        Ok(())
                    })?;
                }
                _ => skip(reader)?,
            }
            Ok(())
        })?;
        if function { Ok(()) } else { Err(here.key("function").invalid("is missing")) }
    })?;
    Ok(())
}

impl Medium {
    fn add(&mut self, inline_bytes: u64) {
        self.count = self.count.saturating_add(1);
        self.inline_bytes += inline_bytes;
    }
}
