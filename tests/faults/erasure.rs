//! Intake dies in the middle of an erasure, and its key store comes back from a backup: what was ordered is done all the same,
//! once, and stays done. Locks in the key store hold each moment still.

use anyhow::Context as _;
use chassis::Role;
use contracts::{
    intake::v1::{Citizen, ErasePersonRequest, ErasureGround, RegisterRequestRequest},
    vocabulary::v1::Channel,
};
use sqlx::{Connection as _, PgConnection};
use tests::{City, Cluster, city::SOON, city::command_id, eventually};

const CITY: &str = "ova";

/// Somebody with a request: three keys.
pub(crate) struct Person {
    pub(crate) number: String,
    pub(crate) pseudonym: String,
}

pub(crate) async fn filed(city: &City, name: &str) -> anyhow::Result<Person> {
    filed_at(city, name, 0).await
}

/// Somebody files at some time; 0 is now.
pub(crate) async fn filed_at(city: &City, name: &str, occurred_at: i64) -> anyhow::Result<Person> {
    let request = RegisterRequestRequest {
        command_id: command_id(&format!("erasure: {name}")),
        channel: Channel::Phone.into(),
        topic: "pothole".to_owned(),
        description: "çukur".to_owned(),
        citizen: Some(Citizen {
            name: name.to_owned(),
            phone: "0532 123 45 67".to_owned(),
            ..Citizen::default()
        }),
        occurred_at,
        ..RegisterRequestRequest::default()
    };
    let reply = city.intake().register_request(request).await?.into_inner();
    city.handling(&reply.number).await?;
    Ok(Person {
        number: reply.number,
        pseudonym: reply.person,
    })
}

/// Asks once; whoever asks sees the process die.
async fn asked(city: &City, person: &Person) {
    let request = ErasePersonRequest {
        command_id: command_id(&format!("erase {}", person.number)),
        person: person.pseudonym.clone(),
        ground: ErasureGround::CitizenRequest.into(),
        ..ErasePersonRequest::default()
    };
    let answer = city.intake().erase_person(request).await;
    assert!(answer.is_err(), "it was answered: {answer:?}");
}

/// The keys' database, in which nothing can be written until the transaction ends.
pub(crate) async fn locked(cluster: &Cluster) -> anyhow::Result<PgConnection> {
    let mut lock = PgConnection::connect(&cluster.postgres.url("keys")).await?;
    sqlx::query("begin").execute(&mut lock).await?;
    sqlx::query("lock table data_keys in exclusive mode")
        .execute(&mut lock)
        .await?;
    Ok(lock)
}

/// Whether somebody waits for the table that is locked.
pub(crate) async fn waits(cluster: &Cluster) -> anyhow::Result<bool> {
    let mut store = PgConnection::connect(&cluster.postgres.url("keys")).await?;
    let waiting = "select exists (select from pg_locks where relation = 'data_keys'::regclass and not granted)";
    Ok(sqlx::query_scalar(waiting).fetch_one(&mut store).await?)
}

/// How many of a person's keys are left: those of the person and of the request, which have texts.
pub(crate) async fn keys(cluster: &Cluster, person: &Person) -> anyhow::Result<i64> {
    let mut store = PgConnection::connect(&cluster.postgres.url("keys")).await?;
    let left = sqlx::query_scalar(
        "select count(*) from data_keys where wrapped is not null and municipality = $1 and subject in ($2, $3)",
    )
    .bind(CITY)
    .bind(format!("person:{}", person.pseudonym))
    .bind(format!("request:{}", person.number))
    .fetch_one(&mut store)
    .await?;
    Ok(left)
}

