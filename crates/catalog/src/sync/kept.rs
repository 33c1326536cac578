//! What stands in where an answer did not come, or leaves something out: what the source last said.

use std::collections::{BTreeSet, HashMap};

use portolan_core::{ModelSlug, Price};

use super::live::{LiveEndpoint, LiveMedia, LiveModel, Synced};
use crate::Pricing;

impl Synced {
    /// The same, with what `last` had of answers that did not come this time (the endpoints of `missing` models, the list of those
    /// that keep nothing, the providers) and of columns that are left out of entries which the source still has.
    #[must_use]
    pub fn with_missing_from(mut self, last: &Synced, missing: &BTreeSet<ModelSlug>) -> Self {
        if last.source == self.source {
            let known: HashMap<_, _> = last.endpoints.iter().map(|e| ((&e.model, &e.tag), e)).collect();
            for now in &mut self.endpoints {
                if let Some(last) = known.get(&(&now.model, &now.tag)) {
                    keep_endpoint(now, last);
                }
            }
            let known: HashMap<_, _> = last.models.iter().map(|m| (&m.slug, m)).collect();
            for now in &mut self.models {
                if let Some(last) = known.get(&now.slug) {
                    keep_model(now, last);
                }
            }
            self.endpoints.extend(last.endpoints.iter().filter(|e| missing.contains(&e.model)).cloned());
            self.zdr = self.zdr.or_else(|| last.zdr.clone());
            self.images = media(self.images, last.images.as_deref());
            self.videos = media(self.videos, last.videos.as_deref());
            if self.providers.is_empty() {
                self.providers.clone_from(&last.providers);
            }
        }
        self.tidy()
    }
}

fn keep<T: Clone>(now: &mut Option<T>, last: &Option<T>) {
    if now.is_none() {
        now.clone_from(last);
    }
}

fn keep_list<T: Clone>(now: &mut Vec<T>, last: &Vec<T>) {
    if now.is_empty() {
        now.clone_from(last);
    }
}

/// Not the id at the provider: that there is none may be what the source says.
fn keep_endpoint(now: &mut LiveEndpoint, last: &LiveEndpoint) {
    keep(&mut now.context_length, &last.context_length);
    keep(&mut now.max_prompt_tokens, &last.max_prompt_tokens);
    keep(&mut now.max_output, &last.max_output);
    keep(&mut now.quantization, &last.quantization);
    keep(&mut now.implicit_caching, &last.implicit_caching);
    keep_list(&mut now.supported_parameters, &last.supported_parameters);
    now.pricing = pricing(now.pricing.take(), last.pricing.as_ref());
}

/// A price of zero in place of one that somebody pays changes no price.
fn pricing(now: Option<Pricing>, last: Option<&Pricing>) -> Option<Pricing> {
    let (Some(stated), Some(known)) = (&now, last) else { return now.or_else(|| last.cloned()) };
    let is_lost = |now: Option<Price>, last: Option<Price>| now == Some(Price(0)) && last.is_some_and(|price| price > Price(0));
    let is_free = is_lost(stated.prompt, known.prompt) || is_lost(stated.completion, known.completion);
    Some(if is_free { known.clone() } else { stated.or(known) })
}

/// Not the day on which it ends: a source that names none any more has taken it back.
fn keep_model(now: &mut LiveModel, last: &LiveModel) {
    keep(&mut now.canonical_slug, &last.canonical_slug);
    keep(&mut now.name, &last.name);
    keep(&mut now.created, &last.created);
    keep(&mut now.tokenizer, &last.tokenizer);
    keep(&mut now.instruct_type, &last.instruct_type);
    keep(&mut now.hugging_face_id, &last.hugging_face_id);
    keep(&mut now.knowledge_cutoff, &last.knowledge_cutoff);
    keep(&mut now.moderated, &last.moderated);
    keep(&mut now.open_weights, &last.open_weights);
    keep(&mut now.reasoning, &last.reasoning);
    keep(&mut now.default_parameters, &last.default_parameters);
    keep_list(&mut now.input_modalities, &last.input_modalities);
    keep_list(&mut now.output_modalities, &last.output_modalities);
    keep_list(&mut now.voices, &last.voices);
}

/// A model of which no endpoint came gets those that the source last had, an endpoint of which no price came its last prices.
fn media(now: Option<Vec<LiveMedia>>, last: Option<&[LiveMedia]>) -> Option<Vec<LiveMedia>> {
    let Some(mut all) = now else { return last.map(<[LiveMedia]>::to_vec) };
    for now in &mut all {
        let Some(last) = last.unwrap_or_default().iter().find(|last| last.model == now.model) else { continue };
        let mut abilities = last.abilities.clone();
        abilities.take(&now.abilities);
        now.abilities = abilities;
        keep_list(&mut now.endpoints, &last.endpoints);
        for endpoint in now.endpoints.iter_mut().filter(|endpoint| endpoint.prices.is_empty()) {
            if let Some(last) = last.endpoints.iter().find(|last| last.tag == endpoint.tag) {
                endpoint.prices.clone_from(&last.prices);
                endpoint.skus.clone_from(&last.skus);
            }
        }
    }
    Some(all)
}
