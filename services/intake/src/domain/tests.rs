use decider::Given;

use super::*;

/// Fixes the decider, so that tests need no type annotations.
fn given(history: impl IntoIterator<Item = Event>) -> Given<Registration> {
    decider::given(history)
}

const CONTACT: ContactId = ContactId(1);
const AYSE: PersonId = PersonId(2);

fn number() -> RequestNumber {
    RequestNumber::new(2026, 48_120_937)
}

fn ayse() -> Citizen {
    Citizen {
        person: AYSE,
        language: Language::En,
        has_email: true,
        has_phone: false,
    }
}

fn called() -> NewContact {
    NewContact {
        contact: CONTACT,
        channel: Channel::Phone,
        citizen: Some(ayse()),
        social_network: String::new(),
        imported: None,
        notice: Telling::default(),
    }
}

fn contact_registered() -> Event {
    Event::ContactRegistered {
        contact: CONTACT,
        channel: Channel::Phone,
        person: Some(AYSE),
        social_network: String::new(),
        imported: None,
        notice: None,
    }
}

fn a_pothole(origin: Origin, citizen: Option<Citizen>) -> NewRequest {
    NewRequest {
        origin,
        channel: Channel::Phone,
        topic: "pothole".parse().unwrap(),
        place: Place {
            point: Some((39.9, 32.8)),
            ..Place::default()
        },
        citizen,
        language: None,
        imported: None,
        choices: vec![],
        notice: Telling::default(),
    }
}

fn itself() -> Origin {
    Origin::Itself {
        contact: CONTACT,
        social_network: String::new(),
    }
}

fn registering(request: NewRequest) -> Command {
    Command::RegisterRequest {
        number: number(),
        request,
    }
}

fn pothole_registered(citizen: Option<Citizen>) -> Event {
    Event::RequestRegistered {
        number: number(),
        contact: CONTACT,
        channel: Channel::Phone,
        topic: "pothole".parse().unwrap(),
        place: Place {
            point: Some((39.9, 32.8)),
            ..Place::default()
        },
        person: citizen.map(|it| it.person),
        language: citizen.map_or(Language::Tr, |it| it.language),
        reachable_by_email: citizen.is_some_and(|it| it.has_email),
        imported: None,
        choices: vec![],
        notice: None,
    }
}

#[test]
fn a_call_may_end_without_a_request() {
    given([])
        .when(Command::RegisterContact(called()))
        .then([Event::PersonRecorded(ayse()), contact_registered()]);
}

#[test]
fn an_anonymous_call_records_no_person() {
    given([])
        .when(Command::RegisterContact(NewContact {
            citizen: None,
            ..called()
        }))
        .then([Event::ContactRegistered {
            contact: CONTACT,
            channel: Channel::Phone,
            person: None,
            social_network: String::new(),
            imported: None,
            notice: None,
        }]);
}

#[test]
fn a_request_without_a_contact_is_its_own() {
    given([])
        .when(registering(a_pothole(itself(), Some(ayse()))))
        .then([
            Event::PersonRecorded(ayse()),
            contact_registered(),
            pothole_registered(Some(ayse())),
        ]);
}

#[test]
fn several_requests_come_of_one_contact_and_its_citizen() {
    given([contact_registered(), Event::PersonRecorded(ayse())])
        .when(registering(a_pothole(Origin::Contact(CONTACT), None)))
        .then([pothole_registered(Some(ayse()))]);
}

#[test]
fn a_request_may_be_somebody_elses() {
    let neighbour = Citizen {
        person: PersonId(3),
        language: Language::Tr,
        has_email: false,
        has_phone: true,
    };
    given([contact_registered(), Event::PersonRecorded(ayse())])
        .when(registering(a_pothole(
            Origin::Contact(CONTACT),
            Some(neighbour),
        )))
        .then([
            Event::PersonRecorded(neighbour),
            pothole_registered(Some(neighbour)),
        ]);
}

