//! Cache marks: at most four, and where the automatic one goes.

use super::block::{Block, Mark, Turn};
use super::tools::Offer;

/// Anthropic takes no more.
const MARKS_MAX: usize = 4;

/// Marks the last block that can bear a mark (the caller asked for caching as such), unless it has one.
pub(super) fn mark_last(turns: &mut [Turn<'_>], mark: Mark) {
    let last = turns.iter_mut().rev().flat_map(|turn| turn.content.iter_mut().rev()).find_map(Block::mark);
    if let Some(slot) = last {
        slot.get_or_insert(mark);
    }
}

/// Leaves the last four marks: a later one covers what an earlier one would. Whether any went.
pub(super) fn keep_last(tools: &mut [Offer<'_>], system: &mut [Block<'_>], turns: &mut [Turn<'_>]) -> bool {
    let mut slots: Vec<&mut Option<Mark>> = Vec::new();
    slots.extend(tools.iter_mut().filter_map(Offer::mark));
    slots.extend(system.iter_mut().filter_map(Block::mark));
    for block in turns.iter_mut().flat_map(|turn| &mut turn.content) {
        if let Block::ToolResult { content, cache_control, .. } = block {
            slots.extend(content.iter_mut().filter_map(Block::mark));
            slots.push(cache_control);
        } else {
            slots.extend(block.mark());
        }
    }
    slots.retain(|slot| slot.is_some());
    let surplus = slots.len().saturating_sub(MARKS_MAX);
    slots.into_iter().take(surplus).for_each(|slot| *slot = None);
    surplus > 0
}
