//! Grows the tree behind the appends and signs its state, twice a second where it grew. No append waits for it.
//!
//! **Invariant:** nothing is signed that does not go on from all that this signer, or the store, has signed before. A log that
//! was rolled back, rewritten or signed with another key is not signed again: somebody must look.

use std::{sync::Arc, time::Duration};

use chassis::Clock;
use contracts::ledger::v1::Event;
use tokio::time::{Instant, sleep};
use transparency::{Checkpoint, Edge, NotSigned, SigningKey};
use uuid::Uuid;

use super::{FullTile, Memory, Signed, SigningSeed, edge, grow};
use crate::log::Log;

const LEASE: &str = "ledger.signer";
/// Well within the five seconds of a lease.
const RENEW: Duration = Duration::from_millis(1_500);
/// From one signature to the next, at least; and how long entries are gathered for one, at most.
const RHYTHM: Duration = Duration::from_millis(400);
const FROZEN: Duration = Duration::from_secs(10);

/// Signs one log.
#[derive(Debug)]
pub struct Signer {
    /// What is signed.
    pub log: Log,
    /// With what.
    pub seed: SigningSeed,
    /// Under which name, where the log has none yet: the first one stays.
    pub origin: String,
    /// What was signed last.
    pub memory: Memory,
    /// When.
    pub clock: Clock,
    /// This process and start.
    pub holder: Uuid,
}

/// Why a turn of signing ended.
#[derive(Debug, thiserror::Error)]
enum Ended {
    /// Another replica signs.
    #[error("another replica has the lease")]
    Elsewhere,
    /// The log is not what was signed.
    #[error("signing stopped, somebody must look: {0}")]
    Frozen(String),
    /// The store or the disk is away.
    #[error(transparent)]
    Interrupted(#[from] anyhow::Error),
}

/// The tree as far as it has grown, and what it must not contradict.
struct Growing {
    key: SigningKey,
    edge: Edge,
    /// Tiles that became full since the last signature.
    full: Vec<FullTile>,
    /// When the first of the entries was recorded that are not signed yet.
    oldest: Option<u64>,
    /// The last size that was signed.
    signed: u64,
    /// Signed by this process before, but not in the store: the tree must pass through it.
    ahead: Option<Checkpoint>,
}

impl Signer {
    /// Signs for ever.
    pub async fn run(self) -> anyhow::Result<()> {
        let log = self.log.municipality().clone();
        let mut pause = Duration::from_millis(100);
        loop {
            let started = Instant::now();
            let ended = match self.turn().await {
                Ok(never) => match never {},
                Err(ended) => ended,
            };
            if started.elapsed() > FROZEN {
                pause = Duration::from_millis(100);
            }
            match ended {
                Ended::Elsewhere => sleep(Duration::from_secs(1)).await,
                Ended::Frozen(_) => {
                    self.log.standing().doubt();
                    tracing::error!(%log, error = %ended, "the log is not signed: {ended}");
                    self.log.metrics().signer_is_frozen(true);
                    sleep(FROZEN).await;
                }
                Ended::Interrupted(error) => {
                    tracing::warn!(%log, error = format!("{error:#}"), "the signer looks again");
                    sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(2));
                }
            }
        }
    }

    /// Finds what was signed and carries on from there, until something is not as expected.
    async fn turn(&self) -> Result<std::convert::Infallible, Ended> {
        let mut renewed = self.renew().await?;
        let mut growing = self.resume().await?;
        self.log.metrics().signer_is_frozen(false);
        let mut follower = self.log.follow(growing.edge.size());
        loop {
            let begun = Instant::now();
            loop {
                let events = follower.next().await.map_err(anyhow::Error::from)?;
                growing.push(&events)?;
                let caught_up = growing.edge.size() >= follower.head();
                if events.is_empty() || caught_up || begun.elapsed() > RHYTHM {
                    break;
                }
            }
            if renewed.elapsed() > RENEW {
                renewed = self.renew().await?;
            }
            if growing.is_due() {
                self.sign(&mut growing).await?;
                sleep(RHYTHM).await;
            }
            self.log
                .metrics()
                .signed_up_to(growing.signed, follower.head());
        }
    }

    async fn renew(&self) -> Result<Instant, Ended> {
        let holder = self.holder.to_string();
        let lease = self.log.acquire_lease(LEASE, &holder).await;
        if lease.map_err(anyhow::Error::from)?.granted {
            Ok(Instant::now())
        } else {
            Err(Ended::Elsewhere)
        }
    }

