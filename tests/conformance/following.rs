//! Reading on: history, pages, and following the log.

use std::time::Duration;

use ledger::Log;
use tokio::time::{Instant, timeout};

use crate::{
    appending::{all, assert_sound},
    place::{Place, command},
};

pub(crate) async fn history_tells_a_subject_in_order(place: &Place) {
    let log = place.log().await;
    for number in 1..=5_u64 {
        let stream = if number % 2 == 0 { "even-1" } else { "odd-1" };
        log.append(
            command(number.into(), &[(stream, (number - 1) / 2, 1)]),
            None,
        )
        .await
        .unwrap();
    }
    let positions = async |subject, after, limit| {
        let events = log.history(subject, after, limit).await.unwrap();
        events.iter().map(|it| it.position).collect::<Vec<_>>()
    };
    assert_eq!(positions("about:odd-1", 0, 0).await, [1, 3, 5]);
    assert_eq!(positions("about:even-1", 0, 0).await, [2, 4]);
    assert_eq!(positions("all:İğdır", 0, 0).await, [1, 2, 3, 4, 5]);
    assert_eq!(positions("all:İğdır", 2, 2).await, [3, 4]);
    assert!(positions("about:odd", 0, 0).await.is_empty());
}

pub(crate) async fn pages_end_where_the_next_begin(place: &Place) {
    let log = place.log().await;
    log.append(command(1, &[("a-1", 0, 1_500), ("b-1", 0, 700)]), None)
        .await
        .unwrap();
    assert_eq!(assert_sound(&log).await.len(), 2_200);
    assert_eq!(
        log.read(0, 0).await.unwrap().len(),
        1_000,
        "0 means the most there is"
    );
    assert_eq!(log.read(0, 5_000).await.unwrap().len(), 1_000);
    let page = log.read(998, 3).await.unwrap();
    assert_eq!(
        page.iter().map(|it| it.position).collect::<Vec<_>>(),
        [999, 1_000, 1_001]
    );
    assert_eq!(log.read(2_200, 10).await.unwrap(), []);
    assert_eq!(
        log.read_stream("a-1", None).await.unwrap().events.len(),
        1_500,
        "a stream comes whole"
    );
}

pub(crate) async fn a_time_leads_to_what_was_recorded_by_then(place: &Place) {
    let log = place.log().await;
    let now = || place.clock().micros();
    let by = async |time: i64| log.cut_off_by(time).await.map(|it| it.position);
    assert_eq!(by(now()).await.unwrap(), 0, "nothing is recorded yet");
    assert_eq!(log.cut_off_at(0).await.unwrap().position, 0);
    log.cut_off_at(1).await.unwrap_err();
    for number in 1..=20_u64 {
        // Several events of one instant, and pauses of different lengths.
        let count = usize::try_from(number % 4 + 1).unwrap();
        let stream = format!("a-{number}");
        log.append(command(number.into(), &[(&stream, 0, count)]), None)
            .await
            .unwrap();
        place.pass(Duration::from_micros(number % 3 * 700));
    }
    let events = assert_sound(&log).await;
    let time = |at: usize| i64::try_from(events[at].recorded_at).unwrap();
    for time in [i64::MIN, -1, 0, time(0) - 1] {
        assert_eq!(by(time).await.unwrap(), 0, "before the first");
    }
    let last = time(events.len() - 1);
    for time in time(0) - 1..=last {
        let recorded = events.partition_point(|it| it.recorded_at <= time.cast_unsigned());
        assert_eq!(by(time).await.unwrap(), recorded as u64, "{time}");
    }
    place.pass(Duration::from_secs(1));
    let newest = log.cut_off_by(now()).await.unwrap();
    assert_eq!(newest, log.head().await.unwrap(), "after the last");
    by(now() + 1).await.unwrap_err();
    for event in &events {
        let found = log.cut_off_at(event.position).await.unwrap();
        assert_eq!(found.recorded_at, event.recorded_at);
    }
    let beyond = log.cut_off_at(newest.position + 1).await.unwrap_err();
    assert!(beyond.to_string().contains("position"), "{beyond}");
    log.cut_off_at(u64::MAX).await.unwrap_err();
}

/// Follows until a position and checks that nothing is skipped on the way.
async fn hear(log: &Log, after: u64, until: u64) {
    let mut follower = log.follow(after);
    let mut position = after;
    while position < until {
        let events = timeout(Duration::from_secs(20), follower.next())
            .await
            .expect("something is said")
            .unwrap();
        assert!(events.len() <= 1_000);
        for event in events {
            assert_eq!(event.position, position + 1, "follow skipped");
            position = event.position;
        }
        assert!(follower.head() >= position);
    }
}

pub(crate) async fn follow_never_skips(place: &Place) {
    let municipality = place.municipality();
    let (log, other) = (
        place.replica(&municipality).await,
        place.replica(&municipality).await,
    );
    log.append(command(1, &[("a-1", 0, 1_200)]), None)
        .await
        .unwrap();
    let append = async |replica: &Log, from: u128| {
        for number in 0..100 {
            let stream = format!("b-{}", from + number);
            replica
                .append(command(from + number, &[(&stream, 0, 2)]), None)
                .await
                .unwrap();
        }
    };
    tokio::join!(
        append(&log, 1_000),
        append(&other, 2_000),
        hear(&log, 0, 1_600),
        hear(&log, 700, 1_600),
        hear(&log, 1_200, 1_600),
        hear(&other, 0, 1_600),
        hear(&other, 1_300, 1_600),
    );
    assert_eq!(all(&log).await.len(), 1_600);
}

pub(crate) async fn a_follower_of_another_replica_hears_everything(place: &Place) {
    let municipality = place.municipality();
    let (log, other) = (
        place.replica(&municipality).await,
        place.replica(&municipality).await,
    );
    for number in 1..=3 {
        let stream = format!("a-{number}");
        let mut follower = other.follow(u64::try_from(number - 1).unwrap());
        log.append(command(number, &[(&stream, 0, 1)]), None)
            .await
            .unwrap();
        let appended = Instant::now();
        while follower.next().await.unwrap().is_empty() {}
        assert!(
            appended.elapsed() < Duration::from_secs(2),
            "it took {:?}",
            appended.elapsed()
        );
    }
}

pub(crate) async fn silence_is_broken_every_second(place: &Place) {
    let log = place.log().await;
    let mut follower = log.follow(0);
    for _ in 0..2 {
        let events = timeout(Duration::from_millis(1_500), follower.next())
            .await
            .expect("a sign of life")
            .unwrap();
        assert!(events.is_empty());
    }
}
