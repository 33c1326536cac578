//! The suffixes of a model's slug that ask OpenRouter's router for something: `openai/gpt-4o:nitro`.

use std::borrow::Cow;

use portolan_core::SortBy;

use super::PeekError;

portolan_core::words! {
    /// A suffix.
    pub enum Variant {
        /// `:nitro`: the fastest first; the priority tier may serve.
        Nitro = "nitro",
        /// `:floor`: the cheapest first; the flex tier may serve.
        Floor = "floor",
        /// `:exacto`: the best at calling tools first.
        Exacto = "exacto",
        /// `:online`: searches the web.
        Online = "online",
        /// `:free`: a row of its own in the catalog, as are all that follow.
        Free = "free",
        /// `:thinking`
        Thinking = "thinking",
        /// `:extended`
        Extended = "extended",
        /// `:batch`
        Batch = "batch",
    }
}

impl Variant {
    /// Whether it is a model of its own in the catalog. The others go with any model.
    #[must_use]
    pub fn is_catalog(self) -> bool {
        matches!(self, Variant::Free | Variant::Thinking | Variant::Extended | Variant::Batch)
    }

    /// What endpoints are sorted by for it.
    #[must_use]
    pub fn sort(self) -> Option<SortBy> {
        match self {
            Variant::Nitro => Some(SortBy::Throughput),
            Variant::Floor => Some(SortBy::Price),
            Variant::Exacto => Some(SortBy::Exacto),
            _ => None,
        }
    }
}

/// A slug, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variants<'m> {
    /// The slug without any variant: `a/b`. A suffix that is none stays: `a/b:8b`.
    pub base: &'m str,
    /// The one variant that the catalog lists as a model.
    pub catalog: Option<Variant>,
    /// The others, as written.
    pub routing: Vec<Variant>,
}

impl<'m> Variants<'m> {
    /// The model that the catalog is asked for: the base with its catalog variant.
    #[must_use]
    pub fn model(&self) -> Cow<'m, str> {
        match self.catalog {
            Some(variant) => Cow::Owned(format!("{}:{}", self.base, variant.as_str())),
            None => Cow::Borrowed(self.base),
        }
    }

    /// What is sorted by: the last variant that sorts wins.
    #[must_use]
    pub fn sort(&self) -> Option<SortBy> {
        self.routing.iter().rev().find_map(|variant| variant.sort())
    }

    /// Whether the variant is among them.
    #[must_use]
    pub fn has(&self, variant: Variant) -> bool {
        self.catalog == Some(variant) || self.routing.contains(&variant)
    }
}

/// Takes a slug apart. Variants may stand in any order; those of routing may be combined. Whether `:online` and `:batch` are
/// served is the caller's to say. A catalog may list a model with a suffix as one of its own: look there first.
///
/// # Errors
/// When two catalog variants stand there.
pub fn variants(slug: &str) -> Result<Variants<'_>, PeekError> {
    let mut found = Variants { base: slug, catalog: None, routing: Vec::new() };
    while let Some((rest, suffix)) = found.base.rsplit_once(':')
        && let Some(variant) = Variant::parse(suffix)
    {
        found.base = rest;
        if !variant.is_catalog() {
            found.routing.insert(0, variant);
        } else if let Some(other) = found.catalog.replace(variant) {
            let problem = format!("names both :{} and :{}; at most one of the two is possible", variant.as_str(), other.as_str());
            return Err(PeekError::invalid("model", problem));
        }
    }
    Ok(found)
}

/// A slug's last variant: `nitro` of `openai/gpt-4o:nitro`.
#[must_use]
pub fn variant(model: &str) -> Option<&'static str> {
    let (_, suffix) = model.rsplit_once(':')?;
    Variant::parse(suffix).map(Variant::as_str)
}
