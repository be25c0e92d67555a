//! Which webhooks there are. A read model of facts: URLs and secrets stay sealed in the log.

use chassis::event::decode;
use contracts::{
    gateway::v1::{
        ApiKeyIssued, ApiKeyRevoked, WebhookRegistered, WebhookRemoved, WebhookResumed,
        WebhookSecretRotated, WebhookSuspended,
    },
    ledger::v1::Event,
};
use projection::ReadModel;
use sqlx::{SqliteConnection, SqlitePool};
use tonic::Status;

/// The read model.
#[derive(Debug, Clone, Copy)]
pub(super) struct Book;

impl ReadModel for Book {
    const NAME: &'static str = "webhooks";
    const VERSION: u32 = 1;
    const HEARS: &'static [&'static str] = &["gateway."];
    const SCHEMA: &'static str = "
        create table webhook (
            id            text primary key,
            -- JSON array; empty for all.
            types         text not null,
            unit          text not null,
            key           text not null,
            registered_at integer not null,
            -- Events after this are sent.
            registered    integer not null,
            -- The log's position of its last event: whoever serves it begins anew when this moves.
            changed       integer not null,
            -- The event that could not be delivered; null while it is active.
            failed        integer
        ) without rowid;
        -- Keys that end by themselves, and their webhooks with them; microseconds since 1970.
        create table ending (key text primary key, at integer not null) without rowid;
    ";

    async fn apply(&self, tx: &mut SqliteConnection, event: &Event) -> anyhow::Result<()> {
        let position = i64::try_from(event.position)?;
        match event.r#type.as_str() {
            "gateway.WebhookRegistered" => registered(tx, &decode(event)?, event, position).await,
            "gateway.WebhookSecretRotated" => {
                let it: WebhookSecretRotated = decode(event)?;
                moved(tx, &it.webhook, position, None).await
            }
            "gateway.WebhookSuspended" => {
                let it: WebhookSuspended = decode(event)?;
                moved(
                    tx,
                    &it.webhook,
                    position,
                    Some(Some(i64::try_from(it.at_position)?)),
                )
                .await
            }
            "gateway.WebhookResumed" => {
                let it: WebhookResumed = decode(event)?;
                moved(tx, &it.webhook, position, Some(None)).await
            }
            "gateway.WebhookRemoved" => {
                let it: WebhookRemoved = decode(event)?;
                let sql = "delete from webhook where id = ?";
                sqlx::query(sql).bind(it.webhook).execute(tx).await?;
                Ok(())
            }
            "gateway.ApiKeyIssued" => {
                let it: ApiKeyIssued = decode(event)?;
                let sql = "insert or replace into ending select ?1, ?2 where ?2 > 0";
                sqlx::query(sql)
                    .bind(it.key)
                    .bind(it.expires_at)
                    .execute(tx)
                    .await?;
                Ok(())
            }
            "gateway.ApiKeyRevoked" => {
                let it: ApiKeyRevoked = decode(event)?;
                let sql = "delete from webhook where key = ?";
                sqlx::query(sql).bind(it.key).execute(tx).await?;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

async fn registered(
    tx: &mut SqliteConnection,
    it: &WebhookRegistered,
    event: &Event,
    position: i64,
) -> anyhow::Result<()> {
    sqlx::query("insert or ignore into webhook values (?1, ?2, ?3, ?4, ?5, ?6, ?6, null)")
        .bind(&it.webhook)
        .bind(serde_json::to_string(&it.types)?)
        .bind(&it.unit)
        .bind(&it.key)
        .bind(event.occurred_at)
        .bind(position)
        .execute(tx)
        .await?;
    Ok(())
}

/// Something happened to a webhook; `failed` where that says whether it is suspended.
async fn moved(
    tx: &mut SqliteConnection,
    id: &str,
    position: i64,
    failed: Option<Option<i64>>,
) -> anyhow::Result<()> {
    let sql = "update webhook set changed = ?2, failed = iif(?3, ?4, failed) where id = ?1";
    sqlx::query(sql)
        .bind(id)
        .bind(position)
        .bind(failed.is_some())
        .bind(failed.flatten())
        .execute(tx)
        .await?;
    Ok(())
}

/// One webhook's facts.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Hook {
    pub(crate) id: String,
    types: String,
    pub(crate) unit: String,
    pub(crate) key: String,
    pub(crate) registered_at: i64,
    pub(crate) registered: i64,
    pub(crate) changed: i64,
    pub(crate) failed: Option<i64>,
}

impl Hook {
    /// The types it wants; empty for all.
    pub(crate) fn types(&self) -> Vec<String> {
        serde_json::from_str(&self.types).unwrap_or_default()
    }
}

/// Those that are to be served now.
pub(super) async fn active(pool: &SqlitePool, now: i64) -> Result<Vec<Hook>, Status> {
    let sql = "select * from webhook where failed is null
        and not exists (select 1 from ending where ending.key = webhook.key and ending.at <= ?)";
    let rows = sqlx::query_as(sql).bind(now).fetch_all(pool).await;
    rows.map_err(crate::register::unreadable)
}

/// Whether a webhook is as it was read, and served.
pub(super) async fn stands(pool: &SqlitePool, hook: &Hook) -> Result<bool, Status> {
    let sql =
        "select exists (select 1 from webhook where id = ? and changed = ? and failed is null)";
    let row = sqlx::query_scalar(sql).bind(&hook.id).bind(hook.changed);
    row.fetch_one(pool)
        .await
        .map_err(crate::register::unreadable)
}

/// Those that the holder of a key registered, oldest first.
pub(super) async fn of_key(pool: &SqlitePool, key: &str) -> Result<Vec<Hook>, Status> {
    let sql = "select * from webhook where key = ? order by registered";
    let rows = sqlx::query_as(sql).bind(key).fetch_all(pool).await;
    rows.map_err(crate::register::unreadable)
}
