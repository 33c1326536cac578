//! All keys at one moment.

use std::collections::HashMap;
use std::sync::Arc;

use portolan_core::KeyHash;

use crate::KeyRecord;

/// A change copies one shard (of 100,000 keys about 390 pointers) and the list of shards (256 pointers):
/// near the least that their sum can be, and some microseconds. A reader hashes once more than in a flat map.
const SHARDS: usize = 256;

type Shard = HashMap<KeyHash, Arc<KeyRecord>>;

/// All live keys at one moment, by hash. Immutable: a change makes the next one and shares all but one shard.
#[derive(Debug, Clone)]
pub struct Snapshot {
    epoch: u64,
    count: usize,
    shards: Arc<[Arc<Shard>]>,
}

impl Snapshot {
    /// The snapshot of these keys. Deleted ones are left out.
    pub fn new(epoch: u64, keys: impl IntoIterator<Item = KeyRecord>) -> Self {
        let mut shards = vec![Shard::new(); SHARDS];
        for key in keys.into_iter().filter(|k| k.deleted_at.is_none()) {
            shards[shard_of(&key.hash)].insert(key.hash, Arc::new(key));
        }
        let count = shards.iter().map(Shard::len).sum();
        Self { epoch, count, shards: shards.into_iter().map(Arc::new).collect() }
    }

    /// Its number; every change counts it up.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The key with this hash.
    #[must_use]
    pub fn get(&self, hash: &KeyHash) -> Option<&Arc<KeyRecord>> {
        self.shards[shard_of(hash)].get(hash)
    }

    /// All keys, in no order.
    pub fn keys(&self) -> impl Iterator<Item = &Arc<KeyRecord>> {
        self.shards.iter().flat_map(|shard| shard.values())
    }

    /// The next snapshot, in which `key` stands for what `replaced` named before (itself, or the hash before a rotation).
    #[must_use]
    pub fn with(&self, key: KeyRecord, replaced: &KeyHash) -> Self {
        let mut next = self.without(replaced);
        if key.deleted_at.is_none() {
            next.edit(shard_of(&key.hash), |shard| shard.insert(key.hash, Arc::new(key)));
        }
        next
    }

    /// The next snapshot, without this key.
    #[must_use]
    pub fn without(&self, hash: &KeyHash) -> Self {
        let mut next = Self { epoch: self.epoch + 1, ..self.clone() };
        if next.get(hash).is_some() {
            next.edit(shard_of(hash), |shard| shard.remove(hash));
        }
        next
    }

    fn edit<T>(&mut self, at: usize, change: impl FnOnce(&mut Shard) -> T) {
        let shards = Arc::make_mut(&mut self.shards);
        let before = shards[at].len();
        let shard = Arc::make_mut(&mut shards[at]);
        change(shard);
        self.count = self.count - before + shard.len();
    }
}

fn shard_of(hash: &KeyHash) -> usize {
    usize::from(hash.bytes()[0])
}
