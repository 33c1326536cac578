//! The file `api.json` of models.dev: providers by name, each with its models by the provider's own ids.

use std::collections::HashMap;

use portolan_core::{Day, ModelSlug, ProviderSlug};

use super::fields::{Fields, Kind};
use super::live::{ENDPOINTS_MAX, LiveEndpoint, LiveModel, LiveProvider, Source, SyncError, Synced};
use super::{names, prices};
use crate::{Catalog, NotCallable, ReasoningInfo};

/// Their names of providers and ours, where they differ.
const PROVIDERS: &[(&str, &str)] = &[
    ("cloudflare-workers-ai", "cloudflare"),
    ("fireworks-ai", "fireworks"),
    ("google", "google-ai-studio"),
    ("google-vertex-anthropic", "google-vertex"),
    ("novita-ai", "novita"),
    ("togetherai", "together"),
    ("wafer.ai", "wafer"),
    ("wandb", "coreweave"),
    ("zai", "z-ai"),
];

/// What the fields of a model hold.
const OF_A_MODEL: &[(&str, Kind)] = &[
    ("name", Kind::Text),
    ("release_date", Kind::Text),
    ("knowledge", Kind::Text),
    ("reasoning", Kind::Flag),
    ("tool_call", Kind::Flag),
    ("structured_output", Kind::Flag),
    ("temperature", Kind::Flag),
    ("open_weights", Kind::Flag),
    ("reasoning_options", Kind::List),
    ("cost", Kind::Object),
    ("limit", Kind::Object),
    ("modalities", Kind::Object),
];
const OF_A_LIMIT: &[(&str, Kind)] = &[("context", Kind::Tokens), ("input", Kind::Tokens), ("output", Kind::Tokens)];
/// Efforts, the highest first.
const EFFORTS: &[&str] = &["max", "xhigh", "high", "medium", "low", "minimal", "none"];

/// Reads `api.json`. Models have no public slugs there: `catalog` knows which of its own are meant.
///
/// # Errors
/// When it is no such file, or lists no model. What else cannot be read is left out and noted.
pub fn read_models_dev(text: &str, catalog: &Catalog, fetched_at: i64, etag: Option<String>) -> Result<Synced, SyncError> {
    let wrong = || SyncError::Form { what: "api.json".to_owned(), source_name: Source::ModelsDev };
    let whole = Fields::read(text).ok_or_else(wrong)?;
    let mut synced = Synced::empty(Source::ModelsDev, fetched_at, etag);
    let names = Names::new(catalog);
    for (theirs, provider) in whole.entries() {
        let ours = PROVIDERS.iter().find(|(name, _)| *name == theirs).map_or(theirs, |(_, ours)| ours);
        let (Some(provider), Ok(slug)) = (Fields::of(provider), ProviderSlug::parse(ours)) else {
            synced.skip(|| format!("provider {theirs}"));
            continue;
        };
        // What a reseller sells follows from what the others do.
        if catalog.provider_by_slug(slug.as_str()).is_some_and(|known| known.resells) {
            continue;
        }
        match provider.maybe_object("models") {
            Some(Ok(models)) => add_all(&mut synced, &names, &slug, &models),
            Some(Err(other)) => synced.skip(|| format!("models of {theirs}: {other}, and no object")),
            None => {}
        }
        synced.providers.push(LiveProvider {
            slug,
            name: provider.text("name"),
            privacy_policy_url: None,
            terms_of_service_url: None,
            status_page_url: None,
            headquarters: None,
            datacenters: Vec::new(),
        });
    }
    if synced.models.is_empty() { Err(SyncError::Empty) } else { Ok(synced.tidy()) }
}

fn add_all(synced: &mut Synced, names: &Names<'_>, provider: &ProviderSlug, models: &Fields<'_>) {
    for (id, row) in models.entries() {
        match Fields::item(row) {
            Err(other) => synced.skip(|| format!("model {id} at {provider}: {other}, and no object")),
            Ok(row) if row.text("status").as_deref() == Some("deprecated") || synced.endpoints.len() >= ENDPOINTS_MAX => {}
            Ok(row) => add(synced, names, provider, id, &row),
        }
    }
}

fn add(synced: &mut Synced, names: &Names<'_>, provider: &ProviderSlug, id: &str, row: &Fields<'_>) {
    let Some((model, tag)) = names.find(provider, id) else {
        synced.skip(|| format!("model {id} at {provider}: no slug can be made of it, or several endpoints have this id"));
        return;
    };
    if let Some(why) = names::objection(&model) {
        synced.skip(|| format!("model {id} at {provider}: {why}"));
        return;
    }
    let (limit, modalities, cost) = (row.object("limit"), row.object("modalities"), row.object("cost"));
    let created = row.text("release_date").map(|date| seconds(&date));
    let unread = limit.as_ref().and_then(|limit| limit.misfits(OF_A_LIMIT));
    let undated = (created == Some(None)).then(|| "release_date cannot be read".to_owned());
    for why in row.misfits(OF_A_MODEL).into_iter().chain(unread).chain(undated) {
        synced.skip(|| format!("model {id} at {provider}: {why}"));
    }
    if let Some(why) = cost.as_ref().and_then(prices::models_dev_doubt) {
        synced.skip(|| format!("the prices of {id} at {provider}: {why}"));
    }
    let limit = |name: &str| limit.as_ref().and_then(|limit| limit.tokens(name));
    let modalities = |name: &str| modalities.as_ref().and_then(|m| m.texts(name)).unwrap_or_default().iter().map(|m| modality(m)).collect();
    let output: Vec<String> = modalities("output");
    // Another address or another wire format for this one model is nothing that a row of the provider can say;
    // what gives no text is called in another way.
    let is_ordinary = row.object("provider").is_none() && output.iter().any(|given| given == "text");
    synced.endpoints.push(LiveEndpoint {
        model: model.clone(),
        provider: provider.clone(),
        tag,
        upstream_id: is_ordinary.then(|| id.to_owned()),
        context_length: limit("context"),
        max_prompt_tokens: limit("input"),
        max_output: limit("output"),
        quantization: None,
        supported_parameters: parameters(row),
        pricing: cost.as_ref().and_then(prices::models_dev),
        implicit_caching: None,
    });
    synced.models.push(LiveModel {
        slug: model,
        canonical_slug: None,
        name: row.text("name"),
        created: created.flatten(),
        input_modalities: modalities("input"),
        output_modalities: output,
        tokenizer: None,
        instruct_type: None,
        hugging_face_id: None,
        knowledge_cutoff: row.text("knowledge"),
        expiration_date: None,
        moderated: None,
        reasoning: row.flag("reasoning").filter(|reasons| *reasons).map(|_| reasoning(row)),
        open_weights: row.flag("open_weights"),
        default_parameters: None,
        voices: Vec::new(),
    });
}

