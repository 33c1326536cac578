//! Live catalogs: what is read of small answers in the sources' forms, and what a merge may and may not change.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::LazyLock;

use portolan_catalog::sync::{Diff, LiveEndpoint, LiveMedia, LiveModel, OpenRouterAnswers, Source, SyncError, Synced, read_models_dev};
use portolan_catalog::{Catalog, DataOrigin, DataPolicy, MediaUnit, NotCallable, Pricing, ProviderOverlay, Range};
use portolan_core::{Capability, Meter, ModelSlug, Price, ProviderSlug, ServiceTier, Task};
use proptest::prelude::*;

const MODELS: &str = r#"{"data":[
  {"id":"openai/gpt-4o-mini","canonical_slug":"openai/gpt-4o-mini","name":"OpenAI: GPT-4o-mini","created":1721260800,"description":"not kept",
   "hugging_face_id":"","context_length":128000,"architecture":{"modality":"text+image->text","input_modalities":["text","image"],
   "output_modalities":["text"],"tokenizer":"GPT","instruct_type":null},"pricing":{"prompt":"0.00000015","completion":"0.0000006"},
   "top_provider":{"context_length":128000,"max_completion_tokens":16384,"is_moderated":true},"per_request_limits":null,
   "supported_parameters":["max_tokens"],"a_new_key":{"of":["any",{"form":1}]}},
  {"id":"acme/rocket-1","canonical_slug":"acme/rocket-1-20261001","name":"Acme: Rocket 1","created":1790000000,"context_length":65536,
   "architecture":{"input_modalities":["text","telepathy"],"output_modalities":["text"],"tokenizer":"Acme"},
   "pricing":{"prompt":"5e-9","completion":0.00000002},"top_provider":{"is_moderated":false},"knowledge_cutoff":"2026-01-31",
   "reasoning":{"mandatory":true,"supported_efforts":["high","low"],"mystery":7},"default_parameters":{"temperature":0.7,"top_p":null}},
  {"id":"openrouter/auto","pricing":{"prompt":"-1","completion":"-1"}},
  {"id":"openrouter/unheard-of","pricing":{"prompt":"-1","completion":"-1"}},
  {"id":"~acme/rocket-latest","pricing":{"prompt":"5e-9","completion":"5e-9"}},
  {"id":"acme/rocket-1:batch","pricing":{"prompt":"5e-9","completion":"5e-9"}},
  {"id":"no slug at all"}, 17, {"name":"nameless"}
]}"#;

const MINI: &str = r#"{"data":{"id":"openai/gpt-4o-mini","endpoints":[
  {"name":"OpenAI","tag":"openai","context_length":130000,"max_completion_tokens":null,"max_prompt_tokens":null,"quantization":"unknown",
   "pricing":{"prompt":"0.0000002","completion":"0.0000008","input_cache_read":"0.0000001","request":"0"},"supported_parameters":["max_tokens","seed"],
   "status":-2,"uptime_last_30m":99.9},
  {"tag":"initech/fp8","context_length":128000,"quantization":"fp9000","pricing":{"prompt":"1e-7","completion":"1e-7"}},
  {"provider_name":"without a tag"}, {"tag":"groq/\u001b[31m","context_length":1}
]}}"#;

const ROCKET: &str = r#"{"data":{"id":"acme/rocket-1","endpoints":[
  {"tag":"acme","context_length":65536,"pricing":{"prompt":"5e-9","completion":"2e-8"},"supported_parameters":["tools","tool_choice"]},
  {"tag":"groq","context_length":65536,"pricing":{"prompt":"0","completion":"0"}}
]}}"#;

const ZDR: &str = r#"{"data":[{"model_id":"acme/rocket-1","tag":"acme"},{"model_id":"openai/gpt-4o-mini"}]}"#;
const PROVIDERS: &str = r#"{"data":[
  {"name":"OpenAI","slug":"openai","privacy_policy_url":"https://openai.example/privacy","terms_of_service_url":null,"status_page_url":null,
   "headquarters":"XX","datacenters":["XX"]},
  {"name":"Acme Clouds","slug":"acme","headquarters":"DE","datacenters":["DE","FR"],"base_url":"https://evil.example"},
  {"name":"No slug"}
]}"#;

fn slug(text: &str) -> ModelSlug {
    ModelSlug::parse(text).unwrap()
}

fn from_openrouter() -> Synced {
    let endpoints = [(slug("openai/gpt-4o-mini"), MINI.to_owned()), (slug("acme/rocket-1"), ROCKET.to_owned())];
    let answers = OpenRouterAnswers {
        models: MODELS,
        endpoints: &endpoints,
        zdr: Some(ZDR),
        providers: Some(PROVIDERS),
        ..OpenRouterAnswers::default()
    };
    answers.read(1_790_000_000, Some("\"v1\"".to_owned())).unwrap()
}

static BUILTIN: LazyLock<Catalog> = LazyLock::new(Catalog::builtin);

/// The built-in rows with a live catalog over them.
fn with(synced: &Synced) -> Catalog {
    Catalog::layered(Some(synced), &[]).unwrap()
}

fn endpoint<'a>(catalog: &'a Catalog, model: &str, tag: &str) -> &'a portolan_catalog::Endpoint {
    let model = catalog.model(model).unwrap();
    catalog.endpoints_of(model).find(|e| e.tag == tag).unwrap_or_else(|| panic!("no {tag}"))
}

#[test]
fn openrouters_answers_are_read_and_what_is_unknown_or_broken_is_left_out() {
    let synced = from_openrouter();
    let slugs: Vec<&str> = synced.models.iter().map(|m| m.slug.as_str()).collect();
    assert_eq!(slugs, ["acme/rocket-1", "openai/gpt-4o-mini"], "no router, no alias, no batch variant, nothing nameless");
    let rocket = &synced.models[0];
    assert_eq!(rocket.canonical_slug, Some(slug("acme/rocket-1-20261001")));
    assert_eq!((rocket.moderated, rocket.knowledge_cutoff.as_deref()), (Some(false), Some("2026-01-31")));
    assert_eq!(rocket.reasoning.as_ref().map(|r| (r.mandatory, r.supported_efforts.clone().unwrap().len())), Some((true, 2)));
    assert_eq!(rocket.default_parameters.as_ref().map(|p| (p.temperature, p.top_p)), Some((Some(0.7), None)));
    let tags: Vec<&str> = synced.endpoints.iter().map(|e| e.tag.as_str()).collect();
    assert_eq!(tags, ["acme", "groq", "initech/fp8", "openai"]);
    assert_eq!(synced.endpoints[0].pricing.as_ref().unwrap().prompt, Some(Price(5_000)));
    assert_eq!(synced.zdr.as_ref().unwrap().len(), 1);
    assert_eq!(synced.providers.len(), 2);
    assert_eq!(synced.skipped.len(), 9, "{:?}", synced.skipped);
    assert_eq!(OpenRouterAnswers::slugs(MODELS).unwrap().len(), 2);
}

