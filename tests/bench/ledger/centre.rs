//! The ledger as it runs in a city: a process of its own over PostgreSQL or SQLite, with its relay to NATS and its signer.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use chassis::{Caller, Role};
use contracts::ledger::v1::{HeadRequest, ledger_client::LedgerClient};
use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;
use tests::{
    eventually, files,
    process::{Cozum, Launch, free_port},
};
use tonic::transport::Channel;

use crate::report::{Report, rounded};

pub(crate) const CITY: &str = "bench";
const PATIENCE: Duration = Duration::from_secs(60);
const SOON: Duration = Duration::from_secs(300);

/// A running ledger.
pub(crate) struct Centre {
    process: Cozum,
    data: TempDir,
    pub(crate) url: String,
    admin: String,
}

impl Centre {
    /// Over a database, or over SQLite in a folder of its own.
    pub(crate) async fn start(database: Option<&str>, nats: &str) -> anyhow::Result<Self> {
        let data = tempfile::Builder::new()
            .prefix("cozum-bench-ledger-")
            .tempdir()?;
        let (listen, admin) = (free_port()?, free_port()?);
        let admin = format!("127.0.0.1:{admin}");
        let listen = format!("127.0.0.1:{listen}");
        let launch = Launch::new("ledger", ["serve", "ledger", "--municipalities", CITY])
            .arg("--data")
            .arg(data.path().to_string_lossy())
            .arg("--listen")
            .arg(&listen)
            .arg("--admin")
            .arg(&admin)
            .arg("--nats")
            .arg(nats)
            .ready_at(format!("http://{admin}/readyz"));
        let launch = match database {
            Some(database) => launch.arg("--ledger-store").arg(database),
            None => launch,
        };
        Ok(Self {
            process: launch.start().await?,
            data,
            url: format!("http://{listen}"),
            admin: format!("http://{admin}"),
        })
    }

    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.process.terminate(PATIENCE).await?;
        Ok(())
    }

    /// Somebody who reads the log.
    pub(crate) fn caller() -> anyhow::Result<Caller> {
        Ok(Caller::new(Role::Analytics, CITY.parse()?, "system:bench"))
    }

    pub(crate) async fn client(&self) -> anyhow::Result<LedgerClient<Channel>> {
        let client = LedgerClient::connect(self.url.clone()).await?;
        Ok(client.max_decoding_message_size(64 << 20))
    }

    pub(crate) async fn head(&self) -> anyhow::Result<u64> {
        let request = Self::caller()?.request(HeadRequest {});
        Ok(self
            .client()
            .await?
            .head(request)
            .await?
            .into_inner()
            .position)
    }

    /// The file of the log over SQLite.
    pub(crate) fn file(&self) -> anyhow::Result<PathBuf> {
        let name = format!("{CITY}.db");
        let files = files::below(self.data.path())?;
        let file = files.into_iter().find(|it| it.ends_with(&name));
        file.with_context(|| format!("no {name} in {}", self.data.path().display()))
    }

    /// Waits until all is relayed to NATS and signed; gives the seconds.
    pub(crate) async fn settled(&self) -> anyhow::Result<f64> {
        let started = Instant::now();
        eventually(SOON, "relay and signer are at the head", async || {
            for name in ["cozum_ledger_relay_lag", "cozum_ledger_unsigned"] {
                let behind = self.metric(name).await?;
                anyhow::ensure!(behind == 0.0, "{name}: {behind}");
            }
            Ok(())
        })
        .await?;
        Ok(started.elapsed().as_secs_f64())
    }

    /// The sum of a metric over its labels.
    pub(crate) async fn metric(&self, name: &str) -> anyhow::Result<f64> {
        let text = reqwest::get(format!("{}/metrics", self.admin))
            .await?
            .text()
            .await?;
        let lines = text
            .lines()
            .filter(|it| it.split(['{', ' ']).next() == Some(name));
        let values = lines.filter_map(|it| it.rsplit(' ').next()?.parse::<f64>().ok());
        Ok(values.sum())
    }

    /// Within how many seconds everything that was appended so far was relayed to NATS, and was under a signed checkpoint.
    pub(crate) async fn largest_lags(&self, report: &mut Report) -> anyhow::Result<()> {
        for (what, name) in [
            ("relayed to NATS", "relayed"),
            ("under a signed checkpoint", "signed"),
        ] {
            let metric = format!("cozum_ledger_{name}_after_seconds");
            let all = self.metric(&format!("{metric}_count")).await?;
            let within = self.buckets(&metric).await?;
            let within = within.into_iter().find(|(_, count)| *count >= all);
            let largest = within.map_or(f64::INFINITY, |it| it.0);
            report.at_most(
                format!("largest lag, {what}, in s, of {all:.0} at most"),
                largest,
                1.0,
            );
            report.put(&format!("largest_lag_s.{name}"), json!(rounded(largest)));
        }
        Ok(())
    }

    /// The buckets of a histogram: up to how much, and how many.
    async fn buckets(&self, name: &str) -> anyhow::Result<Vec<(f64, f64)>> {
        let text = reqwest::get(format!("{}/metrics", self.admin))
            .await?
            .text()
            .await?;
        let begin = format!("{name}_bucket{{");
        let lines = text.lines().filter(|it| it.starts_with(&begin));
        let bucket = |line: &str| {
            let (_, rest) = line.split_once("le=\"")?;
            let (most, rest) = rest.split_once('"')?;
            Some((most.parse().ok()?, rest.rsplit(' ').next()?.parse().ok()?))
        };
        let mut buckets: Vec<(f64, f64)> = lines.filter_map(bucket).collect();
        buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
        Ok(buckets)
    }

    /// Bytes of an event in the database, with all indexes and tiles, and the process's memory.
    pub(crate) async fn told(&self, report: &mut Report, database: &str) -> anyhow::Result<()> {
        let mut connection = PgConnection::connect(database).await?;
        let bytes: i64 = sqlx::query_scalar("select pg_database_size(current_database())")
            .fetch_one(&mut connection)
            .await?;
        let events = self.head().await?;
        #[expect(clippy::cast_precision_loss, reason = "some gigabytes")]
        let per_event = bytes as f64 / events.max(1) as f64;
        let peak = self.peak()?;
        report.line(format!(
            "\n{events} events: {per_event:.0} bytes each in the database, all told; the ledger's memory was {peak} MiB at most"
        ));
        report.put("events", json!(events));
        report.put("bytes_per_event", json!(rounded(per_event)));
        report.put("rss_peak_mib", json!(peak));
        Ok(())
    }

    /// Its greatest resident memory so far, in MiB.
    fn peak(&self) -> anyhow::Result<u64> {
        let pid = self.process.pid().context("it runs")?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:"));
        let kib = line.and_then(|it| it.split_whitespace().next());
        Ok(kib.context("VmHWM")?.parse::<u64>()? / 1_024)
    }
}
