//! Amounts and prices: integers with a unit, parsed from decimal text, never a float.

use std::fmt;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An amount in nanodollars (1e-9 USD). Signed, for corrections are negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(pub i64);

/// A price in picodollars (1e-12 USD) per unit of its meter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Price(pub u64);

/// A text that is no amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not a decimal number.
    #[error("`{0}` is not a decimal number in US dollars")]
    Syntax(String),
    /// More digits after the point than the unit holds.
    #[error("`{0}` is finer than {1} digits after the decimal point")]
    TooFine(String, u8),
    /// Outside the range.
    #[error("`{0}` is too large")]
    TooLarge(String),
    /// A price below zero.
    #[error("`{0}` is negative")]
    Negative(String),
}

impl Money {
    /// Nothing.
    pub const ZERO: Money = Money(0);
    /// More than anyone has.
    pub const MAX: Money = Money(i64::MAX);

    /// Reads decimal US dollars: `1`, `0.25`, `-3.000000001`.
    ///
    /// # Errors
    /// When the text is no plain decimal number, is finer than a nanodollar or out of range.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let value = scaled(digits, 9).map_err(|e| e.of(text))?;
        let value = i64::try_from(value).map_err(|_| MoneyError::TooLarge(short(text)))?;
        Ok(Self(if negative { -value } else { value }))
    }

    /// The sum, or the largest amount where it would overflow.
    #[must_use]
    pub fn saturating_add(self, other: Money) -> Money {
        Money(self.0.saturating_add(other.0))
    }

    /// The larger of the two.
    #[must_use]
    pub fn at_least(self, other: Money) -> Money {
        Money(self.0.max(other.0))
    }
}

impl Price {
    /// Reads decimal US dollars per unit.
    ///
    /// # Errors
    /// When the text is no plain decimal number, is negative, finer than a picodollar or out of range.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        if text.starts_with('-') {
            return Err(MoneyError::Negative(short(text)));
        }
        let value = scaled(text, 12).map_err(|e| e.of(text))?;
        u64::try_from(value).map(Self).map_err(|_| MoneyError::TooLarge(short(text)))
    }

    /// The exact product, in picodollars.
    #[must_use]
    pub fn times(self, units: u64) -> u128 {
        u128::from(self.0) * u128::from(units)
    }
}

/// Picodollars to nanodollars, rounded half up. The only rounding of money in the project.
#[must_use]
pub fn round_half_up(picodollars: u128) -> Money {
    Money(i64::try_from((picodollars + 500) / 1000).unwrap_or(i64::MAX))
}

enum Wrong {
    Syntax,
    TooFine(u8),
    TooLarge,
}

impl Wrong {
    fn of(self, text: &str) -> MoneyError {
        match self {
            Wrong::Syntax => MoneyError::Syntax(short(text)),
            Wrong::TooFine(digits) => MoneyError::TooFine(short(text), digits),
            Wrong::TooLarge => MoneyError::TooLarge(short(text)),
        }
    }
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

/// `text` times ten to the power of `digits`, exactly.
fn scaled(text: &str, digits: u8) -> Result<u128, Wrong> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(fraction) || text.ends_with('.') {
        return Err(Wrong::Syntax);
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > usize::from(digits) {
        return Err(Wrong::TooFine(digits));
    }
    if whole.len() > 18 {
        return Err(Wrong::TooLarge);
    }
    let number = |part: &str| part.bytes().fold(0u128, |n, b| n * 10 + u128::from(b - b'0'));
    let unit = 10u128.pow(u32::from(digits));
    let below = number(fraction) * 10u128.pow(u32::from(digits) - u32::try_from(fraction.len()).unwrap_or(0));
    Ok(number(whole) * unit + below)
}

/// The longest text: a sign, 20 digits, a point.
const TEXT_MAX: usize = 24;

/// Decimal text on the stack: amounts are printed several times for every request.
struct Text {
    bytes: [u8; TEXT_MAX],
    start: usize,
}

impl Text {
    /// `value` divided by ten to the power of `digits`, exactly, without zeros at the end.
    fn of(negative: bool, mut value: u64, digits: usize) -> Self {
        let mut text = Self { bytes: [b'0'; TEXT_MAX], start: TEXT_MAX };
        let mut significant = false;
        for _ in 0..digits {
            let digit = u8::try_from(value % 10).unwrap_or(0);
            value /= 10;
            significant |= digit != 0;
            if significant {
                text.push(b'0' + digit);
            }
        }
        if significant {
            text.push(b'.');
        }
        loop {
            text.push(b'0' + u8::try_from(value % 10).unwrap_or(0));
            value /= 10;
            if value == 0 {
                break;
            }
        }
        if negative {
            text.push(b'-');
        }
        text
    }

