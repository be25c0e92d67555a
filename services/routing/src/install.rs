//! Gives a municipality the default directory: whatever of it nobody has defined yet. What people defined or changed stays
//! as it is, and two replicas that start at once define everything once.

use std::{collections::BTreeSet, time::Duration};

use anyhow::Context as _;
use chassis::{AppendError, Command, Platform, event};
use contracts::{
    ledger::v1::{NewEvent, StreamWrite},
    routing::v1::{ListTopicsReply, ListUnitsReply},
};
use decider::Decider as _;
use jiff::Timestamp;
use projection::Projection;
use tonic::Status;
use uuid::Uuid;
use vocabulary::Municipality;

use crate::{
    default_directory, directory,
    domain::{
        Topic, TopicCommand, TopicDefinition, TopicEvent, Unit, UnitCommand, UnitDefinition,
        UnitEvent, topic_stream, unit_stream,
    },
    wire,
};

/// How long to wait for a ledger that starts at the same time.
const PAUSE: Duration = Duration::from_secs(1);

/// What the default directory has and a log has not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Missing {
    units: Vec<UnitDefinition>,
    topics: Vec<TopicDefinition>,
}

/// Installs the default directory; the service is not ready before it is there.
pub(crate) fn begin(platform: &Platform, municipality: &Municipality, directory: &Projection) {
    let part = format!("{}/{municipality}/default directory", platform.role);
    platform.health.not_ready(&part, "being installed");
    let task = install(
        platform.clone(),
        municipality.clone(),
        directory.clone(),
        part,
    );
    platform.tasks.spawn("default directory", task);
}

async fn install(
    platform: Platform,
    municipality: Municipality,
    directory: Projection,
    part: String,
) -> anyhow::Result<()> {
    loop {
        match complete(&platform, &municipality, &directory).await {
            Ok(true) => break,
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "the default directory cannot be installed yet"
                );
                platform.health.not_ready(&part, format!("{error:#}"));
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    platform.health.ready(&part);
    Ok(())
}

/// Defines what is missing; true once nothing is.
async fn complete(
    platform: &Platform,
    municipality: &Municipality,
    known: &Projection,
) -> anyhow::Result<bool> {
    let ledger = platform.ledger(municipality);
    let head = ledger.head().await.context("the ledger's head")?;
    known.at_least(head).await?;
    let missing = Missing::from(known).await?;
    if missing == Missing::default() {
        return Ok(true);
    }
    let command = missing.command(municipality, platform.system(municipality).actor);
    let writes = missing.writes(&command, platform.clock.now())?;
    match ledger.append(&command, writes).await {
        Ok(reply) => {
            tracing::info!(%municipality, "the default directory: {} definitions", missing.units.len() + missing.topics.len());
            known.at_least(reply.last_position).await?;
            Ok(false)
        }
        // Somebody defined one of them in between: look again.
        Err(AppendError::Stale) => Ok(false),
        Err(error @ (AppendError::CommandReused | AppendError::Failed(_))) => {
            Err(anyhow::Error::from(Status::from(error)))
        }
    }
}

impl Missing {
    async fn from(known: &Projection) -> anyhow::Result<Self> {
        let units: BTreeSet<_> = directory::units(known)
            .await?
            .into_iter()
            .map(|it| it.code)
            .collect();
        let topics: BTreeSet<_> = directory::topics(known)
            .await?
            .into_iter()
            .map(|it| it.code)
            .collect();
        Ok(Self {
            units: default_directory::units()?
                .into_iter()
                .filter(|it| !units.contains(&it.code))
                .collect(),
            topics: default_directory::topics()?
                .into_iter()
                .filter(|it| !topics.contains(&it.code))
                .collect(),
        })
    }

    /// The same definitions for the same municipality are the same command, whoever gives it.
    fn command(&self, municipality: &Municipality, actor: String) -> Command {
        let units = self.units.iter().map(wire::unit_defined).collect();
        let topics = self.topics.iter().map(wire::topic_defined).collect();
        let fingerprints = [
            event::fingerprint(&ListUnitsReply { units }),
            event::fingerprint(&ListTopicsReply { topics }),
        ];
        let name = format!("cozum:default-directory:{municipality}");
        let ours = Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes());
        let id = Uuid::new_v5(&ours, &fingerprints.concat());
        let fingerprint = event::fingerprint(&NewEvent {
            facts: fingerprints.concat(),
            ..NewEvent::default()
        });
        Command {
            id,
            fingerprint,
            correlation_id: id,
            causation_id: None,
            actor,
        }
    }

    /// One append for all of it: a topic never stands there without its unit.
    fn writes(&self, command: &Command, at: Timestamp) -> anyhow::Result<Vec<StreamWrite>> {
        let mut index = 0..;
        let mut next_id = || event::id(command.id, index.next().unwrap_or_default());
        let mut writes = vec![];
        for unit in &self.units {
            let events: Vec<UnitEvent> =
                Unit::default().decide(UnitCommand::DefineUnit(unit.clone()))?;
            let events = events
                .iter()
                .map(|it| wire::unit_event(next_id(), it, at))
                .collect();
            writes.push(StreamWrite {
                stream: unit_stream(&unit.code),
                expected_version: 0,
                events,
            });
        }
        for topic in &self.topics {
            let command = TopicCommand::DefineTopic {
                topic: topic.clone(),
                unit_known: true,
            };
            let events: Vec<TopicEvent> = Topic::default().decide(command)?;
            let events = events
                .iter()
                .map(|it| wire::topic_event(next_id(), it, at))
                .collect();
            writes.push(StreamWrite {
                stream: topic_stream(&topic.code),
                expected_version: 0,
                events,
            });
        }
        Ok(writes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn everything() -> Missing {
        Missing {
            units: default_directory::units().unwrap(),
            topics: default_directory::topics().unwrap(),
        }
    }

    #[test]
    fn two_replicas_give_the_same_command() {
        let here = everything().command(&"demo".parse().unwrap(), "system:routing".to_owned());
        let there = everything().command(&"demo".parse().unwrap(), "system:routing".to_owned());
        assert_eq!((here.id, here.fingerprint), (there.id, there.fingerprint));

        let elsewhere =
            everything().command(&"other".parse().unwrap(), "system:routing".to_owned());
        assert_ne!(here.id, elsewhere.id);
        let mut rest = everything();
        rest.topics.pop();
        assert_ne!(
            here.id,
            rest.command(&"demo".parse().unwrap(), "system:routing".to_owned())
                .id
        );
    }

    #[test]
    fn each_definition_begins_its_own_stream_with_its_own_event() {
        let all = everything();
        let command = all.command(&"demo".parse().unwrap(), "system:routing".to_owned());
        let writes = all.writes(&command, Timestamp::UNIX_EPOCH).unwrap();
        let ids: BTreeSet<_> = writes
            .iter()
            .flat_map(|it| &it.events)
            .map(|it| it.event_id.clone())
            .collect();
        let streams: BTreeSet<_> = writes.iter().map(|it| it.stream.clone()).collect();
        assert_eq!(writes.len(), all.units.len() + all.topics.len());
        assert_eq!((ids.len(), streams.len()), (writes.len(), writes.len()));
        assert!(writes.iter().all(|it| it.expected_version == 0));
    }
}
