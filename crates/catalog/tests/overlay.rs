//! Providers and models of the configuration.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use portolan_catalog::{Catalog, CatalogError, DataOrigin, Endpoint, NotCallable, ProviderOverlay};
use portolan_core::{Area, Auth, Capability, Dialect, Meter, OnHangup, Price};

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
fn an_endpoint_at_another_address_is_in_the_area_that_the_configuration_states_and_in_no_other() {
    let tag = "[[models]]\nid = \"google/gemini-2.5-flash\"\ntag = \"google-vertex/eu\"\n";
    let moved = "base_url = \"http://127.0.0.1:9/v1\"\n";
    for (text, area) in [
        (String::new(), Some(Area::Eu)),
        (moved.to_owned(), None),
        (format!("{moved}{tag}max_output = 9"), None),
        (format!("{moved}{tag}region = \"us-east5\""), Some(Area::Us)),
        (format!("{tag}region = \"global\""), None),
    ] {
        let catalog = with("google-vertex", &text).unwrap();
        let model = catalog.model("google/gemini-2.5-flash").unwrap();
        assert_eq!(catalog.endpoints_of(model).find(|e| e.tag == "google-vertex/eu").unwrap().area, area, "{text}");
    }
}

#[test]
fn the_dialect_of_a_provider_is_that_of_its_endpoints_unless_they_have_their_own() {
    let catalog = with("openai", "dialect = \"anthropic\"").unwrap();
    let dialect = |slug: &str| catalog.endpoints_of(catalog.model(slug).unwrap()).find(|e| e.tag == "openai").unwrap().dialect;
    assert_eq!(dialect("openai/gpt-4o"), Dialect::Anthropic);
    assert_eq!(dialect("openai/gpt-5-pro"), Dialect::OpenAiResponses);
}

#[test]
fn a_model_that_a_built_in_provider_serves_already_is_changed_column_by_column() {
    let known = Catalog::builtin();
    // provider, model, tag of the endpoint that changes
    for (slug, model, tag) in [
        ("openai", "openai/gpt-4o-mini", "openai"),
        ("deepinfra", "deepseek/deepseek-v3.2", "deepinfra/fp4"),
        ("anthropic", "anthropic/claude-opus-4.7-fast", "anthropic"),
        ("anthropic", "anthropic/claude-sonnet-4.5", "anthropic"),
        ("openai", "openai/gpt-4o-mini:batch", "openai"),
    ] {
        let find = |catalog: &Catalog| {
            let tags = |e: &&Endpoint| e.tag == tag;
            catalog.endpoints_of(catalog.model(model).unwrap()).find(tags).cloned().unwrap_or_else(|| panic!("{model} has no {tag}"))
        };
        let count = |catalog: &Catalog| catalog.endpoints_of(catalog.model(model).unwrap()).filter(|e| !e.charged_by_report).count();
        let text = format!("[[models]]\nid = \"{model}\"\npricing = {{ prompt = \"0.000007\", completion = \"0.000009\" }}");
        let changed = with(slug, &text).unwrap();
        let (old, new) = (find(&known), find(&changed));
        assert_eq!(count(&known), count(&changed), "{model}");
        assert_eq!((new.prices.base.listed(Meter::Input), new.origin), (Price::parse("0.000007").ok(), DataOrigin::Configuration));
        assert_eq!(new.prices.base.listed(Meter::CacheRead), None, "a cache price beside another price would be a guess");
        let same = |e: &Endpoint| {
            (
                (e.upstream_id.clone(), e.context_length, e.max_output, e.max_prompt_tokens, e.quantization, e.callable, e.capabilities),
                (e.policy, e.zdr, e.zdr_basis, e.region.clone(), e.dialect, e.supported_parameters.clone(), e.quirks.clone()),
            )
        };
        assert_eq!(same(&old), same(&new), "{model}");

        let limited = find(&with(slug, &format!("[[models]]\nid = \"{model}\"\nmax_output = 99")).unwrap());
        assert_eq!((limited.max_output, limited.context_length, &limited.prices), (99, old.context_length, &old.prices));
        assert_eq!((limited.callable, limited.free), (old.callable, old.free));
    }
}

