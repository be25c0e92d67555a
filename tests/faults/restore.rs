//! The log's database is lost and comes back from a backup that is older than what was signed: nobody is served until all that was
//! acknowledged is back, from JetStream or, where that was lost too, from a newer bundle; and nobody slips anything in.

use std::{fs, path::Path};

use anyhow::Context as _;
use async_nats::jetstream;
use chassis::Role;
use contracts::intake::v1::{ErasePersonRequest, ErasureGround};
use sqlx::{Connection as _, PgConnection};
use tests::{
    City, Cluster,
    city::{SOON, command_id},
    cluster::messages,
    eventually,
    log::{self, Recorded},
    open311::Format,
    process::Launch,
};

const CITY: &str = "ova";

const READERS: [Role; 5] = [
    Role::Intake,
    Role::Routing,
    Role::Notification,
    Role::Analytics,
    Role::Gateway,
];

/// Files the requests of these numbers: the same words would be the same request.
async fn filed(city: &City, which: std::ops::Range<usize>) -> anyhow::Result<Vec<String>> {
    let mut numbers = vec![];
    for number in which {
        let filed = [
            ("service_code", "pothole"),
            ("address_string", "Çarşı Cad. 1"),
            ("description", "Derin bir çukur var."),
            ("first_name", "Ayşe"),
            ("phone", &format!("053212345{number:02}")),
        ];
        numbers.push(city.open311().file(&filed, Format::Json).await?.number()?);
    }
    city.settled().await?;
    Ok(numbers)
}

/// Runs `cozum <args>` on the machine of the ledger, with the settings of ledger and keys.
async fn run(cluster: &Cluster, args: &[&str]) -> anyhow::Result<Result<String, String>> {
    let data = cluster.data().join(Role::Ledger.as_str());
    let launch = Launch::new("backup", args.iter().copied())
        .env("COZUM_DATA", data.to_string_lossy())
        .env("COZUM_MUNICIPALITIES", CITY)
        .env("COZUM_LEDGER_STORE", cluster.log_url())
        .env("COZUM_VAULT_STORE", cluster.postgres.url("keys"));
    let output = launch.run().await?;
    let (out, err) = (
        String::from_utf8(output.stdout)?,
        String::from_utf8(output.stderr)?,
    );
    Ok(if output.status.success() {
        Ok(out)
    } else {
        Err(format!("{out}{err}"))
    })
}

async fn done(cluster: &Cluster, args: &[&str]) -> anyhow::Result<String> {
    run(cluster, args).await?.map_err(anyhow::Error::msg)
}

/// Everything that the ledger kept in its database is gone, and the old backup is put in its place.
async fn lost_and_restored(cluster: &mut Cluster, backup: &str) -> anyhow::Result<()> {
    cluster.kill9(Role::Ledger)?;
    let mut connection = PgConnection::connect(&cluster.log_url()).await?;
    let tables = "TRUNCATE log, head, event, subject, command, lease, tile, checkpoint";
    sqlx::query(tables).execute(&mut connection).await?;
    let told = done(cluster, &["restore", "--from", backup]).await?;
    anyhow::ensure!(told.contains("were signed: the ledger fetches"), "{told}");
    Ok(())
}

/// The ledger runs, says why it is not ready, and nobody is served.
async fn refuses(cluster: &mut Cluster, city: &City, why: &str) -> anyhow::Result<()> {
    cluster.process(Role::Ledger)?.spawn()?;
    let url = format!("{}/readyz", cluster.admin(Role::Ledger));
    eventually(SOON, "the ledger says that it is not ready", async || {
        let answer = reqwest::get(&url).await?;
        let (status, text) = (answer.status(), answer.text().await?);
        anyhow::ensure!(status == 503 && text.contains(why), "{status} {text}");
        Ok(())
    })
    .await?;
    let Err(refused) = city.head().await else {
        anyhow::bail!("it was read");
    };
    assert!(refused.to_string().contains("not served"), "{refused}");
    let filed = [
        ("service_code", "pothole"),
        ("address_string", "Çarşı Cad. 1"),
        ("description", "Çukur."),
    ];
    let answer = city.open311().file(&filed, Format::Json).await?;
    assert_eq!(answer.status, 503, "it was taken");
    Ok(())
}

