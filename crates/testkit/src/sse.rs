//! A chat stream, taken apart.

use serde_json::Value;

/// The events of a stream of chat chunks.
#[derive(Debug, Clone, Default)]
pub struct ChatStream {
    /// Every `data` that is JSON.
    pub chunks: Vec<Value>,
    /// Every comment.
    pub comments: Vec<String>,
    /// `[DONE]` came, as the last event.
    pub done: bool,
}

impl ChatStream {
    /// Reads a stream that ended; panics where it is none.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut stream = Self::default();
        for event in text.split("\n\n").filter(|event| !event.is_empty()) {
            assert!(!stream.done, "something follows [DONE]: {event}");
            match event.strip_prefix("data: ") {
                Some("[DONE]") => stream.done = true,
                Some(json) => stream.chunks.push(serde_json::from_str(json).unwrap_or_else(|e| panic!("{e}: {json}"))),
                None if event.starts_with(':') => stream.comments.push(event.to_owned()),
                None => panic!("no event of a chat stream: {event:?}"),
            }
        }
        stream
    }

    /// The text of the first choice.
    #[must_use]
    pub fn text(&self) -> String {
        self.chunks.iter().filter_map(|c| c["choices"][0]["delta"]["content"].as_str()).collect()
    }

    /// Chunks with text.
    #[must_use]
    pub fn pieces(&self) -> usize {
        self.chunks.iter().filter(|c| c["choices"][0]["delta"]["content"].as_str().is_some_and(|t| !t.is_empty())).count()
    }

    /// The error, which stands in the last chunk or nowhere.
    #[must_use]
    pub fn error(&self) -> Option<&Value> {
        let at = self.chunks.iter().position(|c| !c["error"].is_null())?;
        assert_eq!(at + 1, self.chunks.len(), "nothing follows an error: {:?}", self.chunks);
        Some(&self.chunks[at]["error"])
    }

    /// The last finish reason.
    #[must_use]
    pub fn finish(&self) -> Option<&str> {
        self.chunks.iter().rev().find_map(|c| c["choices"][0]["finish_reason"].as_str())
    }

    /// The usage, which stands in the last chunk.
    #[must_use]
    pub fn usage(&self) -> Option<&Value> {
        self.chunks.last().map(|c| &c["usage"]).filter(|usage| !usage.is_null())
    }
}
