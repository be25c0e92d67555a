//! Writes the backup of one log, and checks it as an auditor would.

use std::{collections::BTreeSet, fmt, fs, path::Path};

use anyhow::Context as _;
use auditor::{
    Asked,
    bundle::{WIDTH, Writer, entries_path, events_path, read_events, tile_path, tiles},
    verify,
};
use contracts::ledger::v1::Event;
use ledger::{Log, PAGE, tree::SigningSeed};

use super::files::{self, Backed, fingerprints_path};

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

/// Writes what is not there yet, up to the newest event; the checkpoint comes last. The earlier state's checkpoint, if there is one,
/// is held against the log: that is how a rollback shows.
pub(super) async fn write(log: &Log, seed: &SigningSeed, folder: &Path) -> anyhow::Result<Written> {
    let kept = fs::read_to_string(folder.join("checkpoint")).ok();
    let latest = log.latest_checkpoint().await?;
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
    backed.write(&writer)?;
    writer.key(&key)?;
    writer.checkpoints(&checkpoints(log, latest.size).await?)?;
    writer.checkpoint(&latest.note)?;

    let asked = Asked {
        key: Some(key.parse().map_err(|it| anyhow::anyhow!("the key {it}"))?),
        kept: kept.iter().cloned().collect(),
        policy: None,
    };
    if let Some(finding) = verify(folder, &asked).finding {
        anyhow::bail!("the backup does not hold: {finding}");
    }
    if let Some(before) = kept.as_deref().and_then(size) {
        clean(folder, before, latest.size);
    }
    Ok(Written {
        origin,
        size: latest.size,
        unsigned: backed.unsigned.len(),
    })
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

/// Removes what was not full yet at an earlier size; what cannot be removed does no harm.
fn clean(folder: &Path, before: u64, now: u64) {
    let paths = |size: u64| {
        tiles(size)
            .filter(|(_, _, width)| *width < WIDTH)
            .flat_map(|(level, index, width)| {
                let mut paths = vec![tile_path(level, index, width)];
                if level == 0 {
                    paths.push(entries_path(index, width));
                    paths.push(events_path(index, width));
                    paths.push(fingerprints_path(index, width));
                }
                paths
            })
            .collect::<BTreeSet<String>>()
    };
    for path in paths(before).difference(&paths(now)) {
        let path = folder.join(path);
        let _ = fs::remove_file(&path);
        if let Some(partial) = path.parent() {
            // Fails where another partial file lies beside it.
            let _ = fs::remove_dir(partial);
        }
    }
}
