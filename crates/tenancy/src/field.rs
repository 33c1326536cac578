//! Reading the fields of a request one by one, so that an error can name the field.

use portolan_core::Money;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::{decimal, parse_instant};
use portolan_core::UnixMillis;

/// A request that cannot be done, with the field and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Invalid {
    /// The field, where it is one field.
    pub field: Option<&'static str>,
    /// What is wrong and what to send instead; names the field.
    pub message: String,
}

impl Invalid {
    /// An error of one field.
    #[must_use]
    pub fn field(field: &'static str, problem: impl std::fmt::Display) -> Self {
        Self { field: Some(field), message: format!("`{field}` {problem}") }
    }

    /// An error of the whole body: its syntax, or a field that does not exist.
    pub(crate) fn body(error: &serde_json::Error) -> Self {
        Self { field: None, message: format!("the body is not a valid request: {error}") }
    }
}

/// A field as it was written; absent and `null` are told apart.
pub(crate) type Field = Option<Box<RawValue>>;

/// For `deserialize_with`: `Option` alone would take `null` for absent.
pub(crate) fn written<'de, D: Deserializer<'de>>(d: D) -> Result<Field, D::Error> {
    Box::<RawValue>::deserialize(d).map(Some)
}

/// `None`: absent. `Some(None)`: `null`.
pub(crate) fn read<T>(
    name: &'static str,
    field: &Field,
    parse: impl FnOnce(&'static str, &str) -> Result<T, Invalid>,
) -> Result<Option<Option<T>>, Invalid> {
    match field.as_deref().map(RawValue::get) {
        None => Ok(None),
        Some("null") => Ok(Some(None)),
        Some(json) => parse(name, json).map(|value| Some(Some(value))),
    }
}

pub(crate) fn name(field: &'static str, json: &str) -> Result<String, Invalid> {
    let text = text(field, json)?;
    let trimmed = text.trim();
    if trimmed.is_empty() || trimmed.chars().count() > 200 {
        return Err(Invalid::field(field, "must have 1 to 200 characters"));
    }
    if trimmed.chars().any(char::is_control) {
        return Err(Invalid::field(field, "must not contain control characters (line breaks, tabs, ...)"));
    }
    Ok(trimmed.to_owned())
}

pub(crate) fn text(field: &'static str, json: &str) -> Result<String, Invalid> {
    serde_json::from_str(json).map_err(|_| Invalid::field(field, "must be a text"))
}

pub(crate) fn flag(field: &'static str, json: &str) -> Result<bool, Invalid> {
    serde_json::from_str(json).map_err(|_| Invalid::field(field, "must be true or false"))
}

pub(crate) fn limit(field: &'static str, json: &str) -> Result<Money, Invalid> {
    let wrong = || Invalid::field(field, "must be an amount in US dollars, as a number or a decimal text, or null for no limit");
    let written = if json.starts_with('"') { serde_json::from_str::<String>(json).map_err(|_| wrong())? } else { json.to_owned() };
    let plain = decimal::plain(&written).ok_or_else(wrong)?;
    let amount = Money::parse(&plain).map_err(|e| Invalid::field(field, format_args!("is no usable amount in US dollars: {e}")))?;
    if amount < Money::ZERO {
        return Err(Invalid::field(field, "must not be negative; send null for no limit"));
    }
    Ok(amount)
}

pub(crate) fn max_tokens(field: &'static str, json: &str) -> Result<u64, Invalid> {
    match serde_json::from_str::<u64>(json) {
        // Kept as a signed integer by SQL.
        Ok(tokens) if tokens > 0 && i64::try_from(tokens).is_ok() => Ok(tokens),
        _ => Err(Invalid::field(field, "must be a whole number of tokens above 0, or null for none")),
    }
}

pub(crate) fn word<T>(
    field: &'static str,
    json: &str,
    parse: impl FnOnce(&str) -> Option<T>,
    expected: &'static str,
) -> Result<T, Invalid> {
    let wrong = || Invalid::field(field, format_args!("must be {expected}"));
    let text: String = serde_json::from_str(json).map_err(|_| wrong())?;
    parse(&text).ok_or_else(wrong)
}

pub(crate) fn future(field: &'static str, json: &str, now: UnixMillis) -> Result<UnixMillis, Invalid> {
    let at = parse_instant(&text(field, json)?).map_err(|e| Invalid::field(field, e))?;
    if at <= now {
        return Err(Invalid::field(field, "must lie in the future"));
    }
    Ok(at)
}
