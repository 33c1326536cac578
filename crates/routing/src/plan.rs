//! The plan of a request.

use portolan_catalog::{Catalog, EndpointIx, Model, ModelIx};
use portolan_core::{ModelSlug, Price};
use serde::{Deserialize, Serialize};

use crate::ask::{Ask, Bindings, Health, SimulatorUse};
use crate::rule::{Detail, Rule, Source};
use crate::{filter, order};

/// So many names are suggested for an unknown model.
const SUGGESTIONS_MAX: usize = 3;

/// Why an attempt stands where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderReason {
    /// `order` names it.
    Named,
    /// It was drawn, with a chance of its weight.
    Drawn,
    /// A fallback, the cheaper first.
    Price,
    /// It failed in the last 30 seconds: behind the others.
    Unhealthy,
}

impl OrderReason {
    /// The word in explanations and records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            OrderReason::Named => "named",
            OrderReason::Drawn => "drawn",
            OrderReason::Price => "price",
            OrderReason::Unhealthy => "unhealthy",
        }
    }
}

/// One attempt of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// Where to.
    pub endpoint: EndpointIx,
    /// Which of the requested models it serves.
    pub requested: u16,
    /// The price it was weighed by.
    pub price: Price,
    /// Its chance of being the first of its model, 0 to 1; 0 where no draw was made for it.
    pub weight: f64,
    /// Why here.
    pub reason: OrderReason,
    /// It failed in the last 30 seconds.
    pub failed_recently: bool,
}

/// An endpoint that is out, by the first rule that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// Which one.
    pub endpoint: EndpointIx,
    /// Which of the requested models it would have served.
    pub requested: u16,
    /// The rule.
    pub rule: Rule,
    /// Where the rule comes from.
    pub source: Source,
    /// Its terms.
    pub detail: Detail,
}

/// Where a request may go, the first choice first.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Plan {
    /// Never empty.
    pub attempts: Vec<Choice>,
    /// All other endpoints of the requested models.
    pub rejected: Vec<Rejection>,
    /// Whether the simulator answers all of it.
    pub simulator_use: SimulatorUse,
    /// The seed of the draw.
    pub seed: u64,
}

/// No plan.
#[derive(Debug, Clone, PartialEq)]
pub enum NoEndpoint {
    /// A requested model is none of the catalog's.
    UnknownModel {
        /// The name.
        slug: ModelSlug,
        /// Names that resemble it.
        nearest: Vec<ModelSlug>,
    },
    /// Every endpoint is out.
    NothingLeft {
        /// Each with its rule.
        rejected: Vec<Rejection>,
    },
}

/// Plans a request: every endpoint of the requested models is either an attempt or rejected by one rule.
///
/// Models keep the order of the request. Within a model come the endpoints that `order` names, then the first drawn by
/// 1/price², then the others by price, then those that failed recently.
///
/// # Errors
/// When a model is unknown or no endpoint is left.
pub fn plan(catalog: &Catalog, bindings: &Bindings, ask: &Ask<'_>, health: &dyn Health) -> Result<Plan, NoEndpoint> {
    let models = requested(catalog, ask)?;
    let simulator_use = ask.simulator_use(catalog, bindings);
    let total = models.iter().map(|(_, _, m)| m.endpoints.len()).sum();
    let (mut attempts, mut rejected) = (Vec::with_capacity(total), Vec::new());
    for (requested, _, model) in models {
        let scope = filter::Scope { catalog, bindings, ask, health, simulator_use, requested };
        let from = attempts.len();
        filter::filter(&scope, model, &mut attempts, &mut rejected);
        order::order(&scope, &mut attempts, from, &mut rejected);
    }
    if attempts.is_empty() {
        return Err(NoEndpoint::NothingLeft { rejected });
    }
    Ok(Plan { attempts, rejected, simulator_use, seed: ask.seed })
}

/// The requested models, each once. One unknown name refuses the request: a typing error in a fallback shows at once, not on a bad day.
fn requested<'c>(catalog: &'c Catalog, ask: &Ask<'_>) -> Result<Vec<(u16, ModelIx, &'c Model)>, NoEndpoint> {
    let mut models = Vec::with_capacity(ask.models.len());
    for (i, slug) in ask.models.iter().enumerate().take(usize::from(u16::MAX)) {
        let Some(ix) = catalog.model_ix(slug.as_str()) else {
            let nearest = catalog.nearest(slug.as_str(), SUGGESTIONS_MAX).into_iter().cloned().collect();
            return Err(NoEndpoint::UnknownModel { slug: slug.clone(), nearest });
        };
        let model = catalog.model_at(ix);
        // A wildcard is another model under each name.
        if model.wildcard || !models.iter().any(|(_, other, _)| *other == ix) {
            models.push((u16::try_from(i).unwrap_or(u16::MAX), ix, model));
        }
    }
    Ok(models)
}
