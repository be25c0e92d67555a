//! Hears events and answers with commands, in one replica at a time.
//!
//! Streams run concurrently, each in order; the checkpoint is the position below which all is done. A repeated event
//! adds nothing, because `decide` is silent about what already happened. After five failures a stream is parked by an
//! event (`cozum parked list|retry`), and the others go on. An event of a newer build stops the whole reaction.

mod parking;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    future::Future,
    sync::Arc,
    time::Duration,
};

use contracts::ledger::v1::Event;
use futures::{
    StreamExt as _,
    stream::{self, FuturesUnordered},
};
use tokio::time::Instant;
use tracing::Instrument as _;
use vocabulary::Municipality;

use crate::{
    Ledger, Platform,
    event::{self, Undecodable},
    lease,
    lease::Lease,
    telemetry,
};
use parking::Parking;

/// How often an event is tried before its stream is parked.
const ATTEMPTS: u32 = 5;
/// Events in hand at once.
const IN_HAND: usize = 512;
/// How often the checkpoint is saved.
const SAVE: Duration = Duration::from_millis(500);

/// What a service does about events.
pub trait Reaction: Send + Sync + 'static {
    /// "<service>.<what>"; names the lease, the checkpoint and the parked streams.
    const NAME: &'static str;

    /// Whether this reaction has anything to do with an event.
    fn concerns(&self, event: &Event) -> bool;

    /// Acts on one event; may be called again for the same event, at any later time.
    fn handle(&self, event: &Event) -> impl Future<Output = anyhow::Result<()>> + Send;
}

/// Runs a reaction until the process stops.
pub async fn run<R: Reaction>(
    platform: Platform,
    municipality: Municipality,
    reaction: R,
) -> anyhow::Result<()> {
    let (under, whose, reaction) = (platform.clone(), municipality.clone(), Arc::new(reaction));
    lease::hold(platform, municipality, R::NAME, move |lease| {
        let (platform, municipality, reaction) =
            (under.clone(), whose.clone(), Arc::clone(&reaction));
        async move {
            let runner = Runner::start(platform, municipality, reaction, lease).await?;
            Box::pin(runner.run()).await
        }
    })
    .await
}

/// Events of one stream that wait for the one in hand.
type Waiting = BTreeMap<String, VecDeque<Event>>;

struct Runner<R> {
    platform: Platform,
    ledger: Ledger,
    reaction: Arc<R>,
    lease: Lease,
    parking: Parking,
    waiting: Waiting,
    /// Positions read but not done.
    open: BTreeSet<u64>,
    seen: u64,
    saved: u64,
    /// An event that this build cannot read: what came before it is finished, and then this ends.
    refused: Option<Undecodable>,
}

impl<R: Reaction> Runner<R> {
    async fn start(
        platform: Platform,
        municipality: Municipality,
        reaction: Arc<R>,
        lease: Lease,
    ) -> anyhow::Result<Self> {
        let ledger = platform.ledger(&municipality);
        let checkpoint = lease.checkpoint;
        let parking = Parking::load(&ledger, R::NAME, checkpoint).await?;
        Ok(Self {
            platform,
            ledger,
            reaction,
            lease,
            parking,
            waiting: Waiting::new(),
            open: BTreeSet::new(),
            seen: checkpoint,
            saved: checkpoint,
            refused: None,
        })
    }

    async fn run(mut self) -> anyhow::Result<()> {
        let feed = self.platform.feed(self.ledger.municipality(), self.seen);
        // A stream keeps a page that is being read while other branches run.
        let mut batches = std::pin::pin!(stream::unfold(feed, |mut feed| async {
            Some((feed.next().await, feed))
        }));
        let mut in_hand = FuturesUnordered::new();
        let mut save_at = Instant::now() + SAVE;
        loop {
            if self.open.is_empty()
                && let Some(refused) = self.refused.take()
            {
                self.save().await?;
                return Err(refused.into());
            }
            tokio::select! {
                Some(batch) = batches.next(), if self.refused.is_none() && self.open.len() < IN_HAND => {
                    for event in batch.events {
                        if let Err(refused) = event::readable(&event) {
                            self.refused = Some(refused);
                            break;
                        }
                        self.seen = event.position;
                        for event in self.admit(event).await? {
                            if let Some(event) = self.queue(event) {
                                in_hand.push(self.try_hard(event));
                            }
                        }
                    }
                }
                Some((event, outcome)) = in_hand.next(), if !in_hand.is_empty() => {
                    if let Err(error) = outcome {
                        self.parking.park(&self.ledger, R::NAME, &event, &error).await?;
                    }
                    self.open.remove(&event.position);
                    if let Some(next) = self.next_of(&event.stream) {
                        in_hand.push(self.try_hard(next));
                    }
                }
                () = tokio::time::sleep_until(save_at) => {
                    save_at = Instant::now() + SAVE;
                    self.save().await?;
                }
            }
        }
    }

