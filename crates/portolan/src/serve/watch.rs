//! Active probes: providers that serve nothing just now are asked, at an interval, whether they can be reached.
//!
//! What is asked is the list of models, which costs nothing. It says that a provider is there and takes the credential, and no
//! more: health holds back whom it fails, and leaves everything else to the requests.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::StatusCode;
use portolan_catalog::{Provider, ProviderIx};
use portolan_core::{ProviderSlug, Random, UnixMillis};
use portolan_engine::{Deployment, Engine, Route};
use portolan_upstream::Client;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Instance;
use super::in_force::InForce;
use super::metrics::Metrics;
use super::sync::{callable, question};

/// A provider whose answer has not begun by then is down.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);

/// The watch over the providers.
pub(super) struct Watch {
    engine: Engine,
    client: Arc<Client>,
    metrics: Arc<Metrics>,
    in_force: Arc<InForce>,
    /// What was told of each provider last: at most one entry for each that can be called.
    told: Mutex<HashMap<ProviderSlug, Standing>>,
}

/// How a provider stands, as far as it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Up,
    Unreachable,
    Refuses,
}

/// What a probe found.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Reachable,
    Unreachable(String),
    /// It does not take the credential.
    Refused,
}

impl Watch {
    pub(super) fn of(instance: &Instance) -> Self {
        Self {
            engine: instance.gateway.engine.clone(),
            client: instance.client.clone(),
            metrics: instance.metrics.clone(),
            in_force: instance.in_force.clone(),
            told: Mutex::default(),
        }
    }

    /// Probes until `stop`. Ends at once where no interval is set.
    pub(super) async fn run(self, stop: CancellationToken) {
        let interval = self.in_force.config().routing.probe_interval;
        if interval.is_zero() {
            return;
        }
        let mut due = Instant::now() + part(interval, 0, 1_000, self.engine.random());
        loop {
            let round = async {
                tokio::time::sleep_until(due).await;
                due = Instant::now() + part(interval, 900, 1_100, self.engine.random());
                self.round(interval).await;
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = round => {}
            }
        }
    }

    /// Looks at every provider that can be called, eight at a time.
    async fn round(&self, interval: Duration) {
        let deployment = self.engine.deployment();
        let providers = callable(&deployment);
        self.forget_others(&deployment, &providers);
        let open = Mutex::new(providers.into_iter());
        let next = || open.lock().unwrap_or_else(PoisonError::into_inner).next();
        let look = async || {
            while let Some((ix, route)) = next() {
                self.look(&deployment, ix, route, interval).await;
            }
        };
        tokio::join!(look(), look(), look(), look(), look(), look(), look(), look());
    }

    async fn look(&self, deployment: &Deployment, ix: ProviderIx, route: &Route, interval: Duration) {
        let provider = deployment.catalog.provider(ix);
        let interval_ms = i64::try_from(interval.as_millis()).unwrap_or(i64::MAX);
        let found = if deployment.served_within(ix, interval_ms, self.now()) { None } else { Some(self.ask(provider, route).await) };
        let is_down = found.as_ref().is_some_and(|found| deployment.note_probe(ix, *found == Found::Reachable));
        self.tell(&provider.slug, found.filter(|_| is_down).unwrap_or(Found::Reachable));
    }

    async fn ask(&self, provider: &Provider, route: &Route) -> Found {
        let call = match question(provider, route) {
            Ok(call) => call,
            Err(error) => return Found::Unreachable(error.to_string()),
        };
        // Only the head is waited for: its answer is dropped unread, and the connection with it.
        match tokio::time::timeout(ANSWER_TIME_MAX, self.client.send(call)).await {
            Ok(Ok(answer)) => Found::of(answer.status()),
            Ok(Err(fault)) => Found::Unreachable(route.credential.mask(&fault.message).into_owned()),
            Err(_) => Found::Unreachable(format!("it did not answer within {} seconds", ANSWER_TIME_MAX.as_secs())),
        }
    }

