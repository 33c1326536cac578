//! Routing variants: what a caller may append to the name of any model.

use std::borrow::Cow;

use portolan_catalog::Catalog;
use portolan_core::{ServiceTier, SortBy};

portolan_core::words! {
    /// A routing variant. Variants of the catalog (`:free`) belong to the slug and are none.
    pub enum Variant {
        /// `:nitro`: sorted by throughput; priority endpoints may serve.
        Nitro = "nitro",
        /// `:floor`: sorted by price; flex endpoints may serve.
        Floor = "floor",
        /// `:exacto`: the best at calling tools first.
        Exacto = "exacto",
    }
}

impl Variant {
    /// What it sorts by.
    #[must_use]
    pub fn sorts_by(self) -> SortBy {
        match self {
            Variant::Nitro => SortBy::Throughput,
            Variant::Floor => SortBy::Price,
            Variant::Exacto => SortBy::Exacto,
        }
    }

    /// The class of service whose endpoints it admits beside the ordinary ones.
    #[must_use]
    pub fn admits(self) -> Option<ServiceTier> {
        match self {
            Variant::Nitro => Some(ServiceTier::Priority),
            Variant::Floor => Some(ServiceTier::Flex),
            Variant::Exacto => None,
        }
    }

    /// Takes the routing variants off a requested name: `x/y:nitro:free` is `x/y:free` with `:nitro`. Of several the last
    /// counts, and the others count for nothing. A model of the catalog that is called so as a whole keeps its name.
    #[must_use]
    pub fn split<'t>(catalog: &Catalog, name: &'t str) -> (Cow<'t, str>, Option<Variant>) {
        let Some((base, suffixes)) = name.split_once(':') else { return (name.into(), None) };
        if catalog.model(name).is_some_and(|model| !model.wildcard) {
            return (name.into(), None);
        }
        let (mut slug, mut variant) = (base.to_owned(), None);
        for suffix in suffixes.split(':') {
            match Self::ALL.into_iter().find(|one| one.as_str() == suffix) {
                Some(one) => variant = Some(one),
                None => slug.extend([":", suffix]),
            }
        }
        (slug.into(), variant)
    }
}

#[cfg(test)]
mod tests {
    use portolan_core::Suffix;

    use super::*;

    #[test]
    fn routing_variants_are_suffixes_that_make_no_other_model() {
        for variant in Variant::ALL {
            assert!(Suffix::parse(variant.as_str()).is_some_and(|suffix| !suffix.is_of_models()), "{variant:?}");
        }
    }
}
