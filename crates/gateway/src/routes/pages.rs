//! The rows of the catalog as JSON text, made once per deployment: that takes milliseconds, and they never change in between.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use portolan_catalog::{Catalog, EndpointIx, EndpointStats, Listed, models_answer};
use portolan_engine::Deployment;

use super::listing::Asked;

/// What OpenRouter lists where nobody says what the models shall give.
pub(crate) const OUTPUT_DEFAULT: &str = "text";

/// The rows of the deployment that was asked for last.
#[derive(Default)]
pub(crate) struct Pages(Mutex<Option<Arc<Rendered>>>);

/// One deployment's rows.
pub(crate) struct Rendered {
    epoch: u64,
    /// In the order of [`Catalog::listed`].
    rows: Vec<String>,
    /// The answer of `GET /models` without a query.
    pub(crate) whole: Bytes,
}

impl Pages {
    /// The rows of this deployment.
    pub(crate) fn of(&self, deployment: &Deployment) -> Arc<Rendered> {
        let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*pages {
            Some(rendered) if rendered.epoch == deployment.epoch => rendered.clone(),
            _ => {
                let rendered = Arc::new(Rendered::new(deployment.epoch, &deployment.catalog));
                *pages = Some(rendered.clone());
                rendered
            }
        }
    }
}

impl Rendered {
    pub(crate) fn new(epoch: u64, catalog: &Catalog) -> Self {
        let rows = catalog.listed().map(|listed| catalog.model_row(listed).to_string()).collect();
        let mut rendered = Self { epoch, rows, whole: Bytes::new() };
        let plain = Asked::default().filter_or(OUTPUT_DEFAULT);
        let all = select(catalog, &plain, |_| true, |_| None);
        rendered.whole = rendered.answer(&all, &plain, |_| String::new());
        rendered
    }

    /// A list of selected rows, or the page of it that was asked for. `address` names the page that starts at an offset.
    pub(crate) fn answer(&self, selected: &[usize], asked: &Asked, address: impl Fn(usize) -> String) -> Bytes {
        let (start, end, next) = asked.page(selected.len());
        let rows = selected[start..end].iter().map(|i| self.rows[*i].as_str());
        Bytes::from(models_answer(rows, selected.len(), next.map(address).as_deref()))
    }
}