/// What its options say: efforts, and whether a budget in tokens can be set. Whether it can be switched off, they do not say for certain.
fn reasoning(row: &Fields<'_>) -> ReasoningInfo {
    let options: Vec<_> = row.items("reasoning_options").into_iter().flatten().flatten().collect();
    let of = |kind: &str| options.iter().find(|option| option.text("type").as_deref() == Some(kind));
    let mut efforts = of("effort").and_then(|option| option.texts("values")).unwrap_or_default();
    efforts.truncate(EFFORTS.len());
    // The highest first; what has no place among those that are known goes last.
    efforts.sort_by_key(|effort| EFFORTS.iter().position(|known| known == effort).unwrap_or(EFFORTS.len()));
    ReasoningInfo {
        supported_efforts: (!efforts.is_empty()).then_some(efforts),
        supports_max_tokens: (!options.is_empty()).then(|| of("budget_tokens").is_some()),
        ..ReasoningInfo::default()
    }
}

/// The first second of a day, `YYYY-MM-DD`, or of a month, `YYYY-MM`, as Unix seconds.
fn seconds(date: &str) -> Option<i64> {
    let mut parts = date.splitn(3, '-').map(|part| part.parse::<i32>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next().unwrap_or(Some(1))?);
    let first = Day::of_civil(year, month, day)?;
    (year >= 1970).then(|| i64::from(first.0) * 86_400)
}

fn modality(theirs: &str) -> String {
    if theirs == "pdf" { "file".to_owned() } else { theirs.to_owned() }
}

/// What its flags say that it takes, by OpenRouter's names.
fn parameters(row: &Fields<'_>) -> Vec<String> {
    let mut all = vec!["max_tokens", "stop"];
    for (flag, names) in [
        ("temperature", &["temperature", "top_p"][..]),
        ("tool_call", &["tools", "tool_choice"]),
        ("structured_output", &["response_format", "structured_outputs"]),
        ("reasoning", &["reasoning", "include_reasoning"]),
    ] {
        if row.flag(flag) == Some(true) {
            all.extend(names);
        }
    }
    all.sort_unstable();
    all.into_iter().map(str::to_owned).collect()
}

/// An endpoint of ours.
struct Known<'a> {
    model: &'a ModelSlug,
    tag: &'a str,
    /// It is just the provider's model: no variant of it, and no other model with a setting.
    is_plain: bool,
}

/// How a model of theirs is found among ours.
struct Names<'a> {
    /// Endpoints of ours by provider and upstream id. Those of classes of service are not told apart from the ordinary ones there.
    by_upstream_id: HashMap<(&'a str, &'a str), Vec<Known<'a>>>,
    catalog: &'a Catalog,
}

impl<'a> Names<'a> {
    fn new(catalog: &'a Catalog) -> Self {
        let mut by_upstream_id: HashMap<_, Vec<_>> = HashMap::new();
        for endpoint in catalog.endpoints.iter().filter(|e| e.service_tier.is_none() && e.callable != Err(NotCallable::BatchNotBuilt)) {
            let Some(id) = &endpoint.upstream_id else { continue };
            let key = (catalog.provider(endpoint.provider).slug.as_str(), id.as_str());
            let model = catalog.model_at(endpoint.model);
            let is_plain = model.variant_of.is_none() && endpoint.callable != Err(NotCallable::SettingNotBuilt);
            by_upstream_id.entry(key).or_default().push(Known { model: &model.slug, tag: &endpoint.tag, is_plain });
        }
        Self { by_upstream_id, catalog }
    }

    /// The slug and the tag. One of ours with this id at this provider; else a slug that reads the same; else a new one.
    fn find(&self, provider: &ProviderSlug, id: &str) -> Option<(ModelSlug, String)> {
        if let Some(known) = self.by_upstream_id.get(&(provider.as_str(), id)) {
            // Of regions of one model it is the ordinary one; whose price it is where there is none or several, cannot be told.
            let mut ordinary = known.iter().filter(|k| known.len() == 1 || (k.is_plain && k.tag == provider.as_str()));
            let (one, other) = (ordinary.next()?, ordinary.next());
            return other.is_none().then(|| (one.model.clone(), one.tag.to_owned()));
        }
        let id = id.to_lowercase();
        let text = if id.contains('/') { id } else { format!("{provider}/{id}") };
        let slug = self.catalog.model(&text).filter(|model| !model.wildcard).map(|model| model.slug.clone());
        Some((slug.or_else(|| ModelSlug::parse(&text).ok())?, provider.to_string()))
    }
}
