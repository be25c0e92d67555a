//! Only intake holds keys: free text goes there, and comes back sealed under the request's key, bound to the event it will
//! stand in and to its field.

use chassis::{Caller, Platform, Role, event};
use contracts::{
    intake::v1::{SealRequest, intake_client::IntakeClient, seal_request::Field},
    ledger::v1::NewEvent,
    vocabulary::v1::Sealed,
};
use tonic::{Status, transport::Channel};
use uuid::Uuid;
use vocabulary::RequestNumber;

use crate::{
    domain::{Event, Fact},
    wire::{self, Text},
};

/// The way to intake.
#[derive(Debug, Clone)]
pub(crate) struct Sealing(IntakeClient<Channel>);

impl Sealing {
    pub(crate) fn new(platform: &Platform) -> Self {
        Self(IntakeClient::new(platform.channel(Role::Intake)))
    }

    /// Seals the text for an event that has room for it; `None` for other events, and where nothing was said.
    async fn seal(
        &self,
        caller: &Caller,
        number: &RequestNumber,
        event_id: Uuid,
        event: &Event,
        text: &Text,
    ) -> Result<Option<Sealed>, Status> {
        if text.text.is_empty() || room(&event.fact) != Some(text.field) {
            return Ok(None);
        }
        let field = Field {
            event_id: event_id.as_bytes().to_vec(),
            name: text.field.to_owned(),
            text: text.text.clone(),
        };
        let request = SealRequest {
            subject: format!("request:{number}"),
            fields: vec![field],
        };
        let reply = self
            .0
            .clone()
            .seal(caller.request(request))
            .await?
            .into_inner();
        match reply.sealed.into_iter().next() {
            Some(sealed) => Ok(Some(sealed)),
            None => Err(Status::internal("intake sealed nothing")),
        }
    }
}

/// What the events of one command are stored with.
#[derive(Clone)]
pub(crate) struct Encoding {
    pub(crate) sealing: Sealing,
    pub(crate) caller: Caller,
    pub(crate) number: RequestNumber,
    pub(crate) command_id: Uuid,
    pub(crate) text: Text,
}

impl Encoding {
    /// The events as they are stored, the text sealed into the one that has room for it.
    pub(crate) async fn encode(self, events: Vec<Event>) -> Result<Vec<NewEvent>, Status> {
        let mut encoded = Vec::with_capacity(events.len());
        for (index, event) in events.iter().enumerate() {
            let id = event::id(self.command_id, index);
            let sealed = self
                .sealing
                .seal(&self.caller, &self.number, id, event, &self.text)
                .await?;
            encoded.push(wire::handling_event(id, &self.number, event, sealed));
        }
        Ok(encoded)
    }
}

/// The one text that an event can hold, by its field.
fn room(fact: &Fact) -> Option<&'static str> {
    match fact {
        Fact::RequestReturned { .. }
        | Fact::RequestReferred { .. }
        | Fact::RequestReopened { .. } => Some("note"),
        Fact::RequestConcluded { .. } => Some("answer"),
        Fact::InformationAsked { .. } => Some("question"),
        Fact::CommentAdded { .. } | Fact::CitizenWrote { .. } => Some("text"),
        Fact::RequestRouted { .. }
        | Fact::RequestRoutedManually { .. }
        | Fact::RequestAccepted { .. }
        | Fact::RequestAssigned { .. }
        | Fact::WorkStarted { .. }
        | Fact::RequestPlanned { .. } => None,
    }
}
