//! The register, folded anew from the events of a city, against bare batched inserts of the same rows into the same tables: with
//! its indexes there from the first row, and made behind the last one, as the fold does; whichever is faster counts.

use std::{path::Path, time::Instant};

use chassis::Clock;
use contracts::{ledger::v1::Event, routing::v1::TopicDefined};
use gateway::Register;
use ledger::{Location, Log, Shelf};
use projection::ReadModel as _;
use serde_json::json;
use sqlx::{
    Connection as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use vault::MasterKeys;

use crate::{
    Choice,
    centre::CITY,
    fill,
    report::{Report, rounded},
    turn::median,
};

const REQUESTS: u32 = 50_000;
const TOPICS: usize = 60;
const UNITS: usize = 12;
/// Events, and rows, in one transaction.
const BATCH: usize = projection::GATHERED;
const OF_CEILING: f64 = 0.5;

pub(crate) async fn measure(choice: &Choice, report: &mut Report) -> anyhow::Result<()> {
    let folder = tempfile::Builder::new()
        .prefix("cozum-bench-rebuild-")
        .tempdir()?;
    let events = Box::pin(events(folder.path())).await?;
    report.line(format!(
        "\nRebuilding the register of {REQUESTS} requests from {} events",
        events.len()
    ));
    let (mut ours, mut kept, mut made) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..choice.rounds {
        let folded = folder.path().join(format!("folded-{round}.db"));
        let started = Instant::now();
        let (projection, writer) = projection::folded(&Register, &folded, &events, BATCH).await?;
        ours.push(started.elapsed().as_secs_f64());
        projection.pool().close().await;
        writer.close().await?;
        for (indexes, taken) in [
            (Indexes::FromTheFirst, &mut kept),
            (Indexes::BehindTheLast, &mut made),
        ] {
            let copy = folder.path().join(format!("bare-{round}-{indexes:?}.db"));
            let started = Instant::now();
            inserted(&folded, &copy, indexes).await?;
            taken.push(started.elapsed().as_secs_f64());
        }
    }
    let (ours, kept) = (median(ours.into_iter()), median(kept.into_iter()));
    let made = median(made.into_iter());
    let bare = kept.min(made);
    #[expect(clippy::cast_precision_loss, reason = "thousands of events")]
    let per_second = events.len() as f64 / ours;
    report.line(format!(
        "  bare inserts     {kept:>7.2} s   with the indexes made behind them {made:.2} s"
    ));
    report.line(format!(
        "  ours             {ours:>7.2} s   {per_second:.0} events/s"
    ));
    let ratio = bare / ours.max(f64::MIN_POSITIVE);
    report.put(
        "rebuild",
        json!({
            "ours_seconds": rounded(ours),
            "bare_seconds": rounded(kept),
            "bare_indexed_last_seconds": rounded(made),
            "events_per_second": per_second.round(),
        }),
    );
    report.put("ratios.rebuild_vs_bare_sqlite", json!(rounded(ratio)));
    report.at_least("rebuild, bare inserts / ours", ratio, OF_CEILING);
    Ok(())
}

/// When the bare inserts make the indexes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Indexes {
    FromTheFirst,
    BehindTheLast,
}

/// A city's log, read into memory, so that only folding is measured.
async fn events(folder: &Path) -> anyhow::Result<Vec<Event>> {
    std::fs::create_dir_all(folder.join("intake/vault"))?;
    MasterKeys::read_or_create(&folder.join("master.key"))?;
    let topic = |it: usize| TopicDefined {
        code: format!("topic-{it}"),
        unit: format!("unit-{}", it % UNITS),
        ..TopicDefined::default()
    };
    fill::fill(folder, CITY, (0..TOPICS).map(topic).collect(), REQUESTS).await?;
    let shelf = Shelf::open(&Location::Sqlite(folder.join("ledger"))).await?;
    let (log, _upkeep) = Log::open(&shelf, &CITY.parse()?, Clock::System, 1).await?;
    let mut events: Vec<Event> = Vec::new();
    loop {
        let after = events.last().map_or(0, |it| it.position);
        let page = log.read(after, 1_000).await?;
        if page.is_empty() {
            return Ok(events);
        }
        events.extend(page);
    }
}

/// The rows of a folded file into an empty one with the same tables and indexes: requests in the order in which they came, a
/// batch per transaction, all of it inside SQLite.
async fn inserted(folded: &Path, copy: &Path, indexes: Indexes) -> anyhow::Result<()> {
    let options = SqliteConnectOptions::new()
        .filename(copy)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .pragma("cache_size", "-65536");
    let mut connection = SqliteConnection::connect_with(&options).await?;
    sqlx::raw_sql(Register::SCHEMA)
        .execute(&mut connection)
        .await?;
    if indexes == Indexes::FromTheFirst {
        sqlx::raw_sql(Register::INDEXES)
            .execute(&mut connection)
            .await?;
    }
    sqlx::query("attach database ?1 as folded")
        .bind(folded.to_string_lossy())
        .execute(&mut connection)
        .await?;
    sqlx::raw_sql(
        "create temp table came as select row_number() over (order by changed_at_position) as place, number
         from folded.request; create unique index temp.came_place on came (place)",
    )
    .execute(&mut connection)
    .await?;
    for from in (0..REQUESTS as usize).step_by(BATCH) {
        sqlx::query(
            "insert or rollback into request select it.* from came join folded.request it on it.number = came.number
             where came.place > ?1 and came.place <= ?1 + ?2 order by came.place",
        )
        .bind(i64::try_from(from)?)
        .bind(i64::try_from(BATCH)?)
        .execute(&mut connection)
        .await?;
    }
    for table in ["tally", "step", "unit", "district", "neighbourhood"] {
        let insert = format!("insert into {table} select * from folded.{table}");
        sqlx::query(sqlx::AssertSqlSafe(insert))
            .execute(&mut connection)
            .await?;
    }
    if indexes == Indexes::BehindTheLast {
        sqlx::raw_sql(Register::INDEXES)
            .execute(&mut connection)
            .await?;
    }
    connection.close().await?;
    Ok(())
}
