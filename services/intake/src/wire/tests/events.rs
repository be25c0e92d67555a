use chassis::event;
use contracts::{intake::v1, ledger::v1::Event as Stored};
use vocabulary::{Channel, RequestNumber};

use super::{super::*, files, now};
use crate::domain::{Choice, Event, Imported, Place};

/// One of each event, with every field set.
fn samples() -> Vec<(Event, SealedFields)> {
    let sealed = || vault::Sealed {
        subject: Subject::person(Uuid::from_u128(9)),
        nonce: [1; 12],
        ciphertext: vec![2; 20],
    };
    let citizen = Citizen {
        person: PersonId(2),
        language: Language::En,
        has_email: true,
        has_phone: true,
    };
    let imported = Imported {
        source: "nyc-311".to_owned(),
        source_id: "60850001".to_owned(),
        agency: "DSNY".to_owned(),
        status: "In Progress".to_owned(),
        due_at: Some(event::timestamp(1_800_000_000_000_000)),
    };
    let contact = ContactId(1);
    let person_fields = ["name", "given_name", "family_name", "email", "phone"];
    vec![
        (
            Event::PersonRecorded(citizen),
            person_fields.map(|it| (it, sealed())).to_vec(),
        ),
        (
            Event::ContactRegistered {
                contact,
                channel: Channel::Social,
                person: Some(citizen.person),
                social_network: "x".to_owned(),
                imported: Some(imported.clone()),
                notice: Some(2),
            },
            vec![("note", sealed())],
        ),
        (
            Event::RequestRegistered {
                number: RequestNumber::new(2026, 48_120_937),
                contact,
                channel: Channel::Open311,
                topic: "pothole".parse().unwrap(),
                place: Place {
                    coarse: true,
                    point: Some((39.9, 32.8)),
                    district: "Bozköy".to_owned(),
                    neighbourhood: "Çukurçeşme".to_owned(),
                },
                person: None,
                language: Language::Tr,
                reachable_by_email: true,
                imported: Some(imported),
                choices: vec![Choice {
                    attribute: "size".to_owned(),
                    keys: vec!["large".to_owned()],
                }],
                notice: Some(3),
            },
            ["description", "address", "media_url", "answers", "point"]
                .map(|it| (it, sealed()))
                .to_vec(),
        ),
    ]
}

#[test]
fn every_event_comes_back_from_its_bytes() {
    for (sample, personal) in samples() {
        let id = Uuid::from_u128(7);
        let attachments = files::named_by(&sample);
        let (stream, new) = message(&sample, id, now(), personal.clone(), attachments.clone());
        let stored = Stored {
            position: 1,
            event_id: new.event_id,
            r#type: new.r#type,
            schema_version: new.schema_version,
            occurred_at: new.occurred_at,
            facts: new.facts,
            personal: new.personal,
            ..Stored::default()
        };
        let recorded = decode(&stored).unwrap().unwrap();
        assert_eq!(recorded.event, sample);
        assert_eq!(recorded.personal, personal);
        assert_eq!(recorded.attachments, attachments);
        assert_eq!(recorded.id, id);
        assert!(new.subjects.is_sorted());
        let by_source = new.subjects.iter().any(|it| it.starts_with("import:"));
        assert_eq!(by_source, stream.starts_with("request-"), "{stream}");
        assert_eq!(
            new.subjects[0].replacen(':', "-", 1),
            stream.replace("request", "contact").replace(
                RequestNumber::new(2026, 48_120_937).as_str(),
                &Uuid::from_u128(1).to_string(),
            )
        );

        let erased = Stored {
            personal: vec![],
            ..stored
        };
        let recorded = decode(&erased).unwrap().unwrap();
        assert_eq!((recorded.event, recorded.personal.len()), (sample, 0));
    }
}

#[test]
fn an_event_of_another_service_is_passed_over() {
    let other = Stored {
        r#type: "routing.RequestRouted".to_owned(),
        ..Stored::default()
    };
    assert!(decode(&other).unwrap().is_none());
}

#[test]
fn a_broken_event_is_no_event() {
    let broken = Stored {
        r#type: event::type_of::<v1::ContactRegistered>(),
        schema_version: 1,
        facts: vec![],
        ..Stored::default()
    };
    assert!(matches!(
        decode(&broken),
        Err(Unreadable::Broken {
            field: "contact",
            ..
        })
    ));
}
