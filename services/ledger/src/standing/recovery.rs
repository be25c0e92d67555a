//! Fetches what a log lost from JetStream: once to check all of it, and again to write it.

use std::time::Duration;

use async_nats::{
    Client,
    jetstream::{
        context::ContextBuilder,
        message::StreamMessage,
        stream::{Info, Stream},
    },
};
use chassis::{Clock, cloudevents};
use contracts::ledger::v1::Event;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use transparency::{Checkpoint, leaf};

use super::Refused;
use crate::{
    log::Log,
    relay::{
        Seal,
        place::{is_left, is_of_now},
    },
    restore::{Gone, NotRestored, Restore, Returning, check},
    tree::edge_at,
};

const TIMEOUT: Duration = Duration::from_secs(2);
/// Messages that are asked for at once, and written at once.
const AT_ONCE: usize = 64;
const WINDOW: u64 = 256;

/// What JetStream says it holds of a log.
pub(super) struct Told {
    stream: Stream<Info>,
    first: u64,
    /// The position of the newest message it ever held.
    pub(super) last: u64,
    is_empty: bool,
}

impl Told {
    /// Asks; `None` where there is no stream, or no answer, or one of a history that was left.
    pub(super) async fn ask(client: &Client, log: &Log) -> Option<Self> {
        let context = ContextBuilder::new().timeout(TIMEOUT).build(client.clone());
        let name = cloudevents::stream_name(log.municipality());
        let stream = context.get_stream(name).await.ok()?;
        if !is_of_now(&stream) {
            return None;
        }
        if is_left(&stream, log).await.ok()? {
            return None;
        }
        let state = &stream.cached_info().state;
        let (first, last) = (state.first_sequence, state.last_sequence);
        let is_empty = state.messages == 0;
        Some(Self {
            stream,
            first,
            last,
            is_empty,
        })
    }

    /// Whether its newest message is the event that the log has there. A message that is gone proves nothing either way.
    pub(super) async fn is_of(&self, log: &Log) -> Result<(), Refused> {
        let last = self.last;
        if self.is_empty || last == 0 {
            return Ok(());
        }
        let Ok(message) = self.stream.get_raw_message(last).await else {
            return Ok(());
        };
        let recorded = log.read(last - 1, 1).await.map_err(anyhow::Error::from)?;
        let told = cloudevents::from_message(&message.headers, &message.payload).ok();
        let of = |it: &Event| (it.position, it.commitment.clone());
        let same = told.is_some() && recorded.first().map(of) == told.as_ref().map(of);
        if same {
            return Ok(());
        }
        Err(Refused::Because(format!(
            "NATS holds another event at {last} than the log"
        )))
    }

    async fn message(&self, position: u64) -> Result<StreamMessage, Refused> {
        let message = self.stream.get_raw_message(position).await;
        message.map_err(|_| wrong(position, "NATS does not give it"))
    }

    /// The events of these positions, with their messages' headers.
    async fn events(&self, from: u64, to: u64) -> Result<Vec<(StreamMessage, Event)>, Refused> {
        stream::iter(from..=to)
            .map(|position| async move {
                let message = self.message(position).await?;
                let event = cloudevents::from_message(&message.headers, &message.payload);
                let event = event.map_err(|it| wrong(position, &it.to_string()))?;
                Ok((message, event))
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await
    }
}

/// A log that ends before what was signed or told.
pub(super) struct Missing<'a> {
    pub(super) log: &'a Log,
    pub(super) head: u64,
    pub(super) signed: Option<&'a Checkpoint>,
    pub(super) seal: Seal,
    pub(super) clock: &'a Clock,
}

impl Missing<'_> {
    /// Brings all of it back; where the log ends then.
    pub(super) async fn fetch(&self, told: Option<&Told>) -> Result<u64, Refused> {
        let (head, signed) = (self.head, self.signed.map_or(0, |it| it.size));
        let because = |problem: String| {
            let short = if signed > head {
                format!(
                    "the log ends at {head}, but {signed} events were signed: it was rolled back"
                )
            } else {
                format!("the log ends at {head}, but NATS holds more: it was rolled back")
            };
            Refused::Because(format!(
                "{short}; {problem}. `cozum restore --recover` brings it forward from a newer backup; where nobody has what is missing, `--declare-fork` says so"
            ))
        };
        let told = told.ok_or_else(|| because("NATS cannot be asked for the rest".to_owned()))?;
        if told.is_empty || told.last < signed.max(head + 1) {
            let end = if told.is_empty { 0 } else { told.last };
            return Err(because(format!("NATS ends at {end}")));
        }
        if told.first > head + 1 {
            return Err(because(format!("NATS begins at {} only", told.first)));
        }
        let commitments = match self.checked(told).await {
            Ok(commitments) => commitments,
            Err(Refused::Because(problem)) => {
                return Err(because(format!("what NATS holds is not taken: {problem}")));
            }
            Err(unknown) => return Err(unknown),
        };
        self.write(told, &commitments).await?;
        Ok(told.last)
    }

