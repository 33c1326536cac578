//! Names of models with wildcards: `anthropic/*`, `*/gpt-5*`, `openai/gpt-5-mini`.

/// Bounds of `allowed_models` and of `excluded_models`, OpenRouter's: how many patterns, how long each, how long together.
pub const PATTERNS_MAX: usize = 1024;
/// Characters of one pattern.
pub const PATTERN_CHARACTERS_MAX: usize = 1024;
/// Characters of all patterns of one list.
pub const PATTERNS_CHARACTERS_MAX: usize = 65_536;

/// Whether `pattern` covers `name`. A `*` stands for any run of characters, the empty one included; everything else for itself.
#[must_use]
pub fn covers(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let mut last = None;
    for part in parts {
        // The part before is found at its first place; only the last one has to reach the end.
        if let Some(middle) = last.replace(part) {
            let Some((_, after)) = rest.split_once(middle) else { return false };
            rest = after;
        }
    }
    last.map_or(rest.is_empty(), |last| rest.ends_with(last))
}

/// Whether one of the patterns covers `name`.
pub(crate) fn any_covers(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| covers(pattern, name))
}

/// What is wrong with a list of patterns, with the name of the field and the remedy.
pub(crate) fn check(field: &str, patterns: &[String]) -> Result<(), String> {
    let characters = |pattern: &String| pattern.chars().count();
    if patterns.len() > PATTERNS_MAX {
        return Err(format!("{field} has {} patterns; give at most {PATTERNS_MAX}", patterns.len()));
    }
    if let Some(at) = patterns.iter().position(|pattern| pattern.is_empty() || characters(pattern) > PATTERN_CHARACTERS_MAX) {
        return Err(format!("{field}[{at}] must have 1 to {PATTERN_CHARACTERS_MAX} characters"));
    }
    if patterns.iter().map(characters).sum::<usize>() > PATTERNS_CHARACTERS_MAX {
        return Err(format!("{field} is too long; give at most {PATTERNS_CHARACTERS_MAX} characters in all patterns together"));
    }
    Ok(())
}
