//! Takes out of the index what was said of a subject whose key is gone. No event tells of a destroyed key in time for
//! everybody, so the key store itself is asked.

use std::{collections::BTreeSet, sync::atomic::Ordering, time::Duration};

use chassis::Clock;
use sqlx::{Connection as _, SqliteConnection};
use vault::Subject;

use super::Index;

/// How soon the texts of a destroyed key are gone.
const PERIOD: Duration = Duration::from_secs(5);
/// A batch that was opened just before may be written just after; clocks differ.
const OVERLAP: i64 = 600_000_000;

/// Follows the key store.
pub(super) struct Eraser {
    index: Index,
    writer: SqliteConnection,
    clock: Clock,
}

impl Eraser {
    pub(super) fn new(index: Index, writer: SqliteConnection, clock: Clock) -> Self {
        Self {
            index,
            writer,
            clock,
        }
    }

    /// Looks again and again; what fails is tried at the next look.
    pub(super) async fn run(mut self) -> anyhow::Result<()> {
        let mut since = 0;
        loop {
            let now = self.clock.micros();
            match self.look(since).await {
                Ok(()) => since = now.saturating_sub(OVERLAP),
                Err(error) => {
                    tracing::warn!(
                        error = format!("{error:#}"),
                        "erased texts are not yet out of the search"
                    );
                }
            }
            tokio::time::sleep(PERIOD).await;
        }
    }

    /// Takes out the subjects whose keys were destroyed since then.
    pub(super) async fn look(&mut self, since: i64) -> anyhow::Result<()> {
        let Index {
            vault,
            municipality,
            ..
        } = &self.index;
        for subject in vault.destroyed(municipality, since).await? {
            let mut tx = self.writer.begin_with("begin immediate").await?;
            let had_any = erase(&mut tx, &subject).await?;
            tx.commit().await?;
            self.index.unflushed.fetch_or(had_any, Ordering::SeqCst);
        }
        if self.index.unflushed.swap(false, Ordering::SeqCst) {
            let (busy, _, _): (i64, i64, i64) = sqlx::query_as("pragma wal_checkpoint(truncate)")
                .fetch_one(&mut self.writer)
                .await?;
            self.index.unflushed.fetch_or(busy != 0, Ordering::SeqCst);
        }
        Ok(())
    }
}

/// Removes a subject's texts; whether there were any.
async fn erase(tx: &mut SqliteConnection, subject: &Subject) -> anyhow::Result<bool> {
    let id = subject.as_str().split_once(':').map_or("", |(_, id)| id);
    let words = match subject.kind() {
        "request" => request(tx, id).await?,
        "person" => person(tx, id).await?,
        _ => None,
    };
    let Some(words) = words else { return Ok(false) };
    unlearn(tx, &words).await?;
    tracing::info!("the texts of an erased subject left the search");
    Ok(true)
}

/// Removes what single events said, whose personal parts left the log while their keys stay; whether there was anything.
pub(super) async fn events(tx: &mut SqliteConnection, positions: &[u64]) -> anyhow::Result<bool> {
    let positions = serde_json::to_string(positions)?;
    let rows: Vec<(String, String)> = sqlx::query_as(
        "select words, stems from texts where rowid in (select value from json_each(?1))",
    )
    .bind(&positions)
    .fetch_all(&mut *tx)
    .await?;
    let named: Vec<String> = sqlx::query_scalar(
        "select pseudonym from person where id in (select value from json_each(?1))",
    )
    .bind(&positions)
    .fetch_all(&mut *tx)
    .await?;
    sqlx::query(
        "update texts set words = '', stems = '' where rowid in (select value from json_each(?1))",
    )
    .bind(&positions)
    .execute(&mut *tx)
    .await?;
    let mut words: Vec<String> = rows.iter().map(|it| format!("{} {}", it.0, it.1)).collect();
    for pseudonym in named {
        words.extend(person(tx, &pseudonym).await?);
    }
    unlearn(tx, &words.join(" ")).await?;
    Ok(!words.is_empty())
}

/// Removes the words that nothing is left of.
async fn unlearn(tx: &mut SqliteConnection, words: &str) -> anyhow::Result<()> {
    let words: BTreeSet<&str> = words.split(' ').filter(|it| !it.is_empty()).collect();
    for word in words {
        sqlx::query(
            "delete from word where text = ?1 and not exists (select 1 from texts where texts match ?2)",
        )
        .bind(word)
        .bind(format!("\"{word}\""))
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

/// Facts stay: number, place, topic.
async fn request(tx: &mut SqliteConnection, number: &str) -> anyhow::Result<Option<String>> {
    let rows: Vec<(i64, i64, String, String)> = sqlx::query_as(
        "select doc.id, t.rowid, t.words, t.stems from doc
         join texts as t on t.rowid in (select doc.id union all select id from message where doc = doc.id)
         where doc.number = ?1",
    )
    .bind(number)
    .fetch_all(&mut *tx)
    .await?;
    let words: Vec<String> = rows
        .iter()
        .map(|(_, _, words, stems)| format!("{words} {stems}"))
        .collect();
    let words = words.join(" ");
    if words.trim().is_empty() {
        return Ok(None);
    }
    for (doc, row, _, _) in rows {
        if doc == row {
            sqlx::query("update texts set words = '', stems = '' where rowid = ?1")
                .bind(row)
                .execute(&mut *tx)
                .await?;
        } else {
            sqlx::query("delete from texts where rowid = ?1")
                .bind(row)
                .execute(&mut *tx)
                .await?;
            sqlx::query("delete from message where id = ?1")
                .bind(row)
                .execute(&mut *tx)
                .await?;
        }
    }
    Ok(Some(words))
}

async fn person(tx: &mut SqliteConnection, pseudonym: &str) -> anyhow::Result<Option<String>> {
    let known: Option<(i64, String)> =
        sqlx::query_as("select id, words from person where pseudonym = ?1")
            .bind(pseudonym)
            .fetch_optional(&mut *tx)
            .await?;
    let Some((id, words)) = known else {
        return Ok(None);
    };
    for statement in [
        "update texts set name = '' where rowid in (select id from doc where person = ?1 and person <> 0)",
        "delete from reach where person = ?1",
        "delete from person where id = ?1",
    ] {
        sqlx::query(statement).bind(id).execute(&mut *tx).await?;
    }
    Ok(Some(words))
}
