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

    /// Waits until all tasks are done: for `patience` of their own accord, then told to end, for at most `grace` more.
    /// Answers how many were still running in the end.
    pub async fn drain(&self, patience: Duration, grace: Duration) -> usize {
        self.tracker.close();
        if tokio::time::timeout(patience, self.tracker.wait()).await.is_err() {
            self.cut.cancel();
            let _ = tokio::time::timeout(grace, self.tracker.wait()).await;
        }
        self.tracker.len()
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
