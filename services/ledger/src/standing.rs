//! Whether a log is all of what was signed and told. One that came back from a backup is not: what is missing would be written a
//! second time, in another way, at positions for which others hold signatures. So nobody is served until it is back.
//!
//! What is missing is fetched from JetStream, where sequence = position and a message has every column: each event must be what its
//! commitment says, those that were signed must lead to the root that was signed, and those behind must bear the ledger's seal.

mod recovery;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use async_nats::{Client, connection::State};
use chassis::{Clock, Health};
use tokio::{sync::Notify, time::sleep};
use transparency::Checkpoint;

use self::recovery::Told;
use crate::{
    erasing,
    log::Log,
    relay::Seal,
    tree::{Memory, SigningSeed, edge_at},
};

/// How soon a log that is not served is looked at again.
const AGAIN: Duration = Duration::from_secs(1);
/// How soon a store that could not forget what was erased is asked again.
const FORGET_AGAIN: Duration = Duration::from_secs(30);

/// Whether a log is served, as all who serve it see it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Standing(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    refused: Mutex<Option<String>>,
    doubt: Notify,
    must_forget: AtomicBool,
}

impl Standing {
    /// Why nobody is served, if so.
    pub(crate) fn refused(&self) -> Option<String> {
        let refused = self.0.refused.lock();
        refused.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whoever sees that the log is not what was signed or told has it looked at.
    pub(crate) fn doubt(&self) {
        self.0.doubt.notify_one();
    }

    /// Whether the store has forgotten what was erased.
    pub(crate) fn has_forgotten(&self, has: bool) {
        self.0.must_forget.store(!has, Ordering::Release);
    }

    fn set(&self, refused: Option<String>) {
        *self
            .0
            .refused
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = refused;
    }
}

/// Looks whether a log is all of what was signed and told.
pub(crate) struct Guard {
    pub(crate) log: Log,
    pub(crate) seed: SigningSeed,
    pub(crate) memory: Memory,
    pub(crate) nats: Option<Client>,
    pub(crate) clock: Clock,
    pub(crate) health: Health,
}

/// Why a log is not served.
#[derive(Debug, thiserror::Error)]
enum Refused {
    /// Something is missing, or is another.
    #[error("{0}")]
    Because(String),
    /// The store is away: nothing is known, so nobody is served.
    #[error("it cannot be looked at: {0:#}")]
    Unknown(#[from] anyhow::Error),
}

impl Guard {
    /// Looks once, brings back what is missing if that can be, and says whether the log is served.
    pub(crate) async fn look(&self) {
        let outcome = self.stands().await;
        let part = format!("log of {}", self.log.municipality());
        match outcome {
            Ok(()) => {
                if self.log.standing().refused().is_some() {
                    tracing::warn!(log = %self.log.municipality(), "the log is whole again: it is served");
                }
                self.log.standing().set(None);
                self.health.ready(&part);
            }
            Err(refused) => {
                let why = format!("{refused:#}");
                if self.log.standing().refused().as_ref() != Some(&why) {
                    tracing::error!(log = %self.log.municipality(), "nobody is served: {why}");
                }
                self.health.not_ready(part, why.clone());
                self.log.standing().set(Some(why));
            }
        }
    }

    /// Looks again whenever somebody doubts, and until a log that is not served is whole.
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        loop {
            let standing = &self.log.standing().0;
            if self.log.standing().refused().is_some() {
                sleep(AGAIN).await;
            } else {
                tokio::select! {
                    () = standing.doubt.notified() => {}
                    () = sleep(FORGET_AGAIN) => {
                        if standing.must_forget.load(Ordering::Acquire) {
                            erasing::forget(&self.log).await;
                        }
                        continue;
                    }
                }
            }
            self.look().await;
        }
    }

    async fn stands(&self) -> Result<(), Refused> {
        let acknowledged = self.log.newest_known();
        let told = self.told().await;
        let signed = self.signed().await?;
        // Read after both: what was signed or told was committed before.
        let head = self.log.head().await.map_err(anyhow::Error::from)?.position;
        let needed = signed.as_ref().map_or(0, |it| it.size);
        let needed = needed.max(told.as_ref().map_or(0, |it| it.last));
        if head < needed {
            let back = self.recover(head, signed.as_ref(), told.as_ref()).await?;
            tracing::warn!(log = %self.log.municipality(), position = back, "the log ended at {head}: what was missing is back from NATS, up to {back}");
        }
        if let Some(signed) = signed {
            let edge = edge_at(self.log.store(), signed.size).await;
            if edge.map_err(anyhow::Error::from)?.root() != signed.root {
                let size = signed.size;
                return Err(Refused::Because(format!(
                    "the log's first {size} events are not those that were signed as {}. What it was comes back by `cozum restore` into \
                     an empty store; where nobody has it, `--declare-fork` says so",
                    signed.origin
                )));
            }
        }
        if let Some(told) = told {
            told.is_of(&self.log).await?;
        }
        let end = self.log.head().await.map_err(anyhow::Error::from)?.position;
        if end < acknowledged {
            return Err(Refused::Because(format!(
                "the log ends at {end}, but {acknowledged} events were acknowledged: the store fell back. `cozum restore --recover` \
                 brings it forward from a newer backup; where nobody has what is missing, `--declare-fork` says so"
            )));
        }
        // What was ordered and not done, and what came back with a backup.
        Ok(erasing::carry_out(&self.log)
            .await
            .context("what was ordered to be erased is not")?)
    }

    /// What was signed last, by the signer's memory or by the store. What does not open says nothing: the signer tells of that.
    async fn signed(&self) -> Result<Option<Checkpoint>, Refused> {
        let remembered = self.memory.recall().await.map_err(anyhow::Error::from)?;
        let stored = self.log.store().latest_checkpoint().await;
        let stored = stored.map_err(anyhow::Error::from)?.map(|it| it.note);
        let opened = |note: String| -> Option<Checkpoint> {
            let key = self.seed.key(note.lines().next()?).ok()?;
            key.open(&note).ok()?.parse().ok()
        };
        let both = remembered.into_iter().chain(stored);
        Ok(both.filter_map(opened).max_by_key(|it| it.size))
    }

    /// What JetStream holds of the log; `None` where it cannot be asked.
    async fn told(&self) -> Option<Told> {
        let client = self.nats.as_ref()?;
        if client.connection_state() != State::Connected {
            return None;
        }
        Told::ask(client, &self.log).await
    }

    /// Brings back what is missing, up to the last message.
    async fn recover(
        &self,
        head: u64,
        signed: Option<&Checkpoint>,
        told: Option<&Told>,
    ) -> Result<u64, Refused> {
        let missing = recovery::Missing {
            log: &self.log,
            head,
            signed,
            seal: Seal::of(&self.seed),
            clock: &self.clock,
        };
        missing.fetch(told).await
    }
}
