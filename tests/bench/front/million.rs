//! A centre with very many requests: one process (`cozum up`, SQLite) over a log that was filled beforehand. How fast its
//! read models are folded is measured on the way.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use chassis::Role;
use contracts::routing::v1::{ListTopicsRequest, TopicDefined};
use serde_json::json;
use tests::{
    City, eventually, files,
    process::{Cozum, Launch, free_port},
};
use tokio::time::sleep;

use crate::{
    Choice, Part, fill, pages, past,
    report::{Report, rounded},
    search,
};

pub(crate) const CITY: &str = "bench";
/// How long the directory of a new city may take.
const SOON: Duration = Duration::from_secs(30);
/// How long a process may take to end.
const PATIENCE: Duration = Duration::from_secs(60);
pub(crate) const MOST_REPORTED: &str = "pothole";
/// Says in the data folder how many requests it was filled with, once it is.
const MARK: &str = "filled";

/// The running centre.
struct Centre {
    process: Cozum,
    city: City,
}

pub(crate) async fn measure(choice: &Choice, report: &mut Report) -> anyhow::Result<()> {
    let temporary = tempfile::Builder::new().prefix("cozum-bench-").tempdir()?;
    let data = choice.keep.as_deref().unwrap_or(temporary.path());
    std::fs::create_dir_all(data)?;
    let requests = choice.requests;
    report.line(format!(
        "\n{requests} requests, in one process over SQLite (`cozum up`)"
    ));
    report.put("requests", json!(requests));
    let mark = data.join(MARK);
    match std::fs::read_to_string(&mark) {
        Ok(there) => anyhow::ensure!(
            there == requests.to_string(),
            "{} holds {there} requests: say --requests {there}, or another folder",
            data.display()
        ),
        Err(_) => {
            let topics = founded(data).await?;
            let started = Instant::now();
            let speed = fill::fill(data, CITY, topics, requests).await?;
            report.line(format!(
                "  sealed and written into the log: {speed:.0} events/s, {:.0} s",
                started.elapsed().as_secs_f64()
            ));
            report.put("fill.events_per_second", json!(speed.round()));
            std::fs::write(&mark, requests.to_string())?;
        }
    }
    let mut centre = Centre::start(data).await?;
    followed(report, data, &centre.city).await?;
    centre.process.wait_ready().await?;
    if choice.wants(Part::Pages) {
        pages::measure(&centre.city, report).await?;
    }
    if choice.wants(Part::Past) {
        past::measure(&centre.city, report).await?;
    }
    if choice.wants(Part::Search) {
        search::measure(&centre.city, requests, report).await?;
    }
    centre.process.terminate(PATIENCE).await?;
    Ok(())
}

/// Starts the city for a moment, so that its directory is in the log; gives the topics.
async fn founded(data: &Path) -> anyhow::Result<Vec<TopicDefined>> {
    let mut centre = Centre::start(data).await?;
    let mut topics = eventually(SOON, "the directory", async || {
        let reply = centre
            .city
            .routing()
            .list_topics(ListTopicsRequest {})
            .await?;
        let topics = reply.into_inner().topics;
        anyhow::ensure!(topics.len() > 5, "{} topics", topics.len());
        Ok(topics)
    })
    .await?;
    // The first is what people report most.
    topics.sort_by_key(|it| it.code != MOST_REPORTED);
    centre.city.settled().await?;
    centre.process.terminate(PATIENCE).await?;
    Ok(topics)
}

impl Centre {
    /// Does not wait until its read models have caught up.
    async fn start(data: &Path) -> anyhow::Result<Self> {
        let address = format!("127.0.0.1:{}", free_port()?);
        let base = format!("http://{address}");
        let up = ["up", "--municipalities", CITY, "--limit-public", "off"];
        let launch = Launch::new("centre", up)
            .arg("--data")
            .arg(data.to_string_lossy())
            .arg("--listen")
            .arg(&address)
            .arg("--tokens")
            .arg(format!("{CITY}/desk={}", City::token(CITY)))
            .arg("--open311-keys")
            .arg(format!("{CITY}/app={}", City::key(CITY)))
            .ready_at(format!("{base}/livez"));
        Ok(Self {
            process: launch.start().await?,
            city: City::new(CITY, &base, &City::token(CITY))?,
        })
    }
}

