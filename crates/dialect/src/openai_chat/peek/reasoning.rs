//! `reasoning`, `reasoning_effort` and `include_reasoning`.

use super::read::{Path, boolean, integer, object, string};
use super::request::Visit;
use super::{PeekError, RawBlocker};
use crate::ir;
use crate::json::Reader;
use crate::openai_chat::preferences::is_literally;

type Result<T> = std::result::Result<T, PeekError>;

/// OpenRouter's words. Of another nobody could say how much it is, and each dialect would guess differently.
const EFFORTS: [&str; 7] = ["max", "xhigh", "high", "medium", "low", "minimal", "none"];

fn word(reader: &mut Reader<'_>, path: Path<'_>) -> Result<String> {
    let effort = string(reader, path, 64)?;
    if EFFORTS.contains(&effort.as_ref()) {
        return Ok(effort.into_owned());
    }
    Err(path.invalid("must be max, xhigh, high, medium, low, minimal or none"))
}

pub(super) fn effort(visit: &mut Visit, reader: &mut Reader<'_>, path: Path<'_>) -> Result<()> {
    visit.effort = Some(word(reader, path)?);
    Ok(())
}

/// What a caller does not want to see is left out here, by whomever it was written.
pub(super) fn include(visit: &mut Visit, reader: &mut Reader<'_>, path: Path<'_>) -> Result<()> {
    visit.include_reasoning = Some(boolean(reader, path)?);
    if visit.include_reasoning == Some(false) {
        visit.idle.push("include_reasoning");
    }
    Ok(())
}

/// Only `exclude` asks an endpoint for nothing. Not to reason is asked of it: some models reason unless they are told not to,
/// and at some endpoints they cannot be told.
pub(super) fn read(visit: &mut Visit, reader: &mut Reader<'_>, path: Path<'_>) -> Result<()> {
    let mut all = ir::Reasoning::default();
    let mut blocks = false;
    object(reader, path, &["effort", "max_tokens", "exclude", "enabled", "summary"], |reader, name| {
        let here = path.key(name);
        blocks |= name != "exclude";
        match name {
            "effort" => all.effort = Some(word(reader, here)?),
            "max_tokens" => all.max_tokens = Some(integer(reader, here, 1, u64::MAX)?),
            "exclude" => all.exclude = boolean(reader, here)?,
            "enabled" => all.enabled = Some(boolean(reader, here)?),
            "summary" => all.summary = Some(string(reader, here, 64)?.into_owned()),
            "context" if is_literally(reader.raw()?, "\"auto\"") => {}
            "mode" if is_literally(reader.raw()?, "\"standard\"") => {}
            _ => return Err(here.not_supported("this reasoning setting is not supported; leave it out")),
        }
        Ok(())
    })?;
    if all.effort.is_some() && all.max_tokens.is_some() {
        return Err(path.invalid("holds both effort and max_tokens; state one of them"));
    }
    if blocks {
        visit.peek.block(RawBlocker::Reasoning);
    }
    if all == (ir::Reasoning { exclude: all.exclude, ..ir::Reasoning::default() }) {
        visit.idle.push("reasoning");
    }
    visit.reasoning = Some(all);
    Ok(())
}
