//! The newest events, kept in memory for everybody who follows: a hundred followers cost no more queries than one.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use contracts::ledger::v1::Event;
use tokio::{
    sync::{Notify, watch},
    time::{sleep, timeout_at},
};

use crate::{
    erasing,
    standing::Standing,
    store::{Store, StoreError},
};

/// What the tail holds at most.
const EVENTS: usize = 16_384;
const BYTES: usize = 32 << 20;
/// What a follower gets at once.
const BATCH: usize = 1_000;
const BATCH_BYTES: usize = 1 << 20;
/// How often the store is asked for what another replica appended: while somebody follows, and while nobody does.
const FOLLOWED: Duration = Duration::from_millis(100);
const ALONE: Duration = Duration::from_secs(1);
/// A follower hears something at least so often.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// The shared tail of a log.
#[derive(Debug, Clone)]
pub(crate) struct Tail {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    events: Mutex<Events>,
    newest: watch::Sender<u64>,
    behind: Notify,
    standing: Standing,
}

/// A run of events without a hole, up to `last`.
#[derive(Debug)]
struct Events {
    run: VecDeque<Arc<Event>>,
    bytes: usize,
    last: u64,
}

impl Tail {
    /// An empty tail after a position. An order to erase is heard of here first, whoever recorded it.
    pub(crate) fn after(position: u64, standing: Standing) -> Self {
        let events = Events {
            run: VecDeque::new(),
            bytes: 0,
            last: position,
        };
        let newest = watch::Sender::new(position);
        Self {
            shared: Arc::new(Shared {
                events: Mutex::new(events),
                newest,
                behind: Notify::new(),
                standing,
            }),
        }
    }

    /// The newest position the tail knows.
    pub(crate) fn newest(&self) -> u64 {
        *self.shared.newest.borrow()
    }

    /// Has the log looked at.
    pub(crate) fn doubt(&self) {
        self.shared.standing.doubt();
    }

    /// The newest position, and each that comes.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.shared.newest.subscribe()
    }

    /// Takes in events that were committed; where they leave a hole, what is missing is fetched.
    pub(crate) fn offer(&self, events: Vec<Arc<Event>>) {
        let mut tail = self.lock();
        for event in events {
            if event.position > tail.last + 1 {
                self.shared.behind.notify_one();
                break;
            }
            if event.position == tail.last + 1 {
                let ordered = erasing::ordered(&event);
                tail.push(event);
                if !ordered.is_empty() {
                    tail.erase(&ordered);
                    self.shared.standing.doubt();
                }
            }
        }
        self.shared.newest.send_replace(tail.last);
    }

    /// Fetches what others appended, for ever.
    pub(crate) async fn keep_up(&self, store: &Store) {
        loop {
            let pause = if self.shared.newest.receiver_count() > 0 {
                FOLLOWED
            } else {
                ALONE
            };
            tokio::select! {
                () = self.shared.behind.notified() => {}
                () = sleep(pause) => {}
            }
            if let Err(error) = self.catch_up(store).await {
                tracing::warn!(error = %anyhow::Error::from(error), "cannot read the tail of the log");
            }
        }
    }

    async fn catch_up(&self, store: &Store) -> Result<(), StoreError> {
        loop {
            let events = store.read(self.newest(), BATCH as u64).await?;
            let last = events.len() < BATCH;
            if !events.is_empty() {
                self.offer(events.into_iter().map(Arc::new).collect());
            }
            if last {
                return Ok(());
            }
        }
    }

    /// The events of a span of positions, while the tail holds them all.
    pub(crate) fn between(&self, first: u64, last: u64) -> Option<Vec<Arc<Event>>> {
        let tail = self.lock();
        let oldest = tail.run.front()?.position;
        if last > tail.last {
            return None;
        }
        let skip = usize::try_from(first.checked_sub(oldest)?).ok()?;
        let count = usize::try_from(last + 1 - first).ok()?;
        Some(tail.run.range(skip..skip + count).cloned().collect())
    }

    /// Follows the log from a position.
    pub(crate) fn follow(&self, store: Store, after: u64) -> Follower {
        Follower {
            tail: self.clone(),
            store,
            position: after,
            newest: self.shared.newest.subscribe(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Events> {
        self.shared
            .events
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Events {
    fn push(&mut self, event: Arc<Event>) {
        self.last = event.position;
        self.bytes += size(&event);
        self.run.push_back(event);
        while self.run.len() > EVENTS || self.bytes > BYTES {
            let Some(oldest) = self.run.pop_front() else {
                break;
            };
            self.bytes -= size(&oldest);
        }
    }

    /// Forgets the personal parts of these positions.
    fn erase(&mut self, positions: &[u64]) {
        let Some(oldest) = self.run.front().map(|it| it.position) else {
            return;
        };
        for position in positions {
            let at = position.checked_sub(oldest);
            let at = at.and_then(|it| usize::try_from(it).ok());
            let Some(event) = at.and_then(|it| self.run.get_mut(it)) else {
                continue;
            };
            self.bytes -= size(event);
            let bare = Arc::make_mut(event);
            bare.personal.clear();
            bare.personal_salt.clear();
            self.bytes += size(event);
        }
    }

    /// The events after a position; `None` where the tail no longer reaches back so far.
    fn since(&self, position: u64) -> Option<Vec<Arc<Event>>> {
        let Some(behind) = self.last.checked_sub(position) else {
            return Some(vec![]);
        };
        let behind = usize::try_from(behind)
            .ok()
            .filter(|it| *it <= self.run.len())?;
        let mut bytes = 0;
        let fits = |event: &&Arc<Event>| {
            bytes += size(event);
            bytes <= BATCH_BYTES
        };
        let after = self.run.range(self.run.len() - behind..).take(BATCH);
        let mut events: Vec<Arc<Event>> = after.clone().take_while(fits).cloned().collect();
        if events.is_empty() {
            events.extend(after.take(1).cloned());
        }
        Some(events)
    }
}

fn size(event: &Event) -> usize {
    event.facts.len() + event.personal.len() + 512
}

/// Somebody who reads a log from a position to its head and beyond.
#[derive(Debug)]
pub struct Follower {
    tail: Tail,
    store: Store,
    position: u64,
    newest: watch::Receiver<u64>,
}

impl Follower {
    /// The next events, in order and without a hole; none when a second passes without any.
    pub async fn next(&mut self) -> Result<Vec<Arc<Event>>, StoreError> {
        let heartbeat = tokio::time::Instant::now() + HEARTBEAT;
        loop {
            self.newest.borrow_and_update();
            let events = self.tail.lock().since(self.position);
            let events = match events {
                Some(events) => events,
                None => self.fetch().await?,
            };
            if let Some(last) = events.last() {
                self.position = last.position;
                return Ok(events);
            }
            match timeout_at(heartbeat, self.newest.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return Ok(vec![]),
            }
        }
    }

    /// The newest position that is known here.
    #[must_use]
    pub fn head(&self) -> u64 {
        self.tail.newest().max(self.position)
    }

    /// What is older than the tail comes from the store.
    async fn fetch(&self) -> Result<Vec<Arc<Event>>, StoreError> {
        let events = self.store.read(self.position, BATCH as u64).await?;
        let mut bytes = 0;
        let mut batch = vec![];
        for event in events {
            bytes += size(&event);
            if bytes > BATCH_BYTES && !batch.is_empty() {
                break;
            }
            batch.push(Arc::new(event));
        }
        Ok(batch)
    }
}
