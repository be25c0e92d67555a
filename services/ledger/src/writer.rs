//! Group commit: while one batch is flushed, the next one gathers. No timer: the last commit's duration is the window.

use std::{future::Future, time::Duration};

use chassis::{Clock, telemetry};
use tokio::{
    sync::{mpsc, oneshot},
    task::yield_now,
    time::{Instant, sleep},
};
use tracing::Instrument as _;

use crate::{
    decision::{self, Verdict},
    metrics::Metrics,
    recent::Recent,
    request::Prepared,
    store::{Asked, Batch, Head, Known, PATIENCE, Start, Store, StoreError, in_time},
    tail::Tail,
};

/// After so long without a request the store may rest.
const IDLE: Duration = Duration::from_millis(100);
/// Requests, events and bytes of one batch.
const REQUESTS: usize = 512;
const EVENTS: usize = 4_096;
const BYTES: usize = 1 << 20;
/// After so many lost races the head is locked, so that a busy neighbour cannot starve this writer.
const RACES: u32 = 3;

/// A request that waits for its answer.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) request: Prepared,
    pub(crate) answer: oneshot::Sender<Result<Verdict, StoreFailure>>,
}

/// Why the writer could not settle a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreFailure {
    /// The store stayed away; whether the events are recorded is not known.
    Away,
    /// The store refuses this request, and would again.
    Refused,
    /// The head row is not at the newest event.
    Torn { head: Head, newest: Head },
}

impl StoreFailure {
    pub(crate) fn of(error: &StoreError) -> Self {
        match *error {
            StoreError::Away(_) | StoreError::Silent | StoreError::FellBack { .. } => Self::Away,
            StoreError::Refused(_) => Self::Refused,
            StoreError::Torn { head, newest } => Self::Torn { head, newest },
        }
    }
}

/// The one task that appends to a log from this process. Others, elsewhere, may do so too: the head row decides.
pub(crate) struct Writer {
    pub(crate) log: String,
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) tail: Tail,
    pub(crate) metrics: Metrics,
    pub(crate) queue: mpsc::Receiver<Pending>,
    /// What the last commits left.
    pub(crate) recent: Recent,
}

impl Writer {
    /// Settles requests until `end`, and then those that wait already.
    pub(crate) async fn run(mut self, end: impl Future<Output = ()>) {
        let mut end = std::pin::pin!(end);
        let (mut ending, mut resting) = (false, true);
        loop {
            let first = tokio::select! {
                biased;
                first = self.queue.recv() => first,
                () = sleep(IDLE), if !resting => {
                    self.store.rest();
                    resting = true;
                    continue;
                }
                () = &mut end, if !ending => {
                    ending = true;
                    self.queue.close();
                    continue;
                }
            };
            let Some(first) = first else { return };
            // Who is about to ask may do so first: what is ready to run joins this batch instead of waiting for the next.
            yield_now().await;
            let batch = self.gather(first);
            self.settle(batch).await;
            resting = false;
        }
    }

    /// Takes what waits, up to a batch.
    fn gather(&mut self, first: Pending) -> Vec<Pending> {
        let (mut events, mut bytes) = (first.request.events, first.request.bytes);
        let mut batch = vec![first];
        while batch.len() < REQUESTS && events < EVENTS && bytes < BYTES {
            let Ok(next) = self.queue.try_recv() else {
                break;
            };
            events += next.request.events;
            bytes += next.request.bytes;
            batch.push(next);
        }
        batch
    }

    /// Answers every request of a batch. A batch that the store refuses is halved until the culprit stands alone.
    async fn settle(&mut self, batch: Vec<Pending>) {
        let mut parts = vec![batch];
        while let Some(mut part) = parts.pop() {
            match self.commit(&mut part).await {
                Ok(verdicts) => {
                    for (pending, verdict) in part.into_iter().zip(verdicts) {
                        // Whoever no longer listens asks again with the same command id.
                        let _ = pending.answer.send(Ok(verdict));
                    }
                }
                Err(StoreError::Refused(_)) if part.len() > 1 => {
                    let second = part.split_off(part.len() / 2);
                    parts.push(second);
                    parts.push(part);
                }
                Err(error) => {
                    let failure = StoreFailure::of(&error);
                    tracing::error!(log = self.log, error = %anyhow::Error::from(error), "cannot append");
                    for pending in part {
                        let _ = pending.answer.send(Err(failure));
                    }
                }
            }
        }
    }

    /// Decides and writes until it is certain what became of the requests. After a lost connection the head and the
    /// commands are read again: what was recorded after all is then found as a replay.
    async fn commit(&mut self, part: &mut [Pending]) -> Result<Vec<Verdict>, StoreError> {
        let deadline = Instant::now() + PATIENCE;
        let mut pause = Duration::from_millis(1);
        let mut races = 0;
        loop {
            let known = self.recent.known(part.iter().map(|it| &it.request));
            let is_guess = known.is_some();
            let asked = match known {
                Some(_) if races < RACES => Asked::default(),
                Some(_) | None => decision::asks(part.iter().map(|it| &it.request)),
            };
            let start = match (self.recent.take_head(), known) {
                _ if races >= RACES => Start::Locked,
                (_, Some(known)) => Start::Remembered(known),
                (Some(head), None) => Start::After(head),
                (None, None) => Start::Unknown,
            };
            let span = span_of(part);
            let is_read = matches!(start, Start::Unknown | Start::Locked);
            let committed = self.tail.newest();
            let decide = |known: Known| {
                // Others would never hear of what is recorded at positions that were taken already.
                if is_read && known.head.position < committed {
                    return (Batch::nothing(known.head), None);
                }
                let now = self.clock.micros().max(0).cast_unsigned();
                let requests = part.iter_mut().map(|it| &mut it.request);
                let (batch, verdicts) = decision::decide(&self.log, requests, known, now);
                (batch, Some(verdicts))
            };
            let attempt = self.store.commit(start, &asked, decide);
            match in_time(attempt).instrument(span).await {
                Ok(Some((batch, Some(verdicts)))) => {
                    self.committed(batch);
                    return Ok(verdicts);
                }
                Ok(Some((Batch { after: head, .. }, None))) => {
                    self.tail.doubt();
                    return Err(StoreError::FellBack { head, committed });
                }
                Ok(None) => races += 1,
                Err(StoreError::Refused(_)) if is_guess => self.recent.was_wrong(),
                Err(error) if error.is_passing() && Instant::now() + pause < deadline => {
                    tracing::warn!(log = self.log, error = %anyhow::Error::from(error), "append is repeated");
                    sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_millis(500));
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn committed(&mut self, batch: Batch) {
        self.recent.committed(&batch);
        if !batch.events.is_empty() {
            self.metrics
                .committed(batch.commands.len(), batch.events.len());
            self.tail.offer(batch.events);
        }
    }
}

/// One commit serves many callers: its span belongs to the first one's trace and is linked to the others'.
fn span_of(part: &[Pending]) -> tracing::Span {
    let span =
        tracing::debug_span!(target: telemetry::WATCHED, "ledger.commit", requests = part.len());
    let mut traces = part.iter().map(|it| it.request.traceparent.as_str());
    telemetry::continue_trace(&span, traces.next().unwrap_or_default());
    span
}
