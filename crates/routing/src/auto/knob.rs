//! How cost is weighed against quality.

use serde::Serialize;

portolan_core::words! {
    /// `cost_tier`: a name for a position of the knob.
    pub enum CostTier {
        /// Among the cheapest fifth.
        Low = "low",
        /// Among the cheapest two fifths.
        Medium = "medium",
        /// Among the cheapest three fifths.
        High = "high",
        /// Among the cheapest four fifths.
        XHigh = "xhigh",
        /// Among all, and always the strongest.
        Max = "max",
    }
}

/// The largest `cost_quality_tradeoff`: the cheapest.
pub const TRADEOFF_MAX: u8 = 10;

/// The `cost_quality_tradeoff` of a request that states nothing. OpenRouter's.
const TRADEOFF_DEFAULT: u8 = 9;

/// A position between cheapest and best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Knob(u8);

impl Knob {
    /// From the share of the candidates, in percent and the cheapest first, that may be chosen at all. More than 100 is 100.
    #[must_use]
    pub fn of_percent(percent: u8) -> Self {
        Self(percent.min(100))
    }

    /// Of a tier: 20, 40, 60, 80 or 100 percent.
    #[must_use]
    pub fn of_tier(tier: CostTier) -> Self {
        Self(match tier {
            CostTier::Low => 20,
            CostTier::Medium => 40,
            CostTier::High => 60,
            CostTier::XHigh => 80,
            CostTier::Max => 100,
        })
    }

    /// Of the deprecated scale: 0 is 90 percent, 10 is 10 percent. More than 10 is 10.
    #[must_use]
    pub fn of_tradeoff(tradeoff: u8) -> Self {
        Self(90 - 8 * tradeoff.min(TRADEOFF_MAX))
    }

    /// The share of the candidates, in percent and the cheapest first, that may be chosen.
    #[must_use]
    pub fn ceiling_percent(self) -> u8 {
        self.0
    }

    /// What is added to the complexity. It grows with the cube, so that the lower positions go by the complexity alone.
    pub(crate) fn lean(self) -> f32 {
        (f32::from(self.0) / 100.0).powi(3)
    }
}

impl Default for Knob {
    fn default() -> Self {
        Self::of_tradeoff(TRADEOFF_DEFAULT)
    }
}
