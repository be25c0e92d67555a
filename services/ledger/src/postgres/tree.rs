//! The tree's part of the store: commitments out; full tiles and signed checkpoints in and out.

use sqlx::Row as _;

use super::Postgres;
use crate::{
    store::StoreError,
    tree::{FullTile, Signed},
};

/// Tiles and the checkpoint that needs them, in one statement. Who comes second writes nothing: both wrote the same.
const KEEP: &str = "\
WITH t AS (
  INSERT INTO tile (log, level, tile_index, root, hashes)
  SELECT $1, u.* FROM UNNEST($2::bigint[], $3::bigint[], $4::bytea[], $5::bytea[]) u
  ON CONFLICT DO NOTHING
)
INSERT INTO checkpoint (log, size, note, signed_us)
SELECT $1, u.*, $8 FROM UNNEST($6::bigint[], $7::text[]) u
ON CONFLICT DO NOTHING";

impl Postgres {
    pub(crate) async fn commitments(
        &self,
        after: u64,
        limit: u64,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let commitments = sqlx::query_scalar(
            "SELECT commitment FROM event WHERE log = $1 AND position > $2 AND position <= $3 ORDER BY position",
        )
        .bind(&*self.log)
        .bind(after.cast_signed())
        .bind((after + limit).cast_signed())
        .fetch_all(&self.pool)
        .await?;
        Ok(commitments)
    }

    pub(crate) async fn tile(&self, level: u8, index: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let hashes = sqlx::query_scalar(
            "SELECT hashes FROM tile WHERE log = $1 AND level = $2 AND tile_index = $3",
        )
        .bind(&*self.log)
        .bind(i64::from(level))
        .bind(index.cast_signed())
        .fetch_optional(&self.pool)
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
            "SELECT root FROM tile WHERE log = $1 AND level = $2 AND tile_index >= $3 AND tile_index < $4 \
             ORDER BY tile_index",
        )
        .bind(&*self.log)
        .bind(i64::from(level))
        .bind(first.cast_signed())
        .bind((first + count).cast_signed())
        .fetch_all(&self.pool)
        .await?;
        Ok(roots)
    }

    pub(crate) async fn latest_checkpoint(&self) -> Result<Option<Signed>, StoreError> {
        let row = sqlx::query(
            "SELECT size, note FROM checkpoint WHERE log = $1 ORDER BY size DESC LIMIT 1",
        )
        .bind(&*self.log)
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.as_ref().map(signed).transpose()?)
    }

    pub(crate) async fn checkpoints(
        &self,
        after: u64,
        limit: u64,
    ) -> Result<Vec<Signed>, StoreError> {
        let rows = sqlx::query(
            "SELECT size, note FROM checkpoint WHERE log = $1 AND size > $2 ORDER BY size LIMIT $3",
        )
        .bind(&*self.log)
        .bind(after.cast_signed())
        .bind(limit.cast_signed())
        .fetch_all(&self.pool)
        .await?;
        let checkpoints: sqlx::Result<Vec<Signed>> = rows.iter().map(signed).collect();
        Ok(checkpoints?)
    }

    pub(crate) async fn keep(
        &self,
        tiles: &[FullTile],
        signed: &[Signed],
        now: i64,
    ) -> Result<(), StoreError> {
        let column = |of: fn(&FullTile) -> i64| -> Vec<i64> { tiles.iter().map(of).collect() };
        let bytes = |of: fn(&FullTile) -> &[u8]| -> Vec<&[u8]> { tiles.iter().map(of).collect() };
        let sizes: Vec<i64> = signed.iter().map(|it| it.size.cast_signed()).collect();
        let notes: Vec<&str> = signed.iter().map(|it| it.note.as_str()).collect();
        sqlx::query(KEEP)
            .bind(&*self.log)
            .bind(column(|it| i64::from(it.level)))
            .bind(column(|it| it.index.cast_signed()))
            .bind(bytes(|it| &it.root))
            .bind(bytes(|it| &it.hashes))
            .bind(sizes)
            .bind(notes)
            .bind(now)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

fn signed(row: &sqlx::postgres::PgRow) -> sqlx::Result<Signed> {
    Ok(Signed {
        size: row.try_get::<i64, _>("size")?.cast_unsigned(),
        note: row.try_get("note")?,
    })
}
