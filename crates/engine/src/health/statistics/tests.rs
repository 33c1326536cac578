//! What is told of an endpoint, and for how long.

use super::super::histogram::RELATIVE_ERROR_MAX;
use super::*;

const T0: i64 = 1_800_000_000_000;
const MINUTE: i64 = 60_000;

fn at(ms: i64) -> UnixMillis {
    UnixMillis(T0 + ms)
}

fn answer(latency_ms: f64, throughput: f64) -> Served {
    Served { began: at(0), output_tokens: Some(10), latency_ms: Some(latency_ms), throughput: Some(throughput) }
}

fn near(found: Option<f64>, exact: f64) {
    let found = found.unwrap();
    assert!((found / exact - 1.0).abs() <= RELATIVE_ERROR_MAX, "{found} is not near {exact}");
}

#[test]
fn percentiles_of_latency_rise_and_those_of_throughput_fall() {
    let mut statistics = Statistics::default();
    (1..=100).for_each(|i| statistics.served(&answer(f64::from(i) * 20.0, f64::from(i)), at(0)));
    let stats = statistics.stats(at(0));
    let (latency, throughput) = (stats.latency.unwrap(), stats.throughput.unwrap());
    for (found, exact) in [(latency.p50, 1.0), (latency.p75, 1.5), (latency.p90, 1.8), (latency.p99, 1.98)] {
        near(found, exact);
    }
    for (found, exact) in [(throughput.p50, 51.0), (throughput.p75, 26.0), (throughput.p90, 11.0), (throughput.p99, 2.0)] {
        near(found, exact);
    }
    near(statistics.endpoint_stats(at(0)).latency_30m.unwrap().p50, 1_000.0);
    near(statistics.endpoint_stats(at(0)).throughput_30m.unwrap().p90, 11.0);
}

#[test]
fn few_requests_tell_nothing() {
    let mut statistics = Statistics::default();
    for told in [false, false, false, false, true] {
        statistics.served(&answer(100.0, 50.0), at(0));
        statistics.cached = None;
        assert_eq!((statistics.stats(at(0)).latency.is_some(), statistics.stats(at(0)).throughput.is_some()), (told, told));
    }
    let unstreamed = Served { latency_ms: None, throughput: None, ..answer(1.0, 1.0) };
    let mut statistics = Statistics::default();
    (0..100).for_each(|_| statistics.served(&unstreamed, at(0)));
    assert_eq!(statistics.stats(at(0)), Stats::default());
    assert_eq!(statistics.endpoint_stats(at(0)).uptime_5m, Some(100.0));
}

#[test]
fn each_window_forgets_in_its_own_time() {
    let mut statistics = Statistics::default();
    (0..3).for_each(|_| statistics.served(&answer(100.0, 50.0), at(0)));
    statistics.failed(Class::ProviderUnavailable, at(0));
    assert_eq!(statistics.endpoint_stats(at(0)).uptime_5m, Some(75.0));
    (0..5).for_each(|_| statistics.served(&answer(900.0, 5.0), at(10 * MINUTE)));
    let uptimes = |ms| {
        let stats = statistics.endpoint_stats(at(ms));
        (stats.uptime_5m, stats.uptime_30m, stats.uptime_1d)
    };
    let all = Some(100.0 * 8.0 / 9.0);
    assert_eq!(uptimes(10 * MINUTE), (Some(100.0), all, all));
    assert_eq!(uptimes(35 * MINUTE), (None, Some(100.0), all));
    assert_eq!(uptimes(2 * 60 * MINUTE), (None, None, all));
    assert_eq!(uptimes(25 * 60 * MINUTE), (None, None, None));
    near(statistics.stats(at(12 * MINUTE)).latency.unwrap().p50, 0.9);
    assert_eq!(statistics.stats(at(16 * MINUTE)).latency, None);
}

#[test]
fn only_what_the_provider_answers_for_counts_against_its_uptime() {
    let cases = [
        (Class::RateLimitExceeded, true),
        (Class::ProviderOverloaded, true),
        (Class::ProviderUnavailable, true),
        (Class::InvalidAnswer, true),
        (Class::Timeout, true),
        (Class::NotFound, true),
        (Class::CredentialRefused, false),
        (Class::CredentialExhausted, false),
    ];
    for (class, counts) in cases {
        let mut statistics = Statistics::default();
        statistics.served(&answer(1.0, 1.0), at(0));
        statistics.failed(class, at(0));
        let stats = statistics.endpoint_stats(at(0));
        assert_eq!(stats.uptime_1d, Some(if counts { 50.0 } else { 100.0 }), "{class:?}");
        assert_eq!(stats.faults_1d, [(class, 1)]);
    }
}

#[test]
fn the_rate_of_bad_tool_calls_is_told_for_a_day_once_there_were_enough() {
    let mut statistics = Statistics::default();
    (0..19).for_each(|i| statistics.tool_calls(i < 5, at(0)));
    assert_eq!(statistics.stats(at(0)).tool_error_rate, None);
    statistics.tool_calls(false, at(0));
    assert_eq!(statistics.stats(at(999)).tool_error_rate, None, "what was computed holds for a second");
    assert_eq!(statistics.stats(at(1_000)).tool_error_rate, Some(0.25));
    assert_eq!(statistics.stats(at(23 * 60 * MINUTE)).tool_error_rate, Some(0.25));
    assert_eq!(statistics.stats(at(25 * 60 * MINUTE)).tool_error_rate, None);
}

#[test]
fn the_length_of_answers_is_that_of_the_last_ones() {
    let mut statistics = Statistics::default();
    let lengths = |range: std::ops::Range<u64>, statistics: &mut Statistics| {
        range.for_each(|n| statistics.served(&Served { output_tokens: Some(n), ..answer(1.0, 1.0) }, at(0)));
    };
    lengths(0..7, &mut statistics);
    assert_eq!(statistics.output_p95(), None);
    lengths(7..8, &mut statistics);
    assert_eq!(statistics.output_p95(), Some(7));
    lengths(1_000..1_064, &mut statistics);
    assert_eq!(statistics.output_p95(), Some(1_060));
}
