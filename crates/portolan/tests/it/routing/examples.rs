//! The `provider` object, the variants and the service tiers: what remains is what the listings say, in the order asked for.

use serde_json::{Value, json};

use super::oracle::{Listed, is_documented_reason, is_documented_rule, listed};
use super::{ask, candidates, catalog, eligible, explain, served, text};

const MODEL: &str = "deepseek/deepseek-v3.2";
const TIERED: &str = "openai/gpt-5.2";
const HAIKU: &str = "anthropic/claude-haiku-4.5";

/// In which order the remaining endpoints must stand.
enum Order {
    /// One is drawn, the others follow by price.
    Drawn,
    /// All by price.
    Price,
    /// In no order that a catalog without traffic can tell.
    Sorted(&'static str),
    /// Of these providers first, as named.
    Named(&'static [&'static str]),
    /// Those of this tier first.
    Tier(&'static str),
}

/// A name of a model, what else the request says, what remains, in which order.
type Example = (String, Value, fn(&Listed) -> bool, Order);

fn examples() -> Vec<Example> {
    let on = |model: &str, provider: Value, left: fn(&Listed) -> bool, order: Order| -> Example {
        (model.to_owned(), json!({ "provider": provider, "temperature": 0.5 }), left, order)
    };
    let with = |model: &str, more: Value, left: fn(&Listed) -> bool, order: Order| -> Example { (model.to_owned(), more, left, order) };
    vec![
        on(MODEL, json!({}), Listed::is_ordinary, Order::Drawn),
        on(
            HAIKU,
            json!({ "only": ["anthropic", "aws-bedrock", "google-vertex"], "data_collection": "deny", "zdr": true, "require_parameters": true }),
            |e| e.is_one_of(&["anthropic", "amazon-bedrock", "google-vertex"]) && e.zdr && e.parameters.contains("temperature"),
            Order::Drawn,
        ),
        on(MODEL, json!({ "zdr": true }), |e| e.zdr, Order::Drawn),
        on(MODEL, json!({ "sort": "price" }), |_| true, Order::Price),
        on(&format!("{MODEL}:floor"), json!({}), |_| true, Order::Price),
        on(&format!("{MODEL}:floor"), json!({ "sort": "throughput" }), |_| true, Order::Price),
        on(MODEL, json!({ "sort": { "by": "latency" } }), |_| true, Order::Sorted("latency")),
        on(&format!("{MODEL}:exacto"), json!({}), |_| true, Order::Sorted("exacto")),
        on(
            MODEL,
            json!({ "order": ["SiliconFlow", "deepinfra"], "allow_fallbacks": false }),
            |e| e.is_one_of(&["siliconflow", "deepinfra"]),
            Order::Named(&["siliconflow", "deepinfra"]),
        ),
        on(MODEL, json!({ "order": ["novita"] }), |_| true, Order::Named(&["novita"])),
        on(MODEL, json!({ "only": ["deepinfra/fp4"] }), |e| e.tag == "deepinfra/fp4", Order::Drawn),
        on(MODEL, json!({ "ignore": ["DeepInfra", "deepinfa"] }), |e| !e.is_one_of(&["deepinfra"]), Order::Drawn),
        on(MODEL, json!({ "quantizations": ["fp8"] }), |e| ["fp8", "mxfp8"].contains(&e.quantization.as_str()), Order::Drawn),
        on(
            MODEL,
            json!({ "quantizations": ["fp4", "unknown"] }),
            |e| ["fp4", "mxfp4", "nvfp4", "unknown"].contains(&e.quantization.as_str()),
            Order::Drawn,
        ),
        on(
            MODEL,
            json!({ "max_price": { "prompt": 0.3, "completion": "0.4" } }),
            |e| e.prompt <= 3e-7 && e.completion <= 4e-7,
            Order::Drawn,
        ),
        with(
            MODEL,
            json!({ "provider": { "require_parameters": true }, "logit_bias": { "7": 1 }, "top_k": 4 }),
            |e| e.parameters.contains("logit_bias") && e.parameters.contains("top_k"),
            Order::Drawn,
        ),
        // Values that ask for nothing restrict nothing, and zero is a threshold.
        with(
            MODEL,
            json!({ "provider": { "require_parameters": true, "preferred_min_throughput": 0, "preferred_max_latency": { "p50": 0 } },
                "tools": [], "stop": [], "logit_bias": {}, "logprobs": false, "response_format": { "type": "text" } }),
            |_| true,
            Order::Drawn,
        ),
        with(
            "openai/gpt-4o-mini",
            json!({ "provider": { "require_parameters": true }, "include_reasoning": false, "reasoning": { "exclude": true } }),
            Listed::is_ordinary,
            Order::Drawn,
        ),
        with(TIERED, json!({}), Listed::is_ordinary, Order::Drawn),
        with(TIERED, json!({ "service_tier": "default" }), Listed::is_ordinary, Order::Drawn),
        with(TIERED, json!({ "service_tier": "flex" }), |e| e.is_tier("flex"), Order::Drawn),
        with(TIERED, json!({ "service_tier": "priority" }), |e| !e.is_tier("flex"), Order::Tier("priority")),
        with(TIERED, json!({ "service_tier": "fast" }), |e| !e.is_tier("flex"), Order::Tier("priority")),
        with(&format!("{TIERED}:floor"), json!({}), |e| !e.is_tier("priority"), Order::Price),
        with(&format!("{TIERED}:nitro"), json!({}), |e| !e.is_tier("flex"), Order::Sorted("throughput")),
        with(TIERED, json!({ "provider": { "only": ["openai"] } }), |e| e.tag == "openai", Order::Drawn),
        with(TIERED, json!({ "provider": { "only": ["openai/flex"] } }), |e| e.is_tier("flex"), Order::Drawn),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_request_asks_for_remains_and_serves_at_its_price() {
    let app = catalog();
    for (name, more, left, order) in examples() {
        let model = name.split(':').next().unwrap();
        let listed = listed(&app, model).await;
        let body = ask(&name, more);
        let told = explain(&app, &body, 7).await;
        assert_eq!((&told["strategy"], &told["refusal"]), (&json!("direct"), &Value::Null), "{body}");
        let tags = eligible(&told);
        let mut found = tags.clone();
        found.sort_unstable();
        // A tier has to be asked for; the cases of tiers say themselves which.
        let expected: Vec<&str> =
            listed.values().filter(|e| (model == TIERED || e.is_ordinary()) && left(e)).map(|e| e.tag.as_str()).collect();
        assert!(!expected.is_empty(), "{body}: a test of nothing");
        assert_eq!(found, expected, "{body}");
        stands_in_order(&told, &order, &|tag| &listed[tag], &body);
        names_are_documented(&told);
        // The request itself: another draw, the same rules.
        let (answer, record) = served(&app, &body).await;
        let tag = text(&record["attempts"][0]["endpoint"]);
        assert!(tags.contains(&tag), "{body}: {tag}");
        assert_eq!((&answer["model"], &record["model"]), (&json!(model), &json!(model)), "{body}");
        let count = |field: &str| answer["usage"][field].as_f64().unwrap();
        let cost = count("prompt_tokens") * listed[tag].prompt + count("completion_tokens") * listed[tag].completion;
        let charged = answer["usage"]["cost"].as_f64().unwrap();
        // A charge is rounded to whole nanodollars.
        assert!((charged - cost).abs() < 5.1e-10 && charged > 0.0, "{body}: {tag} costs {cost}, not {charged}");
    }
}

fn stands_in_order<'l>(told: &Value, order: &Order, listed: &dyn Fn(&str) -> &'l Listed, body: &Value) {
    let all = candidates(told, "eligible");
    let tags = eligible(told);
    let reasons: Vec<&str> = all.iter().map(|c| text(&c["order_reason"])).collect();
    let prices: Vec<f64> = tags.iter().map(|tag| listed(tag).price()).collect();
    let (from, first) = match order {
        Order::Drawn => (1, "drawn"),
        Order::Price => (0, "price"),
        Order::Sorted(by) => return assert!(reasons.iter().all(|reason| reason == by), "{body}: {reasons:?}"),
        Order::Tier(tier) => {
            let of_tier = tags.iter().filter(|tag| listed(tag).is_tier(tier)).count();
            assert!(of_tier > 0 && tags[..of_tier].iter().all(|tag| listed(tag).is_tier(tier)), "{body}: {tags:?}");
            (of_tier, "drawn")
        }
        Order::Named(providers) => {
            let named: Vec<&str> =
                tags.iter().zip(&reasons).filter(|(_, reason)| **reason == "named").map(|(tag, _)| listed(tag).provider()).collect();
            assert_eq!(&named, providers, "{body}: {tags:?}");
            assert!(reasons[..named.len()].iter().all(|reason| *reason == "named"), "{body}: {reasons:?}");
            // After those that are named comes the usual balancing.
            (named.len() + 1, "named")
        }
    };
    assert_eq!(reasons[0], first, "{body}");
    let rest = prices.get(from..).unwrap_or_default();
    assert!(rest.is_sorted(), "{body}: {prices:?}");
    assert!(reasons.iter().skip(from).all(|reason| ["price", "drawn"].contains(reason)), "{body}: {reasons:?}");
}

fn names_are_documented(told: &Value) {
    for rejected in candidates(told, "rejected") {
        let (rule, source) = (text(&rejected["rule"]), text(&rejected["source"]));
        assert!(is_documented_rule(rule, source), "{rule} from {source} stands in no row of docs/explain.md");
    }
    for reason in candidates(told, "eligible").into_iter().map(|c| text(&c["order_reason"])) {
        assert!(is_documented_reason(reason), "{reason}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_name_in_ignore_is_noted_and_changes_nothing() {
    let app = catalog();
    let body = ask(MODEL, json!({ "provider": { "ignore": ["deepinfa"] } }));
    let (told, plain) = (explain(&app, &body, 7).await, explain(&app, &ask(MODEL, json!({})), 7).await);
    assert_eq!(eligible(&told), eligible(&plain));
    assert_eq!(told["notes"], json!(["provider.ignore: no provider is called deepinfa"]));
    assert_eq!(plain["notes"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn several_models_keep_their_order_unless_they_are_sorted_together() {
    let app = catalog();
    let (dear, cheap) = ("anthropic/claude-sonnet-4.5", "openai/gpt-5-mini");
    let models = |told: &Value| candidates(told, "eligible").iter().map(|c| text(&c["model"]).to_owned()).collect::<Vec<_>>();
    for (first, sort, together) in [
        (dear, json!("price"), false),
        (dear, json!({ "by": "price", "partition": "model" }), false),
        (dear, json!({ "by": "price", "partition": "none" }), true),
        // Who asks for a variant sorts that model alone.
        ("anthropic/claude-sonnet-4.5:floor", json!({ "by": "price", "partition": "none" }), false),
    ] {
        let body = ask(first, json!({ "models": [cheap], "provider": { "sort": sort } }));
        let told = explain(&app, &body, 7).await;
        let found = models(&told);
        assert!(found.iter().any(|m| m == dear) && found.iter().any(|m| m == cheap), "{body}: {found:?}");
        let expected = if together { cheap } else { dear };
        assert_eq!(found[0], expected, "{body}");
        let changes = found.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert!(together || changes == 1, "{body}: {found:?}");
        if together {
            let price = |c: &&Value| text(&c["score"]["price"]).parse::<f64>().unwrap();
            assert!(candidates(&told, "eligible").iter().map(price).is_sorted(), "{told:#}");
        }
        assert_eq!(served(&app, &body).await.0["model"], expected, "{body}");
    }
}
