mod events;
mod files;

use contracts::{intake::v1, vocabulary::v1 as words};
use vocabulary::Channel;

use super::*;

const TURKISH: &str = "Ayşe'nin İĞDIR şikâyeti: çukur, ğüöşçıİ";
const COMMAND: &str = "018f0000-0000-7000-8000-000000000001";

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn a_pothole() -> v1::RegisterRequestRequest {
    v1::RegisterRequestRequest {
        command_id: COMMAND.to_owned(),
        channel: Channel::Phone.number(),
        topic: "pothole".to_owned(),
        description: TURKISH.to_owned(),
        ..v1::RegisterRequestRequest::default()
    }
}

fn ayse() -> v1::Citizen {
    v1::Citizen {
        name: "Ayşe Yılmaz".to_owned(),
        email: "ayse@example.com".to_owned(),
        phone: "0532 123 45 67".to_owned(),
        ..v1::Citizen::default()
    }
}

#[track_caller]
fn check_refused(field: &str, change: impl FnOnce(&mut v1::RegisterRequestRequest)) {
    let mut request = a_pothole();
    change(&mut request);
    match register_request(request, now()) {
        Ok(_) => panic!("{field} should be refused"),
        Err(refused) => assert_eq!(refused.field, field, "{}", refused.problem),
    }
}

#[test]
fn texts_arrive_unchanged() {
    let text = format!("{TURKISH}\r\n\tve bir satır daha\n");
    let asked = register_request(
        v1::RegisterRequestRequest {
            description: text.clone(),
            address: TURKISH.to_owned(),
            ..a_pothole()
        },
        now(),
    )
    .unwrap();
    assert_eq!(asked.request.get("description").unwrap().reveal(), text);
    assert_eq!(asked.request.get("address").unwrap().reveal(), TURKISH);
    assert!(asked.request.get("media_url").is_none());
    assert_eq!(asked.occurred_at, now());
}

#[test]
fn each_field_is_refused_by_its_name() {
    check_refused("command_id", |it| it.command_id.clear());
    check_refused("command_id", |it| it.command_id = "42".to_owned());
    check_refused("command_id", |it| it.command_id = Uuid::nil().to_string());
    check_refused("channel", |it| it.channel = 0);
    check_refused("channel", |it| it.channel = 99);
    check_refused("topic", |it| it.topic.clear());
    check_refused("topic", |it| it.topic = "Çukur".to_owned());
    check_refused("contact", |it| it.contact = "x".to_owned());
    check_refused("description", |it| it.description = "ç".repeat(4_001));
    check_refused("description", |it| it.description = "x".repeat(5 << 20));
    check_refused("description", |it| it.description = "a\0b".to_owned());
    check_refused("address", |it| it.address = "ş".repeat(501));
    check_refused("social_network", |it| it.social_network = "x".to_owned());
    check_refused("citizen.name", |it| {
        it.citizen = Some(v1::Citizen {
            name: "A\r\nB".to_owned(),
            ..ayse()
        })
    });
    check_refused("citizen.email", |it| {
        it.citizen = Some(v1::Citizen {
            email: "ayse".to_owned(),
            ..ayse()
        })
    });
    check_refused("citizen.phone", |it| {
        it.citizen = Some(v1::Citizen {
            phone: "153".to_owned(),
            ..ayse()
        })
    });
    check_refused("citizen.language", |it| {
        it.citizen = Some(v1::Citizen {
            language: 3,
            ..ayse()
        })
    });
}

#[test]
fn a_network_is_one_of_the_list_and_never_a_handle() {
    for bad in ["ayse-yilmaz", "X", "x "] {
        check_refused("social_network", |it| {
            it.channel = Channel::Social.number();
            it.social_network = bad.to_owned();
        });
    }
}

