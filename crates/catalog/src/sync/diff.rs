//! What a new catalog changes, for people and for machines.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use portolan_core::{Meter, PriceCard};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::columns::{Columns, differing, of_endpoint, of_model, of_provider};
use crate::{Catalog, Endpoint, Model, NotCallable};

/// Lines of one kind that are printed for people; the rest is counted.
const LINES_MAX: usize = 200;
/// Characters of a value that are printed for people.
const SHOWN_MAX: usize = 300;

/// A value that is another one now. `None`: not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The model's slug; empty where it is a provider that changes.
    pub model: String,
    /// The endpoint's tag, or the provider's slug; empty where it is the model itself that changes.
    pub endpoint: String,
    /// What changes.
    pub field: String,
    /// The value until now.
    pub before: Option<String>,
    /// The new value.
    pub after: Option<String>,
}

/// The difference of two catalogs. Endpoints are written `model @ tag`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Diff {
    /// Models that are new.
    pub models_added: Vec<String>,
    /// Models that are gone.
    pub models_removed: Vec<String>,
    /// Endpoints that are new.
    pub endpoints_added: Vec<String>,
    /// Endpoints that are gone.
    pub endpoints_removed: Vec<String>,
    /// Endpoints that can be called now and could not before, or the other way round.
    pub callable: Vec<Change>,
    /// Prices, USD per unit.
    pub prices: Vec<Change>,
    /// Context, longest prompt, longest answer.
    pub limits: Vec<Change>,
    /// What models that make images, videos or speech can be told, and their prices by other units than tokens.
    #[serde(default)]
    pub media: Vec<Change>,
    /// The other columns of endpoints: parameters, abilities, policies, regions, ids at providers.
    #[serde(default)]
    pub columns: Vec<Change>,
    /// The columns of models and providers.
    #[serde(default)]
    pub descriptions: Vec<Change>,
}

impl Diff {
    /// What leads from `before` to `after`.
    #[must_use]
    pub fn between(before: &Catalog, after: &Catalog) -> Self {
        let mut diff = Diff::default();
        let slugs = |catalog: &Catalog| catalog.models.iter().map(|m| (m.slug.to_string(), ())).collect::<BTreeMap<_, _>>();
        (diff.models_added, diff.models_removed) = keys_apart(&slugs(before), &slugs(after));
        let (old, new) = (endpoints(before), endpoints(after));
        let (added, removed) = keys_apart(&old, &new);
        let shown = |keys: Vec<(String, String)>| keys.into_iter().map(|(model, tag)| format!("{model} @ {tag}")).collect();
        (diff.endpoints_added, diff.endpoints_removed) = (shown(added), shown(removed));
        for ((model, tag), new) in &new {
            let Some(old) = old.get(&(model.clone(), tag.clone())) else { continue };
            let changes = |old: Vec<(String, Option<String>)>, new: Vec<(String, Option<String>)>| {
                let pairs = old.into_iter().zip(new).filter(|(old, new)| old.1 != new.1);
                pairs
                    .map(|((field, before), (_, after))| Change { model: model.clone(), endpoint: tag.clone(), field, before, after })
                    .collect::<Vec<_>>()
            };
            diff.callable.extend(changes(callable(old), callable(new)));
            diff.prices.extend(changes(prices(old), prices(new)));
            diff.limits.extend(changes(limits(old), limits(new)));
            diff.media.extend(apart(model, tag, &media_prices(old), &media_prices(new)));
            diff.columns.extend(rewritten(model, tag, &of_endpoint(old), &of_endpoint(new)));
        }
        for new in &after.models {
            let Some(old) = before.model(new.slug.as_str()).filter(|old| old.slug == new.slug) else { continue };
            diff.media.extend(apart(new.slug.as_str(), "", &abilities(old), &abilities(new)));
            diff.descriptions.extend(rewritten(new.slug.as_str(), "", &of_model(old), &of_model(new)));
        }
        let (old, new) = (providers(before), providers(after));
        let slugs: BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
        let none = Columns::new();
        let of = |all: &BTreeMap<&str, Columns>, slug: &str| all.get(slug).unwrap_or(&none).clone();
        diff.descriptions.extend(slugs.into_iter().flat_map(|slug| rewritten("", slug, &of(&old, slug), &of(&new, slug))));
        diff
    }

    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Diff::default()
    }
}

fn endpoints(catalog: &Catalog) -> BTreeMap<(String, String), &Endpoint> {
    let key = |e: &Endpoint| (catalog.model_at(e.model).slug.to_string(), e.tag.clone());
    catalog.endpoints.iter().map(|e| (key(e), e)).collect()
}

/// What only the second has, and what only the first has.
fn keys_apart<K: Ord + Clone, V>(before: &BTreeMap<K, V>, after: &BTreeMap<K, V>) -> (Vec<K>, Vec<K>) {
    let only = |of: &BTreeMap<K, V>, other: &BTreeMap<K, V>| of.keys().filter(|key| !other.contains_key(key)).cloned().collect();
    (only(after, before), only(before, after))
}

/// Values by name, of which each may be there or not.
type Values = BTreeMap<String, String>;

