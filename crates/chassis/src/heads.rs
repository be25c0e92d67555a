use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::watch, time::timeout};
use tonic::Status;
use vocabulary::Municipality;

use crate::{Ledger, Tasks};

/// The ledger says something once a second; one that is silent for so long is asked anew.
const SILENCE: Duration = Duration::from_secs(3);
/// Before a ledger that is away is asked again.
const PAUSE: Duration = Duration::from_millis(200);

/// The newest position of each log as its ledger tells it: one stream for all feeds of a role, however many there are.
#[derive(Debug, Clone)]
pub(crate) struct Heads {
    tasks: Tasks,
    known: Arc<Mutex<BTreeMap<Municipality, watch::Sender<Option<u64>>>>>,
}

impl Heads {
    pub(crate) fn new(tasks: Tasks) -> Self {
        Self {
            tasks,
            known: Arc::default(),
        }
    }

    /// The head of a log, from now on; `None` until the ledger has answered for the first time.
    pub(crate) fn of(&self, ledger: &Ledger) -> watch::Receiver<Option<u64>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let watched = known
            .entry(ledger.municipality().clone())
            .or_insert_with(|| {
                let head = watch::Sender::new(None);
                let (ledger, told) = (ledger.clone(), head.clone());
                self.tasks.spawn("heads", async move {
                    loop {
                        if let Err(status) = follow(&ledger, &told).await {
                            tracing::debug!(error = %status, "the ledger's head is not known");
                        }
                        tokio::time::sleep(PAUSE).await;
                    }
                });
                head
            });
        watched.subscribe()
    }

    /// The log ends before where it was thought to: its head is what the ledger says from now on.
    pub(crate) fn forget(&self, municipality: &Municipality) {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(head) = known.get(municipality) {
            head.send_replace(None);
        }
    }
}

/// Passes on what the ledger says until it ends or falls silent. A head never falls: another replica may know less.
async fn follow(ledger: &Ledger, head: &watch::Sender<Option<u64>>) -> Result<(), Status> {
    let silent = |_| Status::deadline_exceeded("the ledger is silent");
    let mut replies = timeout(SILENCE, ledger.watch_head())
        .await
        .map_err(silent)??;
    while let Some(reply) = timeout(SILENCE, replies.message())
        .await
        .map_err(silent)??
    {
        head.send_if_modified(|known| {
            let rises = *known < Some(reply.position);
            if rises {
                *known = Some(reply.position);
            }
            rises
        });
    }
    Ok(())
}
