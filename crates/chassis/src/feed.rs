//! Every event of a municipality, in order, without a hole, whatever is lost on the way.
//!
//! With NATS a feed catches up from the ledger, then reads JetStream. Positions are dense, so a hole shows by arithmetic and
//! is read from the ledger. A lost *last* message leaves no hole: so the ledger also tells each role its head, and the feed
//! compares itself with that at every tick, even when all is silent. Without NATS it follows the ledger.

use std::{pin::Pin, time::Duration};

use async_nats::jetstream::{
    self,
    consumer::{DeliverPolicy, pull::OrderedConfig},
};
use contracts::ledger::v1::{Event, FollowReply};
use futures::{Stream, StreamExt as _, future::BoxFuture};
use opentelemetry::metrics::Counter;
use tokio::{
    sync::watch,
    time::{Interval, MissedTickBehavior, timeout},
};
use tonic::Streaming;
use vocabulary::Municipality;

use crate::{Ledger, cloudevents, event::commitment, telemetry::label};

/// What is not here two ticks after the ledger has told of it was lost; with the ledger's own delay that is within a second.
const TICK: Duration = Duration::from_millis(400);
/// How long JetStream may take to open a consumer.
const SUBSCRIBE: Duration = Duration::from_secs(2);
/// Events per batch.
const BATCH: usize = 512;
/// A subscription that had to be helped this often in a row is stuck, and is made anew.
const PATIENCE: u32 = 3;

/// Where events come from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    Ledger,
    /// JetStream, and the log's head as the ledger tells it.
    Nats(async_nats::Client, watch::Receiver<Option<u64>>),
}

/// Events in order, and the newest position known.
#[derive(Debug, Default)]
pub struct Batch {
    /// May be empty: nothing new, but `head` is fresh.
    pub events: Vec<Event>,
    /// The newest position the ledger is known to have.
    pub head: u64,
}

type Chunks = Pin<Box<dyn Stream<Item = Vec<Option<Event>>> + Send>>;

/// A reader of one municipality's log, from one position on.
pub struct Feed {
    source: Source,
    ledger: Ledger,
    after: u64,
    head: u64,
    heard: bool,
    following: Option<Streaming<FollowReply>>,
    subscribed: Option<Chunks>,
    tick: Interval,
    head_a_tick_ago: u64,
    helped: u32,
    /// A subscription broke and there is no new one yet: what is read meanwhile did not come by JetStream.
    broken: bool,
    healed: Counter<u64>,
    forged: Counter<u64>,
}

impl Feed {
    pub(crate) fn new(source: Source, ledger: Ledger, after: u64) -> Self {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let meter = opentelemetry::global::meter("cozum");
        let healed = meter
            .u64_counter("cozum_feed_healed_events")
            .with_description(
                "Events that JetStream did not deliver and that were read from the ledger",
            )
            .build();
        let forged = meter
            .u64_counter("cozum_feed_forged_messages")
            .with_description("Messages of JetStream that are not what they say was recorded")
            .build();
        Self {
            source,
            ledger,
            after,
            head: 0,
            heard: false,
            following: None,
            subscribed: None,
            tick,
            head_a_tick_ago: 0,
            helped: 0,
            broken: false,
            healed,
            forged,
        }
    }

