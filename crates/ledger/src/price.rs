//! The one function that prices a usage, and the one that bounds it beforehand.

use portolan_core::{Meter, Money, PriceCard, Rates, Usage, round_half_up};

/// What an attempt costs, in total and in its two parts. `prompt + completion == total`, to the nanodollar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    /// The whole, rounded once.
    pub total: Money,
    /// The part of the meters that belong to the prompt.
    pub prompt: Money,
    /// The rest.
    pub completion: Money,
}

/// Prices `usage` by `card`: exact products, one rounding, of the total. The completion part is what is left of it.
#[must_use]
pub fn cost(card: &PriceCard, usage: &Usage) -> Cost {
    let rates = card.rates(usage.prompt_tokens());
    let (mut prompt, mut total) = (0u128, 0u128);
    for (meter, units) in usage.counted() {
        let part = rates.effective(meter).times(units);
        total = total.saturating_add(part);
        if meter.is_prompt() {
            prompt = prompt.saturating_add(part);
        }
    }
    let (total, prompt) = (round_half_up(total), round_half_up(prompt));
    Cost { total, prompt, completion: total - prompt }
}

/// Upper bounds of what a request can consume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bound {
    /// Input tokens: no tokenizer makes more tokens than there are bytes; media by their caps.
    pub input_tokens: u64,
    /// Output tokens of all choices, reasoning included: the limit that is sent, times the number of choices.
    pub output_tokens: u64,
    /// Requests, searches and the like.
    pub requests: u64,
}

/// The most that a request within `bound` can cost: every input token at the dearest input price of any
/// tier it can reach, every output token at the dearest output price.
#[must_use]
pub fn worst_case(card: &PriceCard, bound: &Bound) -> Money {
    let dearest = |rates: &Rates, prompt: bool| {
        let tokens = |m: &Meter| !matches!(m, Meter::Request | Meter::Search) && m.is_prompt() == prompt;
        Meter::ALL.into_iter().filter(tokens).map(|m| rates.effective(m)).max().unwrap_or_default()
    };
    let worst = |rates: &Rates| {
        dearest(rates, true).times(bound.input_tokens)
            + dearest(rates, false).times(bound.output_tokens)
            + rates.effective(Meter::Request).times(bound.requests)
    };
    let reachable = card.tiers.iter().filter(|t| bound.input_tokens > t.above_prompt_tokens).map(|t| &t.rates);
    // Rounded up: a bound that is a fraction short would not be one.
    let picodollars = std::iter::once(&card.base).chain(reachable).map(worst).max().unwrap_or(0);
    Money(i64::try_from(picodollars.div_ceil(1000)).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use portolan_core::{Price, PriceTier};
    use proptest::prelude::*;

    use super::*;

    fn card() -> PriceCard {
        let base = Rates::default()
            .with(Meter::Input, Price(1_000_000))
            .with(Meter::CacheRead, Price(100_000))
            .with(Meter::Output, Price(5_000_000));
        PriceCard::new(
            base,
            vec![PriceTier { above_prompt_tokens: 1000, rates: Rates::default().with(Meter::Input, Price(2_000_000)).or(&base) }],
        )
    }

    #[test]
    fn cached_tokens_are_priced_once_and_at_their_own_rate() {
        let usage = Usage::default().with(Meter::Input, 100).with(Meter::CacheRead, 900).with(Meter::Output, 10);
        let cost = cost(&card(), &usage);
        assert_eq!(cost.total, Money(100_000 + 90_000 + 50_000));
        assert_eq!(cost.prompt, Money(190_000));
        assert_eq!(cost.completion, Money(50_000));
    }

    #[test]
    fn the_longer_tier_holds_for_the_whole_prompt() {
        let usage = Usage::default().with(Meter::Input, 1001);
        assert_eq!(cost(&card(), &usage).total, Money(2_002_000));
    }

    fn any_usage() -> impl Strategy<Value = Usage> {
        proptest::collection::vec(0u64..50_000, Meter::COUNT)
            .prop_map(|counts| Meter::ALL.into_iter().zip(counts).fold(Usage::default(), |u, (m, n)| u.with(m, n)))
    }

    fn any_card() -> impl Strategy<Value = PriceCard> {
        let rates = || {
            proptest::collection::vec(proptest::option::of(0u64..100_000_000), Meter::COUNT).prop_map(|prices| {
                Meter::ALL.into_iter().zip(prices).fold(Rates::default(), |r, (m, p)| p.map_or(r, |p| r.with(m, Price(p))))
            })
        };
        (rates(), proptest::collection::vec((1u64..100_000, rates()), 0..3)).prop_map(|(base, tiers)| {
            PriceCard::new(
                base,
                tiers.into_iter().map(|(above_prompt_tokens, r)| PriceTier { above_prompt_tokens, rates: r.or(&base) }).collect(),
            )
        })
    }

    proptest! {
        #[test]
        fn the_parts_add_up_and_nothing_is_negative(card in any_card(), usage in any_usage()) {
            let c = cost(&card, &usage);
            prop_assert_eq!(c.prompt + c.completion, c.total);
            prop_assert!(c.prompt >= Money::ZERO && c.completion >= Money::ZERO);
        }

        #[test]
        fn no_usage_within_the_bound_costs_more_than_the_worst_case(card in any_card(), usage in any_usage(), spare in 0u64..1000) {
            let usage = usage.with(Meter::Search, 0);
            let bound = Bound {
                input_tokens: usage.prompt_tokens() + spare,
                output_tokens: usage.completion_tokens() + spare,
                requests: usage[Meter::Request],
            };
            prop_assert!(cost(&card, &usage).total <= worst_case(&card, &bound));
        }

        #[test]
        fn more_usage_never_costs_less_within_a_tier(usage in any_usage(), meter in 0..Meter::COUNT) {
            let flat = PriceCard::new(card().base, vec![]);
            let meter = Meter::ALL[meter];
            let more = usage.with(meter, usage[meter] + 1);
            prop_assert!(cost(&flat, &more).total >= cost(&flat, &usage).total);
        }
    }
}
