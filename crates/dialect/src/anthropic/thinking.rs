//! How much the model shall think, in the way that it takes.

use serde::Serialize;

use super::block::{Block, Speaker, Turn};
use super::model::{Model, Style};
use super::tools;
use crate::ir::{Reasoning, Request};
use crate::registry::EncodeError;
use crate::target::Target;

/// Anthropic takes no smaller budget.
const BUDGET_MIN: u64 = 1_024;
/// No model takes a larger one.
const BUDGET_MAX: u64 = 128_000;
/// What is sent where nobody states a bound on the output; Anthropic demands one.
const MAX_TOKENS_DEFAULT: u64 = 4_096;

/// `thinking`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Thinking {
    Enabled {
        budget_tokens: u64,
    },
    Adaptive {
        #[serde(skip_serializing_if = "Option::is_none")]
        display: Option<&'static str>,
    },
    Disabled,
}

/// All that the caller's reasoning settings come to.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) max_tokens: u64,
    pub(super) thinking: Option<Thinking>,
    pub(super) effort: Option<&'static str>,
    pub(super) dropped: Vec<&'static str>,
}

impl Plan {
    /// Whether the model will think, which narrows what else it takes.
    pub(super) fn thinks(&self) -> bool {
        matches!(self.thinking, Some(Thinking::Enabled { .. } | Thinking::Adaptive { .. }))
    }
}

/// Decides. `verbosity` sets the effort too, and wins over the reasoning's own.
pub(super) fn plan(
    request: &Request,
    target: &Target<'_>,
    model: Model,
    turns: &[Turn<'_>],
    verbosity: Option<&str>,
) -> Result<Plan, EncodeError> {
    let bound = target.max_tokens.or(request.max_tokens);
    let mut plan = Plan { max_tokens: bound.unwrap_or(MAX_TOKENS_DEFAULT), ..Plan::default() };
    if let Some(reasoning) = &request.reasoning {
        match wish(reasoning) {
            Wish::Nothing => {}
            Wish::No => plan.thinking = model.thinks_unasked.then_some(Thinking::Disabled),
            Wish::Think => think(&mut plan, reasoning, request, bound, model, turns)?,
        }
        if reasoning.summary.as_deref().is_some_and(|summary| summary != "auto") {
            plan.dropped.push("reasoning.summary");
        }
    }
    if let Some(verbosity) = verbosity {
        match effort(verbosity, model).filter(|_| model.takes_effort()) {
            Some(effort) => plan.effort = Some(effort),
            None => plan.dropped.push("verbosity"),
        }
    }
    Ok(plan)
}

enum Wish {
    Nothing,
    No,
    Think,
}

fn wish(reasoning: &Reasoning) -> Wish {
    if reasoning.enabled == Some(false) || reasoning.effort.as_deref() == Some("none") {
        return Wish::No;
    }
    let stated = reasoning.effort.is_some() || reasoning.max_tokens.is_some() || reasoning.enabled == Some(true);
    if stated { Wish::Think } else { Wish::Nothing }
}

fn think(
    plan: &mut Plan,
    reasoning: &Reasoning,
    request: &Request,
    bound: Option<u64>,
    model: Model,
    turns: &[Turn<'_>],
) -> Result<(), EncodeError> {
    // A model that must call a tool does not think (400 otherwise); the call is what the caller's program waits for.
    let forced = tools::is_forced(request) && !request.tools.is_empty();
    let by_effort = match model.thinking {
        Style::Never => {
            plan.dropped.push("reasoning");
            return Ok(());
        }
        Style::Budget => false,
        Style::BudgetOrEffort => reasoning.max_tokens.is_none(),
        Style::Effort => true,
    };
    if by_effort {
        plan.effort = reasoning.effort.as_deref().and_then(|word| effort(word, model));
        if reasoning.max_tokens.is_some() {
            plan.dropped.push("reasoning.max_tokens");
        }
        if forced {
            plan.dropped.push("reasoning");
        } else {
            // From 4.7 on the text of the thinking is left out unless it is asked for.
            let display = (model.thinking == Style::Effort && !reasoning.exclude).then_some("summarized");
            plan.thinking = Some(Thinking::Adaptive { display });
        }
        return Ok(());
    }
    if forced || in_a_thoughtless_tool_loop(turns) {
        plan.dropped.push("reasoning");
        return Ok(());
    }
    set_budget(plan, reasoning, request.max_tokens.is_some(), bound)
}

fn set_budget(plan: &mut Plan, reasoning: &Reasoning, caller_bounds: bool, bound: Option<u64>) -> Result<(), EncodeError> {
    let share = |max: u64| max.saturating_mul(percent(reasoning.effort.as_deref())) / 100;
    let budget = reasoning.max_tokens.unwrap_or_else(|| share(plan.max_tokens)).clamp(BUDGET_MIN, BUDGET_MAX);
    let budget = match bound {
        // Nobody bounds the output: the answer gets its room beside the thinking.
        None => {
            plan.max_tokens = plan.max_tokens.max(budget + MAX_TOKENS_DEFAULT);
            budget
        }
        Some(max) if budget < max => budget,
        Some(max) if caller_bounds => {
            let field = if reasoning.max_tokens.is_some() { "reasoning.max_tokens" } else { "max_tokens" };
            return Err(EncodeError::new(field, format!("max_tokens ({max}) must exceed the reasoning budget ({budget} tokens)")));
        }
        // The bound is the gateway's: it was held for, and is never raised. Leave half of it for the answer.
        Some(max) if max / 2 >= BUDGET_MIN => max / 2,
        Some(_) => {
            plan.dropped.push("reasoning");
            return Ok(());
        }
    };
    plan.thinking = Some(Thinking::Enabled { budget_tokens: budget });
    Ok(())
}

/// OpenRouter's share of the output that an effort stands for, in per cent. `enabled` alone means medium.
fn percent(effort: Option<&str>) -> u64 {
    match effort {
        Some("max" | "xhigh") => 95,
        Some("high") => 80,
        Some("low") => 20,
        Some("minimal") => 10,
        _ => 50,
    }
}

/// The nearest word that the model knows.
fn effort(word: &str, model: Model) -> Option<&'static str> {
    Some(match word {
        "minimal" | "low" => "low",
        "medium" => "medium",
        "high" => "high",
        "xhigh" if model.xhigh => "xhigh",
        "xhigh" => "high",
        "max" => "max",
        _ => return None,
    })
}

/// Whether the conversation stands in the middle of tool calls that were made without thinking (by another family, say).
/// A model with a thinking budget refuses to begin to think there.
fn in_a_thoughtless_tool_loop(turns: &[Turn<'_>]) -> bool {
    let [.., assistant, user] = turns else { return false };
    assistant.role == Speaker::Assistant
        && matches!(user.content.first(), Some(Block::ToolResult { .. }))
        && !assistant.content.first().is_some_and(Block::is_thinking)
}
