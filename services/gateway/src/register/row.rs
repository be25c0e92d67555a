//! One request as the register's file has it, read and written by the batch.

use serde_json::{Value, json};
use sqlx::SqliteConnection;

/// A row of `request`, and what became of it in a batch.
#[derive(Debug, Clone, Default, sqlx::FromRow)]
pub(super) struct Row {
    pub(super) number: String,
    pub(super) topic: String,
    pub(super) channel: String,
    pub(super) latitude: Option<f64>,
    pub(super) longitude: Option<f64>,
    pub(super) district: String,
    pub(super) neighbourhood: String,
    pub(super) person: String,
    pub(super) registered_at: i64,
    pub(super) updated_at: i64,
    pub(super) changed_at_position: i64,
    pub(super) state: i32,
    pub(super) state_since: i64,
    pub(super) open: bool,
    pub(super) unit: String,
    pub(super) assignee: String,
    pub(super) planned_for: String,
    pub(super) institution: String,
    pub(super) sub_result: i32,
    pub(super) concluded_at: Option<i64>,
    pub(super) due_at: Option<i64>,
    pub(super) due_days: u32,
    pub(super) due_working_days: u32,
    pub(super) version: i64,
    pub(super) imported: bool,
    pub(super) source: String,
    /// The file does not have it yet.
    #[sqlx(skip)]
    pub(super) is_new: bool,
    /// It reached a state.
    #[sqlx(skip)]
    pub(super) has_moved: bool,
    /// Something was said about it.
    #[sqlx(skip)]
    pub(super) was_touched: bool,
}

impl Row {
    /// The rows of these numbers; those that there are.
    pub(super) async fn read(
        tx: &mut SqliteConnection,
        numbers: &[&str],
    ) -> anyhow::Result<Vec<Self>> {
        let rows = sqlx::query_as(
            "select * from request where number in (select value from json_each(?1))",
        )
        .bind(serde_json::to_string(numbers)?)
        .fetch_all(tx)
        .await?;
        Ok(rows)
    }

    /// Writes those that changed: one statement for the new ones, one for those that moved, and one that leaves most indexes
    /// alone for those of which something was said.
    pub(super) async fn write(
        tx: &mut SqliteConnection,
        rows: impl Iterator<Item = &Self>,
    ) -> anyhow::Result<()> {
        let (mut new, mut moved, mut touched) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            if row.is_new {
                new.push(row.whole());
            } else if row.has_moved {
                moved.push(row.standing());
            } else if row.was_touched {
                touched.push(json!([
                    row.number,
                    row.version,
                    row.changed_at_position,
                    row.updated_at
                ]));
            }
        }
        for (rows, statement) in [
            (
                new,
                "insert into request (number, version, changed_at_position, updated_at, state, state_since, open, unit,
                    assignee, planned_for, institution, sub_result, concluded_at, due_at, topic, channel, latitude,
                    longitude, district, neighbourhood, person, registered_at, due_days, due_working_days, imported, source)
                 select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
                    value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12, value ->> 13,
                    value ->> 14, value ->> 15, value ->> 16, value ->> 17, value ->> 18, value ->> 19, value ->> 20,
                    value ->> 21, value ->> 22, value ->> 23, value ->> 24, value ->> 25 from json_each(?1)",
            ),
            (
                moved,
                "update request set version = value ->> 1, changed_at_position = value ->> 2, updated_at = value ->> 3,
                    state = value ->> 4, state_since = value ->> 5, open = value ->> 6, unit = value ->> 7,
                    assignee = value ->> 8, planned_for = value ->> 9, institution = value ->> 10,
                    sub_result = value ->> 11, concluded_at = value ->> 12, due_at = value ->> 13
                 from json_each(?1) where number = value ->> 0",
            ),
            (
                touched,
                "update request set version = value ->> 1, changed_at_position = value ->> 2, updated_at = value ->> 3
                 from json_each(?1) where number = value ->> 0",
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

    /// What a step changes.
    fn standing(&self) -> Value {
        json!([
            self.number,
            self.version,
            self.changed_at_position,
            self.updated_at,
            self.state,
            self.state_since,
            i32::from(self.open),
            self.unit,
            self.assignee,
            self.planned_for,
            self.institution,
            self.sub_result,
            self.concluded_at,
            self.due_at,
        ])
    }

    fn whole(&self) -> Value {
        let mut values = self.standing();
        let more = json!([
            self.topic,
            self.channel,
            self.latitude,
            self.longitude,
            self.district,
            self.neighbourhood,
            self.person,
            self.registered_at,
            self.due_days,
            self.due_working_days,
            i32::from(self.imported),
            self.source,
        ]);
        if let (Value::Array(values), Value::Array(more)) = (&mut values, more) {
            values.extend(more);
        }
        values
    }
}
