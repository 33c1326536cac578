//! Fills a JSON Schema with a value that fits it.
//!
//! Knows the keywords that tools and structured outputs use. It refuses to know `pattern`, `not` and `if`: a value for these
//! is a guess, and callers who need one use `enum` or `const`.

use serde_json::{Map, Number, Value};

use crate::random::Rng;

/// Deeper than this a schema gets its smallest value: recursive schemas end here.
const DEPTH_MAX: usize = 12;
/// No array or string grows beyond it, whatever its minimum says.
const SIZE_MAX: u64 = 1_000;

/// A value that fits the schema.
pub(crate) fn fill(schema: &Value, rng: &mut Rng) -> Value {
    Filler { root: schema, rng }.value(schema, 0)
}

struct Filler<'a, 'r> {
    root: &'a Value,
    rng: &'r mut Rng,
}

impl Filler<'_, '_> {
    fn value(&mut self, schema: &Value, depth: usize) -> Value {
        let Some(schema) = schema.as_object() else { return Value::from("sail") };
        if let Some(constant) = schema.get("const") {
            return constant.clone();
        }
        if let Some(choices) = schema.get("enum").and_then(Value::as_array) {
            return self.rng.pick(choices).cloned().unwrap_or(Value::Null);
        }
        if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(|path| self.resolve(path)) {
            return if depth > DEPTH_MAX { Value::Null } else { self.value(&target, depth + 1) };
        }
        if let Some(branch) = one_branch(schema, depth) {
            return self.value(&branch, depth + 1);
        }
        if schema.contains_key("allOf") {
            let merged = self.merge(schema);
            return self.value(&merged, depth + 1);
        }
        match kind(schema) {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, depth),
            "integer" => self.number(schema, true),
            "number" => self.number(schema, false),
            "boolean" => Value::Bool(self.rng.below(2) == 0),
            "null" => Value::Null,
            _ => self.string(schema),
        }
    }

    fn resolve(&self, path: &str) -> Option<Value> {
        path.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer)).cloned()
    }

    /// All required properties; all properties when none is required; below the depth only what is required.
    fn object(&mut self, schema: &Map<String, Value>, depth: usize) -> Value {
        let required: Vec<&str> =
            schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let mut object = Map::new();
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            if required.contains(&name.as_str()) || (required.is_empty() && depth < DEPTH_MAX / 2) {
                object.insert(name.clone(), self.value(property, depth + 1));
            }
        }
        for name in required {
            if !object.contains_key(name) {
                object.insert(name.to_owned(), Value::from("sail"));
            }
        }
        Value::Object(object)
    }

    fn array(&mut self, schema: &Map<String, Value>, depth: usize) -> Value {
        let prefix = schema.get("prefixItems").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut items: Vec<Value> = prefix.iter().map(|item| self.value(item, depth + 1)).collect();
        let least = count(schema, "minItems").unwrap_or(0).min(SIZE_MAX);
        let most = count(schema, "maxItems").unwrap_or(SIZE_MAX);
        let usual = if depth < DEPTH_MAX / 2 { 1 } else { 0 };
        let wanted = least.max(usual).min(most);
        if let Some(item) = schema.get("items").filter(|item| item.is_object()) {
            while (items.len() as u64) < wanted {
                items.push(self.value(item, depth + 1));
            }
        }
        while (items.len() as u64) < least {
            items.push(Value::from("sail"));
        }
        Value::Array(items)
    }

    fn number(&mut self, schema: &Map<String, Value>, whole: bool) -> Value {
        let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
        let step = bound("multipleOf").filter(|step| *step > 0.0).unwrap_or(1.0);
        let low = bound("minimum").or_else(|| bound("exclusiveMinimum").map(|low| low + if whole { 1.0 } else { step.min(0.5) }));
        let high = bound("maximum").or_else(|| bound("exclusiveMaximum").map(|high| high - if whole { 1.0 } else { step.min(0.5) }));
        let any = (self.rng.below(20) + 1) as f64;
        let inside = low.map_or(any, |low| any.max(low));
        let inside = high.map_or(inside, |high| inside.min(high));
        // A multiple below the value may be below the minimum; then the one above is meant.
        let multiple = (inside / step).floor() * step;
        let multiple = if low.is_some_and(|low| multiple < low) { multiple + step } else { multiple };
        let fits = |value: f64| low.is_none_or(|low| value >= low) && high.is_none_or(|high| value <= high);
        let chosen = if schema.contains_key("multipleOf") || fits(multiple) { multiple } else { inside };
        if whole || chosen.fract() == 0.0 {
            Value::from(chosen as i64)
        } else {
            Number::from_f64(chosen).map_or(Value::from(0), Value::Number)
        }
    }

    fn string(&mut self, schema: &Map<String, Value>) -> Value {
        if let Some(text) = schema.get("format").and_then(Value::as_str).and_then(formatted) {
            return Value::from(text);
        }
        const WORDS: &[&str] = &["Lisbon", "Porto", "Cadiz", "Genoa", "Valencia", "Palma"];
        let mut text = self.rng.pick(WORDS).copied().unwrap_or("Lisbon").to_owned();
        let least = count(schema, "minLength").unwrap_or(0).min(SIZE_MAX) as usize;
        let most = count(schema, "maxLength").unwrap_or(SIZE_MAX) as usize;
        while text.len() < least {
            text.push('a');
        }
        text.truncate(most);
        Value::from(text)
    }

    /// The branches of `allOf` and what stands beside it, as one object schema.
    fn merge(&self, schema: &Map<String, Value>) -> Value {
        let mut merged: Map<String, Value> =
            schema.iter().filter(|(name, _)| *name != "allOf").map(|(n, v)| (n.clone(), v.clone())).collect();
        for branch in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            let target = branch.get("$ref").and_then(Value::as_str).and_then(|path| self.resolve(path));
            for (name, value) in target.as_ref().unwrap_or(branch).as_object().into_iter().flatten() {
                match (merged.get_mut(name), value) {
                    (Some(Value::Object(there)), Value::Object(more)) => there.extend(more.clone()),
                    (Some(Value::Array(there)), Value::Array(more)) => there.extend(more.iter().cloned()),
                    _ => drop(merged.insert(name.clone(), value.clone())),
                }
            }
        }
        Value::Object(merged)
    }
}

