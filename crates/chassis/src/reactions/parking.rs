use std::collections::BTreeMap;

use contracts::ledger::v1::{Event, ReactionParked, ReactionRetried, StreamWrite};
use uuid::Uuid;

use super::caused_by;
use crate::{AppendError, Ledger, event, event::Undecodable};

/// The streams of one reaction that wait for a person, each with the event it failed on.
#[derive(Debug, Default)]
pub(super) struct Parking {
    parked: BTreeMap<String, u64>,
    version: u64,
}

impl Parking {
    /// What was parked when everything up to `checkpoint` was done; what was retried later comes with the feed.
    pub(super) async fn load(
        ledger: &Ledger,
        reaction: &str,
        checkpoint: u64,
    ) -> anyhow::Result<Self> {
        let mut parking = Self::default();
        for event in ledger.read_stream(&stream(reaction)).await? {
            parking.version = event.version;
            if event::is::<ReactionParked>(&event) {
                let parked = event::decode::<ReactionParked>(&event)?;
                parking.parked.insert(parked.stream, parked.position);
            }
            if event.position <= checkpoint {
                parking.retried(reaction, &event)?;
            }
        }
        Ok(parking)
    }

    pub(super) fn holds(&self, stream: &str) -> bool {
        self.parked.contains_key(stream)
    }

    /// If this event asks for a stream of this reaction to be tried again: the stream, and from which position.
    pub(super) fn retried(
        &mut self,
        reaction: &str,
        event: &Event,
    ) -> Result<Option<(String, u64)>, Undecodable> {
        if !event::is::<ReactionRetried>(event) {
            return Ok(None);
        }
        let retried = event::decode::<ReactionRetried>(event)?;
        if retried.reaction != reaction {
            return Ok(None);
        }
        self.version = self.version.max(event.version);
        Ok(self
            .parked
            .remove(&retried.stream)
            .map(|position| (retried.stream, position)))
    }

    /// Records that a stream waits; parking it twice for the same event records it once.
    pub(super) async fn park(
        &mut self,
        ledger: &Ledger,
        reaction: &str,
        failed: &Event,
        error: &anyhow::Error,
    ) -> anyhow::Result<()> {
        tracing::error!(
            reaction,
            event.position = failed.position,
            error = format!("{error:#}"),
            "{reaction} gave up on event {}: its stream is parked",
            failed.position
        );
        let stream = stream(reaction);
        let message = ReactionParked {
            reaction: reaction.to_owned(),
            stream: failed.stream.clone(),
            position: failed.position,
            reason: format!("{error:#}").chars().take(200).collect(),
        };
        loop {
            let key = format!("park/{reaction}/{}/{}", failed.position, self.version);
            let command_id = Uuid::new_v5(&event::event_id(failed), key.as_bytes());
            let command = caused_by(
                failed,
                command_id,
                event::fingerprint(&message),
                format!("system:{reaction}"),
            );
            let subjects = ["reactions".to_owned(), format!("reaction:{reaction}")];
            let recorded = event::record(
                event::id(command_id, 0),
                &message,
                event::occurred_at(failed),
                subjects,
            );
            let write = StreamWrite {
                stream: stream.clone(),
                expected_version: self.version,
                events: vec![recorded],
            };
            match ledger.append(&command, vec![write]).await {
                Ok(_) => break,
                Err(AppendError::Stale) => {
                    let events = ledger.read_stream(&stream).await?;
                    self.version = events.last().map_or(0, |it| it.version);
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.version += 1;
        self.parked.insert(failed.stream.clone(), failed.position);
        Ok(())
    }
}

fn stream(reaction: &str) -> String {
    format!("parked-{reaction}")
}
