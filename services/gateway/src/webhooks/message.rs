//! An event as a receiver gets it: CloudEvents 1.0 in JSON, facts only.

use chassis::event::{event_id, occurred_at};
use contracts::ledger::v1::Event;
use serde_json::{Value, json};
use vocabulary::{Municipality, RequestNumber};

use super::book::Hook;
use crate::{facts, register::Reader};

/// What can be told. Who may come in, who looked at whose data, and how reactions fare is not for programs outside.
pub(crate) const TYPES: [&str; 25] = [
    "intake.ContactRegistered",
    "intake.RequestRegistered",
    "intake.PersonalDataErased",
    "routing.UnitDefined",
    "routing.UnitChanged",
    "routing.TopicDefined",
    "routing.TopicChanged",
    "routing.RequestRouted",
    "routing.RequestRoutedManually",
    "routing.RequestReturned",
    "routing.RequestAccepted",
    "routing.RequestAssigned",
    "routing.WorkStarted",
    "routing.RequestPlanned",
    "routing.RequestReferred",
    "routing.RequestConcluded",
    "routing.RequestReopened",
    "routing.CommentAdded",
    "routing.InformationAsked",
    "routing.CitizenWrote",
    "notification.NotificationRequested",
    "notification.NotificationSkipped",
    "notification.NotificationAttempted",
    "notification.NotificationDelivered",
    "notification.NotificationFailed",
];

/// The body that is sent, and signed.
pub(super) fn body(municipality: &Municipality, event: &Event) -> Vec<u8> {
    let (service, name) = event.r#type.split_once('.').unwrap_or((&event.r#type, ""));
    let message = json!({
        "specversion": "1.0",
        "id": event_id(event),
        "source": format!("/cozum/{municipality}/{service}"),
        "type": format!("cozum.{service}.v1.{name}"),
        "subject": event.stream,
        "time": occurred_at(event).to_string(),
        "datacontenttype": "application/json",
        // CloudEvents numbers have 32 bits.
        "position": event.position.to_string(),
        "data": facts::of(event),
    });
    message.to_string().into_bytes()
}

/// Whether a webhook is to be told of an event.
pub(super) async fn concerns(
    register: &Reader,
    hook: &Hook,
    types: &[String],
    event: &Event,
) -> anyhow::Result<bool> {
    let wanted = TYPES.contains(&event.r#type.as_str())
        && (types.is_empty() || types.contains(&event.r#type));
    if !wanted || hook.unit.is_empty() {
        return Ok(wanted);
    }
    let facts = facts::of(event);
    if let Some(unit) = facts["unit"].as_str() {
        return Ok(unit == hook.unit && is_about_a_request(&facts));
    }
    let Some(Ok(number)) = facts["number"].as_str().map(str::parse::<RequestNumber>) else {
        return Ok(false);
    };
    register.at_least(event.position).await?;
    let entry = register.request(&number).await?;
    Ok(entry.is_some_and(|it| it.unit == hook.unit))
}

/// A topic has a unit as well, and is no request of it.
fn is_about_a_request(facts: &Value) -> bool {
    facts["number"].is_string()
}

#[cfg(test)]
mod tests {
    use chassis::event;
    use contracts::{routing::v1::RequestConcluded, vocabulary::v1::Sealed};
    use jiff::Timestamp;
    use uuid::Uuid;
    use vocabulary::SubResult;

    use super::*;

    #[test]
    fn every_type_that_can_be_told_exists() {
        let pool = prost_reflect::DescriptorPool::decode(contracts::DESCRIPTORS).unwrap();
        for name in TYPES {
            let (service, name) = name.split_once('.').unwrap();
            assert!(
                pool.get_message_by_name(&format!("cozum.{service}.v1.{name}"))
                    .is_some(),
                "{name}"
            );
        }
    }

    #[test]
    fn a_message_is_a_cloud_event_of_facts() {
        let sealed = Sealed {
            subject: "request:x".to_owned(),
            nonce: vec![1; 12],
            ciphertext: b"gizli-sifreli".to_vec(),
        };
        let concluded = RequestConcluded {
            number: "2026-48120937-8".to_owned(),
            unit: "fen".to_owned(),
            sub_result: SubResult::Solved.number(),
            personal: Some(contracts::routing::v1::request_concluded::Personal {
                answer: Some(sealed),
            }),
            ..RequestConcluded::default()
        };
        let id = Uuid::from_u128(7);
        let new = event::record(id, &concluded, Timestamp::UNIX_EPOCH, []);
        let event = Event {
            position: 12,
            event_id: new.event_id,
            stream: "handling-2026-48120937-8".to_owned(),
            r#type: new.r#type,
            facts: new.facts,
            personal: new.personal,
            ..Event::default()
        };
        let body = body(&"ova".parse().unwrap(), &event);
        let told: Value = serde_json::from_slice(&body).unwrap();
        let expected = json!({
            "specversion": "1.0", "id": id.to_string(), "source": "/cozum/ova/routing",
            "type": "cozum.routing.v1.RequestConcluded", "subject": "handling-2026-48120937-8",
            "time": "1970-01-01T00:00:00Z", "datacontenttype": "application/json", "position": "12",
            "data": {"number": "2026-48120937-8", "unit": "fen", "sub_result": "solved"},
        });
        assert_eq!(told, expected);
    }
}