async fn is_ordered(city: &City, person: &Person) -> anyhow::Result<()> {
    let history = city
        .has_recorded(&person.number, "intake.ErasureOrdered", 1)
        .await?;
    anyhow::ensure!(
        history
            .iter()
            .all(|it| it.r#type != "intake.PersonalDataErased"),
        "it is recorded already"
    );
    Ok(())
}

/// It is recorded once, and the keys are gone.
async fn is_done(cluster: &Cluster, city: &City, person: &Person) -> anyhow::Result<()> {
    city.has_recorded(&person.number, "intake.PersonalDataErased", 1)
        .await?;
    assert_eq!(keys(cluster, person).await?, 0);
    city.settled().await?;
    let types = city.history_types(&person.number).await?;
    let times = |name: &str| types.iter().filter(|it| *it == name).count();
    assert_eq!(times("intake.ErasureOrdered"), 1, "{types:?}");
    assert_eq!(times("intake.PersonalDataErased"), 1, "{types:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_is_finished_whenever_intake_dies_in_it_and_outlives_a_restored_key_store()
-> anyhow::Result<()> {
    let mut cluster = Cluster::start(&[CITY]).await?;
    let city = cluster.city(CITY)?;

    // Between the order and the keys.
    let ayse = filed(&city, "Ayşe").await?;
    let lock = locked(&cluster).await?;
    let (dies, ()) = tokio::join!(
        async {
            is_ordered(&city, &ayse).await?;
            anyhow::ensure!(keys(&cluster, &ayse).await? == 2, "the keys are gone");
            cluster.kill9(Role::Intake)
        },
        asked(&city, &ayse),
    );
    dies?;
    drop(lock);
    cluster.restart(Role::Intake).await?;
    is_done(&cluster, &city, &ayse).await?;

    // Between the keys and the record, which needs the ledger.
    let ali = filed(&city, "Ali").await?;
    let backup = backed_up(&cluster, &ali).await?;
    let lock = locked(&cluster).await?;
    let (dies, ()) = tokio::join!(
        async {
            is_ordered(&city, &ali).await?;
            // The order is in the log a moment before intake hears so: only then does it come to the keys.
            eventually(SOON, "intake comes to the keys", async || {
                anyhow::ensure!(waits(&cluster).await?, "nobody waits");
                Ok(())
            })
            .await?;
            cluster.kill9(Role::Ledger)?;
            drop(lock);
            eventually(SOON, "the keys are gone", async || {
                anyhow::ensure!(keys(&cluster, &ali).await? == 0);
                Ok(())
            })
            .await?;
            cluster.kill9(Role::Intake)
        },
        asked(&city, &ali),
    );
    dies?;
    cluster.restart(Role::Ledger).await?;
    cluster.restart(Role::Intake).await?;
    is_done(&cluster, &city, &ali).await?;

    // A backup of the keys is put back.
    let head = city.settled().await?;
    cluster.kill9(Role::Intake)?;
    restored(&cluster, backup).await?;
    assert_eq!(keys(&cluster, &ali).await?, 2);
    cluster.restart(Role::Intake).await?;
    assert_eq!(
        keys(&cluster, &ali).await?,
        0,
        "intake is ready, and a destroyed key is back"
    );
    assert_eq!(city.settled().await?, head, "something was recorded anew");
    Ok(())
}

async fn backed_up(cluster: &Cluster, person: &Person) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let mut store = PgConnection::connect(&cluster.postgres.url("keys")).await?;
    let rows: Vec<(String, Vec<u8>)> = sqlx::query_as(
        "select subject, wrapped from data_keys where municipality = $1 and subject in ($2, $3)",
    )
    .bind(CITY)
    .bind(format!("person:{}", person.pseudonym))
    .bind(format!("request:{}", person.number))
    .fetch_all(&mut store)
    .await?;
    (rows.len() == 2).then_some(rows).context("two keys")
}

async fn restored(cluster: &Cluster, rows: Vec<(String, Vec<u8>)>) -> anyhow::Result<()> {
    let mut store = PgConnection::connect(&cluster.postgres.url("keys")).await?;
    for (subject, wrapped) in rows {
        sqlx::query("update data_keys set wrapped = $3, destroyed_at = null where municipality = $1 and subject = $2")
            .bind(CITY)
            .bind(subject)
            .bind(wrapped)
            .execute(&mut store)
            .await?;
    }
    Ok(())
}
