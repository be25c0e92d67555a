//! Writes the backup of one log, and checks it as an auditor would.

use std::{
    collections::BTreeSet,
    fmt, fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use auditor::{
    Asked,
    bundle::{WIDTH, Writer, entries_path, events_path, read_events, tile_path, tiles},
    verify,
};
use contracts::ledger::v1::Event;
use ledger::{
    Log, PAGE,
    tree::{Signed, SigningSeed},
};
use tokio::time::sleep;

use super::{
    files::{self, Backed, fingerprints_path},
    restore::checked,
};

/// What was written.
pub(super) struct Written {
    origin: String,
    size: u64,
    unsigned: usize,
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            origin,
            size,
            unsigned,
        } = self;
        let last = size + *unsigned as u64;
        write!(
            f,
            "up to position {last}, {size} of them under the checkpoint of {origin}, whose root was checked"
        )
    }
}

/// How long it may take until an order to erase lies under a checkpoint.
const SIGNED_WITHIN: Duration = Duration::from_secs(10);

/// Writes what is not there yet, up to the newest event; the checkpoint comes last. The earlier state's checkpoint, if there is one,
/// is held against the log before anything is written: a log that was rolled back must not spoil the backup that mends it.
pub(super) async fn write(log: &Log, seed: &SigningSeed, folder: &Path) -> anyhow::Result<Written> {
    let kept = fs::read_to_string(folder.join("checkpoint")).ok();
    if let Some(kept) = &kept {
        goes_on(log, kept).await?;
    }
    let deadline = Instant::now() + SIGNED_WITHIN;
    loop {
        let latest = log.latest_checkpoint().await?;
        // What an order behind the checkpoint took out would be missing without a reason.
        if newest_order(log).await? > latest.size {
            anyhow::ensure!(
                Instant::now() < deadline,
                "an order to erase is not signed yet: is the ledger running?"
            );
            sleep(Duration::from_millis(200)).await;
            continue;
        }
        if let Some(written) = up_to(log, seed, folder, &latest, kept.as_ref()).await? {
            return Ok(written);
        }
    }
}

async fn newest_order(log: &Log) -> anyhow::Result<u64> {
    Ok(ledger::erasing::newest(log).await?)
}

/// Refuses a log that does not go on from what the folder holds.
async fn goes_on(log: &Log, kept: &str) -> anyhow::Result<()> {
    let kept = checked(kept).context("the checkpoint in the folder")?;
    let latest = checked(&log.latest_checkpoint().await?.note)?;
    if kept.origin != latest.origin {
        // Another name after a fork that was declared: the auditor tells what was left.
        return Ok(());
    }
    let (size, signed) = (kept.size, latest.size);
    anyhow::ensure!(
        size <= signed,
        "position {}: the folder holds {size} signed entries, the log only {signed}: it was rolled back. Nothing was written; `cozum \
         restore --recover` brings it forward from this folder",
        signed + 1
    );
    anyhow::ensure!(
        log.root_at(size).await? == kept.root,
        "position {size}: the log's first {size} entries are not those of the folder. Nothing was written"
    );
    Ok(())
}

/// Writes the state of a checkpoint; `None` where something was ordered out of the log meanwhile.
async fn up_to(
    log: &Log,
    seed: &SigningSeed,
    folder: &Path,
    latest: &Signed,
    kept: Option<&String>,
) -> anyhow::Result<Option<Written>> {
    let origin = latest.note.lines().next().unwrap_or_default().to_owned();
    let key = seed.key(&origin)?.verifier_key();
    let writer = Writer::go_on(folder).with_context(|| format!("--out {}", folder.display()))?;
    for index in 0..latest.size.div_ceil(WIDTH) {
        stretch(log, &writer, index, latest.size).await?;
    }
    forget(log, &writer, folder, latest.size).await?;
    for (level, index, width) in tiles(latest.size) {
        if width < WIDTH || !writer.has(&tile_path(level, index, width)) {
            let hashes = log.tile(u8::try_from(level)?, index, width).await?;
            writer.tile(level, index, width, &hashes.concat())?;
        }
    }
    let backed = Backed {
        command_key: log.command_key().await?,
        reactions: log.reactions().await?,
        unsigned: behind(log, latest.size).await?,
    };
    let notes = checkpoints(log, latest.size).await?;
    if newest_order(log).await? > latest.size {
        return Ok(None);
    }
    backed.write(&writer)?;
    writer.key(&key)?;
    writer.checkpoints(&notes)?;
    writer.checkpoint(&latest.note)?;

    let asked = Asked {
        key: Some(key.parse().map_err(|it| anyhow::anyhow!("the key {it}"))?),
        kept: kept.into_iter().cloned().collect(),
        policy: None,
    };
    if let Some(finding) = verify(folder, &asked).finding {
        anyhow::bail!("the backup does not hold: {finding}");
    }
    clean(folder, latest.size).context("removing what is no longer of it")?;
    Ok(Some(Written {
        origin,
        size: latest.size,
        unsigned: backed.unsigned.len(),
    }))
}

