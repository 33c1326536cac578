//! Patching a JSON text while it is read: what is kept is copied as it stands, in runs as long as possible.

use std::ops::Range;

use crate::json::{Reader, Text};

/// Copies `text` to `out`, save for what it is told to replace or drop.
pub(super) struct Editor<'t, 'o> {
    pub(super) text: &'t str,
    pub(super) out: &'o mut Vec<u8>,
    /// Everything before is written, replaced or dropped.
    from: usize,
}

/// Where an editor stands in one object.
#[derive(Debug, Default)]
pub(super) struct Members {
    /// Some member stays: the next one needs its comma.
    kept: bool,
    /// The end of the last member that stays.
    kept_to: usize,
    key_at: usize,
    /// Only dropped members so far: the comma before the next one goes as well.
    skips_comma: bool,
}

impl Members {
    pub(super) fn any_kept(&self) -> bool {
        self.kept
    }

    /// A member is added at the end: what must stand before it.
    pub(super) fn insert(&mut self) -> &'static [u8] {
        if std::mem::replace(&mut self.kept, true) { b"," } else { b"" }
    }
}

impl<'t, 'o> Editor<'t, 'o> {
    pub(super) fn new(text: &'t str, from: usize, out: &'o mut Vec<u8>) -> Self {
        Self { text, out, from }
    }

    /// Writes what is pending up to `to`.
    #[inline]
    pub(super) fn flush(&mut self, to: usize) {
        if to > self.from {
            self.out.extend_from_slice(&self.text.as_bytes()[self.from..to]);
            self.from = to;
        }
    }

    /// A member of an object begins.
    #[inline]
    pub(super) fn begin(&mut self, m: &mut Members, key: &Text<'_>) {
        m.key_at = key.at;
        if m.skips_comma {
            self.from = key.at;
            m.skips_comma = false;
        }
    }

    /// The member stays; the reader has just passed its value.
    #[inline]
    pub(super) fn keep(&mut self, m: &mut Members, r: &Reader<'_>) {
        m.kept = true;
        m.kept_to = r.at();
    }

    /// The member goes; the reader has just passed its value.
    pub(super) fn drop(&mut self, m: &mut Members, r: &Reader<'_>) {
        if m.kept {
            self.flush(m.kept_to);
        } else {
            self.flush(m.key_at);
            m.skips_comma = true;
        }
        self.from = r.at();
    }

    /// `span` becomes `with`.
    #[inline]
    pub(super) fn replace(&mut self, span: Range<usize>, with: &[u8]) {
        self.flush(span.start);
        self.out.extend_from_slice(with);
        self.from = span.end;
    }

    /// The key becomes `name`.
    pub(super) fn rename(&mut self, key: &Text<'_>, name: &str) {
        self.replace(key.at + 1..key.end() - 1, name.as_bytes());
    }

    /// Adds text after what the reader has just passed.
    #[inline]
    pub(super) fn insert(&mut self, at: usize, text: &[u8]) {
        self.replace(at..at, text);
    }
}
