//! The append: one statement, one round trip, one flush for everything that waited.

use std::{collections::HashMap, sync::PoisonError};

use sqlx::{Connection as _, PgConnection, Row as _, pool::PoolConnection};
use uuid::Uuid;

use super::{CONNECTIONS, Postgres};
use crate::store::{Asked, Batch, Head, Known, Recorded, StoreError};

/// The inserts draw their rows from `h`, so they write nothing when the head is not where the batch was decided. The head's
/// row lock is taken before the first insert and held to commit.
const COMMIT: &str = "\
WITH h AS (
  UPDATE head SET position = $3, recorded_us = $4 WHERE log = $1 AND position = $2 RETURNING log
), e AS (
  INSERT INTO event (log, position, event_id, stream, version, type, schema_version, recorded_us, occurred_us,
    correlation_id, causation_id, command_id, actor, traceparent, subjects, facts, personal, personal_salt, personal_hash,
    salt, commitment)
  SELECT h.log, u.* FROM h, UNNEST($5::bigint[], $6::bytea[], $7::text[], $8::bigint[], $9::text[], $10::bigint[],
    $11::bigint[], $12::bigint[], $13::bytea[], $14::bytea[], $15::bytea[], $16::text[], $17::text[], $18::text[],
    $19::bytea[], $20::bytea[], $21::bytea[], $22::bytea[], $23::bytea[], $24::bytea[]) u
), c AS (
  INSERT INTO command (log, command_id, fingerprint, first_position, last_position, recorded_us)
  SELECT h.log, u.*, $4 FROM h, UNNEST($25::bytea[], $26::bytea[], $27::bigint[], $28::bigint[]) u
), s AS (
  INSERT INTO subject (log, subject, position)
  SELECT h.log, u.* FROM h, UNNEST($29::text[], $30::bigint[]) u
)
SELECT count(*) FROM h";

/// One index look-up per stream and command.
const LOOK_UP: &str = "\
SELECT u.stream, NULL::bytea AS command_id, NULL::bytea AS fingerprint,
  COALESCE((SELECT e.version FROM event e WHERE e.log = $1 AND e.stream = u.stream ORDER BY e.version DESC LIMIT 1), 0)
    AS first_position,
  0::bigint AS last_position
FROM UNNEST($2::text[]) AS u (stream)
UNION ALL
SELECT NULL, c.command_id, c.fingerprint, c.first_position, c.last_position
FROM command c WHERE c.log = $1 AND c.command_id = ANY ($3::bytea[])";

/// The head row and the newest event as one snapshot has them, for others append meanwhile.
const ENDS: &str = "\
SELECT COALESCE(h.position, 0) AS position, COALESCE(h.recorded_us, 0) AS recorded_us,
  COALESCE(n.position, 0) AS newest_position, COALESCE(n.recorded_us, 0) AS newest_recorded_us
FROM (SELECT 1) one
LEFT JOIN head h ON h.log = $1
LEFT JOIN (SELECT position, recorded_us FROM event WHERE log = $1 ORDER BY position DESC LIMIT 1) n ON true";

impl Postgres {
    /// Decides on the head as it was left, and writes if it is there still.
    pub(crate) async fn commit<T>(
        &self,
        head: Option<Head>,
        asked: &Asked,
        decide: impl FnOnce(Known) -> (Batch, T) + Send,
    ) -> Result<Option<(Batch, T)>, StoreError>
    where
        T: Send,
    {
        let mut connection = self.taken().await?;
        // The head comes before the versions, never after: what is newer than it then fails the compare-and-set.
        let head = match head {
            Some(head) => head,
            None => self.sound_head(&mut connection).await?,
        };
        let known = self.look_up(&mut connection, head, asked).await?;
        let (batch, rest) = decide(known);
        let still_true = self.written(&mut connection, &batch).await?;
        // Who only looks is no busy writer, and nobody would tell it to rest.
        if !batch.events.is_empty() {
            self.hold(connection);
        }
        Ok(still_true.then_some((batch, rest)))
    }

