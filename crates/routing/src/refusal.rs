//! What to tell a caller whose request has nowhere to go.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;

use portolan_catalog::Catalog;
use portolan_core::Price;
use serde::Serialize;

use crate::ask::Ask;
use crate::plan::{NoEndpoint, Rejection};
use crate::rule::{Detail, PriceOf, Rule, Source};
use crate::why::{Why, models};

const UNCOVERED: &str = "allowed_models covers no chat model";

/// What one rule took away.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Excluded {
    /// How many endpoints.
    pub endpoints: usize,
    /// Where the rule comes from, each once.
    pub sources: Vec<Cow<'static, str>>,
}

impl Rejection {
    /// Where the rule comes from, in full: `guardrail:<id>` for one of several.
    #[must_use]
    pub fn source_name(&self, ask: &Ask<'_>) -> Cow<'static, str> {
        let id = self.policy.and_then(|index| ask.policies.get(usize::from(index))).and_then(|policy| policy.id.as_ref());
        id.map_or(self.source.as_str().into(), |id| format!("{}:{id}", self.source.as_str()).into())
    }

    /// The field of the request that it comes from, where one is: `provider.max_price`.
    pub(crate) fn field(&self) -> Option<&'static str> {
        match (self.rule, self.source) {
            (Rule::NotInOrder, _) => Some("provider.order"),
            (_, source) => source.as_str().strip_prefix("request."),
        }
    }

    /// The same, where it is a field of the `provider` object.
    pub(crate) fn preference(&self) -> Option<&'static str> {
        self.field().filter(|field| field.starts_with("provider."))
    }

    /// How near it came to what is asked: which bound of `max_price` it did not pass, and by how little (an unknown price is the
    /// furthest away); the tokens that it takes or gives.
    fn nearness(&self) -> (Option<PriceOf>, Option<Reverse<Price>>, u64) {
        match self.detail {
            Detail::Price { of, has, .. } => (Some(of), has.map(Reverse), 0),
            Detail::Limit { has, .. } => (None, None, has),
            _ => (None, None, 0),
        }
    }
}

/// The one of them that came furthest.
pub(crate) fn furthest(rejected: &[Rejection]) -> Option<&Rejection> {
    rejected.iter().max_by_key(|r| (r.rule, r.source, r.nearness()))
}

/// The field of the request that decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Constraint {
    /// Its path: `provider.max_price`.
    pub field: &'static str,
    /// What it left, in words.
    pub detail: String,
}

impl NoEndpoint {
    /// The rejection that came furthest: the one whose rule the caller can best do something about. Of prices the lowest, of limits
    /// the highest.
    #[must_use]
    pub fn decisive(&self) -> Option<&Rejection> {
        furthest(self.rejected())
    }

    /// The endpoints that are out, where that is the reason.
    #[must_use]
    pub fn rejected(&self) -> &[Rejection] {
        match self {
            NoEndpoint::NothingLeft { rejected } | NoEndpoint::NoModel { rejected, .. } => rejected,
            _ => &[],
        }
    }

    /// Which rules took everything away, in the order in which they were asked. Each endpoint counts for one rule.
    #[must_use]
    pub fn excluded_by(&self, ask: &Ask<'_>) -> BTreeMap<Rule, Excluded> {
        let mut all: BTreeMap<Rule, Excluded> = BTreeMap::new();
        if self.is_uncovered() {
            let sources = vec![Source::RequestAllowedModels.as_str().into()];
            all.insert(Rule::ModelNotAllowed, Excluded { endpoints: 0, sources });
        }
        for rejection in self.rejected() {
            let excluded = all.entry(rejection.rule).or_default();
            excluded.endpoints += 1;
            let source = rejection.source_name(ask);
            if !excluded.sources.contains(&source) {
                excluded.sources.push(source);
            }
        }
        all
    }

    /// Preferences of the request took endpoints that the decisive rule would have left.
    #[must_use]
    pub fn is_by_preference(&self, catalog: &Catalog, ask: &Ask<'_>) -> bool {
        self.decisive().is_some_and(|decisive| !self.why(catalog, ask, decisive).preferences().is_empty())
    }