#[test]
fn urls_places_times_and_imports_are_refused_by_their_names() {
    let place = |latitude, longitude| {
        Some(words::Place {
            latitude,
            longitude,
            district: String::new(),
            neighbourhood: String::new(),
        })
    };
    check_refused("place.longitude", |it| it.place = place(Some(39.9), None));
    check_refused("place.latitude", |it| it.place = place(None, Some(32.8)));
    check_refused("place.latitude", |it| {
        it.place = place(Some(f64::NAN), Some(32.8))
    });
    check_refused("place.latitude", |it| {
        it.place = place(Some(90.1), Some(32.8))
    });
    check_refused("place.longitude", |it| {
        it.place = place(Some(39.9), Some(f64::INFINITY))
    });
    check_refused("place.district", |it| {
        it.place = Some(words::Place {
            district: "x".repeat(101),
            ..words::Place::default()
        });
    });
    for bad in [
        "ftp://x",
        "http://",
        "https:///x",
        "javascript:alert(1)",
        "http://x y",
        "http://x\"y",
    ] {
        check_refused("media_url", |it| it.media_url = bad.to_owned());
    }
    check_refused("media_url", |it| {
        it.media_url = format!("https://x/{}", "x".repeat(2_000))
    });
    check_refused("occurred_at", |it| it.occurred_at = -1);
    check_refused("occurred_at", |it| it.occurred_at = i64::MAX);
    check_refused("occurred_at", |it| {
        it.occurred_at = now().as_microsecond() + 301_000_000
    });
    let imported = |source: &str, id: &str| {
        Some(words::Imported {
            source: source.to_owned(),
            source_id: id.to_owned(),
            agency: String::new(),
            status: String::new(),
            due_at: 1_800_000_000_000_000,
        })
    };
    check_refused("imported.source", |it| {
        it.imported = imported("NYC 311", "1")
    });
    check_refused("imported.source_id", |it| {
        it.imported = imported("nyc-311", "")
    });
    for due_at in [-1, i64::MAX] {
        check_refused("imported.due_at", |it| {
            it.imported = imported("nyc-311", "1").map(|it| words::Imported { due_at, ..it });
        });
    }
}

#[test]
fn a_refusal_does_not_quote_what_was_sent() {
    for citizen in [
        v1::Citizen {
            email: "gizli@gizli".to_owned(),
            ..v1::Citizen::default()
        },
        v1::Citizen {
            phone: "gizli".to_owned(),
            ..v1::Citizen::default()
        },
        v1::Citizen {
            name: "gizli\n".to_owned(),
            ..v1::Citizen::default()
        },
    ] {
        let request = v1::RegisterRequestRequest {
            citizen: Some(citizen),
            ..a_pothole()
        };
        let refused = register_request(request, now()).err().unwrap();
        assert!(!refused.to_string().contains("gizli"), "{refused}");
    }
}

#[test]
fn what_is_at_the_limit_is_taken() {
    let request = v1::RegisterRequestRequest {
        description: "ç".repeat(4_000),
        address: "ş".repeat(500),
        occurred_at: now().as_microsecond() + 299_000_000,
        media_url: "https://example.com/a.jpg?x=ç".to_owned(),
        ..a_pothole()
    };
    assert!(register_request(request, now()).is_ok());
    let nothing_said = v1::RegisterRequestRequest {
        description: String::new(),
        ..a_pothole()
    };
    assert!(
        register_request(nothing_said, now())
            .unwrap()
            .request
            .is_empty()
    );
    let on_x = v1::RegisterRequestRequest {
        channel: Channel::Social.number(),
        social_network: "x".to_owned(),
        ..a_pothole()
    };
    assert!(register_request(on_x, now()).is_ok());
}

#[test]
fn only_a_language_makes_nobody_known() {
    let citizen = Some(v1::Citizen {
        language: Language::En.number(),
        ..v1::Citizen::default()
    });
    let asked = register_request(
        v1::RegisterRequestRequest {
            citizen,
            ..a_pothole()
        },
        now(),
    )
    .unwrap();
    assert_eq!(asked.facts.citizen, None);
    assert_eq!(asked.facts.language, Some(Language::En));
}

#[test]
fn ids_follow_from_the_command() {
    let request = v1::RegisterRequestRequest {
        citizen: Some(ayse()),
        ..a_pothole()
    };
    let one = register_request(request.clone(), now()).unwrap();
    let again = register_request(request, now()).unwrap();
    assert_eq!(one.facts, again.facts);
    assert_eq!(one.fingerprint, again.fingerprint);
    assert!(one.facts.citizen.unwrap().has_email);
    let other = register_request(a_pothole(), now()).unwrap();
    assert_ne!(one.fingerprint, other.fingerprint);
}

