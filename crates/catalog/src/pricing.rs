//! Prices as rows write them, and the card that they make.

use std::fmt;

use portolan_core::{Meter, MoneyError, Price, PriceCard, PriceTier, Rates};
use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize};

macro_rules! price_keys {
    ($($key:ident => $meter:ident $(, $alias:literal)?;)*) => {
        /// Prices in USD per unit, as decimal text. Several names are OpenRouter's and ours at once.
        #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Pricing {
            $(
                #[doc = concat!("`", stringify!($key), "`: per unit of this meter.")]
                #[serde(deserialize_with = "stated" $(, alias = $alias)?)]
                pub $key: Option<Price>,
            )*
            /// Cached audio of the input. No meter counts it apart: it is charged as `cache_read`.
            #[serde(deserialize_with = "stated", alias = "input_audio_cache")]
            pub audio_cache_read: Option<Price>,
            /// Lists that hold for longer prompts.
            pub tiers: Vec<Tier>,
        }

        /// Prices that hold above a number of prompt tokens; what is left out is inherited.
        #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Tier {
            /// The list holds for prompts with strictly more tokens.
            pub min_prompt_tokens: u64,
            /// As in the ordinary list.
            #[serde(deserialize_with = "stated", alias = "input_audio_cache")]
            pub audio_cache_read: Option<Price>,
            $(
                #[doc = concat!("`", stringify!($key), "`: per unit of this meter.")]
                #[serde(deserialize_with = "stated" $(, alias = $alias)?)]
                pub $key: Option<Price>,
            )*
        }

        impl Pricing {
            /// Names of the keys in configuration.
            pub(crate) const KEYS: &[&str] = &[$(stringify!($key), $($alias,)?)* "audio_cache_read", "input_audio_cache", "tiers"];

            /// These prices, and those of `other` where none is stated here.
            pub(crate) fn or(&self, other: &Pricing) -> Pricing {
                let tiers = if self.tiers.is_empty() { &other.tiers } else { &self.tiers };
                let audio_cache_read = self.audio_cache_read.or(other.audio_cache_read);
                Pricing { $($key: self.$key.or(other.$key),)* audio_cache_read, tiers: tiers.clone() }
            }

            /// The list for ordinary prompts.
            pub(crate) fn rates(&self) -> Rates {
                [$((Meter::$meter, self.$key),)*].into_iter().fold(Rates::default(), listed)
            }

            fn column(&mut self, meter: Meter) -> &mut Option<Price> {
                match meter { $(Meter::$meter => &mut self.$key,)* }
            }
        }

        impl Tier {
            fn column(&mut self, meter: Meter) -> &mut Option<Price> {
                match meter { $(Meter::$meter => &mut self.$key,)* }
            }

            fn rates(&self) -> Rates {
                [$((Meter::$meter, self.$key),)*].into_iter().fold(Rates::default(), listed)
            }
        }
    };
}

price_keys! {
    prompt => Input;
    completion => Output;
    cache_read => CacheRead, "input_cache_read";
    cache_write => CacheWrite5m, "input_cache_write";
    cache_write_1h => CacheWrite1h, "input_cache_write_1h";
    internal_reasoning => Reasoning;
    audio => InputAudio;
    audio_output => OutputAudio;
    image_token => InputImage;
    image_output => OutputImage;
    request => Request;
    web_search => Search;
}

fn listed(rates: Rates, (meter, price): (Meter, Option<Price>)) -> Rates {
    price.map_or(rates, |p| rates.with(meter, p))
}

impl Pricing {
    /// The card, or `None` where the price of input or output is not stated: unknown is never free.
    #[must_use]
    pub fn card(&self) -> Option<PriceCard> {
        self.prompt.and(self.completion).map(|_| self.card_as_stated())
    }

    /// The card of what is stated, whatever is missing.
    pub(crate) fn card_as_stated(&self) -> PriceCard {
        let base = self.rates();
        let tiers = self.tiers.iter().map(|t| PriceTier { above_prompt_tokens: t.min_prompt_tokens, rates: t.rates().or(&base) }).collect();
        PriceCard::new(base, tiers)
    }

