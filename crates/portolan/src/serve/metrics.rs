//! Prometheus metrics, `portolan_*`. `docs/operations.md` lists them.

use portolan_engine::{Observer, Refused};
use portolan_ledger::Generation;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Served {
    model: String,
    provider: String,
    end: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failed {
    provider: String,
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

/// All metrics of the process.
pub(super) struct Metrics {
    registry: Registry,
    generations: Family<Served, Counter>,
    failed_attempts: Family<Failed, Counter>,
    refused: Family<Ruled, Counter>,
    tokens: Family<Kind, Counter>,
    nanodollars: Family<Kind, Counter>,
    flagged: Family<Kind, Counter>,
    first_token: Histogram,
    total: Histogram,
    gateway: Histogram,
    reload_ok: Gauge,
    in_flight: Gauge,
    unfolded: Gauge<i64>,
}

impl Metrics {
    pub(super) fn new() -> Self {
        let seconds = || Histogram::new([0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0]);
        let mut metrics = Self {
            registry: Registry::with_prefix("portolan"),
            generations: Family::default(),
            failed_attempts: Family::default(),
            refused: Family::default(),
            tokens: Family::default(),
            nanodollars: Family::default(),
            flagged: Family::default(),
            first_token: seconds(),
            total: seconds(),
            gateway: Histogram::new([0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.1, 1.0]),
            reload_ok: Gauge::default(),
            in_flight: Gauge::default(),
            unfolded: Gauge::default(),
        };
        metrics.reload_ok.set(1);
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let r = &mut self.registry;
        r.register("generations", "Generations that ended, by model, provider and end reason", self.generations.clone());
        r.register("failed_attempts", "Attempts that failed, by provider and class", self.failed_attempts.clone());
        r.register("refused_requests", "Requests refused before anything was sent, by status and rule", self.refused.clone());
        r.register("tokens", "Tokens, by kind: prompt, completion, cache_read, reasoning", self.tokens.clone());
        r.register("nanodollars", "Money in 1e-9 USD, by kind: cost, charge, unbilled", self.nanodollars.clone());
        r.register("flagged_generations", "Generations with a flag: estimated, odd_usage, over_hold, drained, lowered_max_tokens", self.flagged.clone());
        r.register("first_token_seconds", "From a request's arrival to its first content", self.first_token.clone());
        r.register("request_seconds", "From a request's arrival to its end", self.total.clone());
        r.register("gateway_seconds", "From a request's arrival to the first attempt's sending: the gateway's own part", self.gateway.clone());
        r.register("config_reload_success", "Whether the last reload of the configuration succeeded", self.reload_ok.clone());
        r.register("tasks_in_flight", "Tasks that run: connections, generations, listeners", self.in_flight.clone());
        r.register("journal_unfolded_bytes", "Bytes of the journal that the database has not folded yet", self.unfolded.clone());
    }

    pub(super) fn reloaded(&self, ok: bool) {
        self.reload_ok.set(i64::from(ok));
    }

    /// The text format, with the gauges as they are now.
    pub(super) fn render(&self, tasks: usize, unfolded_bytes: u64) -> Result<String, std::fmt::Error> {
        self.in_flight.set(i64::try_from(tasks).unwrap_or(i64::MAX));
        self.unfolded.set(i64::try_from(unfolded_bytes).unwrap_or(i64::MAX));
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }

    fn add(family: &Family<Kind, Counter>, kind: &'static str, amount: u64) {
        if amount > 0 {
            family.get_or_create(&Kind { kind }).inc_by(amount);
        }
    }
}

impl Observer for Metrics {
    fn closed(&self, generation: &Generation) {
        use portolan_core::Meter::{CacheRead, Reasoning};
        let served = Served { model: generation.model.clone(), provider: generation.provider.clone(), end: generation.end.as_str() };
        self.generations.get_or_create(&served).inc();
        for (attempt, fault) in generation.attempts.iter().filter_map(|a| Some((a, a.fault.as_ref()?))) {
            self.failed_attempts.get_or_create(&Failed { provider: attempt.provider.clone(), class: fault.class.error_type() }).inc();
        }
        let usage = &generation.usage;
        Self::add(&self.tokens, "prompt", usage.prompt_tokens());
        Self::add(&self.tokens, "completion", usage.completion_tokens());
        Self::add(&self.tokens, "cache_read", usage[CacheRead]);
        Self::add(&self.tokens, "reasoning", usage[Reasoning]);
        let amount = |money: portolan_core::Money| u64::try_from(money.0).unwrap_or(0);
        Self::add(&self.nanodollars, "cost", amount(generation.cost));
        Self::add(&self.nanodollars, "charge", amount(generation.charge));
        Self::add(&self.nanodollars, "unbilled", amount(generation.cost - generation.charge));
        let flags = &generation.flags;
        for (kind, raised) in [
            ("estimated", flags.estimated),
            ("odd_usage", flags.odd_usage),
            ("over_hold", flags.over_hold),
            ("drained", flags.drained),
            ("lowered_max_tokens", flags.lowered_max_tokens),
        ] {
            Self::add(&self.flagged, kind, u64::from(raised));
        }
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
