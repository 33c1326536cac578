//! A caller's body as the canonical form.

mod messages;
mod parts;
mod reasoning;
mod settings;
#[cfg(test)]
mod tests;

use serde_json::value::RawValue;

use super::peek::read::Path;
use super::peek::{GATEWAY_ONLY, Peek, PeekError};
use crate::ir;
use crate::json::{Reader, utf8};

type Result<T> = std::result::Result<T, PeekError>;

/// Decodes a body, which must be the one that `peek` saw.
///
/// What the canonical form has no place for goes to [`ir::Request::extra`] under its path: top-level fields by
/// name, and what stands within messages as `messages[].prefix`, each path once.
///
/// # Errors
/// When something deeper than [`super::peek::peek`] looks is wrong, or cannot be said in the canonical form.
pub fn decode(body: &[u8], peek: &Peek) -> Result<ir::Request> {
    let text = utf8(body)?;
    let mut request = ir::Request {
        max_tokens: peek.max_tokens,
        choices: (peek.choices > 1).then_some(peek.choices),
        user: peek.user.clone(),
        reasoning: peek.reasoning.clone(),
        ..ir::Request::default()
    };
    for field in peek.fields.iter().filter(|field| !field.null) {
        let raw = text.get(field.value.clone()).unwrap_or_default();
        member(&mut request, &field.name, raw)?;
    }
    Ok(request)
}

fn member(request: &mut ir::Request, name: &str, raw: &str) -> Result<()> {
    let path = Path::Top(name);
    let reader = &mut Reader::new(raw);
    match name {
        "messages" => messages::read(request, reader)?,
        "tools" => settings::tools(request, reader, path)?,
        "tool_choice" => settings::tool_choice(request, reader, path)?,
        "parallel_tool_calls" => request.parallel_tool_calls = Some(raw == "true"),
        "response_format" => settings::output(request, reader, path)?,
        "stop" => request.stop = settings::stop(reader, path)?,
        "cache_control" => request.cache = Some(parts::mark(reader, path)?),
        // Peek has read them.
        "model"
        | "stream"
        | "stream_options"
        | "max_tokens"
        | "max_completion_tokens"
        | "n"
        | "user"
        | "reasoning_effort"
        | "service_tier" => {}
        // They only ever hold what changes nothing.
        "functions" | "function_call" => {}
        name if GATEWAY_ONLY.contains(&name) => {}
        name => match settings::sampling(&mut request.sampling, name) {
            Some(place) => *place = Some(settings::number(raw, path)?),
            None => keep(request, name, raw),
        },
    }
    Ok(())
}

/// Puts something aside that the canonical form has no place for. Each path once: the first one stands for all.
fn keep(request: &mut ir::Request, path: &str, raw: &str) {
    if !request.extra.iter().any(|(known, _)| known == path) {
        request.extra.push((path.to_owned(), raw_value(raw)));
    }
}

fn raw_value(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).expect("the reader found this value to be valid JSON")
}
