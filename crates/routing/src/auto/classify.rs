//! What a prompt asks for, and how hard it is.

use serde::{Deserialize, Serialize};

use super::features::Features;
use super::scan::Scan;
use super::task::TaskKind;
use super::view::PromptView;
use super::weights::Weights;

/// What the classifier says of a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// What it asks for.
    pub task: TaskKind,
    /// Which share of ordinary prompts gains less from a stronger model: 0 (any model will do) to 1.
    pub complexity: f32,
}

/// Judges a prompt. Reads at most 4 KiB of it; the same prompt is always judged the same.
#[must_use]
pub fn classify(view: &PromptView<'_>) -> Judgement {
    let scan = Scan::of(view);
    let task = task_of(view, &scan);
    let weights = Weights::builtin();
    let base = weights.rank(weights.score(&Features::from_scan(&scan, task)));
    Judgement { task, complexity: situated(base, task, view) }
}

/// What the labelled prompts know nothing of, because they are single messages of text, is a matter of a few plain rules.
fn situated(base: f32, task: TaskKind, view: &PromptView<'_>) -> f32 {
    if task == TaskKind::SmallTalk {
        return base * SMALL_TALK;
    }
    let mut left = 1.0 - base;
    if view.tools > 0 {
        left *= if view.tools > TOOLS_MANY { 0.6 } else { 0.8 };
    }
    if view.messages > MESSAGES_MANY || view.conversation_bytes > CONVERSATION_BYTES_LONG {
        left *= 0.8;
    }
    if view.structured {
        left *= 0.95;
    }
    if view.attachments > 0 {
        left *= 0.9;
    }
    1.0 - left
}

/// Small talk keeps this share of its complexity.
const SMALL_TALK: f32 = 0.2;
/// More tools than this are hard to choose among.
const TOOLS_MANY: u32 = 8;
/// A conversation of more messages than this has a history that matters.
const MESSAGES_MANY: u32 = 10;
/// A conversation of more text than this is hard to keep in view.
const CONVERSATION_BYTES_LONG: u64 = 32 * 1024;

/// The task with the most points; [`TaskKind::General`] where nothing speaks for any.
pub(crate) fn task_of(view: &PromptView<'_>, scan: &Scan) -> TaskKind {
    let mut points = scan.points.map(u32::from);
    let mut add = |kind: TaskKind, more: u32| points[kind as usize] += more;
    let code = scan.code_marks > 8 && scan.code_words * 8 > scan.words;
    if code {
        add(TaskKind::CodeWriting, 4);
    }
    if scan.choices >= 3 {
        add(TaskKind::MultipleChoice, 12);
    }
    if scan.numbers >= 2 && scan.quantities >= 1 && scan.math_marks * 20 < scan.bytes {
        add(TaskKind::Arithmetic, 4);
    }
    if scan.math_marks >= 4 && !code {
        add(TaskKind::Mathematics, scan.math_marks.min(40) / 4);
    }
    if scan.words <= 14 && scan.question_words > 0 && scan.numbers < 2 {
        add(TaskKind::Fact, 3);
    }
    if scan.words > 6 {
        points[TaskKind::SmallTalk as usize] = 0;
    }
    // Long texts hold many words by chance; a task must have more than a few.
    let least = 3 + scan.words / 200;
    let best = TaskKind::ALL.into_iter().rev().max_by_key(|kind| points[*kind as usize]);
    match best.filter(|kind| points[*kind as usize] >= least) {
        Some(kind) => kind,
        None if view.tools > 0 => TaskKind::Agent,
        None if view.attachments > 0 => TaskKind::Attachment,
        None => TaskKind::General,
    }
}
