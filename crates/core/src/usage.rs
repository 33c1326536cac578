//! What was consumed and what a unit of it costs: one disjoint vector, one price list of the same shape.

use std::ops::{Index, IndexMut};

use serde::{Deserialize, Serialize};

use crate::Price;

crate::words! {
    /// One thing that is counted. No unit is ever counted by two meters.
    pub enum Meter {
        /// Input tokens that were neither read from nor written to a cache.
        Input = "input",
        /// Input tokens read from the provider's cache.
        CacheRead = "cache_read",
        /// Input tokens written to the cache, kept for minutes.
        CacheWrite5m = "cache_write_5m",
        /// Input tokens written to the cache, kept for an hour.
        CacheWrite1h = "cache_write_1h",
        /// Audio tokens of the input.
        InputAudio = "input_audio",
        /// Image tokens of the input, where they are counted apart.
        InputImage = "input_image",
        /// Output tokens that the caller can read.
        Output = "output",
        /// Output tokens spent on reasoning.
        Reasoning = "reasoning",
        /// Audio tokens of the output.
        OutputAudio = "output_audio",
        /// Image tokens of the output.
        OutputImage = "output_image",
        /// Requests.
        Request = "request",
        /// Web searches.
        Search = "search",
    }
}

impl Meter {
    /// How many there are.
    pub const COUNT: usize = Meter::ALL.len();

    /// Whether it belongs to the prompt part of a cost. What is left is the completion part.
    #[must_use]
    pub fn is_prompt(self) -> bool {
        !matches!(self, Meter::Output | Meter::Reasoning | Meter::OutputAudio | Meter::OutputImage)
    }

    /// The meter whose price holds where this one has none of its own. `None`: it costs nothing then.
    #[must_use]
    pub fn falls_back_to(self) -> Option<Meter> {
        match self {
            Meter::CacheRead | Meter::CacheWrite5m | Meter::InputAudio | Meter::InputImage => Some(Meter::Input),
            Meter::CacheWrite1h => Some(Meter::CacheWrite5m),
            Meter::Reasoning | Meter::OutputAudio | Meter::OutputImage => Some(Meter::Output),
            Meter::Input | Meter::Output | Meter::Request | Meter::Search => None,
        }
    }
}

/// Units consumed, by meter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage([u64; Meter::COUNT]);

impl Usage {
    /// All input tokens, cached or not: OpenRouter's `prompt_tokens`.
    #[must_use]
    pub fn prompt_tokens(&self) -> u64 {
        use Meter::{CacheRead, CacheWrite1h, CacheWrite5m, Input, InputAudio, InputImage};
        [Input, CacheRead, CacheWrite5m, CacheWrite1h, InputAudio, InputImage].iter().map(|m| self[*m]).fold(0, u64::saturating_add)
    }

    /// All output tokens, reasoning included: OpenRouter's `completion_tokens`.
    #[must_use]
    pub fn completion_tokens(&self) -> u64 {
        use Meter::{Output, OutputAudio, OutputImage, Reasoning};
        [Output, Reasoning, OutputAudio, OutputImage].iter().map(|m| self[*m]).fold(0, u64::saturating_add)
    }

    /// The same vector with one count replaced.
    #[must_use]
    pub fn with(mut self, meter: Meter, units: u64) -> Self {
        self[meter] = units;
        self
    }

    /// The meters that counted something.
    pub fn counted(&self) -> impl Iterator<Item = (Meter, u64)> + '_ {
        Meter::ALL.into_iter().map(|m| (m, self[m])).filter(|(_, n)| *n > 0)
    }
}

impl Index<Meter> for Usage {
    type Output = u64;
    fn index(&self, meter: Meter) -> &u64 {
        &self.0[meter as usize]
    }
}

impl IndexMut<Meter> for Usage {
    fn index_mut(&mut self, meter: Meter) -> &mut u64 {
        &mut self.0[meter as usize]
    }
}

/// As an object that holds only what was counted.
impl Serialize for Usage {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_map(self.counted().map(|(m, n)| (m.as_str(), n)))
    }
}

impl<'de> Deserialize<'de> for Usage {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let counts = std::collections::BTreeMap::<Meter, u64>::deserialize(d)?;
        Ok(counts.into_iter().fold(Usage::default(), |u, (m, n)| u.with(m, n)))
    }
}

/// A price for each meter that has one of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rates([Option<Price>; Meter::COUNT]);

impl Rates {
    /// The listed price, if there is one.
    #[must_use]
    pub fn listed(&self, meter: Meter) -> Option<Price> {
        self.0[meter as usize]
    }

