//! Columns that follow from others.

use portolan_core::{Capabilities, Capability, Dialect, Task};

use crate::rows::{EndpointRow, ProviderRow};
use crate::{Model, NotCallable, SIMULATOR, ToolChoice, is_auth_built, is_dialect_built, is_task_built};

/// The parameter that shows an ability, where one does.
const SHOWN_BY: &[(&str, Capability)] = &[
    ("tools", Capability::Tools),
    ("response_format", Capability::JsonMode),
    ("structured_outputs", Capability::StructuredOutputs),
    ("reasoning", Capability::Reasoning),
    ("reasoning_effort", Capability::Reasoning),
    ("logprobs", Capability::Logprobs),
];

/// The ability to take each modality; text needs none.
const INPUTS: &[(&str, Capability)] = &[
    ("image", Capability::ImageInput),
    ("file", Capability::FileInput),
    ("audio", Capability::AudioInput),
    ("video", Capability::VideoInput),
];

/// The ability to give each modality.
const OUTPUTS: &[(&str, Capability)] = &[("image", Capability::ImageOutput), ("audio", Capability::AudioOutput)];

/// Licenses that put no limit on what is done with a model's output.
const FREE_OUTPUT: &[&str] = &["Apache-2.0", "MIT"];

/// Whether this license lets the model's text train other models. One that is not known here does not.
pub(super) fn leaves_output_free(license: &str) -> bool {
    FREE_OUTPUT.contains(&license)
}

/// Whether it can be called, or the first reason why not.
pub(super) fn callable(of: &ProviderRow, row: &EndpointRow, task: Task, model: &Model, priced: bool) -> Result<(), NotCallable> {
    if !priced {
        return Err(NotCallable::PriceUnknown);
    }
    // What the operator serves under such a name is a model like others.
    if model.is_for_batches() && !row.own {
        return Err(NotCallable::BatchNotBuilt);
    }
    let setting = if row.requires_setting.is_some() { Err(NotCallable::SettingNotBuilt) } else { Ok(()) };
    let upstream_id = if row.upstream_id.is_none() && !model.wildcard { Err(NotCallable::UpstreamIdUnknown) } else { Ok(()) };
    let at = callable_at(of, row.dialect.or(of.dialect), task);
    match at {
        // What the configuration can fill in is told last.
        Err(NotCallable::BaseUrlUnknown) => setting.and(upstream_id).and(at),
        _ => at.and(setting).and(upstream_id),
    }
}

/// Whether anything of this task can be called in this dialect at this provider.
pub(super) fn callable_at(of: &ProviderRow, dialect: Option<Dialect>, task: Task) -> Result<(), NotCallable> {
    // The simulator is reached within the process.
    let has_address = of.slug.as_str() == SIMULATOR || !(of.base_url.is_empty() || of.base_url.contains('{'));
    let reasons = [
        (!is_task_built(task), NotCallable::TaskNotBuilt),
        (!dialect.is_some_and(is_dialect_built), NotCallable::DialectNotBuilt),
        (!is_auth_built(of.auth), NotCallable::AuthNotBuilt),
        (!has_address, NotCallable::BaseUrlUnknown),
    ];
    reasons.into_iter().find(|(holds, _)| *holds).map_or(Ok(()), |(_, why)| Err(why))
}

/// What the parameters tell where the row is silent.
pub(super) fn tool_choice(parameters: &[String]) -> ToolChoice {
    let has = |name: &str| parameters.iter().any(|p| p == name);
    ToolChoice { auto: has("tools"), none: has("tools"), required: has("tool_choice"), function: has("tool_choice") }
}

/// What parameters and modalities tell where the row is silent.
pub(super) fn capabilities(row: &EndpointRow, model: &Model, tool_choice: ToolChoice) -> Capabilities {
    let shown = SHOWN_BY.iter().filter(|(name, _)| row.supported_parameters.iter().any(|p| p == name));
    let taken = INPUTS.iter().filter(|(name, _)| model.input_modalities.iter().any(|m| m == name && !row.without_input.contains(m)));
    let given = OUTPUTS.iter().filter(|(name, _)| model.output_modalities.iter().any(|m| m == name));
    let forced = (tool_choice.required || tool_choice.function).then_some(Capability::ToolChoice);
    shown.chain(taken).chain(given).map(|(_, capability)| *capability).chain(forced).collect()
}

/// One line made of the other columns.
pub(super) fn description(model: &Model, author: &str) -> String {
    let short = model.name.split_once(": ").map_or(model.name.as_str(), |(_, short)| short);
    let reasons = if model.reasoning.is_some() { ", with reasoning" } else { "" };
    let context = match model.context_length {
        0 => String::new(),
        tokens => format!(", {tokens} tokens of context"),
    };
    format!("{short} by {author}: {} in, {} out{reasons}{context}.", model.input_modalities.join(", "), model.output_modalities.join(", "))
}
