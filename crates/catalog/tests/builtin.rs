//! The data that the program carries.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::path::Path;

use portolan_catalog::{Catalog, Endpoint, NotCallable};
use portolan_core::{Capability, Dialect, Meter, Price, Quirk, Task};

#[test]
fn every_data_file_is_part_of_the_program() {
    let catalog = Catalog::builtin();
    let names = |folder: &str| -> BTreeSet<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(folder);
        let files = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().file_name().into_string().unwrap());
        files.map(|f| f.strip_suffix(".toml").unwrap().to_owned()).collect()
    };
    assert_eq!(names("providers"), catalog.providers.iter().map(|p| p.slug.to_string()).collect());
    assert_eq!(names("models"), catalog.models.iter().filter(|m| !m.router).map(|m| m.slug.author().to_owned()).collect());
}

#[test]
fn every_model_has_an_endpoint_and_every_priced_endpoint_limits_that_fit() {
    let catalog = Catalog::builtin();
    for model in &catalog.models {
        assert!(!model.endpoints.is_empty() || model.router, "{}", model.slug);
        assert!(model.context_length > 0 || model.task != Task::Chat, "{}", model.slug);
        assert!(!model.input_modalities.is_empty() && !model.output_modalities.is_empty(), "{}", model.slug);
        assert_eq!(catalog.model(model.slug.as_str()).map(|m| &m.slug), Some(&model.slug));
    }
    for endpoint in catalog.endpoints.iter().filter(|e| e.callable.is_ok()) {
        let name = format!("{} at {}", catalog.model_at(endpoint.model).slug, endpoint.tag);
        let simulated = catalog.provider_of(endpoint.ix).is_simulator();
        assert!(simulated || catalog.provider_of(endpoint.ix).base_url.starts_with("http"), "{name}");
        assert!(endpoint.max_output <= endpoint.context_length, "{name}");
    }
}

#[test]
fn well_known_endpoints_have_the_expected_columns() {
    let catalog = Catalog::builtin();
    // slug, tag, upstream id, dialect, prompt price, wants max_completion_tokens, why not callable
    let cases = [
        ("openai/gpt-4o-mini", "openai", "gpt-4o-mini", Dialect::OpenAiChat, "0.00000015", false, None),
        ("openai/gpt-5-mini", "openai", "gpt-5-mini-2025-08-07", Dialect::OpenAiChat, "0.00000025", true, None),
        (
            "openai/gpt-5-pro",
            "openai",
            "gpt-5-pro-2025-10-06",
            Dialect::OpenAiResponses,
            "0.000015",
            true,
            Some(NotCallable::DialectNotBuilt),
        ),
        (
            "openai/gpt-5.2-codex",
            "openai",
            "gpt-5.2-codex",
            Dialect::OpenAiResponses,
            "0.00000175",
            true,
            Some(NotCallable::DialectNotBuilt),
        ),
        ("openai/o4-mini-high", "openai", "o4-mini-2025-04-16", Dialect::OpenAiChat, "0.0000011", true, Some(NotCallable::SettingNotBuilt)),
        ("anthropic/claude-haiku-4.5", "anthropic", "claude-haiku-4-5-20251001", Dialect::Anthropic, "0.000001", false, None),
        (
            "anthropic/claude-opus-5-fast",
            "anthropic",
            "claude-opus-5",
            Dialect::Anthropic,
            "0.00001",
            false,
            Some(NotCallable::SettingNotBuilt),
        ),
        ("openai/gpt-oss-120b", "groq", "openai/gpt-oss-120b", Dialect::OpenAiChat, "0.00000015", false, None),
        ("simulator/echo", "simulator", "echo", Dialect::OpenAiChat, "0.000001", false, None),
    ];
    for (slug, tag, upstream, dialect, prompt, completion_tokens, why) in cases {
        let model = catalog.model(slug).unwrap_or_else(|| panic!("{slug}"));
        let endpoint = catalog.endpoints_of(model).find(|e| e.tag == tag).unwrap_or_else(|| panic!("{slug} at {tag}"));
        assert_eq!(endpoint.upstream_model(slug), upstream, "{slug}");
        assert_eq!(endpoint.dialect, dialect, "{slug}");
        assert_eq!(endpoint.prices.base.listed(Meter::Input), Price::parse(prompt).ok(), "{slug}");
        assert_eq!(endpoint.has_quirk(Quirk::MaxCompletionTokens), completion_tokens, "{slug}");
        assert_eq!(endpoint.callable.err(), why, "{slug}");
    }
}

