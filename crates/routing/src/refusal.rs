//! What to tell a caller whose request has nowhere to go.

use portolan_catalog::Catalog;

use crate::ask::Ask;
use crate::plan::{NoEndpoint, Rejection};
use crate::rule::{Rule, Source};

impl NoEndpoint {
    /// The rejection that came furthest: the one whose rule the caller can best do something about.
    #[must_use]
    pub fn decisive(&self) -> Option<&Rejection> {
        match self {
            NoEndpoint::UnknownModel { .. } => None,
            NoEndpoint::NothingLeft { rejected } => rejected.iter().max_by_key(|r| r.rule),
        }
    }

    /// OpenRouter's HTTP status: 400 for an unknown model, 404 where no endpoint is left.
    #[must_use]
    pub fn http_status(&self) -> u16 {
        match self {
            NoEndpoint::UnknownModel { .. } => 400,
            NoEndpoint::NothingLeft { .. } => 404,
        }
    }

    /// The message, in OpenRouter's wording where it has one.
    #[must_use]
    pub fn message(&self, catalog: &Catalog, ask: &Ask<'_>) -> String {
        match self {
            NoEndpoint::UnknownModel { slug, nearest } => {
                let names: Vec<&str> = nearest.iter().map(portolan_core::ModelSlug::as_str).collect();
                let hint = if names.is_empty() { String::new() } else { format!(". Did you mean {}?", names.join(", ")) };
                format!("{slug} is not a valid model ID{hint}")
            }
            NoEndpoint::NothingLeft { .. } => self
                .decisive()
                .map_or_else(|| format!("No endpoints found for {}.", models(ask)), |rejection| nothing_left(catalog, ask, rejection)),
        }
    }
}

fn models(ask: &Ask<'_>) -> String {
    ask.models.iter().map(portolan_core::ModelSlug::as_str).collect::<Vec<_>>().join(", ")
}

fn nothing_left(catalog: &Catalog, ask: &Ask<'_>, rejection: &Rejection) -> String {
    let preferences = ask.preferences;
    let why = match (rejection.rule, rejection.source) {
        (Rule::ProviderNotAllowed, Source::RequestOnly) => {
            return not_allowed(catalog, ask, &format!("provider.only preference permits only: {}", preferences.only.join(", ")));
        }
        (Rule::ProviderNotAllowed, _) => {
            return not_allowed(catalog, ask, &format!("provider.ignore preference excludes: {}", preferences.ignore.join(", ")));
        }
        (Rule::NotInOrder, _) => {
            let named = preferences.order.join(", ");
            return not_allowed(catalog, ask, &format!("provider.order preference without fallbacks permits only: {named}"));
        }
        (Rule::NotCallable, _) => "its endpoints are listed, but can not be called",
        (Rule::NoCredential, _) => "no provider that serves it has a credential; configure one or switch the simulator on",
        (Rule::SimulatedApart, _) => "real and simulated endpoints never serve one request",
        (Rule::Capability, _) => "no endpoint takes this kind of input or gives this kind of output",
        (Rule::ContextLength, _) => "the prompt is longer than every endpoint's context",
        (Rule::MaxOutput, _) => "no endpoint gives as many tokens as max_tokens asks for; lower it",
        (Rule::StrictBarred, _) => "its endpoints reported more usage than was held, and this key's budget is strict; ask an administrator",
        (Rule::CapabilityPreferred, _) => "the endpoints that support what the request asks for are excluded by its preferences",
        (Rule::FallbackNotAllowed, _) => "fallbacks are not allowed",
    };
    let terms = crate::explain::detail(catalog, preferences, rejection).map(|d| format!(" ({d})")).unwrap_or_default();
    format!("No endpoints found for {}: {why}{terms}.", models(ask))
}

fn not_allowed(catalog: &Catalog, ask: &Ask<'_>, preference: &str) -> String {
    let mut providers: Vec<&str> = Vec::new();
    for model in ask.models.iter().filter_map(|slug| catalog.model(slug.as_str())) {
        for endpoint in catalog.endpoints_of(model) {
            let slug = catalog.provider(endpoint.provider).slug.as_str();
            if !providers.contains(&slug) {
                providers.push(slug);
            }
        }
    }
    format!(
        "No allowed providers are available for the selected model. Providers serving {}: {}, but your request's {preference}.",
        models(ask),
        providers.join(", ")
    )
}
