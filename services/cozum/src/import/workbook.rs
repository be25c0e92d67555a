//! A sheet of an .xlsx workbook. Its first filled row is the header; empty rows and what stands beside the header's columns
//! are nothing.

use std::io::{Read, Seek};

use anyhow::Context as _;
use calamine::{DataRef, Reader as _, Xlsx};

use super::{
    dates::DayZero,
    table::{Record, Table},
};

/// Reads a sheet, the first one where none is named.
pub(super) fn read(file: impl Read + Seek, sheet: Option<&str>) -> anyhow::Result<Table<'static>> {
    let mut workbook = Xlsx::new(file).context("is no .xlsx workbook")?;
    let zero = if workbook.has_1904_epoch() {
        DayZero::Of1904
    } else {
        DayZero::Of1900
    };
    let sheets = workbook.sheet_names();
    let name = match sheet {
        Some(name) => sheets.iter().find(|it| *it == name).with_context(|| {
            let names: Vec<String> = sheets.iter().map(|it| format!("{it:?}")).collect();
            format!(
                "--sheet: the workbook has {}, no {name:?}",
                names.join(", ")
            )
        })?,
        None => sheets.first().context("the workbook has no sheet")?,
    }
    .clone();
    let mut records = records(&mut workbook, &name, zero)
        .with_context(|| format!("sheet {name:?}"))?
        .into_iter();
    let header = records
        .next()
        .with_context(|| format!("sheet {name:?} is empty"))?;
    let headers: Vec<String> = header.texts.iter().map(|it| it.trim().to_owned()).collect();
    let columns = headers.len();
    let records = records.map(move |mut record| {
        record.texts.resize(columns, String::new());
        Ok(record)
    });
    Ok(Table {
        headers,
        sheet: Some(zero),
        records: Box::new(records),
    })
}

/// The rows that hold anything; no row is wider than the first.
fn records<R: Read + Seek>(
    workbook: &mut Xlsx<R>,
    sheet: &str,
    zero: DayZero,
) -> anyhow::Result<Vec<Record>> {
    let mut records: Vec<Record> = Vec::new();
    let mut cells = workbook.worksheet_cells_reader(sheet)?;
    while let Some(cell) = cells.next_cell()? {
        let (row, column) = cell.get_position();
        let (line, column) = (u64::from(row) + 1, usize::try_from(column)?);
        let text = text(cell.get_value(), zero);
        let columns = records.first().filter(|it| it.line != line);
        if text.is_empty() || columns.is_some_and(|it| column >= it.texts.len()) {
            continue;
        }
        if records.last().is_none_or(|it| it.line != line) {
            records.push(Record {
                line,
                texts: Vec::new(),
            });
        }
        if let Some(record) = records.last_mut() {
            let texts = &mut record.texts;
            texts.resize(texts.len().max(column + 1), String::new());
            texts[column] = text;
        }
    }
    Ok(records)
}

/// A cell as it would stand in a CSV file; a date in ISO form.
fn text(cell: &DataRef<'_>, zero: DayZero) -> String {
    match cell {
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            text.clone()
        }
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(truth) => truth.to_string(),
        DataRef::DateTime(date) => match zero.civil(date.as_f64()) {
            Some(civil) if date.is_datetime() => civil.to_string(),
            Some(_) | None => date.as_f64().to_string(),
        },
        DataRef::Error(error) => error.to_string(),
        DataRef::Empty => String::new(),
    }
}