/// The size that a checkpoint says.
pub(super) fn size(note: &str) -> Option<u64> {
    note.lines().nth(1)?.parse().ok()
}

async fn stretch(log: &Log, writer: &Writer, index: u64, size: u64) -> anyhow::Result<()> {
    let first = index * WIDTH;
    let width = (size - first).min(WIDTH);
    let paths = [
        events_path(index, width),
        entries_path(index, width),
        fingerprints_path(index, width),
    ];
    if width == WIDTH && paths.iter().all(|it| writer.has(it)) {
        return Ok(());
    }
    let events = log.read(first, u32::try_from(width)?).await?;
    let at = first + events.len() as u64;
    let whole = events.last().map(|it| it.position) == Some(at) && at == first + width;
    anyhow::ensure!(
        whole,
        "an event is missing between positions {first} and {}",
        first + width
    );
    writer.events(index, width, &events)?;
    writer.entries(index, width, &log.entry_bundle(index, width).await?)?;
    files::write_fingerprints(writer, index, &log.fingerprints(&events).await?)
}

/// Writes the files anew in which an earlier backup kept what was ordered out of the log since.
async fn forget(log: &Log, writer: &Writer, folder: &Path, size: u64) -> anyhow::Result<()> {
    let ordered = ledger::erasing::all(log).await?;
    let full = ordered.range(..=size / WIDTH * WIDTH);
    let files: BTreeSet<u64> = full.map(|it| (it - 1) / WIDTH).collect();
    for index in files {
        let kept = read_events(folder, index, WIDTH)?;
        let holds = |it: &Event| !it.personal.is_empty() && ordered.contains(&it.position);
        if kept.iter().any(holds) {
            let events = log.read(index * WIDTH, u32::try_from(WIDTH)?).await?;
            writer.events(index, WIDTH, &events)?;
        }
    }
    Ok(())
}

/// The events behind what was signed.
async fn behind(log: &Log, size: u64) -> anyhow::Result<Vec<Event>> {
    let mut events: Vec<Event> = vec![];
    loop {
        let page = log.read(size + events.len() as u64, 0).await?;
        let more = page.len() as u64 == PAGE;
        events.extend(page);
        if !more {
            return Ok(events);
        }
    }
}

async fn checkpoints(log: &Log, size: u64) -> anyhow::Result<Vec<String>> {
    let (mut notes, mut after) = (vec![], 0);
    while after < size {
        let page = log.checkpoints(after, 0).await?;
        let Some(last) = page.last() else { break };
        after = last.size;
        notes.extend(
            page.into_iter()
                .filter(|it| it.size <= size)
                .map(|it| it.note),
        );
    }
    Ok(notes)
}

/// Removes the drafts, and the partial files of every other size: what is later ordered out of the log would stay in them.
fn clean(folder: &Path, size: u64) -> anyhow::Result<()> {
    let partial = tiles(size).filter(|(_, _, width)| *width < WIDTH);
    let of_now: BTreeSet<PathBuf> = partial
        .flat_map(|(level, index, width)| {
            let mut paths = vec![tile_path(level, index, width)];
            if level == 0 {
                paths.push(entries_path(index, width));
                paths.push(events_path(index, width));
                paths.push(fingerprints_path(index, width));
            }
            paths.into_iter().map(|it| folder.join(it))
        })
        .collect();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let is_partial = folder.extension().is_some_and(|it| it == "p");
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "draft")
                || is_partial && !of_now.contains(&path)
            {
                fs::remove_file(path)?;
            }
        }
        if is_partial {
            // Fails where the partial file of now lies in it.
            let _ = fs::remove_dir(folder);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partial_files_of_other_sizes_and_drafts_go_and_all_else_stays() {
        let folder = tempfile::tempdir().unwrap();
        let there = |path: &str| folder.path().join(path).exists();
        let put = |path: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"x").unwrap();
        };
        let gone = [
            events_path(1, 44),
            events_path(1, 255),
            fingerprints_path(0, 3),
            "events/000.p/232.draft".to_owned(),
            "unsigned.draft".to_owned(),
        ];
        let kept = [
            events_path(0, 256),
            events_path(1, 45),
            entries_path(1, 45),
            fingerprints_path(1, 45),
            tile_path(0, 1, 45),
            tile_path(1, 0, 1),
            "unsigned".to_owned(),
            "checkpoint".to_owned(),
        ];
        gone.iter().chain(&kept).for_each(|it| put(it));
        clean(folder.path(), 301).unwrap();
        assert_eq!(gone.iter().filter(|it| there(it)).count(), 0);
        assert_eq!(kept.iter().filter(|it| !there(it)).count(), 0);
        assert!(!there("fingerprints/000.p"), "an empty folder goes too");
    }
}
