//! A read model is one SQLite file that follows the feed: a batch of events and the new position go in together, so the
//! file is always the fold of a prefix of the log. It can be deleted and comes back.
//!
//! [`Projection::open`] starts following; queries run in-process on [`Projection::pool`]; [`rebuild`] folds anew; [`Past`] is
//! the model as it was.

mod file;
mod follow;
mod past;
mod roots;
mod rows;
mod snapshots;

use std::{
    future::Future,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use anyhow::Context as _;
use chassis::{Ledger, Platform};
use contracts::ledger::v1::Event;
use sqlx::{SqliteConnection, SqlitePool};
use tokio::sync::watch;
use tonic::Status;
use vocabulary::Municipality;

use follow::{Follower, Told};

pub use follow::{GATHERED, traced};
pub use past::Past;
pub use rows::pieces;

/// Events between two snapshots while a log is young.
pub const SNAPSHOT_EVERY: u64 = 10_000;

/// How long a reader waits for a position it has seen elsewhere.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a read model keeps, and how an event changes it.
pub trait ReadModel: Send + Sync + 'static {
    /// The file's name.
    const NAME: &'static str;
    /// Rises with every change of the schema or of what an event does: a new version is a new file, built anew.
    const VERSION: u32;
    /// `create table …` and `create index …` statements.
    const SCHEMA: &'static str;
    /// `create index if not exists …` statements that only questions need and no fold: in a file that is folded anew they are
    /// made once, at the head, which is far cheaper than to keep them in order all the way.
    const INDEXES: &'static str = "";
    /// It holds personal text, in the clear or sealed: nobody else may read the file, and what is deleted is overwritten.
    const PERSONAL: bool = false;
    /// The service can answer while this model is still far behind.
    const MAY_LAG: bool = false;

    /// How the types of the events begin that may change the model. All others are passed over at once.
    const HEARS: &'static [&'static str] = &[""];

    /// Applies one event; events it has nothing to do with change nothing. An event it should know and cannot read is an
    /// error: the model stops rather than becomes wrong, and the process is not ready until it is updated.
    fn apply(
        &self,
        tx: &mut SqliteConnection,
        event: &Event,
    ) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// Applies a batch, event by event; a model that can do better with many at once does.
    fn apply_all(
        &self,
        tx: &mut SqliteConnection,
        events: &[Event],
    ) -> impl Future<Output = anyhow::Result<()>> + Send {
        follow::apply_each(self, tx, events)
    }
}

/// A read model that follows the feed.
#[derive(Debug, Clone)]
pub struct Projection {
    readers: SqlitePool,
    position: watch::Receiver<u64>,
    /// How often the file was emptied since the process began; what was read of an earlier history is not of this one.
    history: Arc<AtomicU64>,
    name: &'static str,
    /// Of a past state: its file, which goes with the last who reads it.
    _file: Option<Arc<past::Removed>>,
}

impl Projection {
    /// Opens or creates the model's file and starts following the feed from where it stands.
    pub async fn open<M: ReadModel>(
        platform: &Platform,
        municipality: &Municipality,
        model: M,
    ) -> anyhow::Result<Self> {
        let folder = platform.data.join(municipality.as_str());
        std::fs::create_dir_all(&folder).with_context(|| format!("folder {}", folder.display()))?;
        let path = file_of::<M>(platform, municipality);
        let (writer, at) = file::open::<M>(&path).await?;
        let readers = file::readers::<M>(&path).await?;
        let (sender, position) = watch::channel(at.size());
        let history = Arc::default();
        let part = format!("{}/{}/{}", platform.role, municipality, M::NAME);
        if !M::MAY_LAG {
            platform.health.not_ready(&part, "catching up");
        }
        let health = platform.health.clone();
        let told = Told {
            position: sender,
            history: Arc::clone(&history),
        };
        let follower = Follower::new(model, path, writer, at, told, part, health);
        let run = follower.run(platform.clone(), platform.ledger(municipality));
        platform.tasks.spawn("projection", run);
        Ok(Self {
            readers,
            position,
            history,
            name: M::NAME,
            _file: None,
        })
    }

    /// A connection that writes beside the follower, for what no event tells.
    pub async fn writer<M: ReadModel>(
        platform: &Platform,
        municipality: &Municipality,
    ) -> anyhow::Result<SqliteConnection> {
        file::connect::<M>(&file_of::<M>(platform, municipality)).await
    }

    /// Connections that read; they see whole batches only.
    #[must_use]
    pub fn pool(&self) -> &SqlitePool {
        &self.readers
    }

    /// The position up to which the model is folded.
    #[must_use]
    pub fn position(&self) -> u64 {
        *self.position.borrow()
    }

    /// Tells each new position; one falls where the model begins anew.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.position.clone()
    }

    /// Waits until the model has a position that somebody has seen elsewhere; UNAVAILABLE after two seconds.
    pub async fn at_least(&self, position: u64) -> Result<(), Status> {
        let mut changes = self.changes();
        let reached = changes.wait_for(|it| *it >= position);
        match tokio::time::timeout(PATIENCE, reached).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Status::unavailable(format!(
                "{} is not at position {position} yet",
                self.name
            ))),
        }
    }
}

fn file_of<M: ReadModel>(platform: &Platform, municipality: &Municipality) -> PathBuf {
    let folder = platform.data.join(municipality.as_str());
    folder.join(format!("{}-v{}.db", M::NAME, M::VERSION))
}

/// Folds the whole log into a fresh file, up to the head; returns the position reached.
pub async fn rebuild<M: ReadModel>(ledger: &Ledger, model: &M, path: &Path) -> anyhow::Result<u64> {
    let (mut writer, at) = file::open::<M>(path).await?;
    follow::fold(ledger, model, &mut writer, at, u64::MAX).await
}

/// Folds these events into a file, in batches of `size`, and gives the model with its writer; nothing follows any feed.
pub async fn folded<M: ReadModel>(
    model: &M,
    path: &Path,
    events: &[Event],
    size: usize,
) -> anyhow::Result<(Projection, SqliteConnection)> {
    let (mut writer, mut at) = file::open::<M>(path).await?;
    for batch in events.chunks(size) {
        let fresh = batch.partition_point(|it| it.position <= at.size());
        if !batch[fresh..].is_empty() {
            follow::apply_batch(model, &mut writer, &mut at, &batch[fresh..]).await?;
        }
    }
    file::index::<M>(&mut writer).await?;
    let projection = Projection {
        readers: file::readers::<M>(path).await?,
        position: watch::channel(at.size()).1,
        history: Arc::default(),
        name: M::NAME,
        _file: None,
    };
    Ok((projection, writer))
}
