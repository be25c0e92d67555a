//! Hard erasure: personal parts leave the log by an order that is recorded, and by nothing else.

use contracts::ledger::v1::{ErasePersonalPartsRequest, Event, PartsErasedGround};
use ledger::{
    Location, LogError, Shelf, erasing,
    request::Unfit,
    restore::{Restore, Returning},
};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use tests::{nats::Server as Nats, postgres::Server};
use tonic::Code;
use uuid::Uuid;

use crate::{
    appending::assert_sound,
    place::{Place, Replica, command},
    relaying::{assert_published, relay},
};

fn asked(id: u128, positions: &[u64]) -> ErasePersonalPartsRequest {
    ErasePersonalPartsRequest {
        command_id: Uuid::from_u128(id).as_bytes().to_vec(),
        positions: positions.to_vec(),
        ground: PartsErasedGround::CourtOrder.into(),
        reference: "2026/123".to_owned(),
        actor: "staff:1".to_owned(),
        ..ErasePersonalPartsRequest::default()
    }
}

async fn order(
    place: &Place,
    log: &Replica,
    id: u128,
    positions: &[u64],
) -> Result<u64, tonic::Status> {
    erasing::order(log, &place.clock(), &asked(id, positions), "").await
}

fn is_gone(event: &Event) -> bool {
    event.personal.is_empty() && event.personal_salt.is_empty() && !event.personal_hash.is_empty()
}

/// The positions whose personal part is gone.
async fn gone(log: &Replica) -> Vec<u64> {
    let events = assert_sound(log).await;
    events
        .iter()
        .filter(|it| is_gone(it))
        .map(|it| it.position)
        .collect()
}

pub(crate) async fn only_what_was_ordered_is_erased(place: &Place) {
    let log = place.log().await;
    log.append(command(1, &[("a-1", 0, 3), ("b-1", 0, 2)]), None)
        .await
        .unwrap();
    let before = assert_sound(&log).await;
    assert!(before.iter().all(|it| !it.personal.is_empty()));

    for wrong in [&[][..], &[0], &[3, 2], &[2, 2], &[6], &[1, 99]] {
        let refused = order(place, &log, 9, wrong).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{wrong:?}");
    }
    assert_eq!(gone(&log).await, [0_u64; 0]);

    let at = order(place, &log, 2, &[2, 5]).await.unwrap();
    assert_eq!(at, 6);
    assert_eq!(gone(&log).await, [2, 5]);
    // Asked again it is the same order, and other content is another command.
    assert_eq!(order(place, &log, 2, &[2, 5]).await.unwrap(), 6);
    let reused = order(place, &log, 2, &[1]).await.unwrap_err();
    assert_eq!(reused.code(), Code::AlreadyExists);
    assert_eq!(order(place, &log, 3, &[2, 3]).await.unwrap(), 7);

    // All else is as it was, also for whoever follows: memory forgets as the store does.
    let after = assert_sound(&log).await;
    for (before, after) in before.iter().zip(&after) {
        let erased = [2, 3, 5].contains(&before.position);
        assert_eq!(is_gone(after), erased);
        let mut whole = after.clone();
        if erased {
            whole.personal.clone_from(&before.personal);
            whole.personal_salt.clone_from(&before.personal_salt);
        }
        assert_eq!(whole, *before);
    }
    let heard = log.follow(0).next().await.unwrap();
    assert_eq!(
        heard.iter().map(|it| (**it).clone()).collect::<Vec<_>>(),
        after
    );
    let told = log
        .append(command(1, &[("a-1", 0, 3), ("b-1", 0, 2)]), None)
        .await
        .unwrap();
    assert!(told.replayed && told.events == after[..5]);
}

pub(crate) async fn another_replica_forgets_too(place: &Place) {
    let one = place.log().await;
    let other = place.replica(one.municipality()).await;
    one.append(command(1, &[("a-1", 0, 3)]), None)
        .await
        .unwrap();
    let mut follower = other.follow(0);
    while follower
        .next()
        .await
        .unwrap()
        .last()
        .is_none_or(|it| it.position < 3)
    {}
    let at = order(place, &one, 2, &[1]).await.unwrap();
    while follower
        .next()
        .await
        .unwrap()
        .last()
        .is_none_or(|it| it.position < at)
    {}
    let heard = other.follow(0).next().await.unwrap();
    assert!(is_gone(&heard[0]) && !is_gone(&heard[1]));
}

