//! Everything but the messages.

use serde_json::Number;

use super::parts::mark;
use super::{Result, keep, raw_value};
use crate::ir::{Output, Request, Sampling, Tool, ToolChoice};
use crate::json::{Kind, Reader};
use crate::openai_chat::peek::read::{Path, array, boolean, object, string, strings, text};

/// The place of a sampling setting.
pub(super) fn sampling<'s>(sampling: &'s mut Sampling, name: &str) -> Option<&'s mut Option<Number>> {
    Some(match name {
        "temperature" => &mut sampling.temperature,
        "top_p" => &mut sampling.top_p,
        "top_k" => &mut sampling.top_k,
        "min_p" => &mut sampling.min_p,
        "top_a" => &mut sampling.top_a,
        "frequency_penalty" => &mut sampling.frequency_penalty,
        "presence_penalty" => &mut sampling.presence_penalty,
        "repetition_penalty" => &mut sampling.repetition_penalty,
        "seed" => &mut sampling.seed,
        _ => return None,
    })
}

/// A number as written, unless no program could hold it.
pub(super) fn number(raw: &str, path: Path<'_>) -> Result<Number> {
    serde_json::from_str(raw).map_err(|_| path.invalid("is out of range"))
}

pub(super) fn stop(reader: &mut Reader<'_>, path: Path<'_>) -> Result<Vec<String>> {
    if reader.kind()? == Kind::String {
        return Ok(vec![reader.string()?.decode().into_owned()]);
    }
    strings(reader, path, usize::MAX)
}

pub(super) fn tools(request: &mut Request, reader: &mut Reader<'_>, path: Path<'_>) -> Result<()> {
    array(reader, path, |reader, i| {
        let raw = reader.raw()?;
        request.tools.push(tool(raw, path.at(i))?);
        Ok(())
    })?;
    Ok(())
}

fn tool(raw: &str, path: Path<'_>) -> Result<Tool> {
    let (mut is_function, mut mark_here) = (false, None);
    let (mut name, mut description, mut parameters, mut strict) = (String::new(), None, None, None);
    object(&mut Reader::new(raw), path, &[], |reader, key| {
        let here = path.key(key);
        match key {
            "type" => is_function = string(reader, here, 128)? == "function",
            "cache_control" => mark_here = Some(mark(reader, here)?),
            "function" => {
                object(reader, here, &[], |reader, key| {
                    let here = here.key(key);
                    match key {
                        "name" => name = text(reader, here)?.decode().into_owned(),
                        "description" => description = Some(text(reader, here)?.decode().into_owned()),
                        "parameters" => parameters = Some(raw_value(reader.raw()?)),
                        "strict" => strict = Some(boolean(reader, here)?),
                        _ => drop(reader.raw()?),
                    }
                    Ok(())
                })?;
            }
            _ => drop(reader.raw()?),
        }
        Ok(())
    })?;
    Ok(if is_function { Tool::Function { name, description, parameters, strict, cache: mark_here } } else { Tool::Other(raw_value(raw)) })
}

pub(super) fn tool_choice(request: &mut Request, reader: &mut Reader<'_>, path: Path<'_>) -> Result<()> {
    if reader.kind()? == Kind::String {
        request.tool_choice = Some(match reader.string()?.decode().as_ref() {
            "none" => ToolChoice::None,
            "required" | "any" => ToolChoice::Required,
            _ => ToolChoice::Auto,
        });
        return Ok(());
    }
    let raw = reader.raw()?;
    let (mut is_function, mut name) = (false, String::new());
    object(&mut Reader::new(raw), path, &[], |reader, key| {
        match key {
            "type" => is_function = string(reader, path.key(key), 128)? == "function",
            "function" => {
                object(reader, path.key(key), &[], |reader, inner| {
                    if inner == "name" {
                        name = text(reader, path.key(key).key(inner))?.decode().into_owned();
                    } else {
                        reader.skip()?;
                    }
                    Ok(())
                })?;
            }
            _ => drop(reader.raw()?),
        }
        Ok(())
    })?;
    if is_function {
        request.tool_choice = Some(ToolChoice::Function(name));
    } else {
        keep(request, "tool_choice", raw);
    }
    Ok(())
}

pub(super) fn output(request: &mut Request, reader: &mut Reader<'_>, path: Path<'_>) -> Result<()> {
    let raw = reader.raw()?;
    let (mut kind, mut schema) = (String::new(), None);
    object(&mut Reader::new(raw), path, &[], |reader, key| {
        match key {
            "type" => kind = string(reader, path.key(key), 64)?.into_owned(),
            "json_schema" => schema = Some(reader.raw()?),
            _ => drop(reader.raw()?),
        }
        Ok(())
    })?;
    match (kind.as_str(), schema) {
        ("text", _) => {}
        ("json_object", _) => request.output = Output::JsonObject,
        ("json_schema", Some(schema)) => match json_schema(schema, path.key("json_schema"))? {
            Some(output) => request.output = output,
            None => keep(request, "response_format", raw),
        },
        _ => keep(request, "response_format", raw),
    }
    Ok(())
}

/// `None`: it names no schema, and is kept as it came.
fn json_schema(raw: &str, path: Path<'_>) -> Result<Option<Output>> {
    let (mut name, mut description, mut schema, mut strict) = (None, None, None, None);
    object(&mut Reader::new(raw), path, &["name", "schema"], |reader, key| {
        let here = path.key(key);
        match key {
            "name" => name = Some(text(reader, here)?.decode().into_owned()),
            "description" => description = Some(text(reader, here)?.decode().into_owned()),
            "schema" => schema = Some(raw_value(reader.raw()?)),
            "strict" => strict = Some(boolean(reader, here)?),
            _ => drop(reader.raw()?),
        }
        Ok(())
    })?;
    // Some endpoints (Perplexity's) ask for no name; those that do accept any.
    let name = name.unwrap_or_else(|| "response".to_owned());
    Ok(schema.map(|schema| Output::JsonSchema { name, description, schema, strict }))
}
