//! "Did you mean": the known name that is nearest to a mistaken one.

/// The nearest of `known`, if it is near enough to be what was meant: one edit in three characters, and three at most.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |name: &str| name.to_ascii_lowercase().replace('-', "_");
    let distance = |name: &str| strsim::damerau_levenshtein(&plain(word), &plain(name));
    let (far, name) = known.into_iter().map(|name| (distance(name), name)).min()?;
    (far <= (word.chars().count() / 3).clamp(1, 3)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_suggested_and_a_far_one_is_not() {
        let known = ["listen", "public_url", "drain_timeout"];
        assert_eq!(nearest("lisen", known), Some("listen"));
        assert_eq!(nearest("public-url", known), Some("public_url"));
        assert_eq!(nearest("PUBLIC_ULR", known), Some("public_url"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest("x", []), None);
    }
}
