//! Which rows a list of models shows.

use portolan_core::{Area, Meter, Price};

use super::listed::Listed;
use super::pricing::token_price;
use crate::{Catalog, Endpoint};

/// Bounds of a price in USD per million units, both included. A price that nobody knows, or that is none of this unit, is within no bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PriceRange {
    /// The least.
    pub min: Option<Price>,
    /// The most.
    pub max: Option<Price>,
}

impl PriceRange {
    fn is_open(self) -> bool {
        self == Self::default()
    }

    fn holds(self, per_unit: Option<Price>) -> bool {
        let Some(per_unit) = per_unit else { return self.is_open() };
        let per_million = per_unit.times(1_000_000);
        self.min.is_none_or(|min| per_million >= u128::from(min.0)) && self.max.is_none_or(|max| per_million <= u128::from(max.0))
    }
}

/// What a row must be. The default keeps all rows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ModelFilter {
    /// It gives at least one of these. `None`: whatever it gives.
    pub output_modalities: Option<Vec<String>>,
    /// It takes all of these.
    pub input_modalities: Vec<String>,
    /// It takes all of these request fields.
    pub parameters: Vec<String>,
    /// All these words, in lower case, stand in its slug or its name.
    pub words: Vec<String>,
    /// The family of its tokenizer begins with this, in any case: `llama` covers `Llama3` and `Llama4`.
    pub family: Option<String>,
    /// Its author is one of these.
    pub authors: Vec<String>,
    /// Whether its text may be used to train other models.
    pub distillable: Option<bool>,
    /// The least context, in tokens.
    pub context_min: Option<u32>,
    /// What a prompt token costs.
    pub prompt_price: PriceRange,
    /// What an output token costs.
    pub completion_price: PriceRange,
    /// Published then or later, Unix seconds. A model without a date is neither old nor new.
    pub created_min: Option<i64>,
    /// Published then or earlier, Unix seconds.
    pub created_max: Option<i64>,
    /// One endpoint meets all of these three: it is at one of these providers,
    pub providers: Vec<String>,
    /// it retains no data,
    pub zdr: bool,
    /// and requests to it do not leave this part of the world.
    pub area: Option<Area>,
}

impl ModelFilter {
    /// Whether `row` is to be shown.
    #[must_use]
    pub fn keeps(&self, catalog: &Catalog, row: &Listed<'_>) -> bool {
        self.keeps_abilities(row) && self.keeps_names(row) && self.keeps_age(row) && self.keeps_price(catalog, row) && {
            let asks_endpoints = self.zdr || self.area.is_some() || !self.providers.is_empty();
            !asks_endpoints || catalog.endpoints_of(row.model).any(|e| self.keeps_endpoint(catalog, e))
        }
    }

    fn keeps_abilities(&self, row: &Listed<'_>) -> bool {
        let model = row.model;
        self.output_modalities.as_ref().is_none_or(|asked| asked.iter().any(|m| model.output_modalities.contains(m)))
            && self.input_modalities.iter().all(|m| model.input_modalities.contains(m))
            && self.parameters.iter().all(|p| model.supported_parameters.contains(p))
            && self.distillable.is_none_or(|asked| asked == model.distillable)
            && self.context_min.is_none_or(|min| model.context_length >= min)
    }

    fn keeps_names(&self, row: &Listed<'_>) -> bool {
        (self.words.is_empty() || contains_all(&format!("{} {}", row.slug(), row.name()), &self.words))
            && self.family.as_ref().is_none_or(|family| starts_with(&row.model.tokenizer, family))
            && (self.authors.is_empty() || self.authors.iter().any(|author| author.eq_ignore_ascii_case(row.author())))
    }

    fn keeps_age(&self, row: &Listed<'_>) -> bool {
        let created = row.model.created;
        let asked = self.created_min.is_some() || self.created_max.is_some();
        !asked || (created != 0 && self.created_min.is_none_or(|min| created >= min) && self.created_max.is_none_or(|max| created <= max))
    }

    fn keeps_price(&self, catalog: &Catalog, row: &Listed<'_>) -> bool {
        if self.prompt_price.is_open() && self.completion_price.is_open() {
            return true;
        }
        catalog.top_endpoint(row.model).is_some_and(|endpoint| {
            let price = |meter| token_price(endpoint, meter);
            self.prompt_price.holds(price(Meter::Input)) && self.completion_price.holds(price(Meter::Output))
        })
    }

    fn keeps_endpoint(&self, catalog: &Catalog, endpoint: &Endpoint) -> bool {
        let provider = catalog.provider(endpoint.provider);
        (self.providers.is_empty() || self.providers.iter().any(|name| provider.is_known_as(name)))
            && (!self.zdr || endpoint.zdr)
            && self.area.is_none_or(|area| endpoint.area == Some(area))
    }
}

fn contains_all(text: &str, words: &[String]) -> bool {
    let text = text.to_lowercase();
    words.iter().all(|word| text.contains(word.as_str()))
}

fn starts_with(text: &str, beginning: &str) -> bool {
    text.get(..beginning.len()).is_some_and(|head| head.eq_ignore_ascii_case(beginning))
}
