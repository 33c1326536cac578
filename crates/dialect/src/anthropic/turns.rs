//! A conversation in Anthropic's two roles.
//!
//! Leading instructions go to `system`; everything else becomes turns that alternate, begin with the user's, and
//! hold no empty text. The results of an assistant's calls stand first in the user's turn that follows it.

use serde_json::value::RawValue;

use super::FAMILY;
use super::block::{Block, Mark, Source, Speaker, Turn};
use super::ids::CallIds;
use super::schema::raw;
use crate::ir::{self, Message, Part, ReasoningKind, ReasoningPart, Request, Role};
use crate::registry::EncodeError;

/// What stands in for the user where the conversation begins with the assistant: Anthropic takes no empty text.
const NOTHING_SAID: &str = ".";

/// A conversation as it is written.
#[derive(Debug, Default)]
pub(super) struct Conversation<'a> {
    pub(super) system: Vec<Block<'a>>,
    pub(super) turns: Vec<Turn<'a>>,
    /// What could not be said, by OpenRouter's names.
    pub(super) dropped: Vec<&'static str>,
}

/// Arranges the messages of a request.
pub(super) fn conversation(request: &Request) -> Result<Conversation<'_>, EncodeError> {
    let mut scribe = Scribe::default();
    for (index, message) in request.messages.iter().enumerate() {
        scribe.message(index, message)?;
    }
    scribe.finish()
}

#[derive(Default)]
struct Scribe<'a> {
    out: Conversation<'a>,
    ids: CallIds<'a>,
    /// How many results the user's turn at the end begins with.
    results: usize,
}

impl<'a> Scribe<'a> {
    fn message(&mut self, index: usize, message: &'a Message) -> Result<(), EncodeError> {
        if message.name.is_some() {
            self.dropped("messages.name");
        }
        let instructs = matches!(message.role, Role::System | Role::Developer);
        let speaker = if message.role == Role::Assistant { Speaker::Assistant } else { Speaker::User };
        // What this message says itself starts here: a turn may hold several messages.
        let from = self.out.turns.last().filter(|turn| turn.role == speaker).map_or(0, |turn| turn.content.len());
        for (at, part) in message.parts.iter().enumerate() {
            let Some(block) = self.block(part, message.role).map_err(|message| field_error(index, at, message))? else { continue };
            if instructs && self.out.turns.is_empty() {
                if !matches!(block, Block::Text { .. }) {
                    return Err(field_error(index, at, "instructions can only be text"));
                }
                self.out.system.push(block);
            } else {
                self.say(speaker, block);
            }
        }
        if speaker == Speaker::Assistant
            && let Some(turn) = self.out.turns.last_mut().filter(|turn| turn.role == speaker)
        {
            think_first(&mut turn.content[from..]);
        }
        Ok(())
    }

    fn say(&mut self, speaker: Speaker, block: Block<'a>) {
        if self.out.turns.is_empty() && speaker == Speaker::Assistant {
            self.out.turns.push(Turn { role: Speaker::User, content: vec![Block::Text { text: NOTHING_SAID, cache_control: None }] });
        }
        if self.out.turns.last().is_none_or(|turn| turn.role != speaker) {
            self.out.turns.push(Turn { role: speaker, content: Vec::new() });
            self.results = 0;
        }
        let turn = self.out.turns.last_mut().expect("a turn was just pushed");
        if matches!(block, Block::ToolResult { .. }) {
            turn.content.insert(self.results, block);
            self.results += 1;
        } else {
            turn.content.push(block);
        }
    }

    /// The part as a block; `None` where there is nothing to say, or no way to.
    fn block(&mut self, part: &'a Part, role: Role) -> Result<Option<Block<'a>>, &'static str> {
        let misplaced = match part {
            Part::ToolCall { .. } | Part::Reasoning(_) | Part::Refusal(_) => role != Role::Assistant,
            Part::ToolResult { .. } | Part::Image { .. } | Part::File { .. } => role == Role::Assistant,
            Part::Text { .. } | Part::Audio { .. } | Part::Opaque { .. } => false,
        };
        if misplaced {
            return Err("this kind of content cannot stand in a message of this role");
        }
        Ok(match part {
            Part::ToolCall { id, name, arguments, cache } => {
                Some(Block::ToolUse { id: self.ids.call(id), name, input: input(arguments)?, cache_control: cache.map(Mark::from) })
            }
            Part::ToolResult { id, parts, is_error, cache } => {
                let mut content = Vec::with_capacity(parts.len());
                for part in parts {
                    content.extend(self.content(part)?);
                }
                Some(Block::ToolResult {
                    tool_use_id: self.ids.result(id),
                    content,
                    is_error: *is_error,
                    cache_control: cache.map(Mark::from),
                })
            }
            Part::Reasoning(reasoning) => {
                let block = replayed(reasoning);
                if block.is_none() {
                    self.dropped("messages.reasoning_details");
                }
                block
            }
            Part::Refusal(text) => self.text(text, None),
            Part::Opaque { format, json } if format == FAMILY && is_block(json) => Some(Block::Own(json)),
            Part::Opaque { .. } => {
                self.dropped("messages.reasoning_details");
                None
            }
            content => self.content(content)?,
        })
    }