#[test]
fn of_several_endpoints_the_plain_one_is_meant_or_the_one_that_is_named() {
    let model = |id: &str, tag: &str| format!("[[models]]\nid = \"{id}\"\n{tag}max_output = 77");
    // provider, model, tag as written, the tags that change
    for (slug, id, tag, changes) in [
        ("openai", "openai/gpt-5.4", "", "openai openai/flex openai/priority"),
        ("google-vertex", "anthropic/claude-haiku-4.5", "google-vertex/europe", "google-vertex/europe"),
        ("deepinfra", "openai/gpt-oss-120b", "deepinfra/turbo", "deepinfra/turbo"),
    ] {
        let named = if tag.is_empty() { String::new() } else { format!("tag = \"{tag}\"\n") };
        let catalog = with(slug, &model(id, &named)).unwrap();
        let changed = catalog.endpoints_of(catalog.model(id).unwrap()).filter(|e| e.max_output == 77 && !e.charged_by_report);
        let mut tags: Vec<&str> = changed.map(|e| e.tag.as_str()).collect();
        tags.sort_unstable();
        assert_eq!(tags.join(" "), changes, "{id}");
    }
    // provider, model, tag, all of which the message holds
    for (slug, id, tag, parts) in [
        ("google-vertex", "anthropic/claude-haiku-4.5", "", &["models[0]: `id`", "several endpoints", "tag", "`google-vertex/europe`"][..]),
        ("openai", "openai/gpt-4o", "openai/eu", &["models[0]: `tag`", "does not have", "write one of `openai`"]),
        ("openai", "openai/gpt-5.4", "openai/flex", &["models[0]: `tag`", "class of service", "`openai`"]),
        ("openai", "openai/my-own", "openai/eu", &["models[0]: `tag`", "no endpoint of openai/my-own", "leave it out"]),
    ] {
        let named = if tag.is_empty() { String::new() } else { format!("tag = \"{tag}\"\n") };
        let error = with(slug, &model(id, &named)).unwrap_err().to_string();
        for part in parts {
            assert!(error.contains(part), "{error}\nlacks {part}");
        }
    }
}

#[test]
fn a_machine_of_ones_own_raises_nothing_of_what_others_serve() {
    let known = Catalog::builtin();
    let own = |columns: &str| {
        let prices = "pricing = { prompt = \"0.01\", completion = \"0.01\" }";
        with("my-vllm", &format!("base_url = \"http://x\"\n[[models]]\nid = \"openai/gpt-4o-mini\"\n{columns}\n{prices}")).unwrap()
    };
    let sold = |catalog: &Catalog| {
        let e = catalog.endpoints_of(catalog.model("openai/gpt-4o-mini").unwrap()).find(|e| e.charged_by_report).unwrap().clone();
        (e.context_length, e.max_output, e.prices, e.capabilities, e.origin)
    };
    let context = |catalog: &Catalog, model: &str| catalog.model(model).unwrap().context_length;
    // what is stated, the context and the longest answer there, the context of the model
    for (columns, limits, listed) in [
        ("", (10_000_000, 131_072), context(&known, "openai/gpt-4o-mini")),
        ("max_output = 5", (10_000_000, 5), context(&known, "openai/gpt-4o-mini")),
        ("context_length = 4000000", (4_000_000, 4_000_000), 4_000_000),
    ] {
        let catalog = own(columns);
        let here = catalog.endpoints_of(catalog.model("openai/gpt-4o-mini").unwrap()).find(|e| e.tag == "my-vllm").unwrap();
        assert_eq!((here.context_length, here.max_output), limits, "{columns}");
        assert_eq!((sold(&catalog), context(&catalog, "openai/gpt-4o-mini")), (sold(&known), listed), "{columns}");
    }
    let alone = with("my-vllm", "base_url = \"http://x\"\n[[models]]\nid = \"my/own\"").unwrap();
    assert_eq!(context(&alone, "my/own"), 10_000_000, "where nobody else states one");
}

#[test]
fn a_row_for_the_reseller_states_only_what_differs() {
    let known = Catalog::builtin();
    let sold = |catalog: &Catalog| {
        let model = catalog.model("openai/gpt-4o-mini").unwrap();
        let all: Vec<Endpoint> = catalog.endpoints_of(model).filter(|e| e.charged_by_report).cloned().collect();
        assert_eq!(all.len(), 1);
        all.into_iter().next().unwrap()
    };
    let old = sold(&known);
    let new = sold(&with("openrouter", "[[models]]\nid = \"openai/gpt-4o-mini\"\npricing = { prompt = \"0.000007\" }").unwrap());
    let limits = |e: &Endpoint| (e.context_length, e.max_output, e.capabilities, e.upstream_id.clone(), e.callable, e.free, e.policy);
    assert_eq!(limits(&old), limits(&new));
    assert_eq!(new.prices.base.listed(Meter::Input), Price::parse("0.000007").ok());
    assert_eq!(new.prices.base.listed(Meter::Output), old.prices.base.listed(Meter::Output));
    let bounded = sold(&with("openrouter", "[[models]]\nid = \"openai/gpt-4o-mini\"\nmax_output = 9").unwrap());
    assert_eq!((bounded.max_output, bounded.context_length, bounded.prices), (9, old.context_length, old.prices));
}

#[test]
fn a_context_of_ones_own_replaces_the_known_one() {
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
