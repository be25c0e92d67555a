//! The read model: whom to tell about which request, and how far each notification is.
//!
//! Of citizens it knows pseudonyms and languages; names and addresses stay in intake.

use anyhow::Context as _;
use chassis::event;
use contracts::{
    intake::v1::RequestRegistered,
    ledger::v1::Event,
    notification::v1::{
        NotificationAttempted, NotificationDelivered, NotificationFailed, NotificationRequested,
        NotificationSkipped, NotificationState, list_notifications_reply::Item,
    },
    routing::v1::{UnitChanged, UnitDefined},
};
use projection::ReadModel;
use sqlx::{Row as _, SqliteConnection, SqlitePool, sqlite::SqliteRow};
use uuid::Uuid;
use vocabulary::Language;

use crate::domain::pause_before;

/// Who can be told of what, and which notifications wait.
#[derive(Debug, Clone, Copy)]
pub struct Notifications;

impl ReadModel for Notifications {
    const NAME: &'static str = "notifications";
    const VERSION: u32 = 1;
    const HEARS: &'static [&'static str] =
        &["intake.RequestRegistered", "notification.", "routing.Unit"];
    const SCHEMA: &'static str = include_str!("notifications/schema.sql");

    async fn apply(&self, tx: &mut SqliteConnection, event: &Event) -> anyhow::Result<()> {
        match event.r#type.as_str() {
            "intake.RequestRegistered" => registered(tx, event::decode(event)?).await,
            "routing.UnitDefined" => {
                let UnitDefined {
                    code,
                    name_tr,
                    name_en,
                    ..
                } = event::decode(event)?;
                name_unit(tx, &code, &name_tr, &name_en).await
            }
            "routing.UnitChanged" => {
                let UnitChanged {
                    code,
                    name_tr,
                    name_en,
                    ..
                } = event::decode(event)?;
                name_unit(tx, &code, &name_tr, &name_en).await
            }
            "notification.NotificationRequested" => requested(tx, event).await,
            "notification.NotificationSkipped" => {
                let NotificationSkipped { notification, .. } = event::decode(event)?;
                let skipped = Change::ended(NotificationState::Skipped, 0, "");
                change(tx, event, &notification, skipped).await
            }
            "notification.NotificationAttempted" => {
                let NotificationAttempted {
                    notification,
                    attempt,
                    message_id,
                    ..
                } = event::decode(event)?;
                // Due again, but left alone for a while: `due` says how long.
                let tried = Change {
                    message_id: &message_id,
                    ..Change::waiting(attempt, "", event.occurred_at)
                };
                change(tx, event, &notification, tried).await
            }
            "notification.NotificationDelivered" => {
                let NotificationDelivered {
                    notification,
                    attempt,
                    provider_code,
                    ..
                } = event::decode(event)?;
                let delivered =
                    Change::ended(NotificationState::Delivered, attempt, &provider_code);
                change(tx, event, &notification, delivered).await
            }
            "notification.NotificationFailed" => {
                let NotificationFailed {
                    notification,
                    attempt,
                    r#final: lasting,
                    provider_code,
                    ..
                } = event::decode(event)?;
                let failed = if lasting {
                    Change::ended(NotificationState::Failed, attempt, &provider_code)
                } else {
                    let pause = i64::try_from(pause_before(attempt + 1).as_micros())?;
                    Change::waiting(attempt, &provider_code, event.occurred_at + pause)
                };
                change(tx, event, &notification, failed).await
            }
            _ => Ok(()),
        }
    }
}

/// Whom to tell about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Citizen {
    pub(crate) person: String,
    pub(crate) language: Language,
}

impl Citizen {
    /// The citizen of a request, if there is one to tell.
    pub(crate) fn of(registered: &RequestRegistered) -> Option<Self> {
        if registered.imported.is_some()
            || !registered.reachable_by_email
            || registered.person.is_empty()
        {
            return None;
        }
        let language = Language::try_from(registered.language).unwrap_or(Language::Tr);
        Some(Self {
            person: registered.person.clone(),
            language,
        })
    }
}

async fn registered(
    tx: &mut SqliteConnection,
    registered: RequestRegistered,
) -> anyhow::Result<()> {
    if let Some(citizen) = Citizen::of(&registered) {
        sqlx::query("insert or replace into citizen (number, person, language) values (?, ?, ?)")
            .bind(&registered.number)
            .bind(citizen.person)
            .bind(citizen.language.number())
            .execute(tx)
            .await?;
    }
    Ok(())
}

async fn name_unit(
    tx: &mut SqliteConnection,
    code: &str,
    name_tr: &str,
    name_en: &str,
) -> anyhow::Result<()> {
    sqlx::query("insert or replace into unit (code, name_tr, name_en) values (?, ?, ?)")
        .bind(code)
        .bind(name_tr)
        .bind(name_en)
        .execute(tx)
        .await?;
    Ok(())
}

async fn requested(tx: &mut SqliteConnection, event: &Event) -> anyhow::Result<()> {
    let requested: NotificationRequested = event::decode(event)?;
    sqlx::query(
        "insert or replace into notification (id, number, kind, language, planned_for, institution, sub_result,
         source_event, correlation, traceparent, position, version, newest_event, state, attempts, message_id,
         provider_code, due_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, '', '', ?)",
    )
    .bind(&requested.notification)
    .bind(&requested.number)
    .bind(requested.kind)
    .bind(requested.language)
    .bind(&requested.planned_for)
    .bind(&requested.institution)
    .bind(requested.sub_result)
    .bind(&requested.source_event)
    .bind(&event.correlation_id)
    .bind(&event.traceparent)
    .bind(i64::try_from(event.position)?)
    .bind(i64::try_from(event.version)?)
    .bind(&event.event_id)
    .bind(NotificationState::Waiting as i32)
    .bind(event.occurred_at)
    .execute(tx)
    .await?;
    Ok(())
}

