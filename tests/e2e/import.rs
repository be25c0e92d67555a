//! A real city's requests go through the six processes and through `cozum up`, and both count what the file holds.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Context as _;
use contracts::{
    intake::v1::{Citizen, RegisterRequestRequest},
    vocabulary::v1::{Channel, Imported},
};
use serde_json::Value;
use tests::{
    City,
    city::command_id,
    eventually,
    process::{Launch, free_port},
};

use super::{SOON, cluster, mails, repository, say};

/// How long an import may take beside all the other tests.
const IMPORTING: Duration = Duration::from_secs(240);

const FILE: &str = "tests/data/nyc_311_excerpt.csv";
const MAPPING: &str = "services/cozum/mappings/nyc-311.toml";

/// What the file holds, counted by nothing of ours.
#[derive(Debug, Default)]
struct Counted {
    rows: u64,
    agencies: BTreeMap<String, u64>,
    statuses: BTreeMap<String, u64>,
    channels: BTreeMap<String, u64>,
}

fn count() -> anyhow::Result<Counted> {
    let mut reader = csv::Reader::from_path(repository(FILE))?;
    let headers = reader.headers()?.clone();
    let column = |name: &str| {
        headers
            .iter()
            .position(|it| it == name)
            .with_context(|| name.to_owned())
    };
    let (agency, status) = (column("agency")?, column("status")?);
    let channel = column("open_data_channel_type")?;
    let mut counted = Counted::default();
    for row in reader.records() {
        let row = row?;
        counted.rows += 1;
        *counted.agencies.entry(row[agency].to_owned()).or_default() += 1;
        *counted.statuses.entry(row[status].to_owned()).or_default() += 1;
        let ours = match &row[channel] {
            "ONLINE" => "web",
            "PHONE" => "phone",
            "MOBILE" => "app",
            "UNKNOWN" => "other",
            new => anyhow::bail!("a channel nobody mapped: {new}"),
        };
        *counted.channels.entry(ours.to_owned()).or_default() += 1;
    }
    anyhow::ensure!(
        counted.rows >= 400,
        "the excerpt is too small: {}",
        counted.rows
    );
    Ok(counted)
}

fn import(city: &City) -> Launch {
    let (file, mapping) = (repository(FILE), repository(MAPPING));
    city.cli(&[
        "import",
        &file.to_string_lossy(),
        "--mapping",
        &mapping.to_string_lossy(),
    ])
    .within(IMPORTING)
}

