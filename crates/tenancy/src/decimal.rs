//! JSON numbers in the plain decimal form that money is read from.

/// No amount has so many digits; a larger exponent would only cost memory.
const EXPONENT_MAX: i32 = 30;

/// `1e-05` (as Python prints small floats) to `0.00001`, exactly. `None` when it is no decimal number.
pub(crate) fn plain(text: &str) -> Option<String> {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else {
        return Some(text.to_owned());
    };
    let exponent: i32 = exponent.parse().ok().filter(|e: &i32| e.abs() <= EXPONENT_MAX)?;
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if whole.is_empty() || digits.len() > 40 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let point = i32::try_from(whole.len()).ok()? + exponent;
    let before = usize::try_from(point).unwrap_or(0);
    let zeros = usize::try_from(-point).unwrap_or(0);
    let digits = format!("{:0>1$}{digits:0<before$}", "", zeros);
    let (whole, fraction) = digits.split_at(before);
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{point}{fraction}"))
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn an_exponent_is_expanded_without_a_float() {
        for (written, expected) in
            [("1e-05", "0.00001"), ("1.5E2", "150"), ("-2.5e0", "-2.5"), ("0.001e2", "0.1"), ("123e-2", "1.23"), ("5", "5"), ("1e+1", "10")]
        {
            assert_eq!(plain(written).as_deref(), Some(expected), "{written}");
        }
        for wrong in ["1e", "e5", "1e999999", "xe1", "1e1.5"] {
            assert_eq!(plain(wrong), None, "{wrong}");
        }
    }
}