    /// The events to work on now that this one has arrived.
    async fn admit(&mut self, event: Event) -> anyhow::Result<Vec<Event>> {
        if let Some((stream, from)) = self.parking.retried(R::NAME, &event)? {
            let events = self.ledger.read_stream(&stream).await?;
            let due = events
                .into_iter()
                .filter(|it| (from..=event.position).contains(&it.position));
            return Ok(due.filter(|it| self.reaction.concerns(it)).collect());
        }
        if !self.reaction.concerns(&event) || self.parking.holds(&event.stream) {
            return Ok(vec![]);
        }
        Ok(vec![event])
    }

    /// Takes an event in hand, or has it wait for an earlier one of its stream.
    fn queue(&mut self, event: Event) -> Option<Event> {
        self.open.insert(event.position);
        match self.waiting.get_mut(&event.stream) {
            Some(waiting) => {
                waiting.push_back(event);
                None
            }
            None => {
                self.waiting.insert(event.stream.clone(), VecDeque::new());
                Some(event)
            }
        }
    }

    /// The next event of a stream whose event in hand is done.
    fn next_of(&mut self, stream: &str) -> Option<Event> {
        if self.parking.holds(stream) {
            for event in self.waiting.remove(stream).unwrap_or_default() {
                self.open.remove(&event.position);
            }
            return None;
        }
        let next = self.waiting.get_mut(stream).and_then(VecDeque::pop_front);
        if next.is_none() {
            self.waiting.remove(stream);
        }
        next
    }

    /// Tries an event up to five times.
    fn try_hard(&self, event: Event) -> impl Future<Output = (Event, anyhow::Result<()>)> + use<R> {
        let reaction = Arc::clone(&self.reaction);
        async move {
            let mut pause = Duration::from_millis(100);
            for attempt in 1.. {
                let span = tracing::info_span!(
                    "react",
                    reaction = R::NAME,
                    event.r#type = event.r#type,
                    event.position = event.position
                );
                telemetry::continue_trace(&span, &event.traceparent);
                match reaction.handle(&event).instrument(span).await {
                    Ok(()) => break,
                    Err(error) if attempt >= ATTEMPTS => return (event, Err(error)),
                    Err(error) => {
                        tracing::warn!(
                            reaction = R::NAME,
                            event.position = event.position,
                            error = format!("{error:#}"),
                            "{} failed on event {}",
                            R::NAME,
                            event.position
                        );
                    }
                }
                tokio::time::sleep(pause).await;
                pause *= 4;
            }
            (event, Ok(()))
        }
    }

    /// Everything at or below this position is done.
    fn done(&self) -> u64 {
        self.open.first().map_or(self.seen, |it| it - 1)
    }

    async fn save(&mut self) -> anyhow::Result<()> {
        let done = self.done();
        if done > self.saved {
            self.lease.save(done).await?;
            self.saved = done;
        }
        Ok(())
    }
}

/// The position of the event that led to a command, as a command's cause.
#[must_use]
pub fn caused_by(
    event: &Event,
    command_id: uuid::Uuid,
    fingerprint: [u8; 32],
    actor: String,
) -> crate::Command {
    crate::Command {
        id: command_id,
        fingerprint,
        correlation_id: uuid::Uuid::from_slice(&event.correlation_id).unwrap_or_default(),
        causation_id: Some(event::event_id(event)),
        actor,
    }
}
