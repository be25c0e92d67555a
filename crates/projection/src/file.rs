use std::{fs::OpenOptions, os::unix::fs::OpenOptionsExt as _, path::Path, time::Duration};

use anyhow::{Context as _, ensure};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use transparency::Frontier;

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

/// The one writing connection, and where the file stands.
pub(crate) async fn open<M: ReadModel>(
    path: &Path,
) -> anyhow::Result<(SqliteConnection, Frontier)> {
    let mut writer = connect::<M>(path).await?;
    let at = prepare::<M>(&mut writer).await?;
    Ok((writer, at))
}

/// Makes the model's tables where they are missing, and says where the file stands: its position, and the tree over all that it
/// has applied. A file that does not say so is emptied.
pub(crate) async fn prepare<M: ReadModel>(
    writer: &mut SqliteConnection,
) -> anyhow::Result<Frontier> {
    let mut tx = writer.begin_with("begin immediate").await?;
    let known: Option<i64> = sqlx::query_scalar(
        "select 1 from pragma_table_info('projection_position') where name = 'frontier'",
    )
    .fetch_optional(&mut *tx)
    .await?;
    let at = match known {
        Some(_) => frontier(&mut tx).await?,
        None => None,
    };
    let at = match at {
        Some(at) => at,
        None => {
            empty::<M>(&mut tx).await?;
            Frontier::default()
        }
    };
    tx.commit().await?;
    Ok(at)
}

/// Makes the file what it was before the first event; whoever reads sees it so at once.
pub(crate) async fn reset<M: ReadModel>(writer: &mut SqliteConnection) -> anyhow::Result<()> {
    let mut tx = writer.begin_with("begin immediate").await?;
    empty::<M>(&mut tx).await?;
    Ok(tx.commit().await?)
}

async fn empty<M: ReadModel>(tx: &mut SqliteConnection) -> anyhow::Result<()> {
    loop {
        // One by one: with a table of a full-text index others go, and indexes and triggers go with their tables.
        let table: Option<String> = sqlx::query_scalar(
            "select name from sqlite_master where type = 'table' and name not like 'sqlite\\_%' escape '\\'
             order by sql like 'create virtual table%' desc limit 1",
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(table) = table else { break };
        sqlx::query(AssertSqlSafe(format!("drop table \"{table}\"")))
            .execute(&mut *tx)
            .await?;
    }
    sqlx::raw_sql(AssertSqlSafe(M::SCHEMA))
        .execute(&mut *tx)
        .await
        .context("schema of the read model")?;
    sqlx::raw_sql(
        "create table projection_position
           (one integer primary key check (one = 1), position integer not null, frontier blob not null) strict;
         insert into projection_position values (1, 0, x'');",
    )
    .execute(&mut *tx)
    .await?;
    Ok(())
}

async fn frontier(connection: &mut SqliteConnection) -> anyhow::Result<Option<Frontier>> {
    let (position, hashes): (i64, Vec<u8>) =
        sqlx::query_as("select position, frontier from projection_position")
            .fetch_one(connection)
            .await?;
    let position = u64::try_from(position).context("a position below 0")?;
    Ok(Frontier::resume(position, &hashes))
}

/// Moves a file on, within the transaction that changed what it holds.
pub(crate) async fn advance(
    tx: &mut SqliteConnection,
    before: &Frontier,
    after: &Frontier,
) -> anyhow::Result<()> {
    let moved =
        sqlx::query("update projection_position set position = ?, frontier = ? where position = ?")
            .bind(i64::try_from(after.size())?)
            .bind(after.bytes())
            .bind(i64::try_from(before.size())?)
            .execute(tx)
            .await?;
    ensure!(
        moved.rows_affected() == 1,
        "another process writes to this file"
    );
    Ok(())
}

/// Empties the write-ahead log, which has pages as they were; `false` where somebody still reads one.
pub(crate) async fn flush(writer: &mut SqliteConnection) -> anyhow::Result<bool> {
    let (busy, _, _): (i64, i64, i64) = sqlx::query_as("pragma wal_checkpoint(truncate)")
        .fetch_one(writer)
        .await?;
    Ok(busy == 0)
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
