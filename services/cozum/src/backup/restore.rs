//! `cozum restore`: brings a backup back, into either kind of store.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use auditor::{
    Asked, Key,
    bundle::{WIDTH, read_checkpoints, read_events},
    verify,
};
use chassis::Clock;
use contracts::ledger::v1::Event;
use ledger::{
    Shelf,
    restore::{Restore as Restoring, Returning},
    tree::Signed,
};
use transparency::{Checkpoint, Edge, leaf};
use vocabulary::Municipality;

use super::{
    files::{Backed, Fingerprint, read_fingerprints},
    fork,
    log::size,
    stores::Stores,
};
use crate::cli;

/// Brings logs and keys back from a backup, into a store of either kind that is empty; checks all of it before
#[derive(Debug, clap::Args)]
pub(crate) struct Restore {
    /// A folder that `backup` wrote; with --recover, one that `audit export` wrote will do in the place of a municipality's
    #[arg(long, value_name = "DIR", required_unless_present_any = ["keys", "declare_fork"])]
    from: Option<PathBuf>,
    /// A file with keys that `backup` wrote
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Only brings back what is missing behind the events that are there
    #[arg(long)]
    recover: bool,
    /// Instead: says for ever that what was signed is lost, and has the log go on under another name
    #[arg(long, requires = "ground", conflicts_with_all = ["from", "keys", "recover"])]
    declare_fork: bool,
    /// Why a fork is declared
    #[arg(long, value_enum, requires = "declare_fork")]
    ground: Option<fork::Ground>,
    /// The logs' public key as it was published, where the signing key is not on this machine
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    #[command(flatten)]
    stores: Stores,
}

