//! A list as CSV, under the same predicate as the list; read page by page, so that a long one holds nothing up.

use std::{collections::VecDeque, sync::Arc};

use axum::{
    body::Body,
    extract::State,
    http::header,
    response::{IntoResponse as _, Response},
};
use futures::{Stream, stream};
use tonic::Status;
use vocabulary::{Channel, SubResult};

use super::{
    filters::{Filters, Scope},
    lists::{self, Asked, Cursor},
    names::Names,
    page::Visit,
    then::{Seen, Then, still_seen},
};
use crate::{
    Centre,
    access::Action,
    register::{Entry, Reader, unreadable},
    text,
};

/// Rows that are read at a time.
const CHUNK: usize = 1_000;

const COLUMNS: [&str; 19] = [
    "number",
    "topic",
    "topic_name",
    "channel",
    "state",
    "sub_result",
    "unit",
    "unit_name",
    "assignee",
    "district",
    "neighbourhood",
    "registered_at",
    "updated_at",
    "state_since",
    "due_at",
    "concluded_at",
    "planned_for",
    "imported",
    "source",
];

/// The list that an address asks for, as a file.
pub(super) async fn csv(State(centre): State<Arc<Centre>>, visit: Visit) -> Response {
    let scope = match visit.scope(Action::See) {
        Ok(scope) => scope,
        Err(response) => return *response,
    };
    match export(&centre, &visit, scope).await {
        Ok(export) => {
            let headers = [
                (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
                (
                    header::CONTENT_DISPOSITION,
                    "attachment; filename=\"requests.csv\"",
                ),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
                (header::CACHE_CONTROL, "no-store"),
            ];
            (headers, Body::from_stream(export.chunks())).into_response()
        }
        Err(status) => Then::refused(&visit, &status),
    }
}

struct Export {
    seen: Seen,
    /// The register as it is.
    today: Reader,
    names: Names,
    scope: Scope,
    filters: Filters,
    me: String,
    after: Option<Cursor>,
    ready: VecDeque<String>,
    is_done: bool,
}

async fn export(centre: &Centre, visit: &Visit, scope: Scope) -> Result<Export, Status> {
    // A spreadsheet knows by the mark that these are UTF-8 letters.
    let head = format!("\u{feff}{}\r\n", COLUMNS.join(","));
    Ok(Export {
        seen: Seen::of(centre, visit).await?,
        today: visit.register(centre).clone(),
        names: Names::read(centre, visit).await?,
        scope,
        filters: Filters::of(&visit.query),
        me: visit.signed.code().to_owned(),
        after: None,
        ready: VecDeque::from([head]),
        is_done: false,
    })
}

impl Export {
    fn chunks(self) -> impl Stream<Item = Result<String, Status>> {
        stream::try_unfold(self, async |mut export| {
            if let Some(ready) = export.ready.pop_front() {
                return Ok(Some((ready, export)));
            }
            if export.is_done {
                return Ok(None);
            }
            let chunk = export.next().await?;
            Ok(Some((chunk, export)))
        })
    }

    async fn next(&mut self) -> Result<String, Status> {
        let asked = Asked {
            scope: &self.scope,
            filters: &self.filters,
            me: &self.me,
            now: self.seen.now,
        };
        let pool = self.seen.register.pool();
        let mut connection = pool.acquire().await.map_err(unreadable)?;
        let found = lists::page(&mut connection, &asked, self.after.as_ref(), CHUNK)
            .await
            .map_err(unreadable)?;
        drop(connection);
        self.is_done = found.next.is_none();
        self.after = found.next;
        let rows = if self.seen.then.is_some() {
            still_seen(found.rows, &self.today, &self.scope).await?
        } else {
            found.rows
        };
        Ok(rows.iter().map(|it| line(it, &self.names)).collect())
    }
}

fn line(entry: &Entry, names: &Names) -> String {
    let at = |micros: Option<i64>| micros.map(text::iso).unwrap_or_default();
    let unit_name = if entry.unit.is_empty() {
        String::new()
    } else {
        names.unit(&entry.unit)
    };
    let cells: [String; COLUMNS.len()] = [
        entry.number.clone(),
        entry.topic.clone(),
        names.topic(&entry.topic),
        entry
            .channel
            .parse::<Channel>()
            .map_or("", Channel::code)
            .to_owned(),
        entry.state().code().to_owned(),
        entry.sub_result().map_or("", SubResult::code).to_owned(),
        entry.unit.clone(),
        unit_name,
        entry.assignee.clone(),
        entry.district.clone(),
        entry.neighbourhood.clone(),
        text::iso(entry.registered_at),
        text::iso(entry.updated_at),
        text::iso(entry.state_since),
        at(entry.due_at),
        at(entry.concluded_at),
        entry.planned_for.clone(),
        entry.imported.to_string(),
        entry.source.clone(),
    ];
    let cells: Vec<String> = cells.iter().map(|it| cell(it)).collect();
    format!("{}\r\n", cells.join(","))
}

/// Quoted where it must be; what a spreadsheet would calculate stays a text.
fn cell(text: &str) -> String {
    let safe = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if safe.contains([',', '"', '\n', '\r', ';']) {
        format!("\"{}\"", safe.replace('"', "\"\""))
    } else {
        safe
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spreadsheet_calculates_nothing_and_loses_nothing() {
        assert_eq!(cell("Fen İşleri"), "Fen İşleri");
        assert_eq!(cell("a, \"b\""), "\"a, \"\"b\"\"\"");
        assert_eq!(cell("=1+1"), "'=1+1");
        assert_eq!(cell("-1"), "'-1");
    }
}
