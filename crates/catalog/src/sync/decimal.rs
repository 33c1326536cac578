//! Prices as the sources write them: texts or numbers, with or without an exponent, read digit by digit.

use portolan_core::Price;

/// Digits after the point that a [`Price`] has.
const PICO_DIGITS: i64 = 12;
/// More digits than a price can have. What is longer is no price.
const DIGITS_MAX: usize = 40;

/// Reads `0.000003`, `5e-9` or `3` times ten to the power of `shift`. `None`: no number, negative, finer than a picodollar or out of range.
pub(super) fn price(text: &str, shift: i64) -> Option<Price> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if whole.is_empty() || digits.len() > DIGITS_MAX || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return Some(Price(0));
    }
    let dropped = i64::try_from(digits.len() - significant.len()).ok()?;
    let power = i64::from(exponent) - i64::try_from(fraction.len()).ok()? + dropped + PICO_DIGITS + shift;
    let scale = 10u128.checked_pow(u32::try_from(power).ok()?)?;
    let number: u128 = significant.parse().ok()?;
    u64::try_from(number.checked_mul(scale)?).ok().map(Price)
}

/// The list price of a price that was reduced by `discount` (0.5: half), rounded up to the picodollar.
/// `None`: the discount is none between -1 and 1.
pub(super) fn before_discount(price: Price, discount: &str) -> Option<Price> {
    const ONE: i128 = 1_000_000_000_000;
    let (sign, digits) = discount.strip_prefix('-').map_or((1, discount), |digits| (-1, digits));
    let size = i128::from(self::price(digits, 0)?.0);
    if size >= ONE {
        return None;
    }
    let paid = ONE - sign * size;
    let list = (i128::from(price.0) * ONE + paid - 1) / paid;
    u64::try_from(list).ok().map(Price)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_notation_of_a_price_is_read_exactly() {
        for (text, picodollars) in [
            ("0.000003", 3_000_000),
            ("5e-9", 5_000),
            ("5E-9", 5_000),
            ("1.25e-06", 1_250_000),
            ("0", 0),
            ("0.0", 0),
            ("0e-30", 0),
            ("3", 3_000_000_000_000),
            ("30e-1", 3_000_000_000_000),
            ("0.00000000000100", 1),
        ] {
            assert_eq!(price(text, 0), Some(Price(picodollars)), "{text}");
        }
        assert_eq!(price("0.075", -6), Some(Price(75_000)), "per million");
    }

    #[test]
    fn what_is_no_exact_price_is_none() {
        for text in ["", "-1", ".5", "1e", "e5", "0x1", "1,5", "NaN", "1e-13", "0.0000000000001", "1e40", "99999999999", "1e99999999999"] {
            assert_eq!(price(text, 0), None, "{text}");
        }
    }

    #[test]
    fn a_discount_is_taken_out_and_a_remainder_is_rounded_up() {
        assert_eq!(before_discount(Price(100_000), "0.5"), Some(Price(200_000)));
        assert_eq!(before_discount(Price(120_000), "-0.2"), Some(Price(100_000)));
        assert_eq!(before_discount(Price(100), "0.7"), Some(Price(334)));
        assert_eq!(before_discount(Price(100), "0"), Some(Price(100)));
        for implausible in ["1", "-1", "-1000", "2", "", "much"] {
            assert_eq!(before_discount(Price(100), implausible), None, "{implausible}");
        }
    }
}
