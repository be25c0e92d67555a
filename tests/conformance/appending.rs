//! Appending: what is recorded, and what is refused.

use std::collections::BTreeSet;

use chassis::event::commitment;
use contracts::ledger::v1::Event;
use futures::{StreamExt as _, future::join_all, stream};
use ledger::{Log, LogError, request::Unfit};

use crate::place::{Place, command};

pub(crate) async fn all(log: &Log) -> Vec<Event> {
    let mut events: Vec<Event> = vec![];
    loop {
        let page = log
            .read(events.last().map_or(0, |it| it.position), 1_000)
            .await
            .unwrap();
        if page.is_empty() {
            return events;
        }
        events.extend(page);
    }
}

/// Dense positions, strictly rising times, contiguous versions, commitments that hold.
pub(crate) async fn assert_sound(log: &Log) -> Vec<Event> {
    let events = all(log).await;
    assert_eq!(log.head().await.unwrap().position, events.len() as u64);
    let mut versions = std::collections::BTreeMap::new();
    let mut ids = BTreeSet::new();
    for (event, position) in events.iter().zip(1..) {
        assert_eq!(event.position, position, "positions are dense from 1");
        let version: &mut u64 = versions.entry(event.stream.clone()).or_default();
        *version += 1;
        assert_eq!(
            event.version, *version,
            "versions of {} are dense from 1",
            event.stream
        );
        assert!(
            ids.insert(event.event_id.clone()),
            "event {position} is recorded twice"
        );
        assert!(
            commitment::holds(log.municipality().as_str(), event),
            "event {position} is bound"
        );
    }
    assert!(
        events.is_sorted_by(|a, b| a.recorded_at < b.recorded_at),
        "time strictly rises"
    );
    events
}

pub(crate) async fn appends_in_order(place: &Place) {
    let log = place.log().await;
    assert_eq!(log.head().await.unwrap().position, 0);
    let first = log
        .append(command(1, &[("request-1", 0, 2)]), None)
        .await
        .unwrap();
    assert_eq!(
        (first.first_position, first.last_position, first.replayed),
        (1, 2, false)
    );
    let second = log
        .append(
            command(2, &[("request-1", 2, 1), ("contact-1", 0, 1)]),
            None,
        )
        .await
        .unwrap();
    assert_eq!((second.first_position, second.last_position), (3, 4));
    assert_eq!(second.recorded_at, log.head().await.unwrap().recorded_at);

    let events = assert_sound(&log).await;
    assert_eq!(second.recorded_at, events[3].recorded_at);
    assert_eq!([first.events, second.events].concat(), []);
    let stream = log.read_stream("request-1", None).await.unwrap().events;
    assert_eq!(
        stream
            .iter()
            .map(|it| (it.version, it.position))
            .collect::<Vec<_>>(),
        [(1, 1), (2, 2), (3, 3)]
    );
    assert_eq!(
        stream[0].occurred_at, -1,
        "things may have happened before 1970"
    );
    assert_eq!(log.read_stream("request-2", None).await.unwrap().events, []);
}

pub(crate) async fn refuses_a_stale_expected_version(place: &Place) {
    let log = place.log().await;
    log.append(command(1, &[("a-1", 0, 2)]), None)
        .await
        .unwrap();
    for wrong in [0, 1, 3, u64::MAX] {
        let refused = log.append(command(9, &[("a-1", wrong, 1)]), None).await;
        let Err(LogError::Stale {
            stream,
            expected,
            actual,
        }) = refused
        else {
            panic!("{wrong}: {refused:?}")
        };
        assert_eq!((stream.as_str(), expected, actual), ("a-1", wrong, 2));
    }
    // The refused command id is still free.
    assert_eq!(
        log.append(command(9, &[("a-1", 2, 1)]), None)
            .await
            .unwrap()
            .last_position,
        3
    );
    assert_sound(&log).await;
}

pub(crate) async fn writes_several_streams_or_none(place: &Place) {
    let log = place.log().await;
    log.append(command(1, &[("a-1", 0, 1), ("b-1", 0, 1)]), None)
        .await
        .unwrap();
    let refused = log
        .append(
            command(2, &[("a-1", 1, 1), ("b-1", 0, 1), ("c-1", 0, 1)]),
            None,
        )
        .await;
    assert!(matches!(refused, Err(LogError::Stale { stream, .. }) if stream == "b-1"));
    assert_eq!(all(&log).await.len(), 2);
    assert_eq!(log.read_stream("c-1", None).await.unwrap().events, []);
    log.append(command(3, &[("c-1", 0, 1), ("a-1", 1, 1)]), None)
        .await
        .unwrap();
    assert_sound(&log).await;
}

