use proptest::prelude::*;
use serde_json::json;

use super::*;

fn fits(schema: &Value, value: &Value) -> bool {
    Budget::default().is_fit(schema, value)
}

#[test]
fn arguments_are_held_against_the_keywords_that_tools_use() {
    let cases = [
        (json!({}), json!({ "a": 1 }), true),
        (json!({ "type": "object", "properties": { "city": { "type": "string" } } }), json!({ "city": "Ulm", "more": 1 }), true),
        (json!({ "properties": { "city": { "type": "string" } } }), json!({ "city": 7 }), false),
        (json!({ "required": ["city"] }), json!({}), false),
        (json!({ "properties": { "a": {} }, "additionalProperties": false }), json!({ "a": 1, "b": 1 }), false),
        (json!({ "patternProperties": { "^b": {} }, "additionalProperties": false }), json!({ "b": 1 }), true),
        (json!({ "additionalProperties": { "type": "number" } }), json!({ "b": "1" }), false),
        (json!({ "properties": { "unit": { "enum": ["C", "F"] } } }), json!({ "unit": "K" }), false),
        (json!({ "properties": { "n": { "const": 1 } } }), json!({ "n": 1.0 }), true),
        (json!({ "properties": { "n": { "type": "integer", "minimum": 1, "maximum": 9 } } }), json!({ "n": 10 }), false),
        (json!({ "properties": { "n": { "type": "integer" } } }), json!({ "n": 2.0 }), true),
        (json!({ "properties": { "n": { "type": ["integer", "null"] } } }), json!({ "n": 2.5 }), false),
        (json!({ "properties": { "n": { "type": "STRING" } } }), json!({ "n": 2.5 }), true),
        (json!({ "properties": { "l": { "items": { "type": "string" }, "maxItems": 2 } } }), json!({ "l": ["a", 1] }), false),
        (json!({ "properties": { "l": { "items": { "type": "string" }, "maxItems": 2 } } }), json!({ "l": ["a", "b", "c"] }), false),
        (json!({ "properties": { "l": { "items": { "type": "string" }, "prefixItems": [{}] } } }), json!({ "l": [1] }), true),
        (json!({ "anyOf": [{ "required": ["a"] }, { "required": ["b"] }] }), json!({ "c": 1 }), false),
        (json!({ "oneOf": [{ "required": ["a"] }, { "required": ["b"] }] }), json!({ "a": 1 }), true),
        (json!({ "allOf": [{ "required": ["a"] }, { "required": ["b"] }] }), json!({ "a": 1 }), false),
        (json!({ "properties": { "a": false } }), json!({ "a": 1 }), false),
        (json!({ "properties": { "p": { "$ref": "#/$defs/p" } }, "$defs": { "p": { "type": "string" } } }), json!({ "p": 1 }), false),
        (json!({ "properties": { "p": { "$ref": "https://example.test/p" } } }), json!({ "p": 1 }), true),
    ];
    for (schema, value, expected) in cases {
        assert_eq!(fits(&schema, &value), expected, "{schema} {value}");
    }
}

#[test]
fn a_schema_without_end_ends() {
    let twice = |to: usize| json!({ "allOf": [{ "$ref": format!("#/$defs/{to}") }, { "$ref": format!("#/$defs/{to}") }] });
    let defs: Map<String, Value> = (0..60).map(|i| (i.to_string(), twice(i + 1))).collect();
    let flood = json!({ "$ref": "#/$defs/0", "$defs": defs });
    let long = "a".repeat(300);
    let far = json!({ "$ref": format!("#/{long}"), long: false });
    for schema in [json!({ "$ref": "#" }), json!({ "allOf": [{ "$ref": "#" }, { "$ref": "#" }] }), flood, far] {
        assert!(fits(&schema, &json!({})), "{schema}");
    }
    let long = Value::Array(vec![json!("x"); 30_000]);
    let items = |kind: &str| json!({ "items": { "type": kind } });
    assert!(fits(&items("string"), &long));
    assert!(!fits(&items("number"), &long), "what is seen to be unfit within the bound is");
}

