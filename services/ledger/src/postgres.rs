//! A log in PostgreSQL. One database holds all logs; every key begins with the log.

mod append;
mod erase;
mod lease;
mod tree;
mod witness;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_lc_rs::hmac;
use contracts::ledger::v1::Event;
use sqlx::{
    PgConnection, PgPool, Row as _,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgDatabaseError, PgPoolOptions, PgRow},
};
use uuid::Uuid;
use vocabulary::Municipality;

use crate::store::{Head, Recorded, StoreError, fingerprint, patiently};

/// All logs of a database share them.
const CONNECTIONS: u32 = 16;

/// One municipality's log in PostgreSQL.
#[derive(Debug, Clone)]
pub struct Postgres {
    pool: PgPool,
    /// The connection of the last commit, while commits follow one another: handed back and taken out again, it would be
    /// another one each time, and be asked whether it lives.
    kept: Arc<Mutex<Option<PoolConnection<sqlx::Postgres>>>>,
    log: Arc<str>,
    pub(crate) key: hmac::Key,
}

/// Connects, and makes the tables where they are missing.
pub(crate) async fn open(options: &PgConnectOptions) -> Result<PgPool, StoreError> {
    // Acknowledged means durable, whatever the server's default is.
    let options = options
        .clone()
        .application_name("cozum-ledger")
        .options([("synchronous_commit", "on")]);
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(Duration::from_secs(2))
        // A ping before each use would double the round trips; a dead connection fails once and is repeated on another.
        .test_before_acquire(false)
        .connect_lazy_with(options);
    patiently(|| make_tables(&pool)).await?;
    Ok(pool)
}

async fn make_tables(pool: &PgPool) -> Result<(), StoreError> {
    // A role that may only append need not be able to create tables that exist.
    if sqlx::query("SELECT FROM witnessed LIMIT 0")
        .execute(pool)
        .await
        .is_ok()
    {
        return Ok(());
    }
    let mut tx = pool.begin().await?;
    match sqlx::raw_sql(include_str!("../sql/postgres.sql"))
        .execute(&mut *tx)
        .await
    {
        Ok(_) => Ok(tx.commit().await?),
        // Another replica makes them at this moment: look again.
        Err(error) if is_race(&error) => Err(StoreError::Away(error)),
        Err(error) => Err(error.into()),
    }
}

/// Duplicate key in a catalogue, duplicate table, tuple concurrently updated.
fn is_race(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|it| it.code());
    code.is_some_and(|it| ["23505", "42P07", "42710", "XX000"].contains(&it.as_ref()))
}