    /// Decides on what is remembered: one round trip. The unique keys of streams and commands refuse a wrong guess.
    pub(crate) async fn commit_remembered<T>(
        &self,
        known: Known,
        decide: impl FnOnce(Known) -> (Batch, T) + Send,
    ) -> Result<Option<(Batch, T)>, StoreError>
    where
        T: Send,
    {
        let mut connection = self.taken().await?;
        let (batch, rest) = decide(known);
        let still_true = self.written(&mut connection, &batch).await?;
        self.hold(connection);
        Ok(still_true.then_some((batch, rest)))
    }

    /// The same with the head locked first, in statements of their own: each then sees what the lock waited for.
    pub(crate) async fn commit_locked<T>(
        &self,
        asked: &Asked,
        decide: impl FnOnce(Known) -> (Batch, T) + Send,
    ) -> Result<(Batch, T), StoreError>
    where
        T: Send,
    {
        let mut connection = self.pool.acquire().await?;
        let mut tx = connection.begin().await?;
        sqlx::query("SELECT FROM head WHERE log = $1 FOR UPDATE")
            .bind(&*self.log)
            .execute(&mut *tx)
            .await?;
        let head = self.sound_head(&mut tx).await?;
        let known = self.look_up(&mut tx, head, asked).await?;
        let (batch, rest) = decide(known);
        if !batch.events.is_empty() && !self.write(&mut tx, &batch).await? {
            return Err(StoreError::Away(sqlx::Error::RowNotFound));
        }
        tx.commit().await?;
        Ok((batch, rest))
    }

    /// The connection of the last commit, or one of the pool.
    async fn taken(&self) -> sqlx::Result<PoolConnection<sqlx::Postgres>> {
        match self.kept() {
            Some(connection) => Ok(connection),
            None => self.pool.acquire().await,
        }
    }