#[test]
fn the_language_asked_for_wins() {
    let in_turkish = NewRequest {
        language: Some(Language::Tr),
        ..a_pothole(itself(), Some(ayse()))
    };
    let decided = Registration::default()
        .decide(registering(in_turkish))
        .unwrap();
    assert!(matches!(
        decided.last(),
        Some(Event::RequestRegistered {
            language: Language::Tr,
            ..
        })
    ));
}

#[test]
fn an_unknown_contact_is_refused() {
    given([])
        .when(registering(a_pothole(Origin::Contact(CONTACT), None)))
        .then_rejected(Rejection::UnknownContact);
}

#[test]
fn a_number_is_given_once() {
    given([pothole_registered(None)])
        .when(registering(a_pothole(itself(), None)))
        .then_rejected(Rejection::NumberTaken);
    given([contact_registered(), pothole_registered(None)])
        .when(registering(a_pothole(Origin::Contact(CONTACT), None)))
        .then_rejected(Rejection::NumberTaken);
}

#[test]
fn the_year_is_that_of_istanbul() {
    let year = |text: &str| year_of(text.parse().unwrap());
    assert_eq!(year("2026-12-31T20:59:59Z"), 2026);
    assert_eq!(year("2026-12-31T21:00:00Z"), 2027);
    // Before 2016 the winter was at +02.
    assert_eq!(year("2010-12-31T21:30:00Z"), 2010);
}

#[test]
fn nothing_more_is_registered_of_a_contact_with_somebody_erased() {
    let contact = Registration::replay([contact_registered()]).erased();
    let named = registering(a_pothole(Origin::Contact(CONTACT), None));
    assert_eq!(contact.decide(named), Err(Rejection::ContactErased));
    let nobody = Registration::InContact { citizen: None };
    assert_eq!(nobody.clone().erased(), nobody);
}

#[test]
fn what_was_told_is_what_was_shown_and_else_what_was_in_force() {
    let telling = |shown| Telling {
        shown,
        in_force: 2,
        newest: 3,
    };
    for (shown, told) in [
        (None, Some(2)),
        (Some(0), None),
        (Some(1), Some(1)),
        (Some(3), Some(3)),
    ] {
        let contact = NewContact {
            citizen: None,
            notice: telling(shown),
            ..called()
        };
        let came = Event::ContactRegistered {
            contact: CONTACT,
            channel: Channel::Phone,
            person: None,
            social_network: String::new(),
            imported: None,
            notice: told,
        };
        given([])
            .when(Command::RegisterContact(contact))
            .then([came.clone()]);
        let request = NewRequest {
            notice: telling(shown),
            ..a_pothole(itself(), None)
        };
        let events = Registration::default().decide(registering(request));
        let events = events.unwrap();
        assert_eq!(events[0], came);
        let of_request = |it: &Event| match it {
            Event::RequestRegistered { notice, .. } => *notice,
            Event::PersonRecorded(_) | Event::ContactRegistered { .. } => None,
        };
        assert_eq!(of_request(&events[1]), told);
    }
}

#[test]
fn what_was_never_published_cannot_have_been_told() {
    let unknown = Telling {
        shown: Some(4),
        in_force: 3,
        newest: 3,
    };
    given([])
        .when(Command::RegisterContact(NewContact {
            notice: unknown,
            ..called()
        }))
        .then_rejected(Rejection::UnknownNotice);
    given([contact_registered()])
        .when(registering(NewRequest {
            notice: unknown,
            ..a_pothole(Origin::Contact(CONTACT), None)
        }))
        .then_rejected(Rejection::UnknownNotice);
}

#[test]
fn what_was_told_where_an_import_comes_from_is_not_known() {
    let imported = Imported {
        source: "nyc-311".to_owned(),
        source_id: "1".to_owned(),
        agency: String::new(),
        status: String::new(),
        due_at: None,
    };
    let contact = NewContact {
        citizen: None,
        imported: Some(imported.clone()),
        notice: Telling {
            shown: None,
            in_force: 1,
            newest: 1,
        },
        ..called()
    };
    given([])
        .when(Command::RegisterContact(contact))
        .then([Event::ContactRegistered {
            contact: CONTACT,
            channel: Channel::Phone,
            person: None,
            social_network: String::new(),
            imported: Some(imported),
            notice: None,
        }]);
}
