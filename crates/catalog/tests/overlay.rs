//! Providers and models of the configuration.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use portolan_catalog::{Catalog, CatalogError, DataOrigin, NotCallable, ProviderOverlay};
use portolan_core::{Auth, Capability, Dialect, Meter, OnHangup, Price};

fn overlay(slug: &str, text: &str) -> Result<ProviderOverlay, CatalogError> {
    ProviderOverlay::parse(slug, text.parse().unwrap())
}

fn with(slug: &str, text: &str) -> Result<Catalog, CatalogError> {
    Catalog::builtin_with(&[overlay(slug, text)?])
}

const VLLM: &str = r#"
name = "My vLLM"
base_url = "http://10.0.0.5:8000/v1/"
dialect = "openai_chat"
auth = "bearer"
on_hangup = "cancel"
[[models]]
id = "my-org/my-model"
upstream_id = "my-model"
context_length = 32768
max_output = 4096
pricing = { prompt = "0.0000002", completion = "0.0000008", input_cache_read = "0.0000001" }
[[models]]
id = "meta-llama/llama-3.3-70b-instruct"
context_length = 131072
pricing = { prompt = "0", completion = "0" }
[[models]]
id = "my-org/unpriced"
context_length = 8192
"#;

#[test]
fn a_provider_of_ones_own_serves_new_models_and_known_ones() {
    let catalog = with("my-vllm", VLLM).unwrap();
    let provider = catalog.provider_by_slug("my-vllm").unwrap();
    assert_eq!((provider.name.as_str(), provider.base_url.as_str()), ("My vLLM", "http://10.0.0.5:8000/v1"));
    assert_eq!((provider.auth, provider.on_hangup, provider.origin), (Auth::Bearer, OnHangup::Cancel, DataOrigin::Configuration));

    let own = catalog.endpoints_of(catalog.model("my-org/my-model").unwrap()).next().unwrap();
    assert_eq!((own.upstream_model("my-org/my-model"), own.max_output, own.tag.as_str()), ("my-model", 4096, "my-vllm"));
    assert_eq!(own.prices.base.listed(Meter::CacheRead), Price::parse("0.0000001").ok());
    assert!(own.capabilities.has(Capability::Tools) && own.callable.is_ok());

    let known = catalog.model("meta-llama/llama-3.3-70b-instruct").unwrap();
    assert_eq!(known.endpoints.len(), Catalog::builtin().model("meta-llama/llama-3.3-70b-instruct").unwrap().endpoints.len() + 1);
    let free = catalog.endpoints_of(known).find(|e| e.tag == "my-vllm").unwrap();
    assert!(free.free && free.callable.is_ok(), "a price of zero that the operator wrote is meant");
    assert_eq!(free.upstream_model("x/y"), "meta-llama/llama-3.3-70b-instruct");

    let unpriced = catalog.endpoints_of(catalog.model("my-org/unpriced").unwrap()).next().unwrap();
    assert_eq!(unpriced.callable, Err(NotCallable::PriceUnknown), "unknown is never free");
}

#[test]
fn a_column_of_a_built_in_provider_is_replaced_and_the_others_stay() {
    let catalog = with(
        "openai",
        "base_url = \"http://127.0.0.1:9/v1\"\non_hangup = \"drain\"\ndata_policy = { training = false, retains_prompts = false }",
    )
    .unwrap();
    let provider = catalog.provider_by_slug("openai").unwrap();
    assert_eq!(
        (provider.base_url.as_str(), provider.on_hangup, provider.name.as_str()),
        ("http://127.0.0.1:9/v1", OnHangup::Drain, "OpenAI")
    );
    assert_eq!(provider.origin, DataOrigin::Configuration);
    let endpoint = catalog.endpoints_of(catalog.model("openai/gpt-4o-mini").unwrap()).next().unwrap();
    assert_eq!(endpoint.policy.retains_prompts, Some(false));
}

#[test]
fn the_dialect_of_a_provider_is_that_of_its_endpoints_unless_they_have_their_own() {
    let catalog = with("openai", "dialect = \"anthropic\"").unwrap();
    let dialect = |slug: &str| catalog.endpoints_of(catalog.model(slug).unwrap()).find(|e| e.tag == "openai").unwrap().dialect;
    assert_eq!(dialect("openai/gpt-4o"), Dialect::Anthropic);
    assert_eq!(dialect("openai/gpt-5-pro"), Dialect::OpenAiResponses);
}

