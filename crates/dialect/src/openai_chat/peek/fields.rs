//! The fields of a chat request, and how each is read.

use portolan_core::{Capability, ServiceTier};

use super::PeekError;
use super::RawBlocker;
use super::read::{Path, array, boolean, expect, integer, object, pass, skip, string, strings, text};
use super::request::Visit;
use crate::json::{Kind, Reader};
use crate::openai_chat::preferences::{self, is_literally};

type Result<T> = std::result::Result<T, PeekError>;

/// How a field is read.
pub(super) enum Rule {
    /// Of this kind; the rest is the provider's to judge.
    Kind(Kind),
    /// A number that a provider can read: no `1e999`.
    Number,
    /// A number without a fraction.
    Integer,
    /// An integer between bounds, kept.
    Count(u64, u64, fn(&mut Visit) -> &mut Option<u64>),
    /// A boolean, kept.
    Flag(fn(&mut Visit) -> &mut Option<bool>),
    /// A string of at most so many characters, kept.
    Text(usize, fn(&mut Visit) -> &mut Option<String>),
    /// One of these values (without white space); every other one asks for what is not built.
    Only(&'static [&'static str]),
    /// By a function.
    Read(fn(&mut Visit, &mut Reader<'_>, Path<'_>) -> Result<()>),
}

use Rule::{Integer, Only, Read};

/// A field that has a rule.
pub(super) struct Known {
    pub(super) name: &'static str,
    pub(super) rule: Rule,
    /// Whether its text may become part of the prompt.
    pub(super) prompt: bool,
}

const fn field(name: &'static str, rule: Rule) -> Known {
    Known { name, rule, prompt: false }
}

const fn prompt(name: &'static str, rule: Rule) -> Known {
    Known { name, rule, prompt: true }
}

const NUMBER: Rule = Rule::Number;
const OBJECT: Rule = Rule::Kind(Kind::Object);
const STRING: Rule = Rule::Kind(Kind::String);

const FIELDS: &[Known] = &[
    prompt("messages", Read(|visit, reader, _| super::messages::read(visit, reader))),
    field("model", Read(model)),
    field("models", Read(models)),
    field("stream", Rule::Flag(|visit| &mut visit.stream)),
    field("stream_options", OBJECT),
    field("max_tokens", Rule::Count(1, u64::MAX, |visit| &mut visit.max_tokens)),
    field("max_completion_tokens", Rule::Count(1, u64::MAX, |visit| &mut visit.max_completion_tokens)),
    field("n", Rule::Count(1, 128, |visit| &mut visit.choices)),
    field("temperature", NUMBER),
    field("top_p", NUMBER),
    field("top_k", Integer),
    field("top_a", NUMBER),
    field("min_p", NUMBER),
    field("frequency_penalty", NUMBER),
    field("presence_penalty", NUMBER),
    field("repetition_penalty", NUMBER),
    field("seed", Integer),
    field("stop", Read(stop)),
    field("logit_bias", Read(logit_bias)),
    field("logprobs", Read(logprobs)),
    field("top_logprobs", Read(top_logprobs)),
    prompt("tools", Read(super::tools::read)),
    prompt("tool_choice", Read(super::tools::choice)),
    field("parallel_tool_calls", Rule::Kind(Kind::Bool)),
    prompt("response_format", Read(response_format)),
    prompt("prediction", OBJECT),
    field("verbosity", STRING),
    field("reasoning", Read(super::reasoning::read)),
    field("reasoning_effort", Read(super::reasoning::effort)),
    field("include_reasoning", Read(super::reasoning::include)),
    field("cache_control", Read(cache_control)),
    field("prompt_cache_key", Rule::Text(1024, |visit| &mut visit.peek.prompt_cache_key)),
    field("prompt_cache_options", OBJECT),
    field("user", Rule::Text(512, |visit| &mut visit.peek.user)),
    field("safety_identifier", STRING),
    field("session_id", Rule::Text(256, |visit| &mut visit.peek.session_id)),
    field("metadata", Read(metadata)),
    field("trace", Read(trace)),
    field("provider", Read(provider)),
    field("usage", OBJECT),
    field("debug", Read(debug)),
    field("plugins", Read(plugins)),
    field("route", Only(&["\"fallback\""])),
    field("transforms", Only(&["[]"])),
    field("preset", Only(&[])),
    field("service_tier", Read(service_tier)),
    field("modalities", Only(&["[\"text\"]", "[]"])),
    field("image_config", Only(&["{}"])),
    field("web_search_options", Only(&[])),
    field("x_search_filter", Only(&[])),
    field("stop_server_tools_when", Only(&["[]"])),
    field("max_tool_calls", Only(&[])),
    field("deferred_tools", Only(&[])),
    field("background", Only(&["false"])),
    field("functions", Only(&["[]"])),
    field("function_call", Only(&["\"auto\"", "\"none\""])),
    // They belong into `provider`. Whoever states one here means a policy, and must not believe that it holds.
    field("zdr", Only(&[])),
    field("data_collection", Only(&[])),
    field("max_price", Only(&[])),
    field("quantizations", Only(&[])),
    field("require_parameters", Only(&[])),
];

