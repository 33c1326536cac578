//! Where a row stands, for messages: file and line of the built-in data.

pub(crate) const ROUTERS: &str = "data/routers.toml";
pub(crate) const ALIASES: &str = "data/aliases.toml";

pub(crate) fn provider_file(slug: &str) -> String {
    format!("data/providers/{slug}.toml")
}

pub(crate) fn model_file(author: &str) -> String {
    format!("data/models/{author}.toml")
}

/// The line of one offset, from 1.
pub(crate) fn line(text: &str, offset: usize) -> u32 {
    Lines::of(text).at(u32::try_from(offset).unwrap_or(u32::MAX))
}

/// Turns rising offsets into lines, in one pass over the text.
pub(crate) struct Lines<'a> {
    bytes: &'a [u8],
    offset: usize,
    line: u32,
}

impl<'a> Lines<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        Self { bytes: text.as_bytes(), offset: 0, line: 1 }
    }

    /// The line of an offset that is not before the last one asked for.
    pub(crate) fn at(&mut self, offset: u32) -> u32 {
        let to = usize::try_from(offset).unwrap_or(usize::MAX).min(self.bytes.len());
        while self.offset < to {
            self.line += u32::from(self.bytes[self.offset] == b'\n');
            self.offset += 1;
        }
        self.line
    }
}
