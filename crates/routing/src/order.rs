//! In which order the endpoints of a model are tried.

use std::cmp::Ordering;

use portolan_catalog::Endpoint;

use crate::filter::Scope;
use crate::plan::{Choice, OrderReason, Rejection};
use crate::rule::{Detail, Rule, Source};

/// A candidate that has no place yet.
pub(crate) fn unordered(scope: &Scope<'_>, endpoint: &Endpoint) -> Choice {
    Choice {
        endpoint: endpoint.ix,
        requested: scope.requested,
        price: endpoint.blended_price(),
        weight: 0.0,
        reason: OrderReason::Price,
        failed_recently: scope.health.failed_recently(endpoint.ix),
    }
}

/// Orders the attempts from `from` on, which belong to one model, and cuts fallbacks that are not allowed.
pub(crate) fn order(scope: &Scope<'_>, attempts: &mut Vec<Choice>, from: usize, rejected: &mut Vec<Rejection>) {
    let preferences = scope.ask.preferences;
    let own = &mut attempts[from..];
    let named = bring_named_forward(scope, own);
    balance(&mut own[named..], draw(scope.ask.seed, scope.requested));
    if !preferences.allow_fallbacks && preferences.order.is_empty() && own.len() > 1 {
        let cut = attempts.drain(from + 1..).map(|choice| Rejection {
            endpoint: choice.endpoint,
            requested: choice.requested,
            rule: Rule::FallbackNotAllowed,
            source: Source::RequestAllowFallbacks,
            detail: Detail::None,
        });
        rejected.extend(cut);
    }
}

/// Puts what `order` names first, and says how many those are. The caller's order holds whatever their health.
fn bring_named_forward(scope: &Scope<'_>, own: &mut [Choice]) -> usize {
    if scope.ask.preferences.order.is_empty() {
        return 0;
    }
    for choice in own.iter_mut().filter(|choice| scope.rank(scope.catalog.endpoint(choice.endpoint)).is_some()) {
        choice.reason = OrderReason::Named;
    }
    // Of several endpoints that one entry names, the healthy and cheap come first.
    own.sort_by_cached_key(|choice| {
        let rank = scope.rank(scope.catalog.endpoint(choice.endpoint)).unwrap_or(usize::MAX);
        (rank, choice.failed_recently, choice.price, choice.endpoint)
    });
    own.iter().take_while(|choice| choice.reason == OrderReason::Named).count()
}

/// OpenRouter's default balancing: what failed recently goes to the back; the first of the others is drawn with weight
/// 1/price²; the rest follow by price.
fn balance(rest: &mut [Choice], draw: f64) {
    rest.sort_by(fallback_order);
    let healthy = rest.iter().take_while(|choice| !choice.failed_recently).count();
    let (healthy, unhealthy) = rest.split_at_mut(healthy);
    unhealthy.iter_mut().for_each(|choice| choice.reason = OrderReason::Unhealthy);
    let total: f64 = healthy.iter().map(weight).sum();
    let mut left = draw * total;
    let mut first = None;
    for (i, choice) in healthy.iter_mut().enumerate() {
        let own = weight(choice);
        choice.weight = own / total;
        if first.is_none() && left < own {
            first = Some(i);
        }
        left -= own;
    }
    // Rounding may leave the draw a hair above the last bound.
    if let Some(first) = first.or(healthy.len().checked_sub(1)) {
        healthy[first].reason = OrderReason::Drawn;
        healthy[..=first].rotate_right(1);
    }
}

fn fallback_order(a: &Choice, b: &Choice) -> Ordering {
    (a.failed_recently, a.price, a.endpoint).cmp(&(b.failed_recently, b.price, b.endpoint))
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