    /// Checks every message before the first of them is written; the commitments to them.
    async fn checked(&self, told: &Told) -> Result<Vec<Vec<u8>>, Refused> {
        let log = self.log.municipality().as_str();
        let edge = edge_at(self.log.store(), self.head).await;
        let mut edge = edge.map_err(anyhow::Error::from)?;
        let mut commitments = vec![];
        let mut gone = Gone::default();
        let mut from = self.head + 1;
        while from <= told.last {
            let to = told.last.min(from + WINDOW - 1);
            for (message, event) in told.events(from, to).await? {
                let position = edge.size() + 1;
                check(log, position, &event).map_err(|it| wrong(position, it))?;
                edge.push(leaf(&event.commitment), |_, _| ());
                match self.signed {
                    Some(signed) if position == signed.size && edge.root() != signed.root => {
                        return Err(wrong(
                            position,
                            "the events up to here are not those that were signed",
                        ));
                    }
                    Some(signed) if position <= signed.size => {}
                    Some(_) | None => {
                        if !self.seal.holds(&message.headers, log, &event.commitment) {
                            return Err(wrong(
                                position,
                                "nobody signed it, and it lacks the ledger's seal",
                            ));
                        }
                    }
                }
                gone.pass(&event);
                commitments.push(event.commitment);
            }
            from = to + 1;
        }
        // The log's own orders lie before all of these.
        if let Some(position) = gone.unordered() {
            return Err(wrong(
                position,
                "its personal part is gone, and nobody ordered that",
            ));
        }
        Ok(commitments)
    }

    async fn write(&self, told: &Told, commitments: &[Vec<u8>]) -> Result<(), Refused> {
        let store = self.log.store().clone();
        let restore = Restore::of(store, self.log.municipality(), self.clock.clone(), false).await;
        let mut restore = restore.map_err(anyhow::Error::from)?;
        let mut from = self.head + 1;
        for window in commitments.chunks(usize::try_from(WINDOW).unwrap_or(1)) {
            let to = from + window.len() as u64 - 1;
            let events = told.events(from, to).await?;
            let same = events.iter().map(|it| &it.1.commitment).eq(window);
            if !same {
                return Err(wrong(from, "NATS gives another event than a moment before"));
            }
            let returning = events.into_iter().map(|(_, event)| Returning {
                event,
                fingerprint: None,
            });
            restore
                .bring(returning.collect())
                .await
                .map_err(not_restored)?;
            from = to + 1;
        }
        restore.keep(&[]).await.map_err(not_restored)
    }
}

fn not_restored(error: NotRestored) -> Refused {
    match error {
        NotRestored::Wrong { .. } => Refused::Because(error.to_string()),
        NotRestored::Store(error) => Refused::Unknown(error.into()),
    }
}

fn wrong(position: u64, problem: &str) -> Refused {
    Refused::Because(format!("position {position}: {problem}"))
}