/// Whether a statement would fail again: not so for lost connections (08), conflicts between transactions (40), lack of
/// resources (53), locks (55), an operator at work (57), a failing system (58), or a server that became a standby (25006).
pub(crate) fn is_final(error: &PgDatabaseError) -> bool {
    let code = error.code();
    code != "25006"
        && !["08", "40", "53", "55", "57", "58"].contains(&code.get(..2).unwrap_or_default())
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

impl Postgres {
    pub(crate) async fn log(
        pool: &PgPool,
        municipality: &Municipality,
        command_key: [u8; 32],
        now: i64,
    ) -> Result<Self, StoreError> {
        let log: Arc<str> = municipality.as_str().into();
        let find = || async {
            sqlx::query_scalar::<_, Vec<u8>>("SELECT command_key FROM log WHERE log = $1")
                .bind(&*log)
                .fetch_optional(pool)
                .await
        };
        let key = match find().await? {
            Some(key) => key,
            None => {
                let mut tx = pool.begin().await?;
                sqlx::query("INSERT INTO log (log, command_key, created_us) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
                    .bind(&*log)
                    .bind(command_key.as_slice())
                    .bind(now)
                    .execute(&mut *tx)
                    .await?;
                sqlx::query("INSERT INTO head (log, position, recorded_us) VALUES ($1, 0, 0) ON CONFLICT DO NOTHING")
                    .bind(&*log)
                    .execute(&mut *tx)
                    .await?;
                tx.commit().await?;
                find().await?.ok_or(sqlx::Error::RowNotFound)?
            }
        };
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        Ok(Self {
            pool: pool.clone(),
            kept: Arc::default(),
            log,
            key,
        })
    }

    pub(crate) async fn command_secret(&self) -> Result<Vec<u8>, StoreError> {
        let secret = sqlx::query_scalar("SELECT command_key FROM log WHERE log = $1")
            .bind(&*self.log)
            .fetch_one(&self.pool)
            .await?;
        Ok(secret)
    }

    pub(crate) async fn adopt(&self, key: [u8; 32]) -> Result<(), StoreError> {
        sqlx::query("UPDATE log SET command_key = $2 WHERE log = $1 AND NOT EXISTS (SELECT FROM event WHERE log = $1)")
            .bind(&*self.log)
            .bind(key.as_slice())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    pub(crate) async fn head(&self) -> Result<Head, StoreError> {
        let mut connection = self.pool.acquire().await?;
        Ok(self.head_on(&mut connection).await?)
    }

    async fn head_on(&self, connection: &mut PgConnection) -> sqlx::Result<Head> {
        let row = sqlx::query("SELECT position, recorded_us FROM head WHERE log = $1")
            .bind(&*self.log)
            .fetch_optional(connection)
            .await?;
        row.as_ref().map_or_else(|| Ok(Head::default()), head)
    }

    pub(crate) async fn read(&self, after: u64, limit: u64) -> Result<Vec<Event>, StoreError> {
        let rows = sqlx::query(select!(
            "event e WHERE e.log = $1 AND e.position > $2 ORDER BY e.position LIMIT $3"
        ))
        .bind(&*self.log)
        .bind(after.cast_signed())
        .bind(limit.cast_signed())
        .fetch_all(&self.pool)
        .await?;
        events(&rows)
    }

    pub(crate) async fn recorded_at(&self, position: u64) -> Result<Option<u64>, StoreError> {
        let row =
            sqlx::query_scalar("SELECT recorded_us FROM event WHERE log = $1 AND position = $2")
                .bind(&*self.log)
                .bind(position.cast_signed())
                .fetch_optional(&self.pool)
                .await?;
        Ok(row.map(i64::cast_unsigned))
    }

    pub(crate) async fn stream(&self, stream: &str) -> Result<Vec<Event>, StoreError> {
        let rows = sqlx::query(select!(
            "event e WHERE e.log = $1 AND e.stream = $2 ORDER BY e.version"
        ))
        .bind(&*self.log)
        .bind(stream)
        .fetch_all(&self.pool)
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
            "subject s JOIN event e ON e.log = s.log AND e.position = s.position \
             WHERE s.log = $1 AND s.subject = $2 AND s.position > $3 ORDER BY s.position LIMIT $4"
        ))
        .bind(&*self.log)
        .bind(subject)
        .bind(after.cast_signed())
        .bind(limit.cast_signed())
        .fetch_all(&self.pool)
        .await?;
        events(&rows)
    }

    pub(crate) async fn command(&self, id: Uuid) -> Result<Option<Recorded>, StoreError> {
        let row = sqlx::query(
            "SELECT command_id, fingerprint, first_position, last_position FROM command WHERE log = $1 AND command_id = $2",
        )
        .bind(&*self.log)
        .bind(id.as_bytes().as_slice())
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.as_ref().map(recorded).transpose()?)
    }
}

fn head(row: &PgRow) -> sqlx::Result<Head> {
    Ok(Head {
        position: row.try_get::<i64, _>("position")?.cast_unsigned(),
        recorded_at: row.try_get::<i64, _>("recorded_us")?.cast_unsigned(),
    })
}

fn recorded(row: &PgRow) -> sqlx::Result<Recorded> {
    Ok(Recorded {
        command_id: Uuid::from_bytes(row.try_get("command_id")?),
        fingerprint: fingerprint(row.try_get("fingerprint")?)?,
        first: row.try_get::<i64, _>("first_position")?.cast_unsigned(),
        last: row.try_get::<i64, _>("last_position")?.cast_unsigned(),
    })
}

fn events(rows: &[PgRow]) -> Result<Vec<Event>, StoreError> {
    let events: sqlx::Result<Vec<Event>> = rows.iter().map(event).collect();
    Ok(events?)
}

fn event(row: &PgRow) -> sqlx::Result<Event> {
    let schema_version: i64 = row.try_get("schema_version")?;
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
        schema_version: u32::try_from(schema_version)
            .map_err(|error| sqlx::Error::Decode(error.into()))?,
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