pub(crate) async fn answers_a_command_the_same_way_again(place: &Place) {
    let municipality = place.municipality();
    let (log, other) = (
        place.replica(&municipality).await,
        place.replica(&municipality).await,
    );
    let request = command(1, &[("a-1", 0, 2), ("b-1", 0, 1)]);
    log.append(request.clone(), None).await.unwrap();
    let recorded = all(&log).await;
    log.append(command(2, &[("a-1", 2, 1)]), None)
        .await
        .unwrap();

    for replica in [&log, &other] {
        let again = replica.append(request.clone(), None).await.unwrap();
        assert!(again.replayed);
        assert_eq!(again.events, recorded);
        assert_eq!((again.first_position, again.last_position), (1, 3));

        let mut different = request.clone();
        different.fingerprint = vec![2; 32];
        assert!(matches!(
            replica.append(different, None).await,
            Err(LogError::Reused)
        ));

        let known = (uuid::Uuid::from_u128(1), [1; 32].as_slice());
        let read = replica.read_stream("a-1", Some(known)).await.unwrap();
        assert_eq!(
            (read.events.len(), read.recorded.unwrap().events),
            (3, recorded.clone())
        );
        let other_content = (uuid::Uuid::from_u128(1), [2; 32].as_slice());
        assert!(matches!(
            replica.read_stream("a-1", Some(other_content)).await,
            Err(LogError::Reused)
        ));
        let unknown = (uuid::Uuid::from_u128(7), [1; 32].as_slice());
        assert!(
            replica
                .read_stream("a-1", Some(unknown))
                .await
                .unwrap()
                .recorded
                .is_none()
        );
    }

    // The same command many times at once: one records, the others replay it.
    let racing = command(3, &[("d-1", 0, 1)]);
    let answers = join_all((0..20).map(|it| {
        let replica = if it % 2 == 0 { &log } else { &other };
        replica.append(racing.clone(), None)
    }))
    .await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers.iter().filter(|it| !it.replayed).count(), 1);
    let recorded = all(&log).await.pop();
    for answer in answers.iter().filter(|it| it.replayed) {
        assert_eq!(answer.events.last(), recorded.as_ref());
    }
    assert_sound(&log).await;
}

/// A writer takes for new what it does not remember; the store knows better.
pub(crate) async fn a_wrong_guess_is_refused_and_asked_again(place: &Place) {
    let municipality = place.municipality();
    let first = place.replica(&municipality).await;
    let old = command(1, &[("a-1", 0, 2), ("b-1", 0, 1)]);
    first.append(old.clone(), None).await.unwrap();
    let recorded = all(&first).await;
    let other = place.replica(&municipality).await;
    other
        .append(command(2, &[("c-1", 0, 1)]), None)
        .await
        .unwrap();

    // It knows where the head is, and nothing of the streams and commands before.
    let stale = other.append(command(3, &[("a-1", 0, 1)]), None).await;
    let Err(LogError::Stale { stream, actual, .. }) = stale else {
        panic!("{stale:?}")
    };
    assert_eq!((stream.as_str(), actual), ("a-1", 2));
    for number in 10..50 {
        // Past the batches that ask after a wrong guess, so that it guesses again.
        let stream = format!("d-{number}");
        other
            .append(command(number, &[(&stream, 0, 1)]), None)
            .await
            .unwrap();
    }
    let again = other.append(old, None).await.unwrap();
    assert!(again.replayed);
    assert_eq!(again.events, recorded);

    // In one batch with a wrong guess, the others are recorded.
    let requests = (60..90_u128).map(|number| {
        let stream = format!("e-{number}");
        let known = number == 75;
        let stream = if known { "b-1" } else { &stream };
        command(number, &[(stream, 0, 1)])
    });
    let answers = join_all(requests.map(|it| other.append(it, None))).await;
    assert_eq!(answers.iter().filter(|it| it.is_ok()).count(), 29);
    assert!(matches!(
        answers[15],
        Err(LogError::Stale { actual: 1, .. })
    ));
    // What the other writer has appended meanwhile is seen.
    first
        .append(command(91, &[("c-1", 1, 1)]), None)
        .await
        .unwrap();
    let stale = other.append(command(92, &[("c-1", 1, 1)]), None).await;
    assert!(matches!(stale, Err(LogError::Stale { actual: 2, .. })));
    other
        .append(command(93, &[("c-1", 2, 1)]), None)
        .await
        .unwrap();
    assert_sound(&first).await;
}

