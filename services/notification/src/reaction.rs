//! Hears what happens to requests and asks for the citizen to be told.

use std::future;

use chassis::{
    Clock, Ledger, Platform, event, execute,
    reactions::{Reaction, caused_by},
};
use contracts::{
    intake::v1::RequestRegistered,
    ledger::v1::Event,
    notification::v1::{Medium, NotificationRequested},
};
use projection::Projection;
use vocabulary::Municipality;

use crate::{
    domain::{Command, Notification, Times},
    news::{News, is_news},
    notifications::{self, Citizen},
    wire::{self, Encoding},
};

/// The reaction of one municipality.
pub(crate) struct Requests {
    ledger: Ledger,
    clock: Clock,
    model: Projection,
    has_provider: bool,
    actor: String,
}

impl Requests {
    pub(crate) fn new(
        platform: &Platform,
        municipality: &Municipality,
        model: Projection,
        has_provider: bool,
    ) -> Self {
        let actor = platform.system(municipality).actor;
        Self {
            ledger: platform.ledger(municipality),
            clock: platform.clock.clone(),
            model,
            has_provider,
            actor,
        }
    }

    /// What to record about an event; nothing where there is nobody to tell.
    async fn react(&self, event: &Event) -> anyhow::Result<Option<NotificationRequested>> {
        let (number, news, citizen) = if event::is::<RequestRegistered>(event) {
            let registered: RequestRegistered = event::decode(event)?;
            let citizen = Citizen::of(&registered);
            (registered.number, News::Registered, citizen)
        } else if let Some((number, news)) = News::of_handling(event)? {
            let citizen = self.citizen(&number, event.position).await?;
            (number, news, citizen)
        } else {
            return Ok(None);
        };
        let Some(citizen) = citizen else {
            return Ok(None);
        };
        let mut requested = NotificationRequested {
            notification: wire::id_for(event::event_id(event)).to_string(),
            number,
            person: citizen.person,
            medium: Medium::Email.into(),
            language: citizen.language.number(),
            source_event: event.event_id.clone(),
            ..NotificationRequested::default()
        };
        news.fill(&mut requested);
        Ok(Some(requested))
    }

    /// Whom to tell, once the model has everything before the event: the request's registration is among it.
    async fn citizen(&self, number: &str, position: u64) -> anyhow::Result<Option<Citizen>> {
        self.model.changes().wait_for(|it| *it >= position).await?;
        notifications::citizen(self.model.pool(), number).await
    }
}

impl Reaction for Requests {
    const NAME: &'static str = "notification.requests";

    fn concerns(&self, event: &Event) -> bool {
        is_news(event)
    }

    async fn handle(&self, event: &Event) -> anyhow::Result<()> {
        let Some(requested) = self.react(event).await? else {
            return Ok(());
        };
        let now = self.clock.now();
        let id = wire::id_for(event::event_id(event));
        let command_id = wire::command_id(id, "request");
        let command = caused_by(
            event,
            command_id,
            // The id says what was asked; other fields may grow with a later build.
            wire::request_fingerprint(id),
            self.actor.clone(),
        );
        let recorded = i64::try_from(event.recorded_at)?;
        let times = Times {
            occurred: event::occurred_at(event),
            recorded: event::timestamp(recorded),
            heard: now,
        };
        let encoding = Encoding {
            notification: id,
            command_id,
            number: requested.number.clone(),
            at: now,
            message_id: String::new(),
            requested: Some(requested),
        };
        execute::<Notification>(
            &self.ledger,
            &wire::stream(id),
            &command,
            0,
            Command::Request {
                times,
                has_provider: self.has_provider,
            },
            move |events: &[_]| future::ready(Ok(encoding.encode(events))),
        )
        .await?;
        Ok(())
    }
}