/// Whatever stands in a list of a source and is no row of it is told, each by its place.
#[test]
fn what_is_no_row_is_left_out_and_told() {
    let rocket = r#"{"id":"acme/rocket-1"}"#;
    let of = |model: &str, rows: &str| vec![(slug(model), rows.to_owned())];
    for (junk, is) in [("7", "a number"), ("null", "null"), (r#""text""#, "a text"), ("[{}]", "a list"), ("true", "true or false")] {
        let list = |row: &str| format!(r#"{{"data":[{row},{junk}]}}"#);
        let (models, listed) = (list(rocket), list(rocket));
        let (zdr, providers) = (list(r#"{"model_id":"acme/rocket-1","tag":"acme"}"#), list(r#"{"slug":"acme"}"#));
        let endpoints = of("acme/rocket-1", &format!(r#"{{"data":{{"endpoints":[{junk},{{"tag":"acme"}}]}}}}"#));
        let image_endpoints = of("acme/rocket-1", &format!(r#"{{"endpoints":[{junk},{{"provider_tag":"acme"}}]}}"#));
        let answers = OpenRouterAnswers {
            models: &models,
            endpoints: &endpoints,
            zdr: Some(&zdr),
            providers: Some(&providers),
            images: Some(&listed),
            image_endpoints: &image_endpoints,
            videos: Some(&listed),
        };
        let synced = answers.read(1, None).unwrap();
        let media = |of: &Option<Vec<LiveMedia>>| of.as_ref().unwrap().iter().map(|one| one.endpoints.len()).collect::<Vec<_>>();
        assert_eq!((synced.models.len(), synced.endpoints.len(), synced.providers.len()), (1, 1, 1), "{junk}");
        assert_eq!((synced.zdr.as_ref().unwrap().len(), media(&synced.images), media(&synced.videos)), (1, vec![1], vec![1]), "{junk}");
        let told = [
            format!("entry 2 of /models: {is}, and no object"),
            format!("entry 1 of the endpoints of acme/rocket-1: {is}, and no object"),
            format!("entry 2 of /endpoints/zdr: {is}, and no object"),
            format!("entry 2 of /providers: {is}, and no object"),
            format!("entry 2 of /images/models: {is}, and no object"),
            format!("entry 1 of /images/models/acme/rocket-1/endpoints: {is}, and no object"),
            format!("entry 2 of /videos/models: {is}, and no object"),
        ];
        assert_eq!(synced.skipped, told);

        let api = format!(
            r#"{{"hooli":{{"models":{{"box-3":{{"limit":{{"context":9}}}},"box-4":{junk}}}}},"initech":{{"models":{junk}}},"acme":{junk}}}"#
        );
        let synced = read_models_dev(&api, &BUILTIN, 1, None).unwrap();
        assert_eq!(synced.models.iter().map(|m| m.slug.as_str()).collect::<Vec<_>>(), ["hooli/box-3"], "{junk}");
        let told = [
            "provider acme".to_owned(),
            format!("model box-4 at hooli: {is}, and no object"),
            format!("models of initech: {is}, and no object"),
        ];
        assert_eq!(synced.skipped, told);
    }
}

#[test]
fn a_row_without_a_name_is_left_out_and_told() {
    let rocket = r#"{"id":"acme/rocket-1"}"#;
    let models = format!(r#"{{"data":[{rocket}]}}"#);
    let named = |row: &str| format!(r#"{{"data":[{row}]}}"#);
    let empty = OpenRouterAnswers { models: &models, ..OpenRouterAnswers::default() };
    let (nameless, no_tag) = (named(r#"{"name":"x"}"#), named(r#"{"model_id":"acme/rocket-1"}"#));
    let endpoints = |text: &str| vec![(slug("acme/rocket-1"), text.to_owned())];
    let (no_endpoints, untagged) = (endpoints(r#"{"data":{"endpoints":7}}"#), endpoints(r#"{"endpoints":[{"pricing":[]}]}"#));
    let unread = endpoints("<html>");
    for (answers, told) in [
        (OpenRouterAnswers { providers: Some(&nameless), ..empty }, "an entry of /providers without a slug that can be read"),
        (OpenRouterAnswers { zdr: Some(&no_tag), ..empty }, "an entry of /endpoints/zdr without a model_id and a tag that can be read"),
        (OpenRouterAnswers { images: Some(&nameless), ..empty }, "an entry of /images/models without an id that can be read"),
        (OpenRouterAnswers { videos: Some(&nameless), ..empty }, "an entry of /videos/models without an id that can be read"),
        (OpenRouterAnswers { endpoints: &no_endpoints, ..empty }, "the endpoints of acme/rocket-1: no answer of the known form"),
        (
            OpenRouterAnswers { images: Some(&models), image_endpoints: &untagged, ..empty },
            "an entry of /images/models/acme/rocket-1/endpoints without a tag that can be read",
        ),
        (
            OpenRouterAnswers { images: Some(&models), image_endpoints: &unread, ..empty },
            "/images/models/acme/rocket-1/endpoints: no answer of the known form",
        ),
    ] {
        assert_eq!(answers.read(1, None).unwrap().skipped, [told]);
    }
}

#[test]
fn what_is_no_list_of_models_is_refused() {
    let read = |models: &str| OpenRouterAnswers { models, ..OpenRouterAnswers::default() }.read(1, None).unwrap_err();
    for broken in ["", "<html>", "[]", r#"{"data":{}}"#, r#"{"error":{"code":500}}"#, &MODELS[..200]] {
        assert!(matches!(read(broken), SyncError::Form { .. }), "{broken}");
        assert!(
            matches!(read_models_dev(broken, &Catalog::builtin(), 1, None), Err(SyncError::Form { .. } | SyncError::Empty)),
            "{broken}"
        );
    }
    assert_eq!(read(r#"{"data":[]}"#), SyncError::Empty);
}

#[test]
fn live_prices_and_limits_win_and_what_is_not_stated_stays() {
    let builtin = Catalog::builtin();
    let merged = with(&from_openrouter());
    let (old, new) = (endpoint(&builtin, "openai/gpt-4o-mini", "openai"), endpoint(&merged, "openai/gpt-4o-mini", "openai"));
    assert_eq!(new.prices.base.listed(Meter::Input), Some(Price(200_000)));
    assert_ne!(old.prices.version, new.prices.version, "a new price has a new version, which every charge keeps");
    assert_eq!((new.context_length, new.max_output, &new.upstream_id), (130_000, old.max_output, &old.upstream_id));
    assert_eq!((new.policy, new.region.clone(), new.quantization), (old.policy, old.region.clone(), old.quantization));
    assert_eq!((new.origin, old.origin, new.callable), (DataOrigin::Synced, DataOrigin::Builtin, Ok(())));
    let provider = merged.provider_by_slug("openai").unwrap();
    assert_eq!(provider.privacy_policy_url.as_deref(), Some("https://openai.example/privacy"));
    assert_eq!((provider.headquarters.as_deref(), provider.origin), (Some("US"), DataOrigin::Builtin), "a seat is curated");
    assert_eq!(provider.base_url, builtin.provider_by_slug("openai").unwrap().base_url);
}

#[test]
fn a_new_model_of_an_unknown_provider_is_listed_and_not_callable() {
    let merged = with(&from_openrouter());
    let rocket = merged.model("acme/rocket-1-20261001").unwrap();
    assert_eq!((rocket.slug.as_str(), rocket.origin), ("acme/rocket-1", DataOrigin::Synced));
    let acme = endpoint(&merged, "acme/rocket-1", "acme");
    assert_eq!(acme.callable, Err(NotCallable::UpstreamIdUnknown));
    assert_eq!(acme.policy, DataPolicy::default(), "unknown, which counts as the worst");
    assert_eq!(endpoint(&merged, "acme/rocket-1", "groq").callable, Err(NotCallable::PriceUnknown), "a live zero is not free");
    let provider = merged.provider_by_slug("acme").unwrap();
    assert_eq!((provider.base_url.as_str(), provider.origin), ("", DataOrigin::Synced), "an address is not a source's to say");
    assert!(merged.models.iter().all(|m| merged.endpoints_of(m).all(|e| merged.model_at(e.model).slug == m.slug)), "indices hold");
}

#[test]
fn a_new_model_is_sold_by_who_publishes_the_list_where_somebody_states_its_price() {
    let merged = with(&from_openrouter());
    let sold = endpoint(&merged, "acme/rocket-1", "openrouter");
    assert_eq!((sold.callable, sold.upstream_id.as_deref(), sold.origin), (Ok(()), Some("acme/rocket-1"), DataOrigin::Synced));
    assert!(sold.charged_by_report && !sold.free && !sold.zdr && sold.area.is_none());
    assert_eq!(sold.policy, DataPolicy::default(), "unknown, which counts as the worst");
    let ceiling = |meter| sold.prices.base.listed(meter);
    assert_eq!((ceiling(Meter::Input), ceiling(Meter::Output)), (Some(Price(5_000)), Some(Price(20_000))));
    assert_eq!((sold.context_length, sold.capabilities.has(Capability::Tools)), (65_536, true));
    // The same model of a source that sells nothing itself.
    let elsewhere = with(&Synced { source: Source::ModelsDev, ..from_openrouter() });
    assert!(elsewhere.endpoints_of(elsewhere.model("acme/rocket-1").unwrap()).all(|e| !e.charged_by_report));
}

#[test]
fn a_new_model_of_unknown_price_is_not_callable_at_the_reseller_either_and_one_that_makes_images_is_not_sold() {
    let unpriced = with(&only("acme/rocket-1", "acme", (0, 0)));
    let sold = endpoint(&unpriced, "acme/rocket-1", "openrouter");
    assert_eq!((sold.callable, sold.free), (Err(NotCallable::PriceUnknown), false));
    let mut images = only("acme/rocket-1", "acme", (1_000, 1_000));
    images.models[0].output_modalities = vec!["image".to_owned()];
    let images = with(&images);
    assert!(images.endpoints_of(images.model("acme/rocket-1").unwrap()).all(|e| !e.charged_by_report));
}

/// A live catalog of one endpoint, of a model that the source describes by its name alone.
fn only(model: &str, tag: &str, (prompt, completion): (u64, u64)) -> Synced {
    let models = format!(r#"{{"data":[{{"id":"{model}"}}]}}"#);
    let row = format!(r#"{{"tag":"{tag}","context_length":1000,"pricing":{{"prompt":"{prompt}e-12","completion":"{completion}e-12"}}}}"#);
    let endpoints = [(slug(model), format!(r#"{{"data":{{"endpoints":[{row}]}}}}"#))];
    OpenRouterAnswers { models: &models, endpoints: &endpoints, ..OpenRouterAnswers::default() }.read(1, None).unwrap()
}

#[test]
fn a_new_price_changes_the_ceiling_of_who_resells_the_model() {
    let dear = with(&only("openai/gpt-4o-mini", "openai", (50_000_000, 90_000_000)));
    let (before, after) = (endpoint(&BUILTIN, "openai/gpt-4o-mini", "openrouter"), endpoint(&dear, "openai/gpt-4o-mini", "openrouter"));
    assert!(before.charged_by_report && after.charged_by_report);
    assert!(before.prices.base.effective(Meter::Input) < Price(50_000_000));
    assert_eq!(after.prices.base.effective(Meter::Input), Price(50_000_000));
    assert_eq!(after.prices.base.effective(Meter::Output), Price(90_000_000));
    // What the source says of the reseller itself counts for nothing.
    let own = with(&only("openai/gpt-4o-mini", "openrouter", (1, 1)));
    assert_eq!(endpoint(&own, "openai/gpt-4o-mini", "openrouter").prices, before.prices);
    let api = r#"{"openrouter":{"models":{"openai/gpt-4o-mini":{"cost":{"input":1,"output":1},"limit":{"context":9}},"a/new":{}}},
        "hooli":{"models":{"b/new":{"limit":{"context":9}}}}}"#;
    let synced = read_models_dev(api, &BUILTIN, 1, None).unwrap();
    assert_eq!(synced.models.iter().map(|m| m.slug.as_str()).collect::<Vec<_>>(), ["b/new"]);
}

#[test]
fn the_price_of_a_class_of_service_is_its_own_and_an_unknown_class_is_no_endpoint() {
    let model = BUILTIN.models.iter().find(|m| BUILTIN.endpoints_of(m).any(|e| e.tag == "openai/flex")).unwrap().slug.as_str();
    let merged = with(&only(model, "openai/flex", (7_000, 9_000)));
    let flex = endpoint(&merged, model, "openai/flex");
    assert_eq!((flex.prices.base.effective(Meter::Input), flex.service_tier), (Price(7_000), Some(ServiceTier::Flex)));
    assert_eq!(endpoint(&merged, model, "openai").prices, endpoint(&BUILTIN, model, "openai").prices);
    let unknown = with(&only("anthropic/claude-sonnet-4.5", "anthropic/flex", (7_000, 9_000)));
    let sonnet = unknown.model("anthropic/claude-sonnet-4.5").unwrap();
    assert!(unknown.endpoints_of(sonnet).all(|e| e.tag != "anthropic/flex"));
}

#[test]
fn routers_and_other_names_of_models_are_not_a_sources_to_describe() {
    let routers = BUILTIN.models.iter().filter(|m| m.router).map(|m| m.slug.as_str());
    let (alias, target) = BUILTIN.aliases().next().unwrap();
    for name in routers.chain(["portolan/auto", "portolan/free", "portolan/anything", alias.as_str()]) {
        let mut synced = only("acme/rocket-1", "acme", (1_000, 1_000));
        synced.models[0].canonical_slug = Some(alias.clone());
        synced.models.push(LiveModel { slug: slug(name), ..synced.models[0].clone() });
        synced.endpoints.push(LiveEndpoint { model: slug(name), ..synced.endpoints[0].clone() });
        let merged = with(&synced);
        assert_eq!((merged.models.len(), merged.endpoints.len()), (BUILTIN.models.len() + 1, BUILTIN.endpoints.len() + 2), "{name}");
        assert_eq!(merged.model(alias.as_str()).unwrap().slug, BUILTIN.model_at(target.model).slug);
    }
}

#[test]
fn a_router_and_a_name_of_the_gateways_own_are_left_out_and_told_whatever_a_source_says_of_them() {
    let own = [("portolan/auto", "the gateway's own"), ("portolan/free", "the gateway's own"), ("portolan/anything", "the gateway's own")];
    let routers = BUILTIN.models.iter().filter(|m| m.router).map(|m| (m.slug.as_str(), "a router here"));
    for (name, why) in own.into_iter().chain(routers) {
        for price in ["0.000001", "0", "-1"] {
            let rows = format!(r#"{{"data":[{{"id":"{name}","pricing":{{"prompt":"{price}"}}}},{{"id":"acme/rocket-1"}}]}}"#);
            let synced = OpenRouterAnswers { models: &rows, ..OpenRouterAnswers::default() }.read(1, None).unwrap();
            assert_eq!(synced.models.iter().map(|m| m.slug.as_str()).collect::<Vec<_>>(), ["acme/rocket-1"], "{name} at {price}");
            assert_eq!((synced.skipped_count, synced.skipped.len()), (1, 1), "{name} at {price}");
            assert!(synced.skipped[0].contains(name) && synced.skipped[0].contains(why), "{:?}", synced.skipped);
            assert_eq!(OpenRouterAnswers::slugs(&rows).unwrap().len(), 1, "its endpoints are not asked for");
        }
    }
    for (id, name) in [("auto", "portolan/auto"), ("free", "portolan/free"), ("openrouter/auto", "openrouter/auto")] {
        let row = r#"{"cost":{"input":1,"output":1},"limit":{"context":9},"modalities":{"output":["text"]}}"#;
        let api = format!(r#"{{"portolan":{{"models":{{"{id}":{row},"acme/rocket-1":{row}}}}}}}"#);
        let synced = read_models_dev(&api, &BUILTIN, 1, None).unwrap();
        assert_eq!(synced.models.iter().map(|m| m.slug.as_str()).collect::<Vec<_>>(), ["acme/rocket-1"], "{name}");
        assert_eq!(synced.endpoints.len(), 1, "{name}");
        assert!(synced.skipped_count == 1 && synced.skipped[0].contains(id), "{name}: {:?}", synced.skipped);
    }
}

#[test]
fn a_variant_of_requests_is_no_model_whatever_a_source_lists() {
    for variant in ["nitro", "floor", "exacto", "online", "batch", "free:free", "nitro:free"] {
        let name = format!("openai/gpt-4o-mini:{variant}");
        let api = format!(
            r#"{{"openai":{{"models":{{"gpt-4o-mini:{variant}":{{"cost":{{"input":9,"output":9}},"limit":{{"context":9}},
            "modalities":{{"output":["text"]}}}},"brand-new":{{"limit":{{"context":9}}}}}}}}}}"#
        );
        let listed = format!(r#"{{"data":[{{"id":"{name}"}},{{"id":"acme/rocket-1"}}]}}"#);
        let openrouter = OpenRouterAnswers { models: &listed, ..OpenRouterAnswers::default() }.read(1, None).unwrap();
        for synced in [read_models_dev(&api, &BUILTIN, 1, None).unwrap(), openrouter] {
            assert!(synced.models.iter().all(|model| model.slug.as_str() != name), "{name} is read");
            assert!(synced.skipped.len() == 1 && synced.skipped[0].contains("variant"), "{name}: {:?}", synced.skipped);
        }
        // One that was stored before names were looked at, and a second name.
        let mut stored = only("acme/rocket-1", "acme", (1_000, 1_000));
        stored.models[0].canonical_slug = Some(slug(&name));
        stored.models.push(LiveModel { slug: slug(&name), ..stored.models[0].clone() });
        stored.endpoints.push(LiveEndpoint { model: slug(&name), ..stored.endpoints[0].clone() });
        let rows = |catalog: &Catalog| {
            let model = catalog.model(&name)?;
            Some((model.origin, catalog.endpoints_of(model).map(|e| (e.tag.clone(), e.origin)).collect::<Vec<_>>()))
        };
        assert_eq!(rows(&with(&stored)), rows(&BUILTIN), "{name} is laid over the rows");
    }
    let free = only("acme/rocket-1:free", "acme", (1_000, 1_000));
    assert!(with(&free).model("acme/rocket-1:free").is_some(), "a model of its own");
}

#[test]
fn what_a_new_model_gives_says_what_it_does() {
    for (gives, task) in [("image", Task::Images), ("video", Task::Videos), ("embeddings", Task::Embeddings), ("text", Task::Chat)] {
        let mut synced = only("acme/rocket-1", "acme", (1_000, 0));
        synced.models[0].output_modalities = vec![gives.to_owned()];
        let merged = with(&synced);
        let new = endpoint(&merged, "acme/rocket-1", "acme");
        assert_eq!((new.task, merged.model("acme/rocket-1").unwrap().task), (task, task));
        let priced = new.callable != Err(NotCallable::PriceUnknown);
        assert_eq!(priced, task != Task::Chat, "{gives}: only what gives no text may cost nothing by the token");
    }
}

const MEDIA_MODELS: &str = r#"{"data":[
  {"id":"black-forest-labs/flux-3-video","architecture":{"output_modalities":["video"]}},
  {"id":"qwen/qwen-image-3-pro","architecture":{"output_modalities":["image"]}},
  {"id":"acme/brush-1","architecture":{"input_modalities":["text"],"output_modalities":["image"]}},
  {"id":"google/gemini-3.1-flash-tts-preview","supported_voices":["Zephyr","Nova"],"architecture":{"output_modalities":["speech"]}}
]}"#;
const IMAGES: &str = r#"{"data":[
  {"id":"qwen/qwen-image-3-pro","supported_parameters":{"resolution":{"type":"enum","values":["4K"]},"aspect_ratio":null,
   "n":{"type":"range","min":1,"max":8},"seed":{"type":"boolean"},"smell":{"type":"enum","values":["rose"]}},"mystery":1},
  {"id":"acme/brush-1","supported_parameters":{"input_references":{"type":"range","min":0,"max":2}}},
  {"id":"nobody/else","supported_parameters":{}}, 7
]}"#;
const VIDEOS: &str = r#"{"data":[
  {"id":"black-forest-labs/flux-3-video","supported_durations":[8,4],"supported_resolutions":null,"supported_aspect_ratios":[],
   "generate_audio":null,"seed":true,"upscale_factor":{"min":1,"max":2.5},"allowed_passthrough_parameters":["safety_tolerance","mood"],
   "pricing_skus":{"cents_per_second_output":"18","cents_per_second_output_4k":"60"},"input_modalities":["text","image"]}
]}"#;

/// What makes images, videos and speech, each at one endpoint.
fn with_media() -> Synced {
    let at = |tag: &str| format!(r#"{{"data":{{"endpoints":[{{"tag":"{tag}","pricing":{{"prompt":"0","completion":"0"}}}}]}}}}"#);
    let endpoints = [
        (slug("black-forest-labs/flux-3-video"), at("black-forest-labs")),
        (slug("qwen/qwen-image-3-pro"), at("alibaba")),
        (slug("acme/brush-1"), at("acme")),
    ];
    let priced = |tag: &str, pricing: &str| {
        format!(r#"{{"endpoints":[{{"provider_tag":"{tag}","allowed_passthrough_parameters":["ink"],"pricing":[{pricing}]}}]}}"#)
    };
    let qwen = r#"{"billable":"output_image","unit":"image","cost_usd":0.05,"variant":"4K"},{"billable":"input_text","unit":"token","cost_usd":1e-6}"#;
    let image_endpoints = [
        (slug("qwen/qwen-image-3-pro"), priced("alibaba", qwen)),
        (
            slug("acme/brush-1"),
            priced(
                "acme",
                r#"{"billable":"output_image","unit":"megapixel","cost_usd":0.02},{"billable":"input_text","unit":"token","cost_usd":1e-6}"#,
            ),
        ),
    ];
    let answers = OpenRouterAnswers {
        models: MEDIA_MODELS,
        endpoints: &endpoints,
        images: Some(IMAGES),
        image_endpoints: &image_endpoints,
        videos: Some(VIDEOS),
        ..OpenRouterAnswers::default()
    };
    answers.read(1, None).unwrap()
}

#[test]
fn what_a_media_model_can_be_told_and_costs_is_taken_from_the_source_and_a_null_erases_nothing() {
    let merged = with(&with_media());
    let can = |id: &str| merged.model(id).unwrap().media.clone().unwrap();
    let was = |id: &str| BUILTIN.model(id).unwrap().media.clone().unwrap();
    let (video, old) = (can("black-forest-labs/flux-3-video"), was("black-forest-labs/flux-3-video"));
    assert_eq!((video.durations, video.seed, video.reference_modalities), (Some(vec![8, 4]), Some(true), Some(vec!["image".to_owned()])));
    assert_eq!(video.upscale_factor, Some(Range::Decimal { min: "1".to_owned(), max: "2.5".to_owned() }));
    assert_eq!((video.resolutions, video.aspect_ratios, video.native_audio), (old.resolutions, old.aspect_ratios, old.native_audio));
    let (image, old) = (can("qwen/qwen-image-3-pro"), was("qwen/qwen-image-3-pro"));
    assert_eq!((image.resolutions, image.n), (Some(vec!["4K".to_owned()]), Some(Range::Whole { min: 1, max: 8 })));
    assert_eq!((image.aspect_ratios, image.input_references), (old.aspect_ratios, old.input_references));
    assert_eq!(can("google/gemini-3.1-flash-tts-preview").voices.unwrap(), ["Zephyr", "Nova"]);
    assert_eq!(can("acme/brush-1").input_references, Some(Range::Whole { min: 0, max: 2 }));
    assert!(merged.model("nobody/else").is_none());

    let sold = endpoint(&merged, "black-forest-labs/flux-3-video", "black-forest-labs");
    let prices = |e: &portolan_catalog::Endpoint| e.media.clone().unwrap().prices.clone();
    let of = |e: &portolan_catalog::Endpoint, sku: &str| prices(e).into_iter().find(|p| p.sku == sku).map(|p| p.price);
    assert_eq!(of(sold, "cents_per_second_output"), Some(Price(180_000_000_000)), "cents there, dollars here");
    assert_eq!(of(sold, "cents_per_second_output_4k"), Some(Price(600_000_000_000)));
    assert_eq!(of(sold, "cents_per_second_output_720p"), Some(Price(170_000_000_000)), "what is not stated stays");
    assert_eq!(sold.media.as_ref().unwrap().skus["cents_per_second_output"], "18");
    assert_eq!(*sold.passthrough_parameters, ["safety_tolerance", "mood"]);
    let qwen = prices(endpoint(&merged, "qwen/qwen-image-3-pro", "alibaba"));
    assert_eq!((qwen.len(), qwen[0].price, qwen[0].variants.len()), (3, Price(50_000_000_000), 1), "{qwen:?}");
    let brush = endpoint(&merged, "acme/brush-1", "acme");
    assert_eq!((prices(brush)[0].unit, prices(brush)[0].price), (MediaUnit::Megapixel, Price(20_000_000_000)));
    assert_eq!((prices(brush)[1].unit, prices(brush)[1].price), (MediaUnit::Token, Price(1_000_000)));
    assert_ne!(brush.callable, Err(NotCallable::PriceUnknown));
    let mut by_token = with_media();
    by_token.images.as_mut().unwrap()[1].endpoints[0].prices.remove(0);
    let at = by_token.endpoints.iter().position(|e| e.tag == "acme").unwrap();
    by_token.endpoints[at].pricing = Some(Pricing { prompt: Some(Price(7)), completion: Some(Price(9)), ..Pricing::default() });
    let by_token = with(&by_token);
    let brush = endpoint(&by_token, "acme/brush-1", "acme");
    assert_eq!((&brush.media, brush.prices.base.listed(Meter::Input)), (&None, Some(Price(7))), "tokens are priced by the ordinary list");

    let mut sora = with_media();
    sora.videos.as_mut().unwrap()[0].model = slug("openai/sora-2-pro");
    let at = LiveEndpoint {
        model: slug("openai/sora-2-pro"),
        provider: ProviderSlug::parse("openai").unwrap(),
        tag: "openai".to_owned(),
        ..sora.endpoints[0].clone()
    };
    sora.endpoints.push(at);
    assert_eq!(prices(endpoint(&BUILTIN, "openai/sora-2-pro", "openai"))[0].sku, "video_output");
    let names: Vec<String> = prices(endpoint(&with(&sora), "openai/sora-2-pro", "openai")).into_iter().map(|p| p.sku).collect();
    assert_eq!(names, ["cents_per_second_output", "cents_per_second_output_4k"], "no second price of the same under another name");

    let text = Diff::between(&BUILTIN, &merged).to_string();
    let lines: Vec<String> = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for line in [
        "black-forest-labs/flux-3-video seed: false -> true",
        "black-forest-labs/flux-3-video @ black-forest-labs cents_per_second_output per second: 0.17 -> 0.18",
        r#"qwen/qwen-image-3-pro resolutions: ["1K","2K"] -> ["4K"]"#,
    ] {
        assert!(lines.iter().any(|other| other == line), "{line} is not in\n{text}");
    }
}

#[test]
fn a_media_price_that_is_doubtful_or_has_no_one_place_changes_nothing_and_answers_that_did_not_come_are_kept() {
    let mut synced = with_media();
    let elsewhere = LiveEndpoint { tag: "black-forest-labs/us".to_owned(), ..synced.endpoints[1].clone() };
    assert_eq!(elsewhere.model, slug("black-forest-labs/flux-3-video"));
    synced.endpoints.push(elsewhere);
    let merged = with(&synced);
    let sold = |catalog: &Catalog| endpoint(catalog, "black-forest-labs/flux-3-video", "black-forest-labs").media.clone();
    assert_eq!(sold(&merged), sold(&BUILTIN), "one list for two endpoints says of neither what it costs");
    for doubtful in ["0", "null", "\"much\""] {
        let models = VIDEOS.replace("\"60\"", doubtful);
        let endpoints = [(slug("black-forest-labs/flux-3-video"), r#"{"data":{"endpoints":[{"tag":"black-forest-labs"}]}}"#.to_owned())];
        let answers =
            OpenRouterAnswers { models: MEDIA_MODELS, endpoints: &endpoints, videos: Some(&models), ..OpenRouterAnswers::default() };
        assert_eq!(sold(&with(&answers.read(1, None).unwrap())), sold(&BUILTIN), "{doubtful}");
    }

    let last = with_media();
    let read =
        |images: Option<&str>| OpenRouterAnswers { models: MEDIA_MODELS, images, ..OpenRouterAnswers::default() }.read(2, None).unwrap();
    let kept = read(None).with_missing_from(&last, &[].into());
    assert_eq!((&kept.images, &kept.videos), (&last.images, &last.videos));
    let kept = read(Some(IMAGES)).with_missing_from(&last, &[].into());
    assert_eq!(kept.images, last.images, "the endpoints of an image model that did not come");
    for older in [None, Some("<html>"), Some("{}")] {
        assert_eq!((read(older).images, read(older).videos), (None, None));
    }
    assert_eq!(Synced::from_text(&last.to_text().unwrap()), Ok(last));
    assert_eq!(OpenRouterAnswers::image_slugs(IMAGES).len(), 3);
}

const API: &str = r#"{
  "openai":{"id":"openai","name":"OpenAI","env":["OPENAI_API_KEY"],"npm":"@ai-sdk/openai","models":{
    "gpt-4o-mini":{"name":"GPT-4o mini","tool_call":true,"cost":{"input":0.25,"output":1.0,"cache_read":0.125},"limit":{"context":200000,"output":0},
      "modalities":{"input":["text","pdf"],"output":["text"]},"knowledge":"2020-01"},
    "brand-new":{"name":"Brand new","reasoning":true,"tool_call":true,"temperature":true,"cost":{"input":2,"output":8},"limit":{"context":400000,"output":128000},
      "modalities":{"input":["text","pdf"],"output":["text"]}},
    "elsewhere":{"provider":{"npm":"@ai-sdk/anthropic"},"cost":{"input":2,"output":8},"limit":{"context":1000},"modalities":{"input":["text"],"output":["text"]}},
    "gone":{"status":"deprecated","cost":{"input":2,"output":8},"limit":{"context":1000}},
    "trial":{"cost":{"input":0,"output":0},"limit":{"context":1000},"modalities":{"input":["text"],"output":["text"]}}}},
  "hooli":{"id":"hooli","name":"Hooli","api":"https://hooli.example/v1","models":{
    "Hooli/Box-3":{"name":"Box 3","cost":{"input":1,"output":2},"limit":{"context":8192},"modalities":{"input":["text"],"output":["text"]}}}},
  "not a provider":7
}"#;

#[test]
fn models_dev_is_read_and_its_models_are_found_among_ours() {
    let builtin = Catalog::builtin();
    let synced = read_models_dev(API, &builtin, 1, None).unwrap();
    let merged = with(&synced);
    let mini = endpoint(&merged, "openai/gpt-4o-mini", "openai");
    let listed = |meter| mini.prices.base.listed(meter);
    assert_eq!((listed(Meter::Input), listed(Meter::CacheRead)), (Some(Price(250_000)), Some(Price(125_000))), "per million there");
    assert_eq!((mini.context_length, mini.max_output), (128_000, 16_384), "a known limit stays");
    let said = synced.endpoints.iter().find(|e| e.model.as_str() == "openai/gpt-4o-mini").unwrap();
    assert_eq!((said.context_length, said.max_output), (Some(200_000), None), "a zero is no limit");
    let known = builtin.model("openai/gpt-4o-mini").unwrap();
    assert_eq!(
        merged.model("openai/gpt-4o-mini").unwrap().knowledge_cutoff,
        known.knowledge_cutoff,
        "of a known model only gaps are filled"
    );
    let new = endpoint(&merged, "openai/brand-new", "openai");
    assert_eq!((new.callable, new.upstream_id.as_deref(), new.max_output), (Ok(()), Some("brand-new"), 128_000));
    assert_eq!(new.policy, DataPolicy::default());
    assert_eq!(*merged.model("openai/brand-new").unwrap().input_modalities, ["text", "file"]);
    assert_eq!(endpoint(&merged, "openai/elsewhere", "openai").callable, Err(NotCallable::UpstreamIdUnknown), "another wire format");
    assert_eq!(endpoint(&merged, "openai/trial", "openai").callable, Err(NotCallable::PriceUnknown));
    assert!(merged.model("openai/gone").is_none());
    assert_eq!(endpoint(&merged, "hooli/box-3", "hooli").callable, Err(NotCallable::BaseUrlUnknown), "an address is not a source's to say");
}

#[test]
fn an_id_at_a_provider_means_the_ordinary_model_and_not_that_of_batches() {
    let builtin = Catalog::builtin();
    for (provider, id, model, tag) in [
        ("anthropic", "claude-haiku-4-5-20251001", "anthropic/claude-haiku-4.5", "anthropic"),
        ("google-vertex", "gemini-3.6-flash", "google/gemini-3.6-flash", "google-vertex/global"),
        ("openai", "gpt-5.1-2025-11-13", "openai/gpt-5.1", "openai/default"),
        ("together", "zai-org/GLM-5.2", "z-ai/glm-5.2", "together"),
    ] {
        let text = serde_json::json!({ provider: { "models": { id: { "cost": { "input": 1, "output": 2 }, "limit": { "context": 1000 },
            "modalities": { "input": ["text"], "output": ["text"] } } } } });
        let synced = read_models_dev(&text.to_string(), &builtin, 1, None).unwrap();
        let said: Vec<_> = synced.endpoints.iter().map(|e| (e.model.as_str(), e.tag.as_str())).collect();
        assert_eq!(said, [(model, tag)], "{provider} {id}");
    }
}

/// Context, prompt and output. The one source lists what a provider serves; the other is a collection, and only fills in what no row states.
#[test]
fn models_dev_changes_no_limit_that_is_known_and_openrouter_does() {
    let (mini, azure) = (("openai/gpt-4o-mini", "openai"), ("openai/gpt-4.1", "azure"));
    let sources = [Source::ModelsDev, Source::OpenRouter];
    for ((model, tag), live, [filled, described]) in [
        (mini, (Some(9_000), None, Some(700)), [(128_000, None, 16_384), (9_000, None, 700)]),
        (mini, (Some(900_000), None, Some(64_000)), [(128_000, None, 16_384), (900_000, None, 64_000)]),
        (mini, (None, Some(8_000), None), [(128_000, Some(8_000), 16_384); 2]),
        (mini, (None, None, None), [(128_000, None, 16_384); 2]),
        // Its row states no longest answer.
        (azure, (Some(9_000), None, Some(700)), [(1_047_576, None, 700), (9_000, None, 700)]),
        (azure, (None, None, Some(2_000_000)), [(1_047_576, None, 1_047_576); 2]),
    ] {
        for (source, expected) in sources.into_iter().zip([filled, described]) {
            let mut synced = Synced { source, ..only(model, tag, (1_000, 1_000)) };
            let said = &mut synced.endpoints[0];
            (said.context_length, said.max_prompt_tokens, said.max_output) = live;
            let merged = with(&synced);
            let new = endpoint(&merged, model, tag);
            assert_eq!((new.context_length, new.max_prompt_tokens, new.max_output), expected, "{model} by {source:?}: {live:?}");
            assert_eq!(new.prices.base.listed(Meter::Input), Some(Price(1_000)), "the price is live");
        }
    }
}

/// A recording of OpenRouter's own answer, where the shared data is there.
#[test]
#[allow(clippy::disallowed_methods, reason = "where the shared data lies is told by the environment")]
fn a_recorded_list_of_models_is_read_whole() {
    let folder = std::env::var("PORTOLAN_SHARED").unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").to_owned());
    let path = format!("{folder}/data/fixtures/recorded/models-list/openrouter/llm-openrouter-reasoning-1/response.json");
    let Ok(models) = std::fs::read_to_string(&path) else {
        println!("SKIPPED: there is no {path}");
        return;
    };
    let synced = OpenRouterAnswers { models: &models, ..OpenRouterAnswers::default() }.read(1, None).unwrap();
    let listed: serde_json::Value = serde_json::from_str(&models).unwrap();
    let fixed = |row: &&serde_json::Value| row["pricing"]["prompt"] != "-1" && !row["id"].as_str().unwrap().starts_with('~');
    assert_eq!(synced.models.len(), listed["data"].as_array().unwrap().iter().filter(fixed).count());
    assert!(synced.skipped.is_empty() && !synced.models.is_empty(), "{:?}", synced.skipped);
    with(&synced);
}

#[test]
fn the_answers_that_did_not_come_are_taken_from_the_last_ones() {
    let last = from_openrouter();
    let endpoints = [(slug("openai/gpt-4o-mini"), MINI.to_owned())];
    let now = OpenRouterAnswers { models: MODELS, endpoints: &endpoints, ..OpenRouterAnswers::default() }.read(2, None).unwrap();
    let kept = now.clone().with_missing_from(&last, &[slug("acme/rocket-1")].into());
    assert_eq!((&kept.endpoints, &kept.zdr, &kept.providers), (&last.endpoints, &last.zdr, &last.providers));
    assert_eq!(now.clone().with_missing_from(&last, &[].into()).endpoints, now.endpoints, "an endpoint that is gone is gone");
}

#[test]
fn the_configuration_stands_over_what_is_synced() {
    let table = r#"
        base_url = "https://acme.example/v1"
        [[models]]
        id = "acme/rocket-1"
        context_length = 100
        pricing = { prompt = "0.000001", completion = "0.000002" }
    "#;
    let overlay = ProviderOverlay::parse("acme", table.parse().unwrap()).unwrap();
    let catalog = Catalog::layered(Some(&from_openrouter()), &[overlay]).unwrap();
    let acme = endpoint(&catalog, "acme/rocket-1", "acme");
    assert_eq!((acme.context_length, acme.origin, acme.callable), (100, DataOrigin::Configuration, Ok(())));
    assert_eq!(acme.prices.base.listed(Meter::Input), Some(Price(1_000_000)));
}

#[test]
fn a_row_of_the_configuration_says_what_differs_from_what_is_synced() {
    let overlay = |columns: &str| {
        let table = format!("base_url = \"https://acme.example/v1\"\n[[models]]\nid = \"acme/rocket-1\"\n{columns}");
        ProviderOverlay::parse("acme", table.parse().unwrap()).unwrap()
    };
    let prices = "pricing = { prompt = \"0.000001\", completion = \"0.000002\" }";
    let one = from_openrouter();
    let mut several = one.clone();
    let at = several.endpoints.iter().position(|e| e.tag == "acme").unwrap();
    several.endpoints[at].tag = "acme/fp8".to_owned();
    several.endpoints.push(LiveEndpoint { tag: "acme/fp4".to_owned(), ..several.endpoints[at].clone() });
    // what is synced, how the row names the endpoint, which one it is then, its context, how many there are at that provider
    for (synced, named, tag, context_length, count) in
        [(&one, "", "acme", 65_536, 1), (&several, "tag = \"acme/fp8\"\n", "acme/fp8", 65_536, 2), (&several, "", "acme", 10_000_000, 3)]
    {
        let catalog = Catalog::layered(Some(synced), &[overlay(&format!("{named}{prices}"))]).unwrap();
        let found = endpoint(&catalog, "acme/rocket-1", tag);
        assert_eq!((found.context_length, found.callable, found.origin), (context_length, Ok(()), DataOrigin::Configuration), "{named}");
        assert_eq!(found.prices.base.listed(Meter::Input), Some(Price(1_000_000)), "{named}");
        assert_eq!(found.upstream_id.as_deref(), Some("acme/rocket-1"), "as it is without the source");
        let all = catalog.endpoints_of(catalog.model("acme/rocket-1").unwrap());
        assert_eq!(all.filter(|e| catalog.provider(e.provider).slug.as_str() == "acme").count(), count, "{named}");
    }
}

#[test]
fn a_source_that_lost_more_than_half_of_its_models_is_refused() {
    let with = |n: usize, source: Source| {
        let mut synced = from_openrouter();
        let one = synced.models[0].clone();
        synced.models = (0..n).map(|i| LiveModel { slug: slug(&format!("a/{i}")), ..one.clone() }).collect();
        synced.source = source;
        synced
    };
    let last = with(10, Source::OpenRouter);
    assert_eq!(with(5, Source::OpenRouter).check_against(Some(&last)), Ok(()));
    assert_eq!(with(4, Source::OpenRouter).check_against(Some(&last)), Err(SyncError::Dropped { before: 10, now: 4 }));
    assert_eq!(with(4, Source::ModelsDev).check_against(Some(&last)), Ok(()), "another source has other models");
    assert_eq!(with(0, Source::OpenRouter).check_against(None), Err(SyncError::Empty));
}

#[test]
fn a_stored_catalog_is_read_back_whole_and_a_damaged_one_is_not_read() {
    let synced = from_openrouter();
    let text = synced.to_text().unwrap();
    assert_eq!(Synced::from_text(&text), Ok(synced));
    let lines: Vec<&str> = text.lines().collect();
    let at = 1 + lines.iter().position(|line| line.contains("0.000000005")).unwrap();
    let cases = [
        (lines[..at].join("\n"), format!("at line {at} ")),
        (text.replacen("\"0.000000005\"", "[]", 1), format!("at line {at} ")),
        (text.replacen("0.000000005", "0.000000004", 1), "line 1: ".to_owned()),
        (text.replacen("-1 ", "-2 ", 1), "line 1: ".to_owned()),
        (String::new(), "line 1: ".to_owned()),
    ];
    for (damaged, place) in cases {
        let Err(SyncError::Stored(why)) = Synced::from_text(&damaged) else { panic!("it was read: {damaged}") };
        assert!(at > 2 && why.contains(&place), "{why} {place}");
    }
    // As it was written before rows had lines.
    let in_one_line = lines[1..].concat();
    let head = format!("portolan-catalog-1 {:08x}", crc32fast::hash(in_one_line.as_bytes()));
    assert_eq!(Synced::from_text(&format!("{head}\n{in_one_line}\n")), Ok(from_openrouter()));
}

#[test]
fn a_diff_tells_what_changes_for_people_and_for_machines() {
    let builtin = Catalog::builtin();
    let merged = with(&from_openrouter());
    let diff = Diff::between(&builtin, &merged);
    assert_eq!((diff.models_added.as_slice(), diff.models_removed.len()), (&["acme/rocket-1".to_owned()][..], 0));
    assert_eq!(
        diff.endpoints_added,
        ["acme/rocket-1 @ acme", "acme/rocket-1 @ groq", "acme/rocket-1 @ openrouter", "openai/gpt-4o-mini @ initech/fp8"]
    );
    let text = diff.to_string();
    let lines: Vec<String> = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for line in [
        "openai/gpt-4o-mini @ openai input: 0.00000015 -> 0.0000002",
        "openai/gpt-4o-mini @ openai context_length: 128000 -> 130000",
        // What follows from it at the reseller.
        "openai/gpt-4o-mini @ openrouter input: 0.0000001875 -> 0.0000002",
    ] {
        assert!(lines.iter().any(|other| other == line), "{line} is not in\n{text}");
    }
    assert_eq!(serde_json::to_value(&diff).unwrap()["prices"][0]["model"], "openai/gpt-4o-mini");
    assert!(Diff::between(&merged, &merged).is_empty());
    assert_eq!(Diff::between(&merged, &builtin).models_removed, ["acme/rocket-1"]);
}

/// What is told, and what changes it.
type Case<'a, T> = (&'a str, &'a dyn Fn(&mut T));

#[test]
fn every_column_that_a_source_changes_is_told() {
    let base = from_openrouter();
    let at = |synced: &Synced| synced.endpoints.iter().position(|e| e.tag == "acme").unwrap();
    let change: &[Case<'_, Synced>] = &[
        ("acme/rocket-1 @ acme supported_parameters added: - -> seed", &|s| {
            s.endpoints[at(&base)].supported_parameters.push("seed".to_owned())
        }),
        ("acme/rocket-1 @ acme supported_parameters removed: tools, tool_choice -> -", &|s| {
            s.endpoints[at(&base)].supported_parameters = vec!["seed".to_owned()];
        }),
        ("acme/rocket-1 @ acme capabilities removed: tools, tool_choice -> -", &|s| {
            s.endpoints[at(&base)].supported_parameters = vec!["seed".to_owned()];
        }),
        ("acme/rocket-1 @ acme quantization: unknown -> fp8", &|s| s.endpoints[at(&base)].quantization = Some("fp8".to_owned())),
        ("acme/rocket-1 @ acme upstream_id: - -> rocket", &|s| s.endpoints[at(&base)].upstream_id = Some("rocket".to_owned())),
        ("acme/rocket-1 @ acme implicit_caching: false -> true", &|s| s.endpoints[at(&base)].implicit_caching = Some(true)),
        ("acme/rocket-1 name: Acme: Rocket 1 -> Rocket\u{fffd}[31m", &|s| s.models[0].name = Some("Rocket\u{1b}[31m".to_owned())),
        ("acme/rocket-1 canonical_slug: acme/rocket-1-20261001 -> acme/r", &|s| s.models[0].canonical_slug = Some(slug("acme/r"))),
        ("acme/rocket-1 created: 1790000000 -> 7", &|s| s.models[0].created = Some(7)),
        ("acme/rocket-1 input_modalities added: - -> image", &|s| s.models[0].input_modalities.push("image".to_owned())),
        ("acme/rocket-1 tokenizer: Acme -> GPT", &|s| s.models[0].tokenizer = Some("GPT".to_owned())),
        ("acme/rocket-1 instruct_type: - -> chatml", &|s| s.models[0].instruct_type = Some("chatml".to_owned())),
        ("acme/rocket-1 hugging_face_id: - -> acme/hub", &|s| s.models[0].hugging_face_id = Some("acme/hub".to_owned())),
        ("acme/rocket-1 knowledge_cutoff: 2026-01-31 -> 2026-02-01", &|s| s.models[0].knowledge_cutoff = Some("2026-02-01".to_owned())),
        ("acme/rocket-1 expiration_date: - -> 2027-01-01", &|s| s.models[0].expiration_date = Some("2027-01-01".to_owned())),
        ("acme/rocket-1 moderated: false -> true", &|s| s.models[0].moderated = Some(true)),
        ("acme/rocket-1 reasoning.mandatory: true -> false", &|s| s.models[0].reasoning.as_mut().unwrap().mandatory = false),
        ("acme/rocket-1 default_parameters.temperature: 0.7 -> 0.5", &|s| {
            s.models[0].default_parameters.as_mut().unwrap().temperature = Some(0.5);
        }),
        ("provider acme headquarters: DE -> FR", &|s| s.providers[0].headquarters = Some("FR".to_owned())),
        ("provider acme datacenters removed: FR -> -", &|s| s.providers[0].datacenters.truncate(1)),
        ("provider acme status_page_url: - -> https://a.example", &|s| {
            s.providers[0].status_page_url = Some("https://a.example".to_owned());
        }),
    ];
    let before = with(&base);
    for (line, change) in change {
        let mut synced = base.clone();
        change(&mut synced);
        let text = Diff::between(&before, &with(&synced)).to_string();
        let lines: Vec<String> = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert!(lines.iter().any(|other| other == line), "{line} is not in\n{text}");
    }
}

#[test]
fn what_another_layer_says_of_policies_and_places_is_told_as_well() {
    let change: &[Case<'_, portolan_catalog::Endpoint>] = &[
        ("zdr", &|e| e.zdr = !e.zdr),
        ("region", &|e| e.region = Some("elsewhere-1".to_owned())),
        ("area", &|e| e.area = Some(portolan_core::Area::Eu)),
        ("data_policy.training", &|e| e.policy.training = e.policy.training.map_or(Some(true), |_| None)),
        ("deprecation_date", &|e| e.deprecation_date = Some("2027-01-01".to_owned())),
    ];
    for (field, change) in change {
        let mut after = Catalog::builtin();
        let at = after.endpoints.iter().position(|e| e.tag == "openai").unwrap();
        change(&mut after.endpoints[at]);
        let told = Diff::between(&BUILTIN, &after).columns;
        assert_eq!(told.iter().map(|change| change.field.as_str()).collect::<Vec<_>>(), [*field]);
    }
}

#[test]
fn a_discount_that_cannot_be_one_changes_no_price_and_is_told() {
    for (discount, is_taken) in [("-0.2", true), ("0.5", true), ("-1", false), ("-1000", false), ("1", false)] {
        let models = r#"{"data":[{"id":"openai/gpt-4o-mini"}]}"#;
        let row = format!(r#"{{"tag":"openai","pricing":{{"prompt":"1e-6","completion":"1e-6","discount":{discount}}}}}"#);
        let endpoints = [(slug("openai/gpt-4o-mini"), format!(r#"{{"data":{{"endpoints":[{row}]}}}}"#))];
        let synced = OpenRouterAnswers { models, endpoints: &endpoints, ..OpenRouterAnswers::default() }.read(1, None).unwrap();
        let (old, new) = (endpoint(&BUILTIN, "openai/gpt-4o-mini", "openai"), with(&synced));
        let new = endpoint(&new, "openai/gpt-4o-mini", "openai");
        assert_eq!(new.prices.version != old.prices.version, is_taken, "{discount}");
        let told = format!("the prices of openai/gpt-4o-mini at openai: a discount of {discount}");
        assert_eq!(synced.skipped.contains(&told), !is_taken, "{discount}: {:?}", synced.skipped);
    }
}

/// Endpoints of known and unknown models at known and unknown providers, with or without each column.
fn live_endpoint() -> impl Strategy<Value = LiveEndpoint> {
    let builtin = &*BUILTIN;
    let known: Vec<_> = builtin.endpoints.iter().map(|e| (builtin.model_at(e.model).slug.clone(), e.tag.clone())).collect();
    let new = ("[a-c]/[a-c]", "(openai|groq|acme|simulator|openrouter)(/x|/flex)?").prop_map(|(model, tag)| (slug(&model), tag));
    let place = prop_oneof![proptest::sample::select(known), new];
    let price = || proptest::option::of((0u64..3).prop_map(|n| Price(n * 1_000)));
    let tokens = || proptest::option::of(1u32..1_000_000);
    (place, price(), price(), (tokens(), tokens(), tokens()), proptest::option::of("[a-z]{1,5}"), proptest::option::of(any::<bool>()))
        .prop_map(|((model, tag), prompt, completion, (context_length, max_prompt_tokens, max_output), upstream_id, implicit_caching)| {
            LiveEndpoint {
                model,
                provider: ProviderSlug::parse(tag.split('/').next().unwrap()).unwrap(),
                tag,
                upstream_id,
                context_length,
                max_prompt_tokens,
                max_output,
                quantization: None,
                supported_parameters: Vec::new(),
                pricing: Some(Pricing { prompt, completion, ..Pricing::default() }),
                implicit_caching,
            }
        })
}

#[test]
fn a_free_list_of_which_a_source_states_a_part_stays_free() {
    let free = BUILTIN.endpoints.iter().find(|e| e.free && e.media.is_none() && !e.charged_by_report && e.task == Task::Chat).unwrap();
    let model = BUILTIN.model_at(free.model).slug.clone();
    let mut synced = from_openrouter();
    let known = LiveModel { slug: model.clone(), ..synced.models[0].clone() };
    synced.models.push(known);
    synced.endpoints.push(LiveEndpoint {
        model: model.clone(),
        provider: BUILTIN.provider(free.provider).slug.clone(),
        tag: free.tag.clone(),
        pricing: Some(Pricing { completion: Some(Price(0)), ..Pricing::default() }),
        ..synced.endpoints[0].clone()
    });
    assert!(endpoint(&with(&synced), model.as_str(), &free.tag).free);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_merge_never_loosens_a_policy_never_erases_a_curated_value_and_makes_nothing_free(
        endpoints in proptest::collection::vec(live_endpoint(), 0..40), models_dev in any::<bool>()
    ) {
        let mut synced = from_openrouter();
        if models_dev {
            synced.source = Source::ModelsDev;
        }
        let model = synced.models[0].clone();
        synced.models.extend(endpoints.iter().map(|e| LiveModel { slug: e.model.clone(), ..model.clone() }));
        synced.endpoints.extend(endpoints);
        let before = &*BUILTIN;
        let after = with(&synced);
        for new in &after.endpoints {
            let (model, provider) = (after.model_at(new.model), after.provider(new.provider));
            let old = before.model(model.slug.as_str()).and_then(|m| before.endpoints_of(m).find(|e| e.tag == new.tag));
            let Some(old) = old else {
                prop_assert_eq!(new.policy, DataPolicy::default());
                prop_assert!(!new.zdr && new.zdr_basis.is_none() && new.region.is_none() && new.area.is_none());
                prop_assert!(new.service_tier.is_none() && new.charged_by_report == provider.resells);
                prop_assert!(!new.free && (new.callable.is_err() || new.blended_price() > Price(0)));
                prop_assert!(before.provider_by_slug(provider.slug.as_str()).is_some() || new.callable.is_err());
                continue;
            };
            prop_assert_eq!((new.policy, new.zdr, &new.region, new.area), (old.policy, old.zdr, &old.region, old.area));
            prop_assert_eq!((new.zdr_basis, new.task, new.service_tier), (old.zdr_basis, old.task, old.service_tier));
            prop_assert_eq!((new.charged_by_report, &new.media), (old.charged_by_report, &old.media), "nothing is said of other units");
            prop_assert!(old.upstream_id.is_none() || new.upstream_id == old.upstream_id);
            prop_assert!(!new.free || old.free);
            prop_assert!(new.free || new.callable.is_err() || new.blended_price() > Price(0));
            let was = before.provider(old.provider);
            prop_assert_eq!((&provider.base_url, provider.auth, new.dialect), (&was.base_url, was.auth, old.dialect));
            prop_assert!(was.headquarters.is_none() || provider.headquarters == was.headquarters);
            for meter in Meter::ALL {
                prop_assert!(old.prices.base.listed(meter).is_none() || new.prices.base.listed(meter).is_some());
            }
        }
        for old in &before.endpoints {
            let model = after.model(before.model_at(old.model).slug.as_str()).unwrap();
            prop_assert!(after.endpoints_of(model).any(|e| e.tag == old.tag));
        }
    }
}