#[test]
fn capabilities_follow_from_parameters_and_modalities() {
    let catalog = Catalog::builtin();
    let of = |slug: &str| {
        let own = |e: &&Endpoint| slug.starts_with(&format!("{}/", e.tag));
        catalog.endpoints_of(catalog.model(slug).unwrap()).find(own).unwrap().capabilities
    };
    for needed in [Capability::ImageInput, Capability::Tools, Capability::ToolChoice, Capability::StructuredOutputs, Capability::Logprobs] {
        assert!(of("openai/gpt-4o-mini").has(needed), "{needed:?}");
    }
    assert!(!of("openai/gpt-4o-mini").has(Capability::Reasoning));
    assert!(of("anthropic/claude-sonnet-4.6").has(Capability::Reasoning));
    assert!(!of("openai/gpt-3.5-turbo").has(Capability::ImageInput));
    assert!(of("openai/gpt-audio").has(Capability::AudioOutput));
}

#[test]
fn the_simulator_answers_to_every_name_of_its_grammar_and_to_no_other() {
    let catalog = Catalog::builtin();
    for name in ["simulator/sim-c200-d5", "simulator/sim-e429", "simulator/sim"] {
        let model = catalog.model(name).unwrap_or_else(|| panic!("{name}"));
        let endpoint = catalog.endpoint(model.endpoints[0]);
        assert_eq!(endpoint.upstream_model(name), name.strip_prefix("simulator/").unwrap());
        assert_eq!(endpoint.callable, Ok(()));
    }
    for name in ["simulator/sim-", "simulator/simple", "simulator/", "openai/sim-c200", "openai/gpt-4o-mini-x", "simulator/echo-2"] {
        assert!(catalog.model(name).is_none(), "{name}");
    }
}

#[test]
fn a_canonical_slug_means_the_same_model() {
    let catalog = Catalog::builtin();
    let model = catalog.model("anthropic/claude-4.6-sonnet-20260217").unwrap();
    assert_eq!(model.slug.as_str(), "anthropic/claude-sonnet-4.6");
}

#[test]
fn a_wrong_name_gets_the_names_that_resemble_it() {
    let catalog = Catalog::builtin();
    for (wrong, right) in [
        ("openai/gpt-4o-mni", "openai/gpt-4o-mini"),
        ("gpt-4o-mini", "openai/gpt-4o-mini"),
        ("anthropic/claude-haiku-4-5", "anthropic/claude-haiku-4.5"),
        ("OpenAI/GPT-5-mini", "openai/gpt-5-mini"),
        ("anthropic/claude-sonnet-latest", "~anthropic/claude-sonnet-latest"),
        ("deepseek/deepseek-v3.2:nitro", "deepseek/deepseek-v3.2"),
    ] {
        let nearest: Vec<&str> = catalog.nearest(wrong, 3).into_iter().map(|s| s.as_str()).collect();
        assert_eq!(nearest.first(), Some(&right), "{wrong}: {nearest:?}");
    }
    let families = catalog.nearest("~anthropic/claude-foo-latest", 3);
    assert!(families.len() == 3 && families.iter().all(|name| name.as_str().starts_with("~anthropic/claude-")), "{families:?}");
    assert!(catalog.nearest("acme/zzz-9", 3).is_empty());
    assert!(catalog.nearest(&"é/".repeat(10_000), 3).is_empty());
}
