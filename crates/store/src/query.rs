//! What is asked of the store, and what it answers.

use portolan_core::{AccountId, GenerationId, KeyId, UnixMillis, WorkspaceId};
use portolan_ledger::{Generation, Spend};
use portolan_tenancy::{KeyRecord, KeyScope};

/// What opening found.
#[derive(Debug)]
pub struct Recovered {
    /// The organization and its default workspace.
    pub scope: KeyScope,
    /// All keys that are not deleted.
    pub keys: Vec<KeyRecord>,
    /// What each account has spent, the orphans included.
    pub accounts: Vec<(AccountId, Spend)>,
    /// Generations that were open when the process ended: charged and recorded now.
    pub orphans: Vec<Generation>,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// By rising id, which is by the second of the request.
    #[default]
    OldestFirst,
    /// By falling id.
    NewestFirst,
}

/// Which generations to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GenerationFilter {
    /// Whose request came at this moment or later.
    pub since: Option<UnixMillis>,
    /// Of this key, whatever its secret was.
    pub key: Option<KeyId>,
    /// Only simulated ones, or only real ones.
    pub simulated: Option<bool>,
    /// In which order.
    pub order: Order,
}

/// A part of a list.
#[derive(Debug)]
pub struct Page {
    /// At most 500.
    pub generations: Vec<Generation>,
    /// Where the next page goes on; absent on the last.
    pub next: Option<GenerationId>,
}

/// Which keys to list, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPageFilter {
    /// Of this workspace.
    pub workspace: WorkspaceId,
    /// Also those that are switched off.
    pub include_disabled: bool,
    /// Only those that have not expired by then.
    pub alive_at: Option<UnixMillis>,
    /// How many to pass over.
    pub offset: usize,
}

/// How the store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The last transaction of the fold succeeded.
    pub database_ok: bool,
    /// The schema is the one that this program knows.
    pub migrations_ok: bool,
    /// The journal takes entries.
    pub journal_ok: bool,
    /// Journal bytes that are not in the database yet (across segments: of the last one). Some are normal under load.
    pub unfolded_bytes: u64,
}

impl Health {
    /// Whether requests may be served.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.database_ok && self.migrations_ok && self.journal_ok
    }
}