#[test]
fn the_calls_of_an_answer_share_one_budget() {
    let number = r#"{"additionalProperties":{"type":"number"}}"#;
    let padded = format!("{}{number}", " ".repeat(100 * 1024));
    let mut budget = Budget::default();
    let judged = [(); 3].map(|()| budget.fits(padded.as_bytes(), r#"{"a":"b"}"#));
    assert_eq!(judged, [false, false, true], "no more schema is read");
    assert!(!budget.fits(number.as_bytes(), r#"{"a":"b"}"#), "a short one still is");
    let many: Map<String, Value> = (0..15_000).map(|i| (i.to_string(), json!(1))).collect();
    let many = json!(many).to_string();
    assert!(budget.fits(number.as_bytes(), &many) && budget.fits(number.as_bytes(), r#"{"a":"b"}"#), "no more steps are taken");
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        (-3_i64..4).prop_map(Value::from),
        Just(json!(1.0)),
        Just(json!(2.5)),
        "[ab]{0,2}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[abc]", inner, 0..3).prop_map(|all| Value::Object(all.into_iter().collect())),
        ]
    })
}

fn kind() -> impl Strategy<Value = Value> {
    let name = prop::sample::select(vec!["object", "array", "string", "boolean", "null", "number", "integer"]);
    prop_oneof![
        name.clone().prop_map(Value::from),
        prop::collection::btree_set(name, 1..3).prop_map(|all| all.into_iter().map(Value::from).collect())
    ]
}

/// A keyword. `exact`: of those that are read just as draft 7 reads them.
fn keyword(inner: BoxedStrategy<Value>, exact: bool) -> BoxedStrategy<(&'static str, Value)> {
    let schemas = prop::collection::vec(inner.clone(), 1..3).prop_map(Value::from).boxed();
    let named = prop::collection::btree_map("[abc]", inner.clone(), 0..3).prop_map(|all| Value::Object(all.into_iter().collect())).boxed();
    let count = (0_u8..3).prop_map(Value::from).boxed();
    let mut all = vec![
        ("type", kind().boxed()),
        ("enum", prop::collection::vec(value(), 1..3).prop_map(Value::from).boxed()),
        ("const", value().boxed()),
        ("properties", named.clone()),
        ("required", prop::collection::btree_set("[abc]", 0..2).prop_map(|all| all.into_iter().map(Value::from).collect()).boxed()),
        ("additionalProperties", inner.clone()),
        ("items", inner.clone()),
        ("minItems", count.clone()),
        ("maxItems", count.clone()),
        ("minimum", (-2_i64..3).prop_map(Value::from).boxed()),
        ("maximum", (-2_i64..3).prop_map(Value::from).boxed()),
        ("allOf", schemas.clone()),
        ("anyOf", schemas.clone()),
        ("$ref", Just(json!("#/definitions/d")).boxed()),
    ];
    if !exact {
        all.extend([
            ("oneOf", schemas),
            ("not", inner.clone()),
            ("if", inner.clone()),
            ("then", inner),
            ("patternProperties", named),
            ("minLength", count.clone()),
            ("minProperties", count),
            ("pattern", Just(json!("^a")).boxed()),
            ("exclusiveMinimum", Just(json!(0)).boxed()),
        ]);
    }
    let one = all.into_iter().map(|(name, strategy)| strategy.prop_map(move |value| (name, value)).boxed());
    proptest::strategy::Union::new(one).boxed()
}

fn schema(exact: bool) -> impl Strategy<Value = Value> {
    let of = move |inner| prop::collection::vec(keyword(inner, exact), 0..4).prop_map(|all| all.into_iter().collect::<Value>());
    let leaf = prop_oneof![any::<bool>().prop_map(Value::from), kind().prop_map(|kind| json!({ "type": kind }))];
    let nested = leaf.prop_recursive(3, 24, 4, move |inner| of(inner.boxed()));
    // What the references lead to, itself without one.
    let target = prop_oneof![Just(json!(true)), Just(json!(false)), kind().prop_map(|kind| json!({ "type": kind }))];
    (nested, target).prop_map(|(schema, target)| match schema {
        Value::Object(mut all) if !all.contains_key("$ref") => {
            all.insert("definitions".to_owned(), json!({ "d": target }));
            Value::Object(all)
        }
        other => json!({ "allOf": [other], "definitions": { "d": target } }),
    })
}

fn by_draft_7(schema: &Value, value: &Value) -> bool {
    jsonschema::draft7::new(schema).unwrap_or_else(|e| panic!("{schema}: {e}")).is_valid(value)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_unfit_is_unfit_by_draft_7(schema in schema(false), value in value()) {
        prop_assert!(fits(&schema, &value) || !by_draft_7(&schema, &value));
    }

    #[test]
    fn what_is_read_is_read_as_draft_7_reads_it(schema in schema(true), value in value()) {
        prop_assert_eq!(fits(&schema, &value), by_draft_7(&schema, &value));
    }
}
