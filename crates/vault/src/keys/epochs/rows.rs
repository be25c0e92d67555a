use super::super::{Store, postgres, sqlite};

/// Municipality, subject, epoch and wrapped key.
pub(in crate::keys) type Row = (String, String, i64, Vec<u8>);

/// What both kinds of database do by the same statements.
macro_rules! epochs {
    ($keys:ty) => {
        impl $keys {
            pub(in crate::keys) async fn masters(&self) -> sqlx::Result<Vec<(i64, Vec<u8>)>> {
                sqlx::query_as("select epoch, check_value from master_keys order by epoch")
                    .fetch_all(self.pool())
                    .await
            }

            pub(in crate::keys) async fn put_master(&self, epoch: i64, check: &[u8]) -> sqlx::Result<()> {
                sqlx::query("insert into master_keys (epoch, check_value) values ($1, $2)")
                    .bind(epoch)
                    .bind(check.to_vec())
                    .execute(self.pool())
                    .await?;
                Ok(())
            }

            pub(in crate::keys) async fn current(&self) -> sqlx::Result<Option<i64>> {
                sqlx::query_scalar("select epoch from current_epoch")
                    .fetch_optional(self.pool())
                    .await
            }

            pub(in crate::keys) async fn set_current(&self, epoch: i64) -> sqlx::Result<()> {
                sqlx::query(
                    "insert into current_epoch (only_one, epoch) values (1, $1)
                     on conflict (only_one) do update set epoch = excluded.epoch",
                )
                    .bind(epoch)
                    .execute(self.pool())
                    .await?;
                Ok(())
            }

            /// A store of before there were epochs has its only master key already.
            pub(in crate::keys) async fn begin_first(&self, check: &[u8]) -> sqlx::Result<()> {
                let mut transaction = self.pool().begin().await?;
                sqlx::query(
                    "insert into master_keys (epoch, check_value)
                     select 1, $1 where not exists (select 1 from current_epoch) on conflict do nothing",
                )
                .bind(check.to_vec())
                .execute(&mut *transaction)
                .await?;
                sqlx::query(
                    "insert into current_epoch (only_one, epoch) values (1, 1) on conflict do nothing",
                )
                .execute(&mut *transaction)
                .await?;
                transaction.commit().await
            }

            /// Inserts wait for this, or see it: no key is inserted under the epoch before once it has returned.
            pub(in crate::keys) async fn begin(&self, epoch: i64, check: &[u8]) -> sqlx::Result<()> {
                let mut transaction = self.pool().begin().await?;
                let begun = sqlx::query("update current_epoch set epoch = $1 where epoch = $1 - 1")
                    .bind(epoch)
                    .execute(&mut *transaction)
                    .await?;
                if begun.rows_affected() == 1 {
                    sqlx::query("insert into master_keys (epoch, check_value) values ($1, $2)")
                        .bind(epoch)
                        .bind(check.to_vec())
                        .execute(&mut *transaction)
                        .await?;
                }
                transaction.commit().await
            }

            pub(in crate::keys) async fn end(&self, epoch: i64) -> sqlx::Result<bool> {
                let ended = sqlx::query(
                    "delete from master_keys where epoch = $1
                     and epoch < (select epoch from current_epoch)
                     and not exists (select 1 from data_keys where epoch = $1 and wrapped is not null)",
                )
                .bind(epoch)
                .execute(self.pool())
                .await?;
                Ok(ended.rows_affected() == 1)
            }

            pub(in crate::keys) async fn wraps(&self, epoch: i64) -> sqlx::Result<bool> {
                let found: Option<i64> = sqlx::query_scalar(
                    "select epoch from data_keys where epoch = $1 and wrapped is not null limit 1",
                )
                .bind(epoch)
                .fetch_optional(self.pool())
                .await?;
                Ok(found.is_some())
            }

            pub(in crate::keys) async fn counts(&self) -> sqlx::Result<Vec<(i64, i64)>> {
                sqlx::query_as(
                    "select epoch, count(*) from data_keys where wrapped is not null group by epoch",
                )
                .fetch_all(self.pool())
                .await
            }

            pub(in crate::keys) async fn older(
                &self,
                than: i64,
                municipality: &str,
                subject: &str,
                limit: i64,
            ) -> sqlx::Result<Vec<Row>> {
                sqlx::query_as(
                    "select municipality, subject, epoch, wrapped from data_keys
                     where (municipality, subject) > ($1, $2) and epoch < $3 and wrapped is not null
                     order by municipality, subject limit $4",
                )
                .bind(municipality.to_owned())
                .bind(subject.to_owned())
                .bind(than)
                .bind(limit)
                .fetch_all(self.pool())
                .await
            }

            /// A key that was destroyed, or wrapped anew by somebody else, meanwhile is left as it is.
            pub(in crate::keys) async fn replace(&self, epoch: i64, anew: &[Row]) -> sqlx::Result<u64> {
                let mut transaction = self.pool().begin().await?;
                let mut done = 0;
                for (municipality, subject, of, wrapped) in anew {
                    let replaced = sqlx::query(
                        "update data_keys set wrapped = $1, epoch = $2
                         where municipality = $3 and subject = $4 and epoch = $5 and wrapped is not null",
                    )
                    .bind(wrapped.clone())
                    .bind(epoch)
                    .bind(municipality.clone())
                    .bind(subject.clone())
                    .bind(*of)
                    .execute(&mut *transaction)
                    .await?;
                    done += replaced.rows_affected();
                }
                transaction.commit().await?;
                Ok(done)
            }

            pub(in crate::keys) async fn put_if_absent(
                &self,
                subject: &str,
                epoch: i64,
                wrapped: &[u8],
            ) -> sqlx::Result<()> {
                sqlx::query(
                    "insert into data_keys (municipality, subject, epoch, wrapped)
                     select '', $1, $2, $3 where exists (select 1 from current_epoch where epoch = $2)
                     on conflict do nothing",
                )
                .bind(subject.to_owned())
                .bind(epoch)
                .bind(wrapped.to_vec())
                .execute(self.pool())
                .await?;
                Ok(())
            }

            pub(in crate::keys) async fn of_use(&self, subject: &str) -> sqlx::Result<Option<(i64, Vec<u8>)>> {
                sqlx::query_as(
                    "select epoch, wrapped from data_keys where municipality = '' and subject = $1",
                )
                .bind(subject.to_owned())
                .fetch_optional(self.pool())
                .await
            }
        }
    };
}

