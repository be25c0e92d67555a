//! A batch of events, folded in memory: what there is of its requests is read at once, and what became of them is written at
//! once.

use std::collections::BTreeMap;

use chassis::event;
use contracts::{
    intake::v1::{ContactRegistered, RequestRegistered},
    ledger::v1::Event,
    vocabulary::v1::ServiceStandard,
};
use projection::pieces;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection, query_builder::Separated};
use vocabulary::RequestState;

use super::{Handling, digits, due};

/// A request as it is counted. What nothing changes is written once and not read again.
#[derive(Debug, Default, sqlx::FromRow)]
pub(super) struct Row {
    #[sqlx(default)]
    occurred_at: i64,
    number: i64,
    #[sqlx(default)]
    channel: i32,
    #[sqlx(default)]
    topic: String,
    unit: String,
    #[sqlx(default)]
    district: String,
    state: i32,
    sub_result: i32,
    #[sqlx(default)]
    imported: bool,
    #[sqlx(default)]
    source_agency: String,
    #[sqlx(default)]
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

/// A contact as it is counted.
struct Contact {
    occurred_at: i64,
    position: i64,
    channel: i32,
}

/// What a batch adds up to, until it is written.
#[derive(Default)]
pub(super) struct Batch {
    requests: BTreeMap<i64, Row>,
    contacts: Vec<Contact>,
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
                "select number, unit, state, sub_result, due_at, concluded_at, days, working_days, waiting_since
                 from request where number in (select value from json_each(?))",
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
        self.contacts.push(Contact {
            occurred_at: event.occurred_at,
            position: i64::try_from(event.position)?,
            channel: contact.channel,
        });
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
        let new: Vec<&Row> = rows.clone().filter(|it| it.is_new).collect();
        let changed: Vec<&Row> = rows.filter(|it| it.has_changed && !it.is_new).collect();
        for piece in pieces(&self.contacts) {
            let mut insert = QueryBuilder::<Sqlite>::new(
                "insert or rollback into contact (occurred_at, position, channel) ",
            );
            insert.push_values(piece, |mut values, it| {
                values
                    .push_bind(it.occurred_at)
                    .push_bind(it.position)
                    .push_bind(it.channel);
            });
            insert.build().execute(&mut *tx).await?;
        }
        for piece in pieces(&new) {
            let mut insert = QueryBuilder::<Sqlite>::new(
                "insert or rollback into request (number, unit, state, sub_result, due_at, concluded_at, waiting_since, occurred_at,
                    channel, topic, district, imported, source_agency, source_status, days, working_days) ",
            );
            insert.push_values(piece, |mut values, row| {
                row.standing(&mut values);
                row.lasting(&mut values);
            });
            insert.build().execute(&mut *tx).await?;
        }
        for piece in pieces(&changed) {
            let mut update = QueryBuilder::<Sqlite>::new(
                "update or rollback request set unit = column2, state = column3, sub_result = column4, due_at = column5,
                    concluded_at = column6, waiting_since = column7 from (",
            );
            update.push_values(piece, |mut values, row| row.standing(&mut values));
            update.push(") where number = column1");
            update.build().execute(&mut *tx).await?;
        }
        Ok(())
    }
}

impl Row {
    /// What may change.
    fn standing(&self, values: &mut Separated<'_, Sqlite, &str>) {
        values
            .push_bind(self.number)
            .push_bind(&self.unit)
            .push_bind(self.state)
            .push_bind(self.sub_result)
            .push_bind(self.due_at)
            .push_bind(self.concluded_at)
            .push_bind(self.waiting_since);
    }

    /// What nothing changes.
    fn lasting(&self, values: &mut Separated<'_, Sqlite, &str>) {
        values
            .push_bind(self.occurred_at)
            .push_bind(self.channel)
            .push_bind(&self.topic)
            .push_bind(&self.district)
            .push_bind(self.imported)
            .push_bind(&self.source_agency)
            .push_bind(&self.source_status)
            .push_bind(self.days)
            .push_bind(self.working_days);
    }
}
