//! What each event does to the register. What is only counted is counted in memory for a batch of events, and written once.

use std::collections::BTreeMap;

use clocks::Standard;
use contracts::{
    intake::v1::RequestRegistered,
    ledger::v1::Event,
    routing::v1::{TopicDefined, UnitDefined},
    vocabulary::v1::Place,
};
use jiff::Timestamp;
use prost::Message as _;
use serde_json::{Value, json};
use sqlx::SqliteConnection;
use vocabulary::{Channel, RequestState, SubResult};

use crate::heard::{Heard, Step, Touch, hear};

/// What a batch of events adds up to, until it is written.
#[derive(Default)]
pub(super) struct Batch {
    /// By how much each count changes; one that comes back to where it was is written too, so that the rows are the same
    /// however the events were gathered.
    tally: BTreeMap<Stands, i64>,
    districts: BTreeMap<String, i64>,
    neighbourhoods: BTreeMap<(String, String), i64>,
    /// Days and working days of the topics that were asked for.
    standards: BTreeMap<String, (u32, u32)>,
}

impl Batch {
    fn count(&mut self, stands: Stands, by: i64) {
        *self.tally.entry(stands).or_default() += by;
    }

    /// Writes the counts.
    pub(super) async fn write(self, tx: &mut SqliteConnection) -> anyhow::Result<()> {
        let tally = self.tally.into_iter();
        let tally = tally.map(|(it, by)| json!([it.unit, it.channel, it.state, it.sub_result, by]));
        let districts = self
            .districts
            .into_iter()
            .map(|(name, by)| json!([name, by]));
        let neighbourhoods = self.neighbourhoods.into_iter();
        let neighbourhoods =
            neighbourhoods.map(|((district, name), by)| json!([district, name, by]));
        for (rows, statement) in [
            (
                tally.collect::<Vec<Value>>(),
                "insert into tally (unit, channel, state, sub_result, requests)
                 select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 from json_each(?1) where true
                 on conflict do update set requests = requests + excluded.requests",
            ),
            (
                districts.collect(),
                "insert into district (name, requests) select value ->> 0, value ->> 1 from json_each(?1) where true
                 on conflict do update set requests = requests + excluded.requests",
            ),
            (
                neighbourhoods.collect(),
                "insert into neighbourhood (district, name, requests)
                 select value ->> 0, value ->> 1, value ->> 2 from json_each(?1) where true
                 on conflict do update set requests = requests + excluded.requests",
            ),
        ] {
            if !rows.is_empty() {
                sqlx::query(statement)
                    .bind(serde_json::to_string(&rows)?)
                    .execute(&mut *tx)
                    .await?;
            }
        }
        Ok(())
    }
}

/// Applies one event; one that has nothing to do with the register changes nothing.
pub(super) async fn apply(
    tx: &mut SqliteConnection,
    batch: &mut Batch,
    event: &Event,
) -> anyhow::Result<()> {
    match hear(event)? {
        None => Ok(()),
        Some(Heard::Registered(request)) => registered(tx, batch, &request, event).await,
        Some(Heard::Moved(step)) => moved(tx, batch, &step, event).await,
        Some(Heard::Touched(touch)) => touched(tx, &touch, event).await,
        Some(Heard::Unit(unit)) => unit_defined(tx, &unit).await,
        Some(Heard::Topic(topic)) => {
            batch.standards.remove(&topic.code);
            topic_defined(tx, &topic, event.occurred_at).await
        }
    }
}