epochs!(postgres::Keys);
epochs!(sqlite::Keys);

/// Says the same to whichever store it is.
macro_rules! both {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $type:ty),*) -> $answer:ty;)*) => {
        impl Store {
            $($(#[$doc])* pub(in crate::keys) async fn $name(&self, $($arg: $type),*) -> sqlx::Result<$answer> {
                match self {
                    Self::Postgres(keys) => keys.$name($($arg),*).await,
                    Self::Sqlite(keys) => keys.$name($($arg),*).await,
                }
            })*
        }
    };
}

both! {
    masters() -> Vec<(i64, Vec<u8>)>;
    put_master(epoch: i64, check: &[u8]) -> ();
    current() -> Option<i64>;
    set_current(epoch: i64) -> ();
    begin_first(check: &[u8]) -> ();
    begin(epoch: i64, check: &[u8]) -> ();
    end(epoch: i64) -> bool;
    wraps(epoch: i64) -> bool;
    counts() -> Vec<(i64, i64)>;
    older(than: i64, municipality: &str, subject: &str, limit: i64) -> Vec<Row>;
    replace(epoch: i64, anew: &[Row]) -> u64;
    put_if_absent(subject: &str, epoch: i64, wrapped: &[u8]) -> ();
    of_use(subject: &str) -> Option<(i64, Vec<u8>)>;
}
