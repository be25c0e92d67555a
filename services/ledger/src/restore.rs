//! Brings events back to where they stood: into an empty log (a restore, a move to another store), or behind the end of one that
//! lost its newest. Which store they come from and which they go to makes no difference.
//!
//! **Invariant:** no event comes back that is not what its commitment says, at its position and version, behind those before it.
//! Whoever brings events holds the root against what was signed before the first of them is written.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use chassis::{Clock, event::commitment};
use contracts::ledger::v1::Event;
use transparency::{Edge, Hash};
use uuid::Uuid;
use vocabulary::Municipality;

use crate::{
    erasing,
    log::Log,
    store::{Asked, Batch, Head, Known, Recorded, Shelf, Start, Store, StoreError, in_time},
    tree::{FullTile, Signed, grow, grown},
};

/// Why an event does not come back.
#[derive(Debug, thiserror::Error)]
pub enum NotRestored {
    /// It is not what was recorded, or does not follow.
    #[error("position {position}: {problem}")]
    Wrong {
        /// The first event that is wrong.
        position: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An event that comes back, with the fingerprint of its command where that is known.
#[derive(Debug, Clone)]
pub struct Returning {
    /// The event, exactly as it was stored.
    pub event: Event,
    /// What was asked, under the log's command key.
    pub fingerprint: Option<[u8; 32]>,
}

/// A log to which events come back. Nobody else may write to it meanwhile; who does is found, and nothing is written twice.
#[derive(Debug)]
pub struct Restore {
    store: Store,
    log: String,
    clock: Clock,
    edge: Edge,
    full: Vec<FullTile>,
    /// The events of a command are written together: it may go on in those that come next.
    waiting: Vec<Returning>,
    same_key: bool,
}

impl Restore {
    /// Opens a log, made with this command key where it is missing; fingerprints come back only to a log that has this key.
    pub async fn open(
        shelf: &Shelf,
        municipality: &Municipality,
        command_key: [u8; 32],
        clock: Clock,
    ) -> Result<Self, StoreError> {
        let now = clock.micros();
        let mut store = shelf.log(municipality, command_key, now).await?;
        let mut same_key = store.command_secret().await? == command_key;
        if !same_key && store.head().await?.position == 0 {
            // Somebody opened it before, and nothing was recorded under the key that it was given then.
            store.adopt(command_key).await?;
            store = shelf.log(municipality, command_key, now).await?;
            same_key = true;
        }
        Self::of(store, municipality, clock, same_key).await
    }

    pub(crate) async fn of(
        store: Store,
        municipality: &Municipality,
        clock: Clock,
        same_key: bool,
    ) -> Result<Self, StoreError> {
        let head = store.head().await?;
        // An interrupted restore left no tiles, and a store that came back may lack those behind what it knows to be signed.
        let (edge, full) = grown(&store, head.position).await?;
        Ok(Self {
            store,
            log: municipality.to_string(),
            clock,
            edge,
            full,
            waiting: vec![],
            same_key,
        })
    }

    /// How many events the log has with those that came back so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.edge.size()
    }

    /// The root over them.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.edge.root()
    }

    /// Takes the next events; the last command's wait for more of theirs.
    pub async fn bring(&mut self, events: Vec<Returning>) -> Result<(), NotRestored> {
        for returning in &events {
            let (next, event) = (self.edge.size() + 1, &returning.event);
            check(&self.log, next, event).map_err(|problem| NotRestored::Wrong {
                position: next,
                problem: problem.to_owned(),
            })?;
            grow(&mut self.edge, &mut self.full, &event.commitment);
        }
        self.waiting.extend(events);
        let last = self.waiting.last().map(|it| it.event.command_id.clone());
        let whole = self
            .waiting
            .iter()
            .rposition(|it| Some(&it.event.command_id) != last.as_ref())
            .map_or(0, |it| it + 1);
        let later = self.waiting.split_off(whole);
        let now = std::mem::replace(&mut self.waiting, later);
        self.write(now).await
    }

    /// Writes what waits, and then the tiles that became full with what was signed up to here.
    pub async fn keep(&mut self, signed: &[Signed]) -> Result<(), NotRestored> {
        let now = std::mem::take(&mut self.waiting);
        self.write(now).await?;
        let full = std::mem::take(&mut self.full);
        for tiles in full.chunks(PAGE) {
            self.store.keep(tiles, &[], self.clock.micros()).await?;
        }
        for signed in signed.chunks(PAGE) {
            let now = self.clock.micros();
            let (signed, said): (Vec<_>, Vec<_>) = signed.iter().map(Signed::parted).unzip();
            self.store.keep(&[], &signed, now).await?;
            self.store.keep_cosignatures(&said.concat(), now).await?;
        }
        Ok(())
    }

    /// Saves the position of a reaction that has none, so that it goes on where it was; never beyond the events that are there.
    pub async fn save(&self, name: &str, position: u64) -> Result<(), NotRestored> {
        if self.store.saved().await?.iter().any(|it| it.0 == name) {
            return Ok(());
        }
        let now = self.clock.micros();
        // Over at once: whoever reacts takes it.
        let lease = self.store.acquire_lease(name, HOLDER, now, 0).await?;
        let position = position.min(self.size());
        if lease.granted {
            let (epoch, store) = (lease.epoch, &self.store);
            store.save_checkpoint(name, epoch, position).await?;
        }
        Ok(())
    }

