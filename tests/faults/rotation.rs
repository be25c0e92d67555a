//! All keys come under a new master key while intake dies in the middle of it and people go on filing; afterwards a backup of before
//! is dead without the old master key, and everything that citizens hold still opens.

use std::{fs, path::PathBuf};

use anyhow::Context as _;
use chassis::Role;
use contracts::{
    intake::v1::{
        Citizen, FindByCallerRequest, RegisterRequestReply, RegisterRequestRequest,
        ViewRequestRequest,
    },
    ledger::v1::HistoryRequest,
    vocabulary::v1::Channel,
};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use sqlx::{Connection as _, PgConnection};
use tests::{
    City, Cluster,
    city::{SOON, command_id},
    eventually,
    process::Launch,
};
use vault::{MasterKeys, Vault, VaultError};

const CITY: &str = "ova";

/// Each has two keys, and a batch of the rotation has fewer than all of them.
const PEOPLE: usize = 300;

fn phone(person: usize) -> String {
    format!("+9053299{person:05}")
}

/// Files until it is taken, whoever dies meanwhile.
async fn filed(city: &City, person: usize) -> anyhow::Result<RegisterRequestReply> {
    let request = RegisterRequestRequest {
        command_id: command_id(&format!("rotation: {person}")),
        channel: Channel::Phone.into(),
        topic: "pothole".to_owned(),
        description: format!("{person}. çukur"),
        citizen: Some(Citizen {
            name: format!("Ayşe {person}"),
            phone: phone(person),
            ..Citizen::default()
        }),
        ..RegisterRequestRequest::default()
    };
    eventually(SOON, "it is taken", async || {
        Ok(city
            .intake()
            .register_request(request.clone())
            .await?
            .into_inner())
    })
    .await
}

async fn all_filed(
    city: &City,
    people: std::ops::Range<usize>,
) -> anyhow::Result<Vec<RegisterRequestReply>> {
    let people = stream::iter(people).map(|it| filed(city, it));
    people.buffered(8).try_collect().await
}

/// Whatever the citizen holds or the staff looks for is there.
async fn opens(city: &City, person: usize, reply: &RegisterRequestReply) -> anyhow::Result<()> {
    let view = ViewRequestRequest {
        number: reply.number.clone(),
        purpose: "test".to_owned(),
        ..ViewRequestRequest::default()
    };
    let view = city.intake().view_request(view).await?.into_inner();
    assert_eq!(view.name, format!("Ayşe {person}"));
    assert_eq!(view.description, format!("{person}. çukur"));
    let secret = &reply.tracking_secret;
    let tracked = city.portal().track(&reply.number, secret).await?;
    assert!(tracked.html.contains("çukur"), "{}", tracked.html);
    let caller = FindByCallerRequest {
        phone: phone(person),
        limit: 10,
        ..FindByCallerRequest::default()
    };
    eventually(SOON, "the caller is known", async || {
        let found = city.intake().find_by_caller(caller.clone()).await?;
        let numbers = found.into_inner().numbers;
        anyhow::ensure!(numbers == [reply.number.clone()], "{numbers:?}");
        Ok(())
    })
    .await
}

/// Runs `cozum keys …` against the centre; its output, or why it was refused.
async fn keys(city: &City, args: &[&str]) -> anyhow::Result<Result<String, String>> {
    let args: Vec<&str> = ["keys"].iter().chain(args).copied().collect();
    let output = city.cli(&args).run().await?;
    let out = String::from_utf8(output.stdout)? + &String::from_utf8(output.stderr)?;
    Ok(if output.status.success() {
        Ok(out)
    } else {
        Err(out)
    })
}

async fn store(cluster: &Cluster) -> anyhow::Result<PgConnection> {
    Ok(PgConnection::connect(&cluster.postgres.url("keys")).await?)
}

/// How many keys are wrapped under an epoch.
async fn under(cluster: &Cluster, epoch: i64) -> anyhow::Result<i64> {
    let count = "select count(*) from data_keys where wrapped is not null and epoch = $1";
    let mut store = store(cluster).await?;
    Ok(sqlx::query_scalar(count)
        .bind(epoch)
        .fetch_one(&mut store)
        .await?)
}

/// A lock on the key that is wrapped anew last.
async fn last_locked(cluster: &Cluster) -> anyhow::Result<PgConnection> {
    let mut lock = store(cluster).await?;
    sqlx::query("begin").execute(&mut lock).await?;
    sqlx::query(
        "select 1 from data_keys order by municipality desc, subject desc limit 1 for update",
    )
    .execute(&mut lock)
    .await?;
    Ok(lock)
}

