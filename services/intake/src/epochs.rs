//! Brings all keys under a new master key, and records in every municipality's log when an epoch began and when one was destroyed.
//!
//! The key store is one for all municipalities, so its epochs are events of each of their logs. What the store says comes first;
//! whoever dies before it is recorded, or before all keys are wrapped anew, finishes both at the next start.

use std::{sync::Arc, time::Duration};

use chassis::{AppendError, Caller, Clock, Command, Ledger, Platform, event, refuse};
use contracts::{
    intake::v1::{KeyEpochBegan, KeyEpochDestroyed, KeyEpochsReply, key_epochs_reply},
    ledger::v1::StreamWrite,
};
use tokio::sync::Notify;
use tonic::{Code, Status};
use uuid::Uuid;
use vault::{Ended, Vault};
use vocabulary::Municipality;

use crate::desk::no_key;

/// Names every event about master keys.
const KEYS: &str = "keys";

/// How often a record is written anew because another replica wrote it at the same moment.
const ATTEMPTS: usize = 8;

/// How long a key store or a ledger that is away is left alone.
const PAUSE: Duration = Duration::from_secs(1);

/// Keeps the epochs of the master key.
#[derive(Clone)]
pub(crate) struct Epochs {
    vault: Arc<Vault>,
    logs: Vec<(Ledger, String)>,
    clock: Clock,
    unsettled: Arc<Notify>,
}

impl Epochs {
    pub(crate) fn new(platform: &Platform, vault: Arc<Vault>) -> Self {
        let log = |it: &Municipality| (platform.ledger(it), platform.system(it).actor);
        Self {
            vault,
            logs: platform.municipalities.iter().map(log).collect(),
            clock: platform.clock.clone(),
            unsettled: Arc::default(),
        }
    }

    /// Finishes what was begun: at the start, and whenever an epoch begins.
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        loop {
            match self.settle().await {
                Ok(0) => self.unsettled.notified().await,
                Ok(keys) => {
                    tracing::info!(keys, "{keys} keys were wrapped anew under the newest epoch");
                }
                Err(status) => {
                    tracing::warn!(error = %status, "the keys are not all under the newest epoch yet");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// How many keys were wrapped anew.
    async fn settle(&self) -> Result<u64, Status> {
        let epochs = self.vault.epochs().await.map_err(no_key)?;
        self.record_began(epochs.current(), None).await?;
        if epochs.are_settled() {
            return Ok(0);
        }
        self.vault.rewrap().await.map_err(no_key)
    }

    /// Begins the epoch of the newest key in the master key file, and has all keys wrapped anew.
    pub(crate) async fn rotate(&self, caller: &Caller) -> Result<(), Status> {
        self.vault.begin_epoch().await.map_err(no_key)?;
        let epochs = self.vault.epochs().await.map_err(no_key)?;
        self.record_began(epochs.current(), Some(caller)).await?;
        self.unsettled.notify_one();
        Ok(())
    }

    /// Ends an epoch whose master key is destroyed.
    pub(crate) async fn destroy(&self, caller: &Caller, epoch: u32) -> Result<(), Status> {
        let wraps;
        let problem = match self.vault.end_epoch(epoch.into()).await.map_err(no_key)? {
            Ended::Over => {
                let message = KeyEpochDestroyed { epoch };
                return self.record(epoch, &message, Some(caller)).await;
            }
            Ended::Unknown => return Err(refuse(Code::NotFound, "epoch", "never began")),
            Ended::Current => "is the current one",
            Ended::Wraps(keys) => {
                wraps = format!("still wraps {keys} keys");
                &wraps
            }
            Ended::Held => {
                "still has its master key in the master key file: take out its line first"
            }
        };
        Err(refuse(Code::FailedPrecondition, "epoch", problem))
    }

    pub(crate) async fn reply(&self) -> Result<KeyEpochsReply, Status> {
        let vault::Epochs { epochs, prepared } = self.vault.epochs().await.map_err(no_key)?;
        let epoch = |it: vault::Epoch| key_epochs_reply::Epoch {
            epoch: number(it.number),
            current: it.current,
            keys: it.keys,
            held: it.held,
        };
        Ok(KeyEpochsReply {
            epochs: epochs.into_iter().map(epoch).collect(),
            prepared,
        })
    }

    /// The first epoch begins with the centre.
    async fn record_began(&self, epoch: i64, caller: Option<&Caller>) -> Result<(), Status> {
        if epoch <= 1 {
            return Ok(());
        }
        let epoch = number(epoch);
        self.record(epoch, &KeyEpochBegan { epoch }, caller).await
    }

    /// Records it where it is not recorded yet; in the log of whoever asked under their own name.
    async fn record<M: prost::Message + prost::Name>(
        &self,
        epoch: u32,
        message: &M,
        caller: Option<&Caller>,
    ) -> Result<(), Status> {
        let name = format!("keys-{epoch}/{}", M::NAME);
        let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes());
        for (ledger, system) in &self.logs {
            let own = caller.filter(|it| it.municipality == *ledger.municipality());
            let command = Command {
                id,
                fingerprint: event::fingerprint(message),
                correlation_id: id,
                causation_id: None,
                actor: own.map_or(system, |it| &it.actor).clone(),
            };
            self.record_in(ledger, epoch, message, &command).await?;
        }
        Ok(())
    }

    async fn record_in<M: prost::Message + prost::Name>(
        &self,
        ledger: &Ledger,
        epoch: u32,
        message: &M,
        command: &Command,
    ) -> Result<(), Status> {
        let stream = format!("keys-{epoch}");
        for _ in 0..ATTEMPTS {
            let before = ledger.read_stream(&stream).await?;
            if before.iter().any(event::is::<M>) {
                return Ok(());
            }
            let id = event::id(command.id, 0);
            let subjects = [KEYS.to_owned()];
            let write = StreamWrite {
                stream: stream.clone(),
                expected_version: before.last().map_or(0, |it| it.version),
                events: vec![event::record(id, message, self.clock.now(), subjects)],
            };
            match ledger.append(command, vec![write]).await {
                Ok(_) => return Ok(()),
                Err(AppendError::Stale) => {}
                Err(error @ (AppendError::CommandReused | AppendError::Failed(_))) => {
                    return Err(error.into());
                }
            }
        }
        Err(Status::aborted("others keep recording it; try again"))
    }
}

fn number(epoch: i64) -> u32 {
    u32::try_from(epoch).unwrap_or(u32::MAX)
}
