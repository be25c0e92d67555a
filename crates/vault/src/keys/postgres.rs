use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use sqlx::{
    PgPool, Row as _,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use uuid::Uuid;
use vocabulary::Municipality;

use super::{SealedFile, Wrapped};
use crate::cache::KeyName;

/// The key store in PostgreSQL.
pub(super) struct Keys(PgPool);

impl Keys {
    pub(super) fn pool(&self) -> &PgPool {
        &self.0
    }

    pub(super) async fn open(url: &str) -> Result<Self, sqlx::Error> {
        // A key given out is on disk, whatever the server's default is.
        let options: PgConnectOptions = url
            .parse::<PgConnectOptions>()?
            .options([("synchronous_commit", "on")]);
        let pool = PgPoolOptions::new()
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(5))
            .connect_with(options)
            .await?;
        // Two replicas that start at once may collide in the catalogue; the second try finds the tables.
        for _ in 0..4 {
            if sqlx::raw_sql(include_str!("../schema/postgres.sql"))
                .execute(&pool)
                .await
                .is_ok()
            {
                return Ok(Self(pool));
            }
        }
        sqlx::raw_sql(include_str!("../schema/postgres.sql"))
            .execute(&pool)
            .await?;
        Ok(Self(pool))
    }

    /// Gives those that were not there before; takes none under an epoch that is not the current one.
    pub(super) async fn insert(
        &self,
        names: &[KeyName],
        epoch: i64,
        fresh: &[Vec<u8>],
    ) -> Result<BTreeSet<KeyName>, sqlx::Error> {
        let (municipalities, subjects) = columns(names);
        let rows: Vec<(String, String)> = sqlx::query_as(
            "with current as (select 1 from current_epoch where epoch = $1 for share)
             insert into data_keys (municipality, subject, epoch, wrapped)
             select municipality, subject, $1, wrapped
             from unnest($2::text[], $3::text[], $4::bytea[]) as fresh (municipality, subject, wrapped), current
             on conflict do nothing returning municipality, subject",
        )
        .bind(epoch)
        .bind(municipalities)
        .bind(subjects)
        .bind(fresh)
        .fetch_all(&self.0)
        .await?;
        let inserted: BTreeSet<(String, String)> = rows.into_iter().collect();
        let is_new = |it: &&KeyName| {
            let name = (it.municipality.to_string(), it.subject.to_string());
            inserted.contains(&name)
        };
        Ok(names.iter().filter(is_new).cloned().collect())
    }

    pub(super) async fn find(
        &self,
        names: &[KeyName],
    ) -> Result<BTreeMap<KeyName, Wrapped>, sqlx::Error> {
        let (municipalities, subjects) = columns(names);
        let rows = sqlx::query(
            "select wanted.at, epoch, wrapped
             from unnest($1::text[], $2::text[]) with ordinality as wanted (municipality, subject, at)
             join data_keys using (municipality, subject)",
        )
        .bind(municipalities)
        .bind(subjects)
        .fetch_all(&self.0)
        .await?;
        let mut found = BTreeMap::new();
        for row in rows {
            let at = usize::try_from(row.try_get::<i64, _>(0)?).unwrap_or_default();
            if let Some(name) = names.get(at.wrapping_sub(1)) {
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
             where municipality = $1 and destroyed_at >= $2 and destroyed_at is not null order by subject",
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
        let mut transaction = self.0.begin().await?;
        sqlx::query(
            "insert into data_keys (municipality, subject, epoch, wrapped, destroyed_at) values ($1, $2, $3, null, $4)
             on conflict (municipality, subject) do update
             set wrapped = null, destroyed_at = coalesce(data_keys.destroyed_at, excluded.destroyed_at)",
        )
        .bind(name.municipality.as_str())
        .bind(name.subject.as_str())
        .bind(epoch)
        .bind(at)
        .execute(&mut *transaction)
        .await?;
        sqlx::query("delete from attachment where municipality = $1 and subject = $2")
            .bind(name.municipality.as_str())
            .bind(name.subject.as_str())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await
    }

    pub(super) async fn keep_files(
        &self,
        municipality: &Municipality,
        files: &[SealedFile],
    ) -> Result<(), sqlx::Error> {
        let mut transaction = self.0.begin().await?;
        for file in files {
            sqlx::query(
                "insert into attachment (municipality, id, sha256, subject, sealed) values ($1, $2, $3, $4, $5)
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
            "select sealed from attachment where municipality = $1 and id = $2 and sha256 = $3 and subject = $4",
        )
        .bind(owner.municipality.as_str())
        .bind(id)
        .bind(sha256)
        .bind(owner.subject.as_str())
        .fetch_optional(&self.0)
        .await
    }
}

fn columns(names: &[KeyName]) -> (Vec<&str>, Vec<&str>) {
    names
        .iter()
        .map(|it| (it.municipality.as_str(), it.subject.as_str()))
        .unzip()
}
