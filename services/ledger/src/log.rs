//! One municipality's log, as the gRPC service and the relay use it.

use std::{future::Future, sync::Arc, time::Duration};

use chassis::{Clock, Invalid, telemetry};
use contracts::ledger::v1::{AppendReply, AppendRequest, Event, ReadStreamReply};
use tokio::sync::{mpsc, mpsc::error::TrySendError, oneshot, watch};
use tracing::Instrument as _;
use uuid::Uuid;
use vocabulary::Municipality;

use crate::{
    decision::Verdict,
    metrics::Metrics,
    recent::Recent,
    request::{self, Prepared, Unfit},
    standing::Standing,
    store::{Head, Lease, Shelf, Store, StoreError, random},
    tail::{Follower, Tail},
    writer::{Pending, StoreFailure, Writer},
};

/// How long a lease lasts.
pub const LEASE: Duration = Duration::from_secs(5);
/// Events in one page.
pub const PAGE: u64 = 1_000;

/// Why the log did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The request cannot be appended, whatever the log holds.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// A stream is not where its writer thought.
    #[error("stream {stream} is at version {actual}, not {expected}")]
    Stale {
        /// Which stream.
        stream: String,
        /// Where its writer thought it was.
        expected: u64,
        /// Where it is.
        actual: u64,
    },
    /// The command id was used for something else.
    #[error("the command id was used before with another fingerprint")]
    Reused,
    /// Too many appends wait already.
    #[error("too many appends wait already")]
    Full,
    /// The lease was taken over.
    #[error("the lease was taken over")]
    LeaseLost,
    /// The store is away; what became of an append is not known.
    #[error("the store is away")]
    Away,
    /// The store refused.
    #[error("the store refused")]
    Refused,
    /// Something that was signed or told is not in the log: nobody is served until it is back.
    #[error("the log is not served: {why}")]
    NotWhole {
        /// What is missing, or is another.
        why: String,
    },
    /// The head row is not at the newest event: somebody laid hands on the log.
    #[error("the head row is at {head}, the newest event at {newest}")]
    Torn {
        /// Where the head row says that the log ends.
        head: Head,
        /// Where it ends.
        newest: Head,
    },
}

impl From<Invalid> for LogError {
    fn from(invalid: Invalid) -> Self {
        Self::Unfit(Unfit::Invalid(invalid))
    }
}

impl From<StoreError> for LogError {
    fn from(error: StoreError) -> Self {
        let failure = StoreFailure::of(&error);
        tracing::error!(error = %anyhow::Error::from(error), "the ledger's store");
        failure.into()
    }
}

impl From<StoreFailure> for LogError {
    fn from(failure: StoreFailure) -> Self {
        match failure {
            StoreFailure::Away => Self::Away,
            StoreFailure::Refused => Self::Refused,
            StoreFailure::Torn { head, newest } => Self::Torn { head, newest },
        }
    }
}

/// The append-only log of one municipality.
#[derive(Debug, Clone)]
pub struct Log {
    municipality: Municipality,
    store: Store,
    tail: Tail,
    queue: mpsc::Sender<Pending>,
    clock: Clock,
    metrics: Metrics,
    standing: Standing,
}

/// The work behind a log; somebody must run it.
#[must_use]
pub struct Upkeep {
    writer: Writer,
    tail: Tail,
    store: Store,
}

impl Upkeep {
    /// Writes what is asked to be appended and keeps the tail fresh, until `end`; what waits then is still written.
    pub async fn run(self, end: impl Future<Output = ()>) {
        tokio::select! {
            () = self.writer.run(end) => {}
            () = self.tail.keep_up(&self.store) => {}
        }
    }
}

impl Log {
    /// Opens a municipality's log, makes it where it is missing; `queue` appends may wait.
    pub async fn open(
        shelf: &Shelf,
        municipality: &Municipality,
        clock: Clock,
        queue: usize,
    ) -> Result<(Self, Upkeep), StoreError> {
        let store = shelf.log(municipality, random(), clock.micros()).await?;
        let head = store.head().await?;
        let standing = Standing::default();
        let tail = Tail::after(head.position, standing.clone());
        let metrics = Metrics::new(municipality.as_str());
        let (sender, receiver) = mpsc::channel(queue);
        let writer = Writer {
            log: municipality.to_string(),
            store: store.clone(),
            clock: clock.clone(),
            tail: tail.clone(),
            metrics: metrics.clone(),
            queue: receiver,
            recent: Recent::default(),
        };
        let upkeep = Upkeep {
            writer,
            tail: tail.clone(),
            store: store.clone(),
        };
        let log = Self {
            municipality: municipality.clone(),
            store,
            tail,
            queue: sender,
            clock,
            metrics,
            standing,
        };
        Ok((log, upkeep))
    }

