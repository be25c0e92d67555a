//! Takes personal parts out. The role that appends may not; where there are roles it becomes `cozum_eraser` for this transaction,
//! which may change these two columns and, by a trigger of its own, only to nothing.

use sqlx::{PgConnection, PgPool};

use super::Postgres;
use crate::store::StoreError;

/// What this login may: update by itself (the owner, or one database for everything), or as a member of the role.
const MAY: &str = "SELECT has_column_privilege('event', 'personal', 'UPDATE'), \
    EXISTS (SELECT FROM pg_roles WHERE rolname = 'cozum_eraser' AND pg_has_role(oid, 'MEMBER'))";

impl Postgres {
    pub(crate) async fn may_erase(&self) -> Result<bool, StoreError> {
        let (itself, as_member) = may(&self.pool).await?;
        Ok(itself || as_member)
    }

    pub(crate) async fn erase(&self, positions: &[i64]) -> Result<(), StoreError> {
        let (itself, _) = may(&self.pool).await?;
        let mut tx = self.pool.begin().await?;
        if !itself {
            as_eraser(&mut tx).await?;
        }
        sqlx::query(
            "UPDATE event SET personal = NULL, personal_salt = NULL \
             WHERE log = $1 AND position = ANY ($2) AND personal IS NOT NULL",
        )
        .bind(&*self.log)
        .bind(positions)
        .execute(&mut *tx)
        .await?;
        Ok(tx.commit().await?)
    }
}

async fn may(pool: &PgPool) -> sqlx::Result<(bool, bool)> {
    sqlx::query_as(MAY).fetch_one(pool).await
}

async fn as_eraser(connection: &mut PgConnection) -> sqlx::Result<()> {
    let role = sqlx::query("SET LOCAL ROLE cozum_eraser");
    role.execute(connection).await.map(drop)
}
