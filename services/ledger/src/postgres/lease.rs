//! Leases, granted by one conditional statement each.

use sqlx::Row as _;

use super::Postgres;
use crate::store::{Lease, StoreError};

impl Postgres {
    pub(crate) async fn acquire_lease(
        &self,
        name: &str,
        holder: &str,
        now: i64,
        until: i64,
    ) -> Result<Lease, StoreError> {
        let row = sqlx::query(
            "INSERT INTO lease (log, name, holder, epoch, until_us, checkpoint) VALUES ($1, $2, $3, 1, $4, 0) \
             ON CONFLICT (log, name) DO UPDATE SET \
               epoch = CASE WHEN lease.holder = EXCLUDED.holder THEN lease.epoch ELSE lease.epoch + 1 END, \
               holder = EXCLUDED.holder, until_us = EXCLUDED.until_us \
             WHERE lease.holder = EXCLUDED.holder OR lease.until_us <= $5 \
             RETURNING epoch, checkpoint",
        )
        .bind(&*self.log)
        .bind(name)
        .bind(holder)
        .bind(until)
        .bind(now)
        .fetch_optional(&self.pool)
        .await?;
        let (granted, row) = match row {
            Some(row) => (true, row),
            None => {
                let row =
                    sqlx::query("SELECT epoch, checkpoint FROM lease WHERE log = $1 AND name = $2")
                        .bind(&*self.log)
                        .bind(name)
                        .fetch_one(&self.pool)
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
        let saved = sqlx::query_as(
            "SELECT name, checkpoint FROM lease WHERE log = $1 AND checkpoint > 0 ORDER BY name",
        )
        .bind(&*self.log)
        .fetch_all(&self.pool)
        .await?;
        Ok(saved)
    }

    pub(crate) async fn release_lease(&self, name: &str, holder: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE lease SET until_us = 0 WHERE log = $1 AND name = $2 AND holder = $3")
            .bind(&*self.log)
            .bind(name)
            .bind(holder)
            .execute(&self.pool)
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
            "UPDATE lease SET checkpoint = GREATEST(checkpoint, $4) WHERE log = $1 AND name = $2 AND epoch = $3",
        )
        .bind(&*self.log)
        .bind(name)
        .bind(epoch.cast_signed())
        .bind(position.cast_signed())
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }
}
