use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    time::Duration,
};

use sqlx::{
    Row as _, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use uuid::Uuid;
use vocabulary::Municipality;

use super::{SealedFile, Wrapped};
use crate::cache::KeyName;

/// The key store in one SQLite file.
pub(super) struct Keys(SqlitePool);

impl Keys {
    pub(super) fn pool(&self) -> &SqlitePool {
        &self.0
    }

    pub(super) async fn open(file: &str) -> Result<Self, sqlx::Error> {
        let file = Path::new(file.strip_prefix("//").unwrap_or(file));
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A key given out is on disk.
            .synchronous(SqliteSynchronous::Full)
            // A destroyed key leaves no bytes behind.
            .pragma("secure_delete", "on")
            .busy_timeout(Duration::from_secs(5));
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .connect_with(options)
            .await?;
        sqlx::raw_sql(include_str!("../schema/sqlite.sql"))
            .execute(&pool)
            .await?;
        Ok(Self(pool))
    }

    /// Leaves the database as one file: no write-ahead log stays beside it.
    pub(super) async fn settle(&self) -> Result<(), sqlx::Error> {
        self.0.close().await;
        Ok(())
    }

    /// Gives those that were not there before; takes none under an epoch that is not the current one.
    pub(super) async fn insert(
        &self,
        names: &[KeyName],
        epoch: i64,
        fresh: &[Vec<u8>],
    ) -> Result<BTreeSet<KeyName>, sqlx::Error> {
        let mut inserted = BTreeSet::new();
        let mut transaction = self.0.begin_with("begin immediate").await?;
        let current: Option<i64> = sqlx::query_scalar("select epoch from current_epoch")
            .fetch_optional(&mut *transaction)
            .await?;
        if current != Some(epoch) {
            return Ok(inserted);
        }
        for (name, wrapped) in names.iter().zip(fresh) {
            let done = sqlx::query(
                "insert into data_keys (municipality, subject, epoch, wrapped) values (?1, ?2, ?3, ?4)
                 on conflict do nothing",
            )
            .bind(name.municipality.as_str())
            .bind(name.subject.as_str())
            .bind(epoch)
            .bind(wrapped)
            .execute(&mut *transaction)
            .await?;
            if done.rows_affected() == 1 {
                inserted.insert(name.clone());
            }
        }
        transaction.commit().await?;
        Ok(inserted)
    }

    pub(super) async fn find(
        &self,
        names: &[KeyName],
    ) -> Result<BTreeMap<KeyName, Wrapped>, sqlx::Error> {
        // Neither a municipality nor a subject can hold a quote or a backslash: see their constructors.
        let wanted: Vec<String> = names
            .iter()
            .map(|it| format!(r#"["{}","{}"]"#, it.municipality, it.subject))
            .collect();
        let rows = sqlx::query(
            "select wanted.key, epoch, wrapped from json_each(?1) as wanted
             join data_keys on municipality = wanted.value ->> 0 and subject = wanted.value ->> 1",
        )
        .bind(format!("[{}]", wanted.join(",")))
        .fetch_all(&self.0)
        .await?;
        let mut found = BTreeMap::new();
        for row in rows {
            let at = usize::try_from(row.try_get::<i64, _>(0)?).unwrap_or(usize::MAX);
            if let Some(name) = names.get(at) {
                found.insert(name.clone(), Wrapped(row.try_get(1)?, row.try_get(2)?));
            }
        }
        Ok(found)
    }

    pub(super) async fn destroyed(
        &self,
        municipality: &Municipality,
        since: i64,
    ) -> Result<Vec<String>, sqlx::Error> {
        sqlx::query_scalar(
            "select subject from data_keys
             where municipality = ?1 and destroyed_at >= ?2 and destroyed_at is not null order by subject",
        )
        .bind(municipality.as_str())
        .bind(since)
        .fetch_all(&self.0)
        .await
    }

    pub(super) async fn destroy(
        &self,
        name: &KeyName,
        epoch: i64,
        at: i64,
    ) -> Result<(), sqlx::Error> {
        let mut transaction = self.0.begin_with("begin immediate").await?;
        sqlx::query(
            "insert into data_keys (municipality, subject, epoch, wrapped, destroyed_at) values (?1, ?2, ?3, null, ?4)
             on conflict (municipality, subject) do update
             set wrapped = null, destroyed_at = coalesce(data_keys.destroyed_at, excluded.destroyed_at)",
        )
        .bind(name.municipality.as_str())
        .bind(name.subject.as_str())
        .bind(epoch)
        .bind(at)
        .execute(&mut *transaction)
        .await?;
        sqlx::query("delete from attachment where municipality = ?1 and subject = ?2")
            .bind(name.municipality.as_str())
            .bind(name.subject.as_str())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        self.flush().await
    }

    /// The write-ahead log still holds the pages as they were before.
    pub(super) async fn flush(&self) -> Result<(), sqlx::Error> {
        sqlx::raw_sql("pragma wal_checkpoint(truncate)")
            .execute(&self.0)
            .await?;
        Ok(())
    }

    pub(super) async fn keep_files(
        &self,
        municipality: &Municipality,
        files: &[SealedFile],
    ) -> Result<(), sqlx::Error> {
        let mut transaction = self.0.begin_with("begin immediate").await?;
        for file in files {
            sqlx::query(
                "insert into attachment (municipality, id, sha256, subject, sealed) values (?1, ?2, ?3, ?4, ?5)
                 on conflict do nothing",
            )
            .bind(municipality.as_str())
            .bind(file.id)
            .bind(file.sha256.as_slice())
            .bind(file.subject.as_str())
            .bind(file.ciphertext.as_slice())
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await
    }

    pub(super) async fn file(
        &self,
        owner: &KeyName,
        id: Uuid,
        sha256: &[u8],
    ) -> Result<Option<Vec<u8>>, sqlx::Error> {
        sqlx::query_scalar(
            "select sealed from attachment where municipality = ?1 and id = ?2 and sha256 = ?3 and subject = ?4",
        )
        .bind(owner.municipality.as_str())
        .bind(id)
        .bind(sha256)
        .bind(owner.subject.as_str())
        .fetch_optional(&self.0)
        .await
    }
}
