//! What a request needs and what an endpoint offers.

use std::fmt;

use serde::{Deserialize, Serialize};

crate::words! {
    /// One ability of a model at a provider.
    pub enum Capability {
        /// Takes images.
        ImageInput = "image_input",
        /// Takes files (PDF and the like).
        FileInput = "file_input",
        /// Takes audio.
        AudioInput = "audio_input",
        /// Takes video.
        VideoInput = "video_input",
        /// Answers with images.
        ImageOutput = "image_output",
        /// Answers with audio.
        AudioOutput = "audio_output",
        /// Calls tools.
        Tools = "tools",
        /// Can be forced to call a tool, or a certain tool.
        ToolChoice = "tool_choice",
        /// Answers in JSON on request.
        JsonMode = "json_mode",
        /// Answers by a JSON schema.
        StructuredOutputs = "structured_outputs",
        /// Reasons, and takes settings for it.
        Reasoning = "reasoning",
        /// Returns log probabilities.
        Logprobs = "logprobs",
    }
}

/// A set of capabilities.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Capabilities(u32);

impl Capabilities {
    /// The empty set.
    pub const NONE: Capabilities = Capabilities(0);

    /// Adds one.
    #[must_use]
    pub fn with(self, one: Capability) -> Self {
        Self(self.0 | 1 << one as u8)
    }

    /// Adds one in place.
    pub fn insert(&mut self, one: Capability) {
        *self = self.with(one);
    }

    /// Whether it holds `one`.
    #[must_use]
    pub fn has(self, one: Capability) -> bool {
        self.0 & 1 << one as u8 != 0
    }

    /// What is here and not in `other`.
    #[must_use]
    pub fn without(self, other: Capabilities) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members in their declared order.
    pub fn iter(self) -> impl Iterator<Item = Capability> {
        Capability::ALL.into_iter().filter(move |c| self.has(*c))
    }
}

impl FromIterator<Capability> for Capabilities {
    fn from_iter<T: IntoIterator<Item = Capability>>(all: T) -> Self {
        all.into_iter().fold(Self::NONE, Capabilities::with)
    }
}

impl fmt::Debug for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Capability::as_str)).finish()
    }
}

impl Serialize for Capabilities {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Capabilities {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(Vec::<Capability>::deserialize(d)?.into_iter().collect())
    }
}
