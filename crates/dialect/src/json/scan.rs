//! Finds the end of a string, 64 bytes at a time, and checks its escapes on the way.

use wide::u8x16;

use super::JsonError;
use super::vectors::{Vectors, Work, at_most, widest};

/// A string's end.
#[derive(Debug, Clone, Copy)]
pub(super) struct End {
    /// The closing quote.
    pub(super) at: usize,
    /// Whether it holds escapes.
    pub(super) escaped: bool,
    /// How many bytes longer its escapes are than their text, at least.
    pub(super) spare: usize,
}

/// No character of a string is as low as these, unless it is escaped.
const CONTROL_MAX: u8 = 0x1f;

/// Finds the end of the string whose first character stands at `start`.
#[inline]
pub(super) fn string(bytes: &[u8], start: usize) -> Result<End, JsonError> {
    // Most strings of a request are names. They end within one vector.
    if let Some(head) = bytes.get(start..).and_then(|rest| rest.first_chunk::<16>()) {
        let v = u8x16::new(*head);
        let quote = v.simd_eq(u8x16::splat(b'"')).to_bitmask();
        let other = (v.simd_eq(u8x16::splat(b'\\')) | at_most(v, CONTROL_MAX)).to_bitmask();
        let before = quote.wrapping_sub(1) & !quote;
        if quote != 0 && other & before == 0 {
            return Ok(End { at: start + quote.trailing_zeros() as usize, escaped: false, spare: 0 });
        }
    }
    widest(Long { bytes, start })
}

/// The first byte from `start` on that cannot stand in a string as it is.
#[inline]
pub(super) fn special(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    while let Some(head) = bytes.get(at..).and_then(|rest| rest.first_chunk::<16>()) {
        let v = u8x16::new(*head);
        let found = (v.simd_eq(u8x16::splat(b'"')) | v.simd_eq(u8x16::splat(b'\\')) | at_most(v, CONTROL_MAX)).to_bitmask();
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize);
        }
        at += 16;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    rest.iter().position(|b| matches!(b, b'"' | b'\\' | 0..0x20)).map(|i| at + i)
}

/// The search for the end of a long string.
struct Long<'a> {
    bytes: &'a [u8],
    start: usize,
}

impl Work for Long<'_> {
    type Output = Result<End, JsonError>;

    #[inline(always)]
    fn run<V: Vectors>(self, vectors: V) -> Self::Output {
        let rest = self.bytes.get(self.start..).unwrap_or_default();
        let (blocks, tail) = rest.as_chunks::<64>();
        let mut scan = Scan { bytes: self.bytes, at: self.start, ..Scan::default() };
        for block in blocks {
            if let Some(end) = scan.block(vectors, block)? {
                return Ok(end);
            }
        }
        let mut last = [b' '; 64];
        last[..tail.len()].copy_from_slice(tail);
        scan.block(vectors, &last)?.ok_or_else(|| JsonError::new("the text ends within a string", self.bytes.len()))
    }
}

/// What the blocks so far leave to the next.
#[derive(Default)]
struct Scan<'a> {
    bytes: &'a [u8],
    /// Where the next block stands.
    at: usize,
    /// Whether its first byte is escaped.
    first_is_escaped: u64,
    /// Where it must hold the digits of an escape.
    digits_due: u64,
    spare: usize,
}

impl Scan<'_> {
    #[inline(always)]
    fn block<V: Vectors>(&mut self, vectors: V, block: &[u8; 64]) -> Result<Option<End>, JsonError> {
        let marks = vectors.marks(block);
        let escapes = marks.backslash | self.first_is_escaped | self.digits_due != 0;
        let escaped = if escapes { escaped(marks.backslash, &mut self.first_is_escaped) } else { 0 };
        let quotes = marks.quote & !escaped;
        let inside = quotes.wrapping_sub(1) & !quotes;
        if marks.control {
            let control = vectors.controls(block) & inside;
            if control != 0 {
                return Err(JsonError::new("control character in a string", self.at + control.trailing_zeros() as usize));
            }
        }
        if escapes {
            let letters = vectors.letters(block);
            let escaped = escaped & inside;
            let unicode = escaped & letters.unicode;
            let digits = unicode << 1 | unicode << 2 | unicode << 3 | unicode << 4 | self.digits_due;
            let wrong = escaped & !letters.any | digits & !letters.hex;
            if wrong != 0 {
                return Err(self.invalid_escape(wrong));
            }
            self.digits_due = unicode >> 63 | unicode >> 62 | unicode >> 61 | unicode >> 60;
            // Six bytes stand for three at most, and two for one.
            self.spare += (escaped.count_ones() + 2 * unicode.count_ones()) as usize;
        }
        if quotes != 0 {
            let at = self.at + quotes.trailing_zeros() as usize;
            return Ok(Some(End { at, escaped: self.spare != 0, spare: self.spare }));
        }
        self.at += 64;
        Ok(None)
    }

    /// The escape that the first of the `wrong` bytes belongs to.
    #[cold]
    fn invalid_escape(&self, wrong: u64) -> JsonError {
        let to = self.at + wrong.trailing_zeros() as usize;
        let backslash = self.bytes.iter().take(to).rposition(|b| *b == b'\\');
        JsonError::new("invalid escape", backslash.unwrap_or(to))
    }
}

/// The bytes that a backslash escapes: those after a run of backslashes of odd length (simdjson's carry trick).
#[inline]
fn escaped(backslash: u64, first_is_escaped: &mut u64) -> u64 {
    const EVEN: u64 = 0x5555_5555_5555_5555;
    let backslash = backslash & !*first_is_escaped;
    let follows = backslash << 1 | *first_is_escaped;
    let odd_starts = backslash & !EVEN & !follows;
    let (even_runs, overflow) = odd_starts.overflowing_add(backslash);
    *first_is_escaped = u64::from(overflow);
    (EVEN ^ (even_runs << 1)) & follows
}
