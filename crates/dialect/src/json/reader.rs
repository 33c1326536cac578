//! The forward-only reader.

use std::ops::Range;

use super::scan;
use super::{JsonError, Text};

/// The deepest nesting that is accepted. No request needs more, and providers' parsers give up soon after.
pub const DEPTH_MAX: u32 = 128;

/// What kind of value comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `"..."`
    String,
    /// A number.
    Number,
    /// `true` or `false`
    Bool,
    /// `null`
    Null,
    /// `{...}`
    Object,
    /// `[...]`
    Array,
}

/// Checks that a body is UTF-8.
///
/// # Errors
/// When it is not; the offset is that of the first invalid byte.
pub fn utf8(body: &[u8]) -> Result<&str, JsonError> {
    // The quick check does not know where; only a refusal needs to.
    simdutf8::basic::from_utf8(body).map_err(|_| {
        let at = simdutf8::compat::from_utf8(body).err().map_or(0, |e| e.valid_up_to());
        JsonError::new("invalid UTF-8", at)
    })
}

/// Reads a JSON text from front to back.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
    spare: usize,
}

impl<'a> Reader<'a> {
    /// A reader at the front of `text`.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0, spare: 0 }
    }

    /// Where the reader stands.
    #[must_use]
    pub fn at(&self) -> usize {
        self.at
    }

    /// How many bytes the strings so far would be shorter, at least, without their escapes.
    #[must_use]
    pub fn spare(&self) -> usize {
        self.spare
    }

    /// A part of the text.
    #[must_use]
    pub fn slice(&self, span: Range<usize>) -> &'a str {
        self.text.get(span).unwrap_or_default()
    }

    /// The kind of the next value, judged by its first character.
    ///
    /// # Errors
    /// When no value begins here.
    pub fn kind(&mut self) -> Result<Kind, JsonError> {
        self.skip_space();
        match self.byte() {
            b'"' => Ok(Kind::String),
            b'{' => Ok(Kind::Object),
            b'[' => Ok(Kind::Array),
            b't' | b'f' => Ok(Kind::Bool),
            b'n' => Ok(Kind::Null),
            b'-' | b'0'..=b'9' => Ok(Kind::Number),
            _ => Err(self.unexpected("a value is missing")),
        }
    }

    /// Reads a string.
    ///
    /// # Errors
    /// When the next value is none, or an invalid one.
    pub fn string(&mut self) -> Result<Text<'a>, JsonError> {
        self.skip_space();
        if self.byte() != b'"' {
            return Err(self.unexpected("a string is missing"));
        }
        let at = self.at;
        let end = self.pass_string()?;
        Ok(Text { raw: self.slice(at + 1..end.at), escaped: end.escaped, at })
    }

    /// Passes the next value, whatever it is, and answers where it stood.
    ///
    /// # Errors
    /// When it is invalid, or nested too deep.
    pub fn skip(&mut self) -> Result<Range<usize>, JsonError> {
        self.skip_space();
        let start = self.at;
        self.pass_value()?;
        Ok(start..self.at)
    }

    /// Passes the next value, and answers its text.
    ///
    /// # Errors
    /// As [`Reader::skip`].
    pub fn raw(&mut self) -> Result<&'a str, JsonError> {
        let span = self.skip()?;
        Ok(self.slice(span))
    }

    /// Reads an object: `each` is called at every value with its key, and must read exactly that value.
    ///
    /// # Errors
    /// When the next value is no object or an invalid one, or as `each` says.
    pub fn object<E: From<JsonError>>(&mut self, mut each: impl FnMut(&mut Self, Text<'a>) -> Result<(), E>) -> Result<Range<usize>, E> {
        let start = self.enter(b'{', "an object is missing")?;
        if !self.leaves(b'}') {
            loop {
                let key = self.string()?;
                self.pass_colon()?;
                each(self, key)?;
                if !self.continues(b'}')? {
                    break;
                }
            }
        }
        self.depth -= 1;
        Ok(start..self.at)
    }

    /// Reads an array: `each` is called at every element with its index, and must read exactly that element.
    ///
    /// # Errors
    /// When the next value is no array or an invalid one, or as `each` says.
    pub fn array<E: From<JsonError>>(&mut self, mut each: impl FnMut(&mut Self, usize) -> Result<(), E>) -> Result<Range<usize>, E> {
        let start = self.enter(b'[', "an array is missing")?;
        let mut index = 0;
        if !self.leaves(b']') {
            loop {
                each(self, index)?;
                index += 1;
                if !self.continues(b']')? {
                    break;
                }
            }
        }
        self.depth -= 1;
        Ok(start..self.at)
    }

    /// Checks that nothing but white space follows.
    ///
    /// # Errors
    /// When something does.
    pub fn end(&mut self) -> Result<(), JsonError> {
        self.skip_space();
        if self.at == self.text.len() { Ok(()) } else { Err(JsonError::new("something follows the JSON value", self.at)) }
    }

    /// The next byte. 0 at the end: it is no part of JSON's grammar.
    #[inline]
    fn byte(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    #[inline]
    fn skip_space(&mut self) {
        while matches!(self.byte(), b' ' | b'\n' | b'\r' | b'\t') {
            self.at += 1;
        }
    }

    fn unexpected(&self, what: &'static str) -> JsonError {
        let what = match self.text.as_bytes().get(self.at..) {
            None | Some([]) => "the text ends too early",
            Some([0xef, 0xbb, 0xbf, ..]) if self.at == 0 => "the text begins with a byte order mark",
            Some(_) => what,
        };
        JsonError::new(what, self.at)
    }

    fn enter(&mut self, bracket: u8, what: &'static str) -> Result<usize, JsonError> {
        self.skip_space();
        if self.byte() != bracket {
            return Err(self.unexpected(what));
        }
        if self.depth == DEPTH_MAX {
            return Err(JsonError::new("nested deeper than 128 levels", self.at));
        }
        self.depth += 1;
        self.at += 1;
        Ok(self.at - 1)
    }

    /// Whether the container ends here, having held nothing.
    fn leaves(&mut self, bracket: u8) -> bool {
        self.skip_space();
        let ends = self.byte() == bracket;
        self.at += usize::from(ends);
        ends
    }

    /// Whether another element follows.
    #[inline]
    fn continues(&mut self, bracket: u8) -> Result<bool, JsonError> {
        self.skip_space();
        let byte = self.byte();
        if byte != b',' && byte != bracket {
            return Err(self.unexpected("a comma or a closing bracket is missing"));
        }
        self.at += 1;
        Ok(byte == b',')
    }

    #[inline]
    fn pass_string(&mut self) -> Result<scan::End, JsonError> {
        let end = scan::string(self.text.as_bytes(), self.at + 1)?;
        self.at = end.at + 1;
        self.spare += end.spare;
        Ok(end)
    }

    #[inline]
    fn pass_colon(&mut self) -> Result<(), JsonError> {
        self.skip_space();
        if self.byte() != b':' {
            return Err(self.unexpected("a colon is missing"));
        }
        self.at += 1;
        Ok(())
    }

    #[inline]
    fn pass_key(&mut self) -> Result<(), JsonError> {
        self.skip_space();
        if self.byte() != b'"' {
            return Err(self.unexpected("a key is missing"));
        }
        self.pass_string()?;
        self.pass_colon()
    }

    /// Passes a value without recursion: a bit for each open container says whether it is an object.
    fn pass_value(&mut self) -> Result<(), JsonError> {
        let outer = self.depth;
        let mut objects = 0u128;
        loop {
            self.skip_space();
            match self.byte() {
                b'"' => {
                    self.pass_string()?;
                }
                open @ (b'{' | b'[') => {
                    self.enter(open, "")?;
                    let is_object = open == b'{';
                    objects = objects << 1 | u128::from(is_object);
                    if self.leaves(open + 2) {
                        self.depth -= 1;
                        objects >>= 1;
                    } else {
                        if is_object {
                            self.pass_key()?;
                        }
                        continue;
                    }
                }
                b't' => self.pass_word("true")?,
                b'f' => self.pass_word("false")?,
                b'n' => self.pass_word("null")?,
                b'-' | b'0'..=b'9' => self.pass_number()?,
                _ => return Err(self.unexpected("a value is missing")),
            }
            loop {
                if self.depth == outer {
                    return Ok(());
                }
                let in_object = objects & 1 == 1;
                if self.continues(if in_object { b'}' } else { b']' })? {
                    if in_object {
                        self.pass_key()?;
                    }
                    break;
                }
                self.depth -= 1;
                objects >>= 1;
            }
        }
    }

    fn pass_word(&mut self, word: &str) -> Result<(), JsonError> {
        if self.text.as_bytes().get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes())) {
            self.at += word.len();
            return Ok(());
        }
        Err(self.unexpected("a value is missing"))
    }

    fn pass_number(&mut self) -> Result<(), JsonError> {
        self.at += usize::from(self.byte() == b'-');
        if self.byte() == b'0' {
            self.at += 1;
        } else {
            self.pass_digits()?;
        }
        if self.byte() == b'.' {
            self.at += 1;
            self.pass_digits()?;
        }
        if matches!(self.byte(), b'e' | b'E') {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), b'+' | b'-'));
            self.pass_digits()?;
        }
        Ok(())
    }

    fn pass_digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        while self.byte().is_ascii_digit() {
            self.at += 1;
        }
        if self.at == start { Err(self.unexpected("a digit is missing")) } else { Ok(()) }
    }
}
