use contracts::{
    intake::v1::{
        ErasureGround, PersonalDataErased, RequestRegistered, request_registered::Personal,
    },
    notification::v1::NotificationRequested,
    routing::v1::RequestRouted,
    vocabulary::v1::{Channel, Place, Sealed},
};
use prost::Message;
use vocabulary::Language;

use super::*;

fn history() -> Vec<Event> {
    let sealed = Sealed {
        subject: "request:x".to_owned(),
        nonce: vec![1; 12],
        ciphertext: b"secret".to_vec(),
    };
    let registered = RequestRegistered {
        number: "2026-48120937-5".to_owned(),
        channel: Channel::Phone.into(),
        place: Some(Place {
            district: "Çınarlı".to_owned(),
            ..Place::default()
        }),
        ..RequestRegistered::default()
    };
    let personal = RequestRegistered {
        personal: Some(Personal {
            description: Some(sealed),
            ..Personal::default()
        }),
        ..Default::default()
    };
    let routed = RequestRouted {
        unit: "fen-isleri".to_owned(),
        ..RequestRouted::default()
    };
    let first = Event {
        position: 7,
        event_id: vec![1; 16],
        r#type: "intake.RequestRegistered".to_owned(),
        actor: "citizen".to_owned(),
        facts: registered.encode_to_vec(),
        personal: personal.encode_to_vec(),
        ..Event::default()
    };
    let second = Event {
        position: 9,
        event_id: vec![2; 16],
        causation_id: vec![1; 16],
        r#type: "routing.RequestRouted".to_owned(),
        facts: routed.encode_to_vec(),
        ..Event::default()
    };
    let erased = Event {
        position: 10,
        event_id: vec![4; 16],
        personal_hash: vec![3; 32],
        personal: vec![],
        ..first.clone()
    };
    let newer = Event {
        position: 11,
        event_id: vec![5; 16],
        r#type: "routing.RequestDanced".to_owned(),
        facts: vec![8, 1],
        ..Event::default()
    };
    vec![first, second, erased, newer]
}

#[test]
fn a_history_tells_what_who_and_why() {
    let text = text::print(&history(), &Decoder::new().unwrap(), Language::Tr).unwrap();
    for expected in [
        "#7  Başvuru kaydedildi",
        "Telefon",
        "place.district",
        "Çınarlı",
        "[mühürlü]",
        "[silindi]",
    ] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    assert!(
        text.contains("#7 Başvuru kaydedildi\n"),
        "the cause is named by its position: {text}"
    );
    assert!(
        text.contains("[routing.RequestDanced]"),
        "an event of a newer build is still shown"
    );
    assert!(!text.contains("secret"));
}

#[test]
fn programs_read_the_same() {
    let events = to_json(&history(), &Decoder::new().unwrap()).unwrap();
    assert_eq!(events[0]["facts"]["number"], "2026-48120937-5");
    assert_eq!(events[0]["sealed"], json!(["description"]));
    assert_eq!(events[1]["cause"], "7");
    assert_eq!(events[1]["facts"]["unit"], "fen-isleri");
    assert_eq!(events[2]["erased"], true);
    assert_eq!(events[3]["facts"], Value::Null);
}

#[test]
fn an_event_id_among_the_facts_is_a_uuid() {
    let requested = NotificationRequested {
        source_event: vec![7; 16],
        ..NotificationRequested::default()
    };
    let event = Event {
        r#type: "notification.NotificationRequested".to_owned(),
        facts: requested.encode_to_vec(),
        ..Event::default()
    };
    let facts = Decoder::new().unwrap().facts(&event).unwrap();
    assert_eq!(
        facts["source_event"],
        "07070707-0707-0707-0707-070707070707"
    );
}

#[test]
fn an_erasure_is_told_in_words() {
    let erased = PersonalDataErased {
        of: "request:2026-48120937-5".to_owned(),
        ground: ErasureGround::CourtOrder.into(),
        by_rule: None,
        hard: None,
    };
    let event = Event {
        r#type: "intake.PersonalDataErased".to_owned(),
        facts: erased.encode_to_vec(),
        ..Event::default()
    };
    let decoder = Decoder::new().unwrap();
    for (language, told) in [
        (Language::Tr, ["Kişisel veriler silindi", "mahkeme kararı"]),
        (Language::En, ["Personal data erased", "a court's order"]),
    ] {
        let text = text::print(std::slice::from_ref(&event), &decoder, language).unwrap();
        assert!(told.iter().all(|it| text.contains(it)), "{text}");
    }
}
