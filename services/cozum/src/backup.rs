//! `cozum backup`: what is true, in a form that belongs to no kind of store; everything else is made of it again.
//!
//! A log's backup is its audit bundle with what a log needs besides to go on. So whoever can check a bundle can check a backup, and
//! restoring one into another kind of store is how a centre moves. Keys go into a file of their own, never beside the log: they
//! must be deleted sooner, or who was erased stays readable. Neither holds the master key or the signing key.

mod files;
mod fork;
mod log;
mod restore;
mod stores;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;

pub(crate) use restore::Restore;

use self::stores::Stores;
use crate::cli;

/// Writes the logs into a folder, and the keys with the attachments into a file; checks what it wrote
#[derive(Debug, clap::Args)]
pub(crate) struct Backup {
    /// A folder with one folder per municipality; into one that holds an earlier backup, only what is new is written
    #[arg(long, value_name = "DIR", required_unless_present = "keys")]
    out: Option<PathBuf>,
    /// A file that is not there yet, for the wrapped keys and the attachments; keep it apart from the log, and not for long
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    #[command(flatten)]
    stores: Stores,
}

impl Backup {
    /// Writes the logs first and the keys second, so that no event's key is missing.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        if let Some(file) = &self.keys {
            anyhow::ensure!(
                !file.exists(),
                "--keys {}: is there already",
                file.display()
            );
        }
        if let Some(out) = &self.out {
            self.logs(out).await?;
        }
        if let Some(file) = &self.keys {
            let (from, to) = (self.stores.keys(), format!("sqlite:{}", file.display()));
            let copied = vault::copy(&from, &to).await.context("the keys")?;
            let vault::Copied { keys, files } = copied;
            let file = file.display();
            cli::answer(&format!(
                "{keys} keys and {files} attachments are in {file}\n"
            ))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn logs(&self, out: &Path) -> anyhow::Result<()> {
        let municipalities = self.stores.municipalities()?;
        let shelf = self.stores.shelf(Some(&municipalities)).await?;
        let seed = self.stores.seed()?;
        for municipality in &municipalities {
            let log = stores::open(&shelf, municipality).await?;
            let folder = out.join(municipality.as_str());
            let told = log::write(&log, &seed, &folder).await;
            let told = told.with_context(|| format!("the log of {municipality}"))?;
            cli::answer(&format!("{municipality}: {told}\n"))?;
        }
        Ok(())
    }
}
