//! One replica at a time: a lease of five seconds, kept by the ledger.

use std::{future::Future, time::Duration};

use tokio::time::Instant;
use vocabulary::Municipality;

use crate::{Ledger, Platform, event::Undecodable};

/// How often a lease is renewed, and asked for.
const RENEW: Duration = Duration::from_millis(1_500);
/// A holder that could not renew for this long stops, before the ledger gives the lease to another.
const TRUST: Duration = Duration::from_secs(4);

/// How long giving a lease back may take.
const RELEASE: Duration = Duration::from_secs(1);

/// A lease that is held.
#[derive(Debug, Clone)]
pub struct Lease {
    ledger: Ledger,
    name: String,
    epoch: u64,
    /// The position saved last under this name.
    pub checkpoint: u64,
}

impl Lease {
    /// Saves how far everything is done; refused once another replica has taken over.
    pub async fn save(&self, position: u64) -> anyhow::Result<()> {
        Ok(self
            .ledger
            .save_checkpoint(&self.name, self.epoch, position)
            .await?)
    }
}

/// Runs `work` whenever, and only while, the lease is held; returns when the process stops. `work` that fails starts anew,
/// unless it met an event that this build cannot read: then the lease is left to those who can, and the process is not
/// ready until it is updated.
///
/// `work` is dropped when the lease is lost: it must be safe to stop at any await. Spawn this with
/// [`Tasks::spawn_to_end`](crate::Tasks::spawn_to_end), so that the lease is given back at the end.
pub async fn hold<W>(
    platform: Platform,
    municipality: Municipality,
    name: impl Into<String> + Send,
    work: impl Fn(Lease) -> W,
) -> anyhow::Result<()>
where
    W: Future<Output = anyhow::Result<()>> + Send,
{
    let name = name.into();
    let name = name.as_str();
    let ledger = platform.ledger(&municipality);
    let holder = format!("{}/{}", platform.role, platform.ids.fresh());
    loop {
        tokio::select! {
            () = platform.tasks.stopping() => return Ok(()),
            lease = acquire(&ledger, name, &holder) => {
                tokio::select! {
                    outcome = work(lease) => match outcome {
                        Ok(()) => {}
                        Err(error) if Undecodable::is_behind(&error) => {
                            let _ = tokio::time::timeout(RELEASE, ledger.release_lease(name, &holder)).await;
                            let part = format!("{}/{municipality}/{name}", platform.role);
                            platform.health.stopped(&part, &error);
                            platform.tasks.stopping().await;
                            return Ok(());
                        }
                        Err(error) => tracing::warn!(lease = name, error = format!("{error:#}"), "{name} starts anew"),
                    },
                    () = lost(&ledger, name, &holder) => tracing::warn!(lease = name, "lost the lease {name}"),
                    () = platform.tasks.stopping() => {}
                }
                // Another replica may take over at once; if this fails the lease ends by itself.
                let _ = tokio::time::timeout(RELEASE, ledger.release_lease(name, &holder)).await;
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

async fn acquire(ledger: &Ledger, name: &str, holder: &str) -> Lease {
    loop {
        match ledger.acquire_lease(name, holder).await {
            Ok(reply) if reply.granted => {
                return Lease {
                    ledger: ledger.clone(),
                    name: name.to_owned(),
                    epoch: reply.epoch,
                    checkpoint: reply.checkpoint,
                };
            }
            Ok(_) => {}
            Err(status) => tracing::debug!(lease = name, error = %status, "no lease yet"),
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Renews until that fails for too long.
async fn lost(ledger: &Ledger, name: &str, holder: &str) {
    let mut renewed = Instant::now();
    loop {
        tokio::time::sleep(RENEW).await;
        let asked = Instant::now();
        match tokio::time::timeout_at(renewed + TRUST, ledger.acquire_lease(name, holder)).await {
            Ok(Ok(reply)) if reply.granted => renewed = asked,
            Ok(Ok(_)) => return,
            Ok(Err(_)) | Err(_) => {}
        }
        if renewed.elapsed() >= TRUST {
            return;
        }
    }
}
