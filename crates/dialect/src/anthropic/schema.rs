//! The little that a JSON schema needs before Anthropic takes it. All else is the caller's, and the provider's to refuse.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

/// The arguments of a tool: an object, and said so. `None`: the tool takes none.
pub(super) fn of_arguments(schema: Option<&RawValue>) -> Cow<'_, RawValue> {
    #[derive(Deserialize)]
    struct Root<'a> {
        #[serde(borrow, rename = "type")]
        kind: Option<&'a RawValue>,
    }
    let Some(schema) = schema.filter(|s| s.get() != "null") else {
        return Cow::Borrowed(raw(r#"{"type":"object","properties":{}}"#));
    };
    match serde_json::from_str::<Root<'_>>(schema.get()) {
        Ok(Root { kind: None }) => edited(schema, |root| {
            let mut whole = Map::from_iter([("type".to_owned(), Value::from("object"))]);
            whole.append(root);
            *root = whole;
            true
        }),
        _ => Cow::Borrowed(schema),
    }
}

/// Strict schemas demand `additionalProperties: false` on every object; where it is missing, it is meant.
pub(super) fn closed(schema: &RawValue) -> Cow<'_, RawValue> {
    edited(schema, close_object)
}

fn edited(schema: &RawValue, edit: impl FnOnce(&mut Map<String, Value>) -> bool) -> Cow<'_, RawValue> {
    // A schema that cannot be read goes as it is: what is wrong with it is the provider's to say.
    let Ok(Value::Object(mut root)) = serde_json::from_str(schema.get()) else { return Cow::Borrowed(schema) };
    if !edit(&mut root) {
        return Cow::Borrowed(schema);
    }
    to_raw_value(&root).map_or(Cow::Borrowed(schema), Cow::Owned)
}

/// Whether anything changed. The depth is bounded by the parser's (128).
fn close(schema: &mut Value) -> bool {
    match schema {
        Value::Object(object) => close_object(object),
        _ => false,
    }
}

fn close_object(object: &mut Map<String, Value>) -> bool {
    let mut changed = false;
    for key in ["properties", "$defs", "definitions"] {
        if let Some(Value::Object(children)) = object.get_mut(key) {
            changed = children.values_mut().fold(changed, |c, child| close(child) | c);
        }
    }
    for key in ["anyOf", "oneOf", "allOf", "prefixItems"] {
        if let Some(Value::Array(children)) = object.get_mut(key) {
            changed = children.iter_mut().fold(changed, |c, child| close(child) | c);
        }
    }
    if let Some(items) = object.get_mut("items") {
        changed |= close(items);
    }
    let is_object = match object.get("type") {
        Some(Value::String(kind)) => kind == "object",
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "object"),
        _ => object.contains_key("properties"),
    };
    if is_object && !object.contains_key("additionalProperties") {
        object.insert("additionalProperties".to_owned(), Value::Bool(false));
        changed = true;
    }
    changed
}

/// A constant of ours as JSON.
pub(super) fn raw(json: &'static str) -> &'static RawValue {
    serde_json::from_str(json).expect("the constants of this dialect are JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    #[test]
    fn arguments_are_always_an_object() {
        for (given, expected) in [
            (None, r#"{"type":"object","properties":{}}"#),
            (Some("null"), r#"{"type":"object","properties":{}}"#),
            (Some("{}"), r#"{"type":"object"}"#),
            (Some(r#"{"properties":{"a":{"type":"string"}}}"#), r#"{"type":"object","properties":{"a":{"type":"string"}}}"#),
            (Some(r#"{ "type":"object" }"#), r#"{ "type":"object" }"#),
            (Some("7"), "7"),
        ] {
            let given = given.map(parsed);
            assert_eq!(of_arguments(given.as_deref()).get(), expected);
        }
    }

    #[test]
    fn objects_are_closed_at_every_depth_and_a_closed_schema_stays_byte_for_byte() {
        let open = parsed(
            r#"{"type":"object","properties":{"a":{"type":"array","items":{"properties":{}}},"b":{"anyOf":[{"type":["object","null"]},{"type":"null"}]}}}"#,
        );
        assert_eq!(
            closed(&open).get(),
            r#"{"type":"object","properties":{"a":{"type":"array","items":{"properties":{},"additionalProperties":false}},"b":{"anyOf":[{"type":["object","null"],"additionalProperties":false},{"type":"null"}]}},"additionalProperties":false}"#
        );
        let shut = parsed(r#"{ "type":"object", "additionalProperties":false, "properties":{"n":{"maximum":1.0}} }"#);
        assert_eq!(closed(&shut).get(), shut.get());
    }
}