    /// What may also stand in a tool's result.
    fn content(&mut self, part: &'a Part) -> Result<Option<Block<'a>>, &'static str> {
        match part {
            Part::Text { text, cache } => Ok(self.text(text, cache.map(Mark::from))),
            Part::Image { source, detail, cache } => {
                if detail.as_deref().is_some_and(|detail| detail != "auto") {
                    self.dropped("messages.image_url.detail");
                }
                Ok(Some(Block::Image { source: media(source), cache_control: cache.map(Mark::from) }))
            }
            Part::File { source, name, cache } => file(source, name.as_deref(), cache.map(Mark::from)).map(Some),
            Part::Audio { .. } => Err("this endpoint takes no audio"),
            _ => Err("this kind of content cannot stand in a tool's result"),
        }
    }

    /// Text, unless it is blank: blank text is refused.
    fn text(&mut self, text: &'a str, mark: Option<Mark>) -> Option<Block<'a>> {
        if !text.trim().is_empty() {
            return Some(Block::Text { text, cache_control: mark });
        }
        if mark.is_some() {
            self.dropped("cache_control");
        }
        None
    }

    fn dropped(&mut self, name: &'static str) {
        if !self.out.dropped.contains(&name) {
            self.out.dropped.push(name);
        }
    }

    fn finish(self) -> Result<Conversation<'a>, EncodeError> {
        let mut out = self.out;
        trim_prefill(&mut out.turns);
        if out.turns.is_empty() {
            // Instructions alone: they are what the user says.
            let content = std::mem::take(&mut out.system);
            if content.is_empty() {
                return Err(EncodeError::new("messages", "the conversation holds nothing that can be sent"));
            }
            out.turns.push(Turn { role: Speaker::User, content });
        }
        Ok(out)
    }
}

fn field_error(message: usize, part: usize, what: &str) -> EncodeError {
    EncodeError::new(format!("messages[{message}].content[{part}]"), what)
}

/// Only what this family signed goes back, byte for byte: anything else is refused there.
fn replayed(part: &ReasoningPart) -> Option<Block<'_>> {
    if part.format.as_deref() != Some(FAMILY) {
        return None;
    }
    match (part.kind, &part.signature) {
        (ReasoningKind::Text, Some(signature)) if !signature.is_empty() => Some(Block::Thinking { thinking: &part.text, signature }),
        (ReasoningKind::Encrypted, _) if !part.text.is_empty() => Some(Block::RedactedThinking { data: &part.text }),
        _ => None,
    }
}

/// Whether it is a block of Anthropic's, and not an entry of OpenRouter's `reasoning_details` that only bears its name.
fn is_block(json: &RawValue) -> bool {
    #[derive(serde::Deserialize)]
    struct Kind {
        #[serde(rename = "type")]
        kind: String,
    }
    serde_json::from_str::<Kind>(json.get()).is_ok_and(|Kind { kind }| !kind.starts_with("reasoning."))
}

/// Thinking stands first. Where it does, the order is the model's own and stays (thinking may also stand between calls).
fn think_first(said: &mut [Block<'_>]) {
    if said.first().is_some_and(|block| !block.is_thinking()) {
        said.sort_by_key(|block| !block.is_thinking());
    }
}

/// A call's arguments as an object. Models write nothing, or `null`, for none.
fn input(arguments: &str) -> Result<&RawValue, &'static str> {
    let text = arguments.trim();
    if text.is_empty() || text == "null" {
        return Ok(raw("{}"));
    }
    if !text.starts_with('{') {
        return Err("the arguments of a tool call must be a JSON object");
    }
    serde_json::from_str(text).map_err(|_| "the arguments of a tool call must be valid JSON")
}

fn media(source: &ir::Source) -> Source<'_> {
    match source {
        ir::Source::Url(url) => Source::Url { url },
        // The customary misspelling, which others take.
        ir::Source::Base64 { media_type, data } if media_type == "image/jpg" => Source::Base64 { media_type: "image/jpeg", data },
        ir::Source::Base64 { media_type, data } => Source::Base64 { media_type, data },
    }
}

fn file<'a>(source: &'a ir::Source, title: Option<&'a str>, cache_control: Option<Mark>) -> Result<Block<'a>, &'static str> {
    match source {
        ir::Source::Base64 { media_type, .. } if media_type.starts_with("image/") => {
            Ok(Block::Image { source: media(source), cache_control })
        }
        ir::Source::Base64 { media_type, .. } if media_type != "application/pdf" => Err("this endpoint takes PDF files only"),
        _ => Ok(Block::Document { source: media(source), title: title.filter(|t| !t.trim().is_empty()), cache_control }),
    }
}

/// What the assistant has begun to say must not end in white space.
fn trim_prefill(turns: &mut [Turn<'_>]) {
    let Some(turn) = turns.last_mut().filter(|turn| turn.role == Speaker::Assistant) else { return };
    if let Some(Block::Text { text, .. }) = turn.content.last_mut() {
        *text = text.trim_end();
    }
}