/// Which rows are wanted, and in which order: their places in [`Catalog::listed`].
pub(crate) fn select(
    catalog: &Catalog,
    asked: &Asked,
    may_see: impl Fn(&Listed<'_>) -> bool,
    stats: impl Fn(EndpointIx) -> Option<EndpointStats>,
) -> Vec<usize> {
    let wanted = |(_, row): &(usize, Listed<'_>)| asked.filter.keeps(catalog, row) && may_see(row);
    let mut rows: Vec<(usize, Listed<'_>)> = catalog.listed().enumerate().filter(wanted).collect();
    if let Some(sort) = asked.sort {
        rows.sort_by_cached_key(|(_, row)| sort.key(catalog, row, &stats));
    }
    rows.into_iter().map(|(i, _)| i).collect()
}

#[cfg(test)]
mod tests {
    use portolan_catalog::{Endpoint, Model, ProviderOverlay};
    use portolan_core::{Area, Meter, Percentiles, Price, UnixMillis};
    use serde_json::Value;

    use super::*;

    const DAY: i64 = 86_400;
    const NOW: i64 = 1_800_000_000;

    /// Two providers that share a model. Prices are in USD per token.
    const HARBOUR: &str = r#"
        name = "Old Harbour"
        base_url = "http://harbour"
        [[models]]
        id = "acme/sloop"
        name = "Acme: Sloop"
        context_length = 8000
        pricing = { prompt = "0.0000001", completion = "0.0000004" }
        supported_parameters = ["temperature", "seed"]
        [[models]]
        id = "acme/brig"
        name = "Acme: Brig of the Line"
        context_length = 200000
        pricing = { prompt = "0.000002", completion = "0.000008" }
        input_modalities = ["text", "image"]
        supported_parameters = ["temperature", "tools"]
        [[models]]
        id = "acme/raft"
        context_length = 4000
        supported_parameters = []
        [[models]]
        id = "Cove/painter"
        context_length = 1000
        pricing = { prompt = "0.000005", completion = "0.00001" }
        output_modalities = ["image"]
    "#;
    const PIER: &str = r#"
        base_url = "http://pier"
        [[models]]
        id = "acme/brig"
        context_length = 100000
        pricing = { prompt = "0.000003", completion = "0.000009" }
        supported_parameters = ["temperature", "tools", "seed"]
    "#;

    /// These four are looked at: sloop, brig, raft (without a price or a date), painter.
    fn catalog() -> Catalog {
        let overlay = |slug, text: &str| ProviderOverlay::parse(slug, text.parse().unwrap()).unwrap();
        let mut catalog = Catalog::builtin_with(&[overlay("harbour", HARBOUR), overlay("pier", PIER)]).unwrap();
        for (slug, days, tokenizer, distillable) in
            [("acme/sloop", 5, "Llama3", true), ("acme/brig", 50, "GPT", false), ("Cove/painter", 500, "Media", false)]
        {
            let model = catalog.models.iter_mut().find(|m| m.slug.as_str() == slug).unwrap();
            (model.created, model.tokenizer, model.distillable) = (NOW - days * DAY, tokenizer.to_owned(), distillable);
        }
        // The brig retains nothing at the harbour and stays in the EU at the pier; the sloop does both.
        for (slug, tag, zdr, area) in [
            ("acme/brig", "harbour", true, Some(Area::Us)),
            ("acme/brig", "pier", false, Some(Area::Eu)),
            ("acme/sloop", "harbour", true, Some(Area::Eu)),
        ] {
            let ix = catalog.model_ix(slug).unwrap();
            let endpoint = catalog.endpoints.iter_mut().find(|e| e.model == ix && e.tag == tag).unwrap();
            (endpoint.zdr, endpoint.area) = (zdr, area);
        }
        catalog
    }

    fn is_ours(model: &Model) -> bool {
        ["acme", "Cove"].contains(&model.slug.author())
    }

    fn asked(query: &str) -> Asked {
        let pairs: Vec<_> = query.split('&').filter_map(|pair| pair.split_once('=')).map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
        Asked::read(&pairs, UnixMillis(NOW * 1000)).unwrap().filter_or(OUTPUT_DEFAULT)
    }

    fn names(catalog: &Catalog, query: &str, stats: impl Fn(EndpointIx) -> Option<EndpointStats>) -> Vec<String> {
        let rows: Vec<_> = catalog.listed().collect();
        let selected = select(catalog, &asked(query), |row| is_ours(row.model), stats);
        selected.into_iter().map(|i| rows[i].slug().as_str().split_once('/').unwrap().1.to_owned()).collect()
    }

    #[test]
    fn each_filter_keeps_what_it_says() {
        let catalog = catalog();
        for (query, mut expected) in [
            ("", vec!["sloop", "brig", "raft"]),
            ("output_modalities=image", vec!["painter"]),
            ("output_modalities=text,image", vec!["sloop", "brig", "raft", "painter"]),
            ("output_modalities=all", vec!["sloop", "brig", "raft", "painter"]),
            ("output_modalities=embeddings", vec![]),
            ("input_modalities=image", vec!["brig"]),
            ("input_modalities=text,image", vec!["brig"]),
            ("supported_parameters=temperature,tools", vec!["brig"]),
            ("supported_parameters=seed", vec!["sloop", "brig"]),
            ("supported_parameters=telepathy", vec![]),
            ("q=brig", vec!["brig"]),
            ("q=LINE the", vec!["brig"]),
            ("q=acme/r", vec!["raft"]),
            ("q=brig sloop", vec![]),
            ("arch=llama", vec!["sloop"]),
            ("arch=GPT", vec!["brig"]),
            ("model_authors=cove&output_modalities=all", vec!["painter"]),
            ("model_authors=acme,cove", vec!["sloop", "brig", "raft"]),
            ("providers=old harbour", vec!["sloop", "brig", "raft"]),
            ("providers=pier", vec!["brig"]),
            ("providers=nowhere", vec![]),
            ("distillable=true", vec!["sloop"]),
            ("distillable=false", vec!["brig", "raft"]),
            ("zdr=true", vec!["sloop", "brig"]),
            ("region=eu", vec!["sloop", "brig"]),
            ("region=us", vec!["brig"]),
            // One endpoint must be both.
            ("zdr=true&region=eu", vec!["sloop"]),
            ("zdr=true&providers=pier", vec![]),
            ("context=8000", vec!["sloop", "brig"]),
            ("context=8001", vec!["brig"]),
            // An unknown price is within no bound, and bounds belong to the range.
            ("min_price=0", vec!["sloop", "brig"]),
            ("min_price=2", vec!["brig"]),
            ("min_price=2.000001", vec![]),
            ("max_price=0.1", vec!["sloop"]),
            ("max_price=0.0999", vec![]),
            ("min_output_price=0.5", vec!["brig"]),
            ("max_output_price=0.4", vec!["sloop"]),
            // A model without a date is neither old nor new.
            ("min_age_days=5", vec!["sloop", "brig"]),
            ("min_age_days=6", vec!["brig"]),
            ("max_age_days=49", vec!["sloop"]),
            ("max_age_days=50&output_modalities=all", vec!["sloop", "brig"]),
        ] {
            let mut found = names(&catalog, query, |_| None);
            found.sort();
            expected.sort_unstable();
            assert_eq!(found, expected, "{query}");
        }
    }

    #[test]
    fn each_sort_puts_the_best_first_and_the_unknown_last() {
        let catalog = catalog();
        let measured = |ix: EndpointIx| {
            let p50 = match catalog.endpoint(ix).tag.as_str() {
                "pier" => Some(90.0),
                _ if catalog.model_at(catalog.endpoint(ix).model).slug.as_str() == "Cove/painter" => Some(120.0),
                _ => None,
            };
            let known = p50.map(|p50| Percentiles { p50: Some(p50), ..Percentiles::default() });
            Some(EndpointStats { latency_30m: known, throughput_30m: known, ..EndpointStats::default() })
        };
        for (sort, first, last) in [
            ("newest", "sloop", "raft"),
            ("pricing-low-to-high", "sloop", "raft"),
            ("pricing-high-to-low", "painter", "raft"),
            ("context-high-to-low", "brig", "painter"),
            ("throughput-high-to-low", "painter", "raft"),
            ("latency-low-to-high", "brig", "raft"),
        ] {
            let found = names(&catalog, &format!("output_modalities=all&sort={sort}"), measured);
            assert_eq!((found.len(), found[0].as_str()), (4, first), "{sort}");
            let is_known = |name: &String| ["painter", "brig"].contains(&name.as_str());
            match sort {
                "throughput-high-to-low" | "latency-low-to-high" => assert!(found[2..].iter().all(|name| !is_known(name)), "{found:?}"),
                _ => assert_eq!(found[3], last, "{sort}"),
            }
        }
    }

    /// What is sold by the image, the second or the search has no price of a token, whatever zeros its row shows.
    #[test]
    fn only_what_is_sold_by_the_token_is_within_a_price_range() {
        let by_request = r#"
            base_url = "http://harbour"
            [[models]]
            id = "acme/ferry"
            context_length = 8000
            pricing = { prompt = "0", completion = "0", request = "0.01" }
            [[models]]
            id = "acme/swimmer"
            context_length = 8000
            pricing = { prompt = "0", completion = "0" }
        "#;
        let catalog = Catalog::builtin_with(&[ProviderOverlay::parse("harbour", by_request.parse().unwrap()).unwrap()]).unwrap();
        let all: Vec<_> = catalog.listed().collect();
        let kept = |query: &str| select(&catalog, &asked(&format!("output_modalities=all&{query}")), |_| true, |_| None);
        for (model, query, is_kept) in [
            ("openai/dall-e-3", "max_price=0", false),
            ("openai/dall-e-3", "min_price=0", false),
            ("openai/dall-e-3", "max_output_price=1000", false),
            ("openai/sora-2", "max_price=1000", false),
            ("openai/tts-1", "max_output_price=0", false),
            ("cohere/rerank-4-fast", "max_price=0", false),
            // Its words are sold by the token, its images are, too, under another name than output.
            ("openai/chatgpt-image-latest", "max_price=5", true),
            ("openai/chatgpt-image-latest", "max_output_price=1000", false),
            // An embedding has no output tokens, so they cost nothing, whether its row says so or not.
            ("openai/text-embedding-3-large", "max_price=0.13", true),
            ("openai/text-embedding-3-large", "max_output_price=0", true),
            ("openai/text-embedding-ada-002", "max_output_price=0", true),
            ("openai/text-embedding-3-large", "max_price=0.1", false),
            ("acme/ferry", "max_price=0", false),
            ("acme/swimmer", "max_price=0", true),
            ("fish-audio/s2.1-pro-free:free", "max_price=0&max_output_price=0", true),
            ("openai/gpt-4o-mini", "max_price=0.15&max_output_price=0.6", true),
        ] {
            let found = kept(query).into_iter().any(|i| all[i].slug().as_str() == model);
            assert!(all.iter().any(|row| row.slug().as_str() == model), "{model} is not listed");
            assert_eq!(found, is_kept, "{model}: {query}");
        }
        let free = kept("max_price=0");
        let costs = |i: &usize| all[*i].model.endpoints.iter().all(|ix| !catalog.endpoint(*ix).free);
        assert!(
            free.len() > 5 && !free.iter().any(costs),
            "{:?}",
            free.iter().filter(|i| costs(i)).map(|i| all[*i].slug()).collect::<Vec<_>>()
        );
    }

    #[test]
    fn what_is_not_sold_by_the_token_comes_last_by_price() {
        let catalog = Catalog::builtin();
        let all: Vec<_> = catalog.listed().collect();
        for sort in ["pricing-low-to-high", "pricing-high-to-low"] {
            let sorted = select(&catalog, &asked(&format!("output_modalities=all&sort={sort}")), |_| true, |_| None);
            let place = |model: &str| sorted.iter().position(|i| all[*i].slug().as_str() == model).unwrap();
            let dearest_and_cheapest = ["openai/gpt-4o-mini", "openai/text-embedding-3-large", "fish-audio/s2.1-pro-free:free"];
            let last_priced = dearest_and_cheapest.map(place).into_iter().max().unwrap();
            for model in [
                "openai/dall-e-3",
                "openai/sora-2",
                "openai/tts-1",
                "cohere/rerank-4-fast",
                "openai/chatgpt-image-latest",
                "openrouter/auto",
            ] {
                assert!(place(model) > last_priced, "{sort}: {model}");
            }
        }
    }

    #[test]
    fn a_row_shows_the_price_of_a_token_where_anybody_sells_the_model_by_the_token() {
        let catalog = Catalog::builtin();
        let mut sold_both_ways = 0;
        for model in catalog.models.iter().filter(|model| model.endpoints.iter().all(|ix| catalog.endpoint(*ix).callable.is_err())) {
            let priced = |e: &Endpoint| e.prices.base.listed(Meter::Input) > Some(Price(0));
            let by_token = catalog.endpoints_of(model).any(priced);
            let otherwise = catalog.endpoints_of(model).any(|e| e.media.is_some() && !priced(e));
            let shown = catalog.model_row(model.into());
            assert!(!by_token || shown["pricing"]["prompt"] != "0", "{}: {}", model.slug, shown["pricing"]);
            sold_both_ways += usize::from(by_token && otherwise);
        }
        assert!(sold_both_ways > 2, "{sold_both_ways}");
    }

    #[test]
    fn a_page_is_cut_from_what_the_filters_left_and_leads_to_the_next() {
        let catalog = catalog();
        let rendered = Rendered::new(1, &catalog);
        let asked = asked("output_modalities=all&limit=3");
        let selected = select(&catalog, &asked, |row| is_ours(row.model), |_| None);
        let answer = rendered.answer(&selected, &asked, |offset| format!("/next?{offset}"));
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!((answer["data"].as_array().unwrap().len(), &answer["total_count"]), (3, &4.into()));
        assert_eq!(answer["links"]["next"], "/next?3");
        assert_eq!(answer["data"][0]["id"], catalog.listed().nth(selected[0]).unwrap().slug().as_str());
    }

    #[test]
    fn without_a_query_every_model_that_gives_text_is_listed_callable_or_not() {
        let catalog = catalog();
        let answer: Value = serde_json::from_slice(&Rendered::new(1, &catalog).whole).unwrap();
        let ids: Vec<&str> = answer["data"].as_array().unwrap().iter().filter_map(|row| row["id"].as_str()).collect();
        let gives_text = |row: &Listed<'_>| row.model.output_modalities.iter().any(|o| o == "text");
        let expected: Vec<&str> = catalog.listed().filter(gives_text).map(|row| row.slug().as_str()).collect();
        assert_eq!(ids, expected);
        assert!(ids.contains(&"acme/raft") && !ids.contains(&"Cove/painter"));
        assert_eq!((&answer["total_count"], &answer["links"]["next"]), (&ids.len().into(), &Value::Null));
    }
}
