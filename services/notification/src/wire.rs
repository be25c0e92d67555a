//! Notification's own events, in and out of the ledger's bytes.

use chassis::{
    Storable,
    event::{self, Undecodable},
};
use contracts::{
    ledger::v1::{Event as Recorded, NewEvent},
    notification::v1::{
        NotificationAttempted, NotificationDelivered, NotificationFailed, NotificationRequested,
        NotificationSkipped, SkipReason as WireReason,
    },
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::{Event, Notification, SkipReason};

/// The stream of a notification.
pub(crate) fn stream(id: Uuid) -> String {
    format!("notification-{id}")
}

/// The id of the notification that an event calls for: one per event and medium, so a redelivered event asks for the same.
pub(crate) fn id_for(source_event: Uuid) -> Uuid {
    Uuid::new_v5(&source_event, b"email")
}

/// The id of a step of a notification: a step that is repeated is the same command.
pub(crate) fn command_id(notification: Uuid, step: &str) -> Uuid {
    Uuid::new_v5(&notification, step.as_bytes())
}

/// What asking for a notification asks: the notification itself.
pub(crate) fn request_fingerprint(notification: Uuid) -> [u8; 32] {
    event::fingerprint(&NotificationRequested {
        notification: notification.to_string(),
        ..NotificationRequested::default()
    })
}

impl Storable for Notification {
    fn decode(event: &Recorded) -> Result<Option<Event>, Undecodable> {
        Ok(Some(if event::is::<NotificationRequested>(event) {
            event::decode::<NotificationRequested>(event)?;
            Event::NotificationRequested
        } else if event::is::<NotificationSkipped>(event) {
            let skipped: NotificationSkipped = event::decode(event)?;
            Event::NotificationSkipped {
                reason: reason(skipped.reason()),
            }
        } else if event::is::<NotificationAttempted>(event) {
            let attempted: NotificationAttempted = event::decode(event)?;
            Event::NotificationAttempted {
                attempt: attempted.attempt,
            }
        } else if event::is::<NotificationDelivered>(event) {
            let NotificationDelivered {
                attempt,
                provider_code,
                ..
            } = event::decode(event)?;
            Event::NotificationDelivered {
                attempt,
                provider_code,
            }
        } else if event::is::<NotificationFailed>(event) {
            let NotificationFailed {
                attempt,
                r#final: lasting,
                provider_code,
                ..
            } = event::decode(event)?;
            Event::NotificationFailed {
                attempt,
                lasting,
                provider_code,
            }
        } else {
            return Ok(None);
        }))
    }
}

/// What the events of one command have in common.
pub(crate) struct Encoding {
    pub(crate) notification: Uuid,
    pub(crate) command_id: Uuid,
    pub(crate) number: String,
    pub(crate) at: Timestamp,
    /// The `Message-ID` header, for an attempt.
    pub(crate) message_id: String,
    /// The details, for a request.
    pub(crate) requested: Option<NotificationRequested>,
}

impl Encoding {
    /// What was decided, ready to be recorded.
    pub(crate) fn encode(&self, events: &[Event]) -> Vec<NewEvent> {
        let numbered = events.iter().enumerate();
        numbered
            .map(|(index, event)| self.encode_one(event::id(self.command_id, index), event))
            .collect()
    }

    fn encode_one(&self, id: Uuid, event: &Event) -> NewEvent {
        let (notification, number) = (self.notification.to_string(), self.number.clone());
        let mut subjects = vec![
            format!("request:{number}"),
            format!("notification:{notification}"),
        ];
        match event {
            Event::NotificationRequested => {
                let message = self.requested.clone().unwrap_or_default();
                if !message.person.is_empty() {
                    subjects.push(format!("person:{}", message.person));
                }
                event::record(id, &message, self.at, subjects)
            }
            Event::NotificationSkipped { reason } => {
                let reason = wire_reason(*reason).into();
                event::record(
                    id,
                    &NotificationSkipped {
                        notification,
                        number,
                        reason,
                    },
                    self.at,
                    subjects,
                )
            }
            Event::NotificationAttempted { attempt } => {
                let (attempt, message_id) = (*attempt, self.message_id.clone());
                let message = NotificationAttempted {
                    notification,
                    number,
                    attempt,
                    message_id,
                };
                event::record(id, &message, self.at, subjects)
            }
            Event::NotificationDelivered {
                attempt,
                provider_code,
            } => {
                let (attempt, provider_code) = (*attempt, provider_code.clone());
                let message = NotificationDelivered {
                    notification,
                    number,
                    attempt,
                    provider_code,
                };
                event::record(id, &message, self.at, subjects)
            }
            Event::NotificationFailed {
                attempt,
                lasting,
                provider_code,
            } => {
                let (attempt, provider_code) = (*attempt, provider_code.clone());
                let message = NotificationFailed {
                    notification,
                    number,
                    attempt,
                    r#final: *lasting,
                    provider_code,
                };
                event::record(id, &message, self.at, subjects)
            }
        }
    }
}

fn wire_reason(reason: SkipReason) -> WireReason {
    match reason {
        SkipReason::NoProvider => WireReason::NoProvider,
        SkipReason::Erased => WireReason::Erased,
        SkipReason::TooOld => WireReason::TooOld,
    }
}

/// The reason decides nothing later on, so an unknown one is as good as any.
fn reason(reason: WireReason) -> SkipReason {
    match reason {
        WireReason::NoProvider | WireReason::Unspecified => SkipReason::NoProvider,
        WireReason::Erased => SkipReason::Erased,
        WireReason::TooOld => SkipReason::TooOld,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(new: &NewEvent) -> Recorded {
        Recorded {
            r#type: new.r#type.clone(),
            schema_version: 1,
            facts: new.facts.clone(),
            ..Recorded::default()
        }
    }

    #[test]
    fn what_is_recorded_reads_back() {
        let requested = NotificationRequested {
            person: "p".to_owned(),
            ..NotificationRequested::default()
        };
        let encoding = Encoding {
            notification: Uuid::from_u128(1),
            command_id: Uuid::from_u128(2),
            number: "2026-48120937-5".to_owned(),
            at: Timestamp::UNIX_EPOCH,
            message_id: "<1@city.example>".to_owned(),
            requested: Some(requested),
        };
        let events = [
            Event::NotificationRequested,
            Event::NotificationSkipped {
                reason: SkipReason::TooOld,
            },
            Event::NotificationAttempted { attempt: 1 },
            Event::NotificationDelivered {
                attempt: 1,
                provider_code: "250".to_owned(),
            },
            Event::NotificationFailed {
                attempt: 2,
                lasting: true,
                provider_code: "550".to_owned(),
            },
        ];
        let stored = encoding.encode(&events);
        for (event, stored) in events.iter().zip(&stored) {
            assert_eq!(
                Notification::decode(&recorded(stored)).unwrap().as_ref(),
                Some(event)
            );
        }
        assert_eq!(
            stored[0].subjects,
            [
                "notification:00000000-0000-0000-0000-000000000001",
                "person:p",
                "request:2026-48120937-5"
            ]
        );
        assert_eq!(stored[1].subjects.len(), 2);
    }

    #[test]
    fn an_event_of_somebody_else_is_ignored() {
        let other = Recorded {
            r#type: "routing.RequestRouted".to_owned(),
            ..Recorded::default()
        };
        assert!(Notification::decode(&other).unwrap().is_none());
    }
}
