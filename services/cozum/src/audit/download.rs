//! Fetches a published log, as anybody may: what `tlog-tiles` puts below its prefix, without the events.

use std::{path::Path, time::Duration};

use anyhow::Context as _;
use auditor::bundle::{Writer, entries_path, tile_path, tiles};

use super::export::size;

/// Writes what is published below a prefix like `https://153.example.org/log/ova`.
pub(super) async fn download(prefix: &str, folder: &Path) -> anyhow::Result<()> {
    let writer = Writer::create(folder)?;
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(30))
        .build()?;
    let prefix = prefix.trim_end_matches('/');
    let get = async |path: &str| -> anyhow::Result<Option<Vec<u8>>> {
        let url = format!("{prefix}/{path}");
        let reply = client.get(&url).send().await;
        let reply = reply.with_context(|| format!("{url} cannot be reached"))?;
        if reply.status() == reqwest::StatusCode::NOT_FOUND {
            return Ok(None);
        }
        Ok(Some(reply.error_for_status()?.bytes().await?.to_vec()))
    };
    // The newest checkpoint that was cosigned is an older one, as a rule.
    let cosigned = get("cosigned-checkpoint").await?;
    let checkpoint = get("checkpoint").await?;
    let checkpoint = checkpoint.with_context(|| format!("there is no log at {prefix}"))?;
    let checkpoint = String::from_utf8(checkpoint).context("the checkpoint is no text")?;
    writer.checkpoint(&checkpoint)?;
    if let Some(cosigned) = cosigned {
        let cosigned = String::from_utf8(cosigned).context("the cosigned checkpoint is no text")?;
        writer.checkpoints(&[cosigned])?;
    }
    if let Some(key) = get("key").await? {
        writer.key(&String::from_utf8(key).context("the key is no text")?)?;
    }
    for (level, index, width) in tiles(size(&checkpoint)?) {
        let tile = get(&tile_path(level, index, width)).await?;
        let entries = match level {
            0 => get(&entries_path(index, width)).await?,
            _ => None,
        };
        // The size is only what the centre says: where it shows nothing more, there is no end to what could be asked for.
        if level == 0 && tile.is_none() && entries.is_none() {
            break;
        }
        if let Some(hashes) = tile {
            writer.tile(level, index, width, &hashes)?;
        }
        if let Some(bundle) = entries {
            writer.entries(index, width, &bundle)?;
        }
    }
    Ok(())
}
