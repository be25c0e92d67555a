//! Requests of a register that somebody folded elsewhere, told as the API tells them.

use serde_json::Value;
use sqlx::SqliteConnection;
use vocabulary::RequestNumber;

use crate::{api, register::Entry};

/// One request; `None` where there is none.
pub async fn request(
    connection: &mut SqliteConnection,
    number: &RequestNumber,
) -> anyhow::Result<Option<Value>> {
    let entry: Option<Entry> = sqlx::query_as("select * from request where number = ?")
        .bind(number.as_str())
        .fetch_optional(connection)
        .await?;
    entry.map(api::told).transpose()
}

/// The open requests in a unit's hands, oldest first.
pub async fn worklist(connection: &mut SqliteConnection, unit: &str) -> anyhow::Result<Vec<Value>> {
    let entries: Vec<Entry> = sqlx::query_as(
        "select * from request where unit = ? and open = 1 order by registered_at, number",
    )
    .bind(unit)
    .fetch_all(connection)
    .await?;
    entries.into_iter().map(api::told).collect()
}