/// The branch of `anyOf` or `oneOf` to take: the first that is not null, or null where it may end a recursion.
fn one_branch(schema: &Map<String, Value>, depth: usize) -> Option<Value> {
    let branches = schema.get("anyOf").or_else(|| schema.get("oneOf"))?.as_array()?;
    let is_null = |branch: &&Value| branch.get("type").and_then(Value::as_str) == Some("null");
    let null = branches.iter().find(is_null).filter(|_| depth > DEPTH_MAX / 2);
    null.or_else(|| branches.iter().find(|branch| !is_null(branch))).or(branches.first()).cloned()
}

fn kind(schema: &Map<String, Value>) -> &str {
    match schema.get("type") {
        Some(Value::String(kind)) => kind,
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("null"),
        _ if schema.contains_key("properties") || schema.is_empty() => "object",
        _ if schema.contains_key("items") || schema.contains_key("prefixItems") => "array",
        _ if schema.contains_key("minimum") || schema.contains_key("maximum") => "number",
        _ => "string",
    }
}

fn count(schema: &Map<String, Value>, name: &str) -> Option<u64> {
    schema.get(name).and_then(Value::as_u64)
}

fn formatted(format: &str) -> Option<&'static str> {
    Some(match format {
        "date" => "2026-05-04",
        "date-time" => "2026-05-04T12:30:00Z",
        "time" => "12:30:00Z",
        "duration" => "PT15M",
        "email" => "pilot@example.com",
        "hostname" => "example.com",
        "uri" | "url" => "https://example.com/harbour",
        "uuid" => "3f2b8c1e-5d4a-4b6f-9e70-1a2b3c4d5e6f",
        "ipv4" => "192.0.2.7",
        "ipv6" => "2001:db8::7",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A checker written apart from the filler, for the keywords that the cases use.
    fn fits(schema: &Value, value: &Value, root: &Value) -> bool {
        if let Some(path) = schema["$ref"].as_str() {
            return fits(root.pointer(&path[1..]).expect("the reference is there"), value, root);
        }
        let all = |name: &str| schema[name].as_array().is_none_or(|list| list.iter().all(|branch| fits(branch, value, root)));
        let any = |name: &str| schema[name].as_array().is_none_or(|list| list.iter().any(|branch| fits(branch, value, root)));
        let kinds: Vec<&str> = match &schema["type"] {
            Value::String(kind) => vec![kind],
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
            _ => vec![],
        };
        let kind_fits = kinds.is_empty()
            || kinds.iter().any(|kind| match *kind {
                "object" => value.is_object(),
                "array" => value.is_array(),
                "string" => value.is_string(),
                "integer" => value.is_i64(),
                "number" => value.is_number(),
                "boolean" => value.is_boolean(),
                "null" => value.is_null(),
                other => panic!("{other}"),
            });
        let number = value.as_f64();
        let bound =
            |name: &str, holds: fn(f64, f64) -> bool| schema[name].as_f64().zip(number).is_none_or(|(bound, number)| holds(number, bound));
        let size = value.as_array().map(Vec::len).or(value.as_str().map(str::len)).map(|size| size as u64);
        let most = |name: &str| schema[name].as_u64().zip(size).is_none_or(|(most, size)| size <= most);
        let least = |name: &str| schema[name].as_u64().zip(size).is_none_or(|(least, size)| size >= least);
        all("allOf")
            && any("anyOf")
            && any("oneOf")
            && kind_fits
            && schema.get("const").is_none_or(|constant| constant == value)
            && schema["enum"].as_array().is_none_or(|choices| choices.contains(value))
            && bound("minimum", |n, b| n >= b)
            && bound("maximum", |n, b| n <= b)
            && bound("exclusiveMinimum", |n, b| n > b)
            && bound("exclusiveMaximum", |n, b| n < b)
            && bound("multipleOf", |n, b| (n / b).fract() == 0.0)
            && most("maxItems")
            && most("maxLength")
            && least("minItems")
            && least("minLength")
            && schema["required"].as_array().is_none_or(|names| names.iter().all(|name| value.get(name.as_str().unwrap()).is_some()))
            && schema["properties"]
                .as_object()
                .is_none_or(|list| list.iter().all(|(name, property)| value.get(name).is_none_or(|value| fits(property, value, root))))
            && (schema["additionalProperties"] != json!(false)
                || value.as_object().is_none_or(|object| object.keys().all(|name| schema["properties"].get(name).is_some())))
            && (!schema["items"].is_object()
                || value.as_array().is_none_or(|items| {
                    let prefix = schema["prefixItems"].as_array().map_or(0, Vec::len);
                    items.iter().skip(prefix).all(|item| fits(&schema["items"], item, root))
                }))
    }

    #[test]
    fn what_is_filled_in_fits_the_schema() {
        let cases = [
            json!({"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 3, "maximum": 5}},
                   "required": ["city", "days"], "additionalProperties": false}),
            json!({"type": "object", "properties": {}}),
            json!({"type": "array", "minItems": 3, "maxItems": 4, "items": {"enum": ["a", "b"]}}),
            json!({"type": "array", "maxItems": 0, "items": {"type": "string"}}),
            json!({"type": "array", "prefixItems": [{"type": "string"}], "items": {"type": "number"}, "minItems": 3}),
            json!({"type": "string", "minLength": 30, "maxLength": 31}),
            json!({"type": "string", "maxLength": 2}),
            json!({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}),
            json!({"type": "number", "minimum": 0.25, "maximum": 0.75}),
            json!({"type": "integer", "multipleOf": 7, "minimum": 50}),
            json!({"type": "integer", "maximum": -4}),
            json!({"type": ["null", "boolean"]}),
            json!({"anyOf": [{"type": "null"}, {"type": "object", "properties": {"x": {"const": 4}}, "required": ["x"]}]}),
            json!({"allOf": [{"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
                             {"properties": {"b": {"type": "boolean"}}, "required": ["b"]}]}),
            json!({"$defs": {"node": {"type": "object", "required": ["next"], "properties": {"next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}}}},
                   "$ref": "#/$defs/node"}),
            json!({"$defs": {"tree": {"type": "object", "required": ["kids"], "properties": {"kids": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}}},
                   "type": "object", "required": ["root"], "properties": {"root": {"$ref": "#/$defs/tree"}}}),
        ];
        for schema in cases {
            for seed in 0..20 {
                let value = fill(&schema, &mut Rng::seeded(seed, &[]));
                assert!(fits(&schema, &value, &schema), "{value} does not fit {schema}");
            }
        }
    }

    #[test]
    fn a_schema_that_no_value_can_fit_ends_nevertheless() {
        let endless = json!({"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"});
        assert_eq!(fill(&endless, &mut Rng::seeded(0, &[])), Value::Null);
        let forced = json!({"type": "object", "required": ["me"], "properties": {"me": {"$ref": "#"}}});
        assert!(fill(&forced, &mut Rng::seeded(0, &[])).is_object());
    }
}
