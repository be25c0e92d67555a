//! Where a log is kept. PostgreSQL and SQLite are siblings: the same questions, each answered in its own SQL.

mod erase;
mod error;

use std::{
    collections::HashMap, fmt, future::Future, path::PathBuf, str::FromStr, sync::Arc,
    time::Duration,
};

use aws_lc_rs::hmac;
use contracts::ledger::v1::Event;
use sqlx::{PgPool, postgres::PgConnectOptions};
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;
use vocabulary::Municipality;

pub use self::error::StoreError;
use crate::{postgres::Postgres, sqlite::Sqlite};

/// How long the store may be away before a caller is told so.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// How long one statement may take before its connection is given up.
pub(crate) const STATEMENT: Duration = Duration::from_secs(5);

/// Where the logs of all municipalities are kept.
#[derive(Debug, Clone)]
pub enum Location {
    /// One PostgreSQL database.
    Postgres(Box<PgConnectOptions>),
    /// A folder with one SQLite file per log.
    Sqlite(PathBuf),
}

impl FromStr for Location {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(folder) = text.strip_prefix("sqlite:") {
            return match folder {
                "" => Err("sqlite: needs a folder, as in sqlite:/var/lib/cozum/ledger".to_owned()),
                folder => Ok(Self::Sqlite(folder.into())),
            };
        }
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err("a ledger store is postgres://… or sqlite:FOLDER".to_owned());
        }
        // The parser's own message may quote the password.
        let options = text
            .parse()
            .map_err(|_| "is not a PostgreSQL URL".to_owned())?;
        Ok(Self::Postgres(Box::new(options)))
    }
}

/// An open location, from which logs are taken.
#[derive(Debug, Clone)]
pub enum Shelf {
    /// One pool serves all logs.
    Postgres(PgPool),
    /// Each log opens its own file.
    Sqlite(PathBuf),
}

impl Shelf {
    /// Opens a location and makes its tables where they are missing.
    pub async fn open(location: &Location) -> Result<Self, StoreError> {
        match location {
            Location::Postgres(options) => {
                Ok(Self::Postgres(crate::postgres::open(options).await?))
            }
            Location::Sqlite(folder) => {
                std::fs::create_dir_all(folder).map_err(|error| StoreError::Away(error.into()))?;
                Ok(Self::Sqlite(folder.clone()))
            }
        }
    }

    /// A municipality's log, made with this command key where it is missing. `now` in microseconds.
    pub(crate) async fn log(
        &self,
        municipality: &Municipality,
        command_key: [u8; 32],
        now: i64,
    ) -> Result<Store, StoreError> {
        match self {
            Self::Postgres(pool) => {
                patiently(|| Postgres::log(pool, municipality, command_key, now))
                    .await
                    .map(Store::Postgres)
            }
            Self::Sqlite(folder) => Sqlite::log(folder, municipality, command_key, now)
                .await
                .map(Store::Sqlite),
        }
    }
}

/// One municipality's log in its store.
#[derive(Debug, Clone)]
pub enum Store {
    /// In PostgreSQL.
    Postgres(Postgres),
    /// In a SQLite file.
    Sqlite(Sqlite),
}

/// The newest event of a log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Head {
    /// Its position; 0 in an empty log.
    pub position: u64,
    /// When it was recorded, in microseconds.
    pub recorded_at: u64,
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            position,
            recorded_at,
        } = self;
        write!(f, "position {position} ({recorded_at} us)")
    }
}

impl Head {
    /// This head, if it is at the newest event.
    pub(crate) fn at(self, newest: Self) -> Result<Self, StoreError> {
        if self == newest {
            Ok(self)
        } else {
            Err(StoreError::Torn { head: self, newest })
        }
    }
}

/// What a batch wants to know before it is decided.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) streams: Vec<String>,
    pub(crate) commands: Vec<Uuid>,
}

/// What the store knew, read no earlier than the head.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) head: Head,
    /// Streams that are missing here are empty.
    pub(crate) versions: HashMap<String, u64>,
    pub(crate) commands: HashMap<Uuid, Recorded>,
}