pub(crate) async fn no_service_orders_by_itself(place: &Place) {
    let log = place.log().await;
    let mut append = command(1, &[("a-1", 0, 1)]);
    "ledger.PersonalPartsErased".clone_into(&mut append.writes[0].events[0].r#type);
    let refused = log.append(append, Some("intake")).await.unwrap_err();
    assert!(
        matches!(refused, LogError::Unfit(Unfit::Foreign { .. })),
        "{refused}"
    );
}

/// A store that came back from before the null has the part again, and the order from behind it: it is carried out again.
pub(crate) async fn what_came_back_is_erased_again(place: &Place) {
    let log = place.log().await;
    log.append(command(1, &[("a-1", 0, 3)]), None)
        .await
        .unwrap();
    let before = assert_sound(&log).await;
    order(place, &log, 2, &[2]).await.unwrap();
    let mut events = assert_sound(&log).await;
    events[..3].clone_from_slice(&before);

    // A log is known by its name: the copy stands under the same one, elsewhere.
    let elsewhere = Place::sqlite();
    let shelf = Shelf::open(&elsewhere.location).await.unwrap();
    let mut back = Restore::open(&shelf, log.municipality(), [7; 32], elsewhere.clock())
        .await
        .unwrap();
    let returning = |event| Returning {
        event,
        fingerprint: None,
    };
    back.bring(events.into_iter().map(returning).collect())
        .await
        .unwrap();
    back.keep(&[]).await.unwrap();
    let back = elsewhere.replica(log.municipality()).await;
    assert_eq!(gone(&back).await, [0_u64; 0]);
    erasing::carry_out(&back).await.unwrap();
    assert_eq!(gone(&back).await, [2]);
}

/// Whoever reads SQLite's file for long keeps its write-ahead log from being emptied, and nobody from being served.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_reader_does_not_stop_the_log() {
    let place = Place::sqlite();
    let log = place.log().await;
    log.append(command(1, &[("a-1", 0, 3)]), None)
        .await
        .unwrap();
    let Location::Sqlite(folder) = &place.location else {
        panic!("it is SQLite");
    };
    let file = folder.join(format!("{}.db", log.municipality()));
    let mut reader = SqliteConnection::connect(file.to_str().unwrap())
        .await
        .unwrap();
    let read = "BEGIN; SELECT count(*) FROM event";
    sqlx::raw_sql(read).execute(&mut reader).await.unwrap();
    assert_eq!(order(&place, &log, 2, &[2]).await.unwrap(), 4);
    assert_eq!(gone(&log).await, [2]);
    log.append(command(3, &[("a-3", 0, 1)]), None)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledgers_role_erases_by_order_and_by_nothing_else() {
    let server = Server::start().await.unwrap();
    let url = server.create_database("log").await.unwrap();
    Shelf::open(&url.parse().unwrap()).await.unwrap();
    let mut owner = PgConnection::connect(&url).await.unwrap();
    let roles = include_str!("../../services/ledger/sql/roles.sql");
    run(&mut owner, roles).await.unwrap();
    run(
        &mut owner,
        "CREATE ROLE ledger_1 LOGIN IN ROLE cozum_ledger",
    )
    .await
    .unwrap();

    let restricted = url.replace("postgres@", "ledger_1@");
    let place = Place::at(&restricted);
    let log = place.log().await;
    log.append(command(1, &[("a-1", 0, 2)]), None)
        .await
        .unwrap();
    let mut ledger = PgConnection::connect(&restricted).await.unwrap();
    let null = "UPDATE event SET personal = NULL, personal_salt = NULL";
    assert!(run(&mut ledger, null).await.is_err(), "not as itself");
    let as_eraser = |rest: &str| format!("SET ROLE cozum_eraser; {rest}");
    for refused in [
        "UPDATE event SET personal = 'x', personal_salt = 'x'",
        "UPDATE event SET facts = ''",
        "DELETE FROM event",
    ] {
        assert!(
            run(&mut ledger, &as_eraser(refused)).await.is_err(),
            "{refused}"
        );
    }
    order(&place, &log, 2, &[2]).await.unwrap();
    assert_eq!(gone(&log).await, [2]);

    // Without the role nothing is recorded either.
    run(&mut owner, "REVOKE cozum_eraser FROM cozum_ledger")
        .await
        .unwrap();
    let refused = order(&place, &log, 3, &[1]).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused}");
    assert_eq!(log.head().await.unwrap().position, 3);
}

async fn run(connection: &mut PgConnection, sql: &str) -> sqlx::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(connection)
        .await
        .map(drop)
}

/// JetStream must not keep what the log has lost: its stream is made anew, with the same numbers.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_erased_leaves_jetstream_and_its_numbers_stay() {
    let server = Nats::start().await.unwrap();
    let client = async_nats::connect(server.url()).await.unwrap();
    let place = Place::sqlite();
    let log = place.log().await;
    let _one = relay(&place, &log, &client, 1);
    let _another = relay(&place, &log, &client, 2);
    for id in 1..40 {
        log.append(command(id, &[(&format!("a-{id}"), 0, 5)]), None)
            .await
            .unwrap();
    }
    assert_published(&client, &log).await;
    order(&place, &log, 900, &[7, 8, 100]).await.unwrap();
    assert_published(&client, &log).await;
    log.append(command(901, &[("b-1", 0, 5)]), None)
        .await
        .unwrap();
    order(&place, &log, 902, &[9]).await.unwrap();
    assert_published(&client, &log).await;
    assert_eq!(gone(&log).await, [7, 8, 9, 100]);
}
