//! What is accepted as a key, and how a refusal reads.

use portolan_core::{AccountId, Enforcement, KeyId, Money, OrgId, Reset, SeededRandom, UnixMillis, WorkspaceId};
use portolan_tenancy::{KeyPatch, KeyRecord, KeyScope, NewKey};

const NOW: UnixMillis = UnixMillis(1_795_348_800_000);

fn record(new: NewKey) -> KeyRecord {
    let scope = KeyScope { org: OrgId::from_saved("o"), workspace: WorkspaceId::from_saved("w") };
    new.draft(scope, &SeededRandom::new(1), NOW).0.into_record(KeyId(1), AccountId(1))
}

#[test]
fn a_full_request_is_read_exactly() {
    let body = br#"{"name":" ci ","limit":0.1,"limit_reset":"monthly","enforcement":"strict","include_byok_in_limit":true,
        "max_tokens_default":512,"expires_at":"2030-01-01T00:00:00.5Z","workspace_id":"w","creator_user_id":null,"external":null}"#;
    let expected = NewKey {
        name: "ci".to_owned(),
        limit: Some(Money(100_000_000)),
        limit_reset: Some(Reset::Monthly),
        enforcement: Enforcement::Strict,
        include_byok_in_limit: true,
        max_tokens_default: Some(512),
        expires_at: Some(UnixMillis(1_893_456_000_500)),
        workspace_id: Some("w".to_owned()),
    };
    assert_eq!(NewKey::parse(body, NOW), Ok(expected));
    assert_eq!(NewKey::parse(br#"{"name":"x"}"#, NOW), Ok(NewKey::named("x")));
}

#[test]
fn an_amount_is_read_however_a_client_writes_it() {
    for (written, expected) in
        [("1", 1_000_000_000), ("0", 0), ("10.0", 10_000_000_000), ("\"0.000000001\"", 1), ("1e-05", 10_000), ("2.5E+1", 25_000_000_000)]
    {
        let body = format!(r#"{{"name":"x","limit":{written}}}"#);
        assert_eq!(NewKey::parse(body.as_bytes(), NOW).unwrap().limit, Some(Money(expected)), "{written}");
    }
}

#[test]
fn a_refusal_names_the_field_and_what_to_send() {
    let long = format!(r#"{{"name":"{}"}}"#, "x".repeat(201));
    for (body, field, says) in [
        ("{}", Some("name"), "missing"),
        (r#"{"name":null}"#, Some("name"), "missing"),
        (r#"{"name":"  "}"#, Some("name"), "1 to 200"),
        (&long, Some("name"), "1 to 200"),
        (r#"{"name":"a\nb"}"#, Some("name"), "control"),
        (r#"{"name":5}"#, Some("name"), "text"),
        (r#"{"name":"a","limit":-0.1}"#, Some("limit"), "negative"),
        (r#"{"name":"a","limit":"ten"}"#, Some("limit"), "decimal"),
        (r#"{"name":"a","limit":true}"#, Some("limit"), "decimal"),
        (r#"{"name":"a","limit":0.0000000001}"#, Some("limit"), "9 digits"),
        (r#"{"name":"a","limit":99999999999}"#, Some("limit"), "too large"),
        (r#"{"name":"a","limit_reset":"hourly"}"#, Some("limit_reset"), "daily"),
        (r#"{"name":"a","enforcement":"lax"}"#, Some("enforcement"), "strict"),
        (r#"{"name":"a","max_tokens_default":0}"#, Some("max_tokens_default"), "above 0"),
        (r#"{"name":"a","max_tokens_default":1.5}"#, Some("max_tokens_default"), "whole"),
        (r#"{"name":"a","max_tokens_default":18446744073709551615}"#, Some("max_tokens_default"), "whole"),
        (r#"{"name":"a","expires_at":"2020-01-01T00:00:00Z"}"#, Some("expires_at"), "future"),
        (r#"{"name":"a","expires_at":"2030-01-01T00:00Z"}"#, Some("expires_at"), "seconds"),
        (r#"{"name":"a","include_byok_in_limit":"yes"}"#, Some("include_byok_in_limit"), "true or false"),
        (r#"{"name":"a","creator_user_id":"u"}"#, Some("creator_user_id"), "leave it out"),
        (r#"{"name":"a","limits":1}"#, None, "limits"),
        (r#"{"name":"a","name":"b"}"#, None, "name"),
        ("nonsense", None, "not a valid request"),
    ] {
        let refused = NewKey::parse(body.as_bytes(), NOW).unwrap_err();
        assert_eq!(refused.field, field, "{body}");
        assert!(refused.message.contains(says), "{body}: {refused}");
        assert!(field.is_none_or(|field| refused.message.contains(&format!("`{field}`"))), "{body}: {refused}");
    }
}

#[test]
fn a_patch_changes_what_is_there_and_clears_what_is_null() {
    let new = br#"{"name":"a","limit":1,"limit_reset":"daily","enforcement":"strict","max_tokens_default":5,"expires_at":"2030-01-01T00:00:00Z"}"#;
    let before = record(NewKey::parse(new, NOW).unwrap());
    let later = UnixMillis(NOW.0 + 1);
    let after = |body: &str| KeyPatch::parse(body.as_bytes(), NOW).unwrap().apply(&before, later);
    assert_eq!(after("{}"), KeyRecord { updated_at: Some(later), ..before.clone() });
    let nothing = r#"{"name":null,"disabled":null,"enforcement":null,"include_byok_in_limit":null,"workspace_id":null}"#;
    assert_eq!(after(nothing), after("{}"), "null leaves what cannot be empty");
    let cleared = after(r#"{"limit":null,"limit_reset":null,"max_tokens_default":null,"expires_at":null}"#);
    assert_eq!((cleared.limit, cleared.limit_reset, cleared.max_tokens_default, cleared.expires_at), (None, None, None, None));
    let changed = after(r#"{"name":"b","disabled":true,"limit":2,"enforcement":"standard"}"#);
    assert_eq!((changed.name.as_str(), changed.disabled, changed.limit), ("b", true, Some(Money(2_000_000_000))));
    assert_eq!((changed.enforcement, changed.limit_reset), (Enforcement::Standard, Some(Reset::Daily)));
    for wrong in [r#"{"hash":"x"}"#, r#"{"workspace_id":"w2"}"#, r#"{"disabled":1}"#, r#"{"limit":-1}"#] {
        assert!(KeyPatch::parse(wrong.as_bytes(), NOW).is_err(), "{wrong}");
    }
}
