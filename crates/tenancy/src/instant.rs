//! Moments as text: RFC 3339, UTC, with seconds; what OpenRouter takes and prints.

use jiff::Timestamp;
use portolan_core::UnixMillis;

/// A text that is no moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a moment in UTC with seconds, such as 2027-01-31T12:00:00Z")]
pub struct InstantError;

/// Reads `YYYY-MM-DDTHH:MM:SS[.fff]Z` (or `+00:00`).
///
/// # Errors
/// When the text has another form, another offset, or names no real moment.
pub fn parse_instant(text: &str) -> Result<UnixMillis, InstantError> {
    let local = text.strip_suffix('Z').or_else(|| text.strip_suffix("+00:00")).ok_or(InstantError)?;
    let (seconds, fraction) = local.split_once('.').map_or((local, None), |(s, f)| (s, Some(f)));
    let digits = |part: &str| (1..=9).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    // jiff takes more forms than RFC 3339 has (week dates, no seconds); only this one is a promise.
    let shape = |(i, b): (usize, u8)| match i {
        4 | 7 => b == b'-',
        10 => b == b'T',
        13 | 16 => b == b':',
        _ => b.is_ascii_digit(),
    };
    if seconds.len() != 19 || !seconds.bytes().enumerate().all(shape) || !fraction.is_none_or(digits) {
        return Err(InstantError);
    }
    let moment: Timestamp = format!("{local}Z").parse().map_err(|_| InstantError)?;
    Ok(UnixMillis(moment.as_millisecond()))
}

/// Prints a moment: `2027-01-31T12:00:00Z`, with milliseconds where there are some.
#[must_use]
pub fn print_instant(at: UnixMillis) -> String {
    Timestamp::from_millisecond(at.0).unwrap_or(Timestamp::MAX).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_utc_with_seconds_is_a_moment() {
        assert_eq!(parse_instant("1970-01-02T00:00:01Z"), Ok(UnixMillis(86_401_000)));
        assert_eq!(parse_instant("1970-01-01T00:00:00.250+00:00"), Ok(UnixMillis(250)));
        for wrong in [
            "",
            "2027-01-31",
            "2027-01-31T12:00Z",
            "2027-01-31T12:00:00",
            "2027-01-31T12:00:00+01:00",
            "2027-02-30T12:00:00Z",
            "2027-01-31 12:00:00Z",
            "2027-01-31T12:00:00.Z",
            "2027-13-01T00:00:00Z",
        ] {
            assert_eq!(parse_instant(wrong), Err(InstantError), "{wrong}");
        }
    }

    #[test]
    fn printing_and_parsing_are_inverse() {
        for at in [0, 1, 1_760_000_000_123, 1_760_000_000_000] {
            assert_eq!(parse_instant(&print_instant(UnixMillis(at))), Ok(UnixMillis(at)));
        }
        assert_eq!(print_instant(UnixMillis(1_760_000_000_000)), "2025-10-09T08:53:20Z");
    }
}
