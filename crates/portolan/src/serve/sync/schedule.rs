//! The sync on a schedule.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Live, Outcome, scheduled, url_of};
use crate::serve::in_force::InForce;

/// After a failure it is tried again sooner, but not at once.
const TRY_AGAIN_AFTER: Duration = Duration::from_mins(10);

/// Syncs when it is due until `stop`. Ends at once where no schedule is set.
pub(in crate::serve) async fn run(live: Arc<Live>, in_force: Arc<InForce>, stop: CancellationToken) {
    let config = in_force.config();
    let (Some(source), interval) = (scheduled(&config), config.catalog.interval) else { return };
    let url = url_of(source, &config);
    let mut pause = live.due_in(interval);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        let fetched = tokio::select! {
            () = stop.cancelled() => return,
            fetched = live.fetch(source, &url, false, &config) => fetched,
        };
        let applied = match fetched {
            Ok(Outcome::NotModified) => Ok(false),
            Ok(Outcome::Candidate(name, _)) => live.apply(&name).await.map(|()| true),
            Err(error) => Err(error),
        };
        pause = if applied.is_ok() { interval } else { interval.min(TRY_AGAIN_AFTER) };
        // Also after a failure: what is stored may have become stale.
        if let Err(error) = in_force.refresh().await {
            tracing::error!(%error, "the synced catalog was not put in force");
        }
        match applied {
            Ok(changed) => tracing::info!(source = source.as_str(), changed, "the catalog was synced"),
            Err(error) => tracing::warn!(source = source.as_str(), %error, "the catalog was not synced"),
        }
    }
}

impl Live {
    /// How long until the next sync is due. A short pause at least, so that a start is not held up.
    fn due_in(&self, interval: Duration) -> Duration {
        self.age().map_or(Duration::ZERO, |age| interval.saturating_sub(age)).max(Duration::from_millis(100))
    }
}