#[test]
fn a_model_that_a_built_in_provider_serves_already_is_replaced_there() {
    let catalog =
        with("groq", "[[models]]\nid = \"openai/gpt-oss-120b\"\ncontext_length = 1000\npricing = { prompt = \"1\", completion = \"2\" }")
            .unwrap();
    let own: Vec<_> = catalog
        .endpoints_of(catalog.model("openai/gpt-oss-120b").unwrap())
        .filter(|e| catalog.provider_of(e.ix).is_named("Groq"))
        .collect();
    assert_eq!((own.len(), own[0].context_length), (1, 1000));
}

#[test]
fn a_tier_inherits_what_it_does_not_state() {
    let text = "base_url = \"http://x\"\n[[models]]\nid = \"a/b\"\ncontext_length = 9\npricing = { prompt = \"1\", completion = \"2\", tiers = [{ min_prompt_tokens = 200, prompt = \"3\" }] }";
    let catalog = with("own", text).unwrap();
    let prices = &catalog.endpoints_of(catalog.model("a/b").unwrap()).next().unwrap().prices;
    let dollars = |n: u64| Price(n * 1_000_000_000_000);
    assert_eq!((prices.rates(200).effective(Meter::Input), prices.rates(201).effective(Meter::Input)), (dollars(1), dollars(3)));
    assert_eq!(prices.rates(201).effective(Meter::Output), dollars(2));
}

#[test]
fn what_the_operator_serves_under_the_name_of_a_batch_model_is_a_model_like_others() {
    let text = "base_url = \"http://x\"\n[[models]]\nid = \"openai/gpt-4o-mini:batch\"\ncontext_length = 9\npricing = { prompt = \"1\", completion = \"2\" }";
    let catalog = with("own", text).unwrap();
    let endpoints = catalog.endpoints_of(catalog.model("openai/gpt-4o-mini:batch").unwrap());
    let callable: Vec<_> = endpoints.map(|e| (e.tag.as_str(), e.callable)).collect();
    assert_eq!(callable, [("openai", Err(NotCallable::BatchNotBuilt)), ("own", Ok(()))]);
}

#[test]
fn what_is_wrong_is_told_with_provider_and_field() {
    let model = |columns: &str| format!("base_url = \"http://x\"\n[[models]]\nid = \"a/b\"\n{columns}");
    // provider, table, all of which the message holds
    let cases: &[(&str, String, &[&str])] = &[
        ("own", "name = \"x\"".into(), &["providers.own", "`base_url`"]),
        ("own", "base_ulr = \"http://x\"".into(), &["providers.own", "`base_ulr`", "did you mean `base_url`"]),
        ("own", "base_url = \"http://x\"\nauth = \"berer\"".into(), &["providers.own", "berer", "bearer"]),
        ("own", "base_url = \"http://x\"\ndialect = \"openai\"".into(), &["providers.own", "openai_chat"]),
        ("own", "base_url = \"10.0.0.5:8000\"".into(), &["providers.own", "`base_url`", "no http or https URL"]),
        ("own", "base_url = \"http://me:secret@x/v1\"".into(), &["providers.own", "`base_url`", "credential"]),
        ("openai", "base_url = \"https://x/v1?a=b\"".into(), &["providers.openai", "`base_url`"]),
        ("own", model("context_lenght = 5"), &["model a/b", "`context_lenght`", "did you mean `context_length`"]),
        ("own", model("context_length = -5"), &["model a/b", "context_length"]),
        ("own", model("context_length = 0"), &["own", "a/b", "`context_length`"]),
        ("own", model("name = \"x\""), &["model a/b", "context_length"]),
        ("own", model("context_length = 5\npricing = { promt = \"1\" }"), &["model a/b, pricing", "did you mean `prompt`"]),
        ("own", model("context_length = 5\npricing = { prompt = \"-1\" }"), &["model a/b", "negative"]),
        ("own", model("context_length = 5\npricing = { prompt = 0.1 }"), &["model a/b", "prompt"]),
        (
            "own",
            "base_url = \"http://x\"\n[[models]]\nid = \"simulator/x\"\ncontext_length = 5".into(),
            &["simulator/x", "name of the simulator"],
        ),
        ("Own Provider", "base_url = \"http://x\"".into(), &["providers.Own Provider"]),
    ];
    for (slug, text, parts) in cases {
        let error = with(slug, text).expect_err(text).to_string();
        assert!(!error.contains("secret"), "{error}");
        for part in *parts {
            assert!(error.contains(part), "{text}\n-> {error}\nlacks {part}");
        }
    }
}

#[test]
fn a_later_overlay_lies_over_an_earlier_one() {
    let first = overlay("own", "base_url = \"http://a\"").unwrap();
    let second = overlay("own", "base_url = \"http://b\"").unwrap();
    let catalog = Catalog::builtin_with(&[first, second]).unwrap();
    assert_eq!(catalog.provider_by_slug("own").unwrap().base_url, "http://b");
}