    /// Puts a character before the others.
    fn push(&mut self, byte: u8) {
        self.start -= 1;
        self.bytes[self.start] = byte;
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[self.start..]).expect("digits are ASCII")
    }
}

impl Money {
    fn text(self) -> Text {
        Text::of(self.0 < 0, self.0.unsigned_abs(), 9)
    }

    /// Appends the text that `Display` shows, without formatting: every answer has several.
    pub fn push_to(self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.text().as_str().as_bytes());
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().as_str())
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Text::of(false, self.0, 12).as_str())
    }
}

impl Add for Money {
    type Output = Money;
    fn add(self, other: Money) -> Money {
        Money(self.0 + other.0)
    }
}

impl Sub for Money {
    type Output = Money;
    fn sub(self, other: Money) -> Money {
        Money(self.0 - other.0)
    }
}

impl Neg for Money {
    type Output = Money;
    fn neg(self) -> Money {
        Money(-self.0)
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Money) {
        self.0 += other.0;
    }
}

impl SubAssign for Money {
    fn sub_assign(&mut self, other: Money) {
        self.0 -= other.0;
    }
}

impl std::iter::Sum for Money {
    fn sum<I: Iterator<Item = Money>>(all: I) -> Money {
        all.fold(Money::ZERO, Add::add)
    }
}

/// As a JSON number with all its digits (`0.000000001`), which is what OpenRouter's clients read.
impl Serialize for Money {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let text = self.text();
        let number: &serde_json::value::RawValue = serde_json::from_str(text.as_str()).map_err(serde::ser::Error::custom)?;
        number.serialize(s)
    }
}

/// From a JSON number or a decimal text. The digits are read as written.
impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let raw = Box::<serde_json::value::RawValue>::deserialize(d)?;
        Money::parse(raw.get().trim_matches('"')).map_err(D::Error::custom)
    }
}

/// As decimal text, the form that catalogs use.
impl Serialize for Price {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Price {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Price::parse(&String::deserialize(d)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decimal_text_is_read_exactly_and_bad_text_is_named() {
        assert_eq!(Money::parse("1"), Ok(Money(1_000_000_000)));
        assert_eq!(Money::parse("-0.000000001"), Ok(Money(-1)));
        assert_eq!(Price::parse("0.0000008"), Ok(Price(800_000)));
        assert_eq!(Price::parse("0.000000000001"), Ok(Price(1)));
        for wrong in ["", ".5", "5.", "1e-6", "+1", "0x1", "1,5", "NaN", " 1", "--1"] {
            assert!(Money::parse(wrong).is_err(), "{wrong:?}");
        }
        assert!(matches!(Price::parse("-1"), Err(MoneyError::Negative(_))));
        assert!(matches!(Money::parse("0.0000000001"), Err(MoneyError::TooFine(_, 9))));
        assert!(matches!(Money::parse("99999999999"), Err(MoneyError::TooLarge(_))));
    }

    #[test]
    fn half_a_nanodollar_rounds_up() {
        assert_eq!(round_half_up(499), Money(0));
        assert_eq!(round_half_up(500), Money(1));
        assert_eq!(round_half_up(1_499), Money(1));
    }

    proptest! {
        #[test]
        fn printing_and_parsing_are_inverse(value in any::<i64>().prop_filter("negatable", |v| *v != i64::MIN)) {
            let money = Money(value);
            prop_assert_eq!(Money::parse(&money.to_string()), Ok(money));
            let json = serde_json::to_string(&money).unwrap();
            prop_assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), money);
        }

        #[test]
        fn a_price_prints_as_it_was_written(value in any::<u64>()) {
            prop_assert_eq!(Price::parse(&Price(value).to_string()), Ok(Price(value)));
        }
    }
}