/// What an event makes of a notification.
struct Change<'a> {
    state: NotificationState,
    /// 0 = as many as before.
    attempts: u32,
    /// Empty = the one it has.
    message_id: &'a str,
    provider_code: &'a str,
    due_at: Option<i64>,
}

impl<'a> Change<'a> {
    fn waiting(attempts: u32, provider_code: &'a str, due_at: i64) -> Self {
        Self {
            state: NotificationState::Waiting,
            attempts,
            message_id: "",
            provider_code,
            due_at: Some(due_at),
        }
    }

    fn ended(state: NotificationState, attempts: u32, provider_code: &'a str) -> Self {
        Self {
            state,
            attempts,
            message_id: "",
            provider_code,
            due_at: None,
        }
    }
}

async fn change(
    tx: &mut SqliteConnection,
    event: &Event,
    id: &str,
    change: Change<'_>,
) -> anyhow::Result<()> {
    sqlx::query(
        "update notification set state = ?, attempts = max(attempts, ?), provider_code = ?, due_at = ?, version = ?,
         newest_event = ?, message_id = case when ? = '' then message_id else ? end where id = ?",
    )
    .bind(change.state as i32)
    .bind(change.attempts)
    .bind(change.provider_code)
    .bind(change.due_at)
    .bind(i64::try_from(event.version)?)
    .bind(&event.event_id)
    .bind(change.message_id)
    .bind(change.message_id)
    .bind(id)
    .execute(tx)
    .await?;
    Ok(())
}

/// A notification whose time has come.
#[derive(Debug, Clone)]
pub(crate) struct Due {
    pub(crate) id: Uuid,
    /// What was asked for.
    pub(crate) requested: NotificationRequested,
    pub(crate) correlation: Uuid,
    pub(crate) newest_event: Uuid,
    pub(crate) traceparent: String,
    pub(crate) version: u64,
    pub(crate) attempts: u32,
    /// Empty before the first attempt.
    pub(crate) message_id: String,
}

/// The notifications that are due, the longest due first. One whose attempt has no outcome is left to whoever may be
/// sending it for `retake` microseconds.
pub(crate) async fn due(
    pool: &SqlitePool,
    now: i64,
    retake: i64,
    limit: usize,
) -> anyhow::Result<Vec<Due>> {
    let rows = sqlx::query(
        "select id, number, kind, language, planned_for, institution, sub_result, source_event, correlation,
         newest_event, traceparent, version, attempts, message_id
         from notification
         where due_at <= ? and (attempts = 0 or provider_code <> '' or due_at <= ?) order by due_at, position limit ?",
    )
    .bind(now)
    .bind(now - retake)
    .bind(i64::try_from(limit)?)
    .fetch_all(pool)
    .await?;
    rows.iter().map(read_due).collect()
}

fn read_due(row: &SqliteRow) -> anyhow::Result<Due> {
    let id: String = row.try_get("id")?;
    let requested = NotificationRequested {
        notification: id.clone(),
        number: row.try_get("number")?,
        kind: row.try_get("kind")?,
        language: row.try_get("language")?,
        planned_for: row.try_get("planned_for")?,
        institution: row.try_get("institution")?,
        sub_result: row.try_get("sub_result")?,
        source_event: row.try_get("source_event")?,
        ..NotificationRequested::default()
    };
    Ok(Due {
        id: id.parse().context("id of a notification")?,
        requested,
        correlation: Uuid::from_slice(row.try_get("correlation")?).unwrap_or_default(),
        newest_event: Uuid::from_slice(row.try_get("newest_event")?).unwrap_or_default(),
        traceparent: row.try_get("traceparent")?,
        version: u64::try_from(row.try_get::<i64, _>("version")?)?,
        attempts: row.try_get("attempts")?,
        message_id: row.try_get("message_id")?,
    })
}

/// Whom to tell about a request; nobody where it is imported, or its citizen left no address.
pub(crate) async fn citizen(pool: &SqlitePool, number: &str) -> anyhow::Result<Option<Citizen>> {
    let row = sqlx::query("select person, language from citizen where number = ?").bind(number);
    let Some(row) = row.fetch_optional(pool).await? else {
        return Ok(None);
    };
    let language = Language::try_from(row.try_get::<i32, _>("language")?).unwrap_or(Language::Tr);
    Ok(Some(Citizen {
        person: row.try_get("person")?,
        language,
    }))
}

/// What a unit is called; its code where nobody named it.
pub(crate) async fn unit_name(
    pool: &SqlitePool,
    code: &str,
    language: Language,
) -> sqlx::Result<String> {
    let row = sqlx::query("select name_tr, name_en from unit where code = ?")
        .bind(code)
        .fetch_optional(pool)
        .await?;
    let Some(row) = row else {
        return Ok(code.to_owned());
    };
    match language {
        Language::Tr => row.try_get("name_tr"),
        Language::En => row.try_get("name_en"),
    }
}

/// What was sent about a request, oldest first.
pub(crate) async fn of_request(pool: &SqlitePool, number: &str) -> sqlx::Result<Vec<Item>> {
    let rows = sqlx::query(
        "select id, kind, state, attempts, provider_code from notification where number = ? order by position",
    )
    .bind(number)
    .fetch_all(pool)
    .await?;
    let item = |row: &SqliteRow| {
        Ok(Item {
            notification: row.try_get("id")?,
            kind: row.try_get("kind")?,
            state: row.try_get("state")?,
            attempts: row.try_get("attempts")?,
            provider_code: row.try_get("provider_code")?,
        })
    };
    rows.iter().map(item).collect()
}

#[cfg(test)]
mod tests;
