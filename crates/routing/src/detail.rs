//! The terms of a rejection, and what else a reader should know, in words.

use portolan_catalog::{Catalog, Endpoint};
use portolan_core::{Area, Capability, Preferences};

use crate::ask::Ask;
use crate::names::{self, Entry};
use crate::plan::Rejection;
use crate::rule::{DataFlaw, Detail, PriceOf, Rule, Source};

/// The terms of a rejection in words.
#[must_use]
pub fn detail(catalog: &Catalog, ask: &Ask<'_>, rejection: &Rejection) -> Option<String> {
    Some(match rejection.detail {
        Detail::None => return plain(catalog, ask, rejection),
        Detail::NotCallable(why) => why.as_str().to_owned(),
        Detail::Does(task) => format!("it does {}", task.as_str()),
        Detail::GivesMedia => "it also gives images or audio, which the request does not ask for".to_owned(),
        Detail::Area { needs, has } => match has {
            Some(has) => format!("confined to {}, its requests stay in {}", needs.as_str(), has.as_str()),
            None => format!("confined to {}, and nobody attests where its requests stay", needs.as_str()),
        },
        Detail::DataFlaw(DataFlaw::TrainingUnknown) => "whether it trains on prompts is unknown".to_owned(),
        Detail::DataFlaw(DataFlaw::Trains) => "it may train on prompts".to_owned(),
        Detail::DataFlaw(DataFlaw::Publishes) => "it may publish prompts".to_owned(),
        Detail::Price { of, max, has } => {
            let unit = unit(of);
            has.map_or_else(
                || format!("its price per {unit} is unknown, at most {max} USD is allowed"),
                |has| format!("it costs {has} USD per {unit}, at most {max} is allowed"),
            )
        }
        Detail::Quantization(own) => format!("its precision is {}", own.as_str()),
        Detail::Ignores(parameters) => format!("it does not take {}", parameters.names().collect::<Vec<_>>().join(", ")),
        Detail::Tier(None) => "the request asks for flex, and there are flex endpoints".to_owned(),
        Detail::Tier(Some(tier)) => format!("it serves the {} tier, which the request does not ask for", tier.as_str()),
        Detail::Lacks(abilities, parameters) => {
            let what: Vec<&str> = abilities.iter().map(Capability::as_str).chain(parameters.names()).collect();
            format!("lacks {}", what.join(", "))
        }
        Detail::Limit { needs, has } if rejection.rule == Rule::ContextLength => {
            format!("the prompt has at least {needs} tokens, it takes {has}")
        }
        Detail::Limit { needs, has } => format!("{needs} tokens are asked for, it gives {has}"),
    })
}

/// The terms of a rule that keeps none of its own: those of the preference or policy.
fn plain(catalog: &Catalog, ask: &Ask<'_>, rejection: &Rejection) -> Option<String> {
    let list = |name: &str, entries: &[String]| {
        Some(format!("{name}: {}{}", entries.join(", "), words(&absent(catalog, entries).collect::<Vec<_>>())))
    };
    let preferences = ask.preferences;
    match (rejection.rule, rejection.source) {
        (Rule::ZdrRequired, _) => Some("zero data retention is not known of it".to_owned()),
        (Rule::Distillable, _) => Some("nobody says that its text may be used to train other models".to_owned()),
        (_, Source::RequestOnly) => list("only", &preferences.only),
        (_, Source::RequestIgnore) => list("ignore", &preferences.ignore),
        (Rule::NotInOrder, _) => list("order", &preferences.order),
        // What an administrator lists is not the caller's to read.
        (Rule::ProviderNotAllowed, _) => Some("the provider is not allowed here".to_owned()),
        (Rule::ModelNotAllowed, _) => Some("the router may not choose its model".to_owned()),
        (Rule::NoCredential, _) => Some("no credential is configured for it".to_owned()),
        (Rule::SimulatedApart, _) => Some("real and simulated endpoints never serve one request".to_owned()),
        (Rule::StrictBarred, _) => Some("it reported more usage than was held, and the budget is strict".to_owned()),
        (Rule::FallbackNotAllowed, _) => Some("fallbacks are not allowed, and another endpoint of the model goes first".to_owned()),
        (Rule::BudgetExhausted, _) => Some("it can cost more than what is left of the key's limit".to_owned()),
        (Rule::BudgetInFlight, _) => Some("it does not fit beside what requests in flight hold of the key's limit".to_owned()),
        _ => None,
    }
}

/// What changes nothing and still deserves a word: entries of `order` and `ignore` that no provider here is called, and full slugs in
/// them that no endpoint of the requested models has.
#[must_use]
pub fn notes(catalog: &Catalog, ask: &Ask<'_>) -> Vec<String> {
    let Preferences { order, ignore, .. } = ask.preferences;
    let ordered = stray(catalog, ask, order, |entry, endpoint| entry.is_full_slug_of(endpoint));
    let ignored = stray(catalog, ask, ignore, |entry, endpoint| entry.covers(endpoint));
    let order = absent(catalog, order).chain(ordered).map(|words| format!("provider.order: {words}"));
    let ignore = absent(catalog, ignore).chain(ignored).map(|words| format!("provider.ignore: {words}"));
    order.chain(ignore).collect()
}

/// What is wrong with full slugs in `only` that no endpoint of the requested models has.
pub(crate) fn stray_only(catalog: &Catalog, ask: &Ask<'_>) -> String {
    let stray = stray(catalog, ask, &ask.preferences.only, |entry, endpoint| entry.is_full_slug_of(endpoint));
    words(&absent(catalog, &ask.preferences.only).chain(stray).collect::<Vec<_>>())
}

/// Remarks behind a sentence.
fn words(remarks: &[String]) -> String {
    if remarks.is_empty() { String::new() } else { format!(" ({})", remarks.join("; ")) }
}

/// A line for each full slug that names no endpoint of the requested models.
fn stray(catalog: &Catalog, ask: &Ask<'_>, texts: &[String], names: impl Fn(&Entry<'_>, &Endpoint) -> bool) -> Vec<String> {
    let models = ask.models.iter().filter_map(|slug| catalog.model(slug.as_str()));
    let endpoints: Vec<&Endpoint> = models.flat_map(|model| catalog.endpoints_of(model)).collect();
    names::entries(catalog, texts).iter().filter_map(|entry| names::stray(entry, &endpoints, &names)).collect()
}

/// What is to say of entries that name no provider of the catalog: most are typing errors, which the reader should see.
fn absent<'a>(catalog: &'a Catalog, entries: &'a [String]) -> impl Iterator<Item = String> + 'a {
    entries.iter().filter_map(|text| Entry::new(catalog, text).absence())
}

fn unit(of: PriceOf) -> &'static str {
    match of {
        PriceOf::Prompt => "prompt token",
        PriceOf::Completion => "output token",
        PriceOf::Request => "request",
        PriceOf::Image => "image",
        PriceOf::Audio => "unit of audio",
    }
}

/// The areas that a plan was confined to.
pub(crate) fn areas(ask: &Ask<'_>) -> Vec<&'static str> {
    ask.policies.iter().filter_map(|policy| policy.area).map(Area::as_str).collect()
}
