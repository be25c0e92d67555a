//! Why a store did not do what was asked, and whether it may do it later.

use sqlx::postgres::PgDatabaseError;

use super::Head;

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, is restarting, or asks to try again: nothing is known about what was sent.
    #[error("the store is away")]
    Away(#[source] sqlx::Error),
    /// It did not answer in time: nothing is known about what was sent.
    #[error("the store does not answer")]
    Silent,
    /// It refused a statement, and would again.
    #[error("the store refused")]
    Refused(#[source] sqlx::Error),
    /// The head row is not at the newest event, and a ledger moves both in one transaction: somebody must look. To append
    /// would leave a hole, or a second history.
    #[error(
        "the head row is at {head}, the newest event at {newest}: nothing is appended until somebody has looked"
    )]
    Torn {
        /// Where the head row says that the log ends.
        head: Head,
        /// Where it ends.
        newest: Head,
    },
    /// It ends before what was committed to it: it came back without its newest events.
    #[error(
        "the store is at {head}, though {committed} was committed: nothing is appended until those events are back"
    )]
    FellBack {
        /// Where it ends.
        head: Head,
        /// The newest position that was seen recorded.
        committed: u64,
    },
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let stays = error.as_database_error().is_some_and(|it| {
            match it.try_downcast_ref::<PgDatabaseError>() {
                Some(error) => crate::postgres::is_final(error),
                None => crate::sqlite::is_final(it),
            }
        });
        if stays
            || matches!(
                error,
                sqlx::Error::ColumnDecode { .. } | sqlx::Error::Encode(_)
            )
        {
            Self::Refused(error)
        } else {
            Self::Away(error)
        }
    }
}

impl StoreError {
    /// Whether the same statement may succeed later.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Away(_) | Self::Silent => true,
            Self::Refused(_) | Self::Torn { .. } | Self::FellBack { .. } => false,
        }
    }
}
