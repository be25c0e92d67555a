//! The head row: no auditor sees it, for it is in no bundle; the ledger holds it against the newest event before it appends.

use ledger::{Head, Log, LogError};
use tests::draw::Draw;

use super::EVENTS;
use crate::{
    appending::all,
    place::{Place, command},
};

/// Changes a log's head row at a place that is drawn: nothing is appended any more, and both positions are told.
pub(super) async fn a_change_is_named(place: &Place, log: &Log, draw: &mut Draw, number: u64) {
    let sound = log.head().await.unwrap();
    let by = draw.below(EVENTS) + 1;
    let (statement, head) = match number % 5 {
        0 => (
            format!("UPDATE head SET position = position + {by} WHERE {{of}}"),
            Head {
                position: EVENTS + by,
                ..sound
            },
        ),
        1 => (
            format!("UPDATE head SET position = position - {by} WHERE {{of}}"),
            Head {
                position: EVENTS - by,
                ..sound
            },
        ),
        2 => (
            format!("UPDATE head SET recorded_us = recorded_us + {by} WHERE {{of}}"),
            Head {
                recorded_at: sound.recorded_at + by,
                ..sound
            },
        ),
        3 => (
            format!("UPDATE head SET recorded_us = recorded_us - {by} WHERE {{of}}"),
            Head {
                recorded_at: sound.recorded_at - by,
                ..sound
            },
        ),
        _ => (
            "DELETE FROM head WHERE {of}".to_owned(),
            Head {
                position: 0,
                recorded_at: 0,
            },
        ),
    };
    place
        .tamper(log.municipality(), std::slice::from_ref(&statement))
        .await;
    let opened = place.replica(log.municipality()).await;
    let stream = format!("h-{number}");
    let refused = opened.append(command(900, &[(&stream, 0, 1)]), None).await;
    assert!(
        matches!(refused, Err(LogError::Torn { head: told, newest }) if told == head && newest == sound),
        "{statement}: {refused:?}"
    );
    assert_eq!(all(&opened).await.len() as u64, EVENTS, "{statement}");
}

async fn a_log_whose_head_was_moved_is_not_appended_to(place: &Place) {
    let municipality = place.municipality();
    let log = place.replica(&municipality).await;
    let append = async |number: u128, expected| {
        log.append(command(number, &[("a-1", expected, 2)]), None)
            .await
    };
    append(1, 0).await.unwrap();
    // The writer knows where it left the head; what it finds instead is nobody's append.
    let moved = |by: &str| {
        vec![format!(
            "UPDATE head SET position = position {by} WHERE {{of}}"
        )]
    };
    place.tamper(&municipality, &moved("+ 7")).await;
    for _ in 0..2 {
        let refused = append(2, 2).await;
        assert!(
            matches!(refused, Err(LogError::Torn { head, newest }) if (head.position, newest.position) == (9, 2)),
            "{refused:?}"
        );
    }
    place.tamper(&municipality, &moved("- 7")).await;
    assert_eq!(append(2, 2).await.unwrap().first_position, 3);

    // The same when it is the newest event that is gone.
    place
        .tamper(
            &municipality,
            &["DELETE FROM event WHERE position = 4 AND {of}".to_owned()],
        )
        .await;
    drop(log);
    let log = place.replica(&municipality).await;
    let refused = log.append(command(3, &[("b-1", 0, 1)]), None).await;
    assert!(
        matches!(refused, Err(LogError::Torn { head, newest }) if (head.position, newest.position) == (4, 3)),
        "{refused:?}"
    );
    assert_eq!(all(&log).await.len(), 3, "what is there is still shown");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_whose_head_was_moved_is_not_appended_to_in_sqlite() {
    Box::pin(a_log_whose_head_was_moved_is_not_appended_to(
        &Place::sqlite(),
    ))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_whose_head_was_moved_is_not_appended_to_in_postgres() {
    Box::pin(a_log_whose_head_was_moved_is_not_appended_to(
        &Place::postgres().await,
    ))
    .await;
}