#[test]
fn only_a_request_is_sealed_for_and_only_named_values_are_opened() {
    let number = RequestNumber::new(2026, 48_120_937);
    let field = v1::seal_request::Field {
        event_id: vec![7; 16],
        name: "note".to_owned(),
        text: TURKISH.to_owned(),
    };
    let asked = v1::SealRequest {
        subject: format!("request:{number}"),
        fields: vec![field.clone()],
    };
    let (subject, values) = seal(asked.clone()).unwrap();
    assert_eq!(subject, Subject::request(&number));
    assert_eq!(values[0].text.reveal(), TURKISH);

    let refused = |change: &dyn Fn(&mut v1::SealRequest)| {
        let mut asked = asked.clone();
        change(&mut asked);
        seal(asked).err().unwrap().field
    };
    assert_eq!(
        refused(&|it| it.subject = format!("person:{COMMAND}")),
        "subject"
    );
    assert_eq!(
        refused(&|it| it.fields[0].event_id = vec![7; 15]),
        "fields[0].event_id"
    );
    assert_eq!(
        refused(&|it| it.fields[0].name = "Note".to_owned()),
        "fields[0].name"
    );
    assert_eq!(
        refused(&|it| it.fields[0].text = "x".repeat(10_001)),
        "fields[0].text"
    );
    assert_eq!(
        refused(&|it| it.fields = vec![field.clone(); 101]),
        "fields"
    );

    let nameless = v1::OpenRequest {
        purpose: String::new(),
        fields: vec![],
    };
    assert_eq!(open(nameless).err().unwrap().field, "purpose");
    let empty = v1::open_request::Field {
        event_id: vec![7; 16],
        name: "note".to_owned(),
        sealed: None,
    };
    let unsealed = v1::OpenRequest {
        purpose: "portal".to_owned(),
        fields: vec![empty],
    };
    assert_eq!(open(unsealed).err().unwrap().field, "fields[0].sealed");
}

#[test]
fn a_look_names_its_purpose_from_a_closed_list() {
    let number = RequestNumber::new(2026, 48_120_937).to_string();
    let look = |purpose: &str| v1::ViewRequestRequest {
        number: number.clone(),
        purpose: purpose.to_owned(),
        also: Vec::new(),
    };
    assert_eq!(view(look("console")).unwrap().purpose, "console");
    for bad in ["", "ayse-yilmaz", "Console"] {
        assert_eq!(view(look(bad)).err().unwrap().field, "purpose", "{bad}");
    }
}

#[test]
fn a_thousand_public_texts_and_no_more() {
    let numbers_of = |count| {
        let each = |it| RequestNumber::new(2026, it).to_string();
        (0..count).map(each).collect::<Vec<_>>()
    };
    assert_eq!(numbers(&numbers_of(1_000)).unwrap().len(), 1_000);
    assert_eq!(numbers(&numbers_of(1_001)).unwrap_err().field, "numbers");
    let mut mistyped = numbers_of(2);
    mistyped[1] = "2026-1".to_owned();
    assert_eq!(numbers(&mistyped).unwrap_err().field, "numbers[1]");
}

#[test]
fn other_services_seal_for_requests_staff_and_webhooks_only() {
    let number = RequestNumber::new(2026, 48_120_937);
    let asked = |subject: &str| v1::SealRequest {
        subject: subject.to_owned(),
        fields: Vec::new(),
    };
    for good in [
        format!("request:{number}"),
        "staff:a.yilmaz".to_owned(),
        format!("webhook:{COMMAND}"),
    ] {
        assert_eq!(seal(asked(&good)).unwrap().0.as_str(), good);
    }
    for bad in [
        "",
        &format!("person:{COMMAND}"),
        &format!("contact:{COMMAND}"),
        "staff:Ayşe",
        "webhook:x",
    ] {
        assert_eq!(seal(asked(bad)).err().unwrap().field, "subject", "{bad}");
    }
}
