//! What of a request the classifier looks at.

/// So many bytes of the beginning of a text are read.
const HEAD_BYTES_MAX: usize = 3072;

/// So many bytes of its end: a question often stands behind a long document.
const TAIL_BYTES_MAX: usize = 1024;

/// A request, as far as the classifier looks at it.
#[derive(Debug, Clone, Copy, Default)]
pub struct PromptView<'a> {
    /// The text of the last message of the user.
    pub text: &'a str,
    /// How many messages the conversation has, the system's and the last one included.
    pub messages: u32,
    /// Bytes of text in all messages.
    pub conversation_bytes: u64,
    /// How many tools are offered.
    pub tools: u32,
    /// How many images, files, recordings and films are attached.
    pub attachments: u32,
    /// The answer has to fit a JSON schema.
    pub structured: bool,
}

impl<'a> PromptView<'a> {
    /// A single message of text and nothing else.
    #[must_use]
    pub fn of_text(text: &'a str) -> Self {
        Self { text, messages: 1, conversation_bytes: text.len() as u64, ..Self::default() }
    }

    /// The beginning and the end of the text, which is all that is read of it. The end is empty for short texts.
    pub(crate) fn window(&self) -> [&'a str; 2] {
        if self.text.len() <= HEAD_BYTES_MAX + TAIL_BYTES_MAX {
            return [self.text, ""];
        }
        let head = self.text.floor_char_boundary(HEAD_BYTES_MAX);
        let tail = self.text.ceil_char_boundary(self.text.len() - TAIL_BYTES_MAX);
        [&self.text[..head], &self.text[tail..]]
    }
}
