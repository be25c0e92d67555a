//! Which topics there are, as routing's events tell.

use anyhow::Context as _;
use chassis::event;
use contracts::{
    ledger::v1::Event,
    routing::v1::{TopicChanged, TopicDefined},
};
use projection::ReadModel;
use sqlx::{SqliteConnection, SqlitePool};
use vocabulary::TopicCode;

/// The topics of the directory, and whether their descriptions may be published.
pub(crate) struct Topics;

impl ReadModel for Topics {
    const NAME: &'static str = "topics";
    const VERSION: u32 = 1;
    const SCHEMA: &'static str = "create table topics (
        code text primary key,
        public integer not null
    ) strict, without rowid;";

    async fn apply(&self, tx: &mut SqliteConnection, event: &Event) -> anyhow::Result<()> {
        let (code, public) = if event::is::<TopicDefined>(event) {
            let topic: TopicDefined = event::decode(event)?;
            (topic.code, topic.public)
        } else if event::is::<TopicChanged>(event) {
            let topic: TopicChanged = event::decode(event)?;
            (topic.code, topic.public)
        } else {
            return Ok(());
        };
        let topic: TopicCode = code.parse().context("topic code")?;
        sqlx::query(
            "insert into topics (code, public) values (?1, ?2)
             on conflict (code) do update set public = excluded.public",
        )
        .bind(topic.as_str())
        .bind(public)
        .execute(tx)
        .await?;
        Ok(())
    }
}

/// Whether the directory has this topic.
pub(crate) async fn knows(topics: &SqlitePool, topic: &TopicCode) -> Result<bool, sqlx::Error> {
    let row = sqlx::query("select 1 from topics where code = ?1")
        .bind(topic.as_str())
        .fetch_optional(topics)
        .await?;
    Ok(row.is_some())
}
