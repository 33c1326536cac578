//! Text in pieces. A piece is what one chunk of a stream carries.

use crate::random::Rng;

/// Whole sentences of our own. Some hold characters of two, three and four bytes, so that a cut inside one is met.
const SENTENCES: &[&str] = &[
    "The tide turns twice a day, and every harbour keeps its own hour.",
    "A chart is a promise made by someone who sailed there before you.",
    "From São Vicente the coast runs north, low and sandy, with few lights.",
    "Keep the lighthouse open to the west until the church comes in line.",
    "The wind backs to the south-west by evening \u{2014} reef before it does.",
    "Nobody remembers the calm days, though most of them were calm.",
    "Soundings are in fathoms; heights are above mean sea level.",
    "The pilot says the bar is safe at half flood, in any weather but a gale.",
    "Between the two islands there is good holding ground in seven fathoms.",
    "An old compass is as honest as a new one, if you know its error.",
    "The caf\u{e9} on the quay opens early for the fishing boats. \u{26f5}",
    "When in doubt, stand out to sea and wait for daylight \u{1f305}.",
];

/// Words for content that is asked for by the chunk; none is longer than seven bytes with its space.
const WORDS: &[&str] = &["wind", "sail", "north", "chart", "port", "tide", "ma\u{f1}ana", "anchor", "bar", "depth", "star", "coast"];

/// No piece is longer, so that bytes and tokens stay in a plausible ratio.
const PIECE_BYTES_MAX: usize = 12;

/// How a piece is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Count {
    /// A piece is a token.
    ByPiece,
    /// A token per four bytes.
    ByBytes,
}

/// A text and where it is cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pieces {
    text: String,
    ends: Vec<u32>,
    count: Count,
}

impl Pieces {
    /// Cuts a text before its words, and longer words too. A piece is a token.
    pub(crate) fn of(text: String) -> Pieces {
        let mut ends = Vec::with_capacity(text.len() / 5 + 1);
        let (mut start, mut after_word) = (0, false);
        for (at, character) in text.char_indices() {
            let new_word = after_word && character.is_whitespace();
            if at > start && (new_word || at + character.len_utf8() - start > PIECE_BYTES_MAX) {
                ends.push(at as u32);
                start = at;
            }
            after_word = !character.is_whitespace();
        }
        if text.len() > start {
            ends.push(text.len() as u32);
        }
        Pieces { text, ends, count: Count::ByPiece }
    }

    /// Three sentences.
    pub(crate) fn sentences(rng: &mut Rng) -> Pieces {
        let first = rng.below(SENTENCES.len() as u64) as usize;
        let chosen: Vec<&str> = (0..3).filter_map(|step| SENTENCES.get((first + step * 5) % SENTENCES.len()).copied()).collect();
        Pieces::of(chosen.join(" "))
    }

    /// So many words, each a piece and a token.
    pub(crate) fn words(count: u32, rng: &mut Rng) -> Pieces {
        let mut pieces = Pieces { text: String::new(), ends: Vec::with_capacity(count as usize), count: Count::ByPiece };
        for index in 0..count {
            if index > 0 {
                pieces.text.push(' ');
            }
            pieces.text.push_str(rng.pick(WORDS).copied().unwrap_or("sail"));
            pieces.ends.push(pieces.text.len() as u32);
        }
        pieces
    }

    /// So many bytes, in so many pieces of a token each; without a number of pieces, a token per four bytes.
    pub(crate) fn sized(bytes: u32, pieces: Option<u32>) -> Pieces {
        const PATTERN: &str = "fair n\u{e9} calm sea ";
        /// Streams of large texts stay short: no more chunks than this.
        const PIECES_MAX: u32 = 256;
        let mut text = PATTERN.repeat(bytes as usize / PATTERN.len());
        for character in PATTERN.chars().filter(char::is_ascii).cycle() {
            if text.len() >= bytes as usize {
                break;
            }
            text.push(character);
        }
        let count = if pieces.is_some() { Count::ByPiece } else { Count::ByBytes };
        let number = pieces.unwrap_or_else(|| bytes.div_ceil(4).min(PIECES_MAX)).clamp(1, bytes.max(1));
        let mut ends: Vec<u32> = Vec::with_capacity(number as usize);
        for index in 1..=u64::from(number) {
            let even = (u64::from(bytes) * index / u64::from(number)) as usize;
            let end = (even..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len()) as u32;
            if ends.last().copied().unwrap_or(0) < end {
                ends.push(end);
            }
        }
        Pieces { text, ends, count }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn get(&self, index: usize) -> &str {
        let end = self.ends.get(index).copied().unwrap_or(self.text.len() as u32) as usize;
        &self.text[self.start(index)..end]
    }

    fn start(&self, index: usize) -> usize {
        index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0) as usize
    }

