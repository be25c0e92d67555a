use std::time::Duration;

use anyhow::{Context as _, bail};
use chassis::{Batch, Feed, Health, telemetry};
use contracts::ledger::v1::Event;
use opentelemetry::metrics::Gauge;
use sqlx::{Connection as _, SqliteConnection};
use tokio::{sync::watch, time::timeout};
use tracing::Instrument as _;

use crate::ReadModel;

/// A model this far behind the head is not ready to answer.
const READY_WITHIN: u64 = 1_000;

/// Events of one transaction, about, while a model catches up.
pub const GATHERED: usize = 8_192;
/// How long a model that catches up waits for more events before it writes those that it has.
const AT_ONCE: Duration = Duration::from_millis(50);

pub(crate) struct Follower<M> {
    model: M,
    writer: SqliteConnection,
    position: watch::Sender<u64>,
    part: String,
    health: Health,
    lag: Gauge<u64>,
}

impl<M: ReadModel> Follower<M> {
    pub(crate) fn new(
        model: M,
        writer: SqliteConnection,
        position: watch::Sender<u64>,
        part: String,
        health: Health,
    ) -> Self {
        let lag = opentelemetry::global::meter("cozum")
            .u64_gauge("cozum_projection_lag_events")
            .with_description("Events recorded and not yet in this read model")
            .build();
        Self {
            model,
            writer,
            position,
            part,
            health,
            lag,
        }
    }

    /// Applies what the feed brings, for ever.
    pub(crate) async fn run(mut self, mut feed: Feed) -> anyhow::Result<()> {
        loop {
            let before = *self.position.borrow();
            let batch = gathered(&mut feed, before).await;
            if let Some(last) = batch.events.last() {
                let position = last.position;
                apply_batch(&self.model, &mut self.writer, before, &batch.events)
                    .await
                    .with_context(|| format!("read model {}", self.part))?;
                self.position.send_replace(position);
            }
            let lag = batch.head.saturating_sub(*self.position.borrow());
            self.lag
                .record(lag, &[telemetry::label("projection", self.part.clone())]);
            // A head of 0 with nothing read may only mean that the ledger has not answered yet.
            if lag <= READY_WITHIN && (batch.head > 0 || feed.has_heard()) {
                self.health.ready(&self.part);
            }
        }
    }
}

/// What the feed brings; far behind the head, as much as comes at once, for a row is then written once and not with each event.
async fn gathered(feed: &mut Feed, before: u64) -> Batch {
    let mut batch = feed.next().await;
    loop {
        let reached = batch.events.last().map_or(before, |it| it.position);
        let is_behind = batch.head.saturating_sub(reached) > READY_WITHIN;
        if !is_behind || batch.events.is_empty() || batch.events.len() >= GATHERED {
            return batch;
        }
        // Dropping the future loses nothing: the feed reads again what it has not given.
        match timeout(AT_ONCE, feed.next()).await {
            Ok(more) if !more.events.is_empty() => {
                batch.events.extend(more.events);
                batch.head = more.head;
            }
            Ok(_) | Err(_) => return batch,
        }
    }
}

/// Applies events in order and moves the position, in one transaction.
pub(crate) async fn apply_batch<M: ReadModel>(
    model: &M,
    writer: &mut SqliteConnection,
    before: u64,
    events: &[Event],
) -> anyhow::Result<()> {
    // At once, so that nobody else who writes can come between what is read and what is written.
    let mut tx = writer.begin_with("begin immediate").await?;
    model.apply_all(&mut tx, events).await?;
    let after = events.last().map_or(before, |it| it.position);
    let moved = sqlx::query("update projection_position set position = ? where position = ?")
        .bind(i64::try_from(after)?)
        .bind(i64::try_from(before)?)
        .execute(&mut *tx)
        .await?;
    if moved.rows_affected() != 1 {
        bail!("another process writes to this file");
    }
    tx.commit().await?;
    Ok(())
}

/// Applies the events that the model hears one by one, each under the trace it belongs to.
pub(crate) async fn apply_each<M: ReadModel + ?Sized>(
    model: &M,
    tx: &mut SqliteConnection,
    events: &[Event],
) -> anyhow::Result<()> {
    let is_heard = |it: &&Event| M::HEARS.iter().any(|begin| it.r#type.starts_with(begin));
    for event in events.iter().filter(is_heard) {
        traced::<M>(event, model.apply(tx, event)).await?;
    }
    Ok(())
}

/// Runs what an event does to a model under the trace that the event belongs to; a failure names the event.
pub async fn traced<M: ReadModel + ?Sized>(
    event: &Event,
    change: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let span = tracing::info_span!(
        "project",
        projection = M::NAME,
        event.position = event.position
    );
    telemetry::continue_trace(&span, &event.traceparent);
    change
        .instrument(span)
        .await
        .with_context(|| format!("event {} of type {}", event.position, event.r#type))
}
