//! The accounting proof: what a simulator served, against the records and the accounts.
//!
//! This file gathers; [`compare`] is pure and judges.

mod compare;
mod report;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, Uri};
use http_body_util::{BodyExt, Limited};
use portolan_core::{AccountId, Day, Money};
use portolan_engine::Refused;
use portolan_gateway::{ApiError, Gateway};
use portolan_ledger::Generation;
use portolan_sim::LedgerView;
use portolan_store::{GenerationFilter, StoreError};
use portolan_upstream::{Base, Call, Client, Credential, Segments, Target};
use serde::Deserialize;

use compare::{Account, Evidence, Known};
use report::Report;

/// The largest ledger that is read: some millions of requests.
const LEDGER_BYTES_MAX: usize = 512 * 1024 * 1024;
/// Beside a gateway at work something always ends between two readings: so often it is tried again.
const TRIES_MAX: usize = 5;
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(200);

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

pub(super) async fn verify(State(proof): State<Arc<Proof>>, axum::Json(asked): axum::Json<Asked>) -> Result<Response, ApiError> {
    let mut report = proof.examine(&asked.sim_url).await?;
    for _ in 1..TRIES_MAX {
        if report.ok {
            break;
        }
        tokio::time::sleep(TRY_AGAIN_AFTER).await;
        report = proof.examine(&asked.sim_url).await?;
    }
    Ok(axum::Json(report).into_response())
}

impl Proof {
    async fn examine(&self, sim_url: &str) -> Result<Report, ApiError> {
        let in_flight = self.in_flight();
        let unreadable = |error: StoreError| {
            tracing::error!(%error, "the records could not be read");
            ApiError::from(Refused::internal())
        };
        let records = self.records().await.map_err(unreadable)?;
        let accounts = self.accounts().await.map_err(unreadable)?;
        // Read last: all that is recorded by now was served before.
        let served = self.fetch(sim_url).await?;
        let known = known(&self.gateway, sim_url, &records);
        Ok(compare::compare(&Evidence { served: &served, records: &records, accounts: &accounts, known: &known, in_flight }))
    }

    async fn fetch(&self, url: &str) -> Result<LedgerView, ApiError> {
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
        let response = self.client.send(call).await.map_err(|fault| wrong(fault.message))?;
        if !response.status().is_success() {
            return Err(wrong(format!("the simulator answers {} there", response.status())).into());
        }
        let body = Limited::new(response.into_body(), LEDGER_BYTES_MAX).collect().await.map_err(|e| wrong(e.to_string()))?;
        serde_json::from_slice(&body.to_bytes()).map_err(|e| wrong(format!("that is no simulator's ledger: {e}")).into())
    }

    async fn records(&self) -> Result<Vec<Generation>, StoreError> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self.gateway.store.generations(GenerationFilter::default(), after).await?;
            all.extend(page.generations);
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(all),
            }
        }
    }

    /// Every account: as the ledger has it, and as the engine has it in memory, where it does.
    async fn accounts(&self) -> Result<HashMap<AccountId, Account>, StoreError> {
        let today = self.today();
        let settled = self.gateway.store.spends(today).await?;
        let in_memory = |id: AccountId| self.gateway.engine.accounts().get(id).map(|cell| cell.state(today).spend.total);
        Ok(settled.into_iter().map(|(id, spend)| (id, Account { settled: spend.total, in_memory: in_memory(id) })).collect())
    }

    fn in_flight(&self) -> u64 {
        let today = self.today();
        let holds = |all: u64, cell: &Arc<portolan_engine::AccountCell>| all + u64::from(cell.state(today).holds);
        self.gateway.engine.accounts().all().iter().fold(0, holds)
    }

    fn today(&self) -> Day {
        self.gateway.engine.clock().now().day()
    }
}

/// What the catalog knows of every endpoint that the records name.
fn known(gateway: &Gateway, sim_url: &str, records: &[Generation]) -> HashMap<(Arc<str>, String), Known> {
    let deployment = gateway.engine.deployment();
    let catalog = &deployment.catalog;
    let authority = |url: &str| url.parse::<Uri>().ok().and_then(|uri| uri.authority().cloned());
    let simulator = authority(sim_url);
    let mut known = HashMap::new();
    for attempt in records.iter().flat_map(|generation| &generation.attempts) {
        let key = (attempt.model.clone(), attempt.endpoint.clone());
        if known.contains_key(&key) {
            continue;
        }
        let Some(model) = catalog.model(&attempt.model) else { continue };
        let Some(endpoint) = catalog.endpoints_of(model).find(|e| e.tag == attempt.endpoint) else { continue };
        known.insert(
            key,
            Known {
                prices: endpoint.prices.clone(),
                upstream_model: endpoint.upstream_model(&attempt.model).to_owned(),
                elsewhere: authority(&catalog.provider(endpoint.provider).base_url) != simulator,
            },
        );
    }
    known
}

impl Account {
    /// Whether the two readings agree.
    fn differs(&self) -> Option<Money> {
        self.in_memory.filter(|in_memory| *in_memory != self.settled)
    }
}