    /// The next events; waits for them, at most about a second. Failures are waited out: it always comes back.
    ///
    /// Dropping the future loses nothing: what was not returned is read again.
    #[expect(
        clippy::should_implement_trait,
        reason = "what a feed gives is a future, and it never ends"
    )]
    pub fn next(&mut self) -> BoxFuture<'_, Batch> {
        Box::pin(self.next_batch())
    }

    async fn next_batch(&mut self) -> Batch {
        let events = match self.source.clone() {
            Source::Ledger => self.next_of_ledger().await,
            Source::Nats(client, head) => self.next_of_nats(&client, head).await,
        };
        if let Some(last) = events.last() {
            self.after = last.position;
        }
        self.head = self.head.max(self.after);
        Batch {
            events,
            head: self.head,
        }
    }

    /// Whether the ledger has answered at all.
    #[must_use]
    pub fn has_heard(&self) -> bool {
        self.heard
    }

    async fn next_of_ledger(&mut self) -> Vec<Event> {
        if self.following.is_none() {
            match self.ledger.follow(self.after).await {
                Ok(stream) => self.following = Some(stream),
                Err(status) => {
                    tracing::debug!(error = %status, "the ledger cannot be followed yet");
                    tokio::time::sleep(TICK).await;
                    return vec![];
                }
            }
        }
        let reply = match &mut self.following {
            Some(stream) => stream.message().await,
            None => return vec![],
        };
        match reply {
            Ok(Some(reply)) => {
                self.heard = true;
                self.head = self.head.max(reply.head);
                let after = self.after;
                let events: Vec<Event> = reply
                    .events
                    .into_iter()
                    .filter(|it| it.position > after)
                    .collect();
                if !is_dense(after, &events) {
                    tracing::error!(
                        position = after,
                        "the ledger's stream has a hole after {after}: reading anew"
                    );
                    self.following = None;
                    return vec![];
                }
                events
            }
            Ok(None) | Err(_) => {
                self.following = None;
                tokio::time::sleep(Duration::from_millis(100)).await;
                vec![]
            }
        }
    }

    async fn next_of_nats(
        &mut self,
        client: &async_nats::Client,
        mut told: watch::Receiver<Option<u64>>,
    ) -> Vec<Event> {
        if self.subscribed.is_none() {
            // Catch up first: JetStream keeps only the newest weeks. The head tells how far behind we are meanwhile.
            let answered = async { told.wait_for(Option::is_some).await.is_ok() };
            if !timeout(TICK, answered).await.unwrap_or_default() {
                return vec![];
            }
            self.head = self.head.max(told.borrow().unwrap_or_default());
            self.heard = true;
            let page = self.read_from_ledger().await;
            if !page.is_empty() {
                self.count_unless_caught_up(&page);
                return page;
            }
            self.subscribed =
                subscribe(client, &self.ledger, self.after, self.forged.clone()).await;
            self.broken &= self.subscribed.is_none();
        }
        let chunk = async {
            match &mut self.subscribed {
                Some(chunks) => chunks.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            chunk = chunk => match chunk {
                Some(chunk) => self.accept(chunk),
                None => {
                    self.has_broken();
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    vec![]
                }
            },
            _ = self.tick.tick() => {
                let head = told.borrow().unwrap_or_default();
                self.check_tail(head).await
            }
        }
    }

    /// Takes what JetStream delivered, up to the first hole; what is missing is read from the ledger next.
    fn accept(&mut self, chunk: Vec<Option<Event>>) -> Vec<Event> {
        let mut events: Vec<Event> = Vec::with_capacity(chunk.len());
        for item in chunk {
            let Some(event) = item else {
                self.has_broken();
                break;
            };
            let after = events.last().map_or(self.after, |it| it.position);
            if event.position > after + 1 {
                let missing = event.position - after - 1;
                tracing::warn!(
                    position = after,
                    "JetStream lost {missing} messages after {after}: reading the ledger"
                );
                self.count_healed("hole", missing);
                self.subscribed = None;
                break;
            }
            if event.position > after {
                events.push(event);
            }
        }
        if !events.is_empty() {
            self.helped = 0;
        }
        events
    }

    /// What the head was a tick ago should have arrived by now.
    async fn check_tail(&mut self, head: u64) -> Vec<Event> {
        self.head = self.head.max(head);
        let expected = std::mem::replace(&mut self.head_a_tick_ago, head);
        if self.after >= expected && self.subscribed.is_some() {
            return vec![];
        }
        let page = self.read_from_ledger().await;
        if self.subscribed.is_none() {
            self.count_unless_caught_up(&page);
        } else if !page.is_empty() {
            self.count_healed("tail", page.len() as u64);
            self.helped += 1;
            if self.helped >= PATIENCE {
                self.helped = 0;
                self.has_broken();
            }
        }
        page
    }

    async fn read_from_ledger(&mut self) -> Vec<Event> {
        match self.ledger.read(self.after, 1_000).await {
            Ok(events) if is_dense(self.after, &events) => {
                self.heard = true;
                self.head = self.head.max(events.last().map_or(0, |it| it.position));
                events
            }
            Ok(_) | Err(_) => vec![],
        }
    }

    fn has_broken(&mut self) {
        self.subscribed = None;
        self.broken = true;
    }

    /// What is read before the first subscription is catching up, and nothing was lost.
    fn count_unless_caught_up(&self, page: &[Event]) {
        if self.broken && !page.is_empty() {
            self.count_healed("broken", page.len() as u64);
        }
    }

    fn count_healed(&self, kind: &'static str, events: u64) {
        let municipality = self.ledger.municipality().as_str();
        self.healed.add(
            events,
            &[label("kind", kind), label("municipality", municipality)],
        );
    }
}