    /// Whose log this is.
    #[must_use]
    pub fn municipality(&self) -> &Municipality {
        &self.municipality
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Refuses while the log is not all of what was signed and told.
    pub(crate) fn served(&self) -> Result<(), LogError> {
        self.standing
            .refused()
            .map_or(Ok(()), |why| Err(LogError::NotWhole { why }))
    }

    /// Whether the log is served, as far as somebody looks.
    pub(crate) fn standing(&self) -> &Standing {
        &self.standing
    }

    /// How long ago something was recorded.
    pub(crate) fn age(&self, recorded_at: u64) -> Duration {
        let now = self.clock.micros().max(0).cast_unsigned();
        Duration::from_micros(now.saturating_sub(recorded_at))
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Appends, all or nothing, and returns when it is durable. `service` is who asks, where that is known. What was recorded comes
    /// back only where it was so before.
    pub async fn append(
        &self,
        request: AppendRequest,
        service: Option<&str>,
    ) -> Result<AppendReply, LogError> {
        let request = Prepared::new(request, service, self.store.command_key())?;
        let span = tracing::debug_span!(target: telemetry::WATCHED, "ledger.append", events = request.events);
        telemetry::continue_trace(&span, &request.traceparent);
        self.append_prepared(request).instrument(span).await
    }

    async fn append_prepared(&self, request: Prepared) -> Result<AppendReply, LogError> {
        let mark = request.mark();
        let (answer, answered) = oneshot::channel();
        match self.queue.try_send(Pending { request, answer }) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                self.metrics.queue_was_full();
                return Err(LogError::Full);
            }
            Err(TrySendError::Closed(_)) => return Err(LogError::Away),
        }
        match answered.await.map_err(|_| LogError::Away)?? {
            Verdict::Append {
                first,
                last,
                recorded_at,
            } => Ok(AppendReply {
                first_position: first,
                last_position: last,
                recorded_at,
                ..AppendReply::default()
            }),
            Verdict::Replay { first, last } => {
                let mut reply = replay(self.span(first, last).await?);
                // Found after a lost connection, but it is this very request that recorded it.
                if reply.events.first().is_some_and(|it| it.salt == mark) {
                    reply.replayed = false;
                    reply.events.clear();
                }
                Ok(reply)
            }
            Verdict::Stale {
                stream,
                expected,
                actual,
            } => Err(LogError::Stale {
                stream,
                expected,
                actual,
            }),
            Verdict::Reused => Err(LogError::Reused),
        }
    }

    async fn span(&self, first: u64, last: u64) -> Result<Vec<Event>, LogError> {
        if let Some(events) = self.tail.between(first, last) {
            return Ok(events.into_iter().map(Arc::unwrap_or_clone).collect());
        }
        Ok(self.store.read(first - 1, last + 1 - first).await?)
    }

    /// All events of a stream; and what a command recorded, if it is known already.
    pub async fn read_stream(
        &self,
        stream: &str,
        command: Option<(Uuid, &[u8])>,
    ) -> Result<ReadStreamReply, LogError> {
        request::name("stream", stream)?;
        let mut recorded = None;
        if let Some((id, fingerprint)) = command {
            let fingerprint = request::keyed(self.store.command_key(), fingerprint)?;
            if let Some(known) = self.store.command(id).await? {
                if !known.is_of(fingerprint) {
                    return Err(LogError::Reused);
                }
                recorded = Some(replay(self.span(known.first, known.last).await?));
            }
        }
        Ok(ReadStreamReply {
            events: self.store.stream(stream).await?,
            recorded,
        })
    }

