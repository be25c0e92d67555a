use std::future;

use chassis::{Command, event, execute};
use jiff::Timestamp;
use tonic::Status;
use tracing::Instrument as _;
use vocabulary::UnitCode;

use super::{Desk, Done, replay};
use crate::{
    directory,
    domain::{
        Standing, Topic, TopicCommand, TopicDefinition, TopicEvent, Unit, UnitCommand,
        UnitDefinition, UnitEvent, topic_stream, unit_stream,
    },
    wire,
};

/// The directory's own streams.
impl Desk {
    /// What the log says about a unit's code.
    pub(crate) async fn standing(&self, code: &UnitCode) -> Result<Standing, Status> {
        let events = self.ledger.read_stream(&unit_stream(code)).await?;
        Ok(match replay::<Unit>(&events)? {
            Unit::Undefined => Standing::Unknown,
            Unit::Defined(unit) if unit.outside => Standing::Outside,
            Unit::Defined(_) => Standing::Inside,
        })
    }

    /// Units are never taken away, so an old read model that knows one is right.
    pub(super) async fn knows(&self, code: &UnitCode) -> Result<bool, Status> {
        if directory::has_unit(&self.directory, code)
            .await
            .map_err(directory::broken)?
        {
            return Ok(true);
        }
        Ok(self.standing(code).await? != Standing::Unknown)
    }

    /// Defines a unit, or changes it.
    pub(crate) async fn define_unit(
        &self,
        command: Command,
        unit: UnitDefinition,
        now: Timestamp,
    ) -> Result<Done, Status> {
        let stream = unit_stream(&unit.code);
        let command_id = command.id;
        let encode = move |events: &[UnitEvent]| {
            let recorded = events.iter().enumerate();
            let encoded = recorded
                .map(|(index, it)| wire::unit_event(event::id(command_id, index), it, now))
                .collect();
            future::ready(Ok(encoded))
        };
        let executed = execute::<Unit>(
            &self.ledger,
            &stream,
            &command,
            0,
            UnitCommand::DefineUnit(unit),
            encode,
        )
        .instrument(tracing::info_span!("routing.decide"))
        .await
        .map_err(|error| error.into_status(|never| match never {}))?;
        Ok(Done {
            position: executed.position,
            version: executed.version,
        })
    }

    /// Defines a topic, or changes it.
    pub(crate) async fn define_topic(
        &self,
        command: Command,
        topic: TopicDefinition,
        now: Timestamp,
    ) -> Result<Done, Status> {
        let stream = topic_stream(&topic.code);
        let unit_known = self.knows(&topic.unit).await?;
        let command_id = command.id;
        let encode = move |events: &[TopicEvent]| {
            let recorded = events.iter().enumerate();
            let encoded = recorded
                .map(|(index, it)| wire::topic_event(event::id(command_id, index), it, now))
                .collect();
            future::ready(Ok(encoded))
        };
        let decision = TopicCommand::DefineTopic { topic, unit_known };
        let executed = execute::<Topic>(&self.ledger, &stream, &command, 0, decision, encode)
            .instrument(tracing::info_span!("routing.decide"))
            .await
            .map_err(|error| error.into_status(wire::topic_refused))?;
        Ok(Done {
            position: executed.position,
            version: executed.version,
        })
    }
}
