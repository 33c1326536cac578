//! Content that comes as a list of parts where others send a text, and the sizes of media.

use std::ops::Range;

use crate::json::{JsonError, Kind, Reader};

/// The texts of a list, still escaped as they stood: they are joined without being read.
#[derive(Debug, Default)]
pub(super) struct Listed {
    pub(super) text: String,
    pub(super) reasoning: String,
}

impl Listed {
    /// Reads the list that comes next: `text`, `thinking` (Mistral) and `reasoning` (Databricks) parts, and bare texts.
    pub(super) fn read(r: &mut Reader<'_>) -> Result<(Range<usize>, Self), JsonError> {
        let mut listed = Self::default();
        let span = r.array(|r, _| listed.part(r))?;
        Ok((span, listed))
    }

    fn part(&mut self, r: &mut Reader<'_>) -> Result<(), JsonError> {
        match r.kind()? {
            Kind::String => {
                self.text.push_str(r.string()?.raw);
                Ok(())
            }
            Kind::Object => r
                .object(|r, key| match (key.raw, r.kind()?) {
                    ("text", Kind::String) => {
                        self.text.push_str(r.string()?.raw);
                        Ok(())
                    }
                    ("thinking" | "summary", _) => gather(r, &mut self.reasoning),
                    _ => r.skip().map(drop),
                })
                .map(drop),
            _ => r.skip().map(drop),
        }
    }
}

/// A text, or a list of parts that hold one.
fn gather(r: &mut Reader<'_>, into: &mut String) -> Result<(), JsonError> {
    match r.kind()? {
        Kind::String => into.push_str(r.string()?.raw),
        Kind::Array => {
            r.array(|r, _| match r.kind()? {
                Kind::String => gather(r, into),
                Kind::Object => r.object(|r, key| if key.raw == "text" { gather(r, into) } else { r.skip().map(drop) }).map(drop),
                _ => r.skip().map(drop),
            })?;
        }
        _ => r.skip().map(drop)?,
    }
    Ok(())
}

/// How much an `audio` object holds: data and transcript.
pub(super) fn audio_bytes(r: &mut Reader<'_>) -> Result<usize, JsonError> {
    let mut bytes = 0;
    r.object(|r, key| {
        if matches!(key.raw, "data" | "transcript") && r.kind()? == Kind::String {
            bytes += r.string()?.raw.len();
            return Ok(());
        }
        r.skip().map(drop)
    })?;
    Ok(bytes)
}
