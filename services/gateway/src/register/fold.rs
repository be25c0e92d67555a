//! What events do to the register. A batch of them is folded in memory: what there is of its requests is read at once, and
//! what became of them is written at once. However events are gathered into batches, the rows come out the same.

use std::collections::{BTreeMap, HashSet};

use anyhow::Context as _;
use clocks::Standard;
use contracts::{
    intake::v1::RequestRegistered,
    ledger::v1::Event,
    routing::v1::{TopicDefined, UnitDefined},
    vocabulary::v1::Place,
};
use jiff::Timestamp;
use projection::pieces;
use prost::Message as _;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use vocabulary::{Channel, RequestState, SubResult};

use super::row::Row;
use crate::heard::{Heard, Step, Touch, hear};

/// What a batch of events adds up to, until it is written.
#[derive(Default)]
pub(super) struct Batch {
    /// The requests that the events are about; those that there are.
    requests: BTreeMap<String, Row>,
    steps: Vec<Reached>,
    /// By how much each count changes; one that comes back to where it was is written too.
    tally: BTreeMap<Stands, i64>,
    districts: BTreeMap<String, i64>,
    neighbourhoods: BTreeMap<(String, String), i64>,
    /// Days and working days of all topics, once they are asked for.
    standards: Option<BTreeMap<String, (u32, u32)>>,
}

/// A state that was reached, or a public remark (state 0).
struct Reached {
    at: i64,
    position: i64,
    number: String,
    state: i32,
    sub_result: i32,
    planned_for: String,
}

/// What a count that is there already becomes.
const ADDED: &str = " on conflict do update set requests = requests + excluded.requests";