    /// Signs the tree as it is: first into the memory, then where others see it.
    async fn sign(&self, growing: &mut Growing) -> Result<(), Ended> {
        let checkpoint = Checkpoint {
            origin: growing.key.name().to_owned(),
            size: growing.edge.size(),
            root: growing.edge.root(),
        };
        let signed = Signed {
            size: checkpoint.size,
            note: growing.key.sign(&checkpoint.to_string()),
        };
        let remembered = self.memory.remember(&signed.note).await;
        remembered.map_err(anyhow::Error::from)?;
        let kept = self
            .log
            .store()
            .keep(
                &growing.full,
                std::slice::from_ref(&signed),
                self.clock.micros(),
            )
            .await;
        kept.map_err(anyhow::Error::from)?;
        growing.full.clear();
        growing.signed = signed.size;
        if let Some(oldest) = growing.oldest.take() {
            self.log.metrics().signed_after(self.log.age(oldest));
        }
        Ok(())
    }

    /// The tree as it was signed last, once it is certain that the log still is what was signed.
    async fn resume(&self) -> Result<Growing, Ended> {
        let stored = self.log.store().latest_checkpoint().await;
        let stored = stored.map_err(anyhow::Error::from)?;
        let remembered = self.memory.recall().await.map_err(anyhow::Error::from)?;
        let known = stored.as_ref().map(|it| &it.note).or(remembered.as_ref());
        let origin = match known.and_then(|it| it.lines().next()) {
            Some(origin) => {
                if origin != self.origin {
                    let (ours, theirs) = (&self.origin, origin);
                    tracing::warn!(
                        "the log stays {theirs}, under which it is signed already, not {ours}"
                    );
                }
                origin.to_owned()
            }
            None => self.origin.clone(),
        };
        let key = self.seed.key(&origin).map_err(|error| frozen(&error))?;
        let opened = |what, note: &String| open(&key, what, note);
        let stored = match &stored {
            Some(signed) => {
                let checkpoint = opened("the store", &signed.note)?;
                if checkpoint.size != signed.size {
                    let (size, other) = (signed.size, checkpoint.size);
                    return Err(Ended::Frozen(format!(
                        "the checkpoint kept for size {size} is one of {other}"
                    )));
                }
                Some(checkpoint)
            }
            None => None,
        };
        let remembered = remembered.map(|it| opened("the memory", &it)).transpose()?;

        let head = self.log.head().await.map_err(anyhow::Error::from)?.position;
        for signed in stored.iter().chain(&remembered) {
            if signed.size > head {
                return Err(Ended::Frozen(format!(
                    "the log ends at {head}, but {} was signed: it was rolled back",
                    signed.size
                )));
            }
        }
        let size = stored.as_ref().map_or(0, |it| it.size);
        let edge = self.edge(size).await?;
        let mut ahead = None;
        for signed in stored.into_iter().chain(remembered) {
            if signed.size > size {
                ahead = Some(signed);
            } else {
                let there = if signed.size == size {
                    edge.root()
                } else {
                    self.edge(signed.size).await?.root()
                };
                agree(&signed, there)?;
            }
        }
        Ok(Growing {
            key,
            edge,
            full: vec![],
            oldest: None,
            signed: size,
            ahead,
        })
    }

    /// The edge of the tree at a size that was signed, made of what is kept.
    async fn edge(&self, size: u64) -> Result<Edge, Ended> {
        let edge = edge(self.log.store(), size).await;
        Ok(edge.map_err(anyhow::Error::from)?)
    }
}

impl Growing {
    fn push(&mut self, events: &[Arc<Event>]) -> Result<(), Ended> {
        for event in events {
            if event.position != self.edge.size() + 1 {
                let at = event.position;
                return Err(Ended::Interrupted(anyhow::anyhow!(
                    "{at} does not follow {}",
                    self.edge.size()
                )));
            }
            self.oldest.get_or_insert(event.recorded_at);
            grow(&mut self.edge, &mut self.full, &event.commitment);
            if let Some(ahead) = self.ahead.take_if(|it| it.size == self.edge.size()) {
                agree(&ahead, self.edge.root())?;
            }
        }
        Ok(())
    }

    /// Whether there is something new, and nothing that the tree has yet to agree with.
    fn is_due(&self) -> bool {
        self.edge.size() > self.signed && self.ahead.is_none()
    }
}

fn frozen(error: &NotSigned) -> Ended {
    Ended::Frozen(format!("the signing key {error}"))
}

fn open(key: &SigningKey, what: &str, note: &str) -> Result<Checkpoint, Ended> {
    let text = key
        .open(note)
        .map_err(|error| Ended::Frozen(format!("the newest checkpoint in {what} {error}")))?;
    text.parse().map_err(|error: transparency::NoCheckpoint| {
        Ended::Frozen(format!("the newest checkpoint in {what} {error}"))
    })
}

fn agree(signed: &Checkpoint, root: transparency::Hash) -> Result<(), Ended> {
    if signed.root == root {
        return Ok(());
    }
    let size = signed.size;
    Err(Ended::Frozen(format!(
        "the log's first {size} events are not those that were signed"
    )))
}