    /// Keeps a connection that did its work for the next commit, unless others lack one.
    fn hold(&self, connection: PoolConnection<sqlx::Postgres>) {
        if self.pool.num_idle() > 0 || self.pool.size() < CONNECTIONS {
            *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection);
        }
    }

    fn kept(&self) -> Option<PoolConnection<sqlx::Postgres>> {
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Hands the connection back: nothing waits to be committed.
    pub(crate) fn rest(&self) {
        drop(self.kept());
    }

    /// Whether the head was where the batch was decided; then it is written.
    async fn written(&self, connection: &mut PgConnection, batch: &Batch) -> sqlx::Result<bool> {
        if batch.events.is_empty() {
            // Nothing to write, so nothing would show that a refusal rests on an old head.
            Ok(self.head_on(connection).await? == batch.before)
        } else {
            self.write(connection, batch).await
        }
    }

    /// The head, which must be at the newest event.
    async fn sound_head(&self, connection: &mut PgConnection) -> Result<Head, StoreError> {
        let row = sqlx::query(ENDS)
            .bind(&*self.log)
            .fetch_one(connection)
            .await?;
        let newest = Head {
            position: row.try_get::<i64, _>("newest_position")?.cast_unsigned(),
            recorded_at: row.try_get::<i64, _>("newest_recorded_us")?.cast_unsigned(),
        };
        super::head(&row)?.at(newest)
    }

    async fn look_up(
        &self,
        connection: &mut PgConnection,
        head: Head,
        asked: &Asked,
    ) -> sqlx::Result<Known> {
        let ids: Vec<&[u8]> = asked
            .commands
            .iter()
            .map(|it| it.as_bytes().as_slice())
            .collect();
        let rows = sqlx::query(LOOK_UP)
            .bind(&*self.log)
            .bind(&asked.streams)
            .bind(ids)
            .fetch_all(connection)
            .await?;
        let mut versions = HashMap::new();
        let mut commands: HashMap<Uuid, Recorded> = HashMap::new();
        for row in &rows {
            if let Some(stream) = row.try_get::<Option<String>, _>("stream")? {
                versions.insert(
                    stream,
                    row.try_get::<i64, _>("first_position")?.cast_unsigned(),
                );
            } else {
                let recorded = super::recorded(row)?;
                commands.insert(recorded.command_id, recorded);
            }
        }
        Ok(Known {
            head,
            versions,
            commands,
        })
    }

    async fn write(&self, connection: &mut PgConnection, batch: &Batch) -> sqlx::Result<bool> {
        let Batch {
            before,
            after,
            events,
            commands,
        } = batch;
        let column = |of: fn(&contracts::ledger::v1::Event) -> &[u8]| -> Vec<&[u8]> {
            events.iter().map(|it| of(it)).collect()
        };
        let optional = |of: fn(&contracts::ledger::v1::Event) -> &[u8]| -> Vec<Option<&[u8]>> {
            events
                .iter()
                .map(|it| Some(of(it)).filter(|it| !it.is_empty()))
                .collect()
        };
        let text = |of: fn(&contracts::ledger::v1::Event) -> &str| -> Vec<&str> {
            events.iter().map(|it| of(it)).collect()
        };
        let number = |of: fn(&contracts::ledger::v1::Event) -> i64| -> Vec<i64> {
            events.iter().map(|it| of(it)).collect()
        };
        let lines: Vec<String> = events.iter().map(|it| it.subjects.join("\n")).collect();
        let subjects: Vec<(&str, i64)> = events
            .iter()
            .flat_map(|it| {
                it.subjects
                    .iter()
                    .map(|subject| (subject.as_str(), it.position.cast_signed()))
            })
            .collect();
        // An erased or absent personal part is null together with its salt; personal is never empty beside a salt.
        let written: i64 = sqlx::query_scalar(COMMIT)
            .bind(&*self.log)
            .bind(before.position.cast_signed())
            .bind(after.position.cast_signed())
            .bind(after.recorded_at.cast_signed())
            .bind(number(|it| it.position.cast_signed()))
            .bind(column(|it| &it.event_id))
            .bind(text(|it| &it.stream))
            .bind(number(|it| it.version.cast_signed()))
            .bind(text(|it| &it.r#type))
            .bind(number(|it| i64::from(it.schema_version)))
            .bind(number(|it| it.recorded_at.cast_signed()))
            .bind(number(|it| it.occurred_at))
            .bind(column(|it| &it.correlation_id))
            .bind(optional(|it| &it.causation_id))
            .bind(column(|it| &it.command_id))
            .bind(text(|it| &it.actor))
            .bind(text(|it| &it.traceparent))
            .bind(lines)
            .bind(column(|it| &it.facts))
            .bind(optional(|it| &it.personal))
            .bind(optional(|it| &it.personal_salt))
            .bind(optional(|it| &it.personal_hash))
            .bind(column(|it| &it.salt))
            .bind(column(|it| &it.commitment))
            .bind(
                commands
                    .iter()
                    .map(|it| it.command_id.as_bytes().as_slice())
                    .collect::<Vec<_>>(),
            )
            .bind(
                commands
                    .iter()
                    .map(Recorded::stored_fingerprint)
                    .collect::<Vec<_>>(),
            )
            .bind(
                commands
                    .iter()
                    .map(|it| it.first.cast_signed())
                    .collect::<Vec<_>>(),
            )
            .bind(
                commands
                    .iter()
                    .map(|it| it.last.cast_signed())
                    .collect::<Vec<_>>(),
            )
            .bind(
                subjects
                    .iter()
                    .map(|(subject, _)| *subject)
                    .collect::<Vec<_>>(),
            )
            .bind(
                subjects
                    .iter()
                    .map(|(_, position)| *position)
                    .collect::<Vec<_>>(),
            )
            .fetch_one(connection)
            .await?;
        Ok(written == 1)
    }
}
