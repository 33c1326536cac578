//! One pass over the text: counts of characters, words and cues.

use super::cues::{Cue, Cues, HASH_START, hash_byte, hash_pair};
use super::task::TaskKind;
use super::view::PromptView;

/// Words and pairs of a prompt go into so many buckets.
pub(crate) const BUCKETS: usize = 8192;

/// What one pass over the text finds.
#[derive(Debug, Clone)]
pub(crate) struct Scan {
    /// Bytes that were read.
    pub(crate) bytes: u32,
    pub(crate) words: u32,
    pub(crate) long_words: u32,
    pub(crate) capitals: u32,
    pub(crate) digits: u32,
    pub(crate) numbers: u32,
    pub(crate) lines: u32,
    pub(crate) sentences: u32,
    pub(crate) questions: u32,
    pub(crate) commas: u32,
    pub(crate) quotes: u32,
    /// Bytes beyond ASCII.
    pub(crate) foreign: u32,
    /// `{ } ; = < > _ [ ]` and backticks.
    pub(crate) code_marks: u32,
    /// `\ $ ^ + * / =` and the like.
    pub(crate) math_marks: u32,
    /// Lines that begin as an item of a list or an answer to choose: `A.`, `1)`, `-`.
    pub(crate) items: u32,
    /// Of these, those of a letter.
    pub(crate) choices: u32,
    pub(crate) constraints: u32,
    pub(crate) reasons: u32,
    pub(crate) quantities: u32,
    pub(crate) negations: u32,
    pub(crate) question_words: u32,
    pub(crate) code_words: u32,
    pub(crate) math_words: u32,
    /// Points of each task.
    pub(crate) points: [u16; TaskKind::ALL.len()],
    /// Which buckets hold a word or a pair.
    pub(crate) buckets: [u64; BUCKETS / 64],
}

impl Scan {
    /// Reads the window of the text.
    pub(crate) fn of(view: &PromptView<'_>) -> Box<Self> {
        let mut scan = Box::new(Self::EMPTY);
        for part in view.window() {
            scan.read(part);
        }
        scan
    }

    const EMPTY: Self = Self {
        bytes: 0,
        words: 0,
        long_words: 0,
        capitals: 0,
        digits: 0,
        numbers: 0,
        lines: 0,
        sentences: 0,
        questions: 0,
        commas: 0,
        quotes: 0,
        foreign: 0,
        code_marks: 0,
        math_marks: 0,
        items: 0,
        choices: 0,
        constraints: 0,
        reasons: 0,
        quantities: 0,
        negations: 0,
        question_words: 0,
        code_words: 0,
        math_words: 0,
        points: [0; TaskKind::ALL.len()],
        buckets: [0; BUCKETS / 64],
    };

    fn read(&mut self, text: &str) {
        let cues = Cues::get();
        let bytes = text.as_bytes();
        self.bytes += u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let (mut previous, mut at, mut fresh) = (0, 0, true);
        while at < bytes.len() {
            if fresh {
                self.item(&bytes[at..]);
            }
            let byte = bytes[at];
            fresh = byte == b'\n' || (fresh && byte == b' ');
            if !is_word(byte) {
                self.mark(byte);
                at += 1;
                continue;
            }
            let from = at;
            let mut hash = HASH_START;
            while at < bytes.len() && is_word(bytes[at]) {
                hash = hash_byte(hash, bytes[at].to_ascii_lowercase());
                at += 1;
            }
            self.word(&bytes[from..at]);
            self.count(cues, hash);
            if previous != 0 {
                self.count(cues, hash_pair(previous, hash));
            }
            previous = hash;
        }
    }

    fn word(&mut self, word: &[u8]) {
        self.words += 1;
        self.long_words += u32::from(word.len() > 8);
        self.capitals += u32::from(word[0].is_ascii_uppercase());
        self.numbers += u32::from(word[0].is_ascii_digit());
        for byte in word {
            self.digits += u32::from(byte.is_ascii_digit());
            self.foreign += u32::from(!byte.is_ascii());
        }
    }

    fn mark(&mut self, byte: u8) {
        match byte {
            b'\n' => self.lines += 1,
            b'.' | b'!' => self.sentences += 1,
            b'?' => self.questions += 1,
            b',' => self.commas += 1,
            b'"' => self.quotes += 1,
            b'{' | b'}' | b';' | b'<' | b'>' | b'_' | b'[' | b']' | b'`' => self.code_marks += 1,
            b'=' => {
                self.code_marks += 1;
                self.math_marks += 1;
            }
            b'\\' | b'$' | b'^' | b'+' | b'*' | b'/' | b'%' => self.math_marks += 1,
            _ => {}
        }
    }

    /// Whether a line begins as an item does.
    fn item(&mut self, line: &[u8]) {
        let (choice, item) = match line {
            [b'-' | b'*', b' ', ..] => (false, true),
            [b'A'..=b'J', b'.' | b')' | b':', ..] | [b'(', b'A'..=b'J', b')', ..] => (true, true),
            [b'1'..=b'9', b'.' | b')', b' ', ..] => (false, true),
            _ => (false, false),
        };
        self.items += u32::from(item);
        self.choices += u32::from(choice);
    }

    fn count(&mut self, cues: Cues, hash: u32) {
        let bucket = (hash ^ hash >> 15) as usize % BUCKETS;
        self.buckets[bucket >> 6] |= 1 << (bucket & 63);
        for cue in cues.of(hash) {
            match cue {
                Cue::Task(kind, points) => self.points[kind as usize] += u16::from(points),
                Cue::Constraint => self.constraints += 1,
                Cue::Reason => self.reasons += 1,
                Cue::Quantity => self.quantities += 1,
                Cue::Negation => self.negations += 1,
                Cue::Question => self.question_words += 1,
                Cue::Code => self.code_words += 1,
                Cue::Math => self.math_words += 1,
            }
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii()
}
