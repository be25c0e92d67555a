use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use chassis::{Ids, Ledger, Platform};
use tokio::sync::watch;
use tonic::Status;
use vocabulary::Municipality;

use crate::{
    Projection, ReadModel, file, file_of, follow,
    snapshots::{Snapshot, Snapshots},
};

/// Past states that are kept for whoever asks again; each takes at most what the model's own file takes.
const KEPT: usize = 4;

/// How long somebody waits while others' past states are folded.
const PATIENCE: Duration = Duration::from_secs(30);

/// A read model as it was at any position of the log: the nearest snapshot before it, and the rest folded from the ledger.
///
/// Snapshots are taken behind the live model and may be deleted at any time. A model with personal text has no past: what is
/// erased today must not be found in yesterday.
#[derive(Debug)]
pub struct Past<M> {
    model: M,
    snapshots: Snapshots,
    ledger: Ledger,
    ids: Ids,
    live: Projection,
    /// What was asked for last, newest at the end.
    kept: Mutex<VecDeque<(Asked, Projection)>>,
    /// One is folded at a time, so that what many ask for at once is folded once.
    folding: tokio::sync::Mutex<()>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Asked {
    position: u64,
    history: u64,
}

impl<M: ReadModel> Past<M> {
    /// The past of a model that is open; a snapshot is taken every so many events, and further apart as the log grows.
    pub async fn open(
        platform: &Platform,
        municipality: &Municipality,
        model: M,
        live: &Projection,
        every: u64,
    ) -> anyhow::Result<Arc<Self>> {
        const { assert!(!M::PERSONAL, "a model with personal text has no past") };
        let ledger = platform.ledger(municipality);
        let live_file = file_of::<M>(platform, municipality);
        let snapshots = Snapshots::open(live_file, every).await?;
        let past = Arc::new(Self {
            model,
            snapshots,
            ledger,
            ids: platform.ids,
            live: live.clone(),
            kept: Mutex::default(),
            folding: tokio::sync::Mutex::default(),
        });
        let taking = Arc::clone(&past).take_snapshots();
        platform.tasks.spawn("snapshots", taking);
        Ok(past)
    }

    /// The model as it was after the event of this position, to be read only.
    pub async fn at(&self, position: u64) -> Result<Projection, Status> {
        let asked = self.asked(position);
        if let Some(kept) = self.kept(asked) {
            return Ok(kept);
        }
        let busy = |_| Status::unavailable("other past states are being folded: try again later");
        let turn = tokio::time::timeout(PATIENCE, self.folding.lock());
        let _turn = turn.await.map_err(busy)?;
        let asked = self.asked(position);
        if let Some(kept) = self.kept(asked) {
            return Ok(kept);
        }
        let folded = Box::pin(self.fold(position)).await.map_err(|error| {
            let model = M::NAME;
            tracing::error!(
                model,
                position,
                error = format!("{error:#}"),
                "no past state"
            );
            Status::unavailable(format!("{model} cannot be folded to position {position}"))
        })?;
        self.keep(asked, folded.clone());
        Ok(folded)
    }

    /// A position, of the history that the model is of now.
    fn asked(&self, position: u64) -> Asked {
        let history = self.live.history.load(Ordering::Acquire);
        Asked { position, history }
    }

    fn kept(&self, asked: Asked) -> Option<Projection> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let index = kept.iter().position(|(it, _)| *it == asked)?;
        let asked = kept.remove(index)?;
        let projection = asked.1.clone();
        kept.push_back(asked);
        Some(projection)
    }

    fn keep(&self, asked: Asked, projection: Projection) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back((asked, projection));
    }

    async fn fold(&self, position: u64) -> anyhow::Result<Projection> {
        let path = self.snapshots.fresh(self.ids, "past");
        let removed = Arc::new(Removed(path.clone()));
        let start = self.start(position, &path).await?;
        let mut writer = file::connect_past(&path).await?;
        let at = file::prepare::<M>(&mut writer).await?;
        let stands = at.size();
        ensure!(
            stands == start,
            "the file is at {stands}, and not at {start}"
        );
        let reached = follow::fold(&self.ledger, &self.model, &mut writer, at, position).await?;
        ensure!(reached == position, "the log ends at {reached}, before it");
        file::close(writer).await?;
        Ok(Projection {
            readers: file::past_readers(&path).await?,
            position: watch::channel(position).1,
            history: Arc::default(),
            name: M::NAME,
            _file: Some(removed),
        })
    }

    /// Copies the nearest snapshot that is of this history, and says where it stands; 0 and no file where there is none.
    async fn start(&self, position: u64, path: &Path) -> anyhow::Result<u64> {
        let mut found = self.snapshots.list()?;
        found.retain(|it| it.position <= position);
        while let Some(snapshot) = found.pop() {
            let recorded = self.commitment(snapshot.position).await?;
            if recorded.as_deref() != Some(snapshot.commitment.as_slice()) {
                tracing::warn!(file = %snapshot.path.display(), "a snapshot of another history is removed");
                tokio::fs::remove_file(&snapshot.path).await?;
                continue;
            }
            match tokio::fs::copy(&snapshot.path, path).await {
                Ok(_) => return Ok(snapshot.position),
                // Whoever needs the room may delete any of them.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(0)
    }

    /// What the event of a position commits to, which is said of no other event of any log.
    async fn commitment(&self, position: u64) -> anyhow::Result<Option<Vec<u8>>> {
        let Some(before) = position.checked_sub(1) else {
            return Ok(None);
        };
        let event = self.ledger.read(before, 1).await?.pop();
        Ok(event
            .filter(|it| it.position == position)
            .map(|it| it.commitment))
    }

    /// Takes a snapshot whenever the live model has come far enough, for ever.
    async fn take_snapshots(self: Arc<Self>) -> anyhow::Result<()> {
        /// How long a failure, as of a full disk, is let be.
        const PAUSE: Duration = Duration::from_mins(1);
        let mut changes = self.live.changes();
        loop {
            let newest = self.snapshots.list()?.last().map_or(0, |it| it.position);
            let due = newest.saturating_add(self.snapshots.distance(newest));
            if changes.wait_for(|it| *it >= due).await.is_err() {
                return Ok(());
            }
            if let Err(error) = self.take().await {
                let error = format!("{error:#}");
                tracing::warn!(model = M::NAME, error, "no snapshot was taken");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    async fn take(&self) -> anyhow::Result<()> {
        let path = self.snapshots.fresh(self.ids, "taken");
        let removed = Removed(path.clone());
        let history = self.live.history.load(Ordering::Acquire);
        let position = self.snapshots.copy_live(&path).await?;
        let commitment = self.commitment(position).await?;
        let commitment = commitment.context("the ledger does not have the newest event")?;
        let snapshot = Snapshot::of(position, commitment, self.snapshots.folder());
        tokio::fs::File::open(&path).await?.sync_all().await?;
        tokio::fs::rename(&path, &snapshot.path).await?;
        drop(removed);
        // What was copied may be of the history that was left meanwhile, under the name of the one that is kept.
        if self.live.history.load(Ordering::Acquire) != history {
            tokio::fs::remove_file(&snapshot.path).await?;
        }
        Ok(())
    }
}

/// A file that is gone when nobody reads it any more.
#[derive(Debug)]
pub(crate) struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        // It may be under another name by now; and what is left is removed at the next start.
        let _ = std::fs::remove_file(&self.0);
    }
}
