//! The accounting proof: every answer that the simulator served, against the records.
//!
//! Joined by the provider's response id. What completed (or was read on after a hang-up) must agree to the
//! last token and nanodollar. What was broken off cannot be known exactly: received must not exceed served.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method};
use http_body_util::{BodyExt, Limited};
use portolan_core::{Meter, Money, Usage};
use portolan_engine::Refused;
use portolan_gateway::{ApiError, Gateway};
use portolan_ledger::{Attempt, End, Generation, cost};
use portolan_sim::{LedgerView, ServedRequest};
use portolan_store::GenerationFilter;
use portolan_upstream::{Base, Call, Client, Credential, Segments, Target};
use serde::{Deserialize, Serialize};

/// The largest ledger that is read: some millions of requests.
const LEDGER_BYTES_MAX: usize = 512 * 1024 * 1024;
/// Mismatches that a report names. The count is of all.
const NAMED_MAX: usize = 20;

/// What a proof needs.
pub(super) struct Proof {
    pub(super) gateway: Arc<Gateway>,
    pub(super) client: Arc<Client>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    sim_url: String,
}

/// One class of generations, and whether they agree.
#[derive(Debug, Default, Serialize)]
struct ClassReport {
    name: &'static str,
    requests: u64,
    charged: Money,
    cost: Money,
    mismatches: u64,
    named: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Report {
    ok: bool,
    classes: Vec<ClassReport>,
    served: u64,
    charges: Money,
    ledger: Money,
}

pub(super) async fn verify(State(proof): State<Arc<Proof>>, axum::Json(asked): axum::Json<Asked>) -> Result<Response, ApiError> {
    let served = fetch(&proof.client, &asked.sim_url).await?;
    let records = records(&proof.gateway).await.map_err(|error| {
        tracing::error!(%error, "the records could not be read");
        Refused::internal()
    })?;
    let accounts = proof.gateway.directory.charged_in_total();
    Ok(axum::Json(compare(&proof.gateway, &served, &records, accounts)).into_response())
}

async fn fetch(client: &Client, url: &str) -> Result<LedgerView, ApiError> {
    let wrong = |problem: String| Refused::field("sim_url", format!("--sim: {problem}"));
    let base = Base::parse(url.trim_end_matches('/').trim_end_matches("/v1")).map_err(|e| wrong(e.to_string()))?;
    let target = Target::new(&Arc::new(base), "/sim/ledger").map_err(|e| wrong(e.to_string()))?;
    let call = Call {
        target: Arc::new(target),
        method: Method::GET,
        headers: HeaderMap::with_capacity(8),
        body: Segments::default(),
        credential: Arc::new(Credential::none()),
    };
    let response = client.send(call).await.map_err(|fault| wrong(fault.message))?;
    if !response.status().is_success() {
        return Err(wrong(format!("the simulator answers {} there", response.status())).into());
    }
    let body = Limited::new(response.into_body(), LEDGER_BYTES_MAX).collect().await.map_err(|e| wrong(e.to_string()))?;
    serde_json::from_slice(&body.to_bytes()).map_err(|e| wrong(format!("that is no simulator's ledger: {e}")).into())
}

async fn records(gateway: &Gateway) -> Result<Vec<Generation>, portolan_store::StoreError> {
    gateway.store.flush().await?;
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = gateway.store.generations(GenerationFilter::default(), after).await?;
        all.extend(page.generations);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(all),
        }
    }
}

fn compare(gateway: &Gateway, served: &LedgerView, records: &[Generation], accounts: Money) -> Report {
    let by_id: HashMap<&str, &ServedRequest> = served.requests.iter().map(|r| (r.id.as_str(), r)).collect();
    let mut classes: BTreeMap<&'static str, ClassReport> = BTreeMap::new();
    let mut joined = std::collections::HashSet::new();
    let mut seen = std::collections::HashSet::new();
    for generation in records {
        joined.extend(generation.attempts.iter().filter_map(|a| a.upstream_id.as_deref()));
        let name = class(generation);
        let report = classes.entry(name).or_insert_with(|| ClassReport { name, ..ClassReport::default() });
        report.requests += 1;
        report.charged += generation.charge;
        report.cost += generation.cost;
        let problem = match generation.attempts.last() {
            _ if !seen.insert(&generation.id) => Some("recorded twice".to_owned()),
            _ if generation.end == End::Orphaned => orphan_problem(generation),
            Some(attempt) => problem(gateway, generation, attempt, &by_id),
            None => None,
        };
        if let Some(problem) = problem {
            report.note(&format!("{}: {problem}", generation.id));
        }
    }
    let orphans = classes.get("orphaned").map_or(0, |c| c.requests);
    let mut unrecorded = ClassReport { name: "served, in no record (an orphan's, each)", ..ClassReport::default() };
    for request in served.requests.iter().filter(|r| r.output_tokens > 0 && !joined.contains(r.id.as_str())) {
        unrecorded.requests += 1;
        if unrecorded.requests > orphans {
            unrecorded.note(&format!("{} ({}, {:?})", request.id, request.model, request.end));
        }
    }
    let charges: Money = records.iter().map(|g| g.charge).sum();
    let mut sums = ClassReport { name: "sums (charges of the records, settled of the accounts)", requests: 1, charged: charges, cost: accounts, ..ClassReport::default() };
    if charges != accounts {
        sums.note(&format!("the records add up to ${charges}, the accounts to ${accounts}"));
    }
    let classes: Vec<_> = classes.into_values().chain([unrecorded, sums]).collect();
    Report { ok: classes.iter().all(|c| c.mismatches == 0), served: served.totals.requests, charges, ledger: accounts, classes }
}

