//! From what a caller presented to the key it is.

use std::sync::Arc;

use portolan_core::{KeyHash, UnixMillis};

use crate::{KeyRecord, Snapshot};

/// Why a credential is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// No such key. The same for a text that is no key at all and for a deleted or rotated one: nobody can probe.
    #[error("no such API key; make one with `portolan keys create`")]
    Unknown,
    /// It is switched off.
    #[error("this API key is disabled; enable it with `portolan keys enable`")]
    Disabled,
    /// It has expired.
    #[error("this API key has expired; make a new one with `portolan keys create`")]
    Expired,
}

impl Denied {
    /// The rule, as refusals name it.
    #[must_use]
    pub fn rule(self) -> &'static str {
        match self {
            Denied::Unknown => "key_unknown",
            Denied::Disabled => "key_disabled",
            Denied::Expired => "key_expired",
        }
    }
}

impl Snapshot {
    /// The key that was presented.
    ///
    /// # Errors
    /// When it is unknown, disabled or expired.
    pub fn authenticate(&self, presented: &str, now: UnixMillis) -> Result<Arc<KeyRecord>, Denied> {
        // A look-up by hash: the table holds no secret that a comparison could leak by its duration.
        let key = self.get(&KeyHash::of(presented)).ok_or(Denied::Unknown)?;
        match key.denied(now) {
            Some(denied) => Err(denied),
            None => Ok(Arc::clone(key)),
        }
    }
}

impl KeyRecord {
    /// Why the key is out of force, if it is.
    #[must_use]
    pub fn denied(&self, now: UnixMillis) -> Option<Denied> {
        if self.disabled {
            return Some(Denied::Disabled);
        }
        self.expired(now).then_some(Denied::Expired)
    }
}
