//! Tools on offer, and whether one must be called.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::block::Mark;
use super::model::Model;
use super::schema;
use crate::ir::{Request, Tool, ToolChoice};

/// Anthropic's own tools that are still behind a beta, by the beginning of their type.
const BETAS: [(&str, &str); 5] = [
    ("computer_20250124", "computer-use-2025-01-24"),
    ("computer_20251124", "computer-use-2025-11-24"),
    ("web_fetch_20250910", "web-fetch-2025-09-10"),
    ("code_execution_20250825", "code-execution-2025-08-25"),
    ("memory_20250818", "context-management-2025-06-27"),
];

/// A tool, as it is written.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Offer<'a> {
    /// A function of the caller's.
    Function {
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        input_schema: Cow<'a, RawValue>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        strict: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<Mark>,
    },
    /// A tool of Anthropic's own, as it came.
    Own(&'a RawValue),
}

impl Offer<'_> {
    /// Where its mark goes.
    pub(super) fn mark(&mut self) -> Option<&mut Option<Mark>> {
        match self {
            Offer::Function { cache_control, .. } => Some(cache_control),
            Offer::Own(_) => None,
        }
    }
}

/// The tools of a request, and the betas that they need.
pub(super) struct Offers<'a> {
    pub(super) tools: Vec<Offer<'a>>,
    pub(super) betas: Vec<&'static str>,
    /// Whether a tool of somebody else's was left out.
    pub(super) dropped: bool,
    /// Whether a tool was asked to be strict and cannot be.
    pub(super) loosened: bool,
}

/// Writes the tools.
pub(super) fn offers(request: &Request, model: Model) -> Offers<'_> {
    let mut offers = Offers { tools: Vec::with_capacity(request.tools.len()), betas: Vec::new(), dropped: false, loosened: false };
    for tool in &request.tools {
        match tool {
            Tool::Function { name, description, parameters, strict, cache } => {
                let asked = *strict == Some(true);
                let strict = asked && model.structured_output;
                offers.loosened |= asked && !strict;
                let input_schema = schema::of_arguments(parameters.as_deref());
                offers.tools.push(Offer::Function {
                    name,
                    description: description.as_deref(),
                    input_schema: if strict { closed(input_schema) } else { input_schema },
                    strict,
                    cache_control: cache.map(Mark::from),
                });
            }
            Tool::Other(json) => match own_kind(json) {
                Some(kind) => {
                    let beta = BETAS.iter().find(|(prefix, _)| kind.starts_with(prefix)).map(|(_, beta)| *beta);
                    offers.betas.extend(beta.filter(|b| !offers.betas.contains(b)));
                    offers.tools.push(Offer::Own(json));
                }
                None => offers.dropped = true,
            },
        }
    }
    offers
}

fn closed(schema: Cow<'_, RawValue>) -> Cow<'_, RawValue> {
    match schema {
        Cow::Borrowed(schema) => schema::closed(schema),
        Cow::Owned(schema) => Cow::Owned(schema::closed(&schema).into_owned()),
    }
}

/// The type of a tool of Anthropic's: it ends in a date (`web_search_20250305`).
fn own_kind(json: &RawValue) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Kind<'a> {
        #[serde(borrow, rename = "type")]
        kind: Cow<'a, str>,
    }
    let Kind { kind } = serde_json::from_str(json.get()).ok()?;
    let dated = kind.rsplit_once('_').is_some_and(|(_, date)| date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit()));
    dated.then_some(kind)
}

/// `tool_choice`.
#[derive(Debug, Serialize)]
pub(super) struct Choice<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    disable_parallel_tool_use: bool,
}

/// Writes the choice; nothing where nothing is asked beyond the default. Never without tools: it is refused then.
pub(super) fn choice(request: &Request) -> Option<Choice<'_>> {
    let one_at_a_time = request.parallel_tool_calls == Some(false);
    let (kind, name) = match &request.tool_choice {
        Some(ToolChoice::None) => ("none", None),
        Some(ToolChoice::Auto) => ("auto", None),
        Some(ToolChoice::Required) => ("any", None),
        Some(ToolChoice::Function(name)) => ("tool", Some(name.as_str())),
        None if one_at_a_time => ("auto", None),
        None => return None,
    };
    Some(Choice { kind, name, disable_parallel_tool_use: one_at_a_time && kind != "none" })
}

/// Whether the model has no choice but to call a tool.
pub(super) fn is_forced(request: &Request) -> bool {
    matches!(request.tool_choice, Some(ToolChoice::Required | ToolChoice::Function(_)))
}