    /// Everything that was recorded about a subject after a position, at most `limit`.
    pub async fn history(
        &self,
        subject: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Event>, LogError> {
        request::name("subject", subject)?;
        Ok(self
            .store
            .history(subject, within("after_position", after)?, page(limit))
            .await?)
    }

    /// The events after a position, at most `limit`.
    pub async fn read(&self, after: u64, limit: u32) -> Result<Vec<Event>, LogError> {
        Ok(self
            .store
            .read(within("after_position", after)?, page(limit))
            .await?)
    }

    /// The newest event.
    pub async fn head(&self) -> Result<Head, LogError> {
        Ok(self.store.head().await?)
    }

    /// The newest event of the log as it stood at a position.
    pub async fn cut_off_at(&self, position: u64) -> Result<Head, LogError> {
        let position = within("position", position)?;
        if position == 0 {
            return Ok(Head::default());
        }
        let recorded_at = self.store.recorded_at(position).await?;
        let recorded_at = recorded_at.ok_or(Invalid::at("position", "is not recorded yet"))?;
        Ok(Head {
            position,
            recorded_at,
        })
    }

    /// The newest event of the log as it stood at a time, in microseconds: times rise with positions, so it is halved for.
    pub async fn cut_off_by(&self, time: i64) -> Result<Head, LogError> {
        let newest = self.head().await?;
        let Ok(wanted) = u64::try_from(time) else {
            return Ok(Head::default());
        };
        if newest.recorded_at <= wanted {
            return if time <= self.clock.micros() || newest.recorded_at == wanted {
                Ok(newest)
            } else {
                Err(Invalid::at("time", "lies in the future").into())
            };
        }
        // What `found` stands at was recorded by then, what `beyond` stands at was not.
        let (mut found, mut beyond) = (Head::default(), newest.position);
        while beyond - found.position > 1 {
            let middle = self.cut_off_at(found.position.midpoint(beyond)).await?;
            if middle.recorded_at <= wanted {
                found = middle;
            } else {
                beyond = middle.position;
            }
        }
        Ok(found)
    }

    /// The newest position that was seen recorded here.
    pub(crate) fn newest_known(&self) -> u64 {
        self.tail.newest()
    }

    /// The newest position known here, and each that comes; what another replica appended comes a moment later.
    #[must_use]
    pub fn watch_head(&self) -> watch::Receiver<u64> {
        self.tail.watch()
    }

    /// The events after a position, and then each new one.
    #[must_use]
    pub fn follow(&self, after: u64) -> Follower {
        self.tail.follow(self.store.clone(), after)
    }

    /// Takes or renews a lease of five seconds.
    pub async fn acquire_lease(&self, name: &str, holder: &str) -> Result<Lease, LogError> {
        request::name("name", name)?;
        request::name("holder", holder)?;
        let now = self.clock.micros();
        let until = now.saturating_add(i64::try_from(LEASE.as_micros()).unwrap_or(i64::MAX));
        Ok(self.store.acquire_lease(name, holder, now, until).await?)
    }

    /// Gives a lease back.
    pub async fn release_lease(&self, name: &str, holder: &str) -> Result<(), LogError> {
        request::name("name", name)?;
        request::name("holder", holder)?;
        Ok(self.store.release_lease(name, holder).await?)
    }

    /// Keeps a reaction's position; refused for a holder whose lease was taken over.
    pub async fn save_checkpoint(
        &self,
        name: &str,
        epoch: u64,
        position: u64,
    ) -> Result<(), LogError> {
        request::name("name", name)?;
        let epoch = within("epoch", epoch)?;
        if position > self.tail.newest() && position > self.head().await?.position {
            return Err(Invalid::at("position", "is beyond the newest event").into());
        }
        if self.store.save_checkpoint(name, epoch, position).await? {
            Ok(())
        } else {
            Err(LogError::LeaseLost)
        }
    }
}

/// The answer to a command that was recorded before.
fn replay(events: Vec<Event>) -> AppendReply {
    AppendReply {
        first_position: events.first().map_or(0, |it| it.position),
        last_position: events.last().map_or(0, |it| it.position),
        recorded_at: events.last().map_or(0, |it| it.recorded_at),
        replayed: true,
        events,
    }
}

fn page(limit: u32) -> u64 {
    match u64::from(limit) {
        0 => PAGE,
        limit => limit.min(PAGE),
    }
}

/// The stores count in signed numbers.
fn within(field: &str, number: u64) -> Result<u64, Invalid> {
    i64::try_from(number)
        .map(|_| number)
        .map_err(|_| Invalid::at(field, "is out of range"))
}
