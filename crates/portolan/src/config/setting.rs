//! What a type must know to be a setting: what it expects, how it is read, how it is shown.

use super::tree::{Node, Value};

/// A type of setting.
pub(super) trait Setting: Sized {
    /// Never shown, not even in a message.
    const SECRET: bool = false;
    /// Any text goes: it may hold a secret that `${...}` put in, and is shown as it was written.
    const FREE_TEXT: bool = false;

    /// What a right value is, for messages: `expected <this>`.
    fn expects() -> String;

    /// Reads a value.
    fn read(node: &Node) -> Result<Self, Wrong>;

    /// The value as TOML, secrets masked.
    fn show(&self) -> String;
}

/// Why a value cannot be read.
#[derive(Debug)]
pub(super) enum Wrong {
    /// It is not what is expected.
    Kind,
    /// It is, but is refused. The sentence must not repeat the value.
    Because(String),
    /// Not what is expected, with a suggestion.
    DidYouMean(&'static str),
}

impl Node {
    /// The value where it is a text.
    pub(super) fn text(&self) -> Result<&str, Wrong> {
        match &self.value {
            Value::Text(text) => Ok(text),
            _ => Err(Wrong::Kind),
        }
    }

    /// The value where it is a whole number of zero or more. The environment knows only text.
    pub(super) fn number(&self) -> Result<u64, Wrong> {
        match &self.value {
            Value::Integer(i) => u64::try_from(*i).map_err(|_| Wrong::Kind),
            Value::Text(text) if self.origin.is_env() => text.parse().map_err(|_| Wrong::Kind),
            _ => Err(Wrong::Kind),
        }
    }
}

/// The message for a value that cannot be read.
pub(super) fn explain<T: Setting>(node: &Node, wrong: &Wrong) -> String {
    let found = match (&node.template, &node.value) {
        (Some(template), _) => format!("`{}` after replacement", short(template)),
        (None, Value::Text(text)) if !T::SECRET => format!("`{}`", short(text)),
        (None, Value::Integer(number)) if !T::SECRET => format!("`{number}`"),
        (None, other) => other.kind().to_owned(),
    };
    match wrong {
        Wrong::Kind => format!("expected {}, found {found}", T::expects()),
        Wrong::DidYouMean(name) => format!("expected {}, found {found}; did you mean \"{name}\"?", T::expects()),
        Wrong::Because(why) => why.clone(),
    }
}

fn short(text: &str) -> String {
    let mut chars = text.chars();
    let start: String = chars.by_ref().take(60).collect();
    if chars.next().is_some() { format!("{start}...") } else { start }
}

/// A text as TOML. JSON's escapes are a subset of TOML's.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
