//! What the classifier says of prompts, and what that is worth.

use std::path::Path;

use portolan_routing::auto::{PromptView, TaskKind, Weights, classify};
use proptest::prelude::*;

use crate::{curve, data};

proptest! {
    #[test]
    fn any_text_is_judged_and_always_the_same(text in "\\PC{0,300}", times in 1_usize..60) {
        let text = text.repeat(times);
        let view = PromptView::of_text(&text);
        let judgement = classify(&view);
        prop_assert_eq!(judgement, classify(&view));
        prop_assert!((0.0..=1.0).contains(&judgement.complexity));
    }
}

#[test]
fn tools_and_a_long_history_make_a_request_harder() {
    let plain = PromptView::of_text("Find the cheapest flight to Rome next week and book it.");
    let harder = [
        PromptView { tools: 3, ..plain },
        PromptView { tools: 20, ..plain },
        PromptView { messages: 40, ..plain },
        PromptView { conversation_bytes: 1 << 20, ..plain },
        PromptView { attachments: 1, ..plain },
    ];
    for view in harder {
        assert!(classify(&view).complexity > classify(&plain).complexity, "{view:?}");
    }
}

#[test]
fn the_task_of_a_prompt_is_recognized() {
    for (text, want) in [
        ("hi there", TaskKind::SmallTalk),
        ("Translate to German: good evening, my friend", TaskKind::Translation),
        ("Summarize the main points of this memo.", TaskKind::Summary),
        ("Write a Python function that merges two sorted lists.", TaskKind::CodeWriting),
        ("Fix this bug: it throws a null pointer exception", TaskKind::CodeRepair),
        ("Prove that the square root of two is no rational number, a theorem about prime divisors.", TaskKind::Mathematics),
        ("Tom sells 12 cakes per day for 3 dollars each. How much does he earn in 5 days?", TaskKind::Arithmetic),
        ("Which is a metal?\nA. Helium\nB. Iron\nC. Neon\nD. Argon", TaskKind::MultipleChoice),
        ("Write a poem about the sea", TaskKind::CreativeWriting),
        ("Write a cover letter for a bakery", TaskKind::BusinessWriting),
        ("Who discovered penicillin?", TaskKind::Fact),
        ("", TaskKind::General),
    ] {
        assert_eq!(classify(&PromptView::of_text(text)).task, want, "{text}");
    }
    let agent = PromptView { tools: 2, ..PromptView::of_text("Tuesday, the usual") };
    assert_eq!(classify(&agent).task, TaskKind::Agent);
}

#[test]
fn only_the_beginning_and_the_end_of_a_long_text_are_read() {
    let judged = |middle: &str| {
        let text = format!("{}{middle}{}", "Explain the plan. ".repeat(300), "What is it? ".repeat(300));
        classify(&PromptView { text: &text, ..PromptView::default() })
    };
    assert_eq!(judged(""), judged(&"prove \u{1F600} ".repeat(50_000)));
    assert_ne!(classify(&PromptView::of_text("Explain the plan.")), judged(""));
}

#[test]
fn the_weights_are_read_back_as_they_were_written_and_broken_files_are_refused() {
    let text = Weights::builtin().to_text();
    assert_eq!(Weights::parse(&text).as_ref(), Ok(Weights::builtin()));
    let without_a_line: String = text.lines().filter(|line| !line.starts_with("dense capitals")).map(|line| format!("{line}\n")).collect();
    for broken in
        [String::new(), without_a_line, text.replacen("step", "stop", 1), format!("{text}quantile 1\n"), format!("{text}buckets zz\n")]
    {
        assert!(Weights::parse(&broken).is_err());
    }
}

/// The areas are 0.61, 0.70 and 0.60 (docs/auto-router.md); chance is 0.5. The sets are small, hence the distance.
const AREA_MIN: f32 = 0.56;

#[test]
fn the_router_beats_chance_on_prompts_that_it_was_not_trained_on() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/router"));
    if !folder.exists() {
        eprintln!("SKIPPED: no labelled prompts at {}", folder.display());
        return;
    }
    let rows = data::load(folder).unwrap();
    for (set, of) in data::SETS.iter().enumerate() {
        let test: Vec<&data::Row> = rows.iter().filter(|row| row.set == set && row.held_out()).collect();
        assert!(test.len() > 100, "{}", of.name);
        let area = curve::Curve::of(&test, |row| row.complexity).area();
        assert!(area >= AREA_MIN, "{}: {area}", of.name);
    }
}