/// Hears the events, and leaves out those that have nothing to do with the register.
pub(super) fn heard(events: &[Event]) -> anyhow::Result<Vec<(&Event, Heard)>> {
    let mut all = Vec::with_capacity(events.len());
    for event in events {
        let heard = hear(event)
            .with_context(|| format!("event {} of type {}", event.position, event.r#type))?;
        all.extend(heard.map(|it| (event, it)));
    }
    Ok(all)
}

impl Batch {
    /// Reads what there is of the requests that these events are about; of one whose stream begins here there is nothing.
    pub(super) async fn of(
        tx: &mut SqliteConnection,
        heard: &[(&Event, Heard)],
    ) -> anyhow::Result<Self> {
        let new: HashSet<&str> = heard.iter().filter_map(begun).collect();
        let numbers = heard.iter().filter_map(|(_, it)| match it {
            Heard::Registered(request) => Some(request.number.as_str()),
            Heard::Moved(step) => Some(step.number.as_str()),
            Heard::Touched(touch) => Some(touch.number.as_str()),
            Heard::Unit(_) | Heard::Topic(_) => None,
        });
        let numbers: Vec<&str> = numbers.filter(|it| !new.contains(it)).collect();
        let requests = if numbers.is_empty() {
            vec![]
        } else {
            Row::read(tx, &numbers).await?
        };
        Ok(Self {
            requests: requests
                .into_iter()
                .map(|it| (it.number.clone(), it))
                .collect(),
            ..Self::default()
        })
    }

    /// Applies one event.
    pub(super) async fn apply(
        &mut self,
        tx: &mut SqliteConnection,
        heard: Heard,
        event: &Event,
    ) -> anyhow::Result<()> {
        match heard {
            Heard::Registered(request) => self.registered(tx, *request, event).await,
            Heard::Moved(step) => self.moved(&step, event),
            Heard::Touched(touch) => self.touched(&touch, event),
            Heard::Unit(unit) => unit_defined(tx, &unit).await,
            Heard::Topic(topic) => {
                self.standards = None;
                topic_defined(tx, &topic, event.occurred_at).await
            }
        }
    }

    /// Writes all of it.
    pub(super) async fn write(self, tx: &mut SqliteConnection) -> anyhow::Result<()> {
        Row::write(tx, self.requests.values()).await?;
        for piece in pieces(&self.steps) {
            let mut insert = QueryBuilder::<Sqlite>::new(
                "insert or ignore into step (at, position, number, state, sub_result, planned_for) ",
            );
            insert.push_values(piece, |mut values, it| {
                values
                    .push_bind(it.at)
                    .push_bind(it.position)
                    .push_bind(&it.number)
                    .push_bind(it.state)
                    .push_bind(it.sub_result)
                    .push_bind(&it.planned_for);
            });
            insert.build().execute(&mut *tx).await?;
        }
        let tally: Vec<_> = self.tally.into_iter().collect();
        for piece in pieces(&tally) {
            let mut insert = QueryBuilder::<Sqlite>::new(
                "insert into tally (unit, channel, state, sub_result, requests) ",
            );
            insert.push_values(piece, |mut values, (it, by)| {
                values
                    .push_bind(&it.unit)
                    .push_bind(&it.channel)
                    .push_bind(it.state)
                    .push_bind(it.sub_result)
                    .push_bind(by);
            });
            insert.push(ADDED);
            insert.build().execute(&mut *tx).await?;
        }
        let districts: Vec<_> = self.districts.into_iter().collect();
        for piece in pieces(&districts) {
            let mut insert = QueryBuilder::<Sqlite>::new("insert into district (name, requests) ");
            insert.push_values(piece, |mut values, (name, by)| {
                values.push_bind(name).push_bind(by);
            });
            insert.push(ADDED);
            insert.build().execute(&mut *tx).await?;
        }
        let neighbourhoods: Vec<_> = self.neighbourhoods.into_iter().collect();
        for piece in pieces(&neighbourhoods) {
            let mut insert = QueryBuilder::<Sqlite>::new(
                "insert into neighbourhood (district, name, requests) ",
            );
            insert.push_values(piece, |mut values, ((district, name), by)| {
                values.push_bind(district).push_bind(name).push_bind(by);
            });
            insert.push(ADDED);
            insert.build().execute(&mut *tx).await?;
        }
        Ok(())
    }

    async fn registered(
        &mut self,
        tx: &mut SqliteConnection,
        request: RequestRegistered,
        event: &Event,
    ) -> anyhow::Result<()> {
        if self.requests.contains_key(&request.number) {
            return Ok(());
        }
        let place = request.place.clone().unwrap_or_default();
        let channel = Channel::try_from(request.channel).map_or("", Channel::code);
        let due = self.due(tx, &request, event.occurred_at).await?;
        let source = request.imported.as_ref().map(|it| it.source.clone());
        let at = event.occurred_at;
        let row = Row {
            number: request.number.clone(),
            topic: request.topic,
            channel: channel.to_owned(),
            latitude: place.latitude,
            longitude: place.longitude,
            district: place.district.clone(),
            neighbourhood: place.neighbourhood.clone(),
            person: request.person,
            registered_at: at,
            updated_at: at,
            changed_at_position: i64::try_from(event.position)?,
            state: RequestState::Registered.number(),
            state_since: at,
            open: true,
            due_at: due.at,
            due_days: due.days,
            due_working_days: due.working_days,
            imported: request.imported.is_some(),
            source: source.unwrap_or_default(),
            is_new: true,
            ..Row::default()
        };
        self.count(Stands::of(&row), 1);
        self.requests.insert(request.number, row);
        // A citizen's own words teach the register no names.
        if request.imported.is_some() || request.channel != Channel::Web.number() {
            self.place_named(place);
        }
        Ok(())
    }

    /// By the source's own standard where it was imported with one, else by the topic's as it is posted now.
    async fn due(
        &mut self,
        tx: &mut SqliteConnection,
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
        let standards = match &mut self.standards {
            Some(known) => known,
            unknown @ None => {
                let posted: Vec<(String, u32, u32)> =
                    sqlx::query_as("select code, days, working_days from topic")
                        .fetch_all(tx)
                        .await?;
                let posted = posted
                    .into_iter()
                    .map(|(code, days, working_days)| (code, (days, working_days)));
                unknown.insert(posted.collect())
            }
        };
        let (days, working_days) = standards.get(&request.topic).copied().unwrap_or_default();
        // Beyond the years whose holidays are known nothing is due.
        let due = Standard::posted(days, working_days)
            .and_then(|it| clocks::due_at(time(registered_at), it).ok());
        Ok(Due {
            at: due.map(Timestamp::as_microsecond),
            days,
            working_days,
        })
    }

    fn place_named(&mut self, place: Place) {
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
            *self.neighbourhoods.entry(named).or_default() += 1;
        }
        *self.districts.entry(district).or_default() += 1;
    }

    fn moved(&mut self, step: &Step, event: &Event) -> anyhow::Result<()> {
        let Some(row) = self.requests.get_mut(&step.number) else {
            return Ok(());
        };
        let before = Stands::of(row);
        let at = event.occurred_at.max(row.state_since);
        row.due_at = due_after(row, at);
        row.state = step.state.number();
        row.state_since = at;
        row.sub_result = step.sub_result.map_or(0, SubResult::number);
        if !step.unit.is_empty() {
            row.unit.clone_from(&step.unit);
        }
        if let Some(assignee) = &step.assignee {
            row.assignee.clone_from(assignee);
        }
        if !step.keeps_plan {
            row.planned_for.clone_from(&step.planned_for);
            row.institution.clone_from(&step.institution);
        }
        let is_concluded = step.state == RequestState::Concluded;
        row.open = !is_concluded;
        row.concluded_at = is_concluded.then_some(at);
        row.version = i64::try_from(event.version)?;
        row.changed_at_position = i64::try_from(event.position)?;
        row.updated_at = row.updated_at.max(event.occurred_at);
        row.has_moved = true;
        let after = Stands::of(row);
        let (state, sub_result) = (row.state, row.sub_result);
        self.stepped(&step.number, state, sub_result, &step.planned_for, event)?;
        if after != before {
            self.count(before, -1);
            self.count(after, 1);
        }
        Ok(())
    }

    /// Something was said about the request; it stands where it stood.
    fn touched(&mut self, touch: &Touch, event: &Event) -> anyhow::Result<()> {
        if let Some(row) = self.requests.get_mut(&touch.number) {
            row.changed_at_position = i64::try_from(event.position)?;
            row.version = i64::try_from(event.version)?;
            if touch.public {
                row.updated_at = row.updated_at.max(event.occurred_at);
            }
            row.was_touched = true;
        }
        if touch.public {
            self.stepped(&touch.number, 0, 0, "", event)?;
        }
        Ok(())
    }

    fn stepped(
        &mut self,
        number: &str,
        state: i32,
        sub_result: i32,
        planned_for: &str,
        event: &Event,
    ) -> anyhow::Result<()> {
        self.steps.push(Reached {
            at: event.occurred_at,
            position: i64::try_from(event.position)?,
            number: number.to_owned(),
            state,
            sub_result,
            planned_for: planned_for.to_owned(),
        });
        Ok(())
    }

    fn count(&mut self, stands: Stands, by: i64) {
        *self.tally.entry(stands).or_default() += by;
    }
}

/// The number of a request whose stream begins with this event.
fn begun<'a>((event, heard): &'a (&Event, Heard)) -> Option<&'a str> {
    match heard {
        Heard::Registered(request) if event.version == 1 => Some(request.number.as_str()),
        Heard::Registered(_)
        | Heard::Moved(_)
        | Heard::Touched(_)
        | Heard::Unit(_)
        | Heard::Topic(_) => None,
    }
}

/// When a request is due, and by which standard.
#[derive(Default)]
struct Due {
    at: Option<i64>,
    days: u32,
    working_days: u32,
}

/// A question to the citizen stops the unit's clock, and puts off nothing else.
fn due_after(row: &Row, at: i64) -> Option<i64> {
    let due = row.due_at?;
    let waited = row.state == RequestState::WaitingCitizen.number();
    let standard = Standard::posted(row.due_days, row.due_working_days).filter(|_| waited);
    let Some(standard) = standard else {
        return Some(due);
    };
    let later = clocks::due_after_waiting(time(due), standard, time(row.state_since), time(at));
    Some(later.map_or(due, Timestamp::as_microsecond))
}

fn time(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// What the figures count a request by.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Stands {
    unit: String,
    channel: String,
    state: i32,
    sub_result: i32,
}

impl Stands {
    fn of(row: &Row) -> Self {
        Self {
            unit: row.unit.clone(),
            channel: row.channel.clone(),
            state: row.state,
            sub_result: row.sub_result,
        }
    }
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
