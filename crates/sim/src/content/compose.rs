//! From what is asked to what is answered: pure, and the same for the same request and seed.

use serde_json::json;

use super::schema::fill;
use super::script::{Finish, Part, Script, ToolCall};
use super::signature::redacted;
use super::text::Pieces;
use crate::dialect::{Asked, Output, Tool, ToolChoice};
use crate::random::Rng;
use crate::shape::{Content, ForcedFinish, REASONING_CHUNKS};

/// More parallel calls than this are a mistake in the shape.
const CALLS_MAX: usize = 128;

/// The answer to a request. `id` is the response id, from which the ids of tool calls are made.
pub(crate) fn compose(asked: &Asked, content: &Content, id: &str, rng: &mut Rng) -> Script {
    let mut script = Script { parts: Vec::new(), finish: Finish::Stop };
    if !content.empty {
        let limit = if content.unlimited { None } else { asked.max_tokens };
        let mut budget = Budget { left: limit.unwrap_or(u64::MAX), exhausted: false };
        script.parts.extend(reasoning(asked, content, rng, &mut budget));
        let calls = calls(asked, content, id, rng);
        if calls.is_empty() || content.chunks.is_some() || content.bytes.is_some() {
            script.parts.extend(text(asked, content, rng, &mut budget));
        }
        for call in calls {
            script.parts.extend(budget.tool(call));
        }
        if budget.exhausted {
            script.finish = Finish::Length;
        } else if script.parts.iter().any(|part| matches!(part, Part::Tool(_))) {
            script.finish = Finish::Tools;
        }
    }
    match content.finish {
        Some(ForcedFinish::Length) => script.finish = Finish::Length,
        Some(ForcedFinish::Filter) => script.finish = Finish::Filter,
        Some(ForcedFinish::Refusal) => script.finish = Finish::Refusal,
        None => {}
    }
    script
}

/// What is left of the caller's token limit.
struct Budget {
    left: u64,
    exhausted: bool,
}

impl Budget {
    fn take(&mut self, mut pieces: Pieces) -> Option<Pieces> {
        self.exhausted |= pieces.limit(self.left);
        self.left -= pieces.tokens();
        (pieces.len() > 0).then_some(pieces)
    }

    /// A call fits whole or not at all: half of its arguments would be no JSON.
    fn tool(&mut self, call: ToolCall) -> Option<Part> {
        let tokens = 1 + call.arguments.tokens();
        let fits = tokens <= self.left && !self.exhausted;
        self.exhausted |= !fits;
        fits.then(|| {
            self.left -= tokens;
            Part::Tool(call)
        })
    }
}

fn reasoning(asked: &Asked, content: &Content, rng: &mut Rng, budget: &mut Budget) -> Option<Part> {
    let wanted = content.reasoning.or((asked.reasoning || content.redacted).then_some(REASONING_CHUNKS))?;
    let pieces = budget.take(Pieces::words(wanted, rng))?;
    let withheld = content.redacted || asked.reasoning_hidden;
    Some(if withheld {
        Part::Withheld { tokens: pieces.tokens(), data: content.redacted.then(|| redacted(rng.next())) }
    } else {
        Part::Reasoning(pieces)
    })
}

fn text(asked: &Asked, content: &Content, rng: &mut Rng, budget: &mut Budget) -> Option<Part> {
    if content.finish == Some(ForcedFinish::Refusal) {
        return budget.take(Pieces::of("I am sorry, but I can not help with that.".to_owned())).map(Part::Refusal);
    }
    let pieces = match (content.bytes, content.chunks, &asked.output) {
        (Some(bytes), chunks, _) => Pieces::sized(bytes, chunks),
        (None, Some(chunks), _) => Pieces::words(chunks, rng),
        (None, None, _) if content.echo && !asked.last_user.is_empty() => Pieces::of(asked.last_user.clone()),
        (None, None, Output::Schema(schema)) => Pieces::of(fill(schema, rng).to_string()),
        (None, None, Output::Json) => Pieces::of(json!({"answer": Pieces::sentences(rng).as_str()}).to_string()),
        (None, None, Output::Text) => Pieces::sentences(rng),
    };
    budget.take(pieces).map(Part::Text)
}

fn calls(asked: &Asked, content: &Content, id: &str, rng: &mut Rng) -> Vec<ToolCall> {
    chosen(asked, content)
        .into_iter()
        .enumerate()
        .map(|(index, tool)| ToolCall {
            // The tail of the response id is unique; two digits tell its calls apart.
            id: format!("{}{index:02}", &id[id.len().saturating_sub(20)..]),
            name: tool.name.clone(),
            arguments: Pieces::of(fill(&tool.schema, rng).to_string()),
        })
        .collect()
}

/// The tools to call. The shape asks until there are results, so that a loop of calls ends; `tool_choice` is a command.
fn chosen<'a>(asked: &'a Asked, content: &Content) -> Vec<&'a Tool> {
    let by_shape = if asked.answers_tools { 0 } else { content.tools as usize };
    let most = if asked.parallel_tools { CALLS_MAX } else { 1 };
    match &asked.tool_choice {
        ToolChoice::None => Vec::new(),
        ToolChoice::Auto => asked.tools.iter().take(by_shape.min(most)).collect(),
        ToolChoice::Any => asked.tools.iter().take(by_shape.clamp(1, most)).collect(),
        ToolChoice::Named(name) => asked.tools.iter().filter(|tool| tool.name == *name).take(1).collect(),
    }
}
