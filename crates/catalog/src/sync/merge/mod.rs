//! Lays a live catalog over rows.

mod endpoint;
mod model;
mod provider;

use std::collections::{BTreeMap, HashMap, HashSet};

use portolan_core::{ModelSlug, ProviderSlug, ServiceTier, Task};

use super::live::{LiveEndpoint, LiveMedia, LiveMediaEndpoint, LiveProvider, Source, Synced};
use super::names;
use crate::rows::{AliasRow, ModelRow, ProviderRow, ServiceTiers};
use crate::{SIMULATOR, assemble};

/// A live catalog, to be laid over one provider after the other. What the simulator owns is left alone.
pub(crate) struct Over<'a> {
    /// The one source describes models and what providers serve; the other tells what they sell it for, and fills in the rest.
    describes_models: bool,
    providers: BTreeMap<&'a ProviderSlug, Said<'a>>,
    /// What each model does that somebody may serve.
    tasks: HashMap<ModelSlug, Task>,
    media: HashMap<&'a ModelSlug, Vec<&'a LiveMedia>>,
    /// In how many places the source lists each model.
    listed: HashMap<&'a ModelSlug, usize>,
}

/// What a source says of a provider.
#[derive(Default)]
struct Said<'a> {
    provider: Option<&'a LiveProvider>,
    endpoints: Vec<&'a LiveEndpoint>,
}

/// A provider's endpoints by model and tag: which row, and the class of service, where the row sells several.
type Places = HashMap<(ModelSlug, String), (usize, Option<ServiceTier>)>;

impl<'a> Over<'a> {
    /// Lays `synced` over the models. What it calls by another name of a model, or as a router, is left out.
    pub(crate) fn models(synced: &'a Synced, models: &mut Vec<ModelRow>, aliases: &[AliasRow]) -> Self {
        let describes_models = synced.source == Source::OpenRouter;
        let reseller = synced.source.reseller();
        let aliases: HashSet<&ModelSlug> = aliases.iter().map(|row| &row.name).collect();
        let mut places: HashMap<ModelSlug, usize> = models.iter().enumerate().map(|(at, row)| (row.slug.clone(), at)).collect();
        let is_taken = |slug: &ModelSlug| !assemble::is_reserved(slug) && !aliases.contains(slug) && names::objection(slug).is_none();
        for live in synced.models.iter().filter(|live| is_taken(&live.slug)) {
            let at = places.get(&live.slug).copied();
            let at = at.unwrap_or_else(|| {
                places.insert(live.slug.clone(), models.len());
                models.push(model::new(live));
                models.len() - 1
            });
            let row = &mut models[at];
            if describes_models {
                model::describe(row, live);
                model::sell(row, reseller.as_ref());
            } else {
                model::fill(row, live);
            }
            row.canonical_slug.take_if(|name| aliases.contains(name) || names::objection(name).is_some());
        }
        let media = media(synced);
        for (slug, said) in &media {
            if let Some(row) = places.get(*slug).map(|at| &mut models[*at]).filter(|row| !row.router && !assemble::is_reserved(slug)) {
                said.iter().for_each(|live| model::enable(row, &live.abilities));
            }
        }
        models.sort_by(|a, b| a.slug.cmp(&b.slug));
        let may_be_served = |row: &&ModelRow| !row.router && !assemble::is_reserved(&row.slug) && names::objection(&row.slug).is_none();
        let served = models.iter().filter(may_be_served);
        let tasks = served.map(|row| (row.slug.clone(), row.task)).collect();
        let mut listed = HashMap::new();
        synced.endpoints.iter().for_each(|live| *listed.entry(&live.model).or_default() += 1);
        Self { describes_models, providers: by_provider(synced), tasks, media, listed }
    }

    /// Lays what is said of a provider over its row.
    pub(crate) fn provider(&self, row: &mut ProviderRow) {
        let Some(said) = self.providers.get(&row.slug) else { return };
        if let Some(live) = said.provider {
            provider::describe(row, live);
        }
        // What a reseller sells follows from what the others do.
        if row.resells {
            return;
        }
        let mut places = places(row);
        said.endpoints.iter().for_each(|live| self.endpoint(live, row, &mut places));
    }

