//! What a Claude model accepts, read off its name.
//!
//! Anthropic names its models `claude-<family>-<major>[-<minor>]...` (older: `claude-<major>[-<minor>]-<family>`), and
//! takes abilities in and away by version. A name without a version (another vendor's model behind this dialect, a
//! simulator) is taken for a model of the last generation with thinking budgets: that form is what other vendors copied.

/// How a model is told to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// It cannot (before 3.7).
    Never,
    /// By a budget in tokens (3.7 to 4.5).
    Budget,
    /// By a budget or by an effort (4.6).
    BudgetOrEffort,
    /// By an effort (from 4.7).
    Effort,
}

/// What a model accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Model {
    /// How it is told to think.
    pub thinking: Style,
    /// Whether it thinks unless told not to (from 5).
    pub thinks_unasked: bool,
    /// Whether it takes sampling settings (until 4.6).
    pub sampling: bool,
    /// Whether `temperature` and `top_p` exclude each other (from 4.1).
    pub one_of_temperature_and_top_p: bool,
    /// Whether it takes `output_config.format` and strict tools (from 4.1).
    pub structured_output: bool,
    /// Whether it knows the effort `xhigh` (from 4.7).
    pub xhigh: bool,
}

impl Model {
    /// Reads the provider's name of a model.
    #[must_use]
    pub fn named(upstream_id: &str) -> Self {
        let version = version(upstream_id);
        let from = |major, minor| version.is_some_and(|v| v >= (major, minor));
        let before = |major, minor| version.is_some_and(|v| v < (major, minor));
        let thinking = match version {
            Some(v) if v < (3, 7) => Style::Never,
            Some(v) if v >= (4, 7) => Style::Effort,
            Some((4, 6)) => Style::BudgetOrEffort,
            _ => Style::Budget,
        };
        Self {
            thinking,
            thinks_unasked: from(5, 0),
            sampling: !from(4, 7),
            one_of_temperature_and_top_p: from(4, 1),
            structured_output: !before(4, 1),
            xhigh: from(4, 7),
        }
    }

    /// Whether `output_config.effort` is understood.
    #[must_use]
    pub fn takes_effort(&self) -> bool {
        matches!(self.thinking, Style::BudgetOrEffort | Style::Effort)
    }
}

/// The version in a name: the first number of at most two digits after `claude`, and the next one if it follows at once.
/// Dates have eight digits, revisions (`v1`) begin with a letter.
fn version(upstream_id: &str) -> Option<(u32, u32)> {
    let (_, rest) = upstream_id.split_once("claude")?;
    let number = |word: &str| if word.len() <= 2 { word.parse::<u32>().ok() } else { None };
    let mut words = rest.split(|c: char| !c.is_ascii_alphanumeric()).skip_while(|word| number(word).is_none());
    let major = number(words.next()?)?;
    Some((major, words.next().and_then(number).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_from_every_way_of_naming_a_model() {
        for (name, expected) in [
            ("claude-3-haiku-20240307", Some((3, 0))),
            ("claude-3-5-haiku-20241022", Some((3, 5))),
            ("claude-3-7-sonnet-latest", Some((3, 7))),
            ("claude-sonnet-4-20250514", Some((4, 0))),
            ("claude-opus-4-0", Some((4, 0))),
            ("claude-opus-4-1-20250805", Some((4, 1))),
            ("claude-haiku-4-5@20251001", Some((4, 5))),
            ("us.anthropic.claude-opus-4-6-v1:0", Some((4, 6))),
            ("anthropic/claude-sonnet-4.6", Some((4, 6))),
            ("databricks-claude-haiku-4-5", Some((4, 5))),
            ("anthropic-claude-4.5-haiku", Some((4, 5))),
            ("claude-opus-4-8-fast", Some((4, 8))),
            ("claude-opus-5", Some((5, 0))),
            ("claude-5-fable-20260609", Some((5, 0))),
            ("claude-mythos-preview", None),
            ("sim-c200-d5", None),
        ] {
            assert_eq!(version(name), expected, "{name}");
        }
    }

    #[test]
    fn a_name_without_a_version_gets_the_form_that_other_vendors_copied() {
        let model = Model::named("glm-4.7");
        assert_eq!((model.thinking, model.sampling, model.structured_output), (Style::Budget, true, true));
    }
}
