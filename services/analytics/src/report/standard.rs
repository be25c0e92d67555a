//! How requests stand to their service standard. Only what is due and concluded can be judged; the rest is counted beside it.

use std::collections::BTreeMap;

use contracts::analytics::v1::{Count, Requests, ServiceStandard, StandardCount};
use sqlx::SqliteConnection;

use crate::span::Span;

/// What is judged of the requests in the span, and of that what was concluded too late; `$before` stands before it.
macro_rules! judged {
    ($before:expr, $after:expr) => {
        concat!(
            "select ",
            $before,
            " count(*) filter (where due_at is not null and concluded_at is not null),
             count(*) filter (where concluded_at > due_at)",
            $after
        )
    };
}

/// The same by one column.
macro_rules! judged_by {
    ($key:literal $(, $where:literal)?) => {
        judged!(
            $key,
            concat!(" from request where occurred_at >= ? and occurred_at < ?", $(" and ", $where,)? " group by 1")
        )
    };
}

/// Judges the requests of a span of days, along the dimensions that they are counted by.
pub(super) async fn standard(
    tx: &mut SqliteConnection,
    span: &Span,
    counted: &Requests,
) -> anyhow::Result<ServiceStandard> {
    let all = judged!(
        "",
        ", count(*) filter (where due_at is null and concluded_at is not null),
         count(*) filter (where due_at is not null and concluded_at is null)
         from request where occurred_at >= ? and occurred_at < ?"
    );
    let (evaluated, breached, without_due, open_due): (i64, i64, i64, i64) = sqlx::query_as(all)
        .bind(span.begins.as_microsecond())
        .bind(span.ends.as_microsecond())
        .fetch_one(&mut *tx)
        .await?;
    Ok(ServiceStandard {
        evaluated: u64::try_from(evaluated)?,
        breached: u64::try_from(breached)?,
        without_due: u64::try_from(without_due)?,
        open_due: u64::try_from(open_due)?,
        by_unit: by(tx, span, judged_by!("unit,"), &counted.by_unit).await?,
        by_source_agency: by(
            tx,
            span,
            judged_by!("source_agency,", "imported = 1"),
            &counted.by_source_agency,
        )
        .await?,
        by_topic: by(tx, span, judged_by!("topic,"), &counted.by_topic).await?,
    })
}

/// One line for each key that is counted, under the same name.
async fn by(
    tx: &mut SqliteConnection,
    span: &Span,
    statement: &'static str,
    counted: &[Count],
) -> anyhow::Result<Vec<StandardCount>> {
    let rows: Vec<(String, i64, i64)> = sqlx::query_as(statement)
        .bind(span.begins.as_microsecond())
        .bind(span.ends.as_microsecond())
        .fetch_all(&mut *tx)
        .await?;
    let judged: BTreeMap<String, (i64, i64)> = rows
        .into_iter()
        .map(|(key, evaluated, breached)| (key, (evaluated, breached)))
        .collect();
    let mut counts = Vec::with_capacity(counted.len());
    for count in counted {
        let (evaluated, breached) = judged.get(&count.key).copied().unwrap_or_default();
        counts.push(StandardCount {
            key: count.key.clone(),
            name_tr: count.name_tr.clone(),
            name_en: count.name_en.clone(),
            evaluated: u64::try_from(evaluated)?,
            breached: u64::try_from(breached)?,
        });
    }
    Ok(counts)
}
