//! Prometheus metrics, `portolan_*`. `docs/operations.md` lists them.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use portolan_engine::{Observer, Refused};
use portolan_ledger::Generation;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Models that are counted by name, several times the catalog: callers name the simulator's as they like, and a
/// name that was counted is kept for ever. Further ones are counted as `other`.
const MODELS_MAX: usize = 4096;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Served {
    model: Arc<str>,
    provider: Arc<str>,
    end: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failed {
    provider: Arc<str>,
    class: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ruled {
    status: u16,
    rule: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Named {
    provider: String,
}

/// A family whose kinds are known beforehand: counting takes no look-up.
struct Kinds<const N: usize> {
    family: Family<Kind, Counter>,
    counters: [Counter; N],
}

impl<const N: usize> Kinds<N> {
    fn new(kinds: [&'static str; N]) -> Self {
        let family = Family::<Kind, Counter>::default();
        Self { counters: kinds.map(|kind| family.get_or_create(&Kind { kind }).clone()), family }
    }

    /// Adds to every kind, in their order.
    fn add(&self, amounts: [u64; N]) {
        for (counter, amount) in self.counters.iter().zip(amounts) {
            counter.inc_by(amount);
        }
    }
}

/// The models that are counted by name.
#[derive(Default)]
struct Models(Mutex<HashSet<Arc<str>>>);

impl Models {
    fn label(&self, model: &Arc<str>) -> Arc<str> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains(model) {
            if known.len() >= MODELS_MAX {
                return "other".into();
            }
            known.insert(model.clone());
        }
        model.clone()
    }
}

/// All metrics of the process.
pub(super) struct Metrics {
    registry: Registry,
    models: Models,
    generations: Family<Served, Counter>,
    failed_attempts: Family<Failed, Counter>,
    refused: Family<Ruled, Counter>,
    tokens: Kinds<4>,
    nanodollars: Kinds<3>,
    flagged: Kinds<5>,
    first_token: Histogram,
    total: Histogram,
    gateway: Histogram,
    reload_ok: Gauge,
    sync_ok: Gauge,
    synced_at: Gauge,
    provider_up: Family<Named, Gauge>,
    in_flight: Gauge,
    unfolded: Gauge<i64>,
}

impl Metrics {
    pub(super) fn new() -> Self {
        let seconds = || Histogram::new([0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0]);
        let mut metrics = Self {
            registry: Registry::with_prefix("portolan"),
            models: Models::default(),
            generations: Family::default(),
            failed_attempts: Family::default(),
            refused: Family::default(),
            tokens: Kinds::new(["prompt", "completion", "cache_read", "reasoning"]),
            nanodollars: Kinds::new(["cost", "charge", "unbilled"]),
            flagged: Kinds::new(["estimated", "odd_usage", "over_hold", "drained", "lowered_max_tokens"]),
            first_token: seconds(),
            total: seconds(),
            gateway: Histogram::new([0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.1, 1.0]),
            reload_ok: Gauge::default(),
            sync_ok: Gauge::default(),
            synced_at: Gauge::default(),
            provider_up: Family::default(),
            in_flight: Gauge::default(),
            unfolded: Gauge::default(),
        };
        metrics.reload_ok.set(1);
        metrics.sync_ok.set(1);
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let r = &mut self.registry;
        r.register("generations", "Generations that ended, by model, provider and end reason", self.generations.clone());
        r.register("failed_attempts", "Attempts that failed, by provider and class", self.failed_attempts.clone());
        r.register("refused_requests", "Requests refused before anything was sent, by status and rule", self.refused.clone());
        r.register("tokens", "Tokens, by kind: prompt, completion, cache_read, reasoning", self.tokens.family.clone());
        r.register("nanodollars", "Money in 1e-9 USD, by kind: cost, charge, unbilled", self.nanodollars.family.clone());
        r.register(
            "flagged_generations",
            "Generations with a flag: estimated, odd_usage, over_hold, drained, lowered_max_tokens",
            self.flagged.family.clone(),
        );
        r.register("first_token_seconds", "From a request's arrival to its first content", self.first_token.clone());
        r.register("request_seconds", "From a request's arrival to its end", self.total.clone());
        r.register(
            "gateway_seconds",
            "From a request's arrival to the first attempt's sending: the gateway's own part",
            self.gateway.clone(),
        );
        r.register("config_reload_success", "Whether the last reload of the configuration succeeded", self.reload_ok.clone());
        r.register("catalog_sync_success", "Whether the last sync succeeded and what is stored can be used", self.sync_ok.clone());
        r.register(
            "catalog_synced_timestamp_seconds",
            "When the source last confirmed the live catalog in force; 0: the built-in one is",
            self.synced_at.clone(),
        );
        r.register("provider_up", "Whether a provider that is probed can be reached", self.provider_up.clone());
        r.register("tasks_in_flight", "Tasks that run: connections, generations, listeners", self.in_flight.clone());
        r.register("journal_unfolded_bytes", "Bytes of the journal that the database has not folded yet", self.unfolded.clone());
    }

    pub(super) fn reloaded(&self, ok: bool) {
        self.reload_ok.set(i64::from(ok));
    }

    /// How the live catalog stands: `confirmed_at` in Unix seconds, 0 while the built-in one is in force.
    pub(super) fn catalog(&self, ok: bool, confirmed_at: i64) {
        self.sync_ok.set(i64::from(ok));
        self.synced_at.set(confirmed_at);
    }

    /// Whether a provider that is probed can be reached. `None`: it is probed no more.
    pub(super) fn provider_up(&self, provider: &str, up: Option<bool>) {
        let named = Named { provider: provider.to_owned() };
        match up {
            Some(up) => _ = self.provider_up.get_or_create(&named).set(i64::from(up)),
            None => _ = self.provider_up.remove(&named),
        }
    }

    /// The text format, with the gauges as they are now.
    pub(super) fn render(&self, tasks: usize, unfolded_bytes: u64) -> Result<String, std::fmt::Error> {
        self.in_flight.set(i64::try_from(tasks).unwrap_or(i64::MAX));
        self.unfolded.set(i64::try_from(unfolded_bytes).unwrap_or(i64::MAX));
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl Observer for Metrics {
    fn closed(&self, generation: &Generation) {
        use portolan_core::Meter::{CacheRead, Reasoning};
        let model = self.models.label(&generation.model);
        let served = Served { model, provider: generation.provider.clone(), end: generation.end.as_str() };
        self.generations.get_or_create(&served).inc();
        for (attempt, fault) in generation.attempts.iter().filter_map(|a| Some((a, a.fault.as_ref()?))) {
            self.failed_attempts.get_or_create(&Failed { provider: attempt.provider.clone(), class: fault.class.error_type() }).inc();
        }
        let usage = &generation.usage;
        self.tokens.add([usage.prompt_tokens(), usage.completion_tokens(), usage[CacheRead], usage[Reasoning]]);
        let amount = |money: portolan_core::Money| u64::try_from(money.0).unwrap_or(0);
        self.nanodollars.add([amount(generation.cost), amount(generation.charge), amount(generation.cost - generation.charge)]);
        let f = &generation.flags;
        self.flagged.add([f.estimated, f.odd_usage, f.over_hold, f.drained, f.lowered_max_tokens].map(u64::from));
        if let Some(ms) = generation.latency.first_token_ms {
            self.first_token.observe(f64::from(ms) / 1e3);
        }
        self.total.observe(f64::from(generation.latency.total_ms) / 1e3);
        self.gateway.observe(f64::from(generation.latency.gateway_us) / 1e6);
    }

    fn refused(&self, refused: &Refused) {
        let rule = refused.rule.map_or("none", portolan_engine::Rule::as_str);
        self.refused.get_or_create(&Ruled { status: refused.status, rule }).inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_callers_make_up_are_counted_as_one_once_there_are_many() {
        let models = Models::default();
        assert!((0..MODELS_MAX).map(|n| format!("simulator/{n}").into()).all(|name| models.label(&name) == name));
        assert_eq!(*models.label(&"simulator/another".into()), *"other");
        assert_eq!(*models.label(&"simulator/0".into()), *"simulator/0", "one that was counted goes on");
    }
}
