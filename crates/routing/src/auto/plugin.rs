//! The settings of a request: the entry of `plugins` whose id is `auto-router`.

use serde::{Deserialize, Serialize};

use super::knob::{CostTier, Knob, TRADEOFF_MAX};
use super::pattern;

/// The entry as a request writes it. Source: OpenRouter's schema `AutoRouterPlugin`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AutoPlugin {
    /// `auto-router`.
    pub id: String,
    /// `false`: the entry counts for nothing.
    pub enabled: Option<bool>,
    /// Patterns of the models that may be chosen; [none](Option::None) or empty: the default set.
    pub allowed_models: Option<Vec<String>>,
    /// Patterns of models that may not be chosen, whatever is allowed.
    pub excluded_models: Option<Vec<String>>,
    /// The knob, by name. Goes before the number.
    pub cost_tier: Option<CostTier>,
    /// The knob, as OpenRouter had it before: 0 (best) to 10 (cheapest).
    pub cost_quality_tradeoff: Option<f64>,
    /// Whether the model of the last answer in the messages answers again. Only `false` is built.
    pub pin_model: Option<bool>,
}

impl AutoPlugin {
    /// What is wrong with it, with the name of the field and the remedy.
    ///
    /// # Errors
    /// When a list is too long, a pattern is empty or too long, or the number is out of range.
    pub fn check(&self) -> Result<(), String> {
        pattern::check("allowed_models", self.allowed())?;
        pattern::check("excluded_models", self.excluded())?;
        match self.cost_quality_tradeoff {
            Some(number) if !(0.0..=f64::from(TRADEOFF_MAX)).contains(&number) => {
                Err(format!("cost_quality_tradeoff must be between 0 and {TRADEOFF_MAX}"))
            }
            _ => Ok(()),
        }
    }

    /// Patterns of what is allowed; empty: the default set.
    #[must_use]
    pub fn allowed(&self) -> &[String] {
        self.list(self.allowed_models.as_ref())
    }

    /// Patterns of what is excluded.
    #[must_use]
    pub fn excluded(&self) -> &[String] {
        self.list(self.excluded_models.as_ref())
    }

    /// The position of the knob.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the scale")]
    pub fn knob(&self) -> Knob {
        match (self.cost_tier, self.cost_quality_tradeoff) {
            _ if self.enabled == Some(false) => Knob::default(),
            (Some(tier), _) => Knob::of_tier(tier),
            (None, Some(number)) => Knob::of_tradeoff(number.round().clamp(0.0, f64::from(TRADEOFF_MAX)) as u8),
            (None, None) => Knob::default(),
        }
    }

    /// Where that position comes from.
    pub(crate) fn knob_source(&self) -> &'static str {
        match (self.cost_tier, self.cost_quality_tradeoff) {
            (Some(_), _) if self.enabled != Some(false) => "request.plugins.auto-router.cost_tier",
            (None, Some(_)) if self.enabled != Some(false) => "request.plugins.auto-router.cost_quality_tradeoff",
            _ => "router",
        }
    }

    fn list<'a>(&self, list: Option<&'a Vec<String>>) -> &'a [String] {
        list.filter(|_| self.enabled != Some(false)).map_or(&[], Vec::as_slice)
    }
}
