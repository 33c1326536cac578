//! Writing JSON front to back. Commas set themselves.

use super::quote;

/// A JSON text under construction. Whoever writes keeps keys and values in turn and closes what was opened.
#[derive(Debug, Clone, Default)]
pub struct Writer {
    out: Vec<u8>,
    comma: bool,
}

impl Writer {
    /// An empty text with room for `capacity` bytes.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { out: Vec::with_capacity(capacity), comma: false }
    }

    /// Opens an object.
    pub fn object(&mut self) {
        self.open(b'{');
    }

    /// Opens an array.
    pub fn array(&mut self) {
        self.open(b'[');
    }

    /// Closes the object.
    pub fn end_object(&mut self) {
        self.out.push(b'}');
        self.comma = true;
    }

    /// Closes the array.
    pub fn end_array(&mut self) {
        self.out.push(b']');
        self.comma = true;
    }

    /// Writes a key.
    pub fn key(&mut self, name: &str) {
        self.separate();
        quote(name, &mut self.out);
        self.out.push(b':');
        self.comma = false;
    }

    /// Writes a string.
    pub fn text(&mut self, text: &str) {
        self.separate();
        quote(text, &mut self.out);
        self.comma = true;
    }

    /// Writes a string made of pieces.
    pub fn pieces(&mut self, pieces: &[&str]) {
        self.text(&pieces.concat());
    }

    /// Writes a value that is JSON already.
    pub fn raw(&mut self, json: &str) {
        self.separate();
        self.out.extend_from_slice(json.as_bytes());
        self.comma = true;
    }

    /// A member with a string.
    pub fn text_member(&mut self, name: &str, text: &str) {
        self.key(name);
        self.text(text);
    }

    /// A member with a value that is JSON already.
    pub fn raw_member(&mut self, name: &str, json: &str) {
        self.key(name);
        self.raw(json);
    }

    /// The text.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.out
    }

    fn open(&mut self, bracket: u8) {
        self.separate();
        self.out.push(bracket);
        self.comma = false;
    }

    fn separate(&mut self) {
        if self.comma {
            self.out.push(b',');
        }
    }
}
