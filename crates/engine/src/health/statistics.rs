//! What one endpoint did over the last day, in fixed memory (some 24 KiB, made with its first event).

use portolan_core::{Class, Fault, Origin, Percentiles, UnixMillis};
use portolan_routing::Stats;

use super::histogram::Histogram;
use super::window::Window;

/// Percentiles are told once there were so many values.
pub(crate) const SAMPLES_MIN: u64 = 5;
/// The rate of bad tool calls is told once so many answers ended in tool calls: one of five is no rate.
pub(crate) const TOOL_ANSWERS_MIN: u32 = 20;
/// Statistics for the planner are computed anew after this time.
const CACHED_MS: i64 = 1_000;
/// How many recent answers the estimate of an output's length looks at.
const OUTPUTS_KEPT: usize = 64;
/// The estimate is made once there were so many.
const OUTPUTS_MIN: usize = 8;
/// The percentiles that are told.
const PERCENTS: [u64; 4] = [50, 75, 90, 99];
/// How many classes of faults there are, the last one's number and one.
const CLASSES: usize = Class::Internal as usize + 1;

/// An answer that came to its end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Served {
    /// When its attempt began.
    pub(crate) began: UnixMillis,
    /// How long it was, in tokens. `None`: it said nothing.
    pub(crate) output_tokens: Option<u64>,
    /// Milliseconds from the attempt's beginning to the first token. `None`: it was not streamed.
    pub(crate) latency_ms: Option<f64>,
    /// Tokens per second after the first. `None`: it was too short to tell, or not streamed.
    pub(crate) throughput: Option<f64>,
}

/// How an endpoint did, for the catalog's JSON. `None`: too few requests to tell.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EndpointStats {
    /// The percentage of requests without a fault of the provider in the last 5 minutes.
    pub uptime_5m: Option<f64>,
    /// The same in the last 30 minutes.
    pub uptime_30m: Option<f64>,
    /// The same in the last day.
    pub uptime_1d: Option<f64>,
    /// Milliseconds to the first token of streamed answers in the last 30 minutes. 90 % stay within the 90th percentile.
    pub latency_30m: Option<Percentiles>,
    /// Tokens per second after the first in the last 30 minutes. 90 % reach the 90th percentile.
    pub throughput_30m: Option<Percentiles>,
    /// The faults of the last day that were the endpoint's own, by class; also those that do not count against its uptime.
    pub faults_1d: Vec<(Class, u32)>,
}

/// Requests of a time, by how they ended.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    served: u32,
    faults: [u32; CLASSES],
}

/// A slot of the windows that know how fast.
#[derive(Debug, Default)]
struct Detail {
    counts: Counts,
    /// In milliseconds: 1 ms to 198 s.
    latency: Histogram,
    /// In tenths of a token per second: 0.1 to 19,800 tokens per second.
    throughput: Histogram,
}

/// A slot of the window of a day.
#[derive(Debug, Default)]
struct Hour {
    counts: Counts,
    tool_answers: u32,
    bad_tool_answers: u32,
}

/// The statistics of one endpoint.
#[derive(Debug)]
pub(super) struct Statistics {
    /// Slots of 30 seconds: the window covers 4.5 to 5 minutes.
    minutes_5: Window<Detail, 10>,
    /// Slots of 3 minutes: the window covers 27 to 30 minutes.
    minutes_30: Window<Detail, 10>,
    /// Slots of an hour: the window covers 23 to 24 hours.
    day: Window<Hour, 24>,
    outputs: [u32; OUTPUTS_KEPT],
    outputs_seen: usize,
    cached: Option<(UnixMillis, Stats)>,
}

impl Default for Statistics {
    fn default() -> Self {
        Self {
            minutes_5: Window::new(30_000),
            minutes_30: Window::new(180_000),
            day: Window::new(3_600_000),
            outputs: [0; OUTPUTS_KEPT],
            outputs_seen: 0,
            cached: None,
        }
    }
}

impl Statistics {
    /// Counts an answer.
    pub(super) fn served(&mut self, served: &Served, now: UnixMillis) {
        for detail in [self.minutes_5.at(now), self.minutes_30.at(now)] {
            detail.counts.served += 1;
            served.latency_ms.iter().for_each(|ms| detail.latency.add(*ms));
            served.throughput.iter().for_each(|speed| detail.throughput.add(*speed * 10.0));
        }
        self.day.at(now).counts.served += 1;
        if let Some(tokens) = served.output_tokens {
            self.outputs[self.outputs_seen % OUTPUTS_KEPT] = u32::try_from(tokens).unwrap_or(u32::MAX);
            self.outputs_seen = self.outputs_seen.wrapping_add(1);
        }
    }

    /// Counts a fault.
    pub(super) fn failed(&mut self, class: Class, now: UnixMillis) {
        for counts in [&mut self.minutes_5.at(now).counts, &mut self.minutes_30.at(now).counts, &mut self.day.at(now).counts] {
            counts.faults[class as usize] += 1;
        }
    }

    /// Counts an answer that ended in tool calls.
    pub(super) fn tool_calls(&mut self, bad: bool, now: UnixMillis) {
        let hour = self.day.at(now);
        hour.tool_answers += 1;
        hour.bad_tool_answers += u32::from(bad);
    }

