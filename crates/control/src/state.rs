//! What the endpoints work on.

use std::sync::Arc;

use portolan_core::Clock;
use portolan_store::Store;
use portolan_tenancy::KeyAdmin;

/// What the endpoints work on.
#[derive(Clone)]
pub struct ControlState {
    pub(crate) keys: Arc<dyn KeyAdmin>,
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
}

impl ControlState {
    /// The state of a running instance, or of a command that opened the store itself.
    #[must_use]
    pub fn new(keys: Arc<dyn KeyAdmin>, store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { keys, store, clock }
    }
}