/// All that was recorded is there again, once, and every read model counts it once.
async fn all_is_back(
    cluster: &Cluster,
    city: &City,
    before: &[Recorded],
    receipt: &Path,
) -> anyhow::Result<()> {
    let head = city.settled().await?;
    let now = log::read(&cluster.log_url(), CITY).await?;
    log::check_order(&now)?;
    assert_eq!(&now[..before.len()], before);
    for role in READERS {
        crate::read_models::caught_up(cluster, role, CITY, head).await?;
    }
    let receipt = receipt.to_str().context("a path")?;
    let told = done(cluster, &["audit", "verify", receipt]).await?;
    assert!(told.contains("all of it holds"), "{told}");
    let bundle = receipt.replace("receipt", &format!("bundle-{head}"));
    eventually(
        SOON,
        "all of it is signed, and on one history",
        async || {
            let _ = fs::remove_dir_all(&bundle);
            let exported = city
                .cli(&["audit", "export", "--out", &bundle])
                .run()
                .await?;
            let told = String::from_utf8(exported.stdout)?;
            anyhow::ensure!(told.starts_with(&format!("{head} entries")), "{told}");
            Ok(())
        },
    )
    .await?;
    let kept = receipt.replace("receipt", "kept");
    let told = done(
        cluster,
        &["audit", "verify", &bundle, "--checkpoint", &kept],
    )
    .await?;
    assert!(told.contains("all of it holds"), "{told}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_came_back_behind_what_was_signed_serves_nobody_until_all_of_it_is_back()
-> anyhow::Result<()> {
    let mut cluster = Cluster::start(&[CITY]).await?;
    let city = cluster.city(CITY)?;
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (older, newer, receipt) = (path("older"), path("newer"), path("receipt"));
    filed(&city, 0..4).await?;
    done(&cluster, &["backup", "--out", &older]).await?;

    let late = filed(&city, 4..8).await?;
    let before = log::read(&cluster.log_url(), CITY).await?;
    eventually(SOON, "a receipt of the newest request", async || {
        let args = ["audit", "receipt", &late[3], "--out", &receipt];
        let output = city.cli(&args).run().await?;
        anyhow::ensure!(
            output.status.success(),
            "{}",
            String::from_utf8(output.stderr)?
        );
        Ok(())
    })
    .await?;
    fs::write(
        path("kept"),
        city.download(&format!("/log/{CITY}/checkpoint")).await?,
    )?;
    let counted = city.report().await?;

    // JetStream has what is missing.
    lost_and_restored(&mut cluster, &older).await?;
    cluster.restart(Role::Ledger).await?;
    all_is_back(&cluster, &city, &before, receipt.as_ref()).await?;
    assert_eq!(city.report().await?.requests, counted.requests);
    done(&cluster, &["backup", "--out", &newer]).await?;
    let before = log::read(&cluster.log_url(), CITY).await?;

    // It was lost as well.
    lost_and_restored(&mut cluster, &older).await?;
    cluster.nats.wipe().await?;
    refuses(
        &mut cluster,
        &city,
        "events were signed: it was rolled back",
    )
    .await?;
    let recover = ["restore", "--recover", "--from", &newer];
    let events = folder.path().join("newer/ova/events");
    let file = fs::read_dir(&events)?.next().context("a file")??.path();
    let file = if file.is_dir() {
        fs::read_dir(file)?.next().context("a file")??.path()
    } else {
        file
    };
    let whole = fs::read(&file)?;
    let mut forged = whole.clone();
    *forged.last_mut().context("a byte")? ^= 1;
    fs::write(&file, forged)?;
    let Err(refused) = run(&cluster, &recover).await? else {
        anyhow::bail!("a forged bundle came back");
    };
    assert!(refused.contains("position "), "{refused}");
    fs::write(&file, whole)?;
    done(&cluster, &recover).await?;
    cluster.process(Role::Ledger)?.wait_ready().await?;
    all_is_back(&cluster, &city, &before, receipt.as_ref()).await?;
    filed(&city, 8..9).await?;
    jetstream_holds_the_log(&cluster, &city).await?;

    // Nobody has it any more.
    a_fork_is_declared(&mut cluster, &city, folder.path()).await
}

async fn jetstream_holds_the_log(cluster: &Cluster, city: &City) -> anyhow::Result<()> {
    let context = jetstream::new(async_nats::connect(cluster.nats.url()).await?);
    eventually(SOON, "JetStream holds the log again", async || {
        let held = messages(&context, CITY).await?.len() as u64;
        let head = city.head().await?;
        anyhow::ensure!(held == head, "{held} of {head}");
        Ok(())
    })
    .await
}

/// The log goes on under another name, and whoever asks is told.
async fn a_fork_is_declared(
    cluster: &mut Cluster,
    city: &City,
    folder: &Path,
) -> anyhow::Result<()> {
    let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
    lost_and_restored(cluster, &path("older")).await?;
    cluster.nats.wipe().await?;
    for role in READERS {
        cluster.kill9(role)?;
    }
    let declare = ["restore", "--declare-fork", "--ground", "events-lost"];
    let told = done(cluster, &declare).await?;
    assert!(
        told.contains("goes on as localhost/log/fork-1/ova"),
        "{told}"
    );
    let Err(again) = run(cluster, &declare).await? else {
        anyhow::bail!("it was declared twice");
    };
    assert!(again.contains("there is nothing to declare"), "{again}");
    cluster.restart(Role::Ledger).await?;
    for role in READERS {
        cluster.restart(role).await?;
    }
    filed(city, 9..10).await?;
    jetstream_holds_the_log(cluster, city).await?;
    let head = city.settled().await?;
    // The read models were of the history that was left, and nobody deleted them.
    crate::read_models::equal_a_fresh_fold(cluster, CITY, head).await?;
    let (bundle, kept) = (path("forked"), path("kept"));
    let exported = city
        .cli(&["audit", "export", "--out", &bundle])
        .run()
        .await?;
    anyhow::ensure!(exported.status.success(), "{exported:?}");
    let told = done(cluster, &["audit", "verify", &bundle]).await?;
    assert!(
        told.contains("a fork was declared (events were lost)"),
        "{told}"
    );
    // A receipt of what was lost holds: the centre had signed it.
    let told = done(cluster, &["audit", "verify", &path("receipt")]).await?;
    assert!(told.contains("all of it holds"), "{told}");
    let verify = ["audit", "verify", &bundle, "--checkpoint", &kept];
    let output = Launch::new("audit", verify).run().await?;
    let told = String::from_utf8(output.stdout)?;
    assert!(told.contains("is of a history that was left"), "{told}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_erased_stays_erased_when_an_old_backup_of_the_keys_comes_back()
-> anyhow::Result<()> {
    let mut cluster = Cluster::start(&[CITY]).await?;
    let city = cluster.city(CITY)?;
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let numbers = filed(&city, 0..2).await?;
    let (out, keys) = (path("log"), path("keys.db"));
    done(&cluster, &["backup", "--out", &out, "--keys", &keys]).await?;
    let history = city.history(&numbers[0]).await?;
    let mut subjects = history.iter().flat_map(|it| &it.subjects);
    let person = subjects
        .find_map(|it| it.strip_prefix("person:"))
        .context("a person")?;
    let erase = ErasePersonRequest {
        command_id: command_id("restored keys"),
        person: person.to_owned(),
        ground: ErasureGround::CitizenRequest.into(),
        ..ErasePersonRequest::default()
    };
    city.intake().erase_person(erase).await?;
    let head = city.settled().await?;

    cluster.kill9(Role::Intake)?;
    let mut store = PgConnection::connect(&cluster.postgres.url("keys")).await?;
    let lost = sqlx::query("TRUNCATE data_keys, attachment, master_keys");
    lost.execute(&mut store).await?;
    let told = done(&cluster, &["restore", "--keys", &keys]).await?;
    assert!(told.contains("keys and 0 attachments are back"), "{told}");
    let left = async |store: &mut PgConnection| -> anyhow::Result<(i64, i64)> {
        let count = "select count(*) filter (where subject = $1), count(*) from data_keys where wrapped is not null";
        let count = sqlx::query_as(count).bind(format!("person:{person}"));
        Ok(count.fetch_one(store).await?)
    };
    let (erased, all) = left(&mut store).await?;
    assert_eq!(erased, 1, "the backup has the key");
    cluster.restart(Role::Intake).await?;
    let (erased, others) = left(&mut store).await?;
    assert_eq!(erased, 0, "intake is ready, and a destroyed key is back");
    assert!(others > 0 && others < all, "{others} of {all}");
    assert_eq!(city.settled().await?, head, "something was recorded anew");
    Ok(())
}
