//! In which order endpoints are tried.
//!
//! With `tools` in the request OpenRouter reorders by the quality of tool calls by default ("Auto Exacto"). Here the
//! default stays the balancing by price: only `:exacto` or `sort: "exacto"` changes it.

use portolan_catalog::{Endpoint, EndpointIx};
use portolan_core::{Percentiles, Price, ServiceTier, SortBy};

use crate::ask::{Health, Standing, Stats};
use crate::filter::Scope;
use crate::plan::{Choice, OrderReason, Rejection};
use crate::rule::{Detail, Rule, Source};

/// A candidate that has no place yet.
pub(crate) fn unordered(scope: &Scope<'_>, endpoint: &Endpoint) -> Choice {
    let preferences = scope.ask.preferences;
    let (min_throughput, max_latency) = (preferences.preferred_min_throughput, preferences.preferred_max_latency);
    let by_stats = scope.sort.is_some_and(|by| by != SortBy::Price) || min_throughput.is_some() || max_latency.is_some();
    let stats = if by_stats { scope.health.stats(endpoint.ix) } else { Stats::default() };
    let standing = scope.health.standing(endpoint.ix);
    Choice {
        endpoint: endpoint.ix,
        requested: scope.requested,
        price: endpoint.blended_price(),
        weight: 0.0,
        reason: OrderReason::Price,
        failed_recently: standing == Standing::Behind,
        probes: standing == Standing::ProbeDue,
        misses: missed(min_throughput, stats.throughput, |has, wanted| has < wanted)
            || missed(max_latency, stats.latency, |has, wanted| has > wanted),
        sticky: scope.ask.sticky == Some(endpoint.ix),
        throughput: stats.throughput.and_then(|t| t.p50),
        latency: stats.latency.and_then(|l| l.p50),
        tool_error_rate: stats.tool_error_rate,
    }
}

/// Whether a threshold is known to be missed. What is unknown neither holds nor misses.
fn missed(wanted: Option<Percentiles>, has: Option<Percentiles>, is_worse: fn(f64, f64) -> bool) -> bool {
    let (Some(wanted), Some(has)) = (wanted, has) else { return false };
    let pairs = [(has.p50, wanted.p50), (has.p75, wanted.p75), (has.p90, wanted.p90), (has.p99, wanted.p99)];
    pairs.into_iter().any(|(has, wanted)| has.zip(wanted).is_some_and(|(has, wanted)| is_worse(has, wanted)))
}

/// Where a candidate stands: the smaller goes first, the upper field counts before the lower.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// In `order`; the caller's order holds whatever the endpoint's health.
    rank: usize,
    class: Class,
    /// By the sort: the best first, the unknown last.
    by: [u64; 2],
    price: Price,
    endpoint: EndpointIx,
}

/// Classes of candidates that `order` does not name, the first choice first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Class {
    not_sticky: bool,
    failed_recently: bool,
    misses: bool,
    /// The request asks for priority, others have it, and this one has not.
    not_priority: bool,
}

/// Orders attempts that are sorted together: those of one model, or of all.
pub(crate) fn order(scope: &Scope<'_>, own: &mut [Choice]) {
    let tier = |choice: &Choice| scope.catalog.endpoint(choice.endpoint).service_tier;
    let asks_priority = scope.ask.service_tier == Some(ServiceTier::Priority);
    let tiered = asks_priority && own.iter().any(|choice| tier(choice) == Some(ServiceTier::Priority));
    let class = |choice: &Choice| {
        let not_priority = tiered && tier(choice) != Some(ServiceTier::Priority);
        // What the request says itself counts before what an earlier one left behind.
        let sticky = choice.sticky && scope.named.is_empty() && !choice.failed_recently && !not_priority;
        Class { not_sticky: !sticky, failed_recently: choice.failed_recently, misses: choice.misses, not_priority }
    };
    let rank = |choice: &Choice| match scope.named {
        [] => usize::MAX,
        _ => scope.rank(scope.catalog.endpoint(choice.endpoint)).unwrap_or(usize::MAX),
    };
    own.sort_by_cached_key(|choice| Place {
        rank: rank(choice),
        class: class(choice),
        by: by(scope.sort, choice),
        price: choice.price,
        endpoint: choice.endpoint,
    });
    for choice in own.iter_mut() {
        choice.weight = 0.0;
        choice.reason = if rank(choice) == usize::MAX { reason(class(choice), tiered, scope.sort) } else { OrderReason::Named };
    }
    let is_placed = |choice: &&Choice| matches!(choice.reason, OrderReason::Named | OrderReason::Sticky);
    let placed = own.iter().take_while(is_placed).count();
    let rest = &mut own[placed..];
    if let (None, Some(first)) = (scope.sort, rest.first().map(class).filter(|class| !class.failed_recently)) {
        let best = rest.iter().take_while(|choice| class(choice) == first).count();
        balance(&mut rest[..best], draw(scope.ask.seed, scope.requested));
    }
}

