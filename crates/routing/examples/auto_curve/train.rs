//! Least squares on what the stronger model gains, by gradient descent (Adam) on all rows at once.

use portolan_routing::auto::{Features, Weights};

use crate::data::{ORDINARY_SET, Row};

const SET_COUNT: usize = ORDINARY_SET + 1;

/// How the model is trained.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recipe {
    /// Penalty of the squared weights of dense features.
    pub(crate) dense_penalty: f32,
    /// Penalty of the squared weights of buckets.
    pub(crate) bucket_penalty: f32,
    /// Passes over the rows.
    pub(crate) passes: usize,
}

pub(crate) const RECIPE: Recipe = Recipe { dense_penalty: 0.001, bucket_penalty: 0.002, passes: 300 };

/// The recipes to choose from.
pub(crate) fn recipes() -> impl Iterator<Item = Recipe> {
    let dense = [0.0003, 0.001, 0.003];
    let buckets = [0.001, 0.002, 0.004];
    dense.into_iter().flat_map(move |d| buckets.map(|b| Recipe { dense_penalty: d, bucket_penalty: b, ..RECIPE }))
}

const RATE: f32 = 0.01;

/// Our own prompts are few: each weighs more.
const ORDINARY_SAY: f32 = 2.0;

/// Weights, one intercept per set (dropped afterwards: sets differ in how far apart their models are), and Adam's moments.
struct Fit {
    weights: Vec<f32>,
    first: Vec<f32>,
    second: Vec<f32>,
}

/// Trains on these rows. The say of a set grows with the root of its size.
pub(crate) fn train(rows: &[&Row], recipe: Recipe) -> Weights {
    let dense = Features::names().count();
    let size = dense + Features::BUCKETS + SET_COUNT;
    let mut fit = Fit { weights: vec![0.0; size], first: vec![0.0; size], second: vec![0.0; size] };
    let say = says(rows);
    for pass in 1..=recipe.passes {
        let mut gradient = penalty(&fit.weights, dense, recipe);
        for row in rows {
            let scale = 1.0 / (row.features.buckets.len().max(1) as f32).sqrt();
            let mut told = fit.weights[dense + Features::BUCKETS + row.set];
            told += row.features.dense.iter().zip(&fit.weights).map(|(x, w)| x * w).sum::<f32>();
            told += row.features.buckets.iter().map(|b| fit.weights[dense + usize::from(*b)]).sum::<f32>() * scale;
            let error = (told - row.gain) * say[row.set];
            if row.set != ORDINARY_SET {
                gradient[dense + Features::BUCKETS + row.set] += error;
            }
            row.features.dense.iter().zip(&mut gradient).for_each(|(x, g)| *g += error * x);
            row.features.buckets.iter().for_each(|b| gradient[dense + usize::from(*b)] += error * scale);
        }
        fit.step(&gradient, pass);
    }
    let weights = Weights::rounded(&fit.weights[..dense], &fit.weights[dense..dense + Features::BUCKETS]);
    let scores = rows.iter().map(|row| weights.score(&row.features)).collect();
    weights.with_scores(scores)
}

/// The weight of a row of each set, so that all rows weigh one together.
fn says(rows: &[&Row]) -> Vec<f32> {
    let count = |set: usize| rows.iter().filter(|row| row.set == set).count().max(1) as f32;
    let share = |set: usize| count(set).sqrt() * if set == ORDINARY_SET { ORDINARY_SAY } else { 1.0 };
    let total: f32 = (0..SET_COUNT).map(share).sum();
    (0..SET_COUNT).map(|set| share(set) / count(set) / total).collect()
}

fn penalty(weights: &[f32], dense: usize, recipe: Recipe) -> Vec<f32> {
    let of = |at: usize| match at {
        at if at < dense => recipe.dense_penalty,
        at if at < dense + Features::BUCKETS => recipe.bucket_penalty,
        _ => 0.0,
    };
    weights.iter().enumerate().map(|(at, weight)| weight * of(at)).collect()
}

impl Fit {
    fn step(&mut self, gradient: &[f32], pass: usize) {
        let power = i32::try_from(pass).unwrap_or(i32::MAX);
        for (((weight, first), second), slope) in self.weights.iter_mut().zip(&mut self.first).zip(&mut self.second).zip(gradient) {
            *first = 0.9 * *first + 0.1 * slope;
            *second = 0.999 * *second + 0.001 * slope * slope;
            let steady = *first / (1.0 - 0.9_f32.powi(power));
            let spread = (*second / (1.0 - 0.999_f32.powi(power))).sqrt();
            *weight -= RATE * steady / (spread + 1e-8);
        }
    }
}
