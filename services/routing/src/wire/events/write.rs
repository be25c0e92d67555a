use chassis::event::record;
use contracts::{ledger::v1::NewEvent, routing::v1, vocabulary::v1::Sealed};
use jiff::Timestamp;
use uuid::Uuid;
use vocabulary::{RequestNumber, RequestState};

use crate::{
    domain::{Event, Fact, ReturnReason, TopicDefinition, TopicEvent, UnitDefinition, UnitEvent},
    wire::{topic_defined, topics::topic_changed, unit_defined},
};

/// A handling's event as it is stored; `sealed` is its one text, where it has one.
pub(crate) fn handling_event(
    id: Uuid,
    request: &RequestNumber,
    event: &Event,
    sealed: Option<Sealed>,
) -> NewEvent {
    let at = event.at;
    let number = request.to_string();
    let about = |unit: &str| [format!("request:{request}"), format!("unit:{unit}")];
    match &event.fact {
        Fact::RequestRouted { unit, topic, rule } => {
            let (unit, topic) = (unit.to_string(), topic.to_string());
            let subjects = about(&unit);
            let imported = rule.is_none();
            let (rule, rule_version) = rule
                .clone()
                .map(|it| (it.name, it.version))
                .unwrap_or_default();
            record(
                id,
                &v1::RequestRouted {
                    number,
                    unit,
                    topic,
                    rule,
                    rule_version,
                    imported,
                },
                at,
                subjects,
            )
        }
        Fact::RequestRoutedManually { unit } => {
            let unit = unit.to_string();
            let subjects = about(&unit);
            record(
                id,
                &v1::RequestRoutedManually { number, unit },
                at,
                subjects,
            )
        }
        Fact::RequestReturned { unit, reason } => {
            let unit = unit.to_string();
            let subjects = about(&unit);
            let personal = sealed.map(|it| v1::request_returned::Personal { note: Some(it) });
            let reason = return_reason(*reason).into();
            record(
                id,
                &v1::RequestReturned {
                    number,
                    unit,
                    reason,
                    personal,
                },
                at,
                subjects,
            )
        }
        Fact::RequestAccepted { unit } => {
            let unit = unit.to_string();
            let subjects = about(&unit);
            record(id, &v1::RequestAccepted { number, unit }, at, subjects)
        }
        Fact::RequestAssigned { unit, assignee } => {
            let unit = unit.to_string();
            let subjects = about(&unit);
            let assignee = assignee.clone().map(|it| it.0).unwrap_or_default();
            record(
                id,
                &v1::RequestAssigned {
                    number,
                    unit,
                    assignee,
                },
                at,
                subjects,
            )
        }
        Fact::WorkStarted { unit } => {
            let unit = unit.to_string();
            let subjects = about(&unit);
            record(id, &v1::WorkStarted { number, unit }, at, subjects)
        }
        Fact::RequestPlanned { unit, planned_for } => {
            let unit = unit.to_string();
            let subjects = about(&unit);
            record(
                id,
                &v1::RequestPlanned {
                    number,
                    unit,
                    planned_for: planned_for.to_string(),
                },
                at,
                subjects,
            )
        }
        Fact::RequestReferred { institution } => {
            let institution = institution.to_string();
            let subjects = about(&institution);
            let personal = sealed.map(|it| v1::request_referred::Personal { note: Some(it) });
            record(
                id,
                &v1::RequestReferred {
                    number,
                    institution,
                    personal,
                },
                at,
                subjects,
            )
        }
        Fact::RequestConcluded {
            unit,
            sub_result,
            original,
            visited_at,
        } => {
            let unit = unit.to_string();
            let subjects = about(&unit);
            let concluded = v1::RequestConcluded {
                number,
                unit,
                sub_result: sub_result.number(),
                original: original
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
                visited_at: visited_at
                    .map(Timestamp::as_microsecond)
                    .unwrap_or_default(),
                personal: sealed.map(|it| v1::request_concluded::Personal { answer: Some(it) }),
            };
            record(id, &concluded, at, subjects)
        }
        Fact::RequestReopened { unit, times } => {
            let unit = unit.to_string();
            let subjects = about(&unit);
            let personal = sealed.map(|it| v1::request_reopened::Personal { note: Some(it) });
            record(
                id,
                &v1::RequestReopened {
                    number,
                    unit,
                    times: *times,
                    personal,
                },
                at,
                subjects,
            )
        }
        Fact::InformationAsked { unit } => {
            let unit = unit.to_string();
            let subjects = about(&unit);
            let personal = sealed.map(|it| v1::information_asked::Personal { question: Some(it) });
            record(
                id,
                &v1::InformationAsked {
                    number,
                    unit,
                    personal,
                },
                at,
                subjects,
            )
        }
        Fact::CommentAdded { unit, public } => {
            let subjects = [format!("request:{request}")]
                .into_iter()
                .chain(unit.iter().map(|it| format!("unit:{it}")));
            let comment = v1::CommentAdded {
                number,
                unit: unit.as_ref().map(ToString::to_string).unwrap_or_default(),
                public: *public,
                personal: sealed.map(|it| v1::comment_added::Personal { text: Some(it) }),
            };
            record(id, &comment, at, subjects)
        }
        Fact::CitizenWrote { channel, back_to } => {
            let wrote = v1::CitizenWrote {
                number,
                channel: channel.number(),
                back_to: back_to.map_or(0, RequestState::number),
                personal: sealed.map(|it| v1::citizen_wrote::Personal { text: Some(it) }),
            };
            record(id, &wrote, at, [format!("request:{request}")])
        }
    }
}

fn return_reason(reason: ReturnReason) -> v1::ReturnReason {
    match reason {
        ReturnReason::NotOurTopic => v1::ReturnReason::NotOurTopic,
        ReturnReason::NotOurArea => v1::ReturnReason::NotOurArea,
        ReturnReason::MissingInformation => v1::ReturnReason::MissingInformation,
        ReturnReason::Other => v1::ReturnReason::Other,
    }
}

pub(crate) fn unit_event(id: Uuid, event: &UnitEvent, at: Timestamp) -> NewEvent {
    let subject = |unit: &UnitDefinition| [format!("unit:{}", unit.code)];
    match event {
        UnitEvent::UnitDefined(unit) => record(id, &unit_defined(unit), at, subject(unit)),
        UnitEvent::UnitChanged(unit) => {
            let message = v1::UnitChanged {
                code: unit.code.to_string(),
                name_tr: unit.name_tr.clone(),
                name_en: unit.name_en.clone(),
                outside: unit.outside,
            };
            record(id, &message, at, subject(unit))
        }
    }
}

pub(crate) fn topic_event(id: Uuid, event: &TopicEvent, at: Timestamp) -> NewEvent {
    let subject = |topic: &TopicDefinition| [format!("topic:{}", topic.code)];
    match event {
        TopicEvent::TopicDefined(topic) => record(id, &topic_defined(topic), at, subject(topic)),
        TopicEvent::TopicChanged(topic) => record(id, &topic_changed(topic), at, subject(topic)),
    }
}
