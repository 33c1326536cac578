//! Messages.

use super::{Result, keep, parts, reasoning};
use crate::ir::{Message, Part, Request, Role};
use crate::json::Reader;
use crate::openai_chat::peek::read::{Path, array, object, skip, text};

/// What one message holds, before it is put in order.
#[derive(Default)]
struct Draft {
    role: Option<Role>,
    name: Option<String>,
    content: Vec<Part>,
    calls: Vec<Part>,
    details: Vec<Part>,
    reasoning: Option<String>,
    refusal: Option<String>,
    answers: String,
    cache: Option<crate::ir::Cache>,
}

pub(super) fn read(request: &mut Request, reader: &mut Reader<'_>) -> Result<()> {
    let path = Path::Top("messages");
    array(reader, path, |reader, i| {
        let draft = draft(request, reader, path.at(i))?;
        request.messages.push(draft.finish());
        Ok(())
    })?;
    Ok(())
}

fn draft(request: &mut Request, reader: &mut Reader<'_>, path: Path<'_>) -> Result<Draft> {
    let mut draft = Draft::default();
    object(reader, path, &[], |reader, key| {
        let here = path.key(key);
        let string = |reader: &mut Reader<'_>| text(reader, here).map(|t| t.decode().into_owned());
        match key {
            "role" => draft.role = role(&string(reader)?),
            "name" => draft.name = Some(string(reader)?),
            "content" => draft.content = parts::read(request, reader, here)?,
            "tool_calls" => draft.calls = calls(request, reader, here)?,
            "tool_call_id" => draft.answers = string(reader)?,
            "reasoning_details" => draft.details = reasoning::details(reader, here)?,
            "reasoning" => draft.reasoning = Some(string(reader)?),
            "reasoning_content" => {
                let text = string(reader)?;
                draft.reasoning.get_or_insert(text);
            }
            "refusal" => draft.refusal = Some(string(reader)?),
            "cache_control" => draft.cache = Some(parts::mark(reader, here)?),
            other => {
                let raw = reader.raw()?;
                // An empty list is what a replayed answer holds where there was nothing.
                if raw != "[]" {
                    keep(request, &format!("messages[].{other}"), raw);
                }
            }
        }
        Ok(())
    })?;
    Ok(draft)
}

fn role(name: &str) -> Option<Role> {
    Some(match name {
        "system" => Role::System,
        "developer" => Role::Developer,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "tool" => Role::Tool,
        _ => return None,
    })
}

fn calls(request: &mut Request, reader: &mut Reader<'_>, path: Path<'_>) -> Result<Vec<Part>> {
    let mut calls = Vec::new();
    array(reader, path, |reader, i| {
        let here = path.at(i);
        let (mut id, mut name, mut arguments) = (String::new(), String::new(), String::new());
        object(reader, here, &[], |reader, key| {
            let at = here.key(key);
            match key {
                "id" => id = text(reader, at)?.decode().into_owned(),
                // The place in a stream says nothing any more.
                "type" | "index" => skip(reader)?,
                "function" => {
                    object(reader, at, &[], |reader, key| {
                        match key {
                            "name" => name = text(reader, at.key(key))?.decode().into_owned(),
                            "arguments" => arguments = text(reader, at.key(key))?.decode().into_owned(),
                            _ => skip(reader)?,
                        }
                        Ok(())
                    })?;
                }
                other => {
                    let raw = reader.raw()?;
                    keep(request, &format!("messages[].tool_calls[].{other}"), raw);
                }
            }
            Ok(())
        })?;
        calls.push(Part::ToolCall { id, name, arguments, cache: None });
        Ok(())
    })?;
    Ok(calls)
}

impl Draft {
    /// Puts the parts in the order in which a model makes them: reasoning, content, refusal, calls.
    fn finish(mut self) -> Message {
        let role = self.role.unwrap_or(Role::User);
        if role == Role::Tool {
            let parts = vec![Part::ToolResult { id: self.answers, parts: self.content, is_error: false, cache: self.cache }];
            return Message { role, name: self.name, parts };
        }
        let mut parts = self.details;
        // Where there are details, the plain text says the same again.
        if parts.is_empty() {
            parts.extend(self.reasoning.filter(|text| !text.is_empty()).map(reasoning::plain));
        }
        if role == Role::Assistant {
            // Empty text beside calls is how some say that there was none.
            self.content.retain(|part| !matches!(part, Part::Text { text, cache: None } if text.is_empty()));
        }
        parts.append(&mut self.content);
        parts.extend(self.refusal.map(Part::Refusal));
        parts.append(&mut self.calls);
        if let Some(last) = parts.last_mut() {
            parts::set_mark(last, self.cache);
        }
        Message { role, name: self.name, parts }
    }
}
