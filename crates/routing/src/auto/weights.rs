//! The weights of the model of complexity: a linear model, its numbers a text file.

use std::fmt::{self, Write as _};
use std::sync::LazyLock;

use super::features::{DENSE, Features};
use super::scan::BUCKETS;

/// The scores that divide the training prompts into so many equal parts, less one.
const QUANTILES: usize = 32;

/// Dense weights are kept in units of 1/1000.
const DENSE_UNIT: f32 = 1000.0;

/// A file that holds no weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeightsError(String);

impl fmt::Display for WeightsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "weights: {}", self.0)
    }
}

impl std::error::Error for WeightsError {}

/// The model: a weight per dense feature, one of 8 bits per bucket, and the scores that divide the training prompts evenly.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    dense: [f32; DENSE],
    /// What one step of a bucket's weight stands for.
    step: f32,
    buckets: Box<[i8; BUCKETS]>,
    quantiles: [f32; QUANTILES - 1],
}

static BUILTIN: LazyLock<Weights> = LazyLock::new(|| Weights::parse(include_str!("weights.txt")).expect("a test loads the file"));

impl Weights {
    /// Those that the program carries.
    #[must_use]
    pub fn builtin() -> &'static Weights {
        &BUILTIN
    }

    /// Rounds trained weights: `dense` in the order of [`Features::names`], one per bucket. `scores` makes the quantiles afterwards.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "clamped to eight bits")]
    pub fn rounded(dense: &[f32], buckets: &[f32]) -> Self {
        let largest = buckets.iter().fold(1e-6_f32, |most, weight| most.max(weight.abs()));
        let step = largest / 127.0;
        let mut out = Self { dense: [0.0; DENSE], step, buckets: Box::new([0; BUCKETS]), quantiles: [0.0; QUANTILES - 1] };
        for (to, from) in out.dense.iter_mut().zip(dense) {
            *to = (from * DENSE_UNIT).round() / DENSE_UNIT;
        }
        for (to, from) in out.buckets.iter_mut().zip(buckets) {
            *to = (from / step).round().clamp(-127.0, 127.0) as i8;
        }
        out
    }

    /// With the quantiles of these scores of the training prompts.
    #[must_use]
    pub fn with_scores(mut self, mut scores: Vec<f32>) -> Self {
        scores.sort_by(f32::total_cmp);
        for (i, to) in self.quantiles.iter_mut().enumerate() {
            *to = scores.get((i + 1) * scores.len() / QUANTILES).copied().unwrap_or(0.0);
        }
        self
    }

    /// What a stronger model is expected to gain, on no particular scale.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a few hundred words")]
    pub fn score(&self, features: &Features) -> f32 {
        let dense: f32 = self.dense.iter().zip(&features.dense).map(|(w, x)| w * x).sum();
        let buckets: i32 = features.buckets.iter().map(|bucket| i32::from(self.buckets[usize::from(*bucket) % BUCKETS])).sum();
        dense + self.step * buckets as f32 / (features.buckets.len().max(1) as f32).sqrt()
    }

    /// The share of the training prompts with a lower score, 0 to 1, linear between the quantiles.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "at most 32")]
    pub fn rank(&self, score: f32) -> f32 {
        let above = self.quantiles.partition_point(|quantile| *quantile <= score);
        let spread = (self.quantiles[QUANTILES - 2] - self.quantiles[0]).max(1e-6) / QUANTILES as f32;
        let low = if above == 0 { self.quantiles[0] - spread } else { self.quantiles[above - 1] };
        let high = if above == QUANTILES - 1 { self.quantiles[above - 1] + spread } else { self.quantiles[above] };
        let part = if high > low { ((score - low) / (high - low)).clamp(0.0, 1.0) } else { 0.5 };
        (above as f32 + part) / QUANTILES as f32
    }

    /// The file: lines of a name and numbers; the buckets as two hexadecimal digits each, 64 to a line.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = String::from("# Written by `cargo run --release --example auto_curve -- --train`; see docs/auto-router.md.\n");
        let _ = writeln!(out, "step {}", self.step);
        for (name, weight) in Features::names().zip(&self.dense) {
            let _ = writeln!(out, "dense {name} {weight}");
        }
        for quantile in &self.quantiles {
            let _ = writeln!(out, "quantile {quantile}");
        }
        for row in self.buckets.chunks(64) {
            out.push_str("buckets ");
            row.iter().for_each(|weight| {
                let _ = write!(out, "{:02x}", weight.cast_unsigned());
            });
            out.push('\n');
        }
        out
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When a line has another form, a number is missing or one is too many.
    pub fn parse(text: &str) -> Result<Self, WeightsError> {
        let (mut step, mut dense, mut buckets, mut quantiles) = (None, Vec::new(), Vec::with_capacity(BUCKETS), Vec::new());
        let mut names = Features::names();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let wrong = || WeightsError(format!("cannot read the line `{}`", line.chars().take(60).collect::<String>()));
            let (kind, rest) = line.split_once(' ').ok_or_else(wrong)?;
            let number = |text: &str| text.parse::<f32>().ok().filter(|number| number.is_finite()).ok_or_else(wrong);
            match kind {
                "step" => step = Some(number(rest)?),
                "quantile" => quantiles.push(number(rest)?),
                "dense" => {
                    let (name, weight) = rest.split_once(' ').ok_or_else(wrong)?;
                    if names.next() != Some(name) {
                        return Err(wrong());
                    }
                    dense.push(number(weight)?);
                }
                "buckets" => {
                    for at in (0..rest.len()).step_by(2) {
                        let byte = rest.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok()).ok_or_else(wrong)?;
                        buckets.push(byte.cast_signed());
                    }
                }
                _ => return Err(wrong()),
            }
        }
        let count = |what: &str| WeightsError(format!("too few or too many {what}"));
        Ok(Self {
            step: step.ok_or_else(|| count("steps"))?,
            dense: dense.try_into().map_err(|_| count("dense weights"))?,
            buckets: buckets.try_into().map_err(|_| count("buckets"))?,
            quantiles: quantiles.try_into().map_err(|_| count("quantiles"))?,
        })
    }
}