/// From where a batch is decided.
#[derive(Debug)]
pub(crate) enum Start {
    /// Nothing is known.
    Unknown,
    /// This was the head; what the batch wants to know is read.
    After(Head),
    /// All that the batch wants to know is remembered, or guessed: where a guess is wrong, the store refuses the batch.
    Remembered(Known),
    /// The head is locked first.
    Locked,
}

/// What a command recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub(crate) command_id: Uuid,
    /// An HMAC under the log's key; `None` where the events came back without it.
    pub(crate) fingerprint: Option<[u8; 32]>,
    pub(crate) first: u64,
    pub(crate) last: u64,
}

impl Recorded {
    /// Whether this is what was asked then. What was lost is believed.
    pub(crate) fn is_of(&self, fingerprint: [u8; 32]) -> bool {
        self.fingerprint.is_none_or(|it| it == fingerprint)
    }

    /// The fingerprint as it is stored: no bytes where it is not known.
    pub(crate) fn stored_fingerprint(&self) -> &[u8] {
        self.fingerprint.as_ref().map_or(&[], <[u8; 32]>::as_slice)
    }
}

/// A fingerprint as it was stored.
pub(crate) fn fingerprint(stored: &[u8]) -> sqlx::Result<Option<[u8; 32]>> {
    if stored.is_empty() {
        return Ok(None);
    }
    let bytes = stored
        .try_into()
        .map_err(|_| sqlx::Error::Protocol("a fingerprint is not 32 bytes".to_owned()))?;
    Ok(Some(bytes))
}

/// Events to be written in one go, after `before`.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) before: Head,
    pub(crate) after: Head,
    pub(crate) events: Vec<Arc<Event>>,
    pub(crate) commands: Vec<Recorded>,
}

impl Batch {
    /// Writes nothing.
    pub(crate) fn nothing(before: Head) -> Self {
        Self {
            before,
            after: before,
            events: vec![],
            commands: vec![],
        }
    }
}

/// A lease as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// Whether the asker holds it.
    pub granted: bool,
    /// Rises each time the holder changes.
    pub epoch: u64,
    /// The position saved last.
    pub checkpoint: u64,
}

impl Store {
    /// The key under which command fingerprints are kept.
    pub(crate) fn command_key(&self) -> &hmac::Key {
        match self {
            Self::Postgres(log) => &log.key,
            Self::Sqlite(log) => &log.key,
        }
    }

    /// That key, for a backup.
    pub(crate) async fn command_secret(&self) -> Result<Vec<u8>, StoreError> {
        patiently(|| async {
            match self {
                Self::Postgres(log) => log.command_secret().await,
                Self::Sqlite(log) => log.command_secret().await,
            }
        })
        .await
    }

    /// Gives a log without events another key.
    pub(crate) async fn adopt(&self, key: [u8; 32]) -> Result<(), StoreError> {
        patiently(|| async {
            match self {
                Self::Postgres(log) => log.adopt(key).await,
                Self::Sqlite(log) => log.adopt(key).await,
            }
        })
        .await
    }

    /// Decides a batch on what the store knows and writes it. `None`: somebody else moved the head, nothing was written.
    ///
    /// `head` is the head as this writer left it; without it, it is read. With `locked` the head is held while deciding, so
    /// that a writer who lost several races gets its turn.
    pub(crate) async fn commit<T>(
        &self,
        start: Start,
        asked: &Asked,
        decide: impl FnOnce(Known) -> (Batch, T) + Send,
    ) -> Result<Option<(Batch, T)>, StoreError>
    where
        T: Send,
    {
        match self {
            Self::Postgres(log) => match start {
                Start::Locked => log.commit_locked(asked, decide).await.map(Some),
                Start::Unknown => log.commit(None, asked, decide).await,
                Start::After(head) => log.commit(Some(head), asked, decide).await,
                Start::Remembered(known) => log.commit_remembered(known, decide).await,
            },
            Self::Sqlite(log) => log.commit(start, asked, decide).await,
        }
    }

    /// Nothing waits to be committed for now.
    pub(crate) fn rest(&self) {
        match self {
            Self::Postgres(log) => log.rest(),
            Self::Sqlite(_) => {}
        }
    }

    /// The newest event.
    pub async fn head(&self) -> Result<Head, StoreError> {
        patiently(|| async {
            match self {
                Self::Postgres(log) => log.head().await,
                Self::Sqlite(log) => log.head().await,
            }
        })
        .await
    }