/// An ordered consumer from a position on: JetStream's sequence is the position. `None` in a chunk: the stream broke.
async fn subscribe(
    client: &async_nats::Client,
    ledger: &Ledger,
    after: u64,
    forged: Counter<u64>,
) -> Option<Chunks> {
    // While NATS is away the client queues what it is asked, and then blocks who asks.
    if client.connection_state() != async_nats::connection::State::Connected {
        return None;
    }
    let subscribing = subscribe_connected(client, ledger, after, forged);
    tokio::time::timeout(SUBSCRIBE, subscribing).await.ok()?
}

async fn subscribe_connected(
    client: &async_nats::Client,
    ledger: &Ledger,
    after: u64,
    forged: Counter<u64>,
) -> Option<Chunks> {
    let mut context = jetstream::new(client.clone());
    context.set_timeout(Duration::from_secs(2));
    let name = cloudevents::stream_name(ledger.municipality());
    let messages = async {
        let stream = context
            .get_stream(name)
            .await
            .map_err(|it| it.to_string())?;
        let config = OrderedConfig {
            deliver_policy: DeliverPolicy::ByStartSequence {
                start_sequence: after + 1,
            },
            ..OrderedConfig::default()
        };
        let consumer = stream
            .create_consumer(config)
            .await
            .map_err(|it| it.to_string())?;
        consumer.messages().await.map_err(|it| it.to_string())
    };
    match messages.await {
        Ok(messages) => {
            let log = ledger.municipality().clone();
            let events = messages.map(move |message| {
                let message = message
                    .inspect_err(|it| tracing::debug!(error = %it, "JetStream consumer"))
                    .ok()?;
                let event = cloudevents::from_message(message.headers.as_ref()?, &message.payload)
                    .inspect_err(|it| tracing::warn!(error = %it, "a message that is not ours"))
                    .ok()?;
                if is_recorded(&log, &event) {
                    return Some(event);
                }
                let position = event.position;
                tracing::error!(
                    position,
                    "JetStream holds what was not recorded at {position}"
                );
                forged.add(1, &[label("municipality", log.as_str())]);
                None
            });
            Some(Box::pin(events.ready_chunks(BATCH)))
        }
        Err(error) => {
            tracing::debug!(error, "JetStream cannot be read yet");
            None
        }
    }
}

/// Whether a message is the event that its commitment says, with all of it. One that is not is no news: the ledger is read.
fn is_recorded(log: &Municipality, event: &Event) -> bool {
    let is_whole = event.personal_hash.is_empty() || !event.personal_salt.is_empty();
    is_whole && commitment::holds(log.as_str(), event)
}

fn is_dense(after: u64, events: &[Event]) -> bool {
    events
        .iter()
        .zip(after + 1..)
        .all(|(event, position)| event.position == position)
}
