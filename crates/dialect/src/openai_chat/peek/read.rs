//! Typed reading: a value of the expected kind, or an error that names the field.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use super::PeekError;
use super::error::word;
use crate::json::{Kind, Reader, Text};

type Result<T> = std::result::Result<T, PeekError>;

/// Where a value stands. Written out only for an error.
#[derive(Clone, Copy)]
pub(crate) enum Path<'p> {
    Top(&'p str),
    Key(&'p Path<'p>, &'p str),
    At(&'p Path<'p>, usize),
}

impl Path<'_> {
    pub(crate) fn key<'p>(&'p self, name: &'p str) -> Path<'p> {
        Path::Key(self, name)
    }

    pub(crate) fn at(&self, index: usize) -> Path<'_> {
        Path::At(self, index)
    }

    pub(crate) fn invalid(&self, problem: impl Into<String>) -> PeekError {
        PeekError::invalid(self.to_string(), problem)
    }

    pub(crate) fn not_supported(&self, problem: impl Into<String>) -> PeekError {
        PeekError::not_supported(self.to_string(), problem)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // A caller's own key can be of any length; an error need not be.
            Path::Top(name) => f.write_str(short(name)),
            Path::Key(path, name) => write!(f, "{path}.{}", short(name)),
            Path::At(path, index) => write!(f, "{path}[{index}]"),
        }
    }
}

/// The beginning of a name.
fn short(name: &str) -> &str {
    name.char_indices().nth(64).map_or(name, |(end, _)| &name[..end])
}

/// Fails unless the next value is of the kind.
pub(crate) fn expect(reader: &mut Reader<'_>, kind: Kind, path: Path<'_>) -> Result<()> {
    let found = reader.kind()?;
    if found == kind { Ok(()) } else { Err(path.invalid(format!("must be {}, not {}", word(kind), word(found)))) }
}

pub(crate) fn text<'a>(reader: &mut Reader<'a>, path: Path<'_>) -> Result<Text<'a>> {
    expect(reader, Kind::String, path)?;
    Ok(reader.string()?)
}

/// Passes any value.
pub(crate) fn skip(reader: &mut Reader<'_>) -> Result<()> {
    reader.skip()?;
    Ok(())
}

/// Passes a value of the kind.
pub(crate) fn pass(reader: &mut Reader<'_>, kind: Kind, path: Path<'_>) -> Result<()> {
    expect(reader, kind, path)?;
    skip(reader)
}

/// A string of at most `max` characters.
pub(crate) fn string<'a>(reader: &mut Reader<'a>, path: Path<'_>, max: usize) -> Result<Cow<'a, str>> {
    let text = text(reader, path)?.decode();
    if text.len() > max && text.chars().count() > max {
        return Err(path.invalid(format!("is longer than {max} characters")));
    }
    Ok(text)
}

pub(crate) fn boolean(reader: &mut Reader<'_>, path: Path<'_>) -> Result<bool> {
    expect(reader, Kind::Bool, path)?;
    Ok(reader.raw()? == "true")
}

/// An integer from `min` to `max`, written as one (`1.0` and `1e3` are not).
pub(crate) fn integer(reader: &mut Reader<'_>, path: Path<'_>, min: u64, max: u64) -> Result<u64> {
    expect(reader, Kind::Number, path)?;
    let range = || {
        if max == u64::MAX { format!("must be an integer of at least {min}") } else { format!("must be an integer from {min} to {max}") }
    };
    reader.raw()?.parse().ok().filter(|n| (min..=max).contains(n)).ok_or_else(|| path.invalid(range()))
}

/// Up to `max` strings.
pub(crate) fn strings(reader: &mut Reader<'_>, path: Path<'_>, max: usize) -> Result<Vec<String>> {
    let mut all = Vec::new();
    array(reader, path, |reader, i| {
        if i == max {
            return Err(path.invalid(format!("holds more than {max} entries")));
        }
        all.push(text(reader, path.at(i))?.decode().into_owned());
        Ok(())
    })?;
    Ok(all)
}

/// An array: `each` is called at every element with its index.
pub(crate) fn array<'a>(reader: &mut Reader<'a>, path: Path<'_>, each: impl FnMut(&mut Reader<'a>, usize) -> Result<()>) -> Result<()> {
    expect(reader, Kind::Array, path)?;
    reader.array(each)?;
    Ok(())
}

/// An object: `each` is called at every value that is not `null` (`null` is absent, for every field).
/// A `known` key that stands twice is refused: two readers of one body could take two different values.
pub(crate) fn object<'a>(
    reader: &mut Reader<'a>,
    path: Path<'_>,
    known: &[&str],
    mut each: impl FnMut(&mut Reader<'a>, &str) -> Result<()>,
) -> Result<Range<usize>> {
    debug_assert!(known.len() <= 64, "a bit for each known key");
    expect(reader, Kind::Object, path)?;
    let mut seen = 0u64;
    reader.object(|reader, key| {
        let name = key.decode();
        if let Some(i) = known.iter().position(|k| *k == name) {
            if seen & 1 << i != 0 {
                return Err(path.key(&name).invalid("stands twice"));
            }
            seen |= 1 << i;
        }
        if reader.kind()? == Kind::Null {
            reader.skip()?;
            return Ok(());
        }
        each(reader, &name)
    })
}
