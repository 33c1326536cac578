//! What a sync makes of answers that leave something out or hold what cannot be: what it last knew stays, and the rest is told.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use portolan_catalog::sync::{OpenRouterAnswers, Synced, read_models_dev};
use portolan_catalog::{Catalog, DataOrigin};
use portolan_core::{Meter, ModelSlug, Price};

fn slug(text: &str) -> ModelSlug {
    ModelSlug::parse(text).unwrap()
}

/// The rows of a list of models, and those of the endpoints of `openai/gpt-4o-mini`.
fn openrouter(models: &str, endpoints: &str) -> Synced {
    let models = format!(r#"{{"data":[{models}]}}"#);
    let endpoints = [(slug("openai/gpt-4o-mini"), format!(r#"{{"data":{{"endpoints":[{endpoints}]}}}}"#))];
    OpenRouterAnswers { models: &models, endpoints: &endpoints, ..OpenRouterAnswers::default() }.read(1, None).unwrap()
}

const MINI: &str = r#"{"id":"openai/gpt-4o-mini"}"#;

fn models_dev(columns: &str) -> Synced {
    let api = format!(r#"{{"openai":{{"models":{{"gpt-4o-mini":{{{columns}}},"brand-new":{{{columns}}}}}}}}}"#);
    read_models_dev(&api, &Catalog::builtin(), 1, None).unwrap()
}

#[test]
fn what_a_source_leaves_out_of_an_endpoint_that_it_still_lists_stays_as_it_last_said() {
    let full = r#"{"tag":"openai","context_length":5000,"max_completion_tokens":400,"quantization":"fp8","supported_parameters":["seed"],
        "pricing":{"prompt":"9e-7","completion":"8e-6","input_cache_read":"4e-7","overrides":[{"min_prompt_tokens":10,"prompt":"2e-6"}]}}"#;
    let last = openrouter(MINI, full);
    let all = (Some(900_000), Some(8_000_000), Some(400_000), 1);
    // what the source says the next time, the prices that hold: input, output, cached input, lists for longer prompts
    for (now, prices) in [
        (r#"{"tag":"openai"}"#, all),
        (r#"{"tag":"openai","pricing":{}}"#, all),
        (r#"{"tag":"openai","pricing":null,"context_length":null,"supported_parameters":[]}"#, all),
        (r#"{"tag":"openai","pricing":{"prompt":"x","completion":"1e-6"}}"#, all),
        (r#"{"tag":"openai","pricing":{"prompt":"0","completion":"0"}}"#, all),
        (r#"{"tag":"openai","pricing":{"prompt":"5e-7","completion":"0"}}"#, all),
        (r#"{"tag":"openai","pricing":{"prompt":"5e-7","completion":"1e-6"}}"#, (Some(500_000), Some(1_000_000), Some(400_000), 1)),
        (
            r#"{"tag":"openai","pricing":{"prompt":"5e-7","completion":"1e-6","input_cache_read":"1e-7"}}"#,
            (Some(500_000), Some(1_000_000), Some(100_000), 1),
        ),
    ] {
        let kept = openrouter(MINI, now).with_missing_from(&last, &[].into());
        let (endpoint, known) = (&kept.endpoints[0], &last.endpoints[0]);
        let pricing = endpoint.pricing.clone().unwrap();
        let of = |price: Option<Price>| price.map(|price| price.0);
        assert_eq!((of(pricing.prompt), of(pricing.completion), of(pricing.cache_read), pricing.tiers.len()), prices, "{now}");
        assert_eq!((endpoint.context_length, endpoint.max_output), (known.context_length, known.max_output), "{now}");
        assert_eq!((&endpoint.quantization, &endpoint.supported_parameters), (&known.quantization, &known.supported_parameters), "{now}");
    }
    let gone = openrouter(MINI, r#"{"tag":"azure"}"#).with_missing_from(&last, &[].into());
    assert_eq!(gone.endpoints.iter().map(|e| (e.tag.as_str(), e.pricing.is_some())).collect::<Vec<_>>(), [("azure", false)]);
    let other = models_dev(r#""limit":{"context":9}"#).with_missing_from(&last, &[].into());
    assert!(other.endpoints.iter().all(|e| e.pricing.is_none()), "what another source said stands for nothing");
}

#[test]
fn a_cost_that_models_dev_drops_stays_as_well_and_an_id_that_it_takes_back_does_not() {
    let last = models_dev(r#""cost":{"input":9,"output":8,"cache_read":1},"modalities":{"output":["text"]}"#);
    for (now, cached) in [
        (r#""name":"x""#, 1_000_000),
        (r#""cost":{"input":9,"output":8}"#, 1_000_000),
        (r#""cost":{"input":9,"output":8,"cache_read":2}"#, 2_000_000),
    ] {
        let kept = models_dev(now).with_missing_from(&last, &[].into());
        let catalog = Catalog::layered(Some(&kept), &[]).unwrap();
        let mini = catalog.endpoints_of(catalog.model("openai/gpt-4o-mini").unwrap()).find(|e| e.tag == "openai").unwrap();
        assert_eq!(
            (mini.prices.base.listed(Meter::Input), mini.prices.base.listed(Meter::CacheRead)),
            (Some(Price(9_000_000)), Some(Price(cached))),
            "{now}"
        );
        let new = kept.endpoints.iter().find(|e| e.model.as_str() == "openai/brand-new").unwrap();
        assert_eq!(new.upstream_id, None, "{now}: what gives no text is called in another way");
    }
}

#[test]
fn a_column_that_cannot_be_read_is_left_out_and_told() {
    let model = |columns: &str| openrouter(&format!(r#"{{"id":"acme/one",{columns}}}"#), "");
    for (columns, told) in [
        (
            r#""context_length":"abc","pricing":"free","architecture":[],"name":9"#,
            "name, context_length, architecture, pricing cannot be read",
        ),
        (r#""created":-5"#, "created cannot be read"),
        (r#""created":"soon""#, "created cannot be read"),
        (r#""created":1790000000000"#, "created cannot be read"),
        (r#""context_length":-1"#, "context_length cannot be read"),
        (r#""reasoning":true,"supported_parameters":{}"#, "supported_parameters, reasoning cannot be read"),
    ] {
        let synced = model(columns);
        assert_eq!((synced.skipped, synced.skipped_count), (vec![format!("model acme/one: {told}")], 1), "{columns}");
        assert_eq!((synced.models.len(), synced.models[0].created), (1, None), "{columns}");
    }
    for fine in [r#""created":0"#, r#""context_length":0,"name":null"#, r#""hugging_face_id":"","a_new_key":[7]"#] {
        assert_eq!(model(fine).skipped, Vec::<String>::new(), "{fine}");
    }
    let of = "openai/gpt-4o-mini at openai:";
    for (columns, told) in [
        (r#""context_length":-1"#, format!("{of} context_length cannot be read")),
        (r#""max_completion_tokens":"many","pricing":[]"#, format!("{of} max_completion_tokens, pricing cannot be read")),
        (r#""pricing":{"prompt":"abc","completion":"1e-6"}"#, format!("the prices of {of} prompt is abc, which is no price")),
        (r#""pricing":{"prompt":"1e-6","completion":"-0.5"}"#, format!("the prices of {of} completion is -0.5, which is no price")),
        (r#""pricing":{"prompt":"NaN","completion":"1e-6"}"#, format!("the prices of {of} prompt is NaN, which is no price")),
        (r#""pricing":{"prompt":"1e-14","completion":"1e-6"}"#, format!("the prices of {of} prompt is 1e-14, which is no price")),
        (r#""pricing":{"prompt":"1e-6"}"#, format!("the prices of {of} completion is missing")),
        (r#""pricing":{"prompt":"1e-6","completion":"1e-6","overrides":7}"#, format!("the prices of {of} overrides cannot be read")),
        (
            r#""pricing":{"prompt":"1e-6","completion":"1e-6","overrides":[{"utc_start":"1630","prompt":"2e-6"}]}"#,
            format!("the prices of {of} a price of a time of day"),
        ),
        (
            r#""pricing":{"prompt":"1e-6","completion":"1e-6","overrides":[{"min_prompt_tokens":9,"prompt":"x"}]}"#,
            format!("the prices of {of} prompt is x, which is no price"),
        ),
    ] {
        let synced = openrouter(MINI, &format!(r#"{{"tag":"openai",{columns}}}"#));
        assert_eq!((synced.skipped, synced.endpoints.len()), (vec![told], 1), "{columns}");
        assert_eq!(synced.endpoints[0].pricing, None, "{columns}");
    }
    for fine in [r#""pricing":{}"#, r#""pricing":{"prompt":"0","completion":"0"}"#, r#""pricing":{"prompt":null},"context_length":0"#] {
        assert_eq!(openrouter(MINI, &format!(r#"{{"tag":"openai",{fine}}}"#)).skipped, Vec::<String>::new(), "{fine}");
    }
    for (columns, told) in [
        (r#""cost":{"input":"x","output":1}"#, "the prices of brand-new at openai: input is x, which is no price"),
        (r#""cost":{"input":1,"output":1,"tiers":[7]}"#, "the prices of brand-new at openai: tiers cannot be read"),
        (r#""limit":{"context":-3}"#, "model brand-new at openai: context cannot be read"),
        (r#""release_date":"2026-02-30""#, "model brand-new at openai: release_date cannot be read"),
        (r#""open_weights":"yes","cost":3"#, "model brand-new at openai: open_weights, cost cannot be read"),
    ] {
        let synced = models_dev(columns);
        assert!(synced.skipped_count == 2 && synced.skipped[0] == told, "{columns}: {:?}", synced.skipped);
    }
}

#[test]
fn of_two_entries_of_one_name_the_first_counts_and_the_other_is_told() {
    let twice = openrouter(
        &format!(r#"{MINI},{{"id":"openai/gpt-4o-mini","name":"Other"}}"#),
        r#"{"tag":"openai","context_length":7},{"tag":"openai","context_length":8}"#,
    );
    assert_eq!((twice.models.len(), twice.models[0].name.clone(), twice.endpoints.len()), (1, None, 1));
    assert_eq!(twice.endpoints[0].context_length, Some(7));
    assert_eq!(
        twice.skipped,
        ["model openai/gpt-4o-mini: stands twice, the first counts", "openai/gpt-4o-mini at openai: stands twice, the first counts"]
    );
    assert_eq!(models_dev(r#""limit":{"context":9}"#).skipped, Vec::<String>::new());
}

#[test]
fn notes_of_answers_that_did_not_come_are_bounded_and_take_the_name_of_the_version() {
    let named = || Synced { etag: Some("v1".to_owned()), ..openrouter(MINI, "") };
    let told = |n: usize| named().with_unread(&(0..n).map(|i| format!("{i}{}", "x".repeat(300))).collect::<Vec<_>>());
    for (n, count, shown, first) in [(0, 0, 0, 0), (2, 2, 2, 2), (150, 150, 100, 3)] {
        let synced = told(n);
        assert_eq!(
            (synced.unread_count, synced.unread.len(), synced.unread_first().len(), synced.etag.is_some()),
            (count, shown, first, n == 0)
        );
        assert!(synced.unread.iter().all(|note| note.len() == 200));
        assert_eq!(Synced::from_text(&synced.to_text().unwrap()).unwrap(), synced);
    }
}

#[test]
fn what_models_dev_says_of_a_model_is_read() {
    let synced = models_dev(
        r#""release_date":"2024-02-29","open_weights":false,"reasoning":true,"reasoning_options":[{"type":"toggle"},
        {"type":"effort","values":["low","medium","high","odd"]},{"type":"budget_tokens","min":1024,"max":9},7],"limit":{"context":9},
        "modalities":{"output":["text"]}"#,
    );
    let read = synced.models.iter().find(|m| m.slug.as_str() == "openai/brand-new").unwrap();
    assert_eq!((read.created, read.open_weights), (Some(1_709_164_800), Some(false)));
    let reasoning = read.reasoning.clone().unwrap();
    assert_eq!(reasoning.supported_efforts.unwrap(), ["high", "medium", "low", "odd"]);
    assert_eq!((reasoning.supports_max_tokens, reasoning.mandatory), (Some(true), false));

    let (builtin, catalog) = (Catalog::builtin(), Catalog::layered(Some(&synced), &[]).unwrap());
    let new = catalog.model("openai/brand-new").unwrap();
    assert_eq!((new.created, new.open_weights, new.origin), (1_709_164_800, Some(false), DataOrigin::Synced));
    let (old, known) = (builtin.model("openai/gpt-4o-mini").unwrap(), catalog.model("openai/gpt-4o-mini").unwrap());
    assert_eq!((old.created, &old.reasoning), (known.created, &known.reasoning), "what is known stays");
    assert_eq!(known.open_weights, old.open_weights.or(Some(false)), "a gap is filled");

    let bare = |columns: &str| models_dev(columns).models.into_iter().find(|m| m.slug.as_str() == "openai/brand-new").unwrap();
    let plain = bare(r#""reasoning":true,"release_date":"2026-03""#);
    assert_eq!(
        (plain.created, plain.reasoning.map(|r| (r.supported_efforts, r.supports_max_tokens))),
        (Some(1_772_323_200), Some((None, None)))
    );
    assert_eq!(bare(r#""reasoning":false,"reasoning_options":[{"type":"toggle"}]"#).reasoning, None);
}