async fn registered(
    tx: &mut SqliteConnection,
    batch: &mut Batch,
    request: &RequestRegistered,
    event: &Event,
) -> anyhow::Result<()> {
    let place = request.place.clone().unwrap_or_default();
    let channel = Channel::try_from(request.channel).map_or("", Channel::code);
    let source = request
        .imported
        .as_ref()
        .map_or("", |it| it.source.as_str());
    let due = due(tx, batch, request, event.occurred_at).await?;
    let inserted = sqlx::query(
        "insert into request (number, topic, channel, latitude, longitude, district, neighbourhood, person,
            registered_at, updated_at, changed_at_position, state, state_since, open, due_at, due_days, due_working_days,
            imported, source)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10, ?11, ?9, 1, ?12, ?13, ?14, ?15, ?16) on conflict do nothing",
    )
    .bind(&request.number)
    .bind(&request.topic)
    .bind(channel)
    .bind(place.latitude)
    .bind(place.longitude)
    .bind(&place.district)
    .bind(&place.neighbourhood)
    .bind(&request.person)
    .bind(event.occurred_at)
    .bind(i64::try_from(event.position)?)
    .bind(RequestState::Registered.number())
    .bind(due.at)
    .bind(due.days)
    .bind(due.working_days)
    .bind(request.imported.is_some())
    .bind(source)
    .execute(&mut *tx)
    .await?;
    if inserted.rows_affected() == 0 {
        return Ok(());
    }
    let stands = Stands {
        channel: channel.to_owned(),
        state: RequestState::Registered.number(),
        ..Stands::default()
    };
    batch.count(stands, 1);
    // A citizen's own words teach the register no names.
    if request.imported.is_some() || request.channel != Channel::Web.number() {
        place_named(batch, place);
    }
    Ok(())
}

/// When a request is due, and by which standard.
#[derive(Default)]
struct Due {
    at: Option<i64>,
    days: u32,
    working_days: u32,
}

/// By the source's own standard where it was imported with one, else by the topic's as it is posted now.
async fn due(
    tx: &mut SqliteConnection,
    batch: &mut Batch,
    request: &RequestRegistered,
    registered_at: i64,
) -> anyhow::Result<Due> {
    if let Some(imported) = &request.imported {
        let at = (imported.due_at > 0).then_some(imported.due_at);
        return Ok(Due {
            at,
            ..Due::default()
        });
    }
    let (days, working_days) = match batch.standards.get(&request.topic) {
        Some(posted) => *posted,
        None => {
            let posted: Option<(u32, u32)> =
                sqlx::query_as("select days, working_days from topic where code = ?")
                    .bind(&request.topic)
                    .fetch_optional(tx)
                    .await?;
            let posted = posted.unwrap_or_default();
            batch.standards.insert(request.topic.clone(), posted);
            posted
        }
    };
    // Beyond the years whose holidays are known nothing is due.
    let due = Standard::posted(days, working_days)
        .and_then(|it| clocks::due_at(time(registered_at), it).ok());
    Ok(Due {
        at: due.map(Timestamp::as_microsecond),
        days,
        working_days,
    })
}

