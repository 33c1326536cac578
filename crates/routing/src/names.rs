//! What the entries of `order`, `only` and `ignore` mean: each is looked up once per plan, and compared by index after.

use portolan_catalog::{Catalog, Endpoint, ProviderIx};

/// Names are compared up to this many bytes; no slug is longer.
const COMPARED_BYTES_MAX: usize = 64;
/// Names less alike than this are no suggestion (Jaro-Winkler, 0 to 1).
const ALIKE_MIN: f64 = 0.75;
/// So many names are suggested for an unknown one.
const SUGGESTIONS_MAX: usize = 3;

/// Providers that OpenRouter's schema has (`ProviderName`, `BYOKProviderSlug`) and the catalog has not, by their letters: clients name
/// them, and it is no typing error.
const ELSEWHERE: &[&str] = &[
    "byteplus",
    "cirrascale",
    "crucible",
    "fakeprovider",
    "inferactvllm",
    "makora",
    "modular",
    "ncompass",
    "quiver",
    "stealth",
    "switchpoint",
    "tenstorrent",
    "thinkingmachines",
    "wandb",
    "wandblegacy",
];

/// One entry, looked up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    /// As the caller wrote it.
    pub(crate) text: &'a str,
    /// Whom it names; `None`: nobody of the catalog.
    pub(crate) provider: Option<ProviderIx>,
    /// What follows the provider in a full slug: region, precision or tier.
    pub(crate) rest: Option<&'a str>,
}

impl<'a> Entry<'a> {
    /// Looks an entry up: a slug, a display name or another name of a provider, in any case; a full slug adds a slash and the rest
    /// of a tag.
    pub(crate) fn new(catalog: &Catalog, text: &'a str) -> Self {
        let whole = catalog.provider_called(text);
        match text.split_once('/') {
            Some((base, rest)) if whole.is_none() => Self { text, provider: catalog.provider_called(base), rest: Some(rest) },
            _ => Self { text, provider: whole, rest: None },
        }
    }

    /// Whether nobody is called so, here or at OpenRouter.
    pub(crate) fn is_unknown(&self) -> bool {
        let base = self.text.split('/').next().unwrap_or_default();
        let letters: String = base.chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_lowercase()).collect();
        self.provider.is_none() && !ELSEWHERE.contains(&letters.as_str())
    }

    /// What is to say of an entry that names no provider of the catalog.
    pub(crate) fn absence(&self) -> Option<String> {
        let text = self.text;
        self.provider
            .is_none()
            .then(|| if self.is_unknown() { format!("no provider is called {text}") } else { format!("{text} serves nothing here") })
    }

    /// Whether it is the full slug of this endpoint, or the slug of its service tier: `openai/priority` means
    /// `openai/default/priority`, whatever stands between.
    pub(crate) fn is_full_slug_of(&self, endpoint: &Endpoint) -> bool {
        self.is_tag(endpoint, &endpoint.tag) || self.is_tier_of(endpoint)
    }

    fn is_tier_of(&self, endpoint: &Endpoint) -> bool {
        let is_tier = |rest: &str| endpoint.service_tier.is_some_and(|tier| tier.as_str().eq_ignore_ascii_case(rest));
        self.provider == Some(endpoint.provider) && self.rest.is_some_and(is_tier)
    }

    /// Whether it names this endpoint, its provider, or the ordinary endpoint of which it is a service tier.
    pub(crate) fn covers(&self, endpoint: &Endpoint) -> bool {
        let ordinary = || endpoint.service_tier.and_then(|tier| endpoint.tag.strip_suffix(tier.as_str())?.strip_suffix('/'));
        self.is_provider_of(endpoint) || self.is_full_slug_of(endpoint) || ordinary().is_some_and(|tag| self.is_tag(endpoint, tag))
    }

    fn is_tag(&self, endpoint: &Endpoint, tag: &str) -> bool {
        self.provider == Some(endpoint.provider)
            && self.rest.is_some_and(|rest| tag.split_once('/').is_some_and(|(_, own)| own.eq_ignore_ascii_case(rest)))
    }

    /// Whether it is the base slug of this endpoint's provider.
    pub(crate) fn is_provider_of(&self, endpoint: &Endpoint) -> bool {
        self.rest.is_none() && self.provider == Some(endpoint.provider)
    }

    /// Whether it names everything that `other` names, whatever the endpoints are.
    pub(crate) fn repeats(&self, other: &Entry<'_>) -> bool {
        let same_rest = match (self.rest, other.rest) {
            (Some(own), Some(rest)) => own.eq_ignore_ascii_case(rest),
            (own, rest) => own.is_none() && rest.is_none(),
        };
        self.provider.is_some() && self.provider == other.provider && same_rest
    }

    /// Whether both can name the same endpoint.
    pub(crate) fn overlaps(&self, other: &Entry<'_>) -> bool {
        let (Some(own), Some(rest)) = (self.rest, other.rest) else { return self.provider == other.provider };
        // The slug of a tier stands for the full slugs that end so.
        let ends = |tag: &str, tier: &str| tag.rsplit_once('/').is_some_and(|(_, last)| last.eq_ignore_ascii_case(tier));
        self.repeats(other) || self.provider == other.provider && (ends(own, rest) || ends(rest, own))
    }
}