    /// The field that decided, where one did: that of the decisive rule, or the only preference that took what this rule would have
    /// left. Where a policy decided, none did.
    #[must_use]
    pub fn constraint(&self, catalog: &Catalog, ask: &Ask<'_>) -> Option<Constraint> {
        if self.is_uncovered() {
            let field = Source::RequestAllowedModels.as_str().trim_start_matches("request.");
            return Some(Constraint { field, detail: UNCOVERED.to_owned() });
        }
        let decisive = self.decisive().filter(|rejection| rejection.policy.is_none())?;
        let why = self.why(catalog, ask, decisive);
        let own = decisive.field().filter(|_| decisive.preference().is_some() || decisive.rule == Rule::ModelNotAllowed);
        let field = own.or_else(|| match why.preferences()[..] {
            [only] => Some(only),
            _ => None,
        })?;
        Some(Constraint { field, detail: why.reason() })
    }

    fn why<'a>(&'a self, catalog: &'a Catalog, ask: &'a Ask<'a>, decisive: &'a Rejection) -> Why<'a> {
        Why { catalog, ask, rejected: self.rejected(), decisive }
    }

    /// `allowed_models` covers no model.
    fn is_uncovered(&self) -> bool {
        matches!(self, NoEndpoint::NoModel { is_covered: true, rejected } if rejected.is_empty())
    }

    /// The field of the request that is wrong, where one is.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        match self {
            NoEndpoint::UnknownModel { .. } => Some("model"),
            NoEndpoint::UnknownProvider { field, .. } => Some(field),
            NoEndpoint::Contradiction { fields, .. } => Some(fields[0]),
            NoEndpoint::NothingLeft { .. } | NoEndpoint::NoModel { .. } => None,
        }
    }

    /// OpenRouter's HTTP status: 400 for what the request gets wrong, 404 where no endpoint is left.
    #[must_use]
    pub fn http_status(&self) -> u16 {
        if self.field().is_some() { 400 } else { 404 }
    }

    /// The message, in OpenRouter's wording where it has one.
    #[must_use]
    pub fn message(&self, catalog: &Catalog, ask: &Ask<'_>) -> String {
        match self {
            NoEndpoint::UnknownModel { slug, nearest } => format!("{slug} is not a valid model ID{}", did_you_mean(nearest)),
            NoEndpoint::UnknownProvider { field, name, nearest } => {
                let hint = did_you_mean(nearest);
                let hint = if hint.is_empty() { "; GET /api/v1/providers lists them".to_owned() } else { hint };
                format!("{field}: no provider is called {name:.120}{hint}")
            }
            NoEndpoint::Contradiction { fields: [first, second], names } => {
                format!("{first} and {second} contradict each other: of {} nothing can remain. Change one of them.", names.join(", "))
            }
            NoEndpoint::NothingLeft { .. } => match self.decisive() {
                None => format!("No endpoints found for {}.", models(ask)),
                Some(rejection) => format!("{}{}", self.why(catalog, ask, rejection).message(), self.rules(ask, 2)),
            },
            NoEndpoint::NoModel { .. } if self.is_uncovered() => {
                format!("No models match your request and model restrictions. {UNCOVERED}; GET /api/v1/models lists their names.")
            }
            NoEndpoint::NoModel { .. } => format!("No models match your request and model restrictions.{}", self.rules(ask, 1)),
        }
    }

    /// The rules that emptied the choice, where they are as many.
    fn rules(&self, ask: &Ask<'_>, least: usize) -> String {
        let all = self.excluded_by(ask);
        if all.len() < least {
            return String::new();
        }
        let one = |(rule, by): (Rule, Excluded)| format!("{} ({}: {})", rule.as_str(), by.sources.join(", "), by.endpoints);
        format!(" Excluded by {}.", all.into_iter().map(one).collect::<Vec<_>>().join(", "))
    }
}

fn did_you_mean(names: &[impl ToString]) -> String {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    if names.is_empty() { String::new() } else { format!(". Did you mean {}?", names.join(", ")) }
}
