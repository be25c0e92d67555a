//! The witnesses' part of the store: what they said of this log, and what this log's municipality said of others'.

use sqlx::Row as _;

use super::Sqlite;
use crate::{
    store::StoreError,
    witness::{Cosignature, Cosigned},
};

impl Sqlite {
    pub(crate) async fn cosignatures(
        &self,
        first: u64,
        last: u64,
    ) -> Result<Vec<Cosignature>, StoreError> {
        let rows = sqlx::query(
            "SELECT size, witness, line FROM cosignature WHERE size >= ?1 AND size <= ?2 ORDER BY size, witness",
        )
        .bind(first.cast_signed())
        .bind(last.cast_signed())
        .fetch_all(&self.readers)
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
            "SELECT size, cosigned_us FROM cosignature WHERE witness = coalesce(?1, witness) ORDER BY size DESC LIMIT 1",
        )
        .bind(witness.map(str::to_owned))
        .fetch_optional(&self.readers)
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
        let mut tx = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        for it in cosignatures {
            sqlx::query("INSERT INTO cosignature (size, witness, line, cosigned_us) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING")
                .bind(it.size.cast_signed())
                .bind(it.witness.clone())
                .bind(it.line.clone())
                .bind(now)
                .execute(&mut *tx)
                .await?;
        }
        Ok(tx.commit().await?)
    }

    pub(crate) async fn witnessed(&self, origin: &[u8; 32]) -> Result<Option<String>, StoreError> {
        let note = sqlx::query_scalar("SELECT note FROM witnessed WHERE origin_hash = ?1")
            .bind(origin.to_vec())
            .fetch_optional(&self.readers)
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
        const FIRST: &str = "INSERT INTO witnessed (origin_hash, size, note, cosigned_us) VALUES (?1, ?2, ?3, ?4) \
            ON CONFLICT DO NOTHING";
        const NEXT: &str = "UPDATE witnessed SET size = ?2, note = ?3, cosigned_us = ?4 \
            WHERE origin_hash = ?1 AND note = ?5";
        let query = sqlx::query(before.map_or(FIRST, |_| NEXT))
            .bind(origin.to_vec())
            .bind(size.cast_signed())
            .bind(note.to_owned())
            .bind(now);
        let query = match before {
            Some(before) => query.bind(before.to_owned()),
            None => query,
        };
        Ok(query.execute(&self.writer).await?.rows_affected() == 1)
    }
}