    /// Tokens of the pieces before `index`. Differences of it are the tokens of pieces, so that they add up exactly.
    pub(crate) fn tokens_before(&self, index: usize) -> u64 {
        match self.count {
            Count::ByPiece => index as u64,
            Count::ByBytes => (self.start(index) as u64).div_ceil(4),
        }
    }

    pub(crate) fn tokens(&self) -> u64 {
        self.tokens_before(self.len())
    }

    /// Shortens it to at most so many tokens. `true`: something was cut off.
    pub(crate) fn limit(&mut self, tokens: u64) -> bool {
        if self.tokens() <= tokens {
            return false;
        }
        match self.count {
            Count::ByPiece => self.ends.truncate(usize::try_from(tokens).unwrap_or(usize::MAX)),
            Count::ByBytes => {
                let most = usize::try_from(tokens.saturating_mul(4)).unwrap_or(usize::MAX).min(self.text.len());
                let cut = (0..=most).rev().find(|at| self.text.is_char_boundary(*at)).unwrap_or(0) as u32;
                self.ends.retain(|end| *end < cut);
                if cut > 0 {
                    self.ends.push(cut);
                }
            }
        }
        self.text.truncate(self.ends.last().copied().unwrap_or(0) as usize);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(pieces: &Pieces) -> String {
        (0..pieces.len()).map(|index| pieces.get(index)).collect()
    }

    #[test]
    fn pieces_join_to_the_text_and_none_is_empty_or_long() {
        let texts = [
            "",
            " ",
            "a",
            "one two",
            "  two  spaces ",
            "a-very-long-word-without-any-space-at-all",
            "\u{1f305}\u{1f305}\u{1f305}\u{1f305} x",
        ];
        for text in texts {
            let pieces = Pieces::of(text.to_owned());
            assert_eq!(joined(&pieces), text);
            assert!((0..pieces.len()).all(|index| (1..=PIECE_BYTES_MAX).contains(&pieces.get(index).len())), "{text:?}");
        }
    }

    #[test]
    fn sized_text_has_exactly_the_bytes_and_a_token_per_four() {
        for bytes in [0, 1, 3, 4, 7, 17, 600, 5_000, 100_003] {
            let pieces = Pieces::sized(bytes, None);
            assert_eq!(joined(&pieces).len() as u32, bytes);
            assert_eq!(pieces.tokens(), u64::from(bytes).div_ceil(4));
            assert!(pieces.len() <= 256);
        }
        let pieces = Pieces::sized(600, Some(30));
        assert_eq!((pieces.len(), pieces.tokens(), joined(&pieces).len()), (30, 30, 600));
    }

    #[test]
    fn a_limit_cuts_to_at_most_so_many_tokens() {
        let mut rng = Rng::seeded(1, &[]);
        for pieces in [Pieces::sized(1_000, None), Pieces::words(100, &mut rng), Pieces::sized(5_000, None), Pieces::sentences(&mut rng)] {
            for limit in [0, 1, 7, 20] {
                let mut cut = pieces.clone();
                assert!(cut.limit(limit));
                assert!(cut.tokens() <= limit);
                assert!(pieces.as_str().starts_with(cut.as_str()));
                assert_eq!(joined(&cut), cut.as_str());
            }
            assert!(!pieces.clone().limit(u64::MAX));
        }
    }

    #[test]
    fn words_are_a_token_each_and_hold_characters_of_several_bytes() {
        let pieces = Pieces::words(200, &mut Rng::seeded(1, &[]));
        assert_eq!((pieces.len(), pieces.tokens()), (200, 200));
        assert!(!pieces.as_str().is_ascii());
    }
}
