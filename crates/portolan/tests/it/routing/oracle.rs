//! What the listings and the documentation say, to hold answers against.

use std::collections::{BTreeMap, BTreeSet};

use portolan_testkit::TestApp;
use serde_json::Value;

use super::text;

/// What `GET /models/{model}/endpoints` says of one endpoint.
pub(super) struct Listed {
    pub(super) tag: String,
    pub(super) quantization: String,
    pub(super) tier: Option<String>,
    pub(super) parameters: BTreeSet<String>,
    /// USD per token; a listed price that is unknown is negative.
    pub(super) prompt: f64,
    pub(super) completion: f64,
    /// `GET /endpoints/zdr` has it.
    pub(super) zdr: bool,
}

impl Listed {
    pub(super) fn provider(&self) -> &str {
        self.tag.split('/').next().unwrap()
    }

    pub(super) fn is_one_of(&self, providers: &[&str]) -> bool {
        providers.contains(&self.provider())
    }

    pub(super) fn is_ordinary(&self) -> bool {
        self.tier.is_none()
    }

    pub(super) fn is_tier(&self, tier: &str) -> bool {
        self.tier.as_deref() == Some(tier)
    }

    /// The mean of input and output, by which endpoints are weighed.
    pub(super) fn price(&self) -> f64 {
        f64::midpoint(self.prompt, self.completion)
    }
}

/// The endpoints of a model that can be called, by the listings.
pub(super) async fn listed(app: &TestApp, model: &str) -> BTreeMap<String, Listed> {
    let (_, zdr) = app.get("/api/v1/endpoints/zdr").await.unwrap();
    let zdr: BTreeSet<&str> = zdr["data"].as_array().unwrap().iter().filter(|e| e["model_id"] == model).map(|e| text(&e["tag"])).collect();
    let (status, told) = app.get(&format!("/api/v1/models/{model}/endpoints")).await.unwrap();
    assert_eq!(status, 200, "{model}: {told}");
    let number = |value: &Value| text(value).parse::<f64>().unwrap();
    let rows = told["data"]["endpoints"].as_array().unwrap().iter().map(|row| Listed {
        tag: text(&row["tag"]).to_owned(),
        quantization: row["quantization"].as_str().unwrap_or("unknown").to_owned(),
        tier: row["service_tier"].as_str().map(str::to_owned),
        parameters: row["supported_parameters"].as_array().unwrap().iter().map(|name| text(name).to_owned()).collect(),
        prompt: number(&row["pricing"]["prompt"]),
        completion: number(&row["pricing"]["completion"]),
        zdr: zdr.contains(text(&row["tag"])),
    });
    rows.filter(|row| row.prompt >= 0.0).map(|row| (row.tag.clone(), row)).collect()
}

const EXPLAIN: &str = include_str!("../../../../../docs/explain.md");

/// Whether the page of explanations has a row with this rule and this source.
pub(super) fn is_documented_rule(rule: &str, source: &str) -> bool {
    let has = |cell: &str, name: &str| cell.contains(&format!("`{name}`"));
    EXPLAIN.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | ")).any(|(rules, sources)| {
        // Some rules may come from the host or the configuration, which the page says in a sentence of its own.
        has(rules, rule) && (has(sources, source) || ["host", "configuration"].contains(&source) && rule != "task")
    })
}

/// Whether the page of explanations has this reason of an order.
pub(super) fn is_documented_reason(reason: &str) -> bool {
    let (_, section) = EXPLAIN.split_once("## Order").unwrap();
    section.split("##").next().unwrap().contains(&format!("`{reason}`"))
}
