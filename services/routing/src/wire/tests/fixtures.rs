use chassis::{Storable, event};
use contracts::{
    ledger::v1::{Event as Recorded, NewEvent},
    vocabulary::v1::Sealed,
};
use uuid::Uuid;
use vocabulary::{RequestState, SubResult};

use super::*;
use crate::domain::{
    Event, Fact, Handling, Rule, Topic, TopicDefinition, TopicEvent, Unit, UnitEvent,
};

fn stored(new: NewEvent) -> Recorded {
    Recorded {
        r#type: new.r#type,
        schema_version: new.schema_version,
        occurred_at: new.occurred_at,
        subjects: new.subjects,
        facts: new.facts,
        personal: new.personal,
        ..Recorded::default()
    }
}

fn facts() -> Vec<Fact> {
    let unit: UnitCode = "public-works".parse().unwrap();
    let rule = Some(Rule {
        name: "topic-pothole".to_owned(),
        version: 2,
    });
    let topic: TopicCode = "pothole".parse().unwrap();
    let assignee = Some(Assignee("crew-3".to_owned()));
    vec![
        Fact::RequestRouted {
            unit: unit.clone(),
            topic: topic.clone(),
            rule,
        },
        Fact::RequestRouted {
            unit: unit.clone(),
            topic,
            rule: None,
        },
        Fact::RequestRoutedManually { unit: unit.clone() },
        Fact::RequestReturned {
            unit: unit.clone(),
            reason: ReturnReason::MissingInformation,
        },
        Fact::RequestAccepted { unit: unit.clone() },
        Fact::RequestAssigned {
            unit: unit.clone(),
            assignee,
        },
        Fact::RequestAssigned {
            unit: unit.clone(),
            assignee: None,
        },
        Fact::WorkStarted { unit: unit.clone() },
        Fact::RequestPlanned {
            unit: unit.clone(),
            planned_for: date(2026, 12, 1),
        },
        Fact::RequestReferred {
            institution: "highways".parse().unwrap(),
        },
        Fact::RequestConcluded {
            unit: unit.clone(),
            sub_result: SubResult::Duplicate,
            original: Some(a_number()),
            visited_at: Some(now()),
        },
        Fact::RequestReopened {
            unit: unit.clone(),
            times: 2,
        },
        Fact::InformationAsked { unit: unit.clone() },
        Fact::CommentAdded {
            unit: Some(unit),
            public: true,
        },
        Fact::CommentAdded {
            unit: None,
            public: false,
        },
        Fact::CitizenWrote {
            channel: Channel::Web,
            back_to: Some(RequestState::Planned),
        },
        Fact::CitizenWrote {
            channel: Channel::Phone,
            back_to: None,
        },
    ]
}

#[test]
fn every_event_comes_back_as_it_was_decided() {
    for fact in facts() {
        let event = Event { at: now(), fact };
        let new = stored(handling_event(Uuid::nil(), &a_number(), &event, None));
        assert_eq!(Handling::decode(&new).unwrap(), Some(event.clone()));
        assert!(new.personal.is_empty());
        assert!(new.subjects.contains(&format!("request:{}", a_number())));
        // What a citizen writes is about a request, and not about a unit; nor is a comment where no unit has it.
        let of_a_unit = new.subjects.iter().any(|it| it.starts_with("unit:"));
        assert_eq!(
            of_a_unit,
            !matches!(
                event.fact,
                Fact::CitizenWrote { .. } | Fact::CommentAdded { unit: None, .. }
            )
        );
    }
}

#[test]
fn a_sealed_text_stands_in_the_personal_part_only() {
    let sealed = Sealed {
        subject: "request:x".to_owned(),
        nonce: vec![1; 12],
        ciphertext: vec![2; 40],
    };
    let with_text = |fact: &Fact| {
        let event = Event {
            at: now(),
            fact: fact.clone(),
        };
        !stored(handling_event(
            Uuid::nil(),
            &a_number(),
            &event,
            Some(sealed.clone()),
        ))
        .personal
        .is_empty()
    };
    let room = facts().into_iter().filter(with_text).collect::<Vec<_>>();
    assert_eq!(room.len(), 9, "{room:?}");
    for fact in room {
        let plain = handling_event(
            Uuid::nil(),
            &a_number(),
            &Event {
                at: now(),
                fact: fact.clone(),
            },
            None,
        );
        let full = handling_event(
            Uuid::nil(),
            &a_number(),
            &Event { at: now(), fact },
            Some(sealed.clone()),
        );
        assert_eq!(plain.facts, full.facts);
    }
}

#[test]
fn a_handling_ignores_names_it_does_not_know_and_refuses_words_it_does_not() {
    let other = Recorded {
        r#type: "routing.RequestSung".to_owned(),
        schema_version: 1,
        ..Recorded::default()
    };
    assert_eq!(Handling::decode(&other).unwrap(), None);
    let concluded = v1::RequestConcluded {
        unit: "parks".to_owned(),
        sub_result: 99,
        ..v1::RequestConcluded::default()
    };
    let unread = stored(event::record(
        Uuid::nil(),
        &concluded,
        now(),
        ["x".to_owned()],
    ));
    assert!(
        Handling::decode(&unread)
            .unwrap_err()
            .to_string()
            .contains("sub_result")
    );
}

#[test]
fn every_definition_comes_back_as_it_was_decided() {
    let unit = UnitDefinition {
        code: "Fen İşleri".parse().unwrap(),
        name_tr: "Fen İşleri".to_owned(),
        name_en: "Public works".to_owned(),
        outside: true,
    };
    for event in [
        UnitEvent::UnitDefined(unit.clone()),
        UnitEvent::UnitChanged(unit),
    ] {
        let new = stored(unit_event(Uuid::nil(), &event, now()));
        assert_eq!(new.subjects, ["unit:Fen İşleri"]);
        assert_eq!(Unit::decode(&new).unwrap(), Some(event));
    }
    let topic = TopicDefinition {
        code: "pothole".parse().unwrap(),
        name_tr: "yol çukuru".to_owned(),
        name_en: "pothole".to_owned(),
        unit: "public-works".parse().unwrap(),
        public: true,
        group: "roads".to_owned(),
        keywords: vec!["çukur".to_owned()],
        attributes: vec![crate::domain::Attribute {
            code: "size".to_owned(),
            kind: vocabulary::AttributeType::SingleValueList,
            required: true,
            order: 1,
            name_tr: "Ne kadar büyük?".to_owned(),
            name_en: "How large?".to_owned(),
            hint_tr: String::new(),
            hint_en: "About".to_owned(),
            choices: vec![crate::domain::Choice {
                key: "small".to_owned(),
                name_tr: "Küçük".to_owned(),
                name_en: "Small".to_owned(),
            }],
        }],
        standard: Some(crate::domain::Standard::WorkingDays(3)),
    };
    for event in [
        TopicEvent::TopicDefined(topic.clone()),
        TopicEvent::TopicChanged(topic),
    ] {
        let new = stored(topic_event(Uuid::nil(), &event, now()));
        assert_eq!(new.subjects, ["topic:pothole"]);
        assert_eq!(Topic::decode(&new).unwrap(), Some(event));
    }
}
