//! Reasoning of earlier turns, replayed in OpenRouter's `reasoning_details`.

use super::{Result, raw_value};
use crate::ir::{Part, ReasoningKind, ReasoningPart};
use crate::json::Reader;
use crate::openai_chat::peek::read::{Path, array, integer, object, skip, text};

/// One entry, with the index by which pieces of a stream belong together.
#[derive(Default)]
struct Entry {
    kind: String,
    part: ReasoningPart,
    index: Option<u64>,
}

/// Reads the entries in order. Signatures and sealed data are kept byte for byte.
pub(super) fn details(reader: &mut Reader<'_>, path: Path<'_>) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    let mut last_index = None;
    array(reader, path, |reader, i| {
        let raw = reader.raw()?;
        let entry = entry(raw, path.at(i))?;
        let (kind, index) = match entry.kind.as_str() {
            "reasoning.text" => (ReasoningKind::Text, entry.index),
            "reasoning.summary" => (ReasoningKind::Summary, entry.index),
            "reasoning.encrypted" => (ReasoningKind::Encrypted, None),
            _ => {
                parts.push(Part::Opaque { format: entry.part.format.unwrap_or_else(|| "unknown".to_owned()), json: raw_value(raw) });
                last_index = None;
                return Ok(());
            }
        };
        let part = ReasoningPart { kind, ..entry.part };
        // Callers who gather a stream's deltas without joining them send the pieces back one by one.
        match parts.last_mut() {
            Some(Part::Reasoning(before)) if index.is_some() && index == last_index && joins(before, &part) => join(before, part),
            _ => parts.push(Part::Reasoning(part)),
        }
        last_index = index;
        Ok(())
    })?;
    Ok(parts)
}

fn joins(before: &ReasoningPart, next: &ReasoningPart) -> bool {
    before.kind == next.kind && before.signature.is_none() && (before.id == next.id || before.id.is_none() || next.id.is_none())
}

fn join(before: &mut ReasoningPart, next: ReasoningPart) {
    before.text.push_str(&next.text);
    before.signature = next.signature;
    before.format = before.format.take().or(next.format);
    before.id = before.id.take().or(next.id);
}

fn entry(raw: &str, path: Path<'_>) -> Result<Entry> {
    let mut entry = Entry::default();
    object(&mut Reader::new(raw), path, &["type", "text", "summary", "data", "signature", "format", "id", "index"], |reader, key| {
        let here = path.key(key);
        let string = |reader: &mut Reader<'_>| text(reader, here).map(|t| t.decode().into_owned());
        match key {
            "type" => entry.kind = string(reader)?,
            "text" | "summary" | "data" => entry.part.text = string(reader)?,
            "signature" => entry.part.signature = Some(string(reader)?),
            "format" => entry.part.format = Some(string(reader)?),
            "id" => entry.part.id = Some(string(reader)?),
            "index" => entry.index = Some(integer(reader, here, 0, u64::MAX)?),
            _ => skip(reader)?,
        }
        Ok(())
    })?;
    Ok(entry)
}

/// Reasoning that was replayed as plain text.
pub(super) fn plain(text: String) -> Part {
    Part::Reasoning(ReasoningPart { text, ..ReasoningPart::default() })
}
