//! The table of one process.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use portolan_core::UnixMillis;

use super::{Pinned, Sticky, StickyKey};

/// So many conversations are kept by default: some 20 MB.
pub const ENTRIES_MAX: usize = 100_000;
/// A conversation that was idle for so long is forgotten by default.
pub const IDLE_DEFAULT: Duration = Duration::from_secs(300);

/// Each has a lock of its own, held for one look-up.
const SHARDS: usize = 16;

/// Conversations in memory, lost at a restart but for what [`MemorySticky::restore`] is given.
///
/// Each shard has two generations of entries. What is used goes to the younger one. When that holds half of what is kept, or is
/// older than the idle time, the older one is dropped and the younger takes its place: what goes was used before anything
/// that stays was. So the oldest go out, in batches, without a list of who is next.
pub struct MemorySticky {
    shards: [Mutex<Shard>; SHARDS],
    per_generation: usize,
    idle_ms: i64,
}

#[derive(Default)]
struct Shard {
    young: Entries,
    old: Entries,
    /// When the younger generation began.
    since: UnixMillis,
}

type Entries = HashMap<StickyKey, Entry>;

#[derive(Clone)]
struct Entry {
    pinned: Pinned,
    used_at: UnixMillis,
}

impl MemorySticky {
    /// An empty table for at most `entries_max` conversations, each of which is forgotten after `idle` without use.
    #[must_use]
    pub fn new(entries_max: usize, idle: Duration) -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            per_generation: (entries_max / SHARDS / 2).max(1),
            idle_ms: i64::try_from(idle.as_millis()).unwrap_or(i64::MAX),
        }
    }

    /// Takes in what was pinned before a restart, with the time of its last use. Of one conversation the last use holds.
    pub fn restore(&self, entries: impl IntoIterator<Item = (StickyKey, Pinned, UnixMillis)>, now: UnixMillis) {
        for (key, pinned, used_at) in entries {
            if self.is_fresh(used_at, now) && self.used_at(&key).is_none_or(|known| known <= used_at) {
                self.put(key, Entry { pinned, used_at }, now);
            }
        }
    }

    fn used_at(&self, key: &StickyKey) -> Option<UnixMillis> {
        self.shard(key).lock().get(key).map(|entry| entry.used_at)
    }

    fn put(&self, key: StickyKey, entry: Entry, now: UnixMillis) {
        let mut shard = self.shard(&key).lock();
        let known = shard.young.contains_key(&key);
        let is_full = !known && shard.young.len() >= self.per_generation;
        let dropped = (is_full || !self.is_fresh(shard.since, now)).then(|| shard.age(now));
        shard.old.remove(&key);
        shard.young.insert(key, entry);
        // Thousands of entries are freed without the lock.
        drop(shard);
        drop(dropped);
    }

    fn shard(&self, key: &StickyKey) -> &Mutex<Shard> {
        &self.shards[key.spread() % SHARDS]
    }

    fn is_fresh(&self, used_at: UnixMillis, now: UnixMillis) -> bool {
        now.0.saturating_sub(used_at.0).saturating_abs() < self.idle_ms
    }
}

impl Shard {
    fn get(&self, key: &StickyKey) -> Option<&Entry> {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    /// Begins a new generation, and answers the one that goes.
    fn age(&mut self, now: UnixMillis) -> Entries {
        self.since = now;
        let young = std::mem::take(&mut self.young);
        std::mem::replace(&mut self.old, young)
    }
}

impl Sticky for MemorySticky {
    fn get(&self, key: &StickyKey, now: UnixMillis) -> Option<Pinned> {
        let shard = self.shard(key).lock();
        shard.get(key).filter(|entry| self.is_fresh(entry.used_at, now)).map(|entry| entry.pinned.clone())
    }

    fn pin(&self, key: StickyKey, pinned: Pinned, now: UnixMillis) {
        self.put(key, Entry { pinned, used_at: now }, now);
    }
}

#[cfg(test)]
mod tests {
    use portolan_core::KeyHash;

