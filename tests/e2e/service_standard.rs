//! Another city's requests, as a CSV file and as a workbook: counted against their service standard as the file has it.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Context as _;
use jiff::civil::DateTime;
use serde_json::{Value, json};
use tests::City;

use super::{
    Said, cluster,
    import::{one_process, report},
    repository,
};

const CSV: &str = "tests/data/baltimore_311_excerpt.csv";
const WORKBOOK: &str = "tests/data/baltimore_311_excerpt.xlsx";
const MAPPING: &str = "services/cozum/mappings/baltimore-311.toml";

/// What the file holds, counted by nothing of ours.
#[derive(Debug, Default)]
struct Counted {
    rows: u64,
    channels: BTreeMap<&'static str, u64>,
    agencies: BTreeMap<String, u64>,
    /// Evaluated and breached, by agency.
    judged: BTreeMap<String, (u64, u64)>,
    without_due: u64,
    open_due: u64,
    /// The ids of rows whose coordinates are whole degrees.
    cut: Vec<String>,
}

fn count() -> anyhow::Result<Counted> {
    let mut reader = csv::Reader::from_path(repository(CSV))?;
    let headers = reader.headers()?.clone();
    let mut counted = Counted::default();
    for row in reader.records() {
        let row = row?;
        let cell = |name: &str| -> anyhow::Result<String> {
            let at = headers.iter().position(|it| it == name);
            Ok(row[at.with_context(|| name.to_owned())?].to_owned())
        };
        let date = |name: &str| -> anyhow::Result<Option<DateTime>> {
            let text = Some(cell(name)?).filter(|it| !it.is_empty());
            let read = |it| DateTime::strptime("%m/%d/%Y %I:%M:%S %p", it);
            Ok(text.map(read).transpose()?)
        };
        counted.rows += 1;
        let channel = match cell("MethodReceived")?.as_str() {
            "Phone" => "phone",
            "API" => "app",
            "Internal" | "System" => "internal",
            "Mail" => "letter",
            "Email" => "email",
            "Web" => "web",
            "Other" => "other",
            new => anyhow::bail!("a channel nobody mapped: {new}"),
        };
        *counted.channels.entry(channel).or_default() += 1;
        let agency = cell("Agency")?;
        *counted.agencies.entry(agency.clone()).or_default() += 1;
        let judged = counted.judged.entry(agency).or_default();
        match (date("DueDate")?, date("CloseDate")?) {
            (Some(due), Some(closed)) => {
                judged.0 += 1;
                judged.1 += u64::from(closed > due);
            }
            (None, Some(_)) => counted.without_due += 1,
            (Some(_), None) => counted.open_due += 1,
            (None, None) => {}
        }
        let latitude = cell("Latitude")?;
        if !latitude.is_empty() && !latitude.contains('.') {
            counted.cut.push(cell("SRRecordID")?);
        }
    }
    anyhow::ensure!(counted.rows >= 300 && counted.cut.len() > 10, "{counted:?}");
    Ok(counted)
}

async fn import(city: &City, file: &str, more: &[&str]) -> anyhow::Result<Said> {
    let (file, mapping) = (repository(file), repository(MAPPING));
    let args = [
        "import",
        &file.to_string_lossy(),
        "--mapping",
        &mapping.to_string_lossy(),
    ];
    let output = city
        .cli(&[&args, more].concat())
        .within(Duration::from_secs(120))
        .run()
        .await?;
    Ok(Said {
        out: String::from_utf8(output.stdout)?,
        err: String::from_utf8(output.stderr)?,
        code: output.status.code().context("ended by a signal")?,
    })
}

async fn report_of_all_days(city: &City) -> anyhow::Result<Value> {
    report(city, "2013-12-31", "2019-12-31").await
}

fn agrees(requests: &Value, counted: &Counted) {
    assert_eq!(requests["total"], counted.rows);
    assert_eq!(requests["by_channel"], json!(counted.channels));
    assert_eq!(requests["by_source_agency"], json!(counted.agencies));
    assert_eq!(requests["by_unit"], json!(counted.agencies));
    let standard = &requests["standard"];
    let sum = |which: fn(&(u64, u64)) -> u64| counted.judged.values().map(which).sum::<u64>();
    assert_eq!(standard["evaluated"], sum(|it| it.0));
    assert_eq!(standard["breached"], sum(|it| it.1));
    assert_eq!(standard["without_due"], counted.without_due);
    assert_eq!(standard["open_due"], counted.open_due);
    let judged = |(agency, (evaluated, breached)): (&String, &(u64, u64))| {
        let counts = json!({ "evaluated": evaluated, "breached": breached });
        (agency.clone(), counts)
    };
    let judged: BTreeMap<String, Value> = counted.judged.iter().map(judged).collect();
    assert_eq!(standard["by_source_agency"], json!(judged));
    assert_eq!(
        standard["by_unit"],
        json!(judged),
        "under the agencies' own names"
    );
}

#[tokio::test]
async fn a_citys_requests_are_judged_by_its_own_service_standard() -> anyhow::Result<()> {
    let counted = count()?;
    let cluster = cluster().await?;
    let city = cluster.city("sure")?;
    let head = city.settled().await?;

    let folder = tempfile::tempdir()?;
    let remarks = folder.path().join("rows.csv");
    let list = ["--report", &remarks.to_string_lossy()];
    let told = import(&city, CSV, &[&list[..], &["--dry-run"]].concat()).await?;
    assert_eq!(told.code, 0, "{}", told.err);
    let rows = format!("{} rows would be taken, 0 refused", counted.rows);
    assert!(told.out.contains(&rows), "{}", told.out);
    assert!(told.out.contains("of which 16 are new"), "{}", told.out);
    assert_eq!(city.settled().await?, head, "a dry run wrote something");

    let told = import(&city, CSV, &list).await?;
    assert_eq!(told.code, 0, "{}", told.err);
    let by_six = report_of_all_days(&city).await?;
    agrees(&by_six["requests"], &counted);
    let mut unknown = csv::Reader::from_path(&remarks)?;
    let ids = unknown.records().map(|it| Ok(it?[1].to_owned()));
    assert_eq!(ids.collect::<anyhow::Result<Vec<_>>>()?, counted.cut);

    let head = city.head().await?;
    let told = import(&city, WORKBOOK, &["--sheet", "Başvurular"]).await?;
    assert_eq!(told.code, 0, "{}", told.err);
    assert_eq!(
        city.settled().await?,
        head,
        "the workbook says something else"
    );

    let (_process, alone) = one_process().await?;
    import(&alone, WORKBOOK, &["--sheet", "Başvurular"]).await?;
    let by_one = report_of_all_days(&alone).await?;
    assert_eq!(by_six, by_one, "six processes and one count differently");
    Ok(())
}

#[tokio::test]
async fn a_sheet_that_is_not_there_is_told_by_the_names_of_those_that_are() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let city = cluster.city("sure")?;
    let told = import(&city, WORKBOOK, &["--sheet", "Sayfa1", "--dry-run"]).await?;
    assert_eq!(told.code, 1, "{}", told.out);
    let names = "the workbook has \"Notlar\", \"Başvurular\", no \"Sayfa1\"";
    assert!(told.err.contains(names), "{}", told.err);
    let told = import(&city, WORKBOOK, &["--dry-run"]).await?;
    assert!(
        told.err.contains("no column \"SRRecordID\""),
        "{}",
        told.err
    );
    let told = import(&city, CSV, &["--sheet", "Başvurular", "--dry-run"]).await?;
    assert!(
        told.err.contains("--sheet: the file is no workbook"),
        "{}",
        told.err
    );
    Ok(())
}
