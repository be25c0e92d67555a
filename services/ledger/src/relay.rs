//! Tells NATS what the log holds. The log is the outbox, and the stream's own last sequence is the cursor: an event is
//! published with `Nats-Expected-Last-Sequence: position - 1`, so it is stored at its position or not at all, however many
//! relays run and whatever NATS forgot. No message id is sent: a duplicate id is acknowledged while nothing is stored.

pub(crate) mod place;
mod seal;

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, anyhow};
use async_nats::{
    Client, HeaderMap,
    header::{NATS_EXPECTED_LAST_SEQUENCE, NATS_EXPECTED_STREAM},
    jetstream::{self, context::ContextBuilder},
};
use chassis::{Clock, cloudevents, telemetry};
use contracts::ledger::v1::Event;
use tokio::time::{Instant, sleep};
use tracing::Instrument as _;
use uuid::Uuid;

pub use self::seal::Seal;
use crate::{erasing, log::Log, tail::Follower};

/// The oldest NATS server that keeps what it acknowledged through the faults that Jepsen found.
pub const OLDEST_SERVER: (u64, u64, u64) = (2, 12, 3);

const LEASE: &str = "ledger.relay";
/// Well within the five seconds of a lease.
const RENEW: Duration = Duration::from_millis(1_500);
/// Messages on their way.
const WINDOW: usize = 256;
const TIMEOUT: Duration = Duration::from_secs(5);
const FROZEN: Duration = Duration::from_secs(10);

/// Carries the events of one log to NATS.
#[derive(Debug)]
pub struct Relay {
    log: Log,
    client: Client,
    clock: Clock,
    holder: String,
    replicas: usize,
    seal: Seal,
    /// The highest position that NATS acknowledged to this relay.
    acknowledged: u64,
    /// The newest order to erase that the stream was held against.
    erased: u64,
}

/// Why a turn of relaying ended.
#[derive(Debug, thiserror::Error)]
enum Ended {
    /// Another replica relays.
    #[error("another replica has the lease")]
    Elsewhere,
    /// NATS is too old to be trusted.
    #[error("NATS server {found} is too old: {}.{}.{} or newer is needed", OLDEST_SERVER.0, OLDEST_SERVER.1, OLDEST_SERVER.2)]
    TooOld {
        /// Its version.
        found: String,
    },
    /// NATS holds what the log does not: the log was rolled back, or the stream belongs to another one.
    #[error("relaying stopped, somebody must look: {0}")]
    Frozen(String),
    /// NATS or the store is away, or a message went elsewhere: look again where the stream stands.
    #[error(transparent)]
    Interrupted(#[from] anyhow::Error),
}

/// Refuses a NATS server that is too old, naming both versions.
pub fn check_server(version: &str) -> anyhow::Result<()> {
    accept(version).map_err(|error| anyhow!(error))
}

fn accept(version: &str) -> Result<(), Ended> {
    let release = version.split(['-', '+']).next().unwrap_or_default();
    let mut numbers = release
        .split('.')
        .map(|it| it.parse::<u64>().unwrap_or_default());
    let mut next = || numbers.next().unwrap_or_default();
    if (next(), next(), next()) >= OLDEST_SERVER {
        Ok(())
    } else {
        Err(Ended::TooOld {
            found: version.to_owned(),
        })
    }
}

impl Relay {
    /// A relay of one log; `holder` names this process and start.
    #[must_use]
    pub fn new(
        log: Log,
        client: Client,
        clock: Clock,
        holder: Uuid,
        replicas: usize,
        seal: Seal,
    ) -> Self {
        Self {
            log,
            client,
            clock,
            holder: holder.to_string(),
            replicas,
            seal,
            acknowledged: 0,
            erased: 0,
        }
    }

    /// Relays for ever. Fails only when the first server it meets is too old.
    pub async fn run(mut self) -> anyhow::Result<()> {
        let log = self.log.municipality().clone();
        let mut pause = Duration::from_millis(100);
        loop {
            let started = Instant::now();
            let ended = match self.relay().await {
                Ok(never) => match never {},
                Err(ended) => ended,
            };
            if started.elapsed() > TIMEOUT {
                pause = Duration::from_millis(100);
            }
            match ended {
                Ended::Elsewhere => sleep(Duration::from_secs(1)).await,
                Ended::TooOld { .. } if self.acknowledged == 0 => return Err(anyhow!(ended)),
                Ended::TooOld { .. } | Ended::Frozen(_) => {
                    self.log.standing().doubt();
                    tracing::error!(%log, error = %ended, "the relay is frozen");
                    self.log.metrics().relay_is_frozen(true);
                    sleep(FROZEN).await;
                }
                Ended::Interrupted(error) => {
                    tracing::warn!(%log, error = format!("{error:#}"), "the relay looks again");
                    sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(2));
                }
            }
        }
    }

