//! The tree's part of the store: commitments out; full tiles and signed checkpoints in and out.

use sqlx::{Row as _, sqlite::SqliteRow};

use super::Sqlite;
use crate::{
    store::StoreError,
    tree::{FullTile, Signed},
};

impl Sqlite {
    pub(crate) async fn commitments(
        &self,
        after: u64,
        limit: u64,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let commitments = sqlx::query_scalar(
            "SELECT commitment FROM event WHERE position > ?1 AND position <= ?2 ORDER BY position",
        )
        .bind(after.cast_signed())
        .bind((after + limit).cast_signed())
        .fetch_all(&self.readers)
        .await?;
        Ok(commitments)
    }

    pub(crate) async fn tile(&self, level: u8, index: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let hashes =
            sqlx::query_scalar("SELECT hashes FROM tile WHERE level = ?1 AND tile_index = ?2")
                .bind(i64::from(level))
                .bind(index.cast_signed())
                .fetch_optional(&self.readers)
                .await?;
        Ok(hashes)
    }

    pub(crate) async fn tile_roots(
        &self,
        level: u8,
        first: u64,
        count: u64,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let roots = sqlx::query_scalar(
            "SELECT root FROM tile WHERE level = ?1 AND tile_index >= ?2 AND tile_index < ?3 ORDER BY tile_index",
        )
        .bind(i64::from(level))
        .bind(first.cast_signed())
        .bind((first + count).cast_signed())
        .fetch_all(&self.readers)
        .await?;
        Ok(roots)
    }

    pub(crate) async fn latest_checkpoint(&self) -> Result<Option<Signed>, StoreError> {
        let row = sqlx::query("SELECT size, note FROM checkpoint ORDER BY size DESC LIMIT 1")
            .fetch_optional(&self.readers)
            .await?;
        Ok(row.as_ref().map(signed).transpose()?)
    }

    pub(crate) async fn checkpoints(
        &self,
        after: u64,
        limit: u64,
    ) -> Result<Vec<Signed>, StoreError> {
        let rows =
            sqlx::query("SELECT size, note FROM checkpoint WHERE size > ?1 ORDER BY size LIMIT ?2")
                .bind(after.cast_signed())
                .bind(limit.cast_signed())
                .fetch_all(&self.readers)
                .await?;
        let checkpoints: sqlx::Result<Vec<Signed>> = rows.iter().map(signed).collect();
        Ok(checkpoints?)
    }

    /// Tiles and the checkpoint that needs them, in one transaction. Who comes second writes nothing: both wrote the same.
    pub(crate) async fn keep(
        &self,
        tiles: &[FullTile],
        signed: &[Signed],
        now: i64,
    ) -> Result<(), StoreError> {
        let mut tx = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        for tile in tiles {
            sqlx::query(
                "INSERT INTO tile (level, tile_index, root, hashes) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
            )
            .bind(i64::from(tile.level))
            .bind(tile.index.cast_signed())
            .bind(tile.root.to_vec())
            .bind(tile.hashes.clone())
            .execute(&mut *tx)
            .await?;
        }
        for signed in signed {
            sqlx::query("INSERT INTO checkpoint (size, note, signed_us) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")
                .bind(signed.size.cast_signed())
                .bind(signed.note.clone())
                .bind(now)
                .execute(&mut *tx)
                .await?;
        }
        Ok(tx.commit().await?)
    }
}

fn signed(row: &SqliteRow) -> sqlx::Result<Signed> {
    Ok(Signed {
        size: row.try_get::<i64, _>("size")?.cast_unsigned(),
        note: row.try_get("note")?,
    })
}
