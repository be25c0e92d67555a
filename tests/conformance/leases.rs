//! Leases: at most one holder, and a holder who was replaced can no longer move the checkpoint.

use std::time::Duration;

use futures::future::join_all;
use ledger::{LEASE, LogError};

use crate::place::{Place, command};

pub(crate) async fn one_holder_at_a_time(place: &Place) {
    let municipality = place.municipality();
    let (log, other) = (
        place.replica(&municipality).await,
        place.replica(&municipality).await,
    );
    let names: Vec<String> = (0..16).map(|it| format!("replica-{it}")).collect();
    let asked = names.iter().zip([&log, &other].into_iter().cycle());
    let leases =
        join_all(asked.map(|(name, log)| log.acquire_lease("routing.requests", name))).await;
    let leases: Vec<_> = leases.into_iter().map(Result::unwrap).collect();
    assert_eq!(leases.iter().filter(|it| it.granted).count(), 1);
    assert!(leases.iter().all(|it| it.epoch == 1));

    let holder = &names[leases.iter().position(|it| it.granted).unwrap()];
    place.pass(LEASE / 2);
    assert!(
        log.acquire_lease("routing.requests", holder)
            .await
            .unwrap()
            .granted,
        "it is renewed"
    );
    place.pass(LEASE / 2 + Duration::from_millis(1));
    assert!(
        !other
            .acquire_lease("routing.requests", "late")
            .await
            .unwrap()
            .granted,
        "it was renewed"
    );
    assert!(
        other
            .acquire_lease("routing.timers", "late")
            .await
            .unwrap()
            .granted,
        "another lease"
    );
    place.pass(LEASE);
    let late = other
        .acquire_lease("routing.requests", "late")
        .await
        .unwrap();
    assert_eq!(
        (late.granted, late.epoch),
        (true, 2),
        "it is taken over after its end"
    );
    assert!(
        !log.acquire_lease("routing.requests", holder)
            .await
            .unwrap()
            .granted
    );
}

pub(crate) async fn a_zombies_checkpoint_is_refused(place: &Place) {
    let log = place.log().await;
    log.append(command(1, &[("a-1", 0, 9)]), None)
        .await
        .unwrap();
    let first = log.acquire_lease("x", "first").await.unwrap();
    log.save_checkpoint("x", first.epoch, 5).await.unwrap();
    log.save_checkpoint("x", first.epoch, 3).await.unwrap();
    let renewed = log.acquire_lease("x", "first").await.unwrap();
    assert_eq!(
        (renewed.epoch, renewed.checkpoint),
        (first.epoch, 5),
        "a checkpoint is never lowered"
    );

    place.pass(LEASE);
    let second = log.acquire_lease("x", "second").await.unwrap();
    assert_eq!((second.epoch, second.checkpoint), (first.epoch + 1, 5));
    let zombie = log.save_checkpoint("x", first.epoch, 9).await;
    assert!(matches!(zombie, Err(LogError::LeaseLost)), "{zombie:?}");
    log.save_checkpoint("x", second.epoch, 6).await.unwrap();
    assert_eq!(
        log.acquire_lease("x", "second").await.unwrap().checkpoint,
        6
    );
    assert!(matches!(
        log.save_checkpoint("unknown", 1, 1).await,
        Err(LogError::LeaseLost)
    ));
    assert!(
        matches!(
            log.save_checkpoint("x", second.epoch, 10).await,
            Err(LogError::Unfit(_))
        ),
        "beyond the head"
    );
}

pub(crate) async fn a_lease_given_back_is_free_at_once(place: &Place) {
    let log = place.log().await;
    log.acquire_lease("x", "first").await.unwrap();
    log.release_lease("x", "somebody else").await.unwrap();
    assert!(!log.acquire_lease("x", "second").await.unwrap().granted);
    log.release_lease("x", "first").await.unwrap();
    assert_eq!(log.acquire_lease("x", "second").await.unwrap().epoch, 2);
}
