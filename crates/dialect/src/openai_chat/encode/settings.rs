//! Everything but the messages.

use crate::ir::{Output, Reasoning, Request, Tool, ToolChoice};
use crate::json::Writer;
use crate::target::{Encoded, Target};

pub(super) fn write(request: &Request, target: &Target<'_>, json: &mut Writer, encoded: &mut Encoded) {
    write_tools(request, json, encoded);
    write_output(&request.output, json);
    write_sampling(request, target, json, encoded);
    if let Some(reasoning) = &request.reasoning {
        if let Some(effort) = effort(reasoning, target.max_tokens) {
            json.text_member("reasoning_effort", effort);
        }
        if reasoning.max_tokens.is_some() {
            encoded.drop_parameter("reasoning.max_tokens");
        }
        if reasoning.summary.is_some() {
            encoded.drop_parameter("reasoning.summary");
        }
    }
    if !request.stop.is_empty() && !target.takes("stop") {
        encoded.drop_parameter("stop");
    } else if !request.stop.is_empty() {
        json.key("stop");
        json.array();
        request.stop.iter().for_each(|s| json.text(s));
        json.end_array();
    }
    if let Some(n) = request.choices.filter(|n| *n > 1) {
        json.raw_member("n", &n.to_string());
    }
    if request.cache.is_some() {
        encoded.drop_parameter("cache_control");
    }
}

fn write_tools(request: &Request, json: &mut Writer, encoded: &mut Encoded) {
    if !request.tools.is_empty() {
        json.key("tools");
        json.array();
        request.tools.iter().for_each(|tool| write_tool(tool, json, encoded));
        json.end_array();
        // Endpoints refuse it where no tool is offered.
        if let Some(parallel) = request.parallel_tool_calls {
            json.raw_member("parallel_tool_calls", if parallel { "true" } else { "false" });
        }
    }
    match &request.tool_choice {
        None => {}
        Some(ToolChoice::None) => json.text_member("tool_choice", "none"),
        Some(ToolChoice::Auto) => json.text_member("tool_choice", "auto"),
        Some(ToolChoice::Required) => json.text_member("tool_choice", "required"),
        Some(ToolChoice::Function(name)) => {
            json.key("tool_choice");
            json.object();
            json.text_member("type", "function");
            json.key("function");
            json.object();
            json.text_member("name", name);
            json.end_object();
            json.end_object();
        }
    }
}

fn write_tool(tool: &Tool, json: &mut Writer, encoded: &mut Encoded) {
    let (name, description, parameters, strict, cache) = match tool {
        Tool::Function { name, description, parameters, strict, cache } => (name, description, parameters, strict, cache),
        Tool::Other(raw) => return json.raw(raw.get()),
    };
    json.object();
    json.text_member("type", "function");
    json.key("function");
    json.object();
    json.text_member("name", name);
    if let Some(description) = description {
        json.text_member("description", description);
    }
    if let Some(parameters) = parameters {
        json.raw_member("parameters", parameters.get());
    }
    if let Some(strict) = strict {
        json.raw_member("strict", if *strict { "true" } else { "false" });
    }
    json.end_object();
    json.end_object();
    if cache.is_some() {
        encoded.drop_parameter("cache_control");
    }
}

fn write_output(output: &Output, json: &mut Writer) {
    let (name, description, schema, strict) = match output {
        Output::Text => return,
        Output::JsonObject => return json.raw_member("response_format", r#"{"type":"json_object"}"#),
        Output::JsonSchema { name, description, schema, strict } => (name, description, schema, strict),
    };
    json.key("response_format");
    json.object();
    json.text_member("type", "json_schema");
    json.key("json_schema");
    json.object();
    json.text_member("name", name);
    if let Some(description) = description {
        json.text_member("description", description);
    }
    json.raw_member("schema", schema.get());
    if let Some(strict) = strict {
        json.raw_member("strict", if *strict { "true" } else { "false" });
    }
    json.end_object();
    json.end_object();
}

fn write_sampling(request: &Request, target: &Target<'_>, json: &mut Writer, encoded: &mut Encoded) {
    let s = &request.sampling;
    for (name, number) in [
        ("temperature", &s.temperature),
        ("top_p", &s.top_p),
        ("top_k", &s.top_k),
        ("min_p", &s.min_p),
        ("top_a", &s.top_a),
        ("frequency_penalty", &s.frequency_penalty),
        ("presence_penalty", &s.presence_penalty),
        ("repetition_penalty", &s.repetition_penalty),
        ("seed", &s.seed),
    ] {
        match number {
            Some(number) if target.takes(name) => json.raw_member(name, &number.to_string()),
            Some(_) => encoded.drop_parameter(name),
            None => {}
        }
    }
}

/// The nearest effort. OpenRouter's table says which share of the output bound an effort stands for; without
/// a bound, 32,768 tokens stand for it, for that is what the models with efforts write as a rule.
fn effort(reasoning: &Reasoning, max_tokens: Option<u64>) -> Option<&str> {
    const SHARES: [(u64, &str); 4] = [(15, "minimal"), (35, "low"), (65, "medium"), (87, "high")];
    if reasoning.enabled == Some(false) {
        return Some("none");
    }
    if let Some(effort) = &reasoning.effort {
        return Some(effort);
    }
    if let Some(budget) = reasoning.max_tokens {
        let bound = max_tokens.unwrap_or(32_768).max(1);
        let percent = budget.saturating_mul(100) / bound;
        return Some(SHARES.iter().find(|(below, _)| percent < *below).map_or("xhigh", |(_, effort)| effort));
    }
    (reasoning.enabled == Some(true)).then_some("medium")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_becomes_the_effort_of_its_share() {
        let budget = |n| Reasoning { max_tokens: Some(n), ..Reasoning::default() };
        for (reasoning, bound, want) in [
            (budget(1000), Some(10_000), Some("minimal")),
            (budget(2000), Some(10_000), Some("low")),
            (budget(5000), Some(10_000), Some("medium")),
            (budget(8000), Some(10_000), Some("high")),
            (budget(9500), Some(10_000), Some("xhigh")),
            (budget(u64::MAX), Some(10_000), Some("xhigh")),
            (budget(16_000), None, Some("medium")),
            (Reasoning { enabled: Some(true), ..Reasoning::default() }, None, Some("medium")),
            (Reasoning { enabled: Some(false), effort: Some("high".into()), ..Reasoning::default() }, None, Some("none")),
            (Reasoning { exclude: true, ..Reasoning::default() }, None, None),
        ] {
            assert_eq!(effort(&reasoning, bound), want, "{reasoning:?}");
        }
    }
}