fn reason(class: Class, tiered: bool, sort: Option<SortBy>) -> OrderReason {
    match class {
        Class { not_sticky: false, .. } => OrderReason::Sticky,
        Class { failed_recently: true, .. } => OrderReason::Unhealthy,
        Class { misses: true, .. } => OrderReason::Misses,
        Class { not_priority: false, .. } if tiered => OrderReason::Tier,
        _ => match sort {
            None | Some(SortBy::Price) => OrderReason::Price,
            Some(SortBy::Throughput) => OrderReason::Throughput,
            Some(SortBy::Latency) => OrderReason::Latency,
            Some(SortBy::Exacto) => OrderReason::Exacto,
        },
    }
}

/// No caller waits for several endpoints that may still be out: of those whose probe is due the plan probes the first, and the others
/// go behind. Whether one did, so that the order is no longer right.
pub(crate) fn probe_one(health: &dyn Health, attempts: &mut [Choice]) -> bool {
    let (mut probes, mut moves) = (false, false);
    for choice in attempts.iter_mut().filter(|choice| choice.probes) {
        choice.probes = !probes && health.probe(choice.endpoint);
        choice.failed_recently = !choice.probes;
        probes |= choice.probes;
        moves |= choice.failed_recently;
    }
    moves
}

/// Puts what misses a threshold, and what stands behind it for its model, behind the other models, too.
pub(crate) fn misses_last(attempts: &mut Vec<Choice>) {
    let (mut model, mut is_late, mut late) = (None, false, Vec::new());
    attempts.retain(|choice| {
        is_late &= model == Some(choice.requested);
        is_late |= choice.misses && !matches!(choice.reason, OrderReason::Named | OrderReason::Sticky);
        model = Some(choice.requested);
        if is_late {
            late.push(*choice);
        }
        !is_late
    });
    attempts.append(&mut late);
}

/// Our reading of `exacto`: the fewest bad tool calls first, endpoints without a known rate behind them, ties by throughput.
fn by(sort: Option<SortBy>, choice: &Choice) -> [u64; 2] {
    match sort {
        None | Some(SortBy::Price) => [0, 0],
        Some(SortBy::Throughput) => [high_first(choice.throughput), 0],
        Some(SortBy::Latency) => [low_first(choice.latency), 0],
        Some(SortBy::Exacto) => [low_first(choice.tool_error_rate), high_first(choice.throughput)],
    }
}

/// Numbers that are not negative keep their order as bits.
fn low_first(number: Option<f64>) -> u64 {
    number.map_or(u64::MAX, |n| n.max(0.0).to_bits())
}

fn high_first(number: Option<f64>) -> u64 {
    number.map_or(u64::MAX, |n| u64::MAX - 1 - n.max(0.0).to_bits())
}

/// Cuts all but the first of each model, where fallbacks are not allowed.
pub(crate) fn cut_fallbacks(attempts: &mut Vec<Choice>, rejected: &mut Vec<Rejection>) {
    let mut firsts: Vec<u16> = Vec::new();
    attempts.retain(|choice| {
        let is_first = !firsts.contains(&choice.requested);
        if is_first {
            firsts.push(choice.requested);
        } else {
            rejected.push(Rejection {
                endpoint: choice.endpoint,
                requested: choice.requested,
                rule: Rule::FallbackNotAllowed,
                source: Source::RequestAllowFallbacks,
                policy: None,
                detail: Detail::None,
            });
        }
        is_first
    });
}

/// OpenRouter's default balancing: the first is drawn with weight 1/price², the others stay in the order of their prices.
fn balance(best: &mut [Choice], draw: f64) {
    let total: f64 = best.iter().map(weight).sum();
    let mut left = draw * total;
    let mut first = None;
    for (i, choice) in best.iter_mut().enumerate() {
        let own = weight(choice);
        choice.weight = own / total;
        if first.is_none() && left < own {
            first = Some(i);
        }
        left -= own;
    }
    // Rounding may leave the draw a hair above the last bound.
    if let Some(first) = first.or(best.len().checked_sub(1)) {
        // Where all miss a threshold, that is the reason of all.
        if !best[first].misses {
            best[first].reason = OrderReason::Drawn;
        }
        best[..=first].rotate_right(1);
    }
}

/// A free endpoint weighs as one that costs a picodollar: nearly always first, and still a number.
#[expect(clippy::cast_precision_loss, reason = "a chance, not an amount")]
fn weight(choice: &Choice) -> f64 {
    let price = choice.price.0.max(1) as f64;
    1.0 / (price * price)
}

/// A number in [0, 1) that depends on the seed and on which of the requested models is balanced (SplitMix64's finalizer).
#[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
fn draw(seed: u64, requested: u16) -> f64 {
    let mut z = seed.wrapping_add((u64::from(requested) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^= z >> 31;
    (z >> 11) as f64 / (1u64 << 53) as f64
}