async fn recorded(city: &City) -> anyhow::Result<Vec<(String, String)>> {
    let request = HistoryRequest {
        subject: "keys".to_owned(),
        ..HistoryRequest::default()
    };
    let events = city.ledger().history(request).await?.into_inner().events;
    Ok(events.into_iter().map(|it| (it.r#type, it.actor)).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_is_finished_though_intake_dies_in_it_and_old_backups_are_dead()
-> anyhow::Result<()> {
    let mut cluster = Cluster::start(&[CITY]).await?;
    let city = cluster.city(CITY)?;
    let filed_before = all_filed(&city, 0..PEOPLE).await?;
    let masters: PathBuf = cluster.data().join("master.key");
    let masters_name = masters.to_string_lossy().into_owned();
    let old = tempfile::tempdir()?;
    let (old_keys, old_masters) = (old.path().join("keys.db"), old.path().join("master.key"));
    let backup = Launch::new("backup", ["backup", "--keys", &old_keys.to_string_lossy()])
        .env("COZUM_VAULT_STORE", cluster.postgres.url("keys"));
    assert!(backup.run().await?.status.success());
    fs::copy(&masters, &old_masters)?;

    let refused = keys(&city, &["rotate"]).await?;
    let refused = refused.err().context("it began without a new key")?;
    assert!(refused.contains("cozum keys new"), "{refused}");
    assert_eq!(recorded(&city).await?, []);
    let new = Launch::new("keys", ["keys", "new", &masters_name])
        .run()
        .await?;
    assert!(new.status.success(), "{new:?}");

    let (told, meanwhile, died) = tokio::join!(
        keys(&city, &["rotate", "--lang", "en"]),
        all_filed(&city, PEOPLE..PEOPLE + 20),
        dies_in_the_middle(&mut cluster),
    );
    died?;
    let told = told?.map_err(anyhow::Error::msg)?;
    assert!(told.contains("#1  0 keys  no longer needed"), "{told}");
    assert_eq!(under(&cluster, 1).await?, 0);
    let began = ("intake.KeyEpochBegan".to_owned(), "staff:desk".to_owned());
    assert_eq!(recorded(&city).await?, std::slice::from_ref(&began));
    let people: Vec<_> = filed_before.into_iter().chain(meanwhile?).collect();
    let some = || {
        people
            .iter()
            .enumerate()
            .step_by(40)
            .chain([(PEOPLE, &people[PEOPLE])])
    };
    for (person, reply) in some() {
        opens(&city, person, reply).await?;
    }

    let refused = keys(&city, &["destroy", "1"]).await?;
    let refused = refused.err().context("it is destroyed, and lies there")?;
    assert!(
        refused.contains("epoch: still has its master key"),
        "{refused}"
    );
    let refused = keys(&city, &["destroy", "2"]).await?;
    let refused = refused.err().context("the current one is destroyed")?;
    assert!(refused.contains("epoch: is the current one"), "{refused}");
    let text = fs::read_to_string(&masters)?;
    let newest = text.lines().rfind(|it| !it.is_empty()).context("a key")?;
    fs::write(&masters, newest)?;
    for _ in 0..2 {
        let told = keys(&city, &["destroy", "1", "--lang", "en"]).await?;
        let told = told.map_err(anyhow::Error::msg)?;
        assert!(told.starts_with("#2") && !told.contains("#1"), "{told}");
    }
    let destroyed = (
        "intake.KeyEpochDestroyed".to_owned(),
        "staff:desk".to_owned(),
    );
    assert_eq!(recorded(&city).await?, [began, destroyed]);
    cluster.kill9(Role::Intake)?;
    cluster.restart(Role::Intake).await?;
    for (person, reply) in some() {
        opens(&city, person, reply).await?;
    }
    assert_eq!(
        recorded(&city).await?.len(),
        2,
        "something was recorded anew"
    );

    let backup = format!("sqlite:{}", old_keys.display());
    let refused = Vault::open(&backup, &MasterKeys::read(&masters)?).await;
    let refused = refused.err().context("the old backup opens")?;
    assert!(matches!(refused, VaultError::UnknownEpoch(1)), "{refused}");
    Vault::open(&backup, &MasterKeys::read(&old_masters)?).await?;
    Ok(())
}

/// Intake is killed after the first batch and before the second, and starts again.
async fn dies_in_the_middle(cluster: &mut Cluster) -> anyhow::Result<()> {
    let lock = last_locked(cluster).await?;
    eventually(SOON, "some keys are under the new one", async || {
        let (old, new) = (under(cluster, 1).await?, under(cluster, 2).await?);
        anyhow::ensure!(old > 0 && new >= 500, "{old} and {new}");
        Ok(())
    })
    .await?;
    cluster.kill9(Role::Intake)?;
    assert!(under(cluster, 1).await? > 0, "it was not in the middle");
    drop(lock);
    cluster.restart(Role::Intake).await
}
