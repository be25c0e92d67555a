//! Writes a bundle of a running centre's log. What the centre cannot show is left out, for whoever verifies to name: a log that
//! was tampered with must not keep its auditor from saying so.

use std::{future::Future, path::Path};

use anyhow::Context as _;
use auditor::bundle::{Writer, tiles};
use contracts::ledger::v1::{
    Checkpoint, Event, GetEntriesRequest, GetTileRequest, LatestCheckpointRequest,
    ListCheckpointsRequest, ProveConsistencyRequest, ReadRequest,
};
use tonic::{Code, Response, Status};

use crate::client::{Client, in_words, patiently};

/// Positions in one file of events.
const WIDTH: u64 = 256;
/// How many of the older checkpoints are proved to be the newest's beginning.
const PROOFS: usize = 16;

/// Writes the log up to its newest checkpoint; how many entries it has.
pub(super) async fn export(client: &Client, folder: &Path) -> anyhow::Result<u64> {
    let writer = Writer::create(folder).with_context(|| format!("--out {}", folder.display()))?;
    let latest = asked(|| {
        let mut ledger = client.ledger();
        async move {
            ledger
                .latest_checkpoint(LatestCheckpointRequest::default())
                .await
        }
    });
    let latest = latest.await?.context("nothing was signed yet")?;
    let size = size(&latest.note)?;
    writer.key(&latest.verifier_key)?;
    writer.checkpoint(&latest.note)?;
    events(client, &writer, size).await?;
    for (level, index, width) in tiles(size) {
        let request = GetTileRequest {
            level,
            index,
            width: u32::try_from(width)?,
        };
        let reply = asked(|| {
            let mut ledger = client.ledger();
            async move { ledger.get_tile(request).await }
        });
        let tile = reply.await?;
        if let Some(reply) = &tile {
            writer.tile(level, index, width, &reply.hashes)?;
        }
        if level > 0 {
            continue;
        }
        let request = GetEntriesRequest {
            index,
            width: u32::try_from(width)?,
        };
        let reply = asked(|| {
            let mut ledger = client.ledger();
            async move { ledger.get_entries(request).await }
        });
        let entries = reply.await?;
        // The size is only what the centre says: where it shows nothing more, there is no end to what could be asked for.
        if tile.is_none() && entries.is_none() {
            break;
        }
        if let Some(reply) = entries {
            writer.entries(index, width, &reply.bundle)?;
        }
    }
    let checkpoints = checkpoints(client, size).await?;
    let notes: Vec<String> = checkpoints.iter().map(|it| it.note.clone()).collect();
    writer.checkpoints(&notes)?;
    proofs(client, &writer, &checkpoints, size).await?;
    Ok(size)
}

/// The size that a checkpoint says.
pub(super) fn size(note: &str) -> anyhow::Result<u64> {
    let size = note.lines().nth(1).and_then(|it| it.parse().ok());
    size.context("the log's checkpoint has no size")
}

/// Asks until the centre answers. `None`: it cannot show that, because it is not there or not whole.
async fn asked<T, F>(call: impl FnMut() -> F) -> anyhow::Result<Option<T>>
where
    F: Future<Output = Result<Response<T>, Status>>,
{
    match patiently(call).await {
        Ok(reply) => Ok(Some(reply.into_inner())),
        Err(status) if matches!(status.code(), Code::NotFound | Code::Internal) => Ok(None),
        Err(status) => Err(anyhow::anyhow!(in_words(&status))),
    }
}

async fn events(client: &Client, writer: &Writer, size: u64) -> anyhow::Result<()> {
    let mut gathered: Vec<Event> = vec![];
    let mut after_position = 0;
    let flush = |index: u64, events: &mut Vec<Event>| {
        let width = (size - index * WIDTH).min(WIDTH);
        writer.events(index, width, &std::mem::take(events))
    };
    let mut index = 0;
    loop {
        let request = ReadRequest {
            after_position,
            limit: 0,
        };
        let page = asked(|| {
            let mut ledger = client.ledger();
            async move { ledger.read(request).await }
        });
        let page = page.await?.map(|it| it.events).unwrap_or_default();
        let within = page
            .into_iter()
            .filter(|it| (1..=size).contains(&it.position));
        let before = after_position;
        for event in within {
            after_position = event.position;
            while (event.position - 1) / WIDTH > index {
                flush(index, &mut gathered)?;
                index += 1;
            }
            gathered.push(event);
        }
        if after_position == before {
            break;
        }
    }
    // One file more than there are events for: that it is short is for the auditor to name.
    if index * WIDTH < size {
        flush(index, &mut gathered)?;
    }
    Ok(())
}

async fn checkpoints(client: &Client, size: u64) -> anyhow::Result<Vec<Checkpoint>> {
    let mut all: Vec<Checkpoint> = vec![];
    loop {
        let request = ListCheckpointsRequest {
            after_size: all.last().map_or(0, |it| it.size),
            limit: 0,
        };
        let page = asked(|| {
            let mut ledger = client.ledger();
            async move { ledger.list_checkpoints(request).await }
        });
        let page = page.await?.map(|it| it.checkpoints).unwrap_or_default();
        let more = page.len();
        all.extend(page.into_iter().filter(|it| it.size <= size));
        if more == 0 || all.last().is_none_or(|it| it.size >= size) {
            return Ok(all);
        }
    }
}

async fn proofs(
    client: &Client,
    writer: &Writer,
    checkpoints: &[Checkpoint],
    size: u64,
) -> anyhow::Result<()> {
    let older = checkpoints.iter().filter(|it| it.size < size);
    let step = checkpoints.len().div_ceil(PROOFS).max(1);
    for checkpoint in older.step_by(step) {
        let request = ProveConsistencyRequest {
            old_size: checkpoint.size,
            new_size: size,
        };
        let reply = asked(|| {
            let mut ledger = client.ledger();
            async move { ledger.prove_consistency(request).await }
        });
        if let Some(reply) = reply.await? {
            writer.proof(checkpoint.size, &reply.hashes)?;
        }
    }
    Ok(())
}