    /// These prices with some of them stated anew by who pays them. What is not stated and hangs on a stated price is never less than
    /// it was, nor than in the old proportion: nobody knows which of the two holds. Cached input costs as much as other input does then.
    pub(crate) fn changed_to(&self, stated: &Pricing) -> Pricing {
        let (known, new) = (self.rates(), stated.rates());
        let dearer = |price: Price, by: Meter| {
            let old = known.listed(by).unwrap_or_default();
            price.max(scaled(price, new.listed(by).unwrap_or_default(), old))
        };
        let mut changed = stated.or(self);
        let is_without_cache = new.listed(Meter::Input).is_some() && new.listed(Meter::CacheRead).is_none();
        for meter in Meter::ALL.into_iter().filter(|meter| new.listed(*meter).is_none()) {
            let column = changed.column(meter);
            *column = column.filter(|_| meter != Meter::CacheRead || !is_without_cache);
            if let Some(by) = hangs_on(meter, &new) {
                *column = column.map(|price| dearer(price, by));
            }
        }
        changed.audio_cache_read = changed.audio_cache_read.filter(|_| stated.audio_cache_read.is_some() || !is_without_cache);
        if stated.tiers.is_empty() {
            for tier in &mut changed.tiers {
                tier.audio_cache_read = tier.audio_cache_read.filter(|_| !is_without_cache);
                for meter in Meter::ALL {
                    let column = tier.column(meter);
                    *column = column.filter(|_| meter != Meter::CacheRead || !is_without_cache);
                    if let Some(by) = hangs_on(meter, &new) {
                        *column = column.map(|price| dearer(price, by));
                    }
                }
            }
        }
        changed
    }

    /// Whether any price is stated.
    pub(crate) fn is_stated(&self) -> bool {
        *self != Pricing::default()
    }

    /// Whether input and output are stated to cost nothing.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.prompt == Some(Price(0)) && self.completion == Some(Price(0))
    }
}

/// The nearest meter that is listed, of this one and those that it falls back to.
fn hangs_on(meter: Meter, listed: &Rates) -> Option<Meter> {
    std::iter::successors(Some(meter), |meter| meter.falls_back_to()).find(|meter| listed.listed(*meter).is_some())
}

/// The card of another class of service: its own prices, the others inherited. Lists for longer prompts change in the
/// same proportion as the ordinary list does, for no provider states them apart.
pub(crate) fn in_service_tier(ordinary: &PriceCard, own: &Rates) -> PriceCard {
    let base = own.or(&ordinary.base);
    let in_proportion = |rates: &Rates| {
        Meter::ALL.into_iter().fold(Rates::default(), |list, meter| match (rates.listed(meter), base.listed(meter)) {
            (Some(price), Some(own)) => list.with(meter, scaled(price, own, ordinary.base.listed(meter).unwrap_or_default())),
            _ => list,
        })
    };
    let tiers = ordinary.tiers.iter().map(|t| PriceTier { rates: in_proportion(&t.rates).or(&base), ..*t }).collect();
    PriceCard::new(base, tiers)
}

/// `price` times `new / old`, rounded up.
fn scaled(price: Price, new: Price, old: Price) -> Price {
    match old.0 {
        0 => price.max(new),
        old => Price(u64::try_from(price.times(new.0).div_ceil(u128::from(old))).unwrap_or(u64::MAX)),
    }
}

/// A price that may be left out.
fn stated<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Price>, D::Error> {
    #[derive(Deserialize)]
    struct Stated(#[serde(deserialize_with = "price")] Price);
    Ok(Option::<Stated>::deserialize(deserializer)?.map(|stated| stated.0))
}

/// Decimal text. A price finer than a picodollar counts as the next picodollar: never less than what is billed.
pub(crate) fn price<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Price, D::Error> {
    struct Text;
    impl Visitor<'_> for Text {
        type Value = Price;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a price in US dollars as decimal text")
        }
        fn visit_str<E: Error>(self, text: &str) -> Result<Price, E> {
            rounded_up(text).map_err(E::custom)
        }
    }
    deserializer.deserialize_str(Text)
}

