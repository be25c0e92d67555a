use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chassis::{Ids, cloudevents};

use crate::file;

const EXTENSION: &str = "snapshot";

/// The snapshots of one read model: files beside it, each named by what it is a snapshot of.
#[derive(Debug)]
pub(crate) struct Snapshots {
    live: PathBuf,
    folder: PathBuf,
    every: u64,
}

/// A model's file as it was at a position.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Snapshot {
    pub(crate) position: u64,
    /// Of the event of that position: a log that was restored and went another way has another one there.
    pub(crate) commitment: Vec<u8>,
    pub(crate) path: PathBuf,
}

impl Snapshots {
    /// The folder beside a model's file, made where it is missing. What an earlier process or version left behind is removed.
    pub(crate) async fn open(live: PathBuf, every: u64) -> anyhow::Result<Self> {
        let folder = folder_of(&live);
        let context = || format!("folder {}", folder.display());
        for other in of_other_versions(&folder).with_context(context)? {
            tokio::fs::remove_dir_all(&other).await?;
        }
        tokio::fs::create_dir_all(&folder)
            .await
            .with_context(context)?;
        for entry in std::fs::read_dir(&folder).with_context(context)? {
            let path = entry?.path();
            if Snapshot::read(path.clone()).is_none() {
                tokio::fs::remove_file(&path).await?;
            }
        }
        Ok(Self {
            live,
            folder,
            every,
        })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A file that nothing else has; it is removed at the next start, unless it gets another name.
    pub(crate) fn fresh(&self, ids: Ids, what: &str) -> PathBuf {
        self.folder.join(format!("{}.{what}", ids.fresh()))
    }

    /// How far after a snapshot the next one lies. A quarter of its position: all of them together take about five times the
    /// model's file however long the log grows, and never more than a fifth of what somebody asks for is folded anew.
    pub(crate) fn distance(&self, position: u64) -> u64 {
        self.every.max(position / 4)
    }

    /// All there are, oldest first.
    pub(crate) fn list(&self) -> anyhow::Result<Vec<Snapshot>> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            found.extend(Snapshot::read(entry?.path()));
        }
        found.sort();
        Ok(found)
    }

    /// Copies the live file as one instant has it, while it is written to; says where it stood.
    pub(crate) async fn copy_live(&self, path: &Path) -> anyhow::Result<u64> {
        file::copy(&self.live, path).await
    }
}

impl Snapshot {
    pub(crate) fn of(position: u64, commitment: Vec<u8>, folder: &Path) -> Self {
        let hex = cloudevents::hex(&commitment);
        Self {
            position,
            commitment,
            path: folder.join(format!("{position}-{hex}.{EXTENSION}")),
        }
    }

    fn read(path: PathBuf) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let name = name.strip_suffix(EXTENSION)?.strip_suffix('.')?;
        let (position, hex) = name.split_once('-')?;
        Some(Self {
            position: position.parse().ok()?,
            commitment: cloudevents::unhex(hex).filter(|it| it.len() == 32)?,
            path,
        })
    }
}

/// Removes the snapshots of a model's file.
pub(crate) async fn remove_all(live: &Path) -> std::io::Result<()> {
    match tokio::fs::read_dir(folder_of(live)).await {
        Ok(mut entries) => {
            while let Some(entry) = entries.next_entry().await? {
                if Snapshot::read(entry.path()).is_some() {
                    tokio::fs::remove_file(entry.path()).await?;
                }
            }
            Ok(())
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn folder_of(live: &Path) -> PathBuf {
    live.with_extension("past")
}

/// `register-v3.past` where `register-v4.past` is ours.
fn of_other_versions(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let (Some(parent), Some(name)) = (folder.parent(), folder.file_stem()) else {
        return Ok(vec![]);
    };
    let name = name.to_string_lossy();
    let (model, _) = name.rsplit_once("-v").unwrap_or((&name, ""));
    let mut found = Vec::new();
    for entry in std::fs::read_dir(parent)? {
        let path = entry?.path();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let is_ours = stem.rsplit_once("-v").is_some_and(|it| it.0 == model);
        if path.extension() == folder.extension() && is_ours && path != folder {
            found.push(path);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_the_snapshot_is_of() {
        let snapshot = Snapshot::of(48_120, vec![0xab; 32], Path::new("/f"));
        assert_eq!(Snapshot::read(snapshot.path.clone()), Some(snapshot));
        for other in [
            "48120.snapshot",
            "48120-ab.snapshot",
            "a.past",
            "-.snapshot",
            "x-é.snapshot",
        ] {
            assert_eq!(Snapshot::read(other.into()), None, "{other}");
        }
    }

    #[tokio::test]
    async fn what_was_left_behind_is_removed_and_snapshots_stay() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let ours = Snapshot::of(7, vec![1; 32], &at("counts-v3.past"));
        for kept in ["counts-v3.past", "counts-v2.past", "countsome-v2.past"] {
            std::fs::create_dir(at(kept)).unwrap();
        }
        for file in [
            &ours.path,
            &at("counts-v3.past/x.past"),
            &at("counts-v2.past/y"),
        ] {
            std::fs::write(file, "").unwrap();
        }
        let snapshots = Snapshots::open(at("counts-v3.db"), 1).await.unwrap();
        assert_eq!(snapshots.list().unwrap(), [ours]);
        assert_eq!(std::fs::read_dir(at("counts-v3.past")).unwrap().count(), 1);
        assert!(!at("counts-v2.past").exists() && at("countsome-v2.past").exists());
    }

    #[test]
    fn snapshots_lie_further_apart_as_the_log_grows_and_their_sum_is_bounded() {
        let snapshots = Snapshots {
            live: PathBuf::new(),
            folder: PathBuf::new(),
            every: 10_000,
        };
        let (mut at, mut sum) = (0, 0);
        while at < 100_000_000 {
            at += snapshots.distance(at);
            sum += at;
            assert!(snapshots.distance(at) <= 10_000.max(at / 4));
        }
        assert!(sum <= 5 * at + 200_000, "{sum} of {at}");
    }
}
