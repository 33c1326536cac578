//! Names which a source may not give to a model.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use portolan_core::ModelSlug;

use super::variants::variant_objection;
use crate::builtin;

/// The author of the names that are the gateway's own, such as `portolan/auto`.
pub const OWN_AUTHOR: &str = "portolan";

static ROUTERS: LazyLock<BTreeSet<ModelSlug>> =
    LazyLock::new(|| builtin::routers().unwrap_or_default().into_iter().map(|row| row.slug).collect());

/// Why no model of a source may be called `slug`, if none may.
pub(super) fn objection(slug: &ModelSlug) -> Option<&'static str> {
    if ROUTERS.contains(slug) {
        return Some("it is a router here, which keeps its meaning");
    }
    if slug.author().eq_ignore_ascii_case(OWN_AUTHOR) {
        return Some("it is a name of the gateway's own");
    }
    variant_objection(slug)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routers_names_of_the_gateway_and_variants_of_requests_are_no_names_of_models() {
        for (text, why) in [
            ("a/b", None),
            ("openrouter/b", None),
            ("portolano/auto", None),
            ("a/portolan", None),
            ("openrouter/auto", Some("a router here")),
            ("openrouter/free", Some("a router here")),
            ("portolan/auto", Some("the gateway's own")),
            ("portolan/free", Some("the gateway's own")),
            ("portolan/free:free", Some("the gateway's own")),
            ("portolan/anything", Some("the gateway's own")),
            ("a/b:nitro", Some("variant")),
        ] {
            let found = objection(&ModelSlug::parse(text).unwrap());
            assert!(found.map_or(why.is_none(), |found| why.is_some_and(|why| found.contains(why))), "{text}: {found:?}");
        }
    }
}
