use std::{future::Future, panic::AssertUnwindSafe, time::Duration};

use futures::FutureExt as _;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument as _;

/// The tasks of a process: named, traced, and awaited at shutdown. A task that fails stops the process, loudly.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    stop: CancellationToken,
    running: TaskTracker,
}

impl Tasks {
    /// Starts a task that is dropped when the process stops.
    #[expect(clippy::disallowed_methods, reason = "the one place that spawns")]
    pub fn spawn<F>(&self, name: &'static str, task: F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let stop = self.stop.clone();
        let guarded = async move {
            let stopping = stop.clone();
            tokio::select! {
                () = stopping.cancelled() => {}
                outcome = unwound(task) => {
                    if let Err(error) = outcome {
                        tracing::error!(task.name = name, error = format!("{error:#}"), "task {name} failed: stopping");
                        stop.cancel();
                    }
                }
            }
        };
        tokio::spawn(
            self.running
                .track_future(guarded.instrument(tracing::Span::none())),
        );
    }

    /// Starts a task that sees to its own end: it is awaited at shutdown, not dropped.
    #[expect(clippy::disallowed_methods, reason = "the one place that spawns")]
    pub fn spawn_to_end<F>(&self, name: &'static str, task: F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let stop = self.stop.clone();
        let guarded = async move {
            if let Err(error) = unwound(task).await {
                tracing::error!(
                    task.name = name,
                    error = format!("{error:#}"),
                    "task {name} failed: stopping"
                );
                stop.cancel();
            }
        };
        tokio::spawn(self.running.track_future(guarded));
    }

    /// Waits until the process is asked to stop.
    pub async fn stopping(&self) {
        self.stop.cancelled().await;
    }

    /// Whether the process was asked to stop.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Asks the process to stop.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Stops, and waits until all tasks have ended; gives up after `grace`.
    pub async fn finish(&self, grace: Duration) {
        self.stop.cancel();
        self.running.close();
        if tokio::time::timeout(grace, self.running.wait())
            .await
            .is_err()
        {
            tracing::warn!("{} tasks did not end within {grace:?}", self.running.len());
        }
    }

    /// Stops at SIGTERM or Ctrl-C.
    pub fn stop_on_signal(&self) {
        let stop = self.stop.clone();
        self.spawn("signals", async move {
            use tokio::signal::unix::{SignalKind, signal};
            let mut terminate = signal(SignalKind::terminate())?;
            let mut interrupt = signal(SignalKind::interrupt())?;
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            stop.cancel();
            Ok(())
        });
    }
}

/// A task that panics has failed like any other: nothing must go on as if it were still running.
async fn unwound(task: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    AssertUnwindSafe(task)
        .catch_unwind()
        .await
        .unwrap_or_else(|_| Err(anyhow::anyhow!("panicked")))
}
