//! What was decided, as it is stored: URL and secret sealed first, each bound to the event it will stand in.

use std::collections::BTreeMap;

use chassis::{Caller, event};
use contracts::{
    gateway::v1::{
        WebhookRegistered, WebhookRemoved, WebhookResumed, WebhookSecretRotated, WebhookSuspended,
        webhook_registered, webhook_secret_rotated,
    },
    intake::v1::{SealRequest, intake_client::IntakeClient, seal_request::Field},
    ledger::v1::NewEvent,
    vocabulary::v1::Sealed,
};
use jiff::Timestamp;
use tonic::{Status, transport::Channel};
use uuid::Uuid;

use super::decision::Event;

/// All that the encoding of a command's events needs.
#[derive(Clone)]
pub(super) struct Encoding {
    pub(super) intake: IntakeClient<Channel>,
    pub(super) caller: Caller,
    pub(super) at: Timestamp,
    pub(super) command_id: Uuid,
    pub(super) id: Uuid,
    /// Texts by the names of their fields.
    pub(super) seals: Vec<(&'static str, String)>,
}

impl Encoding {
    pub(super) async fn encode(self, events: Vec<Event>) -> Result<Vec<NewEvent>, Status> {
        let mut encoded = Vec::with_capacity(events.len());
        for (index, event) in events.iter().enumerate() {
            let event_id = event::id(self.command_id, index);
            let sealed = self.seal(event_id).await?;
            encoded.push(self.stored(event_id, event, sealed));
        }
        Ok(encoded)
    }

    async fn seal(&self, event_id: Uuid) -> Result<BTreeMap<&'static str, Sealed>, Status> {
        if self.seals.is_empty() {
            return Ok(BTreeMap::new());
        }
        let fields = self.seals.iter().map(|(name, text)| Field {
            event_id: event_id.as_bytes().to_vec(),
            name: (*name).to_owned(),
            text: text.clone(),
        });
        let request = SealRequest {
            subject: format!("webhook:{}", self.id),
            fields: fields.collect(),
        };
        let reply = chassis::patiently(|| {
            let (mut intake, request) = (self.intake.clone(), self.caller.request(request.clone()));
            async move { intake.seal(request).await }
        });
        let sealed = reply.await?.into_inner().sealed;
        Ok(self
            .seals
            .iter()
            .map(|(name, _)| *name)
            .zip(sealed)
            .collect())
    }

    fn stored(
        &self,
        event_id: Uuid,
        event: &Event,
        mut sealed: BTreeMap<&str, Sealed>,
    ) -> NewEvent {
        let webhook = self.id.to_string();
        let subjects = [format!("webhook:{webhook}")];
        match event {
            Event::Registered(it) => {
                let message = WebhookRegistered {
                    webhook,
                    types: it.types.clone(),
                    unit: it.unit.clone(),
                    key: it.key.clone(),
                    personal: Some(webhook_registered::Personal {
                        url: sealed.remove("url"),
                        secret: sealed.remove("secret"),
                    }),
                };
                event::record(event_id, &message, self.at, subjects)
            }
            Event::Rotated { old_until } => {
                let message = WebhookSecretRotated {
                    webhook,
                    old_until: *old_until,
                    personal: Some(webhook_secret_rotated::Personal {
                        secret: sealed.remove("secret"),
                    }),
                };
                event::record(event_id, &message, self.at, subjects)
            }
            Event::Suspended { at_position } => {
                let message = WebhookSuspended {
                    webhook,
                    at_position: *at_position,
                };
                event::record(event_id, &message, self.at, subjects)
            }
            Event::Resumed => {
                event::record(event_id, &WebhookResumed { webhook }, self.at, subjects)
            }
            Event::Removed => {
                event::record(event_id, &WebhookRemoved { webhook }, self.at, subjects)
            }
        }
    }
}
