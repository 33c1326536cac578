//! The caller's routing preferences: OpenRouter's `provider` object.
//!
//! Whatever restricts is read or refused, never skipped. `null` is absent, at every depth.

use portolan_core::{MaxPrice, Partition, Percentiles, Preferences, Price, Quantization, Sort, SortBy};

use super::decimal::{self, Wrong};
use super::peek::PeekError;
use super::peek::read::{Path, boolean, expect, object, string, strings};
use crate::json::{Kind, Reader};

type Result<T> = std::result::Result<T, PeekError>;

/// No request names more providers than there are.
const PROVIDERS_MAX: usize = 256;

const KEYS: &[&str] = &[
    "order",
    "only",
    "ignore",
    "allow_fallbacks",
    "require_parameters",
    "data_collection",
    "zdr",
    "enforce_distillable_text",
    "quantizations",
    "sort",
    "preferred_min_throughput",
    "preferred_max_latency",
    "max_price",
    "options",
];

/// Reads the object.
///
/// # Errors
/// When a preference has a value that it cannot have, stands twice, or is none that we know.
pub(super) fn read(reader: &mut Reader<'_>) -> Result<Preferences> {
    let mut all = Preferences::default();
    let path = Path::Top("provider");
    object(reader, path, KEYS, |reader, name| {
        let here = path.key(name);
        match name {
            "order" => all.order = providers(reader, here)?,
            "only" => all.only = providers(reader, here)?,
            "ignore" => all.ignore = providers(reader, here)?,
            "allow_fallbacks" => all.allow_fallbacks = boolean(reader, here)?,
            "require_parameters" => all.require_parameters = boolean(reader, here)?,
            "data_collection" => all.deny_data_collection = denies(reader, here)?,
            "zdr" => all.zdr = boolean(reader, here)?,
            "enforce_distillable_text" => all.enforce_distillable_text = boolean(reader, here)?,
            "quantizations" => all.quantizations = quantizations(reader, here)?,
            "sort" => all.sort = sort(reader, here)?,
            "preferred_min_throughput" => all.preferred_min_throughput = percentiles(reader, here)?,
            "preferred_max_latency" => all.preferred_max_latency = percentiles(reader, here)?,
            "max_price" => all.max_price = max_price(reader, here)?,
            "options" if is_literally(reader.raw()?, "{}") => {}
            "options" => return Err(here.not_supported("only {} is supported here")),
            _ => return Err(unknown(here, name, KEYS)),
        }
        Ok(())
    })?;
    Ok(all)
}

/// Whether a short JSON text is `literal`, white space aside.
pub(super) fn is_literally(raw: &str, literal: &str) -> bool {
    raw.len() <= 64 && raw.bytes().filter(|b| !b.is_ascii_whitespace()).eq(literal.bytes())
}

/// The error for a member that nobody knows: it may restrict.
fn unknown(path: Path<'_>, name: &str, known: &[&str]) -> PeekError {
    let distance = |known: &str| strsim::damerau_levenshtein(name, known);
    // A long name is no slip of the finger, and comparing it takes its time.
    let close = known.iter().filter(|known| name.len() <= 2 * known.len() && distance(known) <= 2);
    let nearest = close.min_by_key(|known| distance(known));
    path.not_supported(match nearest {
        Some(nearest) => format!("is not known; did you mean {nearest}?"),
        None => format!("is not known; leave it out, or use one of {}", known.join(", ")),
    })
}

/// One of the words that `parse` knows.
fn word<T>(reader: &mut Reader<'_>, path: Path<'_>, parse: fn(&str) -> Option<T>, choices: &str) -> Result<T> {
    let found = string(reader, path, usize::MAX)?;
    parse(&found).ok_or_else(|| path.invalid(format!("must be {choices}")))
}

/// Names of providers. An empty one names nobody.
fn providers(reader: &mut Reader<'_>, path: Path<'_>) -> Result<Vec<String>> {
    let all = strings(reader, path, PROVIDERS_MAX)?;
    match all.iter().position(|name| name.trim().is_empty()) {
        Some(i) => Err(path.at(i).invalid("is empty; name a provider, or leave the entry out")),
        None => Ok(all),
    }
}

fn denies(reader: &mut Reader<'_>, path: Path<'_>) -> Result<bool> {
    let parse = |text: &str| match text {
        "allow" => Some(false),
        "deny" => Some(true),
        _ => None,
    };
    word(reader, path, parse, "allow or deny")
}