/// Waits until every read model behind the pages and the search is at the log's head, and tells how fast each was folded.
async fn followed(report: &mut Report, data: &Path, city: &City) -> anyhow::Result<()> {
    let head = eventually(SOON, "the log's head", async || city.head().await).await?;
    let started = Instant::now();
    let mut began = BTreeMap::new();
    let mut done: BTreeMap<String, f64> = BTreeMap::new();
    let mut told = Instant::now();
    loop {
        let models = read_models(data)?;
        let mut lowest = head;
        for (name, path) in &models {
            let position = files::position(path)
                .await
                .unwrap_or_default()
                .cast_unsigned();
            began.entry(name.clone()).or_insert(position);
            lowest = lowest.min(position);
            if position >= head {
                done.entry(name.clone())
                    .or_insert(started.elapsed().as_secs_f64());
            }
        }
        if !models.is_empty() && done.len() == models.len() {
            break;
        }
        if told.elapsed() > Duration::from_secs(30) {
            println!("  … {lowest} of {head} events folded");
            told = Instant::now();
        }
        sleep(Duration::from_millis(500)).await;
    }
    #[expect(clippy::cast_precision_loss, reason = "millions of events")]
    let speed =
        |name: &String, seconds: f64| head.saturating_sub(began[name]) as f64 / seconds.max(0.1);
    let folded: Vec<_> = done
        .iter()
        .filter(|(name, _)| began[*name] < head)
        .collect();
    if folded.is_empty() {
        report.line("  all read models were there already");
    }
    for (name, seconds) in folded {
        let speed = speed(name, *seconds);
        report.line(format!(
            "  {name}: {head} events folded in {seconds:.0} s, {speed:.0} events/s, beside all others"
        ));
        report.put(
            &format!("follow.{}", name.replace('.', "_")),
            json!({ "events_per_second": speed.round(), "seconds": rounded(*seconds) }),
        );
    }
    Ok(())
}

/// The read models of the gateway and of intake, by role and name.
fn read_models(data: &Path) -> anyhow::Result<Vec<(String, PathBuf)>> {
    let found = files::below(data)?.into_iter().filter_map(|path| {
        let name = path.strip_prefix(data).ok()?.with_extension("");
        let mut parts = name.iter().filter_map(|it| it.to_str());
        let (role, city, model) = (parts.next()?, parts.next()?, parts.next()?);
        let is_ours = [Role::Gateway, Role::Intake]
            .iter()
            .any(|it| it.as_str() == role);
        let is_one = is_ours && city == CITY && path.extension().is_some_and(|it| it == "db");
        is_one.then(|| (format!("{role} {model}"), path.clone()))
    });
    Ok(found.collect())
}

/// Times in milliseconds: the median, and the one within which 95 of a hundred lie.
pub(crate) fn summary(mut micros: Vec<u32>) -> (f64, f64) {
    micros.sort_unstable();
    let at = |share| f64::from(crate::turn::quantile(&micros, share)) / 1_000.0;
    (at(0.5), at(0.95))
}

/// Tells one measured question, notes it under `path`, and holds it against its limit.
pub(crate) fn noted(
    report: &mut Report,
    path: &str,
    what: &str,
    found: usize,
    micros: Vec<u32>,
    limit: f64,
) {
    let tries = micros.len();
    let (p50, p95) = summary(micros);
    report.line(format!(
        "  {what:<58} {found:>5} found   p50 {p50:>7.2} ms   p95 {p95:>7.2} ms"
    ));
    let key = what.replace('.', "·");
    report.put(
        &format!("{path}.{key}"),
        json!({ "p50_ms": rounded(p50), "p95_ms": rounded(p95), "found": found, "tries": tries }),
    );
    report.at_most(format!("{path}: {what}, p95 in ms"), p95, limit);
}

/// Microseconds since then.
pub(crate) fn micros(since: Instant) -> u32 {
    u32::try_from(since.elapsed().as_micros()).unwrap_or(u32::MAX)
}

/// Where a centre's HTTP is, without the scheme.
pub(crate) fn host(city: &City) -> anyhow::Result<&str> {
    city.base()
        .strip_prefix("http://")
        .context("a base without TLS")
}
