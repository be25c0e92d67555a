//! One request as the register's file has it, read and written by the batch.

use projection::pieces;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection, query_builder::Separated};

/// A row of `request`, and what became of it in a batch. What nothing changes is written once and not read again.
#[derive(Debug, Clone, Default, sqlx::FromRow)]
pub(super) struct Row {
    pub(super) number: String,
    #[sqlx(default)]
    pub(super) topic: String,
    pub(super) channel: String,
    #[sqlx(default)]
    pub(super) latitude: Option<f64>,
    #[sqlx(default)]
    pub(super) longitude: Option<f64>,
    #[sqlx(default)]
    pub(super) district: String,
    #[sqlx(default)]
    pub(super) neighbourhood: String,
    #[sqlx(default)]
    pub(super) person: String,
    #[sqlx(default)]
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
    #[sqlx(default)]
    pub(super) imported: bool,
    #[sqlx(default)]
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
            "select number, channel, version, changed_at_position, updated_at, state, state_since, open, unit, assignee,
                planned_for, institution, sub_result, concluded_at, due_at, due_days, due_working_days
             from request where number in (select value from json_each(?1))",
        )
        .bind(serde_json::to_string(numbers)?)
        .fetch_all(tx)
        .await?;
        Ok(rows)
    }

    /// `or rollback`, because a batch is written whole or not at all: SQLite need not keep what a statement of many rows has
    /// overwritten, so that it could undo that one alone.
    ///
    /// Writes those that changed: one statement for the new ones, one for those that moved, and one that leaves most indexes
    /// alone for those of which something was said.
    pub(super) async fn write(
        tx: &mut SqliteConnection,
        rows: impl Iterator<Item = &Self>,
    ) -> anyhow::Result<()> {
        let (mut new, mut moved, mut touched) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            if row.is_new {
                new.push(row);
            } else if row.has_moved {
                moved.push(row);
            } else if row.was_touched {
                touched.push(row);
            }
        }
        for piece in pieces(&new) {
            let mut insert = QueryBuilder::<Sqlite>::new(
                "insert or rollback into request (number, version, changed_at_position, updated_at, state, state_since, open, unit,
                    assignee, planned_for, institution, sub_result, concluded_at, due_at, topic, channel, latitude,
                    longitude, district, neighbourhood, person, registered_at, due_days, due_working_days, imported, source) ",
            );
            insert.push_values(piece, |mut values, row| {
                row.seen(&mut values);
                row.standing(&mut values);
                row.lasting(&mut values);
            });
            insert.build().execute(&mut *tx).await?;
        }
        for piece in pieces(&moved) {
            let mut update = QueryBuilder::<Sqlite>::new(
                "update or rollback request set version = column2, changed_at_position = column3, updated_at = column4,
                    state = column5, state_since = column6, open = column7, unit = column8, assignee = column9,
                    planned_for = column10, institution = column11, sub_result = column12, concluded_at = column13,
                    due_at = column14 from (",
            );
            update.push_values(piece, |mut values, row| {
                row.seen(&mut values);
                row.standing(&mut values);
            });
            update.push(") where number = column1");
            update.build().execute(&mut *tx).await?;
        }
        for piece in pieces(&touched) {
            let mut update = QueryBuilder::<Sqlite>::new(
                "update or rollback request set version = column2, changed_at_position = column3, updated_at = column4 from (",
            );
            update.push_values(piece, |mut values, row| row.seen(&mut values));
            update.push(") where number = column1");
            update.build().execute(&mut *tx).await?;
        }
        Ok(())
    }

    /// What every event changes.
    fn seen(&self, values: &mut Separated<'_, Sqlite, &str>) {
        values
            .push_bind(&self.number)
            .push_bind(self.version)
            .push_bind(self.changed_at_position)
            .push_bind(self.updated_at);
    }

    /// What a step changes.
    fn standing(&self, values: &mut Separated<'_, Sqlite, &str>) {
        values
            .push_bind(self.state)
            .push_bind(self.state_since)
            .push_bind(self.open)
            .push_bind(&self.unit)
            .push_bind(&self.assignee)
            .push_bind(&self.planned_for)
            .push_bind(&self.institution)
            .push_bind(self.sub_result)
            .push_bind(self.concluded_at)
            .push_bind(self.due_at);
    }

    /// What nothing changes.
    fn lasting(&self, values: &mut Separated<'_, Sqlite, &str>) {
        values
            .push_bind(&self.topic)
            .push_bind(&self.channel)
            .push_bind(self.latitude)
            .push_bind(self.longitude)
            .push_bind(&self.district)
            .push_bind(&self.neighbourhood)
            .push_bind(&self.person)
            .push_bind(self.registered_at)
            .push_bind(self.due_days)
            .push_bind(self.due_working_days)
            .push_bind(self.imported)
            .push_bind(&self.source);
    }
}
