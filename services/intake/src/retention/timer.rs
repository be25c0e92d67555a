//! Begins a run by itself, every so many days. Replicas that look at the same time begin the same run, so no lease is needed.

use std::time::Duration;

use chassis::{Command, Ledger, Platform, event};
use contracts::intake::v1::{BeginDestructionRequest, DestructionBegan};
use tonic::Status;
use uuid::Uuid;
use vocabulary::Municipality;

use super::{begin, rules};
use crate::{domain::is_time, streams};

/// How often somebody looks whether it is time.
const LOOK: Duration = Duration::from_mins(1);

/// Begins a run of each municipality's rules every so many days, until the process stops.
pub(crate) async fn keep_time(platform: Platform, every_days: u32) -> anyhow::Result<()> {
    loop {
        for municipality in platform.municipalities.iter() {
            let ledger = platform.ledger(municipality);
            if let Err(status) = look(&platform, municipality, &ledger, every_days).await {
                tracing::warn!(error = %status, "whether a run of the retention rules is due cannot be told yet");
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn look(
    platform: &Platform,
    municipality: &Municipality,
    ledger: &Ledger,
    every_days: u32,
) -> Result<(), Status> {
    let set: Vec<_> = rules(ledger).await?.into_iter().map(|(_, at)| at).collect();
    let runs = ledger.read_stream(streams::RUNS).await?;
    let last = runs
        .iter()
        .rev()
        .find(|it| event::is::<DestructionBegan>(it));
    let now = platform.clock.now();
    if !is_time(&set, last.map(event::occurred_at), every_days, now) {
        return Ok(());
    }
    let after = last.map_or(Uuid::nil(), event::event_id);
    let id = Uuid::new_v5(
        &after,
        format!("{municipality}: intake.retention").as_bytes(),
    );
    let command = Command {
        id,
        fingerprint: event::fingerprint(&BeginDestructionRequest::default()),
        correlation_id: id,
        causation_id: None,
        actor: platform.system(municipality).actor,
    };
    let began = begin(ledger, &command, now).await?;
    tracing::info!(run = began.run, "a run of the retention rules has begun");
    Ok(())
}
