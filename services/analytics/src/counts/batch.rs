//! A batch of events, folded in memory: what there is of its requests is read at once, and what became of them is written at
//! once.

use std::collections::BTreeMap;

use chassis::event;
use contracts::{
    intake::v1::{ContactRegistered, RequestRegistered},
    ledger::v1::Event,
    vocabulary::v1::ServiceStandard,
};
use serde_json::{Value, json};
use sqlx::SqliteConnection;
use vocabulary::RequestState;

use super::{Handling, digits, due};

/// A request as it is counted.
#[derive(Debug, Default, sqlx::FromRow)]
pub(super) struct Row {
    occurred_at: i64,
    number: i64,
    channel: i32,
    topic: String,
    unit: String,
    district: String,
    state: i32,
    sub_result: i32,
    imported: bool,
    source_agency: String,
    source_status: String,
    pub(super) due_at: Option<i64>,
    concluded_at: Option<i64>,
    pub(super) days: u32,
    pub(super) working_days: u32,
    pub(super) waiting_since: Option<i64>,
    /// The file does not have it yet.
    #[sqlx(skip)]
    is_new: bool,
    #[sqlx(skip)]
    has_changed: bool,
}

/// What a batch adds up to, until it is written.
#[derive(Default)]
pub(super) struct Batch {
    requests: BTreeMap<i64, Row>,
    contacts: Vec<Value>,
    /// Days and working days of all topics, once they are asked for.
    standards: Option<BTreeMap<String, (u32, u32)>>,
}

impl Batch {
    /// Reads what there is of these requests.
    pub(super) async fn of<'a>(
        tx: &mut SqliteConnection,
        numbers: impl Iterator<Item = &'a str>,
    ) -> anyhow::Result<Self> {
        let numbers: Vec<i64> = numbers.map(digits).collect::<Result<_, _>>()?;
        let mut batch = Self::default();
        if !numbers.is_empty() {
            let rows: Vec<Row> = sqlx::query_as(
                "select * from request where number in (select value from json_each(?))",
            )
            .bind(serde_json::to_string(&numbers)?)
            .fetch_all(tx)
            .await?;
            batch.requests = rows.into_iter().map(|it| (it.number, it)).collect();
        }
        Ok(batch)
    }

    pub(super) fn contact(&mut self, event: &Event) -> anyhow::Result<()> {
        let contact: ContactRegistered = event::decode(event)?;
        self.contacts
            .push(json!([event.occurred_at, event.position, contact.channel]));
        Ok(())
    }

    pub(super) async fn request(
        &mut self,
        tx: &mut SqliteConnection,
        event: &Event,
    ) -> anyhow::Result<()> {
        let registered: RequestRegistered = event::decode(event)?;
        let is_imported = registered.imported.is_some();
        let imported = registered.imported.unwrap_or_default();
        let mut row = Row {
            occurred_at: event.occurred_at,
            number: digits(&registered.number)?,
            channel: registered.channel,
            topic: registered.topic,
            district: registered.place.map(|it| it.district).unwrap_or_default(),
            state: RequestState::Registered.number(),
            imported: is_imported,
            source_agency: imported.agency,
            source_status: imported.status,
            due_at: Some(imported.due_at).filter(|it| *it != 0),
            is_new: true,
            ..Row::default()
        };
        if !is_imported {
            let standards = self.standards(tx).await?;
            let standard = standards.get(&row.topic).copied().unwrap_or_default();
            due::begin(&mut row, standard, event);
        }
        self.requests.insert(row.number, row);
        Ok(())
    }

    pub(super) fn handled(&mut self, handling: Handling, event: &Event) -> anyhow::Result<()> {
        let Some(row) = self.requests.get_mut(&digits(&handling.number)?) else {
            return Ok(());
        };
        due::go_on(row, handling.state, event);
        row.state = handling.state.number();
        row.sub_result = handling.sub_result;
        row.concluded_at = handling.concluded_at;
        if let Some(unit) = handling.unit {
            row.unit = unit;
        }
        row.has_changed = true;
        Ok(())
    }

    /// Notes a topic's standard; what came before it keeps the one it came under.
    pub(super) async fn posted(
        &mut self,
        tx: &mut SqliteConnection,
        topic: &str,
        standard: ServiceStandard,
    ) -> anyhow::Result<()> {
        self.standards = None;
        sqlx::query("update topic set days = ?, working_days = ? where code = ?")
            .bind(standard.days)
            .bind(standard.working_days)
            .bind(topic)
            .execute(tx)
            .await?;
        Ok(())
    }

    async fn standards(
        &mut self,
        tx: &mut SqliteConnection,
    ) -> anyhow::Result<&BTreeMap<String, (u32, u32)>> {
        match &mut self.standards {
            Some(known) => Ok(known),
            unknown @ None => {
                let posted: Vec<(String, u32, u32)> =
                    sqlx::query_as("select code, days, working_days from topic")
                        .fetch_all(tx)
                        .await?;
                let posted = posted
                    .into_iter()
                    .map(|(code, days, working_days)| (code, (days, working_days)));
                Ok(unknown.insert(posted.collect()))
            }
        }
    }

    /// Writes all of it.
    pub(super) async fn write(self, tx: &mut SqliteConnection) -> anyhow::Result<()> {
        let rows = self.requests.values();
        let new: Vec<Value> = rows.clone().filter(|it| it.is_new).map(Row::json).collect();
        let changed = rows.filter(|it| it.has_changed && !it.is_new);
        for (rows, statement) in [
            (
                self.contacts,
                "insert into contact (occurred_at, position, channel)
                 select value ->> 0, value ->> 1, value ->> 2 from json_each(?)",
            ),
            (
                new,
                "insert into request (number, unit, state, sub_result, due_at, concluded_at, waiting_since, occurred_at,
                    channel, topic, district, imported, source_agency, source_status, days, working_days)
                 select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
                    value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12, value ->> 13,
                    value ->> 14, value ->> 15 from json_each(?)",
            ),
            (
                changed.map(Row::json).collect(),
                "update request set unit = value ->> 1, state = value ->> 2, sub_result = value ->> 3,
                    due_at = value ->> 4, concluded_at = value ->> 5, waiting_since = value ->> 6
                 from json_each(?) where number = value ->> 0",
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

impl Row {
    /// What may change stands first.
    fn json(&self) -> Value {
        json!([
            self.number,
            self.unit,
            self.state,
            self.sub_result,
            self.due_at,
            self.concluded_at,
            self.waiting_since,
            self.occurred_at,
            self.channel,
            self.topic,
            self.district,
            i32::from(self.imported),
            self.source_agency,
            self.source_status,
            self.days,
            self.working_days,
        ])
    }
}
