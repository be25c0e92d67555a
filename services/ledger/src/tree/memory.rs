//! What this signer signed last, in a file of its own, apart from the log: a log that comes back from a backup without what was
//! signed since is told by it. The file holds the signed checkpoint itself, so it is a checkpoint that an auditor can be given.

use std::path::{Path, PathBuf};

use tokio::{fs, io::AsyncWriteExt as _};

/// The file of one log.
#[derive(Debug, Clone)]
pub struct Memory {
    file: PathBuf,
}

impl Memory {
    /// The memory of a log in a folder, which is made where it is missing.
    pub async fn open(folder: &Path, log: &str) -> std::io::Result<Self> {
        fs::create_dir_all(folder).await?;
        Ok(Self {
            file: folder.join(format!("{log}.checkpoint")),
        })
    }

    /// The note that was signed last, if any.
    pub(crate) async fn recall(&self) -> std::io::Result<Option<String>> {
        match fs::read_to_string(&self.file).await {
            Ok(note) => Ok(Some(note)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Puts what was signed last aside for ever: the history that it is of was left.
    pub(super) async fn leave(&self, size: u64) -> std::io::Result<()> {
        let aside = self.file.with_extension(format!("left-at-{size}"));
        fs::copy(&self.file, &aside).await?;
        fs::File::open(&aside).await?.sync_all().await
    }

    /// Keeps a note; durable before anybody else can have it.
    pub(super) async fn remember(&self, note: &str) -> std::io::Result<()> {
        let draft = self.file.with_extension("draft");
        let mut file = fs::File::create(&draft).await?;
        file.write_all(note.as_bytes()).await?;
        file.sync_all().await?;
        fs::rename(&draft, &self.file).await?;
        if let Some(folder) = self.file.parent() {
            fs::File::open(folder).await?.sync_all().await?;
        }
        Ok(())
    }
}
