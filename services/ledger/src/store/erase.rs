//! The one change that an event can meet: its personal part goes.

use super::{Store, StoreError, patiently};

impl Store {
    /// Takes the personal parts of these positions out, with their salts; nothing else can change. Whoever asks has an order of it in
    /// the log. Again changes nothing.
    pub(crate) async fn erase(&self, positions: &[u64]) -> Result<(), StoreError> {
        let positions: Vec<i64> = positions.iter().map(|it| it.cast_signed()).collect();
        patiently(|| async {
            match self {
                Self::Postgres(log) => log.erase(&positions).await,
                Self::Sqlite(log) => log.erase(&positions).await,
            }
        })
        .await
    }

    /// Has the store forget what it keeps of erased parts beside the log, as far as it can be told to. PostgreSQL has them in dead rows
    /// until VACUUM, which is for the tables' owner.
    pub(crate) async fn forget(&self) -> Result<(), StoreError> {
        patiently(|| async {
            match self {
                Self::Postgres(_) => Ok(()),
                Self::Sqlite(log) => log.forget().await,
            }
        })
        .await
    }

    /// Whether the store lets this login do so.
    pub(crate) async fn may_erase(&self) -> Result<bool, StoreError> {
        patiently(|| async {
            match self {
                Self::Postgres(log) => log.may_erase().await,
                // Its triggers let everybody who has the file do this and nothing else.
                Self::Sqlite(_) => Ok(true),
            }
        })
        .await
    }
}
