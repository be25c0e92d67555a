//! A store that is killed, and a role that may only append.

use std::time::Duration;

use futures::future::join_all;
use ledger::{Log, LogError, Shelf};
use sqlx::{Connection as _, PgConnection, SqliteConnection};
use tests::postgres::Server;
use tokio::time::sleep;

use crate::{
    appending::{all, assert_sound},
    place::{Place, command},
};

const WRITERS: u128 = 8;
const EACH: u128 = 40;

/// Appends, and repeats the same command while the store is away.
async fn write_patiently(log: &Log, writer: u128) -> Vec<(u128, u64)> {
    let mut acknowledged = vec![];
    let stream = format!("w-{writer}");
    for number in 0..EACH {
        let id = 1 + writer * EACH + number;
        let expected = u64::try_from(number).unwrap();
        let reply = loop {
            match log
                .append(command(id, &[(&stream, expected, 1)]), None)
                .await
            {
                Ok(reply) => break reply,
                Err(LogError::Away | LogError::Full) => sleep(Duration::from_millis(50)).await,
                Err(error) => panic!("{error}"),
            }
        };
        acknowledged.push((id, reply.first_position));
        sleep(Duration::from_millis(10)).await;
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_of_postgres_loses_nothing_and_doubles_nothing() {
    let mut server = Server::start().await.unwrap();
    let place = Place::at(&server.create_database("log").await.unwrap());
    let municipality = place.municipality();
    let replicas = [
        place.replica(&municipality).await,
        place.replica(&municipality).await,
    ];
    let writers = (0..WRITERS).map(|it| write_patiently(&replicas[usize::from(it % 2 == 0)], it));
    let faults = async {
        for _ in 0..3 {
            sleep(Duration::from_millis(150)).await;
            server.kill9().unwrap();
            sleep(Duration::from_millis(300)).await;
            server.restart().await.unwrap();
        }
    };
    let (acknowledged, ()) = tokio::join!(join_all(writers), faults);
    let events = assert_sound(&replicas[0]).await;
    assert_eq!(events.len() as u128, WRITERS * EACH);
    for (id, position) in acknowledged.into_iter().flatten() {
        let event = &events[usize::try_from(position).unwrap() - 1];
        assert_eq!(
            event.command_id,
            id.to_be_bytes(),
            "what was acknowledged stands where it was said to be"
        );
    }
    assert_eq!(all(&replicas[1]).await, events);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_stays_away_is_said_to_be_away() {
    let mut server = Server::start().await.unwrap();
    let place = Place::at(&server.create_database("log").await.unwrap());
    let log = place.log().await;
    log.append(command(1, &[("a-1", 0, 1)]), None)
        .await
        .unwrap();
    server.kill9().unwrap();
    let (append, read) = tokio::join!(
        log.append(command(2, &[("a-1", 1, 1)]), None),
        log.read(0, 0)
    );
    assert!(matches!(append, Err(LogError::Away)), "{append:?}");
    assert!(matches!(read, Err(LogError::Away)), "{read:?}");
    server.restart().await.unwrap();
    assert_eq!(
        log.append(command(2, &[("a-1", 1, 1)]), None)
            .await
            .unwrap()
            .first_position,
        2
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledgers_role_can_append_and_cannot_change() {
    let server = Server::start().await.unwrap();
    let url = server.create_database("log").await.unwrap();
    // The owner makes the tables and the roles; the ledger then runs as one who may append only.
    Shelf::open(&url.parse().unwrap()).await.unwrap();
    let mut owner = PgConnection::connect(&url).await.unwrap();
    let roles = include_str!("../../services/ledger/sql/roles.sql");
    sqlx::raw_sql(roles).execute(&mut owner).await.unwrap();
    let login = "CREATE ROLE ledger_1 LOGIN IN ROLE cozum_ledger; CREATE ROLE eraser_1 LOGIN IN ROLE cozum_eraser";
    sqlx::raw_sql(login).execute(&mut owner).await.unwrap();

    let restricted = url.replace("postgres@", "ledger_1@");
    let place = Place::at(&restricted);
    let log = place.log().await;
    log.append(command(1, &[("a-1", 0, 2)]), None)
        .await
        .unwrap();
    assert!(log.acquire_lease("x", "me").await.unwrap().granted);
    let mut ledger = PgConnection::connect(&restricted).await.unwrap();
    for forbidden in [
        "UPDATE event SET facts = ''",
        "DELETE FROM event",
        "DELETE FROM subject",
        "TRUNCATE event",
    ] {
        assert!(
            sqlx::query(forbidden).execute(&mut ledger).await.is_err(),
            "{forbidden}"
        );
    }

    let mut eraser = PgConnection::connect(&url.replace("postgres@", "eraser_1@"))
        .await
        .unwrap();
    assert!(
        sqlx::query("UPDATE event SET facts = ''")
            .execute(&mut eraser)
            .await
            .is_err()
    );
    let half = "UPDATE event SET personal = NULL WHERE position = 1";
    assert!(
        sqlx::query(half).execute(&mut eraser).await.is_err(),
        "the salt goes with the text"
    );
    let erase = "UPDATE event SET personal = NULL, personal_salt = NULL WHERE position = 1";
    sqlx::query(erase).execute(&mut eraser).await.unwrap();
    let events = assert_sound(&log).await;
    assert!(
        events[0].personal.is_empty() && !events[0].personal_hash.is_empty(),
        "its commitment still holds"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sqlite_file_refuses_changes_too() {
    let folder = tempfile::TempDir::new().unwrap();
    let place = Place::at(&format!("sqlite:{}", folder.path().to_str().unwrap()));
    let log = place.log().await;
    log.append(command(1, &[("a-1", 0, 2)]), None)
        .await
        .unwrap();
    let file = folder.path().join(format!("{}.db", log.municipality()));
    let mut connection = SqliteConnection::connect(file.to_str().unwrap())
        .await
        .unwrap();
    for forbidden in [
        "UPDATE event SET facts = x''",
        "UPDATE event SET personal = x'00'",
        "UPDATE event SET personal = NULL",
        "DELETE FROM event",
        "DELETE FROM subject",
        "UPDATE head SET position = 1",
    ] {
        assert!(
            sqlx::query(forbidden)
                .execute(&mut connection)
                .await
                .is_err(),
            "{forbidden}"
        );
    }
    let erase = "UPDATE event SET personal = NULL, personal_salt = NULL WHERE position = 1";
    sqlx::query(erase).execute(&mut connection).await.unwrap();
    assert!(assert_sound(&log).await[0].personal.is_empty());
}
