//! A log in a SQLite file: one connection writes, a few others read.

mod append;
mod erase;
mod lease;
mod tree;
mod witness;

use std::{path::Path, time::Duration};

use aws_lc_rs::hmac;
use contracts::ledger::v1::Event;
use sqlx::{
    Row as _, SqliteConnection, SqlitePool,
    error::DatabaseError,
    sqlite::{
        SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
    },
};
use uuid::Uuid;
use vocabulary::Municipality;

use crate::store::{Head, Recorded, StoreError, fingerprint};

/// One municipality's log in its SQLite file.
#[derive(Debug, Clone)]
pub struct Sqlite {
    writer: SqlitePool,
    readers: SqlitePool,
    pub(crate) key: hmac::Key,
}

/// A broken constraint, a trigger that refuses, a type that does not fit: the same statement would fail again.
pub(crate) fn is_final(error: &dyn DatabaseError) -> bool {
    /// SQLITE_ERROR, SQLITE_TOOBIG, SQLITE_CONSTRAINT, SQLITE_MISMATCH; the low byte of the extended code.
    const FINAL: [u32; 4] = [1, 18, 19, 20];
    let code = error.code().and_then(|it| it.parse::<u32>().ok());
    code.is_some_and(|it| FINAL.contains(&(it & 0xff)))
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT e.position, e.event_id, e.stream, e.version, e.type, e.schema_version, e.recorded_us, e.occurred_us, \
             e.correlation_id, e.causation_id, e.command_id, e.actor, e.traceparent, e.subjects, e.facts, e.personal, \
             e.personal_salt, e.personal_hash, e.salt, e.commitment FROM ",
            $rest
        )
    };
}

impl Sqlite {
    pub(crate) async fn log(
        folder: &Path,
        municipality: &Municipality,
        command_key: [u8; 32],
        now: i64,
    ) -> Result<Self, StoreError> {
        let file = SqliteConnectOptions::new()
            .filename(folder.join(format!("{municipality}.db")))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // In WAL mode NORMAL may forget the last commits when the power fails.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(false)
            .busy_timeout(Duration::from_secs(4));
        let one = SqlitePoolOptions::new()
            .max_connections(1)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None);
        // What an erasure takes out is overwritten.
        let writing = file.clone().pragma("secure_delete", "ON");
        let writer = one.connect_with(writing).await?;
        sqlx::raw_sql(include_str!("../sql/sqlite.sql"))
            .execute(&writer)
            .await?;
        let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query("INSERT INTO log (one, log, command_key, created_us) VALUES (1, ?1, ?2, ?3) ON CONFLICT DO NOTHING")
            .bind(municipality.as_str())
            .bind(command_key.to_vec())
            .bind(now)
            .execute(&mut *tx)
            .await?;
        sqlx::query(
            "INSERT INTO head (one, position, recorded_us) VALUES (1, 0, 0) ON CONFLICT DO NOTHING",
        )
        .execute(&mut *tx)
        .await?;
        let (log, key): (String, Vec<u8>) = sqlx::query_as("SELECT log, command_key FROM log")
            .fetch_one(&mut *tx)
            .await?;
        tx.commit().await?;
        if log != municipality.as_str() {
            let problem = format!("the file of {municipality} holds the log of {log}");
            return Err(StoreError::Refused(sqlx::Error::Protocol(problem)));
        }
        let readers = SqlitePoolOptions::new()
            .max_connections(4)
            .test_before_acquire(false)
            .connect_lazy_with(file.create_if_missing(false).pragma("query_only", "ON"));
        Ok(Self {
            writer,
            readers,
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
        })
    }

    pub(crate) async fn command_secret(&self) -> Result<Vec<u8>, StoreError> {
        let secret = sqlx::query_scalar("SELECT command_key FROM log")
            .fetch_one(&self.readers)
            .await?;
        Ok(secret)
    }

    pub(crate) async fn adopt(&self, key: [u8; 32]) -> Result<(), StoreError> {
        sqlx::query("UPDATE log SET command_key = ?1 WHERE NOT EXISTS (SELECT 1 FROM event)")
            .bind(key.to_vec())
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    pub(crate) async fn head(&self) -> Result<Head, StoreError> {
        let mut connection = self.readers.acquire().await?;
        Ok(head_on(&mut connection).await?)
    }

    pub(crate) async fn read(&self, after: u64, limit: u64) -> Result<Vec<Event>, StoreError> {
        let rows = sqlx::query(select!(
            "event e WHERE e.position > ?1 ORDER BY e.position LIMIT ?2"
        ))
        .bind(after.cast_signed())
        .bind(limit.cast_signed())
        .fetch_all(&self.readers)
        .await?;
        events(&rows)
    }

    pub(crate) async fn recorded_at(&self, position: u64) -> Result<Option<u64>, StoreError> {
        let row = sqlx::query_scalar("SELECT recorded_us FROM event WHERE position = ?1")
            .bind(position.cast_signed())
            .fetch_optional(&self.readers)
            .await?;
        Ok(row.map(i64::cast_unsigned))
    }

    pub(crate) async fn stream(&self, stream: &str) -> Result<Vec<Event>, StoreError> {
        let rows = sqlx::query(select!("event e WHERE e.stream = ?1 ORDER BY e.version"))
            .bind(stream.to_owned())
            .fetch_all(&self.readers)
            .await?;
        events(&rows)
    }

    pub(crate) async fn history(
        &self,
        subject: &str,
        after: u64,
        limit: u64,
    ) -> Result<Vec<Event>, StoreError> {
        let rows = sqlx::query(select!(
            "subject s JOIN event e ON e.position = s.position \
             WHERE s.subject = ?1 AND s.position > ?2 ORDER BY s.position LIMIT ?3"
        ))
        .bind(subject.to_owned())
        .bind(after.cast_signed())
        .bind(limit.cast_signed())
        .fetch_all(&self.readers)
        .await?;
        events(&rows)
    }

    pub(crate) async fn command(&self, id: Uuid) -> Result<Option<Recorded>, StoreError> {
        let mut connection = self.readers.acquire().await?;
        Ok(command_on(&mut connection, id).await?)
    }
}