    use super::*;
    use crate::sticky::Conversation;

    const T0: i64 = 1_800_000_000_000;

    fn at(ms: i64) -> UnixMillis {
        UnixMillis(T0 + ms)
    }

    fn key(session: usize) -> StickyKey {
        StickyKey::new(&KeyHash::of("owner"), "t/m", Conversation::Session(&session.to_string()))
    }

    fn place(tag: &str) -> Pinned {
        Pinned { model: "t/m".into(), tag: tag.into() }
    }

    fn table() -> MemorySticky {
        MemorySticky::new(1_600, Duration::from_secs(300))
    }

    fn held(table: &MemorySticky) -> usize {
        table.shards.iter().map(|shard| shard.lock()).map(|shard| shard.young.len() + shard.old.len()).sum()
    }

    #[test]
    fn a_conversation_is_found_until_it_was_idle_for_too_long() {
        let table = table();
        assert_eq!(table.get(&key(1), at(0)), None);
        table.pin(key(1), place("a"), at(0));
        assert_eq!((table.get(&key(1), at(299_999)), table.get(&key(2), at(0))), (Some(place("a")), None));
        assert_eq!(table.get(&key(1), at(300_000)), None, "looking is no use");
        table.pin(key(1), place("a"), at(200_000));
        assert_eq!(table.get(&key(1), at(499_999)), Some(place("a")));
        table.pin(key(1), place("b"), at(450_000));
        assert_eq!(table.get(&key(1), at(460_000)), Some(place("b")), "the last place holds");
    }

    #[test]
    fn the_table_is_bounded_and_the_oldest_go_out() {
        let table = table();
        for i in 0..10_000 {
            table.pin(key(i), place("a"), at(i64::try_from(i).unwrap()));
            if i % 100 == 0 {
                table.pin(key(0), place("a"), at(i64::try_from(i).unwrap()));
            }
            assert!(i % 500 != 0 || held(&table) <= 1_600, "{i}");
        }
        let now = at(10_000);
        assert_eq!(table.get(&key(0), now), Some(place("a")), "it was used all along");
        assert_eq!(table.get(&key(1), now), None);
        let kept = (9_000..10_000).filter(|i| table.get(&key(*i), now).is_some()).count();
        assert!((700..=1_000).contains(&kept), "of the last thousand {kept} are there");
    }

    #[test]
    fn what_is_idle_is_freed_when_others_come() {
        let table = table();
        (0..500).for_each(|i| table.pin(key(i), place("a"), at(0)));
        (0..500).for_each(|i| table.pin(key(1_000 + i), place("a"), at(300_000)));
        (0..500).for_each(|i| table.pin(key(2_000 + i), place("a"), at(600_000)));
        assert_eq!(held(&table), 1_000, "those of the first round are gone");
    }

    #[test]
    fn a_restart_takes_in_what_is_fresh_and_of_one_conversation_the_last() {
        let table = table();
        let entries = [
            (key(1), place("new"), at(-10_000)),
            (key(1), place("older"), at(-20_000)),
            (key(2), place("idle"), at(-300_000)),
            (key(3), place("x"), at(-299_999)),
        ];
        table.restore(entries, at(0));
        assert_eq!(table.get(&key(1), at(0)), Some(place("new")));
        assert_eq!(table.get(&key(2), at(0)), None);
        assert_eq!((table.get(&key(3), at(0)), table.get(&key(3), at(1))), (Some(place("x")), None));
    }

    #[test]
    fn threads_share_it() {
        let table = MemorySticky::new(ENTRIES_MAX, IDLE_DEFAULT);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let table = &table;
                scope.spawn(move || (0..1_000).for_each(|i| table.pin(key(i * 4 + thread), place("a"), at(0))));
            }
        });
        assert_eq!((0..4_000).filter(|i| table.get(&key(*i), at(1)).is_some()).count(), 4_000);
    }
}
