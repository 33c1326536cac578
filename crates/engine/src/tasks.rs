//! The one owner of tasks: it names them, drains them at shutdown and reports their panics.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The owner of every task of the process.
#[derive(Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    cut: CancellationToken,
}

impl Tasks {
    /// Runs `work` to its end, whoever goes away. A panic is reported by name; the process goes on.
    pub fn spawn<F>(&self, name: &'static str, work: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let report = Report { name, finished: false };
        self.tracker.spawn(async move {
            let mut report = report;
            work.await;
            report.finished = true;
        });
    }

    /// An owner of its own for a kind of tasks, so that they can be waited for apart. Told to end together.
    #[must_use]
    pub fn group(&self) -> Self {
        Self { tracker: TaskTracker::new(), cut: self.cut.clone() }
    }

    /// Completes when work in flight must end now.
    #[must_use]
    pub fn cut(&self) -> &CancellationToken {
        &self.cut
    }

    /// How many tasks run.
    #[must_use]
    pub fn running(&self) -> usize {
        self.tracker.len()
    }

    /// Waits until at most `left` tasks run: for `patience` of their own accord, then told to end, for at most
    /// `grace` more. Answers how many still run.
    pub async fn drain_to(&self, left: usize, patience: Duration, grace: Duration) -> usize {
        if !self.falls_to(left, patience).await {
            self.cut.cancel();
            self.falls_to(left, grace).await;
        }
        self.tracker.len()
    }

    /// Looks every few milliseconds: it happens once in the life of a process.
    async fn falls_to(&self, left: usize, patience: Duration) -> bool {
        let falling = async {
            while self.tracker.len() > left {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(patience, falling).await.is_ok()
    }
}

/// Logs when its task unwinds instead of ending.
struct Report {
    name: &'static str,
    finished: bool,
}

impl Drop for Report {
    fn drop(&mut self) {
        if !self.finished && std::thread::panicking() {
            tracing::error!(task.name = self.name, "a task panicked; what it held is charged at the next start");
        }
    }
}
