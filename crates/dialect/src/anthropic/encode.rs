//! From the canonical form to a request.

use bytes::Bytes;
use serde::Serialize;
use serde_json::Number;
use serde_json::value::RawValue;
use std::borrow::Cow;

use super::block::{Block, Mark, Turn};
use super::model::Model;
use super::thinking::{Plan, Thinking};
use super::tools::{Choice, Offer};
use super::{PATH, VERSION, cache, schema, thinking, tools, turns};
use crate::ir::{Output, Request};
use crate::registry::EncodeError;
use crate::target::{Encoded, Target};

/// With thinking on, `top_p` may not be lower.
const TOP_P_MIN_THINKING: f64 = 0.95;

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    max_tokens: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<Block<'a>>,
    messages: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Offer<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Thinking>,
    #[serde(skip_serializing_if = "OutputConfig::is_empty")]
    output_config: OutputConfig<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<&'a Number>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata<'a>>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    user_id: &'a str,
}

#[derive(Serialize, Default)]
struct OutputConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Format<'a>>,
}

impl OutputConfig<'_> {
    fn is_empty(&self) -> bool {
        self.effort.is_none() && self.format.is_none()
    }
}

#[derive(Serialize)]
struct Format<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    schema: Cow<'a, RawValue>,
}

/// Writes a request for an endpoint. Content that cannot be said is an error; a setting that cannot is listed as dropped.
pub fn encode(request: &Request, target: &Target<'_>) -> Result<Encoded, EncodeError> {
    if request.choices.is_some_and(|n| n > 1) {
        return Err(EncodeError::new("n", "this endpoint gives one answer only"));
    }
    let model = Model::named(target.upstream_id);
    let mut encoded = Encoded { path: Cow::Borrowed(PATH), ..Encoded::default() };
    let mut conversation = turns::conversation(request)?;
    let mut offers = tools::offers(request, model);
    let verbosity = extra_text(request, "verbosity");
    let plan = thinking::plan(request, target, model, &conversation.turns, verbosity.as_deref())?;

    if let Some(automatic) = request.cache {
        cache::mark_last(&mut conversation.turns, Mark::from(automatic));
    }
    let marks_dropped = cache::keep_last(&mut offers.tools, &mut conversation.system, &mut conversation.turns);
    let (temperature, top_p, top_k) = sampling(request, model, &plan, &mut encoded);
    let stop_sequences: Vec<&str> = request.stop.iter().map(String::as_str).filter(|stop| !stop.trim().is_empty()).collect();
    let format = format(request, model);
    let tool_choice = if offers.tools.is_empty() { None } else { tools::choice(request) };

    let dropped = [
        ("cache_control", marks_dropped),
        ("tools", offers.dropped),
        ("tools.function.strict", offers.loosened),
        ("tool_choice", offers.tools.is_empty() && tools::is_forced(request)),
        ("stop", stop_sequences.len() < request.stop.len()),
        ("service_tier", target.service_tier.is_some()),
        ("response_format", format.is_none() && !matches!(request.output, Output::Text)),
    ];
    let dropped = dropped.into_iter().filter(|(_, is_dropped)| *is_dropped).map(|(name, _)| name);
    let extra = request.extra.iter().map(|(name, _)| name.as_str());
    // The plan has already spoken about the verbosity.
    let extra = extra.filter(|name| *name != "verbosity" || verbosity.is_none());
    conversation.dropped.iter().chain(&plan.dropped).copied().chain(dropped).chain(extra).for_each(|name| encoded.drop_parameter(name));

    let body = Body {
        model: target.upstream_id,
        max_tokens: plan.max_tokens,
        stream: target.stream,
        system: conversation.system,
        messages: conversation.turns,
        tools: offers.tools,
        tool_choice,
        thinking: plan.thinking,
        output_config: OutputConfig { effort: plan.effort, format },
        temperature,
        top_p,
        top_k,
        stop_sequences,
        metadata: target.user_hash.map(|user_id| Metadata { user_id }),
    };
    let body = serde_json::to_vec(&body).map_err(|e| EncodeError::new("messages", e.to_string()))?;
    encoded.body = vec![Bytes::from(body)];
    encoded.headers.push(("anthropic-version", VERSION.to_owned()));
    if !offers.betas.is_empty() {
        encoded.headers.push(("anthropic-beta", offers.betas.join(",")));
    }
    Ok(encoded)
}

/// A field of the caller's that the canonical form does not know, if it is a text.
fn extra_text(request: &Request, name: &str) -> Option<String> {
    let (_, json) = request.extra.iter().find(|(key, _)| key == name)?;
    serde_json::from_str(json.get()).ok()
}

/// The sampling settings that the model takes as things stand. A default that it would have anyway is not a loss.
fn sampling<'a>(
    request: &'a Request,
    model: Model,
    plan: &Plan,
    encoded: &mut Encoded,
) -> (Option<Number>, Option<&'a Number>, Option<&'a Number>) {
    let asked = &request.sampling;
    let stated = |number: &Option<Number>| number.as_ref().and_then(Number::as_f64).is_some_and(|n| n != 1.0);
    let mut temperature = asked.temperature.clone().filter(|_| stated(&asked.temperature));
    let mut top_p = asked.top_p.as_ref().filter(|_| stated(&asked.top_p));
    let mut top_k = asked.top_k.as_ref();

    if temperature.is_some() && (!model.sampling || plan.thinks()) {
        temperature = None;
        encoded.drop_parameter("temperature");
    }
    // The range ends at 1 here, which is the default.
    if temperature.as_ref().and_then(Number::as_f64).is_some_and(|t| t > 1.0) {
        temperature = None;
        encoded.drop_parameter("temperature");
    }
    let too_low = |p: &Number| plan.thinks() && p.as_f64().is_some_and(|p| p < TOP_P_MIN_THINKING);
    let excluded = model.one_of_temperature_and_top_p && temperature.is_some();
    if top_p.is_some_and(|p| !model.sampling || too_low(p) || excluded) {
        top_p = None;
        encoded.drop_parameter("top_p");
    }
    if top_k.is_some() && (!model.sampling || plan.thinks()) {
        top_k = None;
        encoded.drop_parameter("top_k");
    }
    for (name, number) in [
        ("min_p", &asked.min_p),
        ("top_a", &asked.top_a),
        ("frequency_penalty", &asked.frequency_penalty),
        ("presence_penalty", &asked.presence_penalty),
        ("repetition_penalty", &asked.repetition_penalty),
        ("seed", &asked.seed),
    ] {
        if number.is_some() {
            encoded.drop_parameter(name);
        }
    }
    (temperature, top_p, top_k)
}

/// Structured output. JSON without a schema cannot be asked for, and words of our own are never put into a prompt.
fn format(request: &Request, model: Model) -> Option<Format<'_>> {
    match &request.output {
        Output::JsonSchema { schema, .. } if model.structured_output => {
            Some(Format { kind: "json_schema", schema: schema::closed(schema) })
        }
        _ => None,
    }
}