pub(crate) async fn recorded_at_strictly_rises(place: &Place) {
    let log = place.log().await;
    log.append(command(1, &[("a-1", 0, 3)]), None)
        .await
        .unwrap();
    // A clock that stands still, then one that goes back.
    log.append(command(2, &[("a-1", 3, 1)]), None)
        .await
        .unwrap();
    place
        .time
        .fetch_sub(3_600_000_000, std::sync::atomic::Ordering::SeqCst);
    log.append(command(3, &[("a-1", 4, 1)]), None)
        .await
        .unwrap();
    place
        .time
        .fetch_add(3_600_000_000, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(assert_sound(&log).await.len(), 5);
}

pub(crate) async fn keeps_personal_bytes_and_salts_apart(place: &Place) {
    let log = place.log().await;
    let mut request = command(1, &[("a-1", 0, 3)]);
    request.writes[0].events[2].personal.clear();
    log.append(request, None).await.unwrap();
    let events = assert_sound(&log).await;
    for event in &events[..2] {
        assert_eq!(
            (event.personal.as_slice(), event.facts.len()),
            (b"sealed".as_slice(), 16)
        );
        assert_eq!(
            (
                event.personal_salt.len(),
                event.personal_hash.len(),
                event.salt.len()
            ),
            (16, 32, 16)
        );
        assert_ne!(event.personal_salt, event.salt);
    }
    assert_ne!(events[0].personal_salt, events[1].personal_salt);
    assert_ne!(
        events[0].personal_hash, events[1].personal_hash,
        "equal texts do not show as equal"
    );
    let none = &events[2];
    assert!(
        none.personal.is_empty() && none.personal_salt.is_empty() && none.personal_hash.is_empty()
    );
}

pub(crate) async fn commitments_recompute(place: &Place) {
    let log = place.log().await;
    log.append(command(1, &[("a-1", 0, 1)]), None)
        .await
        .unwrap();
    let event = all(&log).await.remove(0);
    let town = log.municipality().to_string();
    assert_eq!(event.commitment, commitment::commitment(&town, &event));
    assert_eq!(
        event.personal_hash,
        commitment::personal_hash(&event.personal_salt, &event.personal)
    );
}

pub(crate) async fn positions_are_dense_under_many_writers(place: &Place) {
    const WRITERS: u128 = 32;
    const EACH: u128 = 12;
    let municipality = place.municipality();
    let replicas = [
        place.replica(&municipality).await,
        place.replica(&municipality).await,
    ];
    let writers = (0..WRITERS).map(|writer| {
        let log = &replicas[usize::try_from(writer % 2).unwrap()].log;
        async move {
            let mut acknowledged = vec![];
            for number in 0..EACH {
                let own = format!("own-{writer}");
                // Everybody also wants the same stream: most lose, and come again with the version they were told.
                let mut expected = 0;
                let reply = loop {
                    let request = command(
                        1 + writer * EACH + number,
                        &[(&own, 0, 1), ("shared-1", expected, 1)],
                    );
                    let mut request = request;
                    request.writes[0].expected_version = u64::try_from(number).unwrap();
                    match log.append(request, None).await {
                        Ok(reply) => break reply,
                        Err(LogError::Stale { stream, actual, .. }) => {
                            assert_eq!(stream, "shared-1");
                            expected = actual;
                        }
                        Err(error) => panic!("{error}"),
                    }
                };
                assert!(!reply.replayed);
                acknowledged.push(reply);
            }
            acknowledged
        }
    });
    let mut acknowledged: Vec<_> = join_all(writers).await.into_iter().flatten().collect();
    let events = assert_sound(&replicas[0]).await;
    assert_eq!(events.len() as u128, 2 * WRITERS * EACH);
    assert_eq!(all(&replicas[1]).await, events);
    let mut next = 1;
    acknowledged.sort_by_key(|it| it.first_position);
    for reply in acknowledged {
        assert_eq!(
            (reply.first_position, reply.last_position),
            (next, next + 1)
        );
        let last = usize::try_from(next).unwrap();
        assert_eq!(events[last].recorded_at, reply.recorded_at);
        next += 2;
    }
}

pub(crate) async fn a_full_queue_refuses_and_loses_nothing(place: &Place) {
    let log = place.replica_with_queue(&place.municipality(), 4).await;
    let names: Vec<String> = (0..200).map(|it| format!("a-{it}")).collect();
    let answers = join_all(names.iter().zip(1..).map(|(name, number)| {
        let request = command(number, &[(name, 0, 1)]);
        log.append(request, None)
    }))
    .await;
    let recorded = answers.iter().filter(|it| it.is_ok()).count();
    assert!(
        answers
            .iter()
            .all(|it| matches!(it, Ok(_) | Err(LogError::Full)))
    );
    assert!(recorded >= 4, "only {recorded} were taken");
    assert_eq!(assert_sound(&log).await.len(), recorded);
}

pub(crate) async fn bad_input_spoils_nothing(place: &Place) {
    let log = place.log().await;
    let mut requests: Vec<_> = (1..=20)
        .map(|it| command(it, &[(format!("a-{it}").as_str(), 0, 1)]))
        .collect();
    requests[3].writes[0].events[0].subjects = vec!["z".to_owned(), "a".to_owned()];
    requests[7].writes[0].stream = "a\u{0}b".to_owned();
    requests[11].fingerprint.clear();
    let answers: Vec<_> = stream::iter(requests)
        .map(|it| log.append(it, None))
        .buffer_unordered(20)
        .collect()
        .await;
    let bad = answers
        .iter()
        .filter(|it| matches!(it, Err(LogError::Unfit(Unfit::Invalid(_)))))
        .count();
    assert_eq!(
        (bad, answers.iter().filter(|it| it.is_ok()).count()),
        (3, 17)
    );
    assert_eq!(assert_sound(&log).await.len(), 17);
    // Letters of any language, and bytes of any value, come back as they were.
    let mut request = command(99, &[("istek-Ayşe'nin İĞDIR: çukur, ğüöşçıİ 😀", 0, 1)]);
    request.writes[0].events[0].facts = (0..=255).collect();
    log.append(request.clone(), None).await.unwrap();
    let events = all(&log).await;
    assert_eq!(events[17].stream, request.writes[0].stream);
    assert_eq!(events[17].facts, request.writes[0].events[0].facts);
}

pub(crate) async fn two_logs_do_not_see_each_other(place: &Place) {
    let (first, second) = (place.log().await, place.log().await);
    let request = command(1, &[("a-1", 0, 1)]);
    first.append(request.clone(), None).await.unwrap();
    // The same command id and stream in the other log are another command and another stream.
    assert!(!second.append(request, None).await.unwrap().replayed);
    first
        .append(command(2, &[("a-1", 1, 1)]), None)
        .await
        .unwrap();
    assert_eq!((all(&first).await.len(), all(&second).await.len()), (2, 1));
    assert_eq!(second.history("about:a-1", 0, 0).await.unwrap().len(), 1);
    assert_eq!(
        second.read_stream("a-1", None).await.unwrap().events.len(),
        1
    );
    assert_ne!(
        all(&first).await[0].commitment,
        all(&second).await[0].commitment
    );
    first.acquire_lease("x", "me").await.unwrap();
    assert!(second.acquire_lease("x", "you").await.unwrap().granted);
}

pub(crate) async fn a_log_is_found_again(place: &Place) {
    let municipality = place.municipality();
    let before = place.replica(&municipality).await;
    before
        .append(command(1, &[("a-1", 0, 2)]), None)
        .await
        .unwrap();
    let recorded = all(&before).await;
    drop(before);
    let after = place.replica(&municipality).await;
    assert_eq!(all(&after).await, recorded);
    let again = after
        .append(command(1, &[("a-1", 0, 2)]), None)
        .await
        .unwrap();
    assert!(again.replayed, "the key of the fingerprints is kept");
}
