//! One row of an export, checked and in our words; or why it was refused.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use vocabulary::{Channel, RequestState, SubResult};

use super::{
    cells::{Cells, Fault, LONGEST_DESCRIPTION, one, one_line},
    mapping::{Mapping, Status},
    table::{Record, Table},
};

const LONGEST_ADDRESS: usize = 500;
const LONGEST_ID: usize = 100;
const LONGEST_PLACE: usize = 100;

/// A request as the export tells it.
#[derive(Clone, PartialEq)]
pub struct Row {
    /// The line it begins on, from 1.
    pub line: u64,
    /// Its id in the export.
    pub id: String,
    /// When it was registered there.
    pub created: Timestamp,
    /// When it reached its present state there.
    pub state_since: Timestamp,
    /// Where it stands.
    pub state: RequestState,
    /// When the source's own standard wanted it done.
    pub due: Option<Timestamp>,
    /// How it was concluded, if it was.
    pub sub_result: Option<SubResult>,
    /// The status word, verbatim.
    pub status: String,
    /// The topic's name, verbatim.
    pub topic: String,
    /// The agency's word, verbatim.
    pub unit: String,
    /// The agency's name; its word where the export has none.
    pub unit_name: String,
    /// The channel it came by.
    pub channel: Channel,
    /// What was reported.
    pub description: String,
    /// What its conclusion said.
    pub answer: String,
    /// Where, in words.
    pub address: String,
    /// Where, by name.
    pub district: String,
    /// Where, by name.
    pub neighbourhood: String,
    /// Where, in WGS 84 degrees: latitude, longitude.
    pub point: Option<(f64, f64)>,
    /// The column that tells a place which cannot be believed, and why; the place is unknown then.
    pub unplaced: Option<(String, String)>,
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The line it begins on, from 1.
    pub line: u64,
    /// Its id in the export, if that much could be read.
    pub id: String,
    /// The column at fault, or the field our services named.
    pub column: String,
    /// What is wrong with it.
    pub reason: String,
}

/// The rows of an export, checked one by one; a row that is refused does not end them.
pub struct Rows<'a> {
    mapping: &'a Mapping,
    table: Table<'a>,
    positions: BTreeMap<String, usize>,
    seen: HashSet<String>,
    now: Timestamp,
}

impl<'a> Rows<'a> {
    /// Every column that the mapping names must stand in the header, once.
    pub(super) fn new(
        mapping: &'a Mapping,
        table: Table<'a>,
        now: Timestamp,
    ) -> anyhow::Result<Self> {
        let headers = table.headers.iter().enumerate();
        let positions: BTreeMap<String, usize> =
            headers.map(|(index, name)| (name.clone(), index)).collect();
        for (key, names) in mapping.columns.all() {
            for name in &names.0 {
                anyhow::ensure!(
                    positions.contains_key(name),
                    "the file has no column {name:?}, which the mapping names as columns.{key}"
                );
                anyhow::ensure!(
                    table.headers.iter().filter(|it| *it == name).count() == 1,
                    "the file has the column {name:?} twice, which the mapping names as columns.{key}"
                );
            }
        }
        Ok(Self {
            mapping,
            table,
            positions,
            seen: HashSet::new(),
            now,
        })
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<Row, Remark>;

    fn next(&mut self) -> Option<Self::Item> {
        let record = self.table.records.next()?;
        let row = record.and_then(|it| self.row(&it));
        Some(row.and_then(|it| self.only_once(it)))
    }
}

impl Rows<'_> {
    fn row(&self, record: &Record) -> Result<Row, Remark> {
        let cells = Cells {
            mapping: self.mapping,
            positions: &self.positions,
            texts: &record.texts,
            sheet: self.table.sheet,
            now: self.now,
        };
        let columns = &self.mapping.columns;
        let (_, id) = cells.first(&columns.id);
        self.read(&cells, record.line, id)
            .map_err(|(column, reason)| Remark {
                line: record.line,
                id: id.to_owned(),
                column,
                reason,
            })
    }

    fn read(&self, cells: &Cells<'_>, line: u64, id: &str) -> Result<Row, Fault> {
        let (columns, defaults) = (&self.mapping.columns, &self.mapping.defaults);
        if id.is_empty() || id.chars().count() > LONGEST_ID {
            return Err((one(&columns.id), "has 1 to 100 characters".to_owned()));
        }
        if !one_line(id) {
            let problem = "holds line breaks or control characters";
            return Err((one(&columns.id), problem.to_owned()));
        }
        let created = cells.created()?;
        let (status, Status { state, sub_result }) = cells.status()?;
        let topic = cells.word(&columns.topic, defaults.topic.as_deref())?;
        let unit = cells.word(&columns.unit, defaults.unit.as_deref())?;
        let unit_name = match cells.short(&columns.unit_name)? {
            name if name.is_empty() => unit.clone(),
            name => name,
        };
        let concluded = state == RequestState::Concluded;
        let (point, unplaced) = match cells.point() {
            Ok(point) => (point, None),
            Err(fault) => (None, Some(fault)),
        };
        Ok(Row {
            line,
            id: id.to_owned(),
            created,
            state_since: cells.state_since(created, concluded)?,
            state,
            due: cells.due(created)?,
            sub_result,
            status,
            description: cells.description(&topic)?,
            topic,
            unit,
            unit_name,
            channel: cells.channel()?,
            answer: if concluded {
                cells.text(&columns.answer, LONGEST_DESCRIPTION)?
            } else {
                String::new()
            },
            address: cells.line(&columns.address, LONGEST_ADDRESS)?,
            district: cells.line(&columns.district, LONGEST_PLACE)?,
            neighbourhood: cells.line(&columns.neighbourhood, LONGEST_PLACE)?,
            point,
            unplaced,
        })
    }

    fn only_once(&mut self, row: Row) -> Result<Row, Remark> {
        if self.seen.insert(row.id.clone()) {
            return Ok(row);
        }
        let column = one(&self.mapping.columns.id);
        Err(Remark {
            line: row.line,
            id: row.id,
            column,
            reason: "stands in this file twice".to_owned(),
        })
    }
}

#[cfg(test)]
#[path = "row_tests.rs"]
mod tests;
