//! An event survives its way through a message, whatever it holds.

use chassis::cloudevents::{from_message, subject, to_message};
use contracts::ledger::v1::Event;
use proptest::{collection::vec, prelude::*};

fn event() -> impl Strategy<Value = Event> {
    let id = || vec(any::<u8>(), 16);
    let text = "\\PC{1,40}";
    let header = (
        1..u64::MAX,
        id(),
        text,
        any::<u64>(),
        "[a-z]{1,9}\\.[A-Z][a-zA-Z0-9]{0,20}",
        any::<u32>(),
    );
    let times = (any::<u64>(), any::<i64>());
    let ids = (id(), prop_oneof![Just(vec![]), id().boxed()], id());
    let who = (
        text,
        prop_oneof![Just(String::new()), "[!-~]{1,55}".boxed()],
        vec(text, 1..5),
    );
    let personal = prop_oneof![
        Just((vec![], vec![], vec![])),
        (Just(vec![]), Just(vec![]), vec(any::<u8>(), 32)),
        (
            vec(any::<u8>(), 1..300),
            vec(any::<u8>(), 16),
            vec(any::<u8>(), 32)
        ),
    ];
    let rest = (
        vec(any::<u8>(), 0..300),
        personal,
        id(),
        vec(any::<u8>(), 32),
    );
    (header, times, ids, who, rest).prop_map(|(header, times, ids, who, rest)| {
        let (position, event_id, stream, version, r#type, schema_version) = header;
        let (recorded_at, occurred_at) = times;
        let (correlation_id, causation_id, command_id) = ids;
        let (actor, traceparent, subjects) = who;
        let (facts, (personal, personal_salt, personal_hash), salt, commitment) = rest;
        Event {
            position,
            event_id,
            stream,
            version,
            r#type,
            schema_version,
            recorded_at,
            occurred_at,
            correlation_id,
            causation_id,
            command_id,
            actor,
            traceparent,
            subjects,
            facts,
            personal,
            personal_salt,
            personal_hash,
            salt,
            commitment,
        }
    })
}

proptest! {
    #[test]
    fn an_event_comes_out_of_its_message_unchanged(event in event()) {
        let (headers, body) = to_message(&"bozkoy".parse().unwrap(), &event);
        for (name, values) in headers.iter() {
            let printable = values.iter().all(|it| it.as_str().bytes().all(|it| it.is_ascii_graphic()));
            prop_assert!(printable, "{:?} is not printable", name);
        }
        prop_assert_eq!(from_message(&headers, &body).unwrap(), event);
    }
}

#[test]
fn a_message_is_a_cloud_event() {
    let event = Event {
        position: 7,
        event_id: vec![1; 16],
        stream: "request-2026-48120937-5".to_owned(),
        version: 2,
        r#type: "routing.RequestRouted".to_owned(),
        schema_version: 1,
        occurred_at: 1_767_225_600_000_000,
        correlation_id: vec![2; 16],
        command_id: vec![3; 16],
        actor: "staff:İğdır".to_owned(),
        subjects: vec!["request:2026-48120937-5".to_owned()],
        ..Event::default()
    };
    let town = "bozkoy".parse().unwrap();
    let (headers, _) = to_message(&town, &event);
    let header = |name: &str| headers.get(name).map(|it| it.as_str());
    assert_eq!(
        subject(&town, &event.r#type),
        "cozum.events.bozkoy.routing.RequestRouted"
    );
    assert_eq!(header("ce-specversion"), Some("1.0"));
    assert_eq!(
        header("ce-id"),
        Some("01010101-0101-0101-0101-010101010101")
    );
    assert_eq!(header("ce-source"), Some("/cozum/bozkoy/routing"));
    assert_eq!(header("ce-type"), Some("cozum.routing.v1.RequestRouted"));
    assert_eq!(header("ce-subject"), Some("request-2026-48120937-5"));
    assert_eq!(header("ce-time"), Some("2026-01-01T00:00:00Z"));
    assert_eq!(header("ce-datacontenttype"), Some("application/protobuf"));
    assert_eq!(header("ce-position"), Some("7"));
    let attribute = |name: &str| {
        name.bytes()
            .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit())
    };
    let names = headers
        .iter()
        .filter_map(|(name, _)| name.to_string().strip_prefix("ce-").map(attribute));
    assert!(
        names.into_iter().all(|it| it),
        "attribute names are lower-case letters and digits"
    );
}