    /// The 95th percentile of the lengths of recent answers, in tokens.
    pub(super) fn output_p95(&self) -> Option<u64> {
        let kept = self.outputs_seen.min(OUTPUTS_KEPT);
        if kept < OUTPUTS_MIN {
            return None;
        }
        let mut recent = self.outputs;
        let (_, p95, _) = recent[..kept].select_nth_unstable((kept * 95 / 100).min(kept - 1));
        Some(u64::from(*p95))
    }

    /// What the planner is told: computed at most once a second.
    pub(super) fn stats(&mut self, now: UnixMillis) -> Stats {
        match self.cached {
            Some((at, stats)) if now.0.saturating_sub(at.0).saturating_abs() < CACHED_MS => stats,
            _ => {
                let stats = self.computed(now);
                self.cached = Some((now, stats));
                stats
            }
        }
    }

    fn computed(&self, now: UnixMillis) -> Stats {
        let (answers, bad) = self.day.recent(now).fold((0, 0), |(all, bad), hour| (all + hour.tool_answers, bad + hour.bad_tool_answers));
        Stats {
            throughput: throughput(&self.minutes_5, now),
            latency: latency(&self.minutes_5, now, 1_000.0),
            tool_error_rate: (answers >= TOOL_ANSWERS_MIN).then(|| f64::from(bad) / f64::from(answers)),
        }
    }

    /// What the catalog shows.
    pub(super) fn endpoint_stats(&self, now: UnixMillis) -> EndpointStats {
        let day = sum(self.day.recent(now).map(|hour| &hour.counts));
        EndpointStats {
            uptime_5m: sum(self.minutes_5.recent(now).map(|detail| &detail.counts)).uptime(),
            uptime_30m: sum(self.minutes_30.recent(now).map(|detail| &detail.counts)).uptime(),
            uptime_1d: day.uptime(),
            latency_30m: latency(&self.minutes_30, now, 1.0),
            throughput_30m: throughput(&self.minutes_30, now),
            faults_1d: day.by_class(),
        }
    }
}

impl Counts {
    /// The percentage of requests without a fault that counts; `None` without traffic.
    fn uptime(&self) -> Option<f64> {
        let down: u32 = self.by_class().iter().filter(|(class, _)| counts_against_uptime(*class)).map(|(_, n)| n).sum();
        let all = self.served.saturating_add(down);
        (all > 0).then(|| 100.0 * f64::from(self.served) / f64::from(all))
    }

    fn by_class(&self) -> Vec<(Class, u32)> {
        OWN_FAULTS.iter().map(|class| (*class, self.faults[*class as usize])).filter(|(_, n)| *n > 0).collect()
    }
}

/// The classes that a fault of an endpoint can have.
const OWN_FAULTS: [Class; 13] = [
    Class::RateLimitExceeded,
    Class::ProviderOverloaded,
    Class::ProviderUnavailable,
    Class::InvalidAnswer,
    Class::Timeout,
    Class::NotFound,
    Class::CredentialRefused,
    Class::CredentialExhausted,
    Class::InvalidRequest,
    Class::ContextLengthExceeded,
    Class::ContentPolicyViolation,
    Class::PayloadTooLarge,
    Class::EgressRefused,
];

/// Whether it is a fault of the endpoint, and not of the caller or of this gateway.
pub(super) fn is_own(fault: &Fault) -> bool {
    fault.origin == Origin::Upstream
}

/// Whether the provider was down or would not serve. A credential of ours that it refuses says nothing about that.
fn counts_against_uptime(class: Class) -> bool {
    match class {
        Class::RateLimitExceeded
        | Class::ProviderOverloaded
        | Class::ProviderUnavailable
        | Class::InvalidAnswer
        | Class::Timeout
        | Class::NotFound => true,
        Class::CredentialRefused
        | Class::CredentialExhausted
        | Class::InvalidRequest
        | Class::ContextLengthExceeded
        | Class::ContentPolicyViolation
        | Class::PayloadTooLarge
        | Class::EgressRefused
        | Class::CallerGone
        | Class::Draining
        | Class::Internal => false,
    }
}

fn sum<'a>(counts: impl Iterator<Item = &'a Counts>) -> Counts {
    counts.fold(Counts::default(), |mut all, one| {
        all.served = all.served.saturating_add(one.served);
        all.faults.iter_mut().zip(one.faults).for_each(|(own, other)| *own = own.saturating_add(other));
        all
    })
}

fn merged<const N: usize>(window: &Window<Detail, N>, now: UnixMillis, of: impl Fn(&Detail) -> &Histogram) -> Option<Histogram> {
    let mut all = Histogram::default();
    window.recent(now).for_each(|detail| all.merge(of(detail)));
    (all.count() >= SAMPLES_MIN).then_some(all)
}

/// Latencies, in units of so many milliseconds.
fn latency<const N: usize>(window: &Window<Detail, N>, now: UnixMillis, unit_ms: f64) -> Option<Percentiles> {
    let all = merged(window, now, |detail| &detail.latency)?;
    Some(percentiles(all.rising(PERCENTS)?, unit_ms))
}

/// Tokens per second.
fn throughput<const N: usize>(window: &Window<Detail, N>, now: UnixMillis) -> Option<Percentiles> {
    let all = merged(window, now, |detail| &detail.throughput)?;
    Some(percentiles(all.falling(PERCENTS)?, 10.0))
}

/// The values at [`PERCENTS`], in a unit of so many of the histogram's.
fn percentiles(values: [f64; 4], unit: f64) -> Percentiles {
    let [p50, p75, p90, p99] = values.map(|value| Some(value / unit));
    Percentiles { p50, p75, p90, p99 }
}

#[cfg(test)]
mod tests;
