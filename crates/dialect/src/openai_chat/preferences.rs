//! The caller's routing preferences: OpenRouter's `provider` object.

use portolan_core::Preferences;

use super::peek::PeekError;
use super::peek::read::{Path, boolean, object, strings};
use crate::json::Reader;

/// No request names more providers than there are.
const PROVIDERS_MAX: usize = 256;

/// What we do not do yet, and the value of each that changes nothing. Whatever restricts must be refused, not skipped.
const HARMLESS: &[(&str, &str)] = &[
    ("zdr", "false"),
    ("data_collection", "\"allow\""),
    ("require_parameters", "false"),
    ("enforce_distillable_text", "false"),
    ("quantizations", "[]"),
    ("max_price", "{}"),
    ("options", "{}"),
    ("sort", ""),
    ("preferred_min_throughput", ""),
    ("preferred_max_latency", ""),
];

const KEYS: &[&str] = &["order", "only", "ignore", "allow_fallbacks"];

/// Reads the object.
///
/// # Errors
/// When a preference has the wrong type, stands twice, or is one that we do not follow.
pub(super) fn read(reader: &mut Reader<'_>) -> Result<Preferences, PeekError> {
    let mut all = Preferences::default();
    let path = Path::Top("provider");
    object(reader, path, KEYS, |reader, name| {
        let here = path.key(name);
        match name {
            "order" => all.order = strings(reader, here, PROVIDERS_MAX)?,
            "only" => all.only = strings(reader, here, PROVIDERS_MAX)?,
            "ignore" => all.ignore = strings(reader, here, PROVIDERS_MAX)?,
            "allow_fallbacks" => all.allow_fallbacks = boolean(reader, here)?,
            _ => {
                let harmless = HARMLESS.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
                if !is_literally(reader.raw()?, harmless.unwrap_or_default()) {
                    return Err(here.not_supported("this preference is not supported; leave it out"));
                }
            }
        }
        Ok(())
    })?;
    Ok(all)
}

/// Whether a short JSON text is `literal`, white space aside. Nothing is the empty literal.
pub(super) fn is_literally(raw: &str, literal: &str) -> bool {
    raw.len() <= 64 && raw.bytes().filter(|b| !b.is_ascii_whitespace()).eq(literal.bytes())
}
