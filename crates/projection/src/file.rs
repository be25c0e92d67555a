use std::{fs::OpenOptions, os::unix::fs::OpenOptionsExt as _, path::Path, time::Duration};

use anyhow::Context as _;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::ReadModel;

/// KiB of pages that the writer keeps: what a batch touches, spread over all indexes of a million rows, is written once and
/// not again and again.
const WRITERS_CACHE: &str = "-65536";

/// Bytes of a file that readers see without asking the system for each page of it.
const MAPPED: &str = "1073741824";

/// Readers at once; SQLite's readers do not wait for its writer.
const READERS: u32 = 4;

fn options<M: ReadModel>(path: &Path) -> SqliteConnectOptions {
    // Losing the last batches in a power failure is harmless: the file is a prefix, and follows on from there.
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(Duration::from_secs(5))
        .statement_cache_capacity(200)
        .disable_statement_logging();
    if M::PERSONAL {
        // Neither freed pages nor temporary files may keep what was deleted.
        options
            .pragma("secure_delete", "on")
            .pragma("temp_store", "memory")
    } else {
        options
    }
}

/// A connection that writes; creates the file where there is none.
pub(crate) async fn connect<M: ReadModel>(path: &Path) -> anyhow::Result<SqliteConnection> {
    let context = || format!("read model {}", path.display());
    if M::PERSONAL {
        // SQLite gives the files beside it the same mode.
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .with_context(context)?;
    }
    let options = options::<M>(path)
        .create_if_missing(true)
        .pragma("cache_size", WRITERS_CACHE);
    SqliteConnection::connect_with(&options)
        .await
        .with_context(context)
}

/// The one writing connection, and the position the file stands at.
pub(crate) async fn open<M: ReadModel>(path: &Path) -> anyhow::Result<(SqliteConnection, u64)> {
    let mut writer = connect::<M>(path).await?;
    let position = prepare::<M>(&mut writer).await?;
    Ok((writer, position))
}

/// Makes the model's tables where they are missing, and says the position the file stands at.
pub(crate) async fn prepare<M: ReadModel>(writer: &mut SqliteConnection) -> anyhow::Result<u64> {
    let mut tx = writer.begin().await?;
    let exists: Option<i64> = sqlx::query_scalar(
        "select 1 from sqlite_master where type = 'table' and name = 'projection_position'",
    )
    .fetch_optional(&mut *tx)
    .await?;
    if exists.is_none() {
        sqlx::raw_sql(AssertSqlSafe(M::SCHEMA))
            .execute(&mut *tx)
            .await
            .context("schema of the read model")?;
        sqlx::raw_sql(
            "create table projection_position (one integer primary key check (one = 1), position integer not null) strict;
             insert into projection_position values (1, 0);",
        )
        .execute(&mut *tx)
        .await?;
    }
    let position = position(&mut tx).await?;
    tx.commit().await?;
    Ok(position)
}

/// Makes the model's indexes where they are missing.
pub(crate) async fn index<M: ReadModel>(writer: &mut SqliteConnection) -> anyhow::Result<()> {
    let mut tx = writer.begin().await?;
    sqlx::raw_sql(AssertSqlSafe(M::INDEXES))
        .execute(&mut *tx)
        .await
        .context("indexes of the read model")?;
    Ok(tx.commit().await?)
}

async fn position(connection: &mut SqliteConnection) -> anyhow::Result<u64> {
    let position: i64 = sqlx::query_scalar("select position from projection_position")
        .fetch_one(connection)
        .await?;
    u64::try_from(position).context("a position below 0")
}

pub(crate) async fn readers<M: ReadModel>(path: &Path) -> anyhow::Result<SqlitePool> {
    SqlitePoolOptions::new()
        .max_connections(READERS)
        .test_before_acquire(false)
        .connect_with(
            options::<M>(path)
                .read_only(true)
                .pragma("query_only", "on")
                .pragma("mmap_size", MAPPED),
        )
        .await
        .with_context(|| format!("read model {}", path.display()))
}

/// Writes to a file that nobody needs after a failure: it keeps no journal, and waits for no disk.
pub(crate) async fn connect_past(path: &Path) -> anyhow::Result<SqliteConnection> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Memory)
        .synchronous(SqliteSynchronous::Off)
        .statement_cache_capacity(200)
        .disable_statement_logging()
        .pragma("cache_size", WRITERS_CACHE);
    SqliteConnection::connect_with(&options)
        .await
        .with_context(|| path.display().to_string())
}

/// Readers of a file that never changes again.
pub(crate) async fn past_readers(path: &Path) -> anyhow::Result<SqlitePool> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .immutable(true)
        .statement_cache_capacity(200)
        .disable_statement_logging()
        .pragma("query_only", "on")
        .pragma("mmap_size", MAPPED);
    SqlitePoolOptions::new()
        .max_connections(READERS)
        .test_before_acquire(false)
        .connect_with(options)
        .await
        .with_context(|| path.display().to_string())
}

/// Copies a file as one instant has it, while others write to it; the position it stood at.
pub(crate) async fn copy(from: &Path, to: &Path) -> anyhow::Result<u64> {
    let options = SqliteConnectOptions::new()
        .filename(from)
        .busy_timeout(Duration::from_secs(5))
        .disable_statement_logging();
    let mut connection = SqliteConnection::connect_with(&options).await?;
    let to_text = to.to_str().context("a folder's name is no text")?;
    sqlx::query("vacuum into ?1")
        .bind(to_text)
        .execute(&mut connection)
        .await?;
    close(connection).await?;
    let mut copied = connect_past(to).await?;
    let position = position(&mut copied).await?;
    close(copied).await?;
    Ok(position)
}

pub(crate) async fn close(connection: SqliteConnection) -> anyhow::Result<()> {
    Ok(connection.close().await?)
}
