use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, anyhow, ensure};
use chassis::{
    Batch, Feed, Health, Ledger, Platform,
    event::{self, Undecodable},
    telemetry,
};
use contracts::ledger::v1::{Event, PersonalPartsErased};
use opentelemetry::metrics::{Counter, Gauge};
use sqlx::{Connection as _, SqliteConnection};
use tokio::{sync::watch, time::timeout};
use tracing::Instrument as _;
use transparency::Frontier;

use crate::{ReadModel, file, roots::Roots, snapshots};

/// A model this far behind the head is not ready to answer.
const READY_WITHIN: u64 = 1_000;

/// Events of one transaction, about, while a model catches up.
pub const GATHERED: usize = 8_192;
/// Events that are asked for at once.
const PAGE: u64 = 1_000;
/// How long a model that catches up waits for more events before it writes those that it has.
const AT_ONCE: Duration = Duration::from_millis(50);

/// What whoever reads the model is told of it.
pub(crate) struct Told {
    pub(crate) position: watch::Sender<u64>,
    /// Of which history the file is: rises when it is emptied.
    pub(crate) history: Arc<AtomicU64>,
}

pub(crate) struct Follower<M> {
    model: M,
    path: PathBuf,
    writer: SqliteConnection,
    at: Frontier,
    told: Told,
    roots: Roots,
    part: String,
    health: Health,
    lag: Gauge<u64>,
    anew: Counter<u64>,
    /// Whether the file has its indexes, as far as this process knows.
    is_indexed: bool,
    /// The write-ahead log still has what an order took out of the file.
    may_hold_erased: bool,
}

impl<M: ReadModel> Follower<M> {
    pub(crate) fn new(
        model: M,
        path: PathBuf,
        writer: SqliteConnection,
        at: Frontier,
        told: Told,
        part: String,
        health: Health,
    ) -> Self {
        let meter = opentelemetry::global::meter("cozum");
        let lag = meter
            .u64_gauge("cozum_projection_lag_events")
            .with_description("Events recorded and not yet in this read model")
            .build();
        let anew = meter
            .u64_counter("cozum_projection_folded_anew")
            .with_description("Read models that were a fold of another history than the signed one")
            .build();
        Self {
            model,
            path,
            writer,
            at,
            told,
            roots: Roots::new(),
            part,
            health,
            lag,
            anew,
            is_indexed: false,
            may_hold_erased: M::PERSONAL,
        }
    }

    /// Applies what the feed brings, for ever.
    pub(crate) async fn run(mut self, platform: Platform, ledger: Ledger) -> anyhow::Result<()> {
        let municipality = ledger.municipality();
        let mut feed = platform.feed(municipality, self.at.size());
        loop {
            let batch = gathered(&mut feed, self.at.size()).await;
            let (events, refused) = readable::<M>(&batch.events);
            if !events.is_empty() {
                match apply_batch(&self.model, &mut self.writer, &mut self.at, events).await {
                    Ok(()) => {
                        self.may_hold_erased |=
                            M::PERSONAL && events.iter().any(event::is::<PersonalPartsErased>);
                        self.tell();
                    }
                    Err(error) if Undecodable::is_behind(&error) => return self.stop(error).await,
                    Err(error) => return Err(error.context(format!("read model {}", self.part))),
                }
            }
            if let Some(refused) = refused {
                return self.stop(refused.into()).await;
            }
            if self.may_hold_erased {
                self.may_hold_erased = !file::flush(&mut self.writer).await?;
            }
            if self.roots.differ(&ledger, &self.at).await {
                if self.roots.are_of_a_fresh_file() {
                    return self.stop(anyhow!("the log is not what was signed")).await;
                }
                self.fold_anew().await?;
                platform.forget_head(municipality);
                feed = platform.feed(municipality, 0);
                continue;
            }
            let lag = batch.head.saturating_sub(self.at.size());
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

    fn tell(&self) {
        let position = self.at.size();
        self.told.position.send_replace(position);
    }

    /// Empties the file, which was folded from another history than the signed one; its snapshots go with it.
    async fn fold_anew(&mut self) -> anyhow::Result<()> {
        let Self { part, at, .. } = &*self;
        let position = at.size();
        tracing::error!(
            part,
            position,
            "{part} was folded from another history than the signed one: it is folded anew"
        );
        if !M::MAY_LAG {
            self.health.not_ready(part.clone(), "folding anew");
        }
        let label = telemetry::label("projection", part.clone());
        self.anew.add(1, &[label]);
        // Before the snapshots go: one that is being taken is then not kept.
        self.told.history.fetch_add(1, Ordering::AcqRel);
        file::reset::<M>(&mut self.writer).await?;
        snapshots::remove_all(&self.path).await?;
        self.at = Frontier::default();
        self.roots = Roots::of_a_fresh_file();
        self.is_indexed = false;
        self.told.history.fetch_add(1, Ordering::AcqRel);
        self.tell();
        Ok(())
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
    mut at: Frontier,
    until: u64,
) -> anyhow::Result<u64> {
    loop {
        let mut events: Vec<Event> = Vec::new();
        while events.len() < GATHERED {
            let after = events.last().map_or(at.size(), |it| it.position);
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
        if events.is_empty() {
            file::index::<M>(writer).await?;
            return Ok(at.size());
        }
        apply_batch(model, writer, &mut at, &events).await?;
    }
}

/// Applies the events that come next, in order, and moves the file on, in one transaction.
pub(crate) async fn apply_batch<M: ReadModel>(
    model: &M,
    writer: &mut SqliteConnection,
    at: &mut Frontier,
    events: &[Event],
) -> anyhow::Result<()> {
    if let (_, Some(refused)) = readable::<M>(events) {
        return Err(refused.into());
    }
    let mut after = at.clone();
    for event in events {
        let next = after.size() + 1;
        ensure!(
            event.position == next,
            "event {} is not the {next}th",
            event.position
        );
        after.push(transparency::leaf(&event.commitment));
    }
    // At once, so that nobody else who writes can come between what is read and what is written.
    let mut tx = writer.begin_with("begin immediate").await?;
    model.apply_all(&mut tx, events).await?;
    file::advance(&mut tx, at, &after).await?;
    tx.commit().await?;
    *at = after;
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
