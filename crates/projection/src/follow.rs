use std::time::Duration;

use anyhow::{Context as _, bail};
use chassis::{
    Batch, Feed, Health, Ledger,
    event::{self, Undecodable},
    telemetry,
};
use contracts::ledger::v1::Event;
use opentelemetry::metrics::Gauge;
use sqlx::{Connection as _, SqliteConnection};
use tokio::{sync::watch, time::timeout};
use tracing::Instrument as _;

use crate::{ReadModel, file};

/// A model this far behind the head is not ready to answer.
const READY_WITHIN: u64 = 1_000;

/// Events of one transaction, about, while a model catches up.
pub const GATHERED: usize = 8_192;
/// Events that are asked for at once.
const PAGE: u64 = 1_000;
/// How long a model that catches up waits for more events before it writes those that it has.
const AT_ONCE: Duration = Duration::from_millis(50);

pub(crate) struct Follower<M> {
    model: M,
    writer: SqliteConnection,
    position: watch::Sender<u64>,
    part: String,
    health: Health,
    lag: Gauge<u64>,
    /// Whether the file has its indexes, as far as this process knows.
    is_indexed: bool,
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
            is_indexed: false,
        }
    }

    /// Applies what the feed brings, for ever.
    pub(crate) async fn run(mut self, mut feed: Feed) -> anyhow::Result<()> {
        loop {
            let before = *self.position.borrow();
            let batch = gathered(&mut feed, before).await;
            let (events, refused) = readable::<M>(&batch.events);
            if let Some(last) = events.last() {
                let applied = apply_batch(&self.model, &mut self.writer, before, events).await;
                match applied {
                    Ok(()) => drop(self.position.send_replace(last.position)),
                    Err(error) if Undecodable::is_behind(&error) => return self.stop(error).await,
                    Err(error) => return Err(error.context(format!("read model {}", self.part))),
                }
            }
            if let Some(refused) = refused {
                return self.stop(refused.into()).await;
            }
            let lag = batch.head.saturating_sub(*self.position.borrow());
            self.lag
                .record(lag, &[telemetry::label("projection", self.part.clone())]);
            // A head of 0 with nothing read may only mean that the ledger has not answered yet.
            if lag <= READY_WITHIN && (batch.head > 0 || feed.has_heard()) {
                if !std::mem::replace(&mut self.is_indexed, true) {
                    file::index::<M>(&mut self.writer).await?;
                }
                self.health.ready(&self.part);
            }
        }
    }

    /// Stays where it is until the process is another one: what was folded is still shown to whoever asks, but the process is
    /// not ready.
    async fn stop(self, error: anyhow::Error) -> anyhow::Result<()> {
        self.health.stopped(&self.part, &error);
        std::future::pending().await
    }
}

/// The events up to the first that the model hears and that this build cannot read.
fn readable<M: ReadModel>(events: &[Event]) -> (&[Event], Option<Undecodable>) {
    for (at, event) in events.iter().enumerate() {
        if hears::<M>(event)
            && let Err(refused) = event::readable(event)
        {
            return (&events[..at], Some(refused));
        }
    }
    (events, None)
}

fn hears<M: ReadModel + ?Sized>(event: &Event) -> bool {
    M::HEARS.iter().any(|begin| event.r#type.starts_with(begin))
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

/// Folds the log from where a file stands up to a position, or to its end; says how far it came.
pub(crate) async fn fold<M: ReadModel>(
    ledger: &Ledger,
    model: &M,
    writer: &mut SqliteConnection,
    mut at: u64,
    until: u64,
) -> anyhow::Result<u64> {
    loop {
        let mut events: Vec<Event> = Vec::new();
        while events.len() < GATHERED {
            let after = events.last().map_or(at, |it| it.position);
            let limit = u32::try_from(PAGE.min(until.saturating_sub(after)))?;
            if limit == 0 {
                break;
            }
            let page = ledger.read(after, limit).await?;
            if page.is_empty() {
                break;
            }
            events.extend(page);
        }
        let Some(last) = events.last().map(|it| it.position) else {
            file::index::<M>(writer).await?;
            return Ok(at);
        };
        apply_batch(model, writer, at, &events).await?;
        at = last;
    }
}

/// Applies events in order and moves the position, in one transaction.
pub(crate) async fn apply_batch<M: ReadModel>(
    model: &M,
    writer: &mut SqliteConnection,
    before: u64,
    events: &[Event],
) -> anyhow::Result<()> {
    if let (_, Some(refused)) = readable::<M>(events) {
        return Err(refused.into());
    }
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
    for event in events.iter().filter(|it| hears::<M>(it)) {
        traced::<M>(event, model.apply(tx, event)).await?;
    }
    Ok(())
}

/// Runs what an event does to a model under the trace that the event belongs to; a failure names the event.
pub async fn traced<M: ReadModel + ?Sized>(
    event: &Event,
    change: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let span = tracing::debug_span!(
        target: telemetry::WATCHED,
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