impl Restore {
    /// Brings the logs back, then the keys.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        if let Some(ground) = self.ground {
            fork::declare(&self.stores, ground).await?;
        }
        if let Some(from) = &self.from {
            let shelf = self.stores.shelf(None).await?;
            for municipality in self.stores.municipalities()? {
                let folder = from.join(municipality.as_str());
                let told = Box::pin(self.log(&shelf, &municipality, &folder)).await;
                let told = told.with_context(|| format!("the log of {municipality}"))?;
                cli::answer(&format!("{municipality}: {told}\n"))?;
            }
        }
        if let Some(file) = &self.keys {
            anyhow::ensure!(file.exists(), "--keys {}: is not there", file.display());
            let (from, to) = (format!("sqlite:{}", file.display()), self.stores.keys());
            let copied = vault::copy(&from, &to).await.context("the keys")?;
            let vault::Copied { keys, files } = copied;
            cli::answer(&format!("{keys} keys and {files} attachments are back\n"))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn log(
        &self,
        shelf: &Shelf,
        municipality: &Municipality,
        folder: &Path,
    ) -> anyhow::Result<String> {
        let note = fs::read_to_string(folder.join("checkpoint"))
            .with_context(|| format!("{} holds no checkpoint", folder.display()))?;
        let signed = checked(&note)?;
        let name = signed.origin.rsplit('/').next().unwrap_or_default();
        anyhow::ensure!(name == municipality.as_str(), "this is the log of {name}");
        let remembered = self.stores.remembered(municipality)?;
        self.verify(folder, &signed, remembered.as_deref())?;

        // A log that is there keeps its key; a bundle brings none.
        let backed = match Backed::read(folder) {
            Ok(backed) => Some(backed),
            Err(_) if self.recover && !folder.join("backup").exists() => None,
            Err(error) => return Err(error),
        };
        let key = backed.as_ref().map_or([0; 32], |it| it.command_key);
        if backed.is_none() {
            let log = super::stores::open(shelf, municipality).await?;
            anyhow::ensure!(
                log.head().await?.position > 0,
                "there is nothing to recover behind"
            );
        }
        let mut log = Restoring::open(shelf, municipality, key, Clock::System).await?;
        let before = log.size();
        if !self.recover {
            anyhow::ensure!(
                before == 0,
                "the store has {before} events of it: --recover brings back only what is missing behind them"
            );
        }
        self.events(folder, &signed, &mut log, backed.is_some())
            .await?;
        // Nobody signed another history behind the backup, so what it has there is the log's.
        let nothing_later = remembered
            .as_deref()
            .and_then(size)
            .is_none_or(|it| it <= signed.size);
        let backed = backed.filter(|_| !self.recover || nothing_later);
        let (unsigned, reactions) = backed
            .map(|it| (it.unsigned, it.reactions))
            .unwrap_or_default();
        let count = unsigned.len();
        let unknown = vec![None; count];
        log.bring(returning(unsigned, unknown)).await?;
        log.keep(&[]).await?;
        for (name, position) in reactions {
            log.save(&name, position).await?;
        }
        Ok(told(&signed, before, count, remembered.as_deref()))
    }

    /// Checks all of a backup before any of it is brought back.
    fn verify(
        &self,
        folder: &Path,
        signed: &Checkpoint,
        remembered: Option<&str>,
    ) -> anyhow::Result<()> {
        let key: Option<Key> = if self.stores.has_seed() {
            let key = self.stores.seed()?.key(&signed.origin)?.verifier_key();
            Some(key.parse().map_err(|it| anyhow::anyhow!("the key {it}"))?)
        } else {
            let given = self.key.as_deref().map(|it| it.trim().parse());
            given
                .transpose()
                .map_err(|it| anyhow::anyhow!("--key: {it}"))?
        };
        // What was signed last may be behind the backup, which then must lead through it.
        let within = |it: &&str| size(it).is_some_and(|it| it <= signed.size);
        let asked = Asked {
            key,
            kept: remembered
                .filter(within)
                .map(str::to_owned)
                .into_iter()
                .collect(),
            policy: None,
        };
        if let Some(finding) = verify(folder, &asked).finding {
            anyhow::bail!("{finding}");
        }
        Ok(())
    }

    async fn events(
        &self,
        folder: &Path,
        signed: &Checkpoint,
        log: &mut Restoring,
        with_fingerprints: bool,
    ) -> anyhow::Result<()> {
        let before = log.size();
        anyhow::ensure!(
            before <= signed.size,
            "the log ends at {before}, what would be brought back at {}",
            signed.size
        );
        let stretch = |index: u64| -> anyhow::Result<(Vec<Event>, Vec<Fingerprint>)> {
            let width = (signed.size - index * WIDTH).min(WIDTH);
            let known = if with_fingerprints {
                read_fingerprints(folder, index, width)?
            } else {
                vec![None; usize::try_from(width)?]
            };
            Ok((read_events(folder, index, width)?, known))
        };
        let stretches = signed.size.div_ceil(WIDTH);
        // All are looked at before the first is written: a backup with a hole in it brings nothing back.
        let mut edge = Edge::default();
        for index in 0..stretches {
            for event in stretch(index)?.0 {
                if edge.size() == before {
                    anyhow::ensure!(
                        edge.root() == log.root(),
                        "position {before}: the {before} events that are there are not those of the backup"
                    );
                }
                edge.push(leaf(&event.commitment), |_, _| ());
            }
        }
        anyhow::ensure!(
            edge.size() == signed.size && edge.root() == signed.root,
            "the events do not lead to what was signed"
        );
        for index in before / WIDTH..stretches {
            let (events, known) = stretch(index)?;
            let mut returning = returning(events, known);
            returning.retain(|it| it.event.position > before);
            log.bring(returning).await?;
        }
        anyhow::ensure!(
            log.root() == signed.root,
            "position {}: the root is not the one that was signed",
            signed.size
        );
        let notes = read_checkpoints(folder)?.into_iter();
        let notes = notes.filter_map(|note| size(&note).map(|size| Signed { size, note }));
        let notes: Vec<Signed> = notes.collect();
        Ok(log.keep(&notes).await?)
    }
}

fn told(signed: &Checkpoint, before: u64, unsigned: usize, remembered: Option<&str>) -> String {
    let Checkpoint { origin, size, .. } = signed;
    let mut told = format!(
        "{} events are back, up to {size}: the root is the one that was signed as {origin}",
        size - before.min(*size)
    );
    if unsigned > 0 {
        told +=
            &format!("; {unsigned} more, which rest on the backup alone: they were not signed yet");
    }
    let end = size + unsigned as u64;
    match remembered.and_then(self::size).filter(|it| *it > end) {
        Some(later) => {
            told + &format!(
                "; {later} were signed: the ledger fetches the rest from NATS, or refuses to serve"
            )
        }
        None => told,
    }
}

fn returning(events: Vec<Event>, known: Vec<Fingerprint>) -> Vec<Returning> {
    let pairs = events.into_iter().zip(known);
    pairs
        .map(|(event, fingerprint)| Returning { event, fingerprint })
        .collect()
}

/// What a note says, without its signatures: those are the auditor's to check.
pub(super) fn checked(note: &str) -> anyhow::Result<Checkpoint> {
    let text = note
        .rsplit_once("\n\n")
        .map(|(text, _)| format!("{text}\n"));
    let text = text.context("the checkpoint has no signature")?;
    text.parse()
        .map_err(|it| anyhow::anyhow!("the checkpoint {it}"))
}