/// Looks a list up.
pub(crate) fn entries<'a>(catalog: &Catalog, texts: &'a [String]) -> Vec<Entry<'a>> {
    texts.iter().map(|text| Entry::new(catalog, text)).collect()
}

/// An entry of `order`, `only` or `ignore` as others know it: slugs in place of aliases and display names. What nobody is
/// called stays as it is.
#[must_use]
pub fn canonical(catalog: &Catalog, text: &str) -> String {
    let entry = Entry::new(catalog, text);
    match (entry.provider, entry.rest) {
        (Some(ix), Some(rest)) => format!("{}/{rest}", catalog.provider(ix).slug),
        (Some(ix), None) => catalog.provider(ix).slug.to_string(),
        (None, _) => text.to_owned(),
    }
}

/// Slugs that resemble a name that nobody has, the nearest first.
pub(crate) fn nearest(catalog: &Catalog, text: &str) -> Vec<String> {
    let base = text.split('/').next().unwrap_or(text);
    let alike = alike(base, catalog.providers.iter().map(|provider| provider.slug.as_str()));
    alike.into_iter().take(SUGGESTIONS_MAX).map(str::to_owned).collect()
}

/// A full slug that names none of these endpoints, in words, with the nearest that does. `names` says what it names.
pub(crate) fn stray(entry: &Entry<'_>, endpoints: &[&Endpoint], names: impl Fn(&Entry<'_>, &Endpoint) -> bool) -> Option<String> {
    let (provider, rest) = (entry.provider?, entry.rest?);
    if endpoints.iter().any(|endpoint| names(entry, endpoint)) {
        return None;
    }
    let own = endpoints.iter().filter(|endpoint| endpoint.provider == provider);
    let rests: Vec<(&str, &str)> = own.filter_map(|endpoint| endpoint.tag.split_once('/')).collect();
    let near = alike(rest, rests.iter().map(|(_, rest)| *rest)).into_iter().next();
    let near = near.and_then(|near| rests.iter().find(|(_, rest)| *rest == near));
    let hint = near.map(|(base, rest)| format!(". Did you mean {base}/{rest}?")).unwrap_or_default();
    Some(format!("no endpoint of the requested models is called {:.120}{hint}", entry.text))
}

/// Those that resemble a name, the nearest first.
fn alike<'c>(name: &str, all: impl Iterator<Item = &'c str>) -> Vec<&'c str> {
    let wanted: String = name.chars().take(COMPARED_BYTES_MAX).flat_map(char::to_lowercase).collect();
    let mut alike: Vec<(f64, &str)> = all.map(|other| (strsim::jaro_winkler(&wanted, other), other)).collect();
    alike.retain(|(score, _)| *score >= ALIKE_MIN);
    alike.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    alike.into_iter().map(|(_, other)| other).collect()
}
