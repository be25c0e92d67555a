//! The ledger dies between the order to take sealed texts out of the log and doing it: it is done at its start, once, and then no byte
//! of them is left. A lock on one row of the log holds the moment still.

use anyhow::Context as _;
use async_nats::jetstream;
use chassis::Role;
use contracts::intake::v1::{ErasePersonRequest, ErasureGround, SearchRequest};
use sqlx::{Connection as _, PgConnection};
use tests::{
    City, Cluster,
    city::{SOON, command_id},
    cluster::messages,
    eventually, files,
    process::Launch,
    work::Work,
};

use crate::erasure::{Person, filed};

const CITY: &str = "ova";
/// What somebody wrote where it should not be.
const WRONG: &str = "zvyanlisyer";

/// The sealed parts of what is about somebody and their request, by position.
async fn parts(cluster: &Cluster, person: &Person) -> anyhow::Result<Vec<(i64, Vec<u8>)>> {
    let mut log = PgConnection::connect(&cluster.log_url()).await?;
    let found = sqlx::query_as(
        "select position, personal from event where log = $1 and personal is not null and position in
           (select position from subject where log = $1 and subject in ($2, $3)) order by position",
    )
    .bind(CITY)
    .bind(format!("person:{}", person.pseudonym))
    .bind(format!("request:{}", person.number))
    .fetch_all(&mut log)
    .await?;
    Ok(found)
}

async fn count(cluster: &Cluster, kind: &str) -> anyhow::Result<i64> {
    let mut log = PgConnection::connect(&cluster.log_url()).await?;
    let count = sqlx::query_scalar("select count(*) from event where log = $1 and type = $2");
    Ok(count.bind(CITY).bind(kind).fetch_one(&mut log).await?)
}

async fn run(launch: Launch) -> anyhow::Result<String> {
    let output = launch.run().await?;
    let out = String::from_utf8(output.stdout)?;
    let err = String::from_utf8(output.stderr)?;
    anyhow::ensure!(output.status.success(), "{out}{err}");
    Ok(out)
}

fn holds(bytes: &[u8], marks: &[Vec<u8>]) -> bool {
    let mut begins = [false; 256];
    marks
        .iter()
        .for_each(|it| begins[usize::from(it[0])] = true);
    let mut at = 0;
    // Plain indexing: in a debug build an iterator would take minutes over a database.
    while at < bytes.len() {
        if begins[usize::from(bytes[at])] && marks.iter().any(|it| bytes[at..].starts_with(it)) {
            return true;
        }
        at += 1;
    }
    false
}

/// In which files these bytes stand.
fn found_in(
    folder: &std::path::Path,
    marks: &[Vec<u8>],
    is_looked_at: impl Fn(&std::path::Path) -> bool,
) -> anyhow::Result<Vec<String>> {
    let mut found = vec![];
    for path in files::below(folder)?
        .into_iter()
        .filter(|it| is_looked_at(it))
    {
        // What is deleted while somebody looks holds nothing.
        let Ok(bytes) = std::fs::read(&path) else {
            continue;
        };
        if holds(&bytes, marks) {
            found.push(path.display().to_string());
        }
    }
    Ok(found)
}

/// The same in what JetStream gives.
async fn found_in_jetstream(cluster: &Cluster, marks: &[Vec<u8>]) -> anyhow::Result<usize> {
    let client = async_nats::connect(cluster.nats.url()).await?;
    let told = messages(&jetstream::new(client), CITY).await?;
    Ok(told.iter().filter(|it| holds(&it.payload, marks)).count())
}

