//! A follower that reads the whole log from its beginning, against whoever reads the same rows straight from the store.

use std::time::Instant;

use anyhow::Context as _;
use contracts::ledger::v1::FollowRequest;
use futures::TryStreamExt as _;
use serde_json::json;
use sqlx::{
    Connection as _, PgConnection, Row as _, SqliteConnection, sqlite::SqliteConnectOptions,
};

use crate::{
    Choice,
    callers::{self, Load},
    centre::{CITY, Centre},
    report::{Report, rounded},
    turn::median,
};

/// So many events say something about speed.
const ENOUGH: u64 = 200_000;
const OF_CEILING: f64 = 0.5;
/// As the ledger reads an event.
const COLUMNS: &str = "position, event_id, stream, version, type, schema_version, recorded_us, occurred_us, correlation_id, \
    causation_id, command_id, actor, traceparent, subjects, facts, personal, personal_salt, personal_hash, salt, commitment";

/// What a reader made of a log: that nothing was left out, and how much it was.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Fold {
    events: u64,
    bytes: usize,
}

pub(crate) async fn over_postgres(
    choice: &Choice,
    report: &mut Report,
    centre: &Centre,
    database: &str,
) -> anyhow::Result<()> {
    filled(centre).await?;
    let copied = async || copied(database).await;
    measure(
        choice,
        report,
        centre,
        ("PostgreSQL", "COPY out + fold"),
        copied,
    )
    .await?;
    Ok(())
}

pub(crate) async fn over_sqlite(
    choice: &Choice,
    report: &mut Report,
    centre: &Centre,
) -> anyhow::Result<()> {
    filled(centre).await?;
    let file = centre.file()?;
    let rows = async || {
        let options = SqliteConnectOptions::new().filename(&file).read_only(true);
        rows(SqliteConnection::connect_with(&options).await?).await
    };
    measure(choice, report, centre, ("SQLite", "rows + fold"), rows).await
}

/// Appends until the log is long enough.
pub(crate) async fn filled(centre: &Centre) -> anyhow::Result<()> {
    while centre.head().await? < ENOUGH {
        let load = Load {
            callers: 4,
            events: 500,
            lasting: std::time::Duration::from_secs(2),
        };
        callers::run(&centre.url, load).await?;
    }
    centre.settled().await?;
    Ok(())
}

async fn measure(
    choice: &Choice,
    report: &mut Report,
    centre: &Centre,
    (store, label): (&str, &str),
    straight: impl AsyncFn() -> anyhow::Result<Fold>,
) -> anyhow::Result<()> {
    let head = centre.head().await?;
    report.line(format!(
        "\nFollowing {head} events from the first on, {store}"
    ));
    let (mut ours, mut ceiling) = (Vec::new(), Vec::new());
    for _ in 0..choice.rounds {
        let started = Instant::now();
        let fold = straight().await?;
        ceiling.push(speed(head, started));
        let started = Instant::now();
        let followed = followed(centre, head).await?;
        ours.push(speed(head, started));
        anyhow::ensure!(fold == followed, "{fold:?} and {followed:?}");
    }
    let (ours, ceiling) = (median(ours.into_iter()), median(ceiling.into_iter()));
    report.line(format!("  {label:<16} {ceiling:>9.0} events/s"));
    report.line(format!("  {:<16} {ours:>9.0} events/s", "ours over gRPC"));
    let ratio = ours / ceiling.max(f64::MIN_POSITIVE);
    let (path, name) = if store == "SQLite" {
        ("follow_sqlite", "follow_sqlite_vs_rows_fold")
    } else {
        ("follow", "follow_vs_copy_fold")
    };
    report.put(
        path,
        json!({ "ours": ours.round(), "straight": ceiling.round() }),
    );
    report.put(&format!("ratios.{name}"), json!(rounded(ratio)));
    report.at_least(
        format!("follow, {store}, ours / {label}"),
        ratio,
        OF_CEILING,
    );
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "millions of events")]
fn speed(events: u64, since: Instant) -> f64 {
    events as f64 / since.elapsed().as_secs_f64()
}

async fn followed(centre: &Centre, head: u64) -> anyhow::Result<Fold> {
    let request = Centre::caller()?.request(FollowRequest { after_position: 0 });
    let mut replies = centre.client().await?.follow(request).await?.into_inner();
    let mut fold = Fold::default();
    while fold.events < head {
        let reply = replies.message().await?.context("it never ends")?;
        for event in reply.events.iter().take_while(|it| it.position <= head) {
            anyhow::ensure!(event.position == fold.events + 1, "a hole");
            fold.events += 1;
            fold.bytes += event.facts.len();
        }
    }
    Ok(fold)
}

/// `COPY … TO STDOUT` in binary, every field of it read.
async fn copied(database: &str) -> anyhow::Result<Fold> {
    let mut connection = PgConnection::connect(database).await?;
    let copy = format!(
        "copy (select {COLUMNS} from event where log = '{CITY}' order by position) to stdout (format binary)"
    );
    let mut rows = connection.copy_out_raw(&copy).await?;
    let mut fold = Fold::default();
    let mut first = true;
    while let Some(chunk) = rows.try_next().await? {
        // One message is one row; the signature stands before the first.
        let row = if std::mem::take(&mut first) {
            &chunk[19..]
        } else {
            &chunk[..]
        };
        let Some(count) = number::<2>(row, 0)
            .map(i16::from_be_bytes)
            .filter(|it| *it > 0)
        else {
            continue;
        };
        let mut at = 2;
        for column in 0..count {
            let length = number::<4>(row, at)
                .map(i32::from_be_bytes)
                .context("a length")?;
            at += 4;
            let length = usize::try_from(length).unwrap_or_default();
            if column == 0 {
                let position = number::<8>(row, at).map(u64::from_be_bytes);
                anyhow::ensure!(position == Some(fold.events + 1), "a hole");
                fold.events += 1;
            }
            if column == 14 {
                fold.bytes += length;
            }
            at += length;
        }
    }
    Ok(fold)
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

/// Every row, all its columns, by a plain query.
async fn rows(mut connection: SqliteConnection) -> anyhow::Result<Fold> {
    let query = format!("select {COLUMNS} from event order by position");
    let mut rows = sqlx::query(sqlx::AssertSqlSafe(query)).fetch(&mut connection);
    let mut fold = Fold::default();
    while let Some(row) = rows.try_next().await? {
        let position: i64 = row.try_get(0)?;
        anyhow::ensure!(position.cast_unsigned() == fold.events + 1, "a hole");
        fold.events += 1;
        fold.bytes += row.try_get::<&[u8], _>(14)?.len();
    }
    Ok(fold)
}
