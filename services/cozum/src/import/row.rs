//! One row of an export, checked and in our words; or why it was refused.

use std::{
    collections::{BTreeMap, HashSet},
    io::Read,
};

use anyhow::Context as _;
use csv::{ByteRecord, ErrorKind, ReaderBuilder, Trim};
use jiff::Timestamp;
use vocabulary::{Channel, RequestState, SubResult};

use super::{
    cells::{Cells, Fault, LONGEST_DESCRIPTION, one, one_line},
    mapping::{Mapping, Status},
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
}

/// A row that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Refusal {
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
pub struct Rows<'a, R> {
    mapping: &'a Mapping,
    reader: csv::Reader<R>,
    positions: BTreeMap<String, usize>,
    headers: Vec<String>,
    /// Lines that the reader's own count lacks.
    uncounted: u64,
    seen: HashSet<String>,
    record: ByteRecord,
    failed: bool,
}

impl<'a, R: Read> Rows<'a, R> {
    /// Reads the header; every column that the mapping names must stand in it.
    pub fn new(mapping: &'a Mapping, input: R) -> anyhow::Result<Self> {
        let mut reader = ReaderBuilder::new()
            .delimiter(mapping.delimiter)
            .trim(Trim::Headers)
            .from_reader(input);
        let headers: Vec<String> = reader
            .headers()
            .context("the header is not UTF-8 text")?
            .iter()
            .map(str::to_owned)
            .collect();
        let positions: BTreeMap<String, usize> = headers
            .iter()
            .enumerate()
            .map(|(index, name)| (name.clone(), index))
            .collect();
        for (key, names) in mapping.columns.all() {
            for name in &names.0 {
                anyhow::ensure!(
                    positions.contains_key(name),
                    "the file has no column {name:?}, which the mapping names as columns.{key}"
                );
                anyhow::ensure!(
                    headers.iter().filter(|it| *it == name).count() == 1,
                    "the file has the column {name:?} twice, which the mapping names as columns.{key}"
                );
            }
        }
        let seen = HashSet::new();
        let uncounted = uncounted(&headers, reader.position());
        Ok(Self {
            mapping,
            reader,
            positions,
            headers,
            uncounted,
            seen,
            record: ByteRecord::new(),
            failed: false,
        })
    }
}

impl<R: Read> Iterator for Rows<'_, R> {
    type Item = Result<Row, Refusal>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        match self.reader.read_byte_record(&mut self.record) {
            Ok(false) => None,
            Ok(true) => {
                let line = self.line(self.record.position());
                let row = self.texts(line).and_then(|cells| self.row(line, &cells));
                Some(row.and_then(|row| self.only_once(row)))
            }
            Err(error) => Some(Err(self.malformed(&error))),
        }
    }
}

impl<R: Read> Rows<'_, R> {
    /// All cells as text; refused where one is not UTF-8.
    fn texts(&self, line: u64) -> Result<Vec<String>, Refusal> {
        let text = |(index, bytes): (usize, &[u8])| {
            std::str::from_utf8(bytes)
                .map(str::to_owned)
                .map_err(|_| Refusal {
                    line,
                    id: String::new(),
                    column: self.headers.get(index).cloned().unwrap_or_default(),
                    reason: "is not UTF-8 text".to_owned(),
                })
        };
        self.record.iter().enumerate().map(text).collect()
    }

    fn row(&self, line: u64, cells: &[String]) -> Result<Row, Refusal> {
        let cells = Cells {
            mapping: self.mapping,
            positions: &self.positions,
            texts: cells,
        };
        let columns = &self.mapping.columns;
        let (_, id) = cells.first(&columns.id);
        let read = || -> Result<Row, Fault> {
            if id.is_empty() || id.chars().count() > LONGEST_ID {
                return Err((one(&columns.id), "has 1 to 100 characters".to_owned()));
            }
            if !one_line(id) {
                let problem = "holds line breaks or control characters";
                return Err((one(&columns.id), problem.to_owned()));
            }
            let created = cells
                .date(&columns.created)?
                .ok_or_else(|| (one(&columns.created), "is empty".to_owned()))?;
            let (status, Status { state, sub_result }) = cells.status()?;
            let topic = cells.word(&columns.topic, self.mapping.defaults.topic.as_deref())?;
            let unit = cells.word(&columns.unit, self.mapping.defaults.unit.as_deref())?;
            let unit_name = match cells.short(&columns.unit_name)? {
                name if name.is_empty() => unit.clone(),
                name => name,
            };
            let concluded = state == RequestState::Concluded;
            Ok(Row {
                line,
                id: id.to_owned(),
                created,
                state_since: cells.state_since(created, concluded)?,
                state,
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
                point: cells.point()?,
            })
        };
        read().map_err(|(column, reason)| Refusal {
            line,
            id: id.to_owned(),
            column,
            reason,
        })
    }

    fn line(&self, position: Option<&csv::Position>) -> u64 {
        position.map_or(0, |it| it.line() + self.uncounted)
    }

    fn only_once(&mut self, row: Row) -> Result<Row, Refusal> {
        if self.seen.insert(row.id.clone()) {
            return Ok(row);
        }
        let column = one(&self.mapping.columns.id);
        Err(Refusal {
            line: row.line,
            id: row.id,
            column,
            reason: "stands in this file twice".to_owned(),
        })
    }

    fn malformed(&mut self, error: &csv::Error) -> Refusal {
        let line = self.line(error.position());
        let reason = if let ErrorKind::UnequalLengths {
            expected_len, len, ..
        } = error.kind()
        {
            format!("the row has {len} fields where the header has {expected_len}")
        } else {
            // Everything else is the end of what can be read.
            self.failed = true;
            format!("the file cannot be read on: {error}")
        };
        Refusal {
            line,
            id: String::new(),
            column: String::new(),
            reason,
        }
    }
}

/// Where lines end in CR LF, a record ends at CR: the reader counts its line with the next record, so each line is one behind.
fn uncounted(headers: &[String], after_header: &csv::Position) -> u64 {
    let inside: usize = headers.iter().map(|it| it.matches('\n').count()).sum();
    let expected = 2 + u64::try_from(inside).unwrap_or_default();
    expected.saturating_sub(after_header.line())
}

#[cfg(test)]
#[path = "row_tests.rs"]
mod tests;