fn time(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn place_named(batch: &mut Batch, place: Place) {
    let Place {
        district,
        neighbourhood,
        ..
    } = place;
    if district.is_empty() {
        return;
    }
    if !neighbourhood.is_empty() {
        let named = (district.clone(), neighbourhood);
        *batch.neighbourhoods.entry(named).or_default() += 1;
    }
    *batch.districts.entry(district).or_default() += 1;
}

/// What the figures count a request by.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, sqlx::FromRow)]
struct Stands {
    unit: String,
    channel: String,
    state: i32,
    sub_result: i32,
}

/// What the next state depends on.
#[derive(sqlx::FromRow)]
struct Before {
    #[sqlx(flatten)]
    stands: Stands,
    state_since: i64,
    assignee: String,
    planned_for: String,
    institution: String,
    due_at: Option<i64>,
    due_days: u32,
    due_working_days: u32,
}

impl Before {
    /// A question to the citizen stops the unit's clock, and puts off nothing else.
    fn due_after(&self, at: i64) -> Option<i64> {
        let due = self.due_at?;
        let waited = self.stands.state == RequestState::WaitingCitizen.number();
        let standard = Standard::posted(self.due_days, self.due_working_days).filter(|_| waited);
        let Some(standard) = standard else {
            return Some(due);
        };
        let later =
            clocks::due_after_waiting(time(due), standard, time(self.state_since), time(at));
        Some(later.map_or(due, Timestamp::as_microsecond))
    }
}

async fn moved(
    tx: &mut SqliteConnection,
    batch: &mut Batch,
    step: &Step,
    event: &Event,
) -> anyhow::Result<()> {
    let before: Option<Before> = sqlx::query_as(
        "select unit, channel, state, sub_result, state_since, assignee, planned_for, institution, due_at, due_days,
            due_working_days
         from request where number = ?",
    )
    .bind(&step.number)
    .fetch_optional(&mut *tx)
    .await?;
    let Some(before) = before else {
        return Ok(());
    };
    let at = event.occurred_at.max(before.state_since);
    let stands = Stands {
        unit: if step.unit.is_empty() {
            before.stands.unit.clone()
        } else {
            step.unit.clone()
        },
        channel: before.stands.channel.clone(),
        state: step.state.number(),
        sub_result: step.sub_result.map_or(0, SubResult::number),
    };
    let due_at = before.due_after(at);
    let (planned_for, institution) = if step.keeps_plan {
        (&before.planned_for, &before.institution)
    } else {
        (&step.planned_for, &step.institution)
    };
    let is_concluded = step.state == RequestState::Concluded;
    sqlx::query(
        "update request set state = ?1, state_since = ?2, open = ?3, unit = ?4, assignee = ?5, planned_for = ?6,
            institution = ?7, sub_result = ?8, concluded_at = ?9, due_at = ?10, version = ?11,
            changed_at_position = ?12, updated_at = max(updated_at, ?13) where number = ?14",
    )
    .bind(stands.state)
    .bind(at)
    .bind(!is_concluded)
    .bind(&stands.unit)
    .bind(step.assignee.as_ref().unwrap_or(&before.assignee))
    .bind(planned_for)
    .bind(institution)
    .bind(stands.sub_result)
    .bind(is_concluded.then_some(at))
    .bind(due_at)
    .bind(i64::try_from(event.version)?)
    .bind(i64::try_from(event.position)?)
    .bind(event.occurred_at)
    .bind(&step.number)
    .execute(&mut *tx)
    .await?;
    stepped(tx, step, event).await?;
    if stands != before.stands {
        batch.count(before.stands, -1);
        batch.count(stands, 1);
    }
    Ok(())
}

async fn stepped(tx: &mut SqliteConnection, step: &Step, event: &Event) -> anyhow::Result<()> {
    sqlx::query(
        "insert or ignore into step (at, position, number, state, sub_result, planned_for) values (?, ?, ?, ?, ?, ?)",
    )
    .bind(event.occurred_at)
    .bind(i64::try_from(event.position)?)
    .bind(&step.number)
    .bind(step.state.number())
    .bind(step.sub_result.map_or(0, SubResult::number))
    .bind(&step.planned_for)
    .execute(tx)
    .await?;
    Ok(())
}

/// Something was said about the request; it stands where it stood.
async fn touched(tx: &mut SqliteConnection, touch: &Touch, event: &Event) -> anyhow::Result<()> {
    sqlx::query(
        "update request set changed_at_position = ?1, version = ?2,
            updated_at = case when ?3 then max(updated_at, ?4) else updated_at end where number = ?5",
    )
    .bind(i64::try_from(event.position)?)
    .bind(i64::try_from(event.version)?)
    .bind(touch.public)
    .bind(event.occurred_at)
    .bind(&touch.number)
    .execute(&mut *tx)
    .await?;
    if touch.public {
        sqlx::query(
            "insert or ignore into step (at, position, number, state, sub_result, planned_for) values (?, ?, ?, 0, 0, '')",
        )
        .bind(event.occurred_at)
        .bind(i64::try_from(event.position)?)
        .bind(&touch.number)
        .execute(tx)
        .await?;
    }
    Ok(())
}

async fn unit_defined(tx: &mut SqliteConnection, unit: &UnitDefined) -> anyhow::Result<()> {
    sqlx::query(
        "insert or replace into unit (code, name_tr, name_en, outside) values (?, ?, ?, ?)",
    )
    .bind(&unit.code)
    .bind(&unit.name_tr)
    .bind(&unit.name_en)
    .bind(unit.outside)
    .execute(tx)
    .await?;
    Ok(())
}

async fn topic_defined(
    tx: &mut SqliteConnection,
    topic: &TopicDefined,
    at: i64,
) -> anyhow::Result<()> {
    let standard = topic.standard.unwrap_or_default();
    sqlx::query(
        "insert or replace into topic (code, name_tr, name_en, unit, public, family, days, working_days,
            defined_at, definition)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&topic.code)
    .bind(&topic.name_tr)
    .bind(&topic.name_en)
    .bind(&topic.unit)
    .bind(topic.public)
    .bind(&topic.group)
    .bind(standard.days)
    .bind(standard.working_days)
    .bind(at)
    .bind(topic.encode_to_vec())
    .execute(tx)
    .await?;
    Ok(())
}
