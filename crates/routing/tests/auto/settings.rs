//! The plugin's settings: patterns and the knob.

use portolan_routing::auto::{AutoPlugin, CostTier, Knob, covers};
use proptest::prelude::*;

proptest! {
    #[test]
    fn a_wildcard_agrees_with_a_search_of_all_splits(pattern in "[ab*]{0,6}", name in "[ab]{0,8}") {
        fn slow(pattern: &[u8], name: &[u8]) -> bool {
            match pattern.split_first() {
                None => name.is_empty(),
                Some((b'*', rest)) => (0..=name.len()).any(|skip| slow(rest, &name[skip..])),
                Some((byte, rest)) => name.first() == Some(byte) && slow(rest, &name[1..]),
            }
        }
        prop_assert_eq!(covers(&pattern, &name), slow(pattern.as_bytes(), name.as_bytes()));
    }
}

#[test]
fn tiers_and_the_old_scale_set_the_ceiling_that_openrouter_documents() {
    let percent = |settings: AutoPlugin| settings.knob().ceiling_percent();
    let tier = |tier| AutoPlugin { cost_tier: Some(tier), cost_quality_tradeoff: Some(0.0), ..AutoPlugin::default() };
    assert_eq!(CostTier::ALL.iter().map(|one| percent(tier(*one))).collect::<Vec<_>>(), [20, 40, 60, 80, 100]);
    let number = |number| percent(AutoPlugin { cost_quality_tradeoff: Some(number), ..AutoPlugin::default() });
    assert_eq!((number(0.0), number(5.0), number(10.0)), (90, 50, 10));
    assert_eq!(percent(AutoPlugin::default()), number(9.0));
    assert_eq!(
        percent(AutoPlugin { enabled: Some(false), ..tier(CostTier::Max) }),
        number(9.0),
        "a plugin that is switched off counts for nothing"
    );
}

#[test]
fn settings_are_read_as_openrouter_writes_them_and_refused_by_field() {
    let read = |text: &str| serde_json::from_str::<AutoPlugin>(text).map_err(|e| e.to_string()).and_then(|s| s.check().map(|()| s));
    let right = r#"{"id":"auto-router","allowed_models":["anthropic/*"],"excluded_models":[],"cost_tier":"xhigh","pin_model":false}"#;
    assert_eq!(read(right).map(|s| s.knob()), Ok(Knob::of_tier(CostTier::XHigh)));
    let many = format!(r#"{{"allowed_models":[{}"x"]}}"#, "\"x\",".repeat(1024));
    for (wrong, names) in [
        (r#"{"cost_tier":"huge"}"#, "huge"),
        (r#"{"cost_quality_tradeoff":11}"#, "cost_quality_tradeoff must be between 0 and 10"),
        (r#"{"excluded_models":[""]}"#, "excluded_models[0] must have 1 to 1024 characters"),
        (r#"{"models":[]}"#, "unknown field `models`"),
        (many.as_str(), "allowed_models has 1025 patterns; give at most 1024"),
    ] {
        let message = read(wrong).unwrap_err();
        assert!(message.contains(names), "{message}");
    }
}

#[test]
fn a_wildcard_stands_for_any_run_of_characters() {
    for (pattern, name, want) in [
        ("anthropic/*", "anthropic/claude-opus-5", true),
        ("anthropic/*", "openai/gpt-5", false),
        ("openai/gpt-5", "openai/gpt-5", true),
        ("openai/gpt-5", "openai/gpt-5-mini", false),
        ("openai/gpt-5*", "openai/gpt-5", true),
        ("*", "a/b", true),
        ("*/gpt-*-mini", "openai/gpt-5-mini", true),
        ("*/gpt-*-mini", "openai/gpt-5-mini-high", false),
        ("*mini", "x/mini-mini", true),
        ("a*a", "a", false),
        ("", "a", false),
        ("**", "", true),
    ] {
        assert_eq!(covers(pattern, name), want, "{pattern} {name}");
    }
}
