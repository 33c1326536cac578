//! Our answers against the published schemas, which are read where they stand, outside the repository.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test that cannot go on fails, one that is skipped says so")]

#[allow(dead_code, reason = "each test file uses its own part")]
mod facts;

use portolan_catalog::{Alias, Catalog, EndpointStats, Listed, ModelSort, ProviderOverlay, models_answer};
use portolan_core::{ModelSlug, Percentiles, Task};
use serde_json::{Value, json};

/// What of `value` does not fit `schema`: types, required fields and alternatives; texts of an enum are left open.
fn misfits(api: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = api.pointer(reference.trim_start_matches('#')).unwrap_or_else(|| panic!("{reference}"));
        return misfits(api, target, value, at);
    }
    if let Some(any) = schema["anyOf"].as_array() {
        let each: Vec<_> = any.iter().map(|s| misfits(api, s, value, at)).collect();
        return if each.iter().any(Vec::is_empty) { Vec::new() } else { each.into_iter().flatten().collect() };
    }
    let fits = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some("null") => value.is_null(),
        _ => true,
    };
    if !fits {
        return vec![format!("{at}: {value} is no {}", schema["type"])];
    }
    let missing = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).filter(|name| value.get(name).is_none());
    let mut found: Vec<String> = missing.map(|name| format!("{at}: `{name}` is missing")).collect();
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(value) = value.get(name) {
            found.extend(misfits(api, schema, value, &format!("{at}.{name}")));
        }
    }
    for (i, item) in value.as_array().into_iter().flatten().enumerate() {
        found.extend(misfits(api, &schema["items"], item, &format!("{at}[{i}]")));
    }
    found
}

fn catalog() -> Catalog {
    let text = "base_url = \"http://x\"\n[[models]]\nid = \"own/unpriced\"\ncontext_length = 9";
    Catalog::builtin_with(&[ProviderOverlay::parse("own", text.parse().unwrap()).unwrap()]).unwrap()
}

/// The whole list of these rows.
fn list<'a>(catalog: &Catalog, rows: impl Iterator<Item = Listed<'a>>) -> Value {
    let rows: Vec<String> = rows.map(|row| catalog.model_row(row).to_string()).collect();
    serde_json::from_str(&models_answer(rows.iter().map(String::as_str), rows.len(), None)).unwrap()
}

fn measured() -> EndpointStats {
    let all = Percentiles { p50: Some(120.0), p75: Some(180.5), p90: Some(250.0), p99: Some(900.0) };
    EndpointStats { uptime_5m: Some(100.0), uptime_30m: Some(99.5), uptime_1d: None, latency_30m: Some(all), throughput_30m: Some(all) }
}

/// A catalog in which some endpoints retain nothing, and some models make images or videos.
fn with_media() -> Catalog {
    let mut catalog = catalog();
    for (i, endpoint) in catalog.endpoints.iter_mut().enumerate() {
        endpoint.zdr = i % 3 == 0;
    }
    for (i, model) in catalog.models.iter_mut().enumerate() {
        model.task = [Task::Chat, Task::Images, Task::Videos, Task::Embeddings][i % 4];
    }
    catalog
}

