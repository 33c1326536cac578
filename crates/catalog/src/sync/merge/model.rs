//! A model's columns.

use portolan_core::{ProviderSlug, Task};

use super::super::live::LiveModel;
use super::{set, set_optional, stated};
use crate::rows::ModelRow;
use crate::{DataOrigin, MediaAbilities};

/// What a model that gives only this does. What gives text as well is for chat.
const TASKS: &[(&str, Task)] = &[
    ("image", Task::Images),
    ("video", Task::Videos),
    ("speech", Task::Speech),
    ("transcription", Task::Transcriptions),
    ("embeddings", Task::Embeddings),
    ("rerank", Task::Rerank),
];

/// What the source states wins.
pub(super) fn describe(row: &mut ModelRow, live: &LiveModel) {
    row.origin = DataOrigin::Synced;
    // It lists it, so it has not delisted it.
    row.delisted = None;
    set_optional(&mut row.canonical_slug, live.canonical_slug.as_ref());
    set(&mut row.name, live.name.as_ref());
    set(&mut row.created, live.created.as_ref());
    set(&mut row.input_modalities, stated(&live.input_modalities));
    set(&mut row.output_modalities, stated(&live.output_modalities));
    set(&mut row.tokenizer, live.tokenizer.as_ref());
    set(&mut row.moderated, live.moderated.as_ref());
    set_optional(&mut row.instruct_type, live.instruct_type.as_ref());
    set_optional(&mut row.open_weights, live.open_weights.as_ref());
    set_optional(&mut row.hugging_face_id, live.hugging_face_id.as_ref());
    set_optional(&mut row.knowledge_cutoff, live.knowledge_cutoff.as_ref());
    set_optional(&mut row.expiration_date, live.expiration_date.as_ref());
    if !live.voices.is_empty() {
        enable(row, &MediaAbilities { voices: Some(live.voices.clone()), ..MediaAbilities::default() });
    }
    if let Some(live) = &live.reasoning {
        let known = row.reasoning.get_or_insert_default();
        known.mandatory = live.mandatory;
        set_optional(&mut known.default_enabled, live.default_enabled.as_ref());
        set_optional(&mut known.default_effort, live.default_effort.as_ref());
        set_optional(&mut known.supported_efforts, live.supported_efforts.as_ref());
        set_optional(&mut known.supports_max_tokens, live.supports_max_tokens.as_ref());
    }
    if let Some(live) = &live.default_parameters {
        let known = &mut row.default_parameters;
        set_optional(&mut known.temperature, live.temperature.as_ref());
        set_optional(&mut known.top_p, live.top_p.as_ref());
        set_optional(&mut known.top_k, live.top_k.as_ref());
        set_optional(&mut known.frequency_penalty, live.frequency_penalty.as_ref());
        set_optional(&mut known.presence_penalty, live.presence_penalty.as_ref());
        set_optional(&mut known.repetition_penalty, live.repetition_penalty.as_ref());
    }
}

/// What the source says that it can be told wins.
pub(super) fn enable(row: &mut ModelRow, live: &MediaAbilities) {
    if *live != MediaAbilities::default() {
        row.capabilities.get_or_insert_default().take(live);
        row.origin = DataOrigin::Synced;
    }
}

/// Who publishes a list of what it sells sells what stands there.
pub(super) fn sell(row: &mut ModelRow, reseller: Option<&ProviderSlug>) {
    if let Some(reseller) = reseller
        && !row.resold_by.contains(reseller)
    {
        row.resold_by.push(reseller.clone());
    }
}

/// Only what is not known yet.
pub(super) fn fill(row: &mut ModelRow, live: &LiveModel) {
    let is_undated = row.created == 0 && live.created.is_some();
    let is_new = [
        is_undated,
        row.knowledge_cutoff.is_none() && live.knowledge_cutoff.is_some(),
        row.open_weights.is_none() && live.open_weights.is_some(),
    ];
    if is_new.contains(&true) {
        row.origin = DataOrigin::Synced;
    }
    if is_undated {
        set(&mut row.created, live.created.as_ref());
    }
    row.knowledge_cutoff = row.knowledge_cutoff.take().or_else(|| live.knowledge_cutoff.clone());
    row.open_weights = row.open_weights.or(live.open_weights);
}

pub(super) fn new(live: &LiveModel) -> ModelRow {
    let mut row = ModelRow::of_configuration(live.slug.clone(), live.name.clone());
    describe(&mut row, live);
    row.task = task(&row.output_modalities);
    row
}

/// What a new model does, by what it gives.
fn task(output_modalities: &[String]) -> Task {
    let gives = |name: &str| output_modalities.iter().any(|given| given == name);
    let own = TASKS.iter().find(|(name, _)| gives(name)).filter(|_| !gives("text"));
    own.map_or(Task::Chat, |(_, task)| *task)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_built_in_models_give_says_what_they_do() {
        for row in crate::builtin::rows().unwrap().models {
            assert_eq!(task(&row.output_modalities), row.task, "{}", row.slug);
        }
    }
}
