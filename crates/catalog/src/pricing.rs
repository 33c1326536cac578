//! Prices as rows write them, and the card that they make.

use portolan_core::{Meter, Price, PriceCard, PriceTier, Rates};
use serde::Deserialize;

macro_rules! price_keys {
    ($($key:ident => $meter:ident $(, $alias:literal)?;)*) => {
        /// Prices in USD per unit, as decimal text. Several names are OpenRouter's and ours at once.
        #[derive(Debug, Clone, PartialEq, Default, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Pricing {
            $(#[doc = concat!("`", stringify!($key), "`: per unit of this meter.")] $(#[serde(alias = $alias)])? pub $key: Option<Price>,)*
            /// Lists that hold for longer prompts.
            pub tiers: Vec<Tier>,
        }

        /// Prices that hold above a number of prompt tokens; what is left out is inherited.
        #[derive(Debug, Clone, PartialEq, Default, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Tier {
            /// The list holds for prompts with strictly more tokens.
            pub min_prompt_tokens: u64,
            $(#[doc = concat!("`", stringify!($key), "`: per unit of this meter.")] $(#[serde(alias = $alias)])? pub $key: Option<Price>,)*
        }

        impl Pricing {
            /// Names of the keys in configuration.
            pub(crate) const KEYS: &[&str] = &[$(stringify!($key), $($alias,)?)* "tiers"];

            fn rates(&self) -> Rates {
                [$((Meter::$meter, self.$key),)*].into_iter().fold(Rates::default(), listed)
            }
        }

        impl Tier {
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
        if self.prompt.is_none() || self.completion.is_none() {
            return None;
        }
        let base = self.rates();
        let tiers = self.tiers.iter().map(|t| PriceTier { above_prompt_tokens: t.min_prompt_tokens, rates: t.rates().or(&base) }).collect();
        Some(PriceCard::new(base, tiers))
    }

    /// Whether input and output are stated to cost nothing.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.prompt == Some(Price(0)) && self.completion == Some(Price(0))
    }
}
