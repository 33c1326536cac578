//! JSON values as people read them.

use serde_json::Value;

/// A scalar as text: numbers with all their digits and never an exponent, nothing for `null`.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".into(),
        Value::String(text) => printable(text),
        Value::Number(number) if number.is_f64() => number.as_f64().map_or_else(|| number.to_string(), |n| n.to_string()),
        other => printable(&other.to_string()),
    }
}

/// Whatever a caller sent may be shown: escape sequences must not reach the terminal.
fn printable(text: &str) -> String {
    let hostile = |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) || ('\u{2066}'..='\u{2069}').contains(&c);
    text.chars().map(|c| if hostile(c) { '\u{fffd}' } else { c }).collect()
}

/// A column of a row: the scalar under a dotted path.
pub(super) fn at(row: &Value, path: &str) -> String {
    plain(path.split('.').fold(row, |value, key| &value[key]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_have_no_exponent_and_control_characters_do_not_reach_the_terminal() {
        assert_eq!(plain(&json!(0.000000001)), "0.000000001");
        assert_eq!(plain(&json!(12)), "12");
        assert_eq!(plain(&json!("a\u{1b}[31mb")), "a\u{fffd}[31mb");
        assert_eq!(at(&json!({ "a": { "b": null } }), "a.b"), "-");
    }
}