fn apart(model: &str, endpoint: &str, old: &Values, new: &Values) -> Vec<Change> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let changed = names.into_iter().filter(|name| old.get(*name) != new.get(*name));
    changed
        .map(|name| Change {
            model: model.to_owned(),
            endpoint: endpoint.to_owned(),
            field: name.clone(),
            before: old.get(name).cloned(),
            after: new.get(name).cloned(),
        })
        .collect()
}

fn rewritten(model: &str, endpoint: &str, old: &Columns, new: &Columns) -> Vec<Change> {
    let change = |(field, before, after)| Change { model: model.to_owned(), endpoint: endpoint.to_owned(), field, before, after };
    differing(old, new).into_iter().map(change).collect()
}

fn providers(catalog: &Catalog) -> BTreeMap<&str, Columns> {
    catalog.providers.iter().map(|provider| (provider.slug.as_str(), of_provider(provider))).collect()
}

fn abilities(model: &Model) -> Values {
    let known = model.media.as_ref().map_or(Value::Null, |media| json!(media));
    known.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), value.to_string())).collect()
}

fn media_prices(endpoint: &Endpoint) -> Values {
    let mut all = Values::new();
    for price in endpoint.media.iter().flat_map(|media| &media.prices) {
        let unit = json!(price.unit);
        let name = format!("{} per {}", price.sku, unit.as_str().unwrap_or_default());
        all.extend(price.variants.iter().map(|v| (format!("{name}, {}", v.condition), v.price.to_string())));
        all.insert(name, price.price.to_string());
    }
    if !endpoint.passthrough_parameters.is_empty() {
        all.insert("passthrough_parameters".to_owned(), endpoint.passthrough_parameters.join(", "));
    }
    all
}

fn callable(endpoint: &Endpoint) -> Vec<(String, Option<String>)> {
    let text = endpoint.callable.map_or_else(NotCallable::as_str, |()| "yes");
    vec![("callable".to_owned(), Some(text.to_owned()))]
}

fn prices(endpoint: &Endpoint) -> Vec<(String, Option<String>)> {
    let known = (endpoint.callable != Err(NotCallable::PriceUnknown)).then_some(&*endpoint.prices);
    let listed = |meter: Meter| known.and_then(|card| card.base.listed(meter)).map(|price| price.to_string());
    let mut all: Vec<_> = Meter::ALL.into_iter().map(|meter| (meter.as_str().to_owned(), listed(meter))).collect();
    all.push(("audio_cache_read".to_owned(), endpoint.audio_cache_read.map(|price| price.to_string())));
    all.push(("long prompts".to_owned(), known.filter(|card| !card.tiers.is_empty()).map(tiers)));
    all
}

/// The prices above each length.
fn tiers(card: &PriceCard) -> String {
    let one = |tier: &portolan_core::PriceTier| {
        let listed = |meter: Meter| tier.rates.listed(meter).map(|price| format!("{} {price}", meter.as_str()));
        let prices: Vec<String> = Meter::ALL.into_iter().filter_map(listed).collect();
        format!(">{}: {}", tier.above_prompt_tokens, prices.join(" / "))
    };
    card.tiers.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn limits(endpoint: &Endpoint) -> Vec<(String, Option<String>)> {
    let known = |field: &str, tokens: Option<u32>| (field.to_owned(), tokens.map(|n| n.to_string()));
    vec![
        known("context_length", Some(endpoint.context_length)),
        known("max_prompt_tokens", endpoint.max_prompt_tokens),
        known("max_output", Some(endpoint.max_output)),
    ]
}

impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return writeln!(f, "nothing changes");
        }
        let names = [
            ("models added", &self.models_added),
            ("models removed", &self.models_removed),
            ("endpoints added", &self.endpoints_added),
            ("endpoints removed", &self.endpoints_removed),
        ];
        for (title, names) in names {
            section(f, title, names, |f, name| writeln!(f, "  {name}"))?;
        }
        for (title, changes) in [
            ("callable", &self.callable),
            ("prices, USD per unit", &self.prices),
            ("limits, tokens", &self.limits),
            ("images, videos and voices", &self.media),
            ("parameters, abilities and policies", &self.columns),
            ("models and providers", &self.descriptions),
        ] {
            let width = changes.iter().take(LINES_MAX).map(|c| place(c).chars().count()).max().unwrap_or(0);
            section(f, title, changes, |f, c| {
                let shown = |value: &Option<String>| value.as_deref().map_or_else(|| "-".to_owned(), printed);
                writeln!(f, "  {:width$}  {}: {} -> {}", place(c), c.field, shown(&c.before), shown(&c.after))
            })?;
        }
        Ok(())
    }
}

/// A source's text in a terminal: nothing steers it, and it has an end.
fn printed(text: &str) -> String {
    text.chars().take(SHOWN_MAX).map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

fn place(change: &Change) -> String {
    match (change.model.as_str(), change.endpoint.as_str()) {
        (model, "") => model.to_owned(),
        ("", provider) => format!("provider {provider}"),
        (_, endpoint) => format!("{} @ {endpoint}", change.model),
    }
}

fn section<T>(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    items: &[T],
    line: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    if items.is_empty() {
        return Ok(());
    }
    writeln!(f, "{title}: {}", items.len())?;
    items.iter().take(LINES_MAX).try_for_each(|item| line(f, item))?;
    if items.len() > LINES_MAX {
        writeln!(f, "  and {} more", items.len() - LINES_MAX)?;
    }
    Ok(())
}
