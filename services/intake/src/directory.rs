//! Which topics there are and what they ask, as routing's events tell.

use anyhow::Context as _;
use chassis::event;
use contracts::{
    ledger::v1::Event,
    routing::v1::{TopicChanged, TopicDefined},
    vocabulary::v1::Attribute,
};
use projection::ReadModel;
use prost::Message as _;
use sqlx::{SqliteConnection, SqlitePool};
use vocabulary::{AttributeType, TopicCode};

/// The topics of the directory, whether their descriptions may be published, and what they ask.
pub(crate) struct Topics;

impl ReadModel for Topics {
    const NAME: &'static str = "topics";
    const VERSION: u32 = 2;
    const HEARS: &'static [&'static str] = &["routing.Topic"];
    const SCHEMA: &'static str = "create table topics (
        code text primary key,
        public integer not null,
        -- A `TopicDefined` that holds nothing but the attributes.
        asks blob not null
    ) strict, without rowid;";

    async fn apply(&self, tx: &mut SqliteConnection, event: &Event) -> anyhow::Result<()> {
        let (code, public, attributes) = if event::is::<TopicDefined>(event) {
            let topic: TopicDefined = event::decode(event)?;
            (topic.code, topic.public, topic.attributes)
        } else if event::is::<TopicChanged>(event) {
            let topic: TopicChanged = event::decode(event)?;
            (topic.code, topic.public, topic.attributes)
        } else {
            return Ok(());
        };
        let topic: TopicCode = code.parse().context("topic code")?;
        let asks = TopicDefined {
            attributes,
            ..TopicDefined::default()
        };
        sqlx::query(
            "insert into topics (code, public, asks) values (?1, ?2, ?3)
             on conflict (code) do update set public = excluded.public, asks = excluded.asks",
        )
        .bind(topic.as_str())
        .bind(public)
        .bind(asks.encode_to_vec())
        .execute(tx)
        .await?;
        Ok(())
    }
}

/// Whether what is said under a topic may be published; what is not may be about somebody's home.
pub(crate) async fn is_public(topics: &SqlitePool, topic: &TopicCode) -> anyhow::Result<bool> {
    let public: Option<bool> = sqlx::query_scalar("select public from topics where code = ?1")
        .bind(topic.as_str())
        .fetch_optional(topics)
        .await?;
    Ok(public.unwrap_or(false))
}

/// What a topic asks of whoever files under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) code: String,
    pub(crate) kind: AttributeType,
    pub(crate) required: bool,
    /// The keys that a list offers.
    pub(crate) choices: Vec<String>,
}

/// A topic's questions; `None` for a topic that is not in the directory.
pub(crate) async fn questions(
    topics: &SqlitePool,
    topic: &TopicCode,
) -> anyhow::Result<Option<Vec<Question>>> {
    let asks: Option<Vec<u8>> = sqlx::query_scalar("select asks from topics where code = ?1")
        .bind(topic.as_str())
        .fetch_optional(topics)
        .await?;
    let Some(asks) = asks else { return Ok(None) };
    let question = |it: Attribute| {
        Ok(Question {
            kind: AttributeType::try_from(it.r#type)?,
            code: it.code,
            required: it.required,
            choices: it.choices.into_iter().map(|it| it.key).collect(),
        })
    };
    let attributes = TopicDefined::decode(asks.as_slice())?.attributes;
    attributes
        .into_iter()
        .map(question)
        .collect::<anyhow::Result<_>>()
        .map(Some)
}
