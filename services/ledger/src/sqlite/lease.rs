//! Leases, granted by one conditional statement each.

use sqlx::Row as _;

use super::Sqlite;
use crate::store::{Lease, StoreError};

impl Sqlite {
    pub(crate) async fn acquire_lease(
        &self,
        name: &str,
        holder: &str,
        now: i64,
        until: i64,
    ) -> Result<Lease, StoreError> {
        let row = sqlx::query(
            "INSERT INTO lease (name, holder, epoch, until_us, checkpoint) VALUES (?1, ?2, 1, ?3, 0) \
             ON CONFLICT (name) DO UPDATE SET \
               epoch = CASE WHEN lease.holder = excluded.holder THEN lease.epoch ELSE lease.epoch + 1 END, \
               holder = excluded.holder, until_us = excluded.until_us \
             WHERE lease.holder = excluded.holder OR lease.until_us <= ?4 \
             RETURNING epoch, checkpoint",
        )
        .bind(name.to_owned())
        .bind(holder.to_owned())
        .bind(until)
        .bind(now)
        // To the last step, so that the statement has committed.
        .fetch_all(&self.writer)
        .await?;
        let (granted, row) = match row.into_iter().next() {
            Some(row) => (true, row),
            None => {
                let row = sqlx::query("SELECT epoch, checkpoint FROM lease WHERE name = ?1")
                    .bind(name.to_owned())
                    .fetch_one(&self.readers)
                    .await?;
                (false, row)
            }
        };
        Ok(Lease {
            granted,
            epoch: row.try_get::<i64, _>("epoch")?.cast_unsigned(),
            checkpoint: row.try_get::<i64, _>("checkpoint")?.cast_unsigned(),
        })
    }

    pub(crate) async fn saved(&self) -> Result<Vec<(String, i64)>, StoreError> {
        let saved =
            sqlx::query_as("SELECT name, checkpoint FROM lease WHERE checkpoint > 0 ORDER BY name")
                .fetch_all(&self.readers)
                .await?;
        Ok(saved)
    }

    pub(crate) async fn release_lease(&self, name: &str, holder: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE lease SET until_us = 0 WHERE name = ?1 AND holder = ?2")
            .bind(name.to_owned())
            .bind(holder.to_owned())
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    pub(crate) async fn save_checkpoint(
        &self,
        name: &str,
        epoch: u64,
        position: u64,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE lease SET checkpoint = MAX(checkpoint, ?3) WHERE name = ?1 AND epoch = ?2",
        )
        .bind(name.to_owned())
        .bind(epoch.cast_signed())
        .bind(position.cast_signed())
        .execute(&self.writer)
        .await?;
        Ok(done.rows_affected() == 1)
    }
}
