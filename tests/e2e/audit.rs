//! An auditor who trusts nobody: takes the log out, checks it from outside, and a citizen keeps a receipt.

use anyhow::Context as _;
use sqlx::{Connection as _, PgConnection};
use tests::{City, Cluster, eventually, open311::Format, process::Launch};

use super::{SOON, Said, cluster, say};

const CITY: &str = "denet";

async fn filed(city: &City) -> anyhow::Result<String> {
    let filed = [
        ("service_code", "pothole"),
        ("address_string", "Defter Sk. 7"),
        ("description", "Yolda çukur var."),
    ];
    let number = city.open311().file(&filed, Format::Json).await?.number()?;
    city.handling(&number).await?;
    Ok(number)
}

fn last(said: &Said) -> &str {
    said.out.lines().last().unwrap_or_default()
}

/// Runs `cozum audit verify <args>`, with the city's token at hand.
async fn verify(args: &[&str]) -> anyhow::Result<Said> {
    let args = ["audit", "verify"].iter().chain(args);
    let launch = Launch::new("audit", args.map(|it| (*it).to_owned()));
    let output = launch.env("COZUM_TOKEN", City::token(CITY)).run().await?;
    Ok(Said {
        out: String::from_utf8(output.stdout)?,
        err: String::from_utf8(output.stderr)?,
        code: output.status.code().context("ended by a signal")?,
    })
}

/// Does to the log what no code of ours can.
async fn tamper(cluster: &Cluster, statement: &'static str) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(&cluster.log_url()).await?;
    let done = sqlx::query(statement).execute(&mut connection).await?;
    anyhow::ensure!(done.rows_affected() == 1, "{statement}");
    Ok(())
}

async fn signed_up_to(city: &City, position: u64) -> anyhow::Result<String> {
    let what = format!("{position} is signed");
    eventually(SOON, &what, async || {
        let path = format!("/log/{CITY}/checkpoint");
        let note = String::from_utf8(city.download(&path).await?)?;
        let size = note.lines().nth(1).context("a size")?.parse::<u64>()?;
        anyhow::ensure!(size >= position, "{size}");
        Ok(note)
    })
    .await
}

#[tokio::test]
async fn a_stranger_checks_the_log_and_names_what_was_changed() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let city = cluster.city(CITY)?;
    let number = filed(&city).await?;
    let registered = city.history(&number).await?[0].position;
    signed_up_to(&city, registered).await?;
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();

    // What is published, as anybody gets it.
    let key = String::from_utf8(city.download(&format!("/log/{CITY}/key")).await?)?;
    let prefix = format!("{}/log/{CITY}", city.base());
    let said = verify(&[&prefix, "--key", key.trim()]).await?;
    assert_eq!(
        (said.code, last(&said)),
        (0, "all of it holds"),
        "{}",
        said.err
    );
    assert!(said.out.contains("only the commitments"), "{}", said.out);
    let tile = city
        .download(&format!("/log/{CITY}/tile/0/000.p/1"))
        .await?;
    assert_eq!(tile.len(), 32);
    for nothing in [
        "tile/0/000.p/0",
        "tile/0/001",
        "tile/9/000",
        "tile/entries/x000/000",
        "tile/x/000",
    ] {
        let answer = reqwest::get(format!("{prefix}/{nothing}")).await?;
        assert_eq!(answer.status(), 404, "{nothing}");
    }
    let answer = reqwest::get(format!("{prefix}/tile/entries/000.p/1")).await?;
    let kept = answer.headers()["cache-control"].to_str()?;
    assert!(kept.contains("immutable"), "{kept}");

    // The whole of it, and a receipt.
    let said = say(&city, &["audit", "export", "--out", &path("log")]).await?;
    assert_eq!(said.code, 0, "{}", said.err);
    let said = verify(&[&path("log")]).await?;
    assert_eq!(
        (said.code, last(&said)),
        (0, "all of it holds"),
        "{}",
        said.out
    );
    assert!(
        said.out.contains("not claimed: that it was not rewritten"),
        "{}",
        said.out
    );
    let said = say(
        &city,
        &["audit", "receipt", &number, "--out", &path("receipt")],
    )
    .await?;
    assert_eq!(said.code, 0, "{}", said.err);
    let said = verify(&[&path("receipt"), "--key", key.trim()]).await?;
    assert_eq!(
        (said.code, last(&said)),
        (0, "all of it holds"),
        "{}",
        said.out
    );
    assert!(
        said.out.contains(&format!("request-{number}")),
        "{}",
        said.out
    );
    let receipt = std::fs::read_to_string(path("receipt"))?;
    std::fs::write(path("forged"), receipt.replace("index ", "index 1"))?;
    let said = verify(&[&path("forged")]).await?;
    assert!(
        said.code == 1 && last(&said).starts_with("position "),
        "{}",
        said.out
    );

    // Somebody with the database's password.
    let kept = path("log/checkpoint");
    let live = [city.base(), "--checkpoint", &kept];
    let said = verify(&live).await?;
    assert_eq!(
        (said.code, last(&said)),
        (0, "all of it holds"),
        "{}",
        said.out
    );
    tamper(
        &cluster,
        "UPDATE event SET actor = actor || 'x' WHERE log = 'denet' AND position = 2",
    )
    .await?;
    let said = verify(&live).await?;
    assert_eq!(said.code, 1, "{}", said.out);
    assert_eq!(
        last(&said),
        "position 2: the event is not what its commitment says"
    );
    let back = "UPDATE event SET actor = left(actor, -1) WHERE log = 'denet' AND position = 2";
    tamper(&cluster, back).await?;
    assert_eq!(verify(&live).await?.code, 0);
    Ok(())
}

/// Who says that the log has more entries than anybody could ask for is found out, and soon.
#[tokio::test]
async fn an_absurd_size_does_not_keep_the_auditor_busy() -> anyhow::Result<()> {
    let root = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let note = format!(
        "example.org/log/x\n1152921504606846976\n{root}\n\n\u{2014} example.org/log/x AAAA\n"
    );
    let checkpoint = axum::routing::get(async || note);
    let router = axum::Router::new().route("/log/x/checkpoint", checkpoint);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/log/x", listener.local_addr()?);
    let asked = [url.as_str()];
    let said = tokio::select! {
        ended = async { axum::serve(listener, router).await } => anyhow::bail!("{ended:?}"),
        said = tokio::time::timeout(SOON, verify(&asked)) => said??,
    };
    assert_ne!(said.code, 0, "{}{}", said.out, said.err);
    Ok(())
}
