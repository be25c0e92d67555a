//! The append: one transaction, one flush for everything that waited. It holds SQLite's write lock from its first
//! statement, so what it reads cannot change before it commits.

use std::{collections::HashMap, sync::Arc};

use contracts::ledger::v1::Event;
use sqlx::{QueryBuilder, Sqlite as Db, SqliteConnection};

use super::{Sqlite, command_on, head_on, newest_on};
use crate::store::{Asked, Batch, Head, Known, Start, StoreError};

/// Rows per statement: well below SQLite's limit of bound values, and few enough different statements to keep prepared.
const ROWS: usize = 64;

impl Sqlite {
    pub(crate) async fn commit<T>(
        &self,
        start: Start,
        asked: &Asked,
        decide: impl FnOnce(Known) -> (Batch, T) + Send,
    ) -> Result<Option<(Batch, T)>, StoreError>
    where
        T: Send,
    {
        let mut tx = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        let head = head_on(&mut tx).await?;
        let known = match start {
            Start::Remembered(known) if known.head == head => known,
            // Somebody else wrote in between, and what must be read now was not asked for.
            Start::Remembered(_) => return Ok(None),
            Start::Unknown | Start::After(_) | Start::Locked => {
                let head = head.at(newest_on(&mut tx).await?)?;
                look_up(&mut tx, head, asked).await?
            }
        };
        let (batch, rest) = decide(known);
        if !batch.events.is_empty() {
            write(&mut tx, &batch).await?;
        }
        tx.commit().await?;
        Ok(Some((batch, rest)))
    }
}

async fn look_up(
    connection: &mut SqliteConnection,
    head: Head,
    asked: &Asked,
) -> sqlx::Result<Known> {
    let mut versions = HashMap::new();
    for stream in &asked.streams {
        versions.insert(stream.clone(), version(connection, stream).await?);
    }
    let mut commands = HashMap::new();
    for id in &asked.commands {
        commands.extend(command_on(connection, *id).await?.map(|it| (*id, it)));
    }
    Ok(Known {
        head,
        versions,
        commands,
    })
}

async fn version(connection: &mut SqliteConnection, stream: &str) -> sqlx::Result<u64> {
    let version: Option<i64> = sqlx::query_scalar(
        "SELECT version FROM event WHERE stream = ?1 ORDER BY version DESC LIMIT 1",
    )
    .bind(stream.to_owned())
    .fetch_optional(connection)
    .await?;
    Ok(version.unwrap_or_default().cast_unsigned())
}

async fn write(connection: &mut SqliteConnection, batch: &Batch) -> sqlx::Result<()> {
    let moved = sqlx::query("UPDATE head SET position = ?2, recorded_us = ?3 WHERE position = ?1")
        .bind(batch.before.position.cast_signed())
        .bind(batch.after.position.cast_signed())
        .bind(batch.after.recorded_at.cast_signed())
        .execute(&mut *connection)
        .await?;
    if moved.rows_affected() != 1 {
        return Err(sqlx::Error::RowNotFound);
    }
    for events in batch.events.chunks(ROWS) {
        insert_events(connection, events).await?;
    }
    let subjects: Vec<(&str, i64)> = batch
        .events
        .iter()
        .flat_map(|it| {
            it.subjects
                .iter()
                .map(|subject| (subject.as_str(), it.position.cast_signed()))
        })
        .collect();
    for subjects in subjects.chunks(ROWS) {
        let mut insert = QueryBuilder::<Db>::new("INSERT INTO subject (subject, position) ");
        insert.push_values(subjects, |mut row, (subject, position)| {
            row.push_bind((*subject).to_owned()).push_bind(*position);
        });
        insert.build().execute(&mut *connection).await?;
    }
    for commands in batch.commands.chunks(ROWS) {
        let mut insert = QueryBuilder::<Db>::new(
            "INSERT INTO command (command_id, fingerprint, first_position, last_position, recorded_us) ",
        );
        insert.push_values(commands, |mut row, it| {
            row.push_bind(it.command_id.as_bytes().to_vec())
                .push_bind(it.stored_fingerprint().to_vec())
                .push_bind(it.first.cast_signed())
                .push_bind(it.last.cast_signed())
                .push_bind(batch.after.recorded_at.cast_signed());
        });
        insert.build().execute(&mut *connection).await?;
    }
    Ok(())
}

async fn insert_events(
    connection: &mut SqliteConnection,
    events: &[Arc<Event>],
) -> sqlx::Result<()> {
    let present = |bytes: &[u8]| Some(bytes.to_vec()).filter(|it| !it.is_empty());
    let mut insert = QueryBuilder::<Db>::new(
        "INSERT INTO event (position, event_id, stream, version, type, schema_version, recorded_us, occurred_us, \
         correlation_id, causation_id, command_id, actor, traceparent, subjects, facts, personal, personal_salt, \
         personal_hash, salt, commitment) ",
    );
    insert.push_values(events, |mut row, it| {
        row.push_bind(it.position.cast_signed())
            .push_bind(it.event_id.clone())
            .push_bind(it.stream.clone())
            .push_bind(it.version.cast_signed())
            .push_bind(it.r#type.clone())
            .push_bind(i64::from(it.schema_version))
            .push_bind(it.recorded_at.cast_signed())
            .push_bind(it.occurred_at)
            .push_bind(it.correlation_id.clone())
            .push_bind(present(&it.causation_id))
            .push_bind(it.command_id.clone())
            .push_bind(it.actor.clone())
            .push_bind(it.traceparent.clone())
            .push_bind(it.subjects.join("\n"))
            .push_bind(it.facts.clone())
            .push_bind(present(&it.personal))
            .push_bind(present(&it.personal_salt))
            .push_bind(present(&it.personal_hash))
            .push_bind(it.salt.clone())
            .push_bind(it.commitment.clone());
    });
    insert.build().execute(connection).await?;
    Ok(())
}
