//! The walk over the body's members, and what follows from all of them together.

use std::borrow::Cow;

use portolan_core::{Capability, Parameters};

use super::fields::{alike, known};
use super::opening::Opening;
use super::read::{Path, skip};
use super::{Field, HOSTED_FIELDS, Peek, PeekError};
use crate::ir;
use crate::json::{Kind, Reader, Text, utf8};

/// No request has more members; looking for duplicates compares each with all before it.
const MEMBERS_MAX: usize = 256;

/// What has been seen so far.
#[derive(Default)]
pub(super) struct Visit {
    pub(super) peek: Peek,
    pub(super) stream: Option<bool>,
    pub(super) choices: Option<u64>,
    pub(super) model: Option<String>,
    pub(super) models: Vec<String>,
    pub(super) max_tokens: Option<u64>,
    pub(super) max_completion_tokens: Option<u64>,
    pub(super) reasoning: Option<ir::Reasoning>,
    pub(super) effort: Option<String>,
    pub(super) include_reasoning: Option<bool>,
    /// Fields whose value asks an endpoint for nothing.
    pub(super) idle: Vec<&'static str>,
    pub(super) opening: Opening,
    /// Bytes of inline media so far: in the body, and no text.
    pub(super) inline_bytes: u64,
}

pub(super) fn read(body: &[u8]) -> Result<Peek, PeekError> {
    let mut reader = Reader::new(utf8(body)?);
    if reader.kind()? != Kind::Object {
        return Err(PeekError::invalid("body", "must be a JSON object"));
    }
    let mut visit = Visit::default();
    reader.object(|reader, key| visit.member(reader, key))?;
    reader.end()?;
    let peek = visit.finish()?;
    keeps_nothing(&peek, body)?;
    Ok(peek)
}

/// Fields that have a provider keep what it is sent, and the values that do not.
const KEEPING: [(&str, &[&str]); 2] = [("store", &["false"]), ("prompt_cache_retention", &["\"in_memory\"", "\"in-memory\""])];

/// Zero data retention and a wish to be kept contradict each other: whichever won, the other would be ignored in silence.
fn keeps_nothing(peek: &Peek, body: &[u8]) -> Result<(), PeekError> {
    let keeping = KEEPING.into_iter().filter_map(|(name, harmless)| Some((peek.field(name)?, harmless)));
    let asked = |(field, harmless): &(&Field, &[&str])| {
        let value = body.get(field.value.clone()).unwrap_or_default();
        !harmless.iter().any(|one| one.as_bytes() == value)
    };
    match keeping.filter(|_| peek.preferences.zdr).find(asked) {
        Some((field, _)) => {
            let problem = "has the provider keep what provider.zdr forbids to be kept; leave one of them out";
            Err(PeekError::invalid(field.name.clone(), problem))
        }
        None => Ok(()),
    }
}

impl Visit {
    fn member(&mut self, reader: &mut Reader<'_>, key: Text<'_>) -> Result<(), PeekError> {
        let name = key.decode();
        let path = Path::Top(&name);
        if self.peek.fields.len() == MEMBERS_MAX {
            return Err(PeekError::invalid("body", format!("holds more than {MEMBERS_MAX} members")));
        }
        if self.peek.fields.iter().any(|f| f.name == name) {
            return Err(path.invalid("stands twice"));
        }
        let known = known(&name);
        if known.is_none() {
            well_spelled(&name, path)?;
        }
        let (spare, inline) = (reader.spare(), self.inline_bytes);
        let null = reader.kind()? == Kind::Null;
        let start = reader.at();
        match known {
            Some(known) if !null => known.rule.apply(self, reader, path)?,
            _ => skip(reader)?,
        }
        let value = start..reader.at();
        self.peek.hosted_tools |= HOSTED_FIELDS.contains(&name.as_ref()) && !null && reader.slice(value.clone()) != "false";
        if known.is_none_or(|k| k.prompt) && !null {
            let text = (value.len() - (reader.spare() - spare)) as u64;
            self.peek.text_bytes += text.saturating_sub(self.inline_bytes - inline);
        }
        let name = known.map_or_else(|| Cow::Owned(name.into_owned()), |k| Cow::Borrowed(k.name));
        self.peek.fields.push(Field { name, member: key.at..value.end, value, null });
        Ok(())
    }

    fn finish(mut self) -> Result<Peek, PeekError> {
        if self.peek.messages == 0 {
            return Err(PeekError::invalid("messages", "is required and must hold at least one message"));
        }
        self.peek.stream = self.stream.unwrap_or(false);
        self.peek.choices = self.choices.and_then(|n| u32::try_from(n).ok()).unwrap_or(1);
        for model in self.model.take().into_iter().chain(std::mem::take(&mut self.models)) {
            if !self.peek.models.contains(&model) {
                self.peek.models.push(model);
            }
        }
        if self.peek.models.is_empty() {
            return Err(PeekError::invalid("model", "is required: name a model, such as openai/gpt-4o-mini"));
        }
        self.peek.max_tokens = match (self.max_completion_tokens, self.max_tokens) {
            (Some(a), Some(b)) if a != b => {
                return Err(PeekError::invalid("max_tokens", "differs from max_completion_tokens; state one of them"));
            }
            (a, b) => a.or(b),
        };
        self.fold_reasoning()?;
        self.peek.parameters = self.parameters();
        Ok(self.peek)
    }

    /// The parameters in use, by the names that endpoints list. A value that asks for nothing is no use.
    fn parameters(&self) -> Parameters {
        let fields = self.peek.fields.iter().filter(|field| !field.null && !self.idle.contains(&field.name.as_ref()));
        let names = fields.map(|field| match field.name.as_ref() {
            "max_completion_tokens" => "max_tokens",
            "reasoning_effort" => "reasoning",
            name => name,
        });
        let schema = self.peek.needs.has(Capability::StructuredOutputs).then_some("structured_outputs");
        names.chain(schema).collect()
    }

    /// Folds the shorthands into one, which is `None` when nothing was stated.
    fn fold_reasoning(&mut self) -> Result<(), PeekError> {
        let stated = self.reasoning.is_some() || self.effort.is_some() || self.include_reasoning.is_some();
        let mut all = self.reasoning.take().unwrap_or_default();
        if let Some(effort) = self.effort.take() {
            if all.effort.as_ref().is_some_and(|e| *e != effort) {
                return Err(PeekError::invalid("reasoning_effort", "differs from reasoning.effort; state one of them"));
            }
            if all.max_tokens.is_some() {
                return Err(PeekError::invalid("reasoning_effort", "stands beside reasoning.max_tokens; state one of them"));
            }
            all.effort = Some(effort);
        }
        all.exclude |= self.include_reasoning == Some(false);
        self.peek.reasoning_excluded = all.exclude;
        let off = all.enabled == Some(false) || all.effort.as_deref() == Some("none");
        if !off && (all.effort.is_some() || all.max_tokens.is_some() || all.enabled == Some(true)) {
            self.peek.needs.insert(Capability::Reasoning);
        }
        self.peek.reasoning = stated.then_some(all);
        Ok(())
    }
}

/// Refuses a field that is another spelling of one that is known. Some providers compare names without regard to case: they
/// would take the one for the other, and serve another model or tier than was chosen here.
fn well_spelled(name: &str, path: Path<'_>) -> Result<(), PeekError> {
    let is_plain = name.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase());
    match if is_plain { None } else { alike(name) } {
        Some(known) => Err(path.invalid(format!("must be written {known}"))),
        None => Ok(()),
    }
}
