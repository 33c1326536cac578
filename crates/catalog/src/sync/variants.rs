//! Names with a variant, which neither a source nor a configuration may give to a model.

use portolan_core::{ModelSlug, Suffix};

/// Why no model of a source or a configuration may be called `slug`, if none may. A model that is called as a variant of requests
/// would take its place; of what makes another model, at most one stands in a name.
#[must_use]
pub fn variant_objection(slug: &ModelSlug) -> Option<&'static str> {
    let (of_models, of_requests): (Vec<Suffix>, Vec<Suffix>) = Suffix::all_in(slug.as_str()).partition(|suffix| suffix.is_of_models());
    if !of_requests.is_empty() {
        return Some("it names a variant that belongs to requests");
    }
    (of_models.len() > 1).then_some("it names two variants")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_of_requests_and_two_variants_are_no_names_of_models() {
        for (text, is_taken) in [
            ("a/b", true),
            ("a/b:free", true),
            ("a/b:thinking", true),
            ("a/b:8b", true),
            ("a/b-v1:0", true),
            ("a/nitro", true),
            ("a/b:nitro", false),
            ("a/b:Nitro", false),
            ("a/b:floor", false),
            ("a/b:exacto", false),
            ("a/b:online", false),
            ("a/b:batch", false),
            ("a/b:nitro:free", false),
            ("a/b:free:nitro", false),
            ("a/b:free:free", false),
            ("a/b:free:thinking", false),
        ] {
            assert_eq!(variant_objection(&ModelSlug::parse(text).unwrap()).is_none(), is_taken, "{text}");
        }
    }
}
