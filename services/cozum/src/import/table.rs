//! The file that is imported, a CSV file or a sheet of a workbook: a header, and rows of texts.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Read},
    path::Path,
};

use anyhow::Context as _;
use csv::{ByteRecord, ErrorKind, ReaderBuilder, Trim};

use super::{Remark, dates::DayZero, workbook};

/// How the files begin that workbooks are: a ZIP archive, and what Excel wrote before 2007.
const WORKBOOK: &[u8] = b"PK\x03\x04";
const OLD_WORKBOOK: &[u8] = b"\xd0\xcf\x11\xe0";

/// One row as it stands in the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// The line or the row it begins on, from 1.
    pub(super) line: u64,
    pub(super) texts: Vec<String>,
}

/// A header and its rows.
pub(super) struct Table<'a> {
    pub(super) headers: Vec<String>,
    /// Where days are numbered from, in a workbook.
    pub(super) sheet: Option<DayZero>,
    pub(super) records: Box<dyn Iterator<Item = Result<Record, Remark>> + 'a>,
}

impl Table<'static> {
    /// Opens a file of either kind; `sheet` names one of a workbook's.
    pub(super) fn open(path: &Path, delimiter: u8, sheet: Option<&str>) -> anyhow::Result<Self> {
        let mut file = BufReader::new(File::open(path)?);
        let beginning = file.fill_buf()?;
        if beginning.starts_with(OLD_WORKBOOK) {
            anyhow::bail!("is a workbook of the old kind (.xls): save it as .xlsx");
        }
        if beginning.starts_with(WORKBOOK) {
            return workbook::read(file, sheet);
        }
        anyhow::ensure!(sheet.is_none(), "--sheet: the file is no workbook");
        Self::csv(file, delimiter)
    }
}

impl<'a> Table<'a> {
    /// CSV text in UTF-8.
    pub(super) fn csv(input: impl Read + 'a, delimiter: u8) -> anyhow::Result<Self> {
        let mut reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .trim(Trim::Headers)
            .from_reader(input);
        let headers: Vec<String> = reader
            .headers()
            .context("the header is not UTF-8 text")?
            .iter()
            .map(str::to_owned)
            .collect();
        let records = CsvRecords {
            uncounted: uncounted(&headers, reader.position()),
            headers: headers.clone(),
            reader,
            record: ByteRecord::new(),
            failed: false,
        };
        Ok(Self {
            headers,
            sheet: None,
            records: Box::new(records),
        })
    }
}

/// The rows of CSV text; one that is malformed does not end them.
struct CsvRecords<R> {
    reader: csv::Reader<R>,
    headers: Vec<String>,
    /// Lines that the reader's own count lacks.
    uncounted: u64,
    record: ByteRecord,
    failed: bool,
}

impl<R: Read> Iterator for CsvRecords<R> {
    type Item = Result<Record, Remark>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        match self.reader.read_byte_record(&mut self.record) {
            Ok(false) => None,
            Ok(true) => Some(self.texts(self.line(self.record.position()))),
            Err(error) => Some(Err(self.malformed(&error))),
        }
    }
}

impl<R: Read> CsvRecords<R> {
    /// All cells as text; refused where one is not UTF-8.
    fn texts(&self, line: u64) -> Result<Record, Remark> {
        let text = |(index, bytes): (usize, &[u8])| {
            std::str::from_utf8(bytes)
                .map(str::to_owned)
                .map_err(|_| Remark {
                    line,
                    id: String::new(),
                    column: self.headers.get(index).cloned().unwrap_or_default(),
                    reason: "is not UTF-8 text".to_owned(),
                })
        };
        let texts = self.record.iter().enumerate().map(text);
        Ok(Record {
            line,
            texts: texts.collect::<Result<_, _>>()?,
        })
    }

    fn line(&self, position: Option<&csv::Position>) -> u64 {
        position.map_or(0, |it| it.line() + self.uncounted)
    }

    fn malformed(&mut self, error: &csv::Error) -> Remark {
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
        Remark {
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
