//! Where the events of a replay come from: a bundle, offline, or a running centre.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use auditor::{Asked, bundle, verify};
use chassis::AsOf;
use contracts::ledger::v1::{CutOffRequest, Event, ReadRequest};
use projection::{Projection, ReadModel};
use serde_json::{Value, json};

use super::fold_on;
use crate::{
    audit::export::size,
    client::{Client, Server, in_words, patiently},
};

/// A log.
pub(super) enum Source {
    /// In a folder, of so many events, all of which hold.
    Bundle { folder: PathBuf, size: u64 },
    /// Of a centre.
    Centre(Box<Client>),
}

/// Where a log was cut.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) position: u64,
    pub(super) recorded_at: u64,
}

impl Cut {
    fn time(&self) -> Option<String> {
        let recorded_at = i64::try_from(self.recorded_at).ok().filter(|it| *it > 0)?;
        Some(chassis::event::timestamp(recorded_at).to_string())
    }

    pub(super) fn when(&self) -> String {
        self.time()
            .map(|it| format!(", recorded at {it}"))
            .unwrap_or_default()
    }

    /// As the API says it.
    pub(super) fn json(&self) -> Value {
        json!({ "position": self.position, "recorded_at": self.time() })
    }

    /// Whether an event was there already at the moment that was asked for.
    fn has(as_of: AsOf, event: &Event) -> bool {
        match as_of {
            AsOf::Position(position) => event.position <= position,
            AsOf::Time(time) => {
                i64::try_from(event.recorded_at).is_ok_and(|it| it <= time.as_microsecond())
            }
        }
    }
}

impl Source {
    /// A bundle, where there is one; else the centre.
    pub(super) async fn open(bundle: Option<&Path>, server: &Server) -> anyhow::Result<Self> {
        let Some(folder) = bundle else {
            let client = Client::connect(server).await?;
            return Ok(Self::Centre(Box::new(client)));
        };
        let report = verify(folder, &Asked::default());
        ensure!(
            report.is_sound(),
            "{} does not hold:\n{report}",
            folder.display()
        );
        let events = folder.join("events");
        ensure!(events.is_dir(), "{} has no events in it", folder.display());
        let note = std::fs::read_to_string(folder.join("checkpoint"))?;
        Ok(Self::Bundle {
            folder: folder.to_owned(),
            size: size(&note)?,
        })
    }

    /// Folds a model over what was recorded until a moment, into a file in a folder.
    pub(super) async fn fold<M: ReadModel>(
        &self,
        model: M,
        as_of: AsOf,
        folder: &Path,
    ) -> anyhow::Result<(Cut, Projection)> {
        let path = folder.join("replay.db");
        let mut folded = fold_on(&model, &path, &[]).await?;
        let mut cut = Cut::default();
        match self {
            Self::Bundle { folder, size } => {
                let mut beyond = false;
                for events in bundle::events_of(folder, *size) {
                    let mut events = events?;
                    let read = events.len();
                    events.retain(|it| Cut::has(as_of, it));
                    beyond = events.len() < read;
                    cut.reach(&events);
                    folded = fold_on(&model, &path, &events).await?;
                    if beyond {
                        break;
                    }
                }
                ends(as_of, cut, beyond)?;
            }
            Self::Centre(client) => {
                let end = asked(client, as_of).await?;
                while cut.position < end.position {
                    let mut events = page(client, cut.position).await?;
                    events.retain(|it| it.position <= end.position);
                    ensure!(!events.is_empty(), "the log ends at {}", cut.position);
                    cut.reach(&events);
                    folded = fold_on(&model, &path, &events).await?;
                }
            }
        }
        Ok((cut, folded))
    }
}

impl Cut {
    fn reach(&mut self, events: &[Event]) {
        if let Some(last) = events.last() {
            self.position = last.position;
            self.recorded_at = last.recorded_at;
        }
    }
}

/// A bundle knows nothing of what was recorded after its end.
fn ends(as_of: AsOf, cut: Cut, beyond: bool) -> anyhow::Result<()> {
    let is_within = match as_of {
        AsOf::Position(position) => position == cut.position,
        AsOf::Time(time) => {
            beyond || i64::try_from(cut.recorded_at).is_ok_and(|it| it == time.as_microsecond())
        }
    };
    if is_within {
        return Ok(());
    }
    bail!(
        "--at: lies after the bundle's end, position {}{}",
        cut.position,
        cut.when()
    );
}

/// Where a moment cuts the log of a centre.
async fn asked(client: &Client, as_of: AsOf) -> anyhow::Result<Cut> {
    let request = CutOffRequest {
        as_of: Some(as_of.asked()),
    };
    let reply = patiently(|| {
        let mut ledger = client.ledger();
        async move { ledger.cut_off(request).await }
    });
    let reply = reply.await.map_err(|it| anyhow::anyhow!(in_words(&it)));
    let reply = reply.context("--at")?.into_inner();
    Ok(Cut {
        position: reply.position,
        recorded_at: reply.recorded_at,
    })
}

async fn page(client: &Client, after_position: u64) -> anyhow::Result<Vec<Event>> {
    let request = ReadRequest {
        after_position,
        limit: 0,
    };
    let reply = patiently(|| {
        let mut ledger = client.ledger();
        async move { ledger.read(request).await }
    });
    let reply = reply.await.map_err(|it| anyhow::anyhow!(in_words(&it)))?;
    Ok(reply.into_inner().events)
}
