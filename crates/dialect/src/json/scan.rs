//! Finds the end of a string, 64 bytes at a time, and checks its escapes on the way.

use wide::u8x16;

use super::JsonError;

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

/// A bit for each of 64 bytes.
struct Masks {
    quote: u64,
    backslash: u64,
    control: u64,
}

const UNICODE: u8 = 0x80;

/// What an escape's letter stands for: 0: no escape; else how many bytes the escape is longer than its
/// text (a `\uXXXX` has six bytes for at most three), with a mark on `u`.
const ESCAPES: [u8; 256] = {
    let mut table = [0; 256];
    let letters = *b"\"\\/bfnrt";
    let mut i = 0;
    while i < letters.len() {
        table[letters[i] as usize] = 1;
        i += 1;
    }
    table[b'u' as usize] = UNICODE | 3;
    table
};

/// Finds the end of the string whose first character stands at `start`.
#[inline]
pub(super) fn string(bytes: &[u8], start: usize) -> Result<End, JsonError> {
    // Most strings of a request are names. They end within one vector.
    if let Some(head) = bytes.get(start..).and_then(|rest| rest.first_chunk::<16>()) {
        let v = u8x16::new(*head);
        let quote = v.simd_eq(u8x16::splat(b'"')).to_bitmask();
        let other = (v.simd_eq(u8x16::splat(b'\\')) | control(v)).to_bitmask();
        let before = quote.wrapping_sub(1) & !quote;
        if quote != 0 && other & before == 0 {
            return Ok(End { at: start + quote.trailing_zeros() as usize, escaped: false, spare: 0 });
        }
    }
    long(bytes, start)
}

/// The first byte from `start` on that cannot stand in a string as it is.
#[inline]
pub(super) fn special(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    while let Some(head) = bytes.get(at..).and_then(|rest| rest.first_chunk::<16>()) {
        let v = u8x16::new(*head);
        let found = (v.simd_eq(u8x16::splat(b'"')) | v.simd_eq(u8x16::splat(b'\\')) | control(v)).to_bitmask();
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize);
        }
        at += 16;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    rest.iter().position(|b| matches!(b, b'"' | b'\\' | 0..0x20)).map(|i| at + i)
}

fn long(bytes: &[u8], start: usize) -> Result<End, JsonError> {
    let mut at = start;
    let mut first_is_escaped = 0;
    let (mut any, mut spare) = (0, 0);
    let mut padded;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let (block, last) = match rest.first_chunk::<64>() {
            Some(block) => (block, false),
            None => {
                padded = [b' '; 64];
                padded[..rest.len()].copy_from_slice(rest);
                (&padded, true)
            }
        };
        let m = masks(block);
        let mut escaped = if m.backslash | first_is_escaped == 0 { 0 } else { escaped(m.backslash, &mut first_is_escaped) };
        let quotes = m.quote & !escaped;
        let inside = quotes.wrapping_sub(1) & !quotes;
        if m.control & inside != 0 {
            return Err(JsonError::new("control character in a string", at + (m.control & inside).trailing_zeros() as usize));
        }
        escaped &= inside;
        any |= escaped;
        while escaped != 0 {
            let i = escaped.trailing_zeros() as usize;
            let kind = ESCAPES[usize::from(block[i & 63])];
            if kind == 0 || (kind & UNICODE != 0 && !four_hex(bytes, at + i + 1)) {
                return Err(JsonError::new("invalid escape", at + i - 1));
            }
            spare += usize::from(kind & !UNICODE);
            escaped &= escaped - 1;
        }
        if quotes != 0 {
            return Ok(End { at: at + quotes.trailing_zeros() as usize, escaped: any != 0, spare });
        }
        if last {
            return Err(JsonError::new("the text ends within a string", bytes.len()));
        }
        at += 64;
    }
}

#[inline]
fn control(v: u8x16) -> u8x16 {
    v.min(u8x16::splat(0x1f)).simd_eq(v)
}

#[inline]
fn masks(block: &[u8; 64]) -> Masks {
    let (parts, _) = block.as_chunks::<16>();
    let v = [u8x16::new(parts[0]), u8x16::new(parts[1]), u8x16::new(parts[2]), u8x16::new(parts[3])];
    Masks {
        quote: join(v.map(|v| v.simd_eq(u8x16::splat(b'"')))),
        backslash: join(v.map(|v| v.simd_eq(u8x16::splat(b'\\')))),
        control: join(v.map(control)),
    }
}

#[inline]
fn join(v: [u8x16; 4]) -> u64 {
    let bits = v.map(|v| u64::from(v.to_bitmask()));
    bits[0] | bits[1] << 16 | bits[2] << 32 | bits[3] << 48
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

/// One for a hexadecimal digit.
const HEX: [u8; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        table[i] = (i as u8).is_ascii_hexdigit() as u8;
        i += 1;
    }
    table
};

/// Whether four hexadecimal digits stand there. Without a branch for each: there may be thousands.
#[inline]
fn four_hex(bytes: &[u8], at: usize) -> bool {
    let Some([a, b, c, d]) = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()) else { return false };
    HEX[usize::from(*a)] & HEX[usize::from(*b)] & HEX[usize::from(*c)] & HEX[usize::from(*d)] != 0
}