/// The rule for a field, if it is known.
pub(super) fn known(name: &str) -> Option<&'static Known> {
    FIELDS.iter().find(|known| known.name == name)
}

/// The field that a name is another spelling of: the same letters in another case, those included that only Unicode takes
/// for the same (`ſ` for `s`, the Kelvin sign for `k`).
pub(super) fn alike(name: &str) -> Option<&'static str> {
    let letters = || name.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    FIELDS.iter().map(|known| known.name).find(|known| letters().eq(known.chars()))
}

/// The names of all fields that are known.
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FIELDS.iter().map(|known| known.name)
}

impl Rule {
    pub(super) fn apply(&self, visit: &mut Visit, reader: &mut Reader<'_>, path: Path<'_>) -> Result<()> {
        match self {
            Rule::Kind(kind) => pass(reader, *kind, path),
            Rule::Number => {
                expect(reader, Kind::Number, path)?;
                if reader.raw()?.parse::<f64>().is_ok_and(f64::is_finite) { Ok(()) } else { Err(path.invalid("is out of range")) }
            }
            Rule::Integer => {
                expect(reader, Kind::Number, path)?;
                if reader.raw()?.bytes().all(|b| b == b'-' || b.is_ascii_digit()) {
                    Ok(())
                } else {
                    Err(path.invalid("must be an integer"))
                }
            }
            Rule::Count(min, max, place) => {
                *place(visit) = Some(integer(reader, path, *min, *max)?);
                Ok(())
            }
            Rule::Flag(place) => {
                *place(visit) = Some(boolean(reader, path)?);
                Ok(())
            }
            Rule::Text(max, place) => {
                *place(visit) = Some(string(reader, path, *max)?.into_owned());
                Ok(())
            }
            Rule::Only(values) => {
                let raw = reader.raw()?;
                if values.iter().any(|value| is_literally(raw, value)) {
                    return Ok(());
                }
                Err(path.not_supported(match values {
                    [] => "is not supported; leave it out".to_owned(),
                    some => format!("only {} is supported here", some.join(" or ")),
                }))
            }
            Rule::Read(read) => read(visit, reader, path),
        }
    }
}

/// No router needs a longer list; each entry may become an attempt.
const MODELS_MAX: usize = 32;

fn model(visit: &mut Visit, reader: &mut Reader<'_>, path: Path<'_>) -> Result<()> {
    visit.model = Some(slug(text(reader, path)?.decode().into_owned(), path)?);
    Ok(())
}

fn models(visit: &mut Visit, reader: &mut Reader<'_>, path: Path<'_>) -> Result<()> {
    for (i, name) in strings(reader, path, MODELS_MAX)?.into_iter().enumerate() {
        visit.models.push(slug(name, path.at(i))?);
    }
    Ok(())
}

fn slug(name: String, path: Path<'_>) -> Result<String> {
    if name.is_empty() || name.len() > 256 {
        return Err(path.invalid("must be the slug of a model, such as openai/gpt-4o-mini"));
    }
    if name.contains("@preset/") {
        return Err(path.not_supported("presets are not supported; name the model and its settings"));
    }
    Ok(name)
}

fn provider(visit: &mut Visit, reader: &mut Reader<'_>, _: Path<'_>) -> Result<()> {
    visit.peek.preferences = preferences::read(reader)?;
    Ok(())
}

const TIERS: &str = "auto, default, flex, priority or fast";

fn service_tier(visit: &mut Visit, reader: &mut Reader<'_>, path: Path<'_>) -> Result<()> {
    visit.peek.service_tier = match string(reader, path, 64)?.as_ref() {
        "auto" | "default" => None,
        "flex" => Some(ServiceTier::Flex),
        "priority" | "fast" => Some(ServiceTier::Priority),
        "scale" => return Err(path.not_supported(format!("scale is not supported; use {TIERS}"))),
        _ => return Err(path.invalid(format!("must be {TIERS}"))),
    };
    visit.peek.service_tier_stated = true;
    Ok(())
}

fn stop(visit: &mut Visit, reader: &mut Reader<'_>, path: Path<'_>) -> Result<()> {
    match reader.kind()? {
        Kind::String => return skip(reader),
        Kind::Array if strings(reader, path, 4)?.is_empty() => visit.idle.push("stop"),
        Kind::Array => {}
        _ => return Err(path.invalid("must be a string or up to 4 strings")),
    }
    Ok(())
}

fn logit_bias(visit: &mut Visit, reader: &mut Reader<'_>, path: Path<'_>) -> Result<()> {
    let mut biases = false;
    object(reader, path, &[], |reader, _| {
        biases = true;
        skip(reader)
    })?;
    if !biases {
        visit.idle.push("logit_bias");
    }
    Ok(())
}

fn logprobs(visit: &mut Visit, reader: &mut Reader<'_>, path: Path<'_>) -> Result<()> {
    if boolean(reader, path)? {
        visit.peek.needs.insert(Capability::Logprobs);
    } else {
        visit.idle.push("logprobs");
    }
    Ok(())
}