    /// Finds where the stream stands and carries on from there, until something is not as expected.
    async fn relay(&mut self) -> Result<std::convert::Infallible, Ended> {
        let mut renewed = self.renew().await?;
        let version = self
            .client
            .try_server_info()
            .map(|it| it.version)
            .context("NATS is not connected yet")?;
        accept(&version)?;
        let context = ContextBuilder::new()
            .timeout(TIMEOUT)
            .ack_timeout(TIMEOUT)
            .build(self.client.clone());
        let ordered = erasing::newest(&self.log).await;
        let ordered = ordered.map_err(anyhow::Error::from)?;
        if ordered > self.erased {
            // First in the log: what a stream lacks is read from there.
            erasing::carry_out(&self.log)
                .await
                .map_err(anyhow::Error::from)?;
            self.acknowledged = 0;
            self.erased = ordered;
        }
        let stream =
            place::find(&context, &self.log, &self.clock, self.replicas, self.erased).await?;
        let last = stream.cached_info().state.last_sequence;
        self.log.metrics().relay_is_frozen(false);
        if last < self.acknowledged {
            let lost = self.acknowledged - last;
            tracing::error!(log = %self.log.municipality(), position = last, "NATS lost {lost} messages after {last}");
            self.log.metrics().nats_lost(lost);
        }
        self.acknowledged = last;
        let mut follower = self.log.follow(last);
        loop {
            let events = follower.next().await.map_err(anyhow::Error::from)?;
            if renewed.elapsed() > RENEW {
                renewed = self.renew().await?;
            }
            if events.is_empty() {
                self.check_silence(&stream).await?;
            }
            let is_new =
                |it: &&Arc<Event>| it.position > self.erased && !erasing::ordered(it).is_empty();
            if let Some(order) = events.iter().find(is_new) {
                let position = order.position;
                return Err(anyhow!("what {position} erases leaves the stream first").into());
            }
            for window in events.chunks(WINDOW) {
                self.publish(&context, window).await?;
            }
            self.report(&follower);
        }
    }

    async fn renew(&self) -> Result<Instant, Ended> {
        let lease = self
            .log
            .acquire_lease(LEASE, &self.holder)
            .await
            .map_err(anyhow::Error::from)?;
        if lease.granted {
            Ok(Instant::now())
        } else {
            Err(Ended::Elsewhere)
        }
    }

    /// While nothing happens, NATS may still lose its tail.
    async fn check_silence(&self, stream: &jetstream::stream::Stream) -> Result<(), Ended> {
        let last = stream
            .get_info()
            .await
            .map_err(anyhow::Error::from)?
            .state
            .last_sequence;
        if last == self.acknowledged {
            return Ok(());
        }
        Err(anyhow!("the stream is at {last}, not {}", self.acknowledged).into())
    }

    /// Sends a window of events at once. Only the last is acknowledged: each is stored right behind the one before or not at
    /// all, so where the last one is, all are.
    async fn publish(
        &mut self,
        context: &jetstream::Context,
        window: &[Arc<Event>],
    ) -> Result<(), Ended> {
        let (Some((last, before)), Some(oldest)) = (window.split_last(), window.first()) else {
            return Ok(());
        };
        for event in before {
            let (subject, headers, body) = self.message(event);
            let sent = self
                .client
                .publish_with_headers(subject, headers, body.into());
            sent.instrument(span_of(event))
                .await
                .map_err(anyhow::Error::from)?;
        }
        let (subject, mut headers, body) = self.message(last);
        // One of a window is enough to notice that its subject leads elsewhere.
        let stream = cloudevents::stream_name(self.log.municipality());
        headers.insert(NATS_EXPECTED_STREAM, stream);
        let sent = context.publish_with_headers(subject, headers, body.into());
        let acknowledgement = sent.instrument(span_of(last)).await;
        let stored = acknowledgement
            .map_err(anyhow::Error::from)?
            .await
            .map_err(anyhow::Error::from)?;
        if stored.sequence != last.position || stored.duplicate {
            return Err(Ended::Frozen(format!(
                "NATS stored {} at {}",
                last.position, stored.sequence
            )));
        }
        self.acknowledged = last.position;
        let age = self.log.age(oldest.recorded_at);
        self.log.metrics().relayed_after(age);
        Ok(())
    }

    fn message(&self, event: &Event) -> (String, HeaderMap, Vec<u8>) {
        let municipality = self.log.municipality();
        let (mut headers, body) = cloudevents::to_message(municipality, event);
        let log = municipality.as_str();
        self.seal.put(&mut headers, log, &event.commitment);
        headers.insert(
            NATS_EXPECTED_LAST_SEQUENCE,
            (event.position - 1).to_string(),
        );
        let subject = cloudevents::subject(municipality, &event.r#type);
        (subject, headers, body)
    }

    fn report(&self, follower: &Follower) {
        self.log
            .metrics()
            .relayed_up_to(self.acknowledged, follower.head());
    }
}

fn span_of(event: &Event) -> tracing::Span {
    let span =
        tracing::debug_span!(target: telemetry::WATCHED, "ledger.relay", position = event.position);
    telemetry::continue_trace(&span, &event.traceparent);
    span
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_server_is_refused_with_both_versions() {
        for old in ["2.9.10", "2.12.2", "1.99.99", "2.12.2-RC.1", "", "x"] {
            assert!(check_server(old).is_err(), "{old}");
        }
        for new in ["2.12.3", "2.12.3-RC.1", "2.15.1", "3.0.0"] {
            assert!(check_server(new).is_ok(), "{new}");
        }
        let message = check_server("2.9.10").unwrap_err().to_string();
        assert_eq!(
            message,
            "NATS server 2.9.10 is too old: 2.12.3 or newer is needed"
        );
    }
}