    /// The events after a position, in order, at most `limit`.
    pub async fn read(&self, after: u64, limit: u64) -> Result<Vec<Event>, StoreError> {
        patiently(|| async {
            match self {
                Self::Postgres(log) => log.read(after, limit).await,
                Self::Sqlite(log) => log.read(after, limit).await,
            }
        })
        .await
    }

    /// When the event of a position was recorded, in microseconds.
    pub(crate) async fn recorded_at(&self, position: u64) -> Result<Option<u64>, StoreError> {
        patiently(|| async {
            match self {
                Self::Postgres(log) => log.recorded_at(position).await,
                Self::Sqlite(log) => log.recorded_at(position).await,
            }
        })
        .await
    }

    /// All events of a stream, in order.
    pub async fn stream(&self, stream: &str) -> Result<Vec<Event>, StoreError> {
        patiently(|| async {
            match self {
                Self::Postgres(log) => log.stream(stream).await,
                Self::Sqlite(log) => log.stream(stream).await,
            }
        })
        .await
    }

    /// The events that name a subject, after a position, in order, at most `limit`.
    pub async fn history(
        &self,
        subject: &str,
        after: u64,
        limit: u64,
    ) -> Result<Vec<Event>, StoreError> {
        patiently(|| async {
            match self {
                Self::Postgres(log) => log.history(subject, after, limit).await,
                Self::Sqlite(log) => log.history(subject, after, limit).await,
            }
        })
        .await
    }

    pub(crate) async fn command(&self, id: Uuid) -> Result<Option<Recorded>, StoreError> {
        patiently(|| async {
            match self {
                Self::Postgres(log) => log.command(id).await,
                Self::Sqlite(log) => log.command(id).await,
            }
        })
        .await
    }

    /// Takes or renews a lease until `until`, unless somebody else holds it at `now`; microseconds.
    pub async fn acquire_lease(
        &self,
        name: &str,
        holder: &str,
        now: i64,
        until: i64,
    ) -> Result<Lease, StoreError> {
        patiently(|| async {
            match self {
                Self::Postgres(log) => log.acquire_lease(name, holder, now, until).await,
                Self::Sqlite(log) => log.acquire_lease(name, holder, now, until).await,
            }
        })
        .await
    }

    /// The names under which positions were saved, with these.
    pub(crate) async fn saved(&self) -> Result<Vec<(String, i64)>, StoreError> {
        patiently(|| async {
            match self {
                Self::Postgres(log) => log.saved().await,
                Self::Sqlite(log) => log.saved().await,
            }
        })
        .await
    }

    /// Ends a lease, if this holder has it.
    pub async fn release_lease(&self, name: &str, holder: &str) -> Result<(), StoreError> {
        patiently(|| async {
            match self {
                Self::Postgres(log) => log.release_lease(name, holder).await,
                Self::Sqlite(log) => log.release_lease(name, holder).await,
            }
        })
        .await
    }

    /// Raises a lease's checkpoint, never lowers it; false for an epoch that is over.
    pub async fn save_checkpoint(
        &self,
        name: &str,
        epoch: u64,
        position: u64,
    ) -> Result<bool, StoreError> {
        patiently(|| async {
            match self {
                Self::Postgres(log) => log.save_checkpoint(name, epoch, position).await,
                Self::Sqlite(log) => log.save_checkpoint(name, epoch, position).await,
            }
        })
        .await
    }
}

/// Repeats a statement that is safe to repeat, while the store is away. A restarted server leaves a pool of dead
/// connections, each of which fails once: the first repeats follow at once.
pub(crate) async fn patiently<T, F>(mut statement: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let deadline = Instant::now() + PATIENCE;
    let mut pause = Duration::from_millis(1);
    loop {
        match in_time(statement()).await {
            Err(error) if error.is_passing() && Instant::now() + pause < deadline => {
                sleep(pause).await;
                pause = (pause * 2).min(Duration::from_millis(500));
            }
            outcome => return outcome,
        }
    }
}

/// Gives a statement up when the server does not answer.
pub(crate) async fn in_time<T>(
    statement: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    timeout(STATEMENT, statement)
        .await
        .unwrap_or(Err(StoreError::Silent))
}

/// Random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system's random bytes do not run out");
    bytes
}
