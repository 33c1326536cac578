//! The one place that turns random bytes into characters of an id.

use crate::Random;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Appends two characters of base 62 that sort as the numbers below 3844 do.
pub(crate) fn push_base62_pair(out: &mut String, number: usize) {
    out.extend([number / 62 % 62, number % 62].map(|digit| char::from(BASE62[digit])));
}

/// Appends `n` characters of base 62, each uniform (rejection sampling on six bits).
pub(crate) fn push_base62(out: &mut String, n: usize, random: &dyn Random) {
    let mut left = n;
    while left > 0 {
        let mut word = random.next_u64();
        for _ in 0..10 {
            let six = (word & 63) as usize;
            word >>= 6;
            if let Some(&c) = BASE62.get(six) {
                out.push(char::from(c));
                left -= 1;
                if left == 0 {
                    return;
                }
            }
        }
    }
}

/// Lowercase hexadecimal of `bytes`, written into the first part of `room`, which has space for two digits a byte.
pub(crate) fn hex<'a>(bytes: &[u8], room: &'a mut [u8]) -> &'a str {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = &mut room[..bytes.len() * 2];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
    std::str::from_utf8(digits).expect("digits are ASCII")
}

/// The inverse of [`hex`] for exactly `N` bytes; `None` for anything but lowercase or uppercase digits.
pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let text = text.as_bytes();
    if text.len() != N * 2 {
        return None;
    }
    let digit = |b: u8| char::from(b).to_digit(16);
    let mut out = [0; N];
    for (i, byte) in out.iter_mut().enumerate() {
        let (high, low) = (digit(text[2 * i])?, digit(text[2 * i + 1])?);
        *byte = u8::try_from(high << 4 | low).ok()?;
    }
    Some(out)
}
