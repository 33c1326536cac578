//! What quality a router reaches when a share of the prompts goes to the stronger model.

use crate::data::Row;

/// Points of the curve: shares of prompts that go to the stronger model, from none to all.
pub(crate) const STEPS: usize = 20;

/// Quality at each share, and what it comes to.
pub(crate) struct Curve {
    /// Mean score at 0, 1/20, ... 1 of the prompts sent to the stronger model.
    pub(crate) quality: Vec<f32>,
}

impl Curve {
    /// Sends the prompts that `by` puts highest first. Among equals, the order of the rows holds.
    pub(crate) fn of(rows: &[&Row], by: impl Fn(&Row) -> f32) -> Self {
        Self::of_scored(rows.iter().map(|row| (by(row), *row)).collect())
    }

    /// As [`Curve::of`], with the numbers to order by.
    pub(crate) fn of_scored(mut order: Vec<(f32, &Row)>) -> Self {
        order.sort_by(|a, b| b.0.total_cmp(&a.0));
        let weak: f32 = order.iter().map(|(_, row)| row.weak).sum();
        let count = order.len().max(1);
        let quality = (0..=STEPS)
            .map(|step| {
                let sent = step * count / STEPS;
                let gained: f32 = order[..sent].iter().map(|(_, row)| row.strong - row.weak).sum();
                (weak + gained) / count as f32
            })
            .collect();
        Self { quality }
    }

    /// Which part of the gap between always weak and always strong is closed at this share of calls to the stronger model, in percent.
    pub(crate) fn recovered(&self, percent: usize) -> f32 {
        let (weak, strong) = (self.quality[0], self.quality[STEPS]);
        (self.quality[percent * STEPS / 100] - weak) / (strong - weak)
    }

    /// The smallest share of calls to the stronger model, in percent, from which on at least this part of the gap is closed.
    pub(crate) fn share_for(&self, part: f32) -> usize {
        let short = (0..=STEPS).rev().find(|step| self.recovered(step * 100 / STEPS) < part);
        short.map_or(0, |step| (step + 1) * 100 / STEPS)
    }

    /// The mean of [`Curve::recovered`] over all shares (trapezoids): 0.5 is chance.
    pub(crate) fn area(&self) -> f32 {
        let at = |step: usize| self.recovered(step * 100 / STEPS);
        (0..STEPS).map(|step| f32::midpoint(at(step), at(step + 1))).sum::<f32>() / STEPS as f32
    }
}

/// The bounds that nine of ten resamples of the rows keep the area between.
pub(crate) fn interval(rows: &[&Row], by: impl Fn(&Row) -> f32) -> (f32, f32) {
    let mut state = 0x1234_5678_9ABC_DEF0_u64;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap_or(0) % rows.len().max(1)
    };
    let mut areas: Vec<f32> = (0..500)
        .map(|_| {
            let sample: Vec<&Row> = (0..rows.len()).map(|_| rows[draw()]).collect();
            Curve::of(&sample, &by).area()
        })
        .filter(|area| area.is_finite())
        .collect();
    areas.sort_by(f32::total_cmp);
    (areas[areas.len() / 20], areas[areas.len() * 19 / 20])
}
