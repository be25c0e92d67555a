//! One durable event per call, with an expected version and a command id: the ledger, and what bounds it, in turns.

use std::collections::BTreeMap;

use serde_json::json;

use crate::{
    Choice,
    callers::{self, Load},
    centre::Centre,
    report::{Report, rounded},
    servers::{self, Kind, Running},
    turn::{Turn, median},
};

const OURS: &str = "ours";
/// What is held against limits.
const CALLERS: usize = 128;
const OF_ECHO: f64 = 0.30;
const OF_NAIVE: f64 = 2.5;
/// Milliseconds, at 128 callers.
const P99: f64 = 25.0;

/// Over PostgreSQL, beside the others.
pub(crate) async fn beside_others(
    choice: &Choice,
    report: &mut Report,
    centre: &Centre,
    postgres: &tests::postgres::Server,
) -> anyhow::Result<()> {
    let mut sides = vec![(OURS, OURS, centre.url.clone())];
    let mut servers = Vec::new();
    for kind in Kind::ALL {
        let database = postgres.create_database(kind.name()).await?;
        servers::make_table(&database).await?;
        let server = Running::start(kind, &database)?;
        sides.push((kind.name(), kind.label(), server.url.clone()));
        servers.push(server);
    }
    report.line("\nAppends over gRPC, one event per call, over PostgreSQL (synchronous_commit=on)");
    for callers in &choice.callers {
        let before = batches(centre).await?;
        let turns = turns(choice, *callers, &sides, Some(centre)).await?;
        let (requests, commits) = batches(centre).await?;
        let batch = (requests - before.0) / (commits - before.1).max(1.0);
        for (name, label, _) in &sides {
            told(
                report,
                &format!("append.{callers}"),
                name,
                label,
                &turns[name],
            );
        }
        report.line(format!("         {batch:.1} appends in a commit of ours"));
        report.put(
            &format!("append.{callers}.ours.appends_per_commit"),
            json!(rounded(batch)),
        );
        if *callers == CALLERS {
            compared(report, &turns);
        }
    }
    Ok(())
}

/// Over SQLite, alone.
pub(crate) async fn over_sqlite(
    choice: &Choice,
    report: &mut Report,
    centre: &Centre,
) -> anyhow::Result<()> {
    report.line("\nAppends over gRPC, one event per call, over SQLite (synchronous=FULL)");
    let sides = [(OURS, OURS, centre.url.clone())];
    for callers in &choice.callers {
        let turns = turns(choice, *callers, &sides, Some(centre)).await?;
        let path = format!("append_sqlite.{callers}");
        told(report, &path, OURS, OURS, &turns[OURS]);
    }
    Ok(())
}

/// Everybody's turns; after ours, relay and signer may finish, so that they do not run into the next one's.
async fn turns(
    choice: &Choice,
    callers: usize,
    sides: &[(&'static str, &'static str, String)],
    centre: Option<&Centre>,
) -> anyhow::Result<BTreeMap<&'static str, Vec<Turn>>> {
    let mut turns: BTreeMap<&str, Vec<Turn>> = BTreeMap::new();
    for _ in 0..choice.rounds {
        for (name, _, url) in sides {
            let load = Load {
                callers,
                events: 1,
                lasting: choice.lasting(),
            };
            turns
                .entry(name)
                .or_default()
                .push(callers::run(url, load).await?);
            if let Some(centre) = centre.filter(|_| *name == OURS) {
                centre.settled().await?;
            }
        }
    }
    Ok(turns)
}

async fn batches(centre: &Centre) -> anyhow::Result<(f64, f64)> {
    Ok((
        centre.metric("cozum_ledger_batch_requests_sum").await?,
        centre.metric("cozum_ledger_batch_requests_count").await?,
    ))
}

fn told(report: &mut Report, path: &str, name: &str, label: &str, turns: &[Turn]) {
    let callers = path.rsplit('.').next().unwrap_or_default();
    let per_second = per_second(turns);
    let within = |share| median(turns.iter().map(|it| it.within(share)));
    let (p50, p95, p99) = (within(0.5), within(0.95), within(0.99));
    report.line(format!(
        "  {callers:>5} callers  {label:<20} {per_second:>8.0}/s   p50 {p50:>7.2} ms   p95 {p95:>7.2} ms   p99 {p99:>7.2} ms"
    ));
    report.put(
        &format!("{path}.{name}"),
        json!({
            "per_second": rounded(per_second),
            "p50_ms": rounded(p50),
            "p95_ms": rounded(p95),
            "p99_ms": rounded(p99),
        }),
    );
}

fn per_second(turns: &[Turn]) -> f64 {
    median(turns.iter().map(Turn::per_second))
}

fn compared(report: &mut Report, turns: &BTreeMap<&str, Vec<Turn>>) {
    let ours = per_second(&turns[OURS]);
    let ratio = |kind: Kind| ours / per_second(&turns[kind.name()]).max(f64::MIN_POSITIVE);
    for kind in Kind::ALL {
        let path = format!("ratios.append_128_vs_{}", kind.name());
        report.put(&path, json!(rounded(ratio(kind))));
    }
    report.at_least(
        "append, 128 callers, ours / gRPC echo",
        ratio(Kind::Echo),
        OF_ECHO,
    );
    report.at_least(
        "append, 128 callers, ours / an insert per call",
        ratio(Kind::Naive),
        OF_NAIVE,
    );
    let p99 = |name: &str| median(turns[name].iter().map(|it| it.within(0.99)));
    report.at_most("append, 128 callers, p99 in ms", p99(OURS), P99);
    report.at_most(
        "append, 128 callers, p99, ours / bare group commit",
        p99(OURS) / p99(Kind::Group.name()).max(f64::MIN_POSITIVE),
        2.0,
    );
}
