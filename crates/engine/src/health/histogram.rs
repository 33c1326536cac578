//! A histogram with buckets that grow by a tenth: percentiles of any number of values in fixed memory.

/// So many buckets.
const BUCKETS: usize = 128;
/// Each bucket ends at so many times its beginning.
const GROWTH: f64 = 1.1;

/// Values from 1 to some 198,000, in whatever unit. A percentile is told as the middle of its bucket, and so is wrong by
/// less than 5 % ([`RELATIVE_ERROR_MAX`]). Values outside are counted in the first or the last bucket.
#[derive(Debug, Clone)]
pub(super) struct Histogram([u32; BUCKETS]);

/// The square root of the growth, less one, and a little for rounding.
#[cfg(test)]
pub(super) const RELATIVE_ERROR_MAX: f64 = 0.0489;

impl Default for Histogram {
    fn default() -> Self {
        Self([0; BUCKETS])
    }
}

impl Histogram {
    /// Counts a value.
    pub(super) fn add(&mut self, value: f64) {
        let bucket = &mut self.0[bucket(value)];
        *bucket = bucket.wrapping_add(1);
    }

    /// Adds what another one counted. Four thousand million requests in one window are more than there are; to look for them would
    /// double the time that this takes.
    pub(super) fn merge(&mut self, other: &Histogram) {
        for (own, theirs) in self.0.iter_mut().zip(&other.0) {
            *own = own.wrapping_add(*theirs);
        }
    }

    /// How many values were counted.
    pub(super) fn count(&self) -> u64 {
        self.0.iter().map(|n| u64::from(*n)).sum()
    }

    /// For each percentage of the values, which rise: the smallest value that so many do not exceed (nearest rank).
    pub(super) fn rising<const N: usize>(&self, percents: [u64; N]) -> Option<[f64; N]> {
        let count = self.count();
        self.at_ranks(percents.map(|percent| rank(percent, count)))
    }

    /// For each percentage of the values, which rise: the largest value that so many do not fall below.
    pub(super) fn falling<const N: usize>(&self, percents: [u64; N]) -> Option<[f64; N]> {
        let count = self.count();
        let mut ranks = percents.map(|percent| (count + 1).saturating_sub(rank(percent, count)).max(1));
        ranks.reverse();
        let mut values = self.at_ranks(ranks)?;
        values.reverse();
        Some(values)
    }

    /// The values at these places of all in rising order, counted from 1. The places rise, so that one pass finds them all.
    fn at_ranks<const N: usize>(&self, ranks: [u64; N]) -> Option<[f64; N]> {
        let (mut passed, mut buckets) = (0, self.0.iter().enumerate());
        let mut at = 0;
        let mut values = [0.0; N];
        for (value, rank) in values.iter_mut().zip(ranks) {
            while passed < rank {
                let (next, n) = buckets.next()?;
                (at, passed) = (next, passed + u64::from(*n));
            }
            *value = middle(at);
        }
        Some(values)
    }
}

fn rank(percent: u64, count: u64) -> u64 {
    (count * percent).div_ceil(100).max(1)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded on both sides; no number is the first bucket")]
fn bucket(value: f64) -> usize {
    ((value.max(1.0).ln() / GROWTH.ln()) as usize).min(BUCKETS - 1)
}

/// The geometric middle, which is equally far from both ends in relative terms.
fn middle(bucket: usize) -> f64 {
    GROWTH.powf(f64::from(u8::try_from(bucket).unwrap_or(u8::MAX)) + 0.5)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[f64]) -> Histogram {
        let mut histogram = Histogram::default();
        values.iter().for_each(|value| histogram.add(*value));
        histogram
    }

    proptest! {
        #[test]
        fn percentiles_are_those_of_the_sorted_list_within_the_stated_error(exponents in prop::collection::vec(0.0..12.0f64, 1..300)) {
            let mut values: Vec<f64> = exponents.iter().map(|e| e.exp()).collect();
            let histogram = of(&values);
            values.sort_by(f64::total_cmp);
            let percents = [1, 10, 50, 75, 90, 99, 100];
            let (rising, falling) = (histogram.rising(percents).unwrap(), histogram.falling(percents).unwrap());
            for (i, percent) in percents.iter().enumerate() {
                let rank = (values.len() * *percent as usize).div_ceil(100).max(1);
                let close = |found: f64, exact: f64| (found / exact - 1.0).abs() <= RELATIVE_ERROR_MAX;
                prop_assert!(close(rising[i], values[rank - 1]), "{percent}");
                prop_assert!(close(falling[i], values[values.len() - rank]), "{percent}");
            }
        }

        #[test]
        fn merged_histograms_are_the_histogram_of_all(a in prop::collection::vec(0.5..1e6f64, 0..50), b in prop::collection::vec(0.5..1e6f64, 0..50)) {
            let mut merged = of(&a);
            merged.merge(&of(&b));
            prop_assert_eq!(merged.0, of(&[a, b].concat()).0);
        }
    }

    #[test]
    fn what_is_outside_counts_at_the_end_that_is_nearest() {
        assert_eq!((of(&[]).rising([50]), of(&[]).falling([50])), (None, None));
        let histogram = of(&[f64::NAN, -1.0, 0.0, f64::INFINITY]);
        assert_eq!((histogram.0[0], histogram.0[BUCKETS - 1], histogram.count()), (3, 1, 4));
        assert!(GROWTH.powi(128) > 190_000.0);
    }
}
