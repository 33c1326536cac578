//! Whether the tool calls of an answer are sound: a name that was offered, and arguments that are a JSON object and fit the schema of
//! the tool. An answer without tool calls costs nothing here.

use super::schema;
use crate::ir::Finish;
use crate::json::{JsonError, Reader};
use crate::openai_chat::peek::{Function, Offered};

/// How much of names and arguments is kept of one answer. A longer one is not judged.
const BYTES_MAX: usize = 1024 * 1024;
/// How many calls of one answer are kept. One with more is not judged. Far above what models make.
const CALLS_MAX: usize = 1_024;

/// What the tool calls of an answer are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolCalls {
    /// All can be carried out, as far as name and schema tell.
    Sound,
    /// At least one has a name that was not offered, or arguments that are no JSON object or do not fit the tool's schema.
    Bad,
}

/// The tool calls of one answer, gathered piece by piece.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    calls: Vec<Call>,
    bytes: usize,
    /// There was more than is kept.
    overflown: bool,
    /// Choices that ended before the model was done, as bits; those above 63 share the last one.
    cut: u64,
}

#[derive(Debug)]
struct Call {
    choice: u32,
    index: u32,
    name: String,
    arguments: String,
}

impl Gathered {
    /// A call begins.
    pub(crate) fn begin(&mut self, choice: u32, index: u32, name: &str) {
        if self.calls.len() == CALLS_MAX {
            return self.overflow();
        }
        if self.has_room(name.len()) {
            self.calls.push(Call { choice, index, name: name.to_owned(), arguments: String::new() });
        }
    }

    /// A piece of the arguments of a call that began. Pieces nearly always belong to the last one.
    pub(crate) fn arguments(&mut self, choice: u32, index: u32, text: &str) {
        if self.has_room(text.len())
            && let Some(call) = self.calls.iter_mut().rfind(|call| call.choice == choice && call.index == index)
        {
            call.arguments.push_str(text);
        }
    }

    /// A choice ended. What was cut off says nothing about the calls that the endpoint makes.
    pub(crate) fn finish(&mut self, choice: u32, reason: Finish) {
        match reason {
            Finish::ToolCalls | Finish::Stop => {}
            Finish::Length | Finish::ContentFilter | Finish::Error => self.cut |= bit(choice),
        }
    }

    /// The verdict on an answer that came to its end. `None`: it holds no tool call, or cannot be judged.
    pub(crate) fn judge(&self, offered: &Offered, request: &[u8]) -> Option<ToolCalls> {
        let mut calls = self.calls.iter().filter(|call| self.cut & bit(call.choice) == 0).peekable();
        if self.overflown || !offered.only_functions() || calls.peek().is_none() {
            return None;
        }
        let mut budget = schema::Budget::default();
        let mut fits = |call: &Call, tool: &Function| {
            let schema = tool.parameters.clone().and_then(|span| request.get(span));
            schema.is_none_or(|schema| budget.fits(schema, &call.arguments))
        };
        let all_sound = calls.all(|call| is_object(&call.arguments) && offered.named(&call.name).is_some_and(|tool| fits(call, tool)));
        Some(if all_sound { ToolCalls::Sound } else { ToolCalls::Bad })
    }

    fn has_room(&mut self, bytes: usize) -> bool {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > BYTES_MAX {
            self.overflow();
        }
        !self.overflown
    }

    fn overflow(&mut self) {
        self.overflown = true;
        self.calls = Vec::new();
    }
}

fn is_object(text: &str) -> bool {
    let mut r = Reader::new(text);
    r.object::<JsonError>(|r, _| r.skip().map(drop)).and_then(|_| r.end()).is_ok()
}

fn bit(choice: u32) -> u64 {
    1 << choice.min(63)
}