#[test]
fn every_answer_fits_the_schema_of_the_newest_clients() {
    let Some(api) = facts::read("reference/openrouter/openapi-2026-10-reconstructed.json") else { return };
    let schema_of = |path: &str| {
        let schema = &api["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        assert!(!schema.is_null(), "{path}");
        schema.clone()
    };
    let catalog = catalog();
    assert_eq!(misfits(&api, &schema_of("/models"), &list(&catalog, catalog.listed()), "models"), Vec::<String>::new());
    assert_eq!(misfits(&api, &schema_of("/providers"), &catalog.providers_answer(), "providers"), Vec::<String>::new());
    let endpoints = schema_of("/models/{author}/{slug}/endpoints");
    for model in &catalog.models {
        assert_eq!(
            misfits(&api, &endpoints, &catalog.endpoints_answer(model, |_| Some(measured())), model.slug.as_str()),
            Vec::<String>::new()
        );
    }
    let alias = ModelSlug::parse("~openai/gpt-mini-latest").unwrap();
    let aliased =
        Listed { alias: Some(Alias { slug: &alias, name: "GPT mini, latest" }), ..catalog.find_listed("openai/gpt-4o-mini").unwrap() };
    let one = serde_json::json!({ "data": catalog.model_row(aliased) });
    assert_eq!(misfits(&api, &schema_of("/model/{author}/{slug}"), &one, "alias"), Vec::<String>::new());
    let wrong = serde_json::json!({ "data": [{}] });
    assert!(!misfits(&api, &schema_of("/models"), &wrong, "wrong").is_empty(), "the check itself sees what is missing");
}

#[test]
fn a_row_of_models_suits_clients_of_openai_too() {
    let catalog = catalog();
    let answer = list(&catalog, catalog.listed());
    assert_eq!(answer["object"], "list");
    assert_eq!(answer["total_count"], catalog.models.len() + catalog.aliases().count());
    let row = answer["data"].as_array().unwrap().iter().find(|r| r["id"] == "openai/gpt-4o-mini").unwrap();
    assert_eq!((&row["object"], &row["owned_by"], &row["created"]), (&"model".into(), &"openai".into(), &1_721_260_800.into()));
    assert_eq!(row["pricing"]["prompt"], "0.00000015");
    assert_eq!(row["description"], "GPT-4o-mini by OpenAI: text, image, file in, text out, 128000 tokens of context.");
}

#[test]
fn an_unknown_price_is_shown_as_unknown_and_a_tier_as_an_override() {
    let catalog = catalog();
    let row = catalog.model_row(catalog.model("own/unpriced").unwrap().into());
    assert_eq!((&row["pricing"]["prompt"], &row["pricing"]["completion"]), (&"-1".into(), &"-1".into()));
    let row = catalog.model_row(catalog.model("anthropic/claude-sonnet-4.5").unwrap().into());
    assert_eq!(row["pricing"]["overrides"][0]["min_prompt_tokens"], 200_000);
    assert_eq!(row["pricing"]["overrides"][0]["prompt"], "0.000006");
    assert_eq!(row["pricing"]["overrides"][0].get("web_search"), None);
    let row = catalog.model_row(catalog.model("openrouter/auto").unwrap().into());
    assert_eq!((&row["pricing"]["prompt"], &row["context_length"]), (&"-1".into(), &2_000_000.into()), "the price of a router varies");
}

#[test]
fn the_lists_of_other_tasks_and_of_zero_retention_fit_their_schemas() {
    let Some(api) = facts::read("reference/openrouter/openapi-2026-10-reconstructed.json") else { return };
    let schema_of = |path: &str| &api["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
    let catalog = with_media();
    let builtin = Catalog::builtin();
    for (path, answer) in [
        ("/images/models", builtin.image_models_answer()),
        ("/videos/models", builtin.video_models_answer()),
        ("/endpoints/zdr", catalog.zdr_answer(|_| Some(measured().without_speed()))),
        ("/images/models", catalog.image_models_answer()),
        ("/videos/models", catalog.video_models_answer()),
    ] {
        assert!(answer["data"].as_array().unwrap().len() > 5, "{path}");
        assert_eq!(misfits(&api, schema_of(path), &answer, path), Vec::<String>::new());
    }
    let mut priced = 0;
    for (catalog, model) in [&catalog, &builtin].into_iter().flat_map(|c| c.models.iter().map(move |model| (c, model))) {
        let Some(answer) = catalog.image_endpoints_answer(model) else {
            assert_ne!(model.task, Task::Images);
            continue;
        };
        assert_eq!(misfits(&api, schema_of("/images/models/{author}/{slug}/endpoints"), &answer, "images"), Vec::<String>::new());
        priced += answer["endpoints"].as_array().unwrap().iter().filter(|e| e["pricing"][0]["cost_usd"].as_f64() > Some(0.0)).count();
    }
    assert!(priced > 5, "{priced}");
}

#[test]
fn what_a_media_model_can_be_told_and_costs_is_shown() {
    let catalog = Catalog::builtin();
    let of = |answer: Value, id: &str| answer["data"].as_array().unwrap().iter().find(|row| row["id"] == id).unwrap().clone();
    let video = of(catalog.video_models_answer(), "black-forest-labs/flux-3-video");
    assert_eq!(video["supported_durations"].as_array().unwrap().len(), 16);
    assert_eq!(video["supported_resolutions"], json!(["720p", "1080p"]));
    assert_eq!(video["supported_frame_images"], json!(["first_frame", "last_frame"]));
    assert_eq!((&video["generate_audio"], &video["seed"], &video["supported_sizes"]), (&json!(true), &json!(false), &Value::Null));
    assert_eq!(video["pricing_skus"]["cents_per_second_output_1080p"], "29");
    assert_eq!(video["allowed_passthrough_parameters"], json!(["safety_tolerance", "version"]));
    let upscaler = of(catalog.video_models_answer(), "black-forest-labs/flux-video-upscale");
    assert!(upscaler["upscale_factor"]["max"].is_number() && upscaler["creativity"].is_array(), "{upscaler}");

    let image = of(catalog.image_models_answer(), "qwen/qwen-image-3-pro");
    let can = &image["supported_parameters"];
    assert_eq!(can["resolution"], json!({ "type": "enum", "values": ["1K", "2K"] }));
    assert_eq!((&can["n"], &can["seed"]), (&json!({ "type": "range", "min": 1, "max": 6 }), &json!({ "type": "boolean" })));
    assert_eq!(can.get("output_compression"), None, "what nobody knows is left out");
    let endpoints = |id: &str| catalog.image_endpoints_answer(catalog.model(id).unwrap()).unwrap()["endpoints"][0].clone();
    let pro = endpoints("qwen/qwen-image-3-pro");
    assert_eq!(pro["supported_parameters"], *can);
    assert_eq!(
        pro["pricing"],
        json!([
            { "billable": "output_image", "unit": "image", "variant": "1K", "cost_usd": 0.04 },
            { "billable": "output_image", "unit": "image", "variant": "2K", "cost_usd": 0.075 },
            { "billable": "input_image", "unit": "image", "cost_usd": 0.003 },
        ])
    );
    assert_eq!(endpoints("recraft/recraft-v4")["allowed_passthrough_parameters"], json!(["controls", "style", "text_layout"]));

    let voices = |id: &str| catalog.model_row(catalog.find_listed(id).unwrap())["supported_voices"].clone();
    assert!(voices("google/gemini-3.1-flash-tts-preview").as_array().unwrap().iter().any(|voice| voice == "Zephyr"));
    assert_eq!(voices("openai/gpt-4o-mini"), Value::Null);
}

#[test]
fn an_alias_is_shown_with_its_targets_price_and_a_router_without_one() {
    let mut catalog = catalog();
    let alias = ModelSlug::parse("~openai/gpt-mini-latest").unwrap();
    let target = catalog.find_listed("openai/gpt-4o-mini").unwrap();
    let row = catalog.model_row(Listed { alias: Some(Alias { slug: &alias, name: "GPT mini, latest" }), ..target });
    assert_eq!(
        (&row["id"], &row["name"], &row["owned_by"]),
        (&"~openai/gpt-mini-latest".into(), &"GPT mini, latest".into(), &"openai".into())
    );
    assert_eq!(row["alias_target"], serde_json::json!({ "slug": "openai/gpt-4o-mini", "name": target.model.name }));
    assert_eq!(row["pricing"]["prompt"], "0.00000015");
    assert!(catalog.model_row(target).get("alias_target").is_none());

    let router = catalog.models.iter_mut().find(|m| m.slug.as_str() == "own/unpriced").unwrap();
    router.endpoints.clear();
    let row = catalog.model_row(catalog.find_listed("own/unpriced").unwrap());
    assert_eq!((&row["pricing"]["prompt"], &row["pricing"]["completion"]), (&"-1".into(), &"-1".into()));
}

#[test]
fn speed_is_shown_whole_or_not_at_all() {
    let catalog = catalog();
    let endpoint = &catalog.endpoints[0];
    let row = catalog.endpoint_row(endpoint, Some(measured()));
    assert_eq!(row["latency_last_30m"], serde_json::json!({ "p50": 120.0, "p75": 180.5, "p90": 250.0, "p99": 900.0 }));
    assert_eq!((&row["uptime_last_30m"], &row["uptime_last_1d"]), (&99.5.into(), &Value::Null));
    let row = catalog.endpoint_row(endpoint, Some(measured().without_speed()));
    assert_eq!(
        (&row["uptime_last_5m"], &row["latency_last_30m"], &row["throughput_last_30m"]),
        (&100.0.into(), &Value::Null, &Value::Null)
    );
    let partly = EndpointStats { latency_30m: Some(Percentiles { p50: Some(1.0), ..Percentiles::default() }), ..EndpointStats::default() };
    assert_eq!(catalog.endpoint_row(endpoint, Some(partly))["latency_last_30m"], Value::Null);
}

#[test]
fn what_was_not_measured_comes_last_in_every_order() {
    let catalog = catalog();
    let fast = catalog.model("openai/gpt-4o-mini").unwrap();
    let stats = |ix| fast.endpoints.contains(&ix).then(measured);
    for sort in [ModelSort::ThroughputHighToLow, ModelSort::LatencyLowToHigh] {
        let first = catalog.listed().min_by_key(|row| sort.key(&catalog, row, stats)).unwrap();
        assert_eq!(first.slug(), &fast.slug, "{sort:?}");
    }
    let unpriced = catalog.find_listed("own/unpriced").unwrap();
    for sort in [ModelSort::PriceLowToHigh, ModelSort::PriceHighToLow, ModelSort::Newest] {
        assert!(sort.key(&catalog, &unpriced, |_| None) >= catalog.listed().map(|r| sort.key(&catalog, &r, |_| None)).max().unwrap());
    }
}
