//! Where a row stands, for messages: file and line of the built-in data.

pub(crate) const ROUTERS: &str = "data/routers.toml";
pub(crate) const ALIASES: &str = "data/aliases.toml";

pub(crate) fn provider_file(slug: &str) -> String {
    format!("data/providers/{slug}.toml")
}

pub(crate) fn model_file(author: &str) -> String {
    format!("data/models/{author}.toml")
}

/// The line of an offset, from 1.
pub(crate) fn line(text: &str, offset: usize) -> u32 {
    let before = text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count();
    u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
}

/// What stands before the first line `header`, and then each table under such a line, with the line of its header.
/// A table's text begins with the end of that line, so that lines within it count from there.
pub(crate) fn split<'a>(text: &'a str, header: &'static str) -> (&'a str, impl Iterator<Item = (u32, &'a str)>) {
    let mut pieces = text.split(header);
    let head = pieces.next().unwrap_or_default();
    let mut at = line(head, head.len());
    let tables = pieces.map(move |piece| {
        let header_line = at;
        at += line(piece, piece.len()) - 1;
        (header_line, piece)
    });
    (head, tables)
}