    async fn write(&self, events: Vec<Returning>) -> Result<(), NotRestored> {
        if events.is_empty() {
            return Ok(());
        }
        let asked = asks(&events);
        let same_key = self.same_key;
        let attempt = self.store.commit(Start::Locked, &asked, |known| {
            let before = known.head;
            match decide(events, known, same_key) {
                Ok(batch) => (batch, Ok(())),
                Err(wrong) => (Batch::nothing(before), Err(wrong)),
            }
        });
        match in_time(attempt).await? {
            Some((_, outcome)) => outcome,
            None => Err(StoreError::Silent.into()),
        }
    }
}

impl Log {
    /// The key under which the fingerprints of commands are kept, for a backup.
    pub async fn command_key(&self) -> Result<[u8; 32], StoreError> {
        let key = self.store().command_secret().await?;
        key.try_into()
            .map_err(|_| StoreError::Refused(sqlx::Error::Protocol("no command key".to_owned())))
    }

    /// How far each reaction has come, by its name, for a backup.
    pub async fn reactions(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let saved = self.store().saved().await?.into_iter();
        Ok(saved.map(|(name, at)| (name, at.cast_unsigned())).collect())
    }

    /// The fingerprint of the command of each of these events, where it is known.
    pub async fn fingerprints(
        &self,
        events: &[Event],
    ) -> Result<Vec<Option<[u8; 32]>>, StoreError> {
        let id = |it: &Event| Uuid::from_slice(&it.command_id).unwrap_or_default();
        let asked = Asked {
            streams: vec![],
            commands: events.iter().map(id).collect(),
        };
        loop {
            let look = |known: Known| (Batch::nothing(known.head), known.commands);
            let found = self.store().commit(Start::Unknown, &asked, look);
            // `None`: somebody appended meanwhile.
            if let Some((_, commands)) = in_time(found).await? {
                let of = |it: &Event| commands.get(&id(it)).and_then(|it| it.fingerprint);
                return Ok(events.iter().map(of).collect());
            }
        }
    }
}

/// Who saves positions that come back.
const HOLDER: &str = "restore";
/// Rows of the tree in one statement.
const PAGE: usize = 256;

/// Whether an event is the one of a position, and what its commitment says. Whether a personal part that is gone was ordered to go,
/// no event says of itself: see [`Gone`].
pub(crate) fn check(log: &str, position: u64, event: &Event) -> Result<(), &'static str> {
    if event.position != position {
        return Err("another event stands in its place");
    }
    if event.personal.is_empty() != event.personal_hash.is_empty()
        && !chassis::event::is_bare(event)
    {
        return Err("its personal part is not what its hash says");
    }
    if commitment::holds(log, event) {
        Ok(())
    } else {
        Err("the event is not what its commitment says")
    }
}

/// The personal parts that are gone and that no order behind them names, so far.
#[derive(Debug, Default)]
pub(crate) struct Gone(BTreeSet<u64>);

impl Gone {
    /// Takes the next event.
    pub(crate) fn pass(&mut self, event: &Event) {
        if chassis::event::is_bare(event) {
            self.0.insert(event.position);
        }
        for position in erasing::ordered(event) {
            self.0.remove(&position);
        }
    }

    /// The first that nobody ordered.
    pub(crate) fn unordered(&self) -> Option<u64> {
        self.0.first().copied()
    }
}

fn asks(events: &[Returning]) -> Asked {
    let of = |it: &Returning| Uuid::from_slice(&it.event.command_id).unwrap_or_default();
    let mut asked = Asked {
        streams: events.iter().map(|it| it.event.stream.clone()).collect(),
        commands: events.iter().map(of).collect(),
    };
    asked.streams.sort_unstable();
    asked.streams.dedup();
    asked.commands.sort_unstable();
    asked.commands.dedup();
    asked
}

/// The batch that writes these events behind what the store knows, if they follow it.
fn decide(events: Vec<Returning>, known: Known, same_key: bool) -> Result<Batch, NotRestored> {
    let Known {
        head: before,
        mut versions,
        commands: there,
    } = known;
    let mut after = before;
    let mut commands: HashMap<Uuid, Recorded> = HashMap::new();
    let mut batch = Vec::with_capacity(events.len());
    for Returning { event, fingerprint } in events {
        let position = after.position + 1;
        let wrong = |problem: &str| NotRestored::Wrong {
            position,
            problem: problem.to_owned(),
        };
        if event.position != position {
            return Err(wrong("does not follow what the log holds"));
        }
        if event.recorded_at <= after.recorded_at {
            return Err(wrong("its time does not rise"));
        }
        let version = versions.entry(event.stream.clone()).or_default();
        *version += 1;
        if event.version != *version {
            return Err(wrong("is not the next version of its stream"));
        }
        let command_id =
            Uuid::from_slice(&event.command_id).map_err(|_| wrong("has no command's id"))?;
        let recorded = commands.entry(command_id).or_insert(Recorded {
            command_id,
            fingerprint: fingerprint.filter(|_| same_key),
            first: position,
            last: position,
        });
        recorded.last = position;
        after = Head {
            position,
            recorded_at: event.recorded_at,
        };
        batch.push(Arc::new(event));
    }
    // A command that was cut in two by the end of what was left is there already.
    commands.retain(|id, _| !there.contains_key(id));
    Ok(Batch {
        before,
        after,
        events: batch,
        commands: commands.into_values().collect(),
    })
}
