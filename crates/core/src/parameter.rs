//! The request fields that an endpoint may or may not take, as a set.

use std::fmt;

macro_rules! parameters {
    ($($name:literal)*) => {
        /// OpenRouter's names, as `supported_parameters` lists them.
        const NAMES: &[&str] = &[$($name,)*];
    };
}

parameters! {
    "frequency_penalty" "include_reasoning" "logit_bias" "logprobs" "max_completion_tokens" "max_tokens" "min_p" "parallel_tool_calls"
    "prediction" "presence_penalty" "reasoning" "reasoning_effort" "repetition_penalty" "response_format" "seed" "stop"
    "structured_outputs" "temperature" "tool_choice" "tools" "top_a" "top_k" "top_logprobs" "top_p" "verbosity" "web_search_options"
}

/// A set of request fields.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Parameters(u64);

impl Parameters {
    /// The empty set.
    pub const NONE: Parameters = Parameters(0);

    /// The set of one field; `None` for a name that is none of OpenRouter's.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        NAMES.iter().position(|known| *known == name).map(|i| Self(1 << i))
    }

    /// Everything in either.
    #[must_use]
    pub fn union(self, other: Parameters) -> Self {
        Self(self.0 | other.0)
    }

    /// What is here and not in `other`.
    #[must_use]
    pub fn without(self, other: Parameters) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The names of its members.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        NAMES.iter().enumerate().filter(move |(i, _)| self.0 & 1 << i != 0).map(|(_, name)| *name)
    }
}

/// Names that are none of OpenRouter's are left out.
impl<T: AsRef<str>> FromIterator<T> for Parameters {
    fn from_iter<I: IntoIterator<Item = T>>(names: I) -> Self {
        names.into_iter().filter_map(|name| Self::named(name.as_ref())).fold(Self::NONE, Self::union)
    }
}

impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_it_was_made_of() {
        let set: Parameters = ["tools", "seed", "custom"].into_iter().collect();
        assert_eq!(set.names().collect::<Vec<_>>(), ["seed", "tools"]);
        assert_eq!(set.without(["tools"].into_iter().collect()).names().collect::<Vec<_>>(), ["seed"]);
        assert!(NAMES.len() <= 64);
    }
}
