//! The views against OpenRouter's description of them.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

use std::path::PathBuf;

use portolan_core::{AccountId, KeyId, Money, OrgId, SeededRandom, UnixMillis, WorkspaceId};
use portolan_tenancy::{CurrentKeyView, KeyRecord, KeyScope, KeyView, NewKey, Spent};
use serde_json::Value;

/// 2026-11-22T12:00:00Z, a Sunday.
const NOW: UnixMillis = UnixMillis(1_795_348_800_000);

fn keys() -> [KeyRecord; 2] {
    let full = br#"{"name":"a","limit":1.5,"limit_reset":"weekly","max_tokens_default":5,"expires_at":"2030-01-01T00:00:00Z"}"#;
    let scope = KeyScope { org: OrgId::from_saved("o"), workspace: WorkspaceId::from_saved("w") };
    let record = |new: NewKey| new.draft(scope.clone(), &SeededRandom::new(1), NOW).0.into_record(KeyId(1), AccountId(1));
    let full = record(NewKey::parse(full, NOW).unwrap());
    [KeyRecord { updated_at: Some(NOW), last_used_at: Some(NOW), ..full }, record(NewKey::named("plain"))]
}

const SPENT: Spent = Spent { total: Money(9_000_000_000), daily: Money(1), weekly: Money(2_000_000_001), monthly: Money(3) };

fn reference() -> Option<Value> {
    #[expect(clippy::disallowed_methods, reason = "where the reference lies is the test environment's to say")]
    let shared = std::env::var("PORTOLAN_SHARED")
        .map_or_else(|_| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")), PathBuf::from);
    let text = std::fs::read(shared.join("reference/openrouter/openapi-2026-10-reconstructed.json")).ok()?;
    Some(serde_json::from_slice(&text).unwrap())
}

/// Whether `value` fits `schema`: presence, type, null. Enough of JSON Schema for these objects.
fn check(reference: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap();
        return check(reference, &reference["components"]["schemas"][name], value, at);
    }
    if let Some(any) = schema["anyOf"].as_array() {
        let fits = any.iter().any(|one| check(reference, one, value, at).is_ok());
        return if fits { Ok(()) } else { Err(format!("{at}: {value} fits none")) };
    }
    let fits = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("number") => value.is_number(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("boolean") => value.is_boolean(),
        Some("null") => value.is_null(),
        other => return Err(format!("{at}: unknown type {other:?}")),
    };
    if !fits {
        return Err(format!("{at}: {value} is no {}", schema["type"]));
    }
    for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let Some(inner) = value.get(required) else { return Err(format!("{at}.{required} is missing")) };
        check(reference, &schema["properties"][required], inner, &format!("{at}.{required}"))?;
    }
    for (n, item) in value.as_array().into_iter().flatten().enumerate() {
        check(reference, &schema["items"], item, &format!("{at}[{n}]"))?;
    }
    Ok(())
}

#[test]
fn the_views_have_everything_that_the_newest_clients_require() {
    let Some(reference) = reference() else {
        eprintln!("SKIPPED: the OpenAPI description of OpenRouter is not there (set PORTOLAN_SHARED)");
        return;
    };
    let schema = |name: &str| serde_json::json!({ "$ref": format!("#/components/schemas/{name}") });
    for key in keys() {
        let view = serde_json::to_value(KeyView::of(&key, &SPENT)).unwrap();
        for name in ["CreateKeysData", "ListData", "GetKeyData", "UpdateKeysData"] {
            check(&reference, &schema(name), &view, name).unwrap();
        }
        let current = serde_json::to_value(CurrentKeyView::of(&key, &SPENT, NOW)).unwrap();
        check(&reference, &schema("GetCurrentKeyData"), &current, "GetCurrentKeyData").unwrap();
    }
}

#[test]
fn what_remains_is_of_the_window_and_never_below_nothing() {
    let [weekly, unlimited] = keys();
    let view = KeyView::of(&weekly, &SPENT);
    assert_eq!((view.usage, view.usage_weekly, view.limit_remaining), (Money(9_000_000_000), Money(2_000_000_001), Some(Money::ZERO)));
    assert_eq!(KeyView::of(&unlimited, &SPENT).limit_remaining, None);
    let budget = CurrentKeyView::of(&weekly, &SPENT, NOW).effective_budget.unwrap();
    assert_eq!((budget.remaining_usd, budget.resets_at.as_deref()), (Money(-500_000_001), Some("2026-11-23T00:00:00Z")));
    assert_eq!(CurrentKeyView::of(&unlimited, &SPENT, NOW).budgets, []);
}

#[test]
fn amounts_keep_all_their_digits() {
    let json = serde_json::to_string(&KeyView::of(&keys()[0], &SPENT)).unwrap();
    assert!(json.contains(r#""usage_weekly":2.000000001"#), "{json}");
}