    /// Shows how a provider stands; a change is logged.
    fn tell(&self, slug: &ProviderSlug, found: Found) {
        let standing = found.standing();
        self.metrics.provider_up(slug.as_str(), Some(standing == Standing::Up));
        let before = self.told().insert(slug.clone(), standing).unwrap_or(Standing::Up);
        if before == standing {
            return;
        }
        match found {
            Found::Reachable => tracing::info!(provider.slug = %slug, "the provider can be reached again"),
            Found::Unreachable(why) => {
                tracing::warn!(provider.slug = %slug, error = why, "the provider cannot be reached; others are tried before it");
            }
            Found::Refused => tracing::warn!(
                provider.slug = %slug,
                credential.origin = self.origin_of_credential(slug),
                "the provider does not take the credential (401); others are tried before it"
            ),
        }
    }

    fn origin_of_credential(&self, slug: &ProviderSlug) -> String {
        let keys = self.in_force.config().provider_keys.found;
        keys.iter().find(|key| key.provider == *slug).map_or_else(|| "none is configured".to_owned(), |key| key.origin.to_string())
    }

    /// Providers that a reload has taken away are shown no more.
    fn forget_others(&self, deployment: &Deployment, providers: &BTreeMap<ProviderIx, &Route>) {
        let is_there = |slug: &ProviderSlug| deployment.catalog.provider_ix(slug.as_str()).is_some_and(|ix| providers.contains_key(&ix));
        self.told().retain(|slug, _| {
            let stays = is_there(slug);
            if !stays {
                self.metrics.provider_up(slug.as_str(), None);
            }
            stays
        });
    }

    fn told(&self) -> MutexGuard<'_, HashMap<ProviderSlug, Standing>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> UnixMillis {
        self.engine.clock().now()
    }
}

impl Found {
    /// Whoever answers is there, also without a list of models; a rate limit says nothing of requests, and a key with restricted
    /// rights may infer and not list (403).
    fn of(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED => Found::Refused,
            status if status.is_server_error() => Found::Unreachable(format!("it answers {status}")),
            _ => Found::Reachable,
        }
    }

    fn standing(&self) -> Standing {
        match self {
            Found::Reachable => Standing::Up,
            Found::Unreachable(_) => Standing::Unreachable,
            Found::Refused => Standing::Refuses,
        }
    }
}

/// Between so many thousandths of the interval and so many, by chance: replicas that start together do not ask in step.
fn part(interval: Duration, from: u32, to: u32, random: &dyn Random) -> Duration {
    let thousandths = from + u32::try_from(random.next_u64() % u64::from(to - from)).unwrap_or(0);
    interval * thousandths / 1_000
}

#[cfg(test)]
mod tests {
    use portolan_core::SeededRandom;

    use super::*;

    #[test]
    fn only_a_fault_of_the_server_and_a_refused_credential_are_down() {
        let cases = [
            (&[200, 204, 302, 304, 400, 403, 404, 405, 429][..], Standing::Up),
            (&[500, 502, 503, 504, 529], Standing::Unreachable),
            (&[401], Standing::Refuses),
        ];
        for (statuses, standing) in cases {
            for status in statuses {
                assert_eq!(Found::of(StatusCode::from_u16(*status).unwrap()).standing(), standing, "{status}");
            }
        }
    }

    #[test]
    fn rounds_are_an_interval_apart_by_a_tenth_more_or_less() {
        let (random, interval) = (SeededRandom::new(7), Duration::from_secs(10));
        let parts: Vec<_> = (0..1_000).map(|_| part(interval, 900, 1_100, &random).as_millis()).collect();
        assert!(parts.iter().all(|ms| (9_000..11_000).contains(ms)));
        assert!(parts.iter().any(|ms| *ms < 9_200) && parts.iter().any(|ms| *ms > 10_800));
    }
}
