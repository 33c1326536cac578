//! The curves as a picture.

use std::fmt::Write as _;

use crate::curve::{Curve, STEPS};
use crate::data::{Row, SETS};

const SIZE: f32 = 300.0;
const LEFT: f32 = 50.0;
const TOP: f32 = 20.0;
const COLORS: [&str; 3] = ["#1b6ca8", "#c8553d", "#4a7c59"];

/// The part of the gap that is closed, by the share of calls to the stronger model. The diagonal is chance.
pub(crate) fn draw(rows: &[Row]) -> String {
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
        LEFT + SIZE + 20.0,
        TOP + SIZE + 100.0
    );
    for tenth in 0..=5 {
        let part = tenth as f32 / 5.0;
        let (x, y) = at(part, part);
        let _ = writeln!(out, "<path d=\"M{LEFT} {y}h{SIZE}M{x} {TOP}v{SIZE}\" stroke=\"#ddd\"/>");
        let _ = writeln!(out, "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{part}</text>", LEFT - 6.0, y + 4.0);
        let _ = writeln!(out, "<text x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{} %</text>", TOP + SIZE + 14.0, tenth * 20);
    }
    line(&mut out, "#999", (0..=1).map(|end| (end as f32, end as f32)));
    for (set, of) in SETS.iter().enumerate() {
        let test: Vec<&Row> = rows.iter().filter(|row| row.set == set && row.held_out()).collect();
        let curve = Curve::of(&test, |row| row.complexity);
        line(&mut out, COLORS[set], (0..=STEPS).map(|step| (step as f32 / STEPS as f32, curve.recovered(step * 100 / STEPS))));
        let y = TOP + SIZE + 52.0 + 15.0 * set as f32;
        let _ = writeln!(out, "<text x=\"{LEFT}\" y=\"{y}\" fill=\"{}\">{} ({} prompts held out)</text>", COLORS[set], of.name, test.len());
    }
    let _ = writeln!(
        out,
        "<text x=\"{LEFT}\" y=\"{}\">calls to the stronger model; left: gap recovered; grey: chance</text>",
        TOP + SIZE + 32.0
    );
    out.push_str("</svg>\n");
    out
}

fn at(x: f32, y: f32) -> (f32, f32) {
    (LEFT + x * SIZE, TOP + (1.0 - y) * SIZE)
}

fn line(out: &mut String, color: &str, points: impl Iterator<Item = (f32, f32)>) {
    let points: Vec<String> = points.map(|(x, y)| at(x, y)).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let _ = writeln!(out, "<polyline points=\"{}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"1.5\"/>", points.join(" "));
}
