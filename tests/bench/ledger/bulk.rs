//! A hundred events per call from two callers, against the same hundred by raw `UNNEST` on two connections.

use std::time::{Duration, Instant};

use futures::future::try_join_all;
use serde_json::json;
use sqlx::{Connection as _, PgConnection};

use crate::{
    Choice,
    callers::{self, Load},
    centre::Centre,
    report::{Report, rounded},
    servers,
    turn::{Turn, median},
};

const EVENTS: u64 = 100;
const CALLERS: usize = 2;
const OF_UNNEST: f64 = 0.5;

pub(crate) async fn measure(
    choice: &Choice,
    report: &mut Report,
    centre: &Centre,
    postgres: &tests::postgres::Server,
) -> anyhow::Result<()> {
    let database = postgres.create_database("raw_unnest").await?;
    servers::make_table(&database).await?;
    report.line("\nAppends of 100 events per call, 2 callers, over PostgreSQL");
    let (mut ours, mut raw, mut settled) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..choice.rounds {
        raw.push(unnest(&database, round, choice.lasting()).await?);
        let load = Load {
            callers: CALLERS,
            events: EVENTS,
            lasting: choice.lasting(),
        };
        ours.push(callers::run(&centre.url, load).await?);
        settled.push(centre.settled().await?);
    }
    for (name, label, turns) in [
        ("raw_unnest", "raw UNNEST", &raw),
        ("ours", "ours over gRPC", &ours),
    ] {
        let events = events(turns);
        let p99 = median(turns.iter().map(|it| it.within(0.99)));
        report.line(format!(
            "  {label:<16} {events:>8.0} events/s   p99 {p99:>7.2} ms"
        ));
        report.put(
            &format!("bulk.{name}"),
            json!({ "events_per_second": rounded(events), "p99_ms": rounded(p99) }),
        );
    }
    let caught_up = median(settled.into_iter());
    report.line(format!(
        "  relay and signer were at the head {caught_up:.1} s after the last append"
    ));
    report.put("bulk.caught_up_seconds", json!(rounded(caught_up)));
    let ratio = events(&ours) / events(&raw).max(f64::MIN_POSITIVE);
    report.put("ratios.bulk_vs_raw_unnest", json!(rounded(ratio)));
    report.at_least("bulk, ours / raw UNNEST", ratio, OF_UNNEST);
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a hundred")]
fn events(turns: &[Turn]) -> f64 {
    median(turns.iter().map(Turn::per_second)) * EVENTS as f64
}

async fn unnest(database: &str, round: usize, lasting: Duration) -> anyhow::Result<Turn> {
    let started = Instant::now();
    let end = started + lasting;
    let each = (0..CALLERS).map(async |caller| {
        let mut connection = PgConnection::connect(database).await?;
        let stream = format!("bench-{round}-{caller}");
        let (mut version, mut latencies) = (0, Vec::new());
        while Instant::now() < end {
            let request = callers::append(&stream, version, EVENTS);
            version += EVENTS;
            let asked = Instant::now();
            servers::unnest(&mut connection, &[&request]).await?;
            latencies.push(u32::try_from(asked.elapsed().as_micros()).unwrap_or(u32::MAX));
        }
        anyhow::Ok(latencies)
    });
    let latencies = try_join_all(each).await?.concat();
    Ok(Turn::new(started.elapsed().as_secs_f64(), latencies))
}