fn rounded_up(text: &str) -> Result<Price, MoneyError> {
    match Price::parse(text) {
        Err(MoneyError::TooFine(_, digits)) => {
            let kept = text.find('.').map_or(text.len(), |point| point + 1 + usize::from(digits));
            Price::parse(text.get(..kept).unwrap_or(text)).map(|below| Price(below.0.saturating_add(1)))
        }
        exact => exact,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_finer_than_a_picodollar_counts_as_the_next_one() {
        let cases =
            [("0.0000000833333333333", 83_334), ("0.000000083333", 83_333), ("0.0000000000001", 1), ("1.0000000000000", 1_000_000_000_000)];
        for (text, picodollars) in cases {
            assert_eq!(rounded_up(text), Ok(Price(picodollars)), "{text}");
        }
        assert!(rounded_up("0.00000000000001x").is_err() && rounded_up("-1").is_err());
    }

    #[test]
    fn what_hangs_on_a_price_that_is_stated_anew_is_never_guessed_too_low() {
        let known = Pricing {
            prompt: Some(Price(100)),
            completion: Some(Price(400)),
            cache_read: Some(Price(10)),
            cache_write: Some(Price(125)),
            audio: Some(Price(700)),
            audio_cache_read: Some(Price(50)),
            internal_reasoning: Some(Price(500)),
            web_search: Some(Price(9)),
            tiers: vec![Tier { min_prompt_tokens: 1_000, prompt: Some(Price(200)), cache_read: Some(Price(20)), ..Tier::default() }],
            ..Pricing::default()
        };
        let stated = |prompt, completion, cache_read| Pricing { prompt, completion, cache_read, ..Pricing::default() };
        // what is stated: input, output, cached input; then what holds: input, output, cached, written, audio, reasoning, long, long cached
        for (new, holds) in [
            ((None, None, None), [100, 400, 10, 125, 700, 500, 200, 20]),
            ((Some(200), None, None), [200, 400, 200, 250, 1_400, 500, 400, 400]),
            ((Some(200), None, Some(15)), [200, 400, 15, 250, 1_400, 500, 400, 30]),
            ((Some(50), Some(40), None), [50, 40, 50, 125, 700, 500, 200, 200]),
            ((None, Some(800), None), [100, 800, 10, 125, 700, 1_000, 200, 20]),
            ((None, None, Some(5)), [100, 400, 5, 125, 700, 500, 200, 20]),
        ] {
            let (prompt, completion, cache_read) = new;
            let changed = known.changed_to(&stated(prompt.map(Price), completion.map(Price), cache_read.map(Price)));
            let card = changed.card().unwrap();
            let meters = [Meter::Input, Meter::Output, Meter::CacheRead, Meter::CacheWrite5m, Meter::InputAudio, Meter::Reasoning];
            let (short, long) = (card.rates(1), card.rates(1_001));
            let found = meters.map(|meter| short.effective(meter)).into_iter();
            let found: Vec<u64> = found.chain([Meter::Input, Meter::CacheRead].map(|meter| long.effective(meter))).map(|p| p.0).collect();
            assert_eq!(found, holds, "{new:?}");
            assert_eq!(card.base.listed(Meter::Search), Some(Price(9)), "{new:?}");
            assert_eq!(changed.audio_cache_read.is_some(), prompt.is_none() || cache_read.is_some(), "{new:?}");
        }
    }

    #[test]
    fn longer_prompts_of_a_service_tier_cost_in_proportion() {
        let price = |input, output| Rates::default().with(Meter::Input, Price(input)).with(Meter::Output, Price(output));
        let ordinary = PriceCard::new(price(10, 40), vec![PriceTier { above_prompt_tokens: 100, rates: price(20, 60) }]);
        let flex = in_service_tier(&ordinary, &Rates::default().with(Meter::Input, Price(5)));
        assert_eq!((flex.rates(1).effective(Meter::Input), flex.rates(101).effective(Meter::Input)), (Price(5), Price(10)));
        assert_eq!((flex.rates(1).effective(Meter::Output), flex.rates(101).effective(Meter::Output)), (Price(40), Price(60)));
    }
}