impl ClassReport {
    fn note(&mut self, problem: &str) {
        self.mismatches += 1;
        if self.named.len() < NAMED_MAX {
            self.named.push(problem.to_owned());
        }
    }
}

/// The classes are printed apart: only the first two are exact by nature.
fn class(generation: &Generation) -> &'static str {
    match generation.end {
        End::Orphaned => "orphaned",
        _ if generation.flags.drained => "drained",
        End::Completed | End::ZeroCompletion if !generation.flags.estimated => "completed",
        End::Completed | End::ZeroCompletion => "completed without usage (estimated)",
        End::CallerGoneBeforeContent | End::CallerGoneAfterContent => "cancelled",
        End::CutByMeter => "cut by the meter",
        End::UpstreamErrorBeforeContent | End::TimeoutBeforeContent | End::DrainedBeforeContent => "failed before content",
        End::UpstreamErrorAfterContent | End::TimeoutAfterContent | End::DrainedAfterContent => "broken off after content",
    }
}

fn orphan_problem(generation: &Generation) -> Option<String> {
    let held = generation.held.iter().map(|(_, held)| *held).max().unwrap_or(Money::ZERO);
    (generation.charge != held || !generation.flags.orphaned).then(|| format!("charged ${}, held ${held}", generation.charge))
}

fn problem(gateway: &Gateway, generation: &Generation, attempt: &Attempt, served: &HashMap<&str, &ServedRequest>) -> Option<String> {
    let exact = generation.flags.drained || (matches!(generation.end, End::Completed | End::ZeroCompletion) && !generation.flags.estimated);
    let Some(id) = &attempt.upstream_id else {
        return (exact || generation.charge != Money::ZERO).then(|| "no response id to join by".to_owned());
    };
    let Some(served) = served.get(id.as_str()) else { return Some(format!("the simulator knows no {id}")) };
    if exact {
        let truth = usage_of(served, &attempt.usage);
        return (truth != attempt.usage)
            .then(|| format!("recorded {:?}, served {truth:?}", attempt.usage))
            .or_else(|| cost_problem(gateway, attempt, &truth));
    }
    let (received, given) = (attempt.usage.completion_tokens(), served.output_tokens);
    (generation.charge > Money::ZERO && !generation.flags.estimated && received > given).then(|| format!("received {received} tokens, served {given}"))
}

/// What the simulator served, as a usage. Requests are ours to count.
fn usage_of(served: &ServedRequest, recorded: &Usage) -> Usage {
    let cached = served.cache_read_tokens + served.cache_write_tokens + served.cache_write_1h_tokens;
    Usage::default()
        .with(Meter::Input, served.input_tokens.saturating_sub(cached))
        .with(Meter::CacheRead, served.cache_read_tokens)
        .with(Meter::CacheWrite5m, served.cache_write_tokens)
        .with(Meter::CacheWrite1h, served.cache_write_1h_tokens)
        .with(Meter::Output, served.output_tokens.saturating_sub(served.reasoning_tokens))
        .with(Meter::Reasoning, served.reasoning_tokens)
        .with(Meter::Request, recorded[Meter::Request])
}

/// The price that was in force is known as long as the catalog still has it.
fn cost_problem(gateway: &Gateway, attempt: &Attempt, truth: &Usage) -> Option<String> {
    let deployment = gateway.engine.deployment();
    let model = deployment.catalog.model(&attempt.model)?;
    let endpoint = deployment.catalog.endpoints_of(model).find(|e| e.tag == attempt.endpoint && e.prices.version == attempt.price_version)?;
    let expected = cost(&endpoint.prices, truth).total;
    (expected != attempt.cost).then(|| format!("costs ${expected}, recorded ${}", attempt.cost))
}
