//! Carries a key store from one database to another: that is how keys are backed up, restored, and moved to another kind of store.
//!
//! Rows are carried as they are: keys wrapped, destroyed ones as the empty places they left, files sealed. No master key is needed.

use std::{
    fs::{self, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use uuid::Uuid;

use super::{Store, VaultError, postgres, sqlite};

/// Rows in one statement; a file may have some megabytes.
const KEYS: i64 = 500;
const FILES: i64 = 8;

/// What was carried.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Copied {
    /// Data keys, with those that were destroyed.
    pub keys: u64,
    /// Sealed files.
    pub files: u64,
}

/// Why nothing, or not all, was carried.
#[derive(Debug, thiserror::Error)]
pub enum NotCopied {
    /// There are keys where nothing was expected.
    #[error("there are keys already")]
    NotEmpty,
    /// What was carried under that epoch is dead.
    #[error("the master key of an epoch was destroyed meanwhile: begin again, into another store")]
    EpochEnded,
    /// The file cannot be made.
    #[error("the key store's file cannot be made")]
    File(#[from] io::Error),
    /// A store does not open or does not answer.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl From<sqlx::Error> for NotCopied {
    fn from(error: sqlx::Error) -> Self {
        Self::Vault(error.into())
    }
}

/// Municipality, subject, epoch, wrapped key, and when it was destroyed.
type KeyRow = (String, String, i64, Option<Vec<u8>>, Option<i64>);

/// Municipality, id, digest, subject and the sealed bytes of a file.
type FileRow = (String, Uuid, Vec<u8>, String, Vec<u8>);

/// Copies every key and file of one store (`postgres://…` or `sqlite:FILE`) into another, which must be empty; a file that is made
/// for it is its owner's alone.
pub async fn copy(from: &str, to: &str) -> Result<Copied, NotCopied> {
    if let Some(file) = to.strip_prefix("sqlite:") {
        make(Path::new(file.strip_prefix("//").unwrap_or(file)))?;
    }
    let (from, to) = (open(from).await?, open(to).await?);
    if !keys(&to, ("", ""), 1).await?.is_empty() || !to.masters().await?.is_empty() {
        return Err(NotCopied::NotEmpty);
    }
    let masters = from.masters().await?;
    let mut copied = Copied::default();
    // Files first: a key that is destroyed meanwhile takes its files along, never the other way round.
    let mut after = (String::new(), Uuid::nil(), vec![]);
    loop {
        let rows = match &from {
            Store::Postgres(from) => from.file_rows(&after, FILES).await?,
            Store::Sqlite(from) => from.file_rows(&after, FILES).await?,
        };
        let Some(last) = rows.last() else { break };
        after = (last.0.clone(), last.1, last.2.clone());
        copied.files += rows.len() as u64;
        match &to {
            Store::Postgres(to) => to.put_files(&rows).await?,
            Store::Sqlite(to) => to.put_files(&rows).await?,
        }
    }
    let mut after = (String::new(), String::new());
    loop {
        let rows = keys(&from, (&after.0, &after.1), KEYS).await?;
        let Some(last) = rows.last() else { break };
        after = (last.0.clone(), last.1.clone());
        copied.keys += rows.len() as u64;
        match &to {
            Store::Postgres(to) => to.put_keys(&rows).await?,
            Store::Sqlite(to) => to.put_keys(&rows).await?,
        }
    }
    // Last, so that there is none whose keys were carried already.
    let epochs = from.masters().await?;
    if masters.iter().any(|it| !epochs.contains(it)) {
        return Err(NotCopied::EpochEnded);
    }
    for (epoch, check) in epochs {
        to.put_master(epoch, &check).await?;
    }
    if let Some(epoch) = from.current().await? {
        to.set_current(epoch).await?;
    }
    if let Store::Sqlite(to) = &to {
        // One file, without a write-ahead log beside it.
        to.settle().await?;
    }
    Ok(copied)
}

async fn open(store: &str) -> Result<Store, VaultError> {
    match store.split_once(':') {
        Some(("sqlite", file)) => Ok(Store::Sqlite(sqlite::Keys::open(file).await?)),
        Some(("postgres" | "postgresql", _)) => {
            Ok(Store::Postgres(postgres::Keys::open(store).await?))
        }
        Some(_) | None => Err(VaultError::NotAStore),
    }
}

async fn keys(store: &Store, after: (&str, &str), limit: i64) -> sqlx::Result<Vec<KeyRow>> {
    match store {
        Store::Postgres(store) => store.key_rows(after, limit).await,
        Store::Sqlite(store) => store.key_rows(after, limit).await,
    }
}

fn make(file: &Path) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file);
    match made {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// The reading and the writing of rows: both kinds of database understand the same statements.
macro_rules! rows {
    ($keys:ty) => {
        impl $keys {
            async fn key_rows(&self, after: (&str, &str), limit: i64) -> sqlx::Result<Vec<KeyRow>> {
                sqlx::query_as(
                    "select municipality, subject, epoch, wrapped, destroyed_at from data_keys
                     where (municipality, subject) > ($1, $2) order by municipality, subject limit $3",
                )
                .bind(after.0.to_owned())
                .bind(after.1.to_owned())
                .bind(limit)
                .fetch_all(self.pool())
                .await
            }

            async fn put_keys(&self, rows: &[KeyRow]) -> sqlx::Result<()> {
                let mut transaction = self.pool().begin().await?;
                for row in rows {
                    sqlx::query(
                        "insert into data_keys (municipality, subject, epoch, wrapped, destroyed_at)
                         values ($1, $2, $3, $4, $5)",
                    )
                    .bind(row.0.clone())
                    .bind(row.1.clone())
                    .bind(row.2)
                    .bind(row.3.clone())
                    .bind(row.4)
                    .execute(&mut *transaction)
                    .await?;
                }
                transaction.commit().await
            }

            async fn file_rows(
                &self,
                after: &(String, Uuid, Vec<u8>),
                limit: i64,
            ) -> sqlx::Result<Vec<FileRow>> {
                sqlx::query_as(
                    "select municipality, id, sha256, subject, sealed from attachment
                     where (municipality, id, sha256) > ($1, $2, $3) order by municipality, id, sha256 limit $4",
                )
                .bind(after.0.clone())
                .bind(after.1)
                .bind(after.2.clone())
                .bind(limit)
                .fetch_all(self.pool())
                .await
            }

            async fn put_files(&self, rows: &[FileRow]) -> sqlx::Result<()> {
                let mut transaction = self.pool().begin().await?;
                for row in rows {
                    sqlx::query(
                        "insert into attachment (municipality, id, sha256, subject, sealed)
                         values ($1, $2, $3, $4, $5)",
                    )
                    .bind(row.0.clone())
                    .bind(row.1)
                    .bind(row.2.clone())
                    .bind(row.3.clone())
                    .bind(row.4.clone())
                    .execute(&mut *transaction)
                    .await?;
                }
                transaction.commit().await
            }
        }
    };
}

rows!(postgres::Keys);
rows!(sqlite::Keys);
