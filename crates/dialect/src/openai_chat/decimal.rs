//! Amounts of money as callers and resellers write them: decimal text or a JSON number, also with an exponent, read exactly.
//!
//! Never a float: `0.1` is a tenth. What is finer than a picodollar is rounded down.

use portolan_core::{Money, Price, round_half_up};

/// Why a text is no amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// It is not written as JSON writes numbers.
    Syntax,
    /// It is below zero.
    Negative,
    /// It is beyond what a price can hold.
    TooLarge,
}

/// The digits after the point of a dollar that a picodollar is.
const PICO: i64 = 12;
/// A price for each of a million tokens has six digits fewer.
const PICO_OF_A_MILLION: i64 = 6;

/// US dollars per unit.
pub(super) fn price(text: &str) -> Result<Price, Wrong> {
    floor(text, PICO).map(Price)
}

/// US dollars per million tokens, as a price per token.
pub(super) fn price_of_a_million(text: &str) -> Result<Price, Wrong> {
    floor(text, PICO_OF_A_MILLION).map(Price)
}

/// US dollars, to the nearest nanodollar. Half of one is a whole number of picodollars, so rounding down first changes nothing.
pub(super) fn money(text: &str) -> Result<Money, Wrong> {
    floor(text, PICO).map(|picodollars| round_half_up(u128::from(picodollars)))
}

/// A price per token as US dollars per million tokens, with all its digits.
pub(super) fn per_million(price: Price) -> String {
    let (whole, below) = (price.0 / 1_000_000, price.0 % 1_000_000);
    if below == 0 { whole.to_string() } else { format!("{whole}.{below:06}").trim_end_matches('0').to_owned() }
}

/// `text` times ten to the power of `places`, rounded down.
fn floor(text: &str, places: i64) -> Result<u64, Wrong> {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (mantissa, exponent) = text.split_once(['e', 'E']).map_or((text, Ok(0)), |(m, e)| (m, exponent(e)));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let padded = whole.len() > 1 && whole.starts_with('0');
    if whole.is_empty() || padded || mantissa.ends_with('.') || !plain(whole) || !plain(fraction) {
        return Err(Wrong::Syntax);
    }
    let exponent = exponent?.saturating_add(places).saturating_sub(length(fraction));
    let zeros = whole.bytes().chain(fraction.bytes()).take_while(|b| *b == b'0').count();
    let digits = whole.bytes().chain(fraction.bytes()).skip(zeros);
    let count = length(whole) + length(fraction) - i64::try_from(zeros).unwrap_or(i64::MAX);
    if count == 0 {
        return Ok(0);
    }
    if negative {
        return Err(Wrong::Negative);
    }
    // How many digits the result has; a 64-bit number has 20 at most.
    let kept = count.saturating_add(exponent);
    if kept > 20 {
        return Err(Wrong::TooLarge);
    }
    let digits = digits.chain(std::iter::repeat(b'0')).take(usize::try_from(kept).unwrap_or(0));
    let value = digits.fold(0u128, |n, b| n * 10 + u128::from(b - b'0'));
    u64::try_from(value).map_err(|_| Wrong::TooLarge)
}

/// An exponent; one that no 64-bit number holds is as good as the largest.
fn exponent(text: &str) -> Result<i64, Wrong> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Wrong::Syntax);
    }
    let value = digits.parse().unwrap_or(i64::MAX);
    Ok(if text.starts_with('-') { -value } else { value })
}

fn length(digits: &str) -> i64 {
    i64::try_from(digits.len()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_are_read_exactly_and_what_is_finer_is_cut() {
        for (text, want) in [
            ("0", 0),
            ("-0.0", 0),
            ("0e999999999999999999999", 0),
            ("1", 1_000_000),
            ("0.1", 100_000),
            ("2.50", 2_500_000),
            ("1e-6", 1),
            ("1E-6", 1),
            ("12.5e+1", 125_000_000),
            ("0.000001", 1),
            ("0.0000019999", 1),
            ("9.99e-7", 0),
            ("1e-999999999999999999999", 0),
            ("0.30000000000000004", 300_000),
            ("18446744073709.551615", u64::MAX),
            ("0.00000000018446744073709551615e23", u64::MAX),
        ] {
            assert_eq!(price_of_a_million(text), Ok(Price(want)), "{text}");
        }
        assert_eq!(price("0.000000000001"), Ok(Price(1)));
        assert_eq!(price("1.5e-12"), Ok(Price(1)));
    }

    #[test]
    fn what_is_no_amount_is_told_apart() {
        for text in
            ["", "-", ".5", "5.", "1.e3", "e3", "1e", "1e+", "1e1.5", "+1", "01", "0x1", "1,5", " 1", "1 ", "$1", "NaN", "inf", "--1"]
        {
            assert_eq!(price(text), Err(Wrong::Syntax), "{text:?}");
        }
        assert_eq!(price("-0.5"), Err(Wrong::Negative));
        for text in ["18446744.073709551616", "1e300", "1e999999999999999999999", "99999999999999999999"] {
            assert_eq!(price(text), Err(Wrong::TooLarge), "{text}");
        }
    }

    #[test]
    fn a_reported_cost_is_rounded_half_up_to_nanodollars() {
        for (text, want) in [("0.00014", 140_000), ("1.2345e-9", 1), ("5e-10", 1), ("4.99999999999e-10", 0), ("0.0000000015", 2)] {
            assert_eq!(money(text), Ok(Money(want)), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_price_per_million_is_read_as_it_was_written(picodollars: u64) {
            prop_assert_eq!(price_of_a_million(&per_million(Price(picodollars))), Ok(Price(picodollars)));
        }

        #[test]
        fn an_exponent_moves_the_point(digits in 0u64..1_000_000, exponent in -6i32..6) {
            let plain = u128::from(digits) * 10u128.pow(u32::try_from(exponent + 12).unwrap());
            let found = price(&format!("{digits}e{exponent}"));
            prop_assert_eq!(found.map_err(|_| ()), u64::try_from(plain).map(Price).map_err(|_| ()));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[-+0-9.eE]{0,12}") {
            let as_json = serde_json::from_str::<Box<serde_json::value::RawValue>>(&text).is_ok();
            prop_assert_eq!(price(&text) == Err(Wrong::Syntax), !as_json);
        }
    }
}