async fn imported(city: &City) -> anyhow::Result<()> {
    let output = import(city).run().await?;
    anyhow::ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// `cozum report --format json` over a span of days, once everything is counted.
pub(super) async fn report(city: &City, from: &str, to: &str) -> anyhow::Result<Value> {
    let head = city.settled().await?;
    eventually(SOON, "the report is up to the head", async || {
        let told = say(
            city,
            &["report", "--from", from, "--to", to, "--format", "json"],
        )
        .await?;
        anyhow::ensure!(told.code == 0, "{}", told.err);
        let report: Value = serde_json::from_str(&told.out)?;
        anyhow::ensure!(
            report["cut_off"].as_str().and_then(|it| it.parse().ok()) == Some(head),
            "{} of {head}",
            report["cut_off"]
        );
        Ok(report)
    })
    .await
}

#[tokio::test]
async fn a_real_citys_requests_are_counted_alike_by_six_processes_by_one_and_by_a_csv_parser()
-> anyhow::Result<()> {
    let counted = count()?;
    let cluster = cluster().await?;
    let city = cluster.city("aktarim")?;
    stopped_in_the_middle(&city, counted.rows).await?;
    imported(&city).await?;
    let by_six = report(&city, "2024-01-01", "2024-12-31").await?;
    let requests = &by_six["requests"];
    assert_eq!(requests["total"], counted.rows);
    assert_eq!(requests["imported"], counted.rows);
    assert_eq!(
        requests["by_source_agency"],
        serde_json::to_value(&counted.agencies)?
    );
    assert_eq!(
        requests["by_source_status"],
        serde_json::to_value(&counted.statuses)?
    );
    assert_eq!(
        requests["by_channel"],
        serde_json::to_value(&counted.channels)?
    );
    assert_eq!(
        requests["by_unit"],
        serde_json::to_value(&counted.agencies)?,
        "an agency answers for its own"
    );
    assert_eq!(
        requests["by_state"]["concluded"],
        counted.statuses["Closed"]
    );
    assert_eq!(by_six["contacts"]["total"], counted.rows);

    let head = city.head().await?;
    imported(&city).await?;
    assert_eq!(
        city.settled().await?,
        head,
        "importing again adds something"
    );

    let (_process, alone) = one_process().await?;
    imported(&alone).await?;
    let by_one = report(&alone, "2024-01-01", "2024-12-31").await?;
    assert_eq!(by_six, by_one, "six processes and one count differently");
    Ok(())
}

/// Kills an importer after it has sent some of the rows and before it has sent all.
async fn stopped_in_the_middle(city: &City, rows: u64) -> anyhow::Result<()> {
    // By the log, to which each row adds several events: figures come later, and then many at once.
    let before = city.settled().await?;
    let mut importer = import(city).arg("--workers").arg("2").start().await?;
    eventually(IMPORTING, "some of the rows", async || {
        let grown = city.head().await? - before;
        anyhow::ensure!(grown > rows, "{grown} events");
        Ok(())
    })
    .await?;
    let ended = importer.exit_status()?;
    importer.kill9()?;
    assert_eq!(ended, None, "it was through before it could be killed");
    Ok(())
}

/// A whole centre in one process.
pub(super) async fn one_process()
-> anyhow::Result<((tests::process::Cozum, tempfile::TempDir), City)> {
    let data = tempfile::tempdir()?;
    let address = format!("127.0.0.1:{}", free_port()?);
    let base = format!("http://{address}");
    let centre = Launch::new(
        "centre",
        [
            "up",
            "--listen",
            &address,
            "--municipalities",
            "tek",
            "--data",
        ],
    )
    .arg(data.path().to_string_lossy())
    .arg("--tokens")
    .arg(format!("tek/desk={}", City::token("tek")))
    .ready_at(format!("{base}/readyz"))
    .start()
    .await?;
    let city = City::new("tek", &base, &City::token("tek"))?;
    Ok(((centre, data), city))
}

#[tokio::test]
async fn an_imported_request_notifies_nobody() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let city = cluster.city("satir")?;
    let request = |what: &str, address: &str| RegisterRequestRequest {
        command_id: command_id(what),
        channel: Channel::Phone.into(),
        topic: "pothole".to_owned(),
        citizen: Some(Citizen {
            email: address.to_owned(),
            ..Citizen::default()
        }),
        ..RegisterRequestRequest::default()
    };
    let silent = RegisterRequestRequest {
        imported: Some(Imported {
            source: "old-system".to_owned(),
            source_id: "17".to_owned(),
            agency: "DPW".to_owned(),
            status: "Open".to_owned(),
            ..Imported::default()
        }),
        ..request("imported, with an address", "silent@example.org")
    };
    let silent = city
        .intake()
        .register_request(silent)
        .await?
        .into_inner()
        .number;
    // Registered later and told: what was to be said of the other would have been said.
    let told = city
        .intake()
        .register_request(request("after it", "told@example.org"))
        .await?
        .into_inner()
        .number;
    mails(&cluster, "told@example.org", 1).await?;
    city.has_recorded(&told, "notification.NotificationDelivered", 1)
        .await?;
    city.settled().await?;

    let history = city.history_types(&silent).await?;
    assert!(
        !history.iter().any(|it| it.starts_with("notification.")),
        "{history:?}"
    );
    assert!(
        !cluster
            .smtp
            .messages()?
            .iter()
            .any(|it| it.to == ["silent@example.org"])
    );
    Ok(())
}
