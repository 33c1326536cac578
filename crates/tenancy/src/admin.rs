//! What managing keys needs of whoever keeps them. Off the hot path, hence boxed futures.

use std::pin::Pin;
use std::sync::Arc;

use portolan_core::{ApiKey, KeyHash};

use crate::{Invalid, KeyPatch, KeyRecord, NewKey, Spent};

/// A future behind a trait object.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A key and what it has spent.
#[derive(Debug, Clone)]
pub struct KeyState {
    /// The key.
    pub key: Arc<KeyRecord>,
    /// What was charged to it.
    pub spent: Spent,
}

/// Which keys a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyFilter {
    /// Also those that are switched off.
    pub include_disabled: bool,
    /// Also those that have expired.
    pub include_expired: bool,
    /// How many of the newest to pass over.
    pub offset: usize,
    /// Only of this workspace; of the default one where absent.
    pub workspace_id: Option<String>,
}

/// Why a key could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// There is no such key.
    #[error("there is no key with the hash {0}; list the keys to see their hashes")]
    NotFound(KeyHash),
    /// The request makes no sense here (an unknown workspace, say).
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The store failed. The cause is for the log, not for the caller.
    #[error("the key could not be saved; try again")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Keeps keys. Each change is durable and in force when its future is done: an old secret, or a key
/// that was switched off, authenticates no request after that.
pub trait KeyAdmin: Send + Sync {
    /// Makes a key. The secret is in this answer and nowhere else.
    fn create(&self, new: NewKey) -> Pending<'_, Result<(KeyState, ApiKey), AdminError>>;
    /// The newest keys first, a page of at most 100.
    fn list(&self, filter: KeyFilter) -> Pending<'_, Result<Vec<KeyState>, AdminError>>;
    /// One key.
    fn get(&self, hash: KeyHash) -> Pending<'_, Result<KeyState, AdminError>>;
    /// Changes a key.
    fn update(&self, hash: KeyHash, patch: KeyPatch) -> Pending<'_, Result<KeyState, AdminError>>;
    /// Deletes a key. Its records stay.
    fn delete(&self, hash: KeyHash) -> Pending<'_, Result<(), AdminError>>;
    /// Gives a key a new secret. The old one stops at once.
    fn rotate(&self, hash: KeyHash) -> Pending<'_, Result<(KeyState, ApiKey), AdminError>>;
}