async fn head_on(connection: &mut SqliteConnection) -> sqlx::Result<Head> {
    let row = sqlx::query_as("SELECT position, recorded_us FROM head");
    Ok(head(row.fetch_optional(connection).await?))
}

async fn newest_on(connection: &mut SqliteConnection) -> sqlx::Result<Head> {
    let row =
        sqlx::query_as("SELECT position, recorded_us FROM event ORDER BY position DESC LIMIT 1");
    Ok(head(row.fetch_optional(connection).await?))
}

fn head(row: Option<(i64, i64)>) -> Head {
    row.map_or_else(Head::default, |(position, recorded_us)| Head {
        position: position.cast_unsigned(),
        recorded_at: recorded_us.cast_unsigned(),
    })
}

async fn command_on(connection: &mut SqliteConnection, id: Uuid) -> sqlx::Result<Option<Recorded>> {
    let row = sqlx::query(
        "SELECT fingerprint, first_position, last_position FROM command WHERE command_id = ?1",
    )
    .bind(id.as_bytes().to_vec())
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let stored: Vec<u8> = row.try_get("fingerprint")?;
    Ok(Some(Recorded {
        command_id: id,
        fingerprint: fingerprint(&stored)?,
        first: row.try_get::<i64, _>("first_position")?.cast_unsigned(),
        last: row.try_get::<i64, _>("last_position")?.cast_unsigned(),
    }))
}

fn events(rows: &[SqliteRow]) -> Result<Vec<Event>, StoreError> {
    let events: sqlx::Result<Vec<Event>> = rows.iter().map(event).collect();
    Ok(events?)
}

fn event(row: &SqliteRow) -> sqlx::Result<Event> {
    let subjects: &str = row.try_get("subjects")?;
    let optional = |column| {
        row.try_get::<Option<Vec<u8>>, _>(column)
            .map(Option::unwrap_or_default)
    };
    Ok(Event {
        position: row.try_get::<i64, _>("position")?.cast_unsigned(),
        event_id: row.try_get("event_id")?,
        stream: row.try_get("stream")?,
        version: row.try_get::<i64, _>("version")?.cast_unsigned(),
        r#type: row.try_get("type")?,
        schema_version: row.try_get("schema_version")?,
        recorded_at: row.try_get::<i64, _>("recorded_us")?.cast_unsigned(),
        occurred_at: row.try_get("occurred_us")?,
        correlation_id: row.try_get("correlation_id")?,
        causation_id: optional("causation_id")?,
        command_id: row.try_get("command_id")?,
        actor: row.try_get("actor")?,
        traceparent: row.try_get("traceparent")?,
        subjects: subjects.split('\n').map(str::to_owned).collect(),
        facts: row.try_get("facts")?,
        personal: optional("personal")?,
        personal_salt: optional("personal_salt")?,
        personal_hash: optional("personal_hash")?,
        salt: row.try_get("salt")?,
        commitment: row.try_get("commitment")?,
    })
}
