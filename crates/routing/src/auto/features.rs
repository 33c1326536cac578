//! The numbers that the model of complexity is linear in.

use super::scan::{BUCKETS, Scan};
use super::task::TaskKind;
use super::view::PromptView;

/// Names of the features that are no words, in their order. The tasks follow them.
pub(crate) const PLAIN: &[&str] = &[
    "log_bytes",
    "log_words",
    "word_length",
    "long_words",
    "capitals",
    "digits",
    "numbers",
    "log_numbers",
    "lines",
    "log_lines",
    "sentences",
    "questions",
    "commas",
    "quotes",
    "foreign",
    "code_marks",
    "log_code_marks",
    "math_marks",
    "log_math_marks",
    "items",
    "has_choices",
    "constraints",
    "log_constraints",
    "reasons",
    "quantities",
    "negations",
    "question_words",
    "code_words",
    "math_words",
    "is_short",
];

/// How many features are no words.
pub(crate) const DENSE: usize = PLAIN.len() + TaskKind::ALL.len();

/// What the model of complexity is given.
#[derive(Debug, Clone)]
pub struct Features {
    /// One number per name of [`Features::names`], mostly between 0 and 1.
    pub dense: [f32; DENSE],
    /// Each bucket that holds a word or a pair of words of the text, once, ascending.
    pub buckets: Vec<u16>,
}

impl Features {
    /// How many buckets there are.
    pub const BUCKETS: usize = BUCKETS;

    /// The features of a prompt.
    #[must_use]
    pub fn of(view: &PromptView<'_>) -> Self {
        let scan = Scan::of(view);
        Self::from_scan(&scan, super::classify::task_of(view, &scan))
    }

    pub(crate) fn from_scan(scan: &Scan, task: TaskKind) -> Self {
        let mut dense = [0.0; DENSE];
        dense[..PLAIN.len()].copy_from_slice(&plain(scan));
        dense[PLAIN.len() + task as usize] = 1.0;
        let mut buckets = Vec::with_capacity(scan.words as usize * 2);
        for (word, bits) in scan.buckets.iter().enumerate() {
            let mut bits = *bits;
            while bits != 0 {
                buckets.push(u16::try_from(word * 64).unwrap_or(0) + u16::try_from(bits.trailing_zeros()).unwrap_or(0));
                bits &= bits - 1;
            }
        }
        Self { dense, buckets }
    }

    /// The names of the dense features.
    pub fn names() -> impl Iterator<Item = &'static str> {
        PLAIN.iter().copied().chain(TaskKind::ALL.iter().map(|kind| kind.as_str()))
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a few KiB")]
fn plain(scan: &Scan) -> [f32; PLAIN.len()] {
    let words = scan.words.max(1) as f32;
    let bytes = scan.bytes.max(1) as f32;
    let log = |count: u32| (1.0 + count as f32).log2() / 8.0;
    let of_words = |count: u32| count as f32 / words;
    let of_bytes = |count: u32| count as f32 / bytes * 10.0;
    [
        (1.0 + bytes).log2() / 12.0,
        (1.0 + words).log2() / 10.0,
        (bytes / words / 12.0).min(2.0),
        of_words(scan.long_words) * 3.0,
        of_words(scan.capitals),
        of_bytes(scan.digits),
        of_words(scan.numbers) * 3.0,
        log(scan.numbers),
        of_words(scan.lines) * 3.0,
        log(scan.lines),
        of_words(scan.sentences) * 5.0,
        (scan.questions as f32).min(4.0) / 4.0,
        of_words(scan.commas) * 5.0,
        of_words(scan.quotes) * 5.0,
        (of_bytes(scan.foreign) / 10.0).min(1.0),
        of_bytes(scan.code_marks),
        log(scan.code_marks),
        of_bytes(scan.math_marks),
        log(scan.math_marks),
        of_words(scan.items) * 10.0,
        f32::from(u8::from(scan.choices >= 2)),
        of_words(scan.constraints) * 5.0,
        log(scan.constraints),
        of_words(scan.reasons) * 5.0,
        of_words(scan.quantities) * 5.0,
        of_words(scan.negations) * 5.0,
        of_words(scan.question_words) * 5.0,
        of_words(scan.code_words) * 5.0,
        of_words(scan.math_words) * 5.0,
        f32::from(u8::from(scan.words <= 6)),
    ]
}