fn quantizations(reader: &mut Reader<'_>, path: Path<'_>) -> Result<Vec<Quantization>> {
    let mut all = Vec::new();
    for (i, name) in strings(reader, path, PROVIDERS_MAX)?.iter().enumerate() {
        let known = || Quantization::ALL.map(Quantization::as_str).join(", ");
        let one = Quantization::parse(name).ok_or_else(|| path.at(i).invalid(format!("must be one of {}", known())))?;
        if !all.contains(&one) {
            all.push(one);
        }
    }
    Ok(all)
}

const SORTS: &str = "price, throughput, latency or exacto";

/// A word, or `{"by": ..., "partition": ...}`. Without `by` nothing is sorted, and there is nothing to partition.
fn sort(reader: &mut Reader<'_>, path: Path<'_>) -> Result<Option<Sort>> {
    const KEYS: &[&str] = &["by", "partition"];
    let (mut by, mut partition) = (None, None);
    match reader.kind()? {
        Kind::String => by = Some(word(reader, path, SortBy::parse, SORTS)?),
        Kind::Object => {
            object(reader, path, KEYS, |reader, name| {
                let here = path.key(name);
                match name {
                    "by" => by = Some(word(reader, here, SortBy::parse, SORTS)?),
                    "partition" => partition = Some(word(reader, here, Partition::parse, "model or none")?),
                    _ => return Err(unknown(here, name, KEYS)),
                }
                Ok(())
            })?;
        }
        _ => return Err(path.invalid(format!("must be {SORTS}, or an object with by and partition"))),
    }
    Ok(by.map(|by| Sort { by, partition: partition.unwrap_or(Partition::Model) }))
}

/// A number, which is the median, or an object of percentiles. An object that states nothing is no threshold.
fn percentiles(reader: &mut Reader<'_>, path: Path<'_>) -> Result<Option<Percentiles>> {
    const KEYS: &[&str] = &["p50", "p75", "p90", "p99"];
    let mut all = Percentiles::default();
    match reader.kind()? {
        Kind::Number => all.p50 = Some(threshold(reader, path)?),
        Kind::Object => {
            object(reader, path, KEYS, |reader, name| {
                let here = path.key(name);
                let place = match name {
                    "p50" => &mut all.p50,
                    "p75" => &mut all.p75,
                    "p90" => &mut all.p90,
                    "p99" => &mut all.p99,
                    _ => return Err(unknown(here, name, KEYS)),
                };
                *place = Some(threshold(reader, here)?);
                Ok(())
            })?;
        }
        _ => return Err(path.invalid("must be a number or an object of p50, p75, p90 and p99")),
    }
    Ok((all != Percentiles::default()).then_some(all))
}

/// Zero is one: no latency is below it, and every throughput above.
fn threshold(reader: &mut Reader<'_>, path: Path<'_>) -> Result<f64> {
    expect(reader, Kind::Number, path)?;
    let number = reader.raw()?.parse::<f64>().ok().filter(|n| n.is_finite() && *n >= 0.0);
    number.ok_or_else(|| path.invalid("must be a number from 0 that is not out of range"))
}

fn max_price(reader: &mut Reader<'_>, path: Path<'_>) -> Result<MaxPrice> {
    const KEYS: &[&str] = &["prompt", "completion", "request", "image", "audio"];
    let mut all = MaxPrice::default();
    object(reader, path, KEYS, |reader, name| {
        let here = path.key(name);
        match name {
            "prompt" => all.prompt = Some(price(reader, here, decimal::price_of_a_million)?),
            "completion" => all.completion = Some(price(reader, here, decimal::price_of_a_million)?),
            "request" => all.request = Some(price(reader, here, decimal::price)?),
            "image" => all.image = Some(price(reader, here, decimal::price)?),
            "audio" => all.audio = Some(price(reader, here, decimal::price)?),
            _ => return Err(unknown(here, name, KEYS)),
        }
        Ok(())
    })?;
    Ok(all)
}

/// A price as a number or as text.
fn price(reader: &mut Reader<'_>, path: Path<'_>, parse: fn(&str) -> std::result::Result<Price, Wrong>) -> Result<Price> {
    let parsed = match reader.kind()? {
        Kind::Number => parse(reader.raw()?),
        Kind::String => parse(&reader.string()?.decode()),
        _ => Err(Wrong::Syntax),
    };
    parsed.map_err(|wrong| {
        path.invalid(match wrong {
            Wrong::Syntax => "must be a number of US dollars, such as 0.5 or \"0.5\"",
            Wrong::Negative => "must not be negative",
            Wrong::TooLarge => "is too large; leave it out to set no bound",
        })
    })
}

#[cfg(test)]
mod tests;
