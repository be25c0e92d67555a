//! What routing does about events: a registered request goes to the unit that answers for its topic.

use std::future;

use anyhow::Context as _;
use chassis::{
    Ledger, Platform, event, execute_new,
    reactions::{Reaction, caused_by},
};
use contracts::{intake::v1::RequestRegistered, ledger::v1::Event};
use projection::Projection;
use tracing::Instrument as _;
use uuid::Uuid;
use vocabulary::Municipality;

use crate::{
    directory,
    domain::{self, Command, Handling, Rule, handling_stream},
    wire::{self, Registered},
};

/// Routes each request that was not imported; the import tells itself who handled the others.
#[derive(Debug)]
pub(crate) struct Requests {
    ledger: Ledger,
    directory: Projection,
    actor: String,
}

impl Requests {
    pub(crate) fn new(
        platform: &Platform,
        municipality: &Municipality,
        directory: Projection,
    ) -> Self {
        let actor = platform.system(municipality).actor;
        Self {
            ledger: platform.ledger(municipality),
            directory,
            actor,
        }
    }

    async fn route(&self, event: &Event, registered: Registered) -> anyhow::Result<()> {
        // A topic is defined before a request can name it: the directory must be as new as the request.
        // A directory that is being built anew may take a while.
        self.directory
            .changes()
            .wait_for(|it| *it >= event.position)
            .await?;
        let topic = registered.topic;
        let (unit, version) = directory::unit_of(&self.directory, &topic)
            .await?
            .with_context(|| {
                format!("no unit answers for the topic {topic}: define it, then retry")
            })?;

        let command_id = Uuid::new_v5(&event::event_id(event), Self::NAME.as_bytes());
        let number = registered.number;
        let command = caused_by(
            event,
            command_id,
            wire::reaction_fingerprint(&number),
            self.actor.clone(),
        );
        let rule = Rule {
            name: format!("topic-{topic}"),
            version,
        };
        let decision = Command::RouteRequest {
            unit,
            topic,
            rule,
            at: registered.occurred_at,
        };
        let stream = handling_stream(&number);
        // The stream is there already only when this event comes again.
        let span = tracing::info_span!("routing.decide", request.number = %number);
        let encode = move |events: &[domain::Event]| {
            let recorded = events.iter().enumerate();
            let encoded = recorded
                .map(|(at, it)| wire::handling_event(event::id(command_id, at), &number, it, None))
                .collect();
            future::ready(Ok(encoded))
        };
        execute_new::<Handling>(&self.ledger, &stream, &command, decision, encode)
            .instrument(span)
            .await
            .map_err(|error| error.into_status(wire::refused))?;
        Ok(())
    }
}

impl Reaction for Requests {
    const NAME: &'static str = "routing.requests";

    fn concerns(&self, event: &Event) -> bool {
        event::is::<RequestRegistered>(event)
    }

    async fn handle(&self, event: &Event) -> anyhow::Result<()> {
        match wire::registered(event)? {
            Some(registered) if !registered.imported => self.route(event, registered).await,
            Some(_) | None => Ok(()),
        }
    }
}
