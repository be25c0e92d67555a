//! What witnessing asks of either store.

use super::{Cosignature, Cosigned};
use crate::store::{Store, StoreError, patiently};

impl Store {
    /// What witnesses said of the checkpoints from one size to another, in their order.
    pub(super) async fn cosignatures(
        &self,
        first: u64,
        last: u64,
    ) -> Result<Vec<Cosignature>, StoreError> {
        patiently(|| async {
            match self {
                Self::Postgres(log) => log.cosignatures(first, last).await,
                Self::Sqlite(log) => log.cosignatures(first, last).await,
            }
        })
        .await
    }

    /// The newest checkpoint that this witness cosigned, or any.
    pub(super) async fn newest_cosigned(
        &self,
        witness: Option<&str>,
    ) -> Result<Option<Cosigned>, StoreError> {
        patiently(|| async {
            match self {
                Self::Postgres(log) => log.newest_cosigned(witness).await,
                Self::Sqlite(log) => log.newest_cosigned(witness).await,
            }
        })
        .await
    }

    /// Keeps what witnesses said.
    pub(crate) async fn keep_cosignatures(
        &self,
        cosignatures: &[Cosignature],
        now: i64,
    ) -> Result<(), StoreError> {
        patiently(|| async {
            match self {
                Self::Postgres(log) => log.keep_cosignatures(cosignatures, now).await,
                Self::Sqlite(log) => log.keep_cosignatures(cosignatures, now).await,
            }
        })
        .await
    }

    /// The note that was cosigned last of another log.
    pub(super) async fn witnessed(&self, origin: &[u8; 32]) -> Result<Option<String>, StoreError> {
        patiently(|| async {
            match self {
                Self::Postgres(log) => log.witnessed(origin).await,
                Self::Sqlite(log) => log.witnessed(origin).await,
            }
        })
        .await
    }

    /// Keeps what is cosigned next, if `before` is still what was cosigned last; says whether it was.
    pub(super) async fn witness(
        &self,
        origin: &[u8; 32],
        before: Option<&str>,
        next: (u64, &str),
        now: i64,
    ) -> Result<bool, StoreError> {
        patiently(|| async {
            match self {
                Self::Postgres(log) => log.witness(origin, before, next, now).await,
                Self::Sqlite(log) => log.witness(origin, before, next, now).await,
            }
        })
        .await
    }
}
