//! The witnesses' part of the store: what they said of this log, and what this log's municipality said of others'.

use sqlx::Row as _;

use super::Postgres;
use crate::{
    store::StoreError,
    witness::{Cosignature, Cosigned},
};

impl Postgres {
    pub(crate) async fn cosignatures(
        &self,
        first: u64,
        last: u64,
    ) -> Result<Vec<Cosignature>, StoreError> {
        let rows = sqlx::query(
            "SELECT size, witness, line FROM cosignature WHERE log = $1 AND size >= $2 AND size <= $3 ORDER BY size, witness",
        )
        .bind(&*self.log)
        .bind(first.cast_signed())
        .bind(last.cast_signed())
        .fetch_all(&self.pool)
        .await?;
        let all: sqlx::Result<Vec<Cosignature>> = rows
            .iter()
            .map(|row| {
                Ok(Cosignature {
                    size: row.try_get::<i64, _>("size")?.cast_unsigned(),
                    witness: row.try_get("witness")?,
                    line: row.try_get("line")?,
                })
            })
            .collect();
        Ok(all?)
    }

    pub(crate) async fn newest_cosigned(
        &self,
        witness: Option<&str>,
    ) -> Result<Option<Cosigned>, StoreError> {
        let row = sqlx::query(
            "SELECT size, cosigned_us FROM cosignature WHERE log = $1 AND witness = coalesce($2, witness) ORDER BY size DESC LIMIT 1",
        )
        .bind(&*self.log)
        .bind(witness)
        .fetch_optional(&self.pool)
        .await?;
        let cosigned = row.map(|row| {
            Ok::<_, sqlx::Error>(Cosigned {
                size: row.try_get::<i64, _>("size")?.cast_unsigned(),
                at: row.try_get::<i64, _>("cosigned_us")?.cast_unsigned(),
            })
        });
        Ok(cosigned.transpose()?)
    }

    /// Who comes second writes nothing: one cosignature of each witness is enough.
    pub(crate) async fn keep_cosignatures(
        &self,
        cosignatures: &[Cosignature],
        now: i64,
    ) -> Result<(), StoreError> {
        let column =
            |of: fn(&Cosignature) -> &str| -> Vec<&str> { cosignatures.iter().map(of).collect() };
        let sizes: Vec<i64> = cosignatures
            .iter()
            .map(|it| it.size.cast_signed())
            .collect();
        sqlx::query(
            "INSERT INTO cosignature (log, size, witness, line, cosigned_us) \
             SELECT $1, u.*, $5 FROM UNNEST($2::bigint[], $3::text[], $4::text[]) u ON CONFLICT DO NOTHING",
        )
        .bind(&*self.log)
        .bind(sizes)
        .bind(column(|it| &it.witness))
        .bind(column(|it| &it.line))
        .bind(now)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    pub(crate) async fn witnessed(&self, origin: &[u8; 32]) -> Result<Option<String>, StoreError> {
        let note =
            sqlx::query_scalar("SELECT note FROM witnessed WHERE log = $1 AND origin_hash = $2")
                .bind(&*self.log)
                .bind(origin.as_slice())
                .fetch_optional(&self.pool)
                .await?;
        Ok(note)
    }

    pub(crate) async fn witness(
        &self,
        origin: &[u8; 32],
        before: Option<&str>,
        (size, note): (u64, &str),
        now: i64,
    ) -> Result<bool, StoreError> {
        const FIRST: &str = "INSERT INTO witnessed (log, origin_hash, size, note, cosigned_us) VALUES ($1, $2, $3, $4, $5) \
            ON CONFLICT DO NOTHING";
        const NEXT: &str = "UPDATE witnessed SET size = $3, note = $4, cosigned_us = $5 \
            WHERE log = $1 AND origin_hash = $2 AND note = $6";
        let query = sqlx::query(before.map_or(FIRST, |_| NEXT))
            .bind(&*self.log)
            .bind(origin.as_slice())
            .bind(size.cast_signed())
            .bind(note)
            .bind(now);
        let query = match before {
            Some(before) => query.bind(before),
            None => query,
        };
        Ok(query.execute(&self.pool).await?.rows_affected() == 1)
    }
}