fn top_logprobs(visit: &mut Visit, reader: &mut Reader<'_>, path: Path<'_>) -> Result<()> {
    if integer(reader, path, 0, 20)? > 0 {
        visit.peek.needs.insert(Capability::Logprobs);
    } else {
        visit.idle.push("top_logprobs");
    }
    Ok(())
}

fn response_format(visit: &mut Visit, reader: &mut Reader<'_>, path: Path<'_>) -> Result<()> {
    let (mut kind, mut schema) = (None, false);
    object(reader, path, &["type", "json_schema"], |reader, name| {
        let here = path.key(name);
        match name {
            "type" => kind = Some(string(reader, here, 64)?.into_owned()),
            "json_schema" => {
                schema = true;
                pass(reader, Kind::Object, here)?;
            }
            _ => skip(reader)?,
        }
        Ok(())
    })?;
    match kind.as_deref() {
        None => return Err(path.key("type").invalid("is missing; it is text, json_object or json_schema")),
        Some("json_object") => visit.peek.needs.insert(Capability::JsonMode),
        Some("json_schema") if !schema => return Err(path.key("json_schema").invalid("is missing")),
        Some("json_schema") => visit.peek.needs.insert(Capability::StructuredOutputs),
        Some("text") => visit.idle.push("response_format"),
        Some(_) => {}
    }
    Ok(())
}

fn cache_control(visit: &mut Visit, reader: &mut Reader<'_>, path: Path<'_>) -> Result<()> {
    mark(visit, reader, path, RawBlocker::CacheControl)
}

/// A cache mark: `{"type": "ephemeral", "ttl"?: "5m" | "1h"}`.
pub(super) fn mark(visit: &mut Visit, reader: &mut Reader<'_>, path: Path<'_>, why: RawBlocker) -> Result<()> {
    visit.peek.block(why);
    let mut ephemeral = false;
    object(reader, path, &["type", "ttl"], |reader, name| {
        let here = path.key(name);
        match name {
            "type" => ephemeral = string(reader, here, 32)? == "ephemeral",
            "ttl" if !matches!(string(reader, here, 32)?.as_ref(), "5m" | "1h") => return Err(here.invalid("must be 5m or 1h")),
            "ttl" => {}
            _ => skip(reader)?,
        }
        Ok(())
    })?;
    if ephemeral { Ok(()) } else { Err(path.key("type").invalid("must be ephemeral")) }
}

/// OpenRouter's limits: 16 pairs, keys of 64 and values of 512 characters.
fn metadata(visit: &mut Visit, reader: &mut Reader<'_>, path: Path<'_>) -> Result<()> {
    let mut pairs = 0;
    let span = object(reader, path, &[], |reader, name| {
        pairs += 1;
        if pairs > 16 {
            return Err(path.invalid("holds more than 16 pairs"));
        }
        if name.chars().count() > 64 {
            return Err(path.key(name).invalid("the key is longer than 64 characters"));
        }
        string(reader, path.key(name), 512).map(drop)
    })?;
    visit.peek.metadata = Some(span);
    Ok(())
}

fn trace(visit: &mut Visit, reader: &mut Reader<'_>, path: Path<'_>) -> Result<()> {
    let span = object(reader, path, &["trace_id"], |reader, name| {
        if name == "trace_id" {
            visit.peek.trace_id = Some(string(reader, path.key(name), 256)?.into_owned());
        } else {
            reader.skip()?;
        }
        Ok(())
    })?;
    visit.peek.trace = Some(span);
    Ok(())
}

fn debug(_: &mut Visit, reader: &mut Reader<'_>, path: Path<'_>) -> Result<()> {
    object(reader, path, &["echo_upstream_body"], |reader, name| {
        let here = path.key(name);
        if name == "echo_upstream_body" && !boolean(reader, here)? {
            return Ok(());
        }
        Err(here.not_supported("is not supported; leave it out"))
    })
    .map(drop)
}

/// A plugin with `enabled: false` switches a default off; there are no defaults. The settings of the auto router are read when it is asked.
fn plugins(_: &mut Visit, reader: &mut Reader<'_>, path: Path<'_>) -> Result<()> {
    let mut settled = false;
    array(reader, path, |reader, i| {
        let (mut enabled, mut is_auto_router) = (true, false);
        let here = path.at(i);
        object(reader, here, &["enabled", "id"], |reader, name| {
            match name {
                "enabled" => enabled = boolean(reader, here.key(name))?,
                "id" => is_auto_router = string(reader, here.key(name), 64)? == "auto-router",
                _ => skip(reader)?,
            }
            Ok(())
        })?;
        if !enabled {
            return Ok(());
        }
        if !is_auto_router {
            return Err(here.not_supported("plugins are not supported; leave it out"));
        }
        if std::mem::replace(&mut settled, true) {
            return Err(here.key("id").invalid("auto-router stands twice; put all of its settings into one entry"));
        }
        Ok(())
    })?;
    Ok(())
}
