//! Rebuilds what a centre showed at a moment. It folds the log's own events into files of its own and asks no read model, so
//! it says what must have been shown, and not what somebody remembers.

mod difference;
mod source;

use std::{path::PathBuf, process::ExitCode, str::FromStr};

use analytics::Counts;
use anyhow::{Context as _, bail};
use chassis::AsOf;
use gateway::{Register, replay};
use jiff::{civil::Date, tz::TimeZone};
use projection::{Projection, ReadModel};
use serde_json::{Value, json};
use vocabulary::RequestNumber;

use crate::{cli, client::Server, report::to_json};
use difference::difference;
use source::{Cut, Source};

/// What is rebuilt, as of when, from which log.
#[derive(Debug, clap::Args)]
pub(super) struct Replay {
    /// A folder that `audit export` wrote, which is checked first; without it, the log of a running centre
    #[arg(value_name = "BUNDLE_DIR")]
    bundle: Option<PathBuf>,
    /// Up to when: a position, a time like 2026-12-01T09:30:00+03:00, or a day, which means its end
    #[arg(long, value_name = "TIME|POSITION")]
    at: String,
    /// A request's facts
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["worklist", "report"])]
    request: Option<String>,
    /// The open requests in a unit's hands
    #[arg(long, value_name = "UNIT", conflicts_with = "report")]
    worklist: Option<String>,
    /// The report of these days, as `cozum report --format json` prints it; without it, of the days of what was published
    #[arg(long, value_name = "FROM..TO")]
    report: Option<Days>,
    /// What was published: a file of JSON as `cozum report` or the API gave it
    #[arg(long, value_name = "FILE")]
    published: Option<PathBuf>,
    #[command(flatten)]
    days: analytics::Config,
    #[command(flatten)]
    server: Server,
}

/// The first and the last day of a report.
#[derive(Debug, Clone, Copy)]
struct Days {
    from: Date,
    to: Date,
}

impl FromStr for Days {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let days = text.split_once("..").and_then(|(from, to)| {
            let (from, to) = (from.parse().ok()?, to.parse().ok()?);
            Some(Self { from, to })
        });
        days.filter(|it| it.from <= it.to)
            .ok_or_else(|| "is two days like 2026-01-01..2026-01-31".to_owned())
    }
}

impl Replay {
    /// Runs it; 1 where what was published is something else.
    pub(super) async fn run(self: Box<Self>) -> anyhow::Result<ExitCode> {
        let published = self.published.as_deref().map(|path| {
            let text = std::fs::read_to_string(path).map_err(anyhow::Error::from);
            let value = text.and_then(|it| Ok(serde_json::from_str::<Value>(&it)?));
            value.with_context(|| format!("--published {}", path.display()))
        });
        let published = published.transpose()?;
        // A report says itself by which days it counts.
        let zone = match published.as_ref().and_then(|it| it["time_zone"].as_str()) {
            Some(name) => TimeZone::get(name).context("--published: its time zone")?,
            None => self.days.zone()?,
        };
        let as_of = AsOf::read("--at", &self.at, &zone)?;
        let source = Source::open(self.bundle.as_deref(), &self.server).await?;
        let (cut, replayed) = self
            .replay(&source, as_of, &zone, published.as_ref())
            .await?;
        let Some(published) = published else {
            cli::answer(&format!("{replayed:#}\n"))?;
            return Ok(ExitCode::SUCCESS);
        };
        let differs = difference(&published, &replayed);
        cli::answer(&verdict(&cut, &differs))?;
        Ok(if differs.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }

    async fn replay(
        &self,
        source: &Source,
        as_of: AsOf,
        zone: &TimeZone,
        published: Option<&Value>,
    ) -> anyhow::Result<(Cut, Value)> {
        let folder = tempfile::tempdir()?;
        if let Some(number) = &self.request {
            let number: RequestNumber = number
                .parse()
                .map_err(|it| anyhow::anyhow!("--request: {it}"))?;
            let (cut, model) = source.fold(Register, as_of, folder.path()).await?;
            let request = replay::request(&mut *connection(&model).await?, &number).await?;
            let mut request = request.with_context(|| {
                format!(
                    "--request: there is no {number} at position {}",
                    cut.position
                )
            })?;
            request["as_of"] = cut.json();
            return Ok((cut, request));
        }
        if let Some(unit) = &self.worklist {
            let (cut, model) = source.fold(Register, as_of, folder.path()).await?;
            let requests = replay::worklist(&mut *connection(&model).await?, unit).await?;
            let worklist = json!({ "unit": unit, "requests": requests, "as_of": cut.json() });
            return Ok((cut, worklist));
        }
        let Some(Days { from, to }) = self.report.or_else(|| days(published?)) else {
            bail!("--report FROM..TO, --request NUMBER or --worklist UNIT says what to rebuild");
        };
        let (cut, model) = source.fold(Counts, as_of, folder.path()).await?;
        let mut report = analytics::report(&mut *connection(&model).await?, from, to, zone).await?;
        report.cut_off_recorded_at = cut.recorded_at;
        Ok((cut, to_json(&report)))
    }
}

/// The days of a report that was published.
fn days(published: &Value) -> Option<Days> {
    let day = |name: &str| published[name].as_str()?.parse().ok();
    let (from, to) = (day("from")?, day("to")?);
    Some(Days { from, to })
}

async fn connection(
    model: &Projection,
) -> anyhow::Result<sqlx::pool::PoolConnection<sqlx::Sqlite>> {
    Ok(model.pool().acquire().await?)
}

/// What is said of something that was published.
fn verdict(cut: &Cut, differs: &[String]) -> String {
    let known = format!("as known after position {}{}", cut.position, cut.when());
    if differs.is_empty() {
        return format!("what was published is what the log says, {known}\n");
    }
    let mut text = format!("what was published differs from what the log says, {known}:\n");
    for line in differs {
        text.push_str("  ");
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// Folds a model over some events of a log, wherever they come from.
async fn fold_on<M: ReadModel>(
    model: &M,
    path: &std::path::Path,
    events: &[contracts::ledger::v1::Event],
) -> anyhow::Result<Projection> {
    const TOGETHER: usize = 1_000;
    let (projection, _writer) = projection::folded(model, path, events, TOGETHER).await?;
    Ok(projection)
}
