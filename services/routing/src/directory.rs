//! The directory as a read model: every unit and topic as it stands now.

use anyhow::Context as _;
use chassis::Storable as _;
use contracts::ledger::v1::Event;
use projection::{Projection, ReadModel};
use sqlx::SqliteConnection;
use tonic::Status;
use vocabulary::{TopicCode, UnitCode};

use crate::domain::{Topic, TopicDefinition, TopicEvent, Unit, UnitDefinition, UnitEvent};

/// Folds the directory's events.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Directory;

impl ReadModel for Directory {
    const NAME: &'static str = "directory";
    const VERSION: u32 = 2;
    const HEARS: &'static [&'static str] = &["routing.Topic", "routing.Unit"];
    const SCHEMA: &'static str = "
        create table if not exists unit (
            code text primary key,
            name_tr text not null,
            name_en text not null,
            outside integer not null
        ) strict, without rowid;
        create table if not exists topic (
            code text primary key,
            unit text not null,
            version integer not null,
            type text not null,
            schema_version integer not null,
            facts blob not null
        ) strict, without rowid;";

    async fn apply(&self, tx: &mut SqliteConnection, event: &Event) -> anyhow::Result<()> {
        if let Some(UnitEvent::UnitDefined(unit) | UnitEvent::UnitChanged(unit)) =
            Unit::decode(event)?
        {
            put_unit(tx, &unit).await?;
        }
        if let Some(TopicEvent::TopicDefined(topic) | TopicEvent::TopicChanged(topic)) =
            Topic::decode(event)?
        {
            put_topic(tx, &topic, event).await?;
        }
        Ok(())
    }
}

async fn put_unit(tx: &mut SqliteConnection, unit: &UnitDefinition) -> anyhow::Result<()> {
    sqlx::query(
        "insert or replace into unit (code, name_tr, name_en, outside) values (?1, ?2, ?3, ?4)",
    )
    .bind(unit.code.as_str())
    .bind(&unit.name_tr)
    .bind(&unit.name_en)
    .bind(unit.outside)
    .execute(tx)
    .await?;
    Ok(())
}

/// The definition is kept as it was recorded: what reads the log reads it here too.
async fn put_topic(
    tx: &mut SqliteConnection,
    topic: &TopicDefinition,
    event: &Event,
) -> anyhow::Result<()> {
    sqlx::query(
        "insert or replace into topic (code, unit, version, type, schema_version, facts) values (?1, ?2, ?3, ?4, ?5, ?6)",
    )
    .bind(topic.code.as_str())
    .bind(topic.unit.as_str())
    .bind(i64::try_from(event.version)?)
    .bind(&event.r#type)
    .bind(event.schema_version)
    .bind(&event.facts)
    .execute(tx)
    .await?;
    Ok(())
}

type UnitRow = (String, String, String, bool);
type TopicRow = (String, u32, Vec<u8>);

/// All units, by code.
pub(crate) async fn units(directory: &Projection) -> anyhow::Result<Vec<UnitDefinition>> {
    let rows: Vec<UnitRow> =
        sqlx::query_as("select code, name_tr, name_en, outside from unit order by code")
            .fetch_all(directory.pool())
            .await
            .context("the units")?;
    let unit = |(code, name_tr, name_en, outside): UnitRow| {
        Ok(UnitDefinition {
            code: code.parse()?,
            name_tr,
            name_en,
            outside,
        })
    };
    rows.into_iter().map(unit).collect()
}

/// All topics, by code.
pub(crate) async fn topics(directory: &Projection) -> anyhow::Result<Vec<TopicDefinition>> {
    let rows: Vec<TopicRow> =
        sqlx::query_as("select type, schema_version, facts from topic order by code")
            .fetch_all(directory.pool())
            .await
            .context("the topics")?;
    let topic = |(r#type, schema_version, facts): TopicRow| {
        let event = Event {
            r#type,
            schema_version,
            facts,
            ..Event::default()
        };
        match Topic::decode(&event)? {
            Some(TopicEvent::TopicDefined(topic) | TopicEvent::TopicChanged(topic)) => Ok(topic),
            None => anyhow::bail!("a topic is kept as {}", event.r#type),
        }
    };
    rows.into_iter().map(topic).collect()
}

/// Whether a unit is known.
pub(crate) async fn has_unit(directory: &Projection, code: &UnitCode) -> anyhow::Result<bool> {
    let found: Option<(i64,)> = sqlx::query_as("select 1 from unit where code = ?1")
        .bind(code.as_str())
        .fetch_optional(directory.pool())
        .await
        .context("a unit")?;
    Ok(found.is_some())
}

/// The unit that answers for a topic, and the version of the topic's stream that says so.
pub(crate) async fn unit_of(
    directory: &Projection,
    topic: &TopicCode,
) -> anyhow::Result<Option<(UnitCode, u64)>> {
    let found: Option<(String, i64)> =
        sqlx::query_as("select unit, version from topic where code = ?1")
            .bind(topic.as_str())
            .fetch_optional(directory.pool())
            .await
            .context("a topic")?;
    found
        .map(|(unit, version)| Ok((unit.parse()?, u64::try_from(version)?)))
        .transpose()
}

/// A read model that cannot be read.
pub(crate) fn broken(error: anyhow::Error) -> Status {
    tracing::error!(error = format!("{error:#}"), "the directory cannot be read");
    Status::internal("the directory cannot be read")
}