    /// The price that holds: the listed one, else that of the meter it falls back to, else nothing.
    #[must_use]
    pub fn effective(&self, meter: Meter) -> Price {
        let mut at = meter;
        loop {
            match (self.listed(at), at.falls_back_to()) {
                (Some(price), _) => return price,
                (None, Some(next)) => at = next,
                (None, None) => return Price(0),
            }
        }
    }

    /// The same list with one price set.
    #[must_use]
    pub fn with(mut self, meter: Meter, price: Price) -> Self {
        self.0[meter as usize] = Some(price);
        self
    }

    /// This list, where silent completed by `base`.
    #[must_use]
    pub fn or(mut self, base: &Rates) -> Self {
        for (own, other) in self.0.iter_mut().zip(base.0) {
            *own = own.or(other);
        }
        self
    }
}

/// Prices that hold once a prompt is longer than `above_prompt_tokens`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PriceTier {
    /// The tier holds for prompts with strictly more tokens.
    pub above_prompt_tokens: u64,
    /// Its complete list (inherited prices filled in).
    pub rates: Rates,
}

/// The prices of one endpoint, and their version, which every charge keeps.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PriceCard {
    /// A digest of the list: the same list has the same version on every replica.
    pub version: u64,
    /// The list for ordinary prompts.
    pub base: Rates,
    /// Lists for longer prompts, by rising bound.
    pub tiers: Vec<PriceTier>,
}

impl PriceCard {
    /// A card; its version is computed from its content (FNV-1a, 64 bits).
    #[must_use]
    pub fn new(base: Rates, mut tiers: Vec<PriceTier>) -> Self {
        tiers.sort_by_key(|t| t.above_prompt_tokens);
        let mut digest = 0xcbf2_9ce4_8422_2325u64;
        let mut eat = |word: u64| {
            for byte in word.to_le_bytes() {
                digest = (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        };
        for (bound, rates) in std::iter::once((0, &base)).chain(tiers.iter().map(|t| (t.above_prompt_tokens, &t.rates))) {
            eat(bound);
            for price in rates.0 {
                eat(price.map_or(u64::MAX, |p| p.0));
            }
        }
        Self { version: digest, base, tiers }
    }

    /// The list that holds for a prompt of this length.
    #[must_use]
    pub fn rates(&self, prompt_tokens: u64) -> &Rates {
        self.tiers.iter().rev().find(|t| prompt_tokens > t.above_prompt_tokens).map_or(&self.base, |t| &t.rates)
    }

    /// All its lists.
    pub fn lists(&self) -> impl Iterator<Item = &Rates> {
        std::iter::once(&self.base).chain(self.tiers.iter().map(|t| &t.rates))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_without_a_price_of_its_own_takes_that_of_its_family() {
        let rates = Rates::default().with(Meter::Input, Price(10)).with(Meter::CacheWrite5m, Price(12)).with(Meter::Output, Price(50));
        assert_eq!(rates.effective(Meter::CacheRead), Price(10));
        assert_eq!(rates.effective(Meter::CacheWrite1h), Price(12));
        assert_eq!(rates.effective(Meter::Reasoning), Price(50));
        assert_eq!(rates.effective(Meter::Search), Price(0));
    }

    #[test]
    fn a_tier_holds_strictly_above_its_bound() {
        let base = Rates::default().with(Meter::Input, Price(10));
        let tier = PriceTier { above_prompt_tokens: 200, rates: Rates::default().with(Meter::Input, Price(20)) };
        let card = PriceCard::new(base, vec![tier]);
        assert_eq!(card.rates(200).effective(Meter::Input), Price(10));
        assert_eq!(card.rates(201).effective(Meter::Input), Price(20));
        assert_ne!(card.version, PriceCard::new(base, vec![]).version);
    }

    #[test]
    fn every_meter_is_written_and_read_by_the_same_name() {
        for meter in Meter::ALL {
            let usage = Usage::default().with(meter, 7);
            let json = serde_json::to_string(&usage).unwrap();
            assert_eq!(json, format!(r#"{{"{}":7}}"#, meter.as_str()));
            assert_eq!(
                serde_json::from_str::<Usage>(&json).unwrap(),
                usage,
                "a record that cannot be read back keeps the gateway from starting"
            );
        }
    }

    #[test]
    fn a_usage_shows_only_what_was_counted_and_reads_back() {
        let usage = Usage::default().with(Meter::Input, 3).with(Meter::Reasoning, 2);
        let json = serde_json::to_string(&usage).unwrap();
        assert_eq!(json, r#"{"input":3,"reasoning":2}"#);
        assert_eq!(serde_json::from_str::<Usage>(&json).unwrap(), usage);
        assert_eq!((usage.prompt_tokens(), usage.completion_tokens()), (3, 2));
    }
}
