//! Where conversations were before the start, from the records of the last minutes.

use std::time::Duration;

use portolan_core::UnixMillis;
use portolan_engine::sticky::{ENTRIES_MAX, MemorySticky, Pinned, StickyKey};
use portolan_ledger::Generation;
use portolan_store::{GenerationFilter, Order, Store, StoreError, ended_at};

/// A busy instance has more records than are worth reading before it serves.
const PAGES_MAX: usize = 20;

/// The table of conversations, each of which is forgotten after `idle`. What was pinned before a restart goes on where it was.
pub(super) async fn restored(store: &Store, idle: Duration, longest: Duration, now: UnixMillis) -> Result<MemorySticky, StoreError> {
    let table = MemorySticky::new(ENTRIES_MAX, idle);
    // None is kept, so that none is looked for.
    if idle.is_zero() {
        return Ok(table);
    }
    // A request that came long ago may have ended just now.
    let reach = i64::try_from((idle + longest).as_millis()).unwrap_or(i64::MAX);
    let filter =
        GenerationFilter { since: Some(UnixMillis(now.0.saturating_sub(reach))), order: Order::NewestFirst, ..GenerationFilter::default() };
    let mut after = None;
    for _ in 0..PAGES_MAX {
        let page = store.generations(filter.clone(), after).await?;
        table.restore(page.generations.iter().filter_map(entry), now);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    Ok(table)
}

fn entry(generation: &Generation) -> Option<(StickyKey, Pinned, UnixMillis)> {
    let key = StickyKey::from_hex(generation.sticky.as_ref()?)?;
    let place = Pinned { model: generation.model.clone(), tag: generation.endpoint.as_str().into() };
    Some((key, place, ended_at(generation)))
}
