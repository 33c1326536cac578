//! Names with a variant, which a source may not give to a model.

use portolan_core::ModelSlug;

/// What a caller may append to the name of any model. A model that is called so would take the variant's place.
const OF_REQUESTS: &[&str] = &["nitro", "floor", "exacto", "online", "batch"];
/// What makes another model of a model, which has a row of its own. At most one stands in a name.
const OF_MODELS: &[&str] = &["free", "thinking", "extended"];

/// Why no model of a source may be called `slug`, if none may.
pub(super) fn objection(slug: &ModelSlug) -> Option<&'static str> {
    let among = |words: &[&str]| {
        let suffixes = slug.as_str().split(':').skip(1);
        suffixes.filter(|suffix| words.iter().any(|word| word.eq_ignore_ascii_case(suffix))).count()
    };
    match (among(OF_REQUESTS), among(OF_MODELS)) {
        (0, 0 | 1) => None,
        (0, _) => Some("it names two variants"),
        _ => Some("it names a variant that belongs to requests"),
    }
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
            assert_eq!(objection(&ModelSlug::parse(text).unwrap()).is_none(), is_taken, "{text}");
        }
    }
}
