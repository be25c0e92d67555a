//! Takes personal parts out. The triggers let two columns become nothing, and nothing else change; what was there is overwritten
//! (`secure_delete`), and the write-ahead log, which still has it, is emptied.

use super::Sqlite;
use crate::store::StoreError;

impl Sqlite {
    pub(crate) async fn erase(&self, positions: &[i64]) -> Result<(), StoreError> {
        let list: Vec<String> = positions.iter().map(i64::to_string).collect();
        sqlx::query(
            "UPDATE event SET personal = NULL, personal_salt = NULL \
             WHERE position IN (SELECT value FROM json_each(?1)) AND personal IS NOT NULL",
        )
        .bind(format!("[{}]", list.join(",")))
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    /// Empties the write-ahead log; whoever reads at the moment is waited for.
    pub(crate) async fn forget(&self) -> Result<(), StoreError> {
        let (busy, _, _): (i64, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)")
            .fetch_one(&self.writer)
            .await?;
        if busy == 0 {
            Ok(())
        } else {
            Err(StoreError::Silent)
        }
    }
}
