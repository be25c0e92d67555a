use super::*;

fn request() -> AppendRequest {
    AppendRequest {
        command_id: vec![1; 16],
        fingerprint: vec![2; 32],
        correlation_id: vec![1; 16],
        actor: "citizen".to_owned(),
        writes: vec![StreamWrite {
            stream: "request-2026-48120937-5".to_owned(),
            expected_version: 0,
            events: vec![NewEvent {
                event_id: vec![4; 16],
                r#type: "intake.RequestRegistered".to_owned(),
                schema_version: 1,
                occurred_at: 1,
                subjects: vec!["a:1".to_owned(), "b:2".to_owned()],
                facts: vec![1, 2, 3],
                personal: vec![4, 5],
            }],
        }],
        ..AppendRequest::default()
    }
}

fn prepared(change: impl FnOnce(&mut AppendRequest)) -> Result<Prepared, Unfit> {
    let mut request = request();
    change(&mut request);
    Prepared::new(
        request,
        Some("intake"),
        &hmac::Key::new(hmac::HMAC_SHA256, &[0; 32]),
    )
}

#[track_caller]
fn names(field: &str, change: impl FnOnce(&mut AppendRequest)) {
    match prepared(change) {
        Err(Unfit::Invalid(invalid)) => assert_eq!(invalid.field, field),
        other => panic!("{field}: {other:?}"),
    }
}

#[test]
fn bad_input_is_refused_by_the_name_of_its_field() {
    names("command_id", |it| it.command_id.clear());
    names("fingerprint", |it| it.fingerprint.truncate(31));
    names("correlation_id", |it| it.correlation_id.clear());
    names("causation_id", |it| it.causation_id = vec![1; 3]);
    names("actor", |it| it.actor.clear());
    names("traceparent", |it| it.traceparent = "a b".to_owned());
    names("writes", |it| it.writes.clear());
    names("writes[0].stream", |it| {
        it.writes[0].stream = "x".repeat(201)
    });
    names("writes[0].stream", |it| {
        it.writes[0].stream = "a\u{0}b".to_owned()
    });
    names("writes[1].stream", |it| {
        let mut again = it.writes[0].clone();
        again.events[0].event_id = vec![5; 16];
        it.writes.push(again);
    });
    names("writes[1].events", |it| {
        it.writes.push(StreamWrite {
            stream: "x".to_owned(),
            ..StreamWrite::default()
        })
    });
    names("writes[0].events.event_id", |it| {
        let again = it.writes[0].events[0].clone();
        it.writes[0].events.push(again);
    });
    names("writes[0].events[0].event_id", |it| {
        it.writes[0].events[0].event_id.push(0)
    });
    for bad in [
        "",
        "intake",
        "Intake.X",
        "intake.x",
        "intake.X.Y",
        "intake.X*",
        "intake.>",
    ] {
        names("writes[0].events[0].type", |it| {
            it.writes[0].events[0].r#type = bad.to_owned()
        });
    }
    names("writes[0].events[0].occurred_at", |it| {
        it.writes[0].events[0].occurred_at = i64::MAX
    });
    names("writes[0].events[0].subjects", |it| {
        it.writes[0].events[0].subjects.clear()
    });
    names("writes[0].events[0].subjects", |it| {
        it.writes[0].events[0].subjects.reverse()
    });
    names("writes[0].events[0].subjects", |it| {
        it.writes[0].events[0].subjects[1] = "a:1".to_owned()
    });
    names("writes[0].events[0].subjects", |it| {
        it.writes[0].events[0].subjects[0] = "a\nb".to_owned()
    });
    names("writes[0].events[0].facts", |it| {
        it.writes[0].events[0].facts = vec![0; EVENT_BYTES]
    });
}

#[test]
fn a_service_appends_only_its_own_events() {
    let foreign = prepared(|it| it.writes[0].events[0].r#type = "routing.RequestRouted".to_owned());
    assert!(matches!(foreign, Err(Unfit::Foreign { .. })));
    assert!(
        prepared(|it| it.writes[0].events[0].r#type = "ledger.ReactionParked".to_owned()).is_ok()
    );
    assert!(prepared(|_| ()).is_ok());
}

#[test]
fn the_personal_part_is_salted_apart() {
    let prepared = prepared(|_| ()).unwrap();
    let event = &prepared.writes[0].events[0];
    assert_eq!(
        (
            event.salt.len(),
            event.personal_salt.len(),
            event.personal_hash.len()
        ),
        (16, 16, 32)
    );
    assert_ne!(event.salt, event.personal_salt);
}

#[test]
fn the_kept_fingerprint_is_not_the_sent_one() {
    let prepared = prepared(|_| ()).unwrap();
    assert_ne!(prepared.fingerprint, [2; 32]);
}