    /// The rows of providers that only the source knows.
    pub(crate) fn own_providers(&self, is_known: impl Fn(&ProviderSlug) -> bool) -> Vec<ProviderRow> {
        let unknown = self.providers.iter().filter(|(slug, _)| !is_known(slug));
        let rows = unknown.map(|(slug, said)| {
            let mut row = provider::new((*slug).clone(), said.provider.and_then(|live| live.name.clone()));
            self.provider(&mut row);
            (said.provider.is_some() || !row.endpoints.is_empty()).then_some(row)
        });
        rows.flatten().collect()
    }

    fn endpoint(&self, live: &LiveEndpoint, of: &mut ProviderRow, places: &mut Places) {
        let Some(&task) = self.tasks.get(&live.model) else { return };
        if live.tag.split('/').next() != Some(of.slug.as_str()) {
            return;
        }
        let key = (live.model.clone(), live.tag.clone());
        match places.get(&key) {
            Some(&(at, None)) => {
                let row = &mut of.endpoints[at];
                // What is sold by other units goes first: then what is said of tokens is only a part of it.
                self.media_of(live).for_each(|said| endpoint::price_media(row, said, task));
                return endpoint::describe(row, live, task, self.describes_models);
            }
            Some(&(at, Some(tier))) => return endpoint::price_tier(&mut of.endpoints[at], live, task, tier),
            None => {}
        }
        // A class of service that nobody has described is no endpoint of its own.
        let is_tier = ServiceTier::ALL.iter().any(|tier| live.tag.strip_suffix(tier.as_str()).is_some_and(|rest| rest.ends_with('/')));
        if is_tier || (live.context_length.is_none() && task == Task::Chat) {
            return;
        }
        places.insert(key, (of.endpoints.len(), None));
        of.endpoints.push(endpoint::new(live, task, self.media_of(live)));
    }

    /// What is said of an endpoint as one that makes images or videos.
    fn media_of(&self, live: &LiveEndpoint) -> impl Iterator<Item = &'a LiveMediaEndpoint> {
        let is_alone = self.listed.get(&live.model) == Some(&1);
        let said = self.media.get(&live.model).into_iter().flatten().flat_map(|media| &media.endpoints);
        said.filter(move |said| said.tag.as_ref().map_or(is_alone, |tag| *tag == live.tag))
    }
}

fn media(synced: &Synced) -> HashMap<&ModelSlug, Vec<&LiveMedia>> {
    let mut all: HashMap<&ModelSlug, Vec<&LiveMedia>> = HashMap::new();
    for live in synced.images.iter().chain(&synced.videos).flatten() {
        all.entry(&live.model).or_default().push(live);
    }
    all
}

fn by_provider(synced: &Synced) -> BTreeMap<&ProviderSlug, Said<'_>> {
    let mut all: BTreeMap<&ProviderSlug, Said<'_>> = BTreeMap::new();
    for live in &synced.providers {
        all.entry(&live.slug).or_default().provider = Some(live);
    }
    for live in &synced.endpoints {
        all.entry(&live.provider).or_default().endpoints.push(live);
    }
    all.retain(|slug, _| slug.as_str() != SIMULATOR);
    all
}

fn places(of: &ProviderRow) -> Places {
    let mut places = HashMap::new();
    for (at, row) in of.endpoints.iter().enumerate() {
        let tag = row.tag.clone().unwrap_or_else(|| of.slug.to_string());
        for (tier, _) in row.service_tiers.each() {
            places.insert((row.model.clone(), ServiceTiers::tag(&tag, tier)), (at, Some(tier)));
        }
        places.insert((row.model.clone(), tag), (at, None));
    }
    places
}

/// The live value where there is one.
fn set<T: Clone>(column: &mut T, live: Option<&T>) {
    if let Some(live) = live {
        column.clone_from(live);
    }
}

fn set_optional<T: Clone>(column: &mut Option<T>, live: Option<&T>) {
    if let Some(live) = live {
        *column = Some(live.clone());
    }
}

fn stated(list: &Vec<String>) -> Option<&Vec<String>> {
    (!list.is_empty()).then_some(list)
}
