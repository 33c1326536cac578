//! The rows of the lists of models: every model, and every other name that leads to one.

use portolan_core::{Meter, ModelSlug, Task};
use serde_json::Value;

use super::pricing::token_price;
use crate::{Catalog, Endpoint, Model, NotCallable, Resolved, Via};

/// Another name of a model.
#[derive(Debug, Clone, Copy)]
pub struct Alias<'a> {
    /// As requests say it: `~anthropic/claude-sonnet-latest`.
    pub slug: &'a ModelSlug,
    /// Its display name.
    pub name: &'a str,
}

/// One row. A router is a model without endpoints: its price is told as unknown, as OpenRouter tells it.
#[derive(Debug, Clone, Copy)]
pub struct Listed<'a> {
    /// The model that answers.
    pub model: &'a Model,
    /// The name that the row stands under, where it is not the model's own.
    pub alias: Option<Alias<'a>>,
}

impl<'a> From<&'a Model> for Listed<'a> {
    fn from(model: &'a Model) -> Self {
        Self { model, alias: None }
    }
}

impl<'a> Listed<'a> {
    /// The name in requests.
    #[must_use]
    pub fn slug(&self) -> &'a ModelSlug {
        self.alias.map_or(&self.model.slug, |alias| alias.slug)
    }

    /// The display name.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.alias.map_or(&self.model.name, |alias| alias.name)
    }

    /// The author; that of an alias is its target's.
    #[must_use]
    pub fn author(&self) -> &'a str {
        self.model.slug.author()
    }
}

impl Catalog {
    /// All rows in their order: the models, routers among them, then the aliases by name. Names that a model had before are not listed.
    pub fn listed(&self) -> impl Iterator<Item = Listed<'_>> {
        let mut aliases: Vec<Listed<'_>> = self
            .aliases()
            .filter(|(_, resolved)| resolved.via == Via::Alias)
            .map(|(slug, resolved)| self.aliased(slug, resolved))
            .collect();
        aliases.sort_unstable_by_key(|row| row.slug());
        self.models.iter().map(Listed::from).chain(aliases)
    }

    fn aliased<'a>(&'a self, slug: &'a ModelSlug, resolved: Resolved) -> Listed<'a> {
        let model = self.model_at(resolved.model);
        Listed { model, alias: Some(Alias { slug, name: &model.name }) }
    }

    /// The row that a request for one model means: by slug, canonical slug or a name that a wildcard covers.
    #[must_use]
    pub fn find_listed(&self, slug: &str) -> Option<Listed<'_>> {
        let alias = slug.starts_with('~').then(|| self.aliases().find(|(name, _)| name.as_str() == slug)).flatten();
        alias.map(|(name, resolved)| self.aliased(name, resolved)).or_else(|| self.model(slug).map(Listed::from))
    }

    /// Whether a model has a place in the lists of this task: it is what the model does, or what one of its endpoints does.
    #[must_use]
    pub fn does(&self, model: &Model, task: Task) -> bool {
        model.task == task || self.endpoints_of(model).any(|endpoint| endpoint.task == task)
    }

    /// The endpoint whose price and limits a row shows: the cheapest that can be called, without one the cheapest. What is sold by
    /// the token goes first, for nothing else can be compared.
    #[must_use]
    pub(super) fn top_endpoint(&self, model: &Model) -> Option<&Endpoint> {
        self.endpoints_of(model).min_by_key(|e| (rank(e), token_price(e, Meter::Input).is_none(), e.blended_price(), e.ix))
    }
}

/// Callable first, unknown prices last.
fn rank(endpoint: &Endpoint) -> u8 {
    match endpoint.callable {
        Ok(()) => 0,
        Err(NotCallable::PriceUnknown) => 2,
        Err(_) => 1,
    }
}

/// A list of models around rows that are JSON text already, whole or a page: for both families of clients.
/// `total` counts what the filters left, on all pages; `next` is the address of the page after this one.
#[must_use]
pub fn models_answer<'a>(rows: impl IntoIterator<Item = &'a str>, total: usize, next: Option<&str>) -> String {
    let mut answer = String::from(r#"{"object":"list","data":["#);
    for (i, row) in rows.into_iter().enumerate() {
        if i > 0 {
            answer.push(',');
        }
        answer.push_str(row);
    }
    let next = next.map_or(Value::Null, Value::from);
    answer.push_str(&format!(r#"],"total_count":{total},"links":{{"next":{next}}}}}"#));
    answer
}