/// Has the ledger die between the order and its execution.
async fn ordered_while_it_dies(
    cluster: &mut Cluster,
    city: &City,
    person: &Person,
    first: i64,
) -> anyhow::Result<()> {
    let mut lock = PgConnection::connect(&cluster.log_url()).await?;
    sqlx::query("begin").execute(&mut lock).await?;
    sqlx::query("select from event where log = $1 and position = $2 for update")
        .bind(CITY)
        .bind(first)
        .execute(&mut lock)
        .await?;
    let request = ErasePersonRequest {
        command_id: command_id("hard erasure"),
        person: person.pseudonym.clone(),
        ground: ErasureGround::CourtOrder.into(),
        hard: true,
        reference: "2026/123".to_owned(),
        ..ErasePersonRequest::default()
    };
    let mut intake = city.intake();
    let (dies, _) = tokio::join!(
        async {
            eventually(SOON, "it is ordered", async || {
                let orders = count(cluster, "ledger.PersonalPartsErased").await?;
                anyhow::ensure!(orders == 1, "{orders} orders");
                Ok(())
            })
            .await?;
            cluster.kill9(Role::Ledger)?;
            let left = parts(cluster, person).await?;
            anyhow::ensure!(
                left.iter().any(|it| it.0 == first),
                "it was done already: the moment was missed"
            );
            sqlx::query("rollback").execute(&mut lock).await?;
            cluster.restart(Role::Ledger).await
        },
        // Whether it is answered depends on how long it waits.
        intake.erase_person(request),
    );
    dies
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hard_erasure_is_finished_though_the_ledger_dies_in_it_and_no_byte_is_left()
-> anyhow::Result<()> {
    let mut cluster = Cluster::start(&[CITY]).await?;
    let city = cluster.city(CITY)?;
    let ayse = filed(&city, "Ayşe").await?;
    let ali = filed(&city, "Ali").await?;
    Work::on(&city, &ali.number)
        .comment(&format!("{WRONG} not"), false)
        .await?;
    city.settled().await?;
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let receipt = path("receipt");
    run(city.cli(&["audit", "receipt", &ayse.number, "--out", &receipt])).await?;

    let of_ayse = parts(&cluster, &ayse).await?;
    let of_ali = parts(&cluster, &ali).await?;
    let (comment, sealed) = of_ali.last().context("the comment")?.clone();
    let (first, _) = *of_ayse.first().context("a part of hers")?;
    let mut marks: Vec<Vec<u8>> = of_ayse.iter().map(|it| it.1.clone()).collect();
    marks.push(sealed);
    // The sealed text itself: what is before it tells the key.
    for mark in &mut marks {
        *mark = mark.split_off(mark.len() - 16);
    }
    assert!(marks.len() >= 3, "{} parts", marks.len());
    assert_eq!(found_in_jetstream(&cluster, &marks).await?, marks.len());
    let base = |it: &std::path::Path| it.components().any(|it| it.as_os_str() == "base");
    let mut owner = PgConnection::connect(&cluster.log_url()).await?;
    sqlx::query("checkpoint").execute(&mut owner).await?;
    let before = found_in(&cluster.postgres.data_dir(), &marks, base)?;
    assert!(!before.is_empty(), "it is not looked for where it is");
    let report = city.report().await?;

    ordered_while_it_dies(&mut cluster, &city, &ayse, first).await?;
    city.has_recorded(&ayse.number, "intake.PersonalDataErased", 1)
        .await?;
    assert_eq!(parts(&cluster, &ayse).await?, vec![]);
    assert_eq!(parts(&cluster, &ali).await?, of_ali, "nobody else's");
    assert_eq!(count(&cluster, "ledger.PersonalPartsErased").await?, 1);
    assert_eq!(count(&cluster, "intake.ErasureOrdered").await?, 1);

    // A text that was written where it should not be: its request keeps its key and all else.
    let search = || {
        let request = SearchRequest {
            query: WRONG.to_owned(),
            ..SearchRequest::default()
        };
        let mut intake = city.intake();
        async move { anyhow::Ok(intake.search(request).await?.into_inner().hits.len()) }
    };
    eventually(SOON, "the search knows the text", async || {
        anyhow::ensure!(search().await? == 1);
        Ok(())
    })
    .await?;
    let at = comment.to_string();
    let order = [
        "erase",
        "--positions",
        &at,
        "--ground",
        "other",
        "--reference",
        "2026/124",
    ];
    let said = run(city.cli(&order)).await?;
    assert!(said.contains(&format!("#{at}")), "{said}");
    let kept = &of_ali[..of_ali.len() - 1];
    assert_eq!(parts(&cluster, &ali).await?, kept);

    eventually(SOON, "JetStream has forgotten", async || {
        let left = found_in_jetstream(&cluster, &marks).await?;
        anyhow::ensure!(left == 0, "{left} messages");
        Ok(())
    })
    .await?;
    city.settled().await?;
    assert_eq!(search().await?, 0);
    let after = city.report().await?;
    assert_eq!(
        (after.requests, after.contacts),
        (report.requests, report.contacts),
        "the figures moved"
    );

    // The database's owner has dead rows go: its write-ahead log is recycled in its own time.
    for statement in ["vacuum full event", "checkpoint"] {
        sqlx::query(statement).execute(&mut owner).await?;
    }
    marks.push(WRONG.as_bytes().to_vec());
    eventually(SOON, "no byte is left", async || {
        let mut found = found_in(&cluster.postgres.data_dir(), &marks, base)?;
        found.extend(found_in(&cluster.nats.store(), &marks, |_| true)?);
        found.extend(found_in(cluster.data(), &marks, |_| true)?);
        anyhow::ensure!(found.is_empty(), "{found:#?}");
        Ok(())
    })
    .await?;

    run(city.cli(&["audit", "export", "--out", &path("log")])).await?;
    let verify =
        |what: String| Launch::new("audit", ["audit".to_owned(), "verify".to_owned(), what]);
    let said = run(verify(path("log"))).await?;
    assert!(
        said.contains("personal parts are gone, each by an order"),
        "{said}"
    );
    run(verify(receipt)).await?;
    Ok(())
}
