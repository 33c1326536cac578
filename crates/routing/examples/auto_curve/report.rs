//! The figures, as tables.

use std::collections::BTreeMap;

use crate::curve::{Curve, STEPS, interval};
use crate::data::{ORDINARY_SET, Row, SETS, name};
use crate::train::{RECIPE, Recipe, train};

/// The weights that the program carries, on what they were not trained on.
pub(crate) fn held_out(rows: &[Row]) {
    println!("held out; area: 0.5 is chance; [bounds of nine of ten resamples]");
    println!(
        "| prompts | count | always weak | always strong | area | area of an oracle | recovered at 20 % | 50 % | 80 % | strong calls for 50 % | 80 % |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    for set in 0..=ORDINARY_SET {
        let test: Vec<&Row> = rows.iter().filter(|row| row.set == set && row.held_out()).collect();
        let curve = Curve::of(&test, |row| row.complexity);
        let (low, high) = interval(&test, |row| row.complexity);
        let oracle = Curve::of(&test, |row| row.strong - row.weak);
        println!(
            "| {} | {} | {:.3} | {:.3} | {:.3} [{low:.3}, {high:.3}] | {:.3} | {:.2} | {:.2} | {:.2} | {} % | {} % |",
            name(set),
            test.len(),
            curve.quality[0],
            curve.quality[STEPS],
            curve.area(),
            oracle.area(),
            curve.recovered(20),
            curve.recovered(50),
            curve.recovered(80),
            curve.share_for(0.5),
            curve.share_for(0.8),
        );
    }
    println!("\nmean score by share of prompts that go to the stronger model");
    for (set, of) in SETS.iter().enumerate() {
        let test: Vec<&Row> = rows.iter().filter(|row| row.set == set && row.held_out()).collect();
        let curve = Curve::of(&test, |row| row.complexity);
        let points: Vec<String> = (0..=10).map(|tenth| format!("{:.3}", curve.quality[tenth * STEPS / 10])).collect();
        println!("| {} | {} |", of.name, points.join(" | "));
        let (weak, strong) = (curve.quality[0], curve.quality[STEPS]);
        let random: Vec<String> = (0..=10).map(|tenth| format!("{:.3}", weak + (strong - weak) * tenth as f32 / 10.0)).collect();
        println!("| at random | {} |", random.join(" | "));
    }
}

/// Every row of the training part is judged by weights that were trained without its tenth.
pub(crate) fn cross_validated(rows: &[Row], recipe: Recipe) {
    let mut scored: Vec<(f32, &Row)> = Vec::new();
    for tenth in 3..10 {
        let rest: Vec<&Row> = rows.iter().filter(|row| !row.held_out() && row.tenth != tenth).collect();
        let weights = train(&rest, recipe);
        scored.extend(rows.iter().filter(|row| row.tenth == tenth).map(|row| (weights.score(&row.features), row)));
    }
    let area = |set: usize| {
        let of_set: Vec<(f32, &Row)> = scored.iter().filter(|(_, row)| row.set == set).copied().collect();
        format!("{} {:.3}", name(set), Curve::of_scored(of_set).area())
    };
    let areas: Vec<String> = (0..=ORDINARY_SET).map(area).collect();
    println!("\ncross-validated on the training part, {recipe:?}: {}", areas.join(", "));
}

/// Each set is judged by weights that never saw a prompt of it: on all rows, and with the training parts of all sets alone.
pub(crate) fn transfer(rows: &[Row]) {
    for set in 0..=ORDINARY_SET {
        let area = |wanted: fn(&Row) -> bool| {
            let (own, others): (Vec<&Row>, Vec<&Row>) = rows.iter().filter(|row| wanted(row)).partition(|row| row.set == set);
            let weights = train(&others, RECIPE);
            Curve::of(&own, |row| weights.score(&row.features)).area()
        };
        let (all, part) = (area(|_| true), area(|row| !row.held_out()));
        println!("trained without {}: its area is {all:.3}, with the training parts alone {part:.3}", name(set));
    }
}

/// How the tasks of the labelled prompts are taken.
pub(crate) fn tasks(rows: &[Row]) {
    let mut table: BTreeMap<&str, BTreeMap<&str, u32>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.set != ORDINARY_SET) {
        let task = row.task.split(['/', '_']).next().unwrap_or("");
        *table.entry(task).or_default().entry(row.kind.as_str()).or_default() += 1;
    }
    println!("\ntasks of the labelled prompts, and what they are taken for");
    for (task, kinds) in table.iter().filter(|(_, kinds)| kinds.values().sum::<u32>() >= 20) {
        let mut kinds: Vec<_> = kinds.iter().collect();
        kinds.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let words: Vec<String> = kinds.iter().take(4).map(|(kind, count)| format!("{kind} {count}")).collect();
        println!("{task}: {}", words.join(", "));
    }
}
