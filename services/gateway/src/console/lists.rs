//! A page of the worklist, and how many requests it is a page of.

use sqlx::{AssertSqlSafe, QueryBuilder, Sqlite, SqliteConnection};
use vocabulary::RequestNumber;

use super::filters::{Filters, Scope, Sort};
use crate::register::Entry;

/// Rows of a page on a screen.
pub(super) const PAGE: usize = 50;
/// Matches are counted up to here; beyond it a list says "more than".
pub(super) const MOST: i64 = 10_000;

/// Who asks for what, and when.
#[derive(Debug, Clone)]
pub(super) struct Asked<'a> {
    pub(super) scope: &'a Scope,
    pub(super) filters: &'a Filters,
    /// The code of whoever asks.
    pub(super) me: &'a str,
    pub(super) now: i64,
}

/// Behind which row a page begins: its place in the order, and its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cursor {
    key: i64,
    number: String,
}

impl Cursor {
    /// Reads what [`Cursor::text`] wrote; `None` for anything else.
    pub(super) fn of(text: &str) -> Option<Self> {
        let (key, number) = text.split_once('~')?;
        let number: RequestNumber = number.parse().ok()?;
        Some(Self {
            key: key.parse().ok()?,
            number: number.to_string(),
        })
    }

    pub(super) fn text(&self) -> String {
        format!("{}~{}", self.key, self.number)
    }

    /// The place of a row.
    pub(super) fn at(entry: &Entry, sort: Sort) -> Self {
        let key = match sort {
            Sort::Newest | Sort::Oldest => entry.registered_at,
            Sort::Changed => entry.updated_at,
            Sort::Due => entry.due_at.unwrap_or(i64::MAX),
        };
        Self {
            key,
            number: entry.number.clone(),
        }
    }
}

/// Rows, and where the next page begins.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) rows: Vec<Entry>,
    pub(super) next: Option<Cursor>,
}

/// The rows after a place in the order, at most `limit`.
pub(super) async fn page(
    connection: &mut SqliteConnection,
    asked: &Asked<'_>,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Page, sqlx::Error> {
    let sort = asked.filters.order();
    let mut query = QueryBuilder::<Sqlite>::new("select * from request where 1 = 1");
    push(&mut query, asked);
    if let Some(after) = after {
        let beyond = if sort.rises() { '>' } else { '<' };
        query.push(format!(" and ({}, number) {beyond} (", sort.key()));
        query
            .push_bind(after.key)
            .push(", ")
            .push_bind(after.number.clone())
            .push(")");
    }
    let way = if sort.rises() { "" } else { " desc" };
    query.push(format!(" order by {}{way}, number{way} limit ", sort.key()));
    query.push_bind(i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1));
    let mut rows: Vec<Entry> = query.build_query_as().fetch_all(connection).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|it| Cursor::at(it, sort));
    Ok(Page { rows, next })
}

/// How many match; [`MOST`] + 1 for more than [`MOST`].
pub(super) async fn count(
    connection: &mut SqliteConnection,
    asked: &Asked<'_>,
) -> Result<i64, sqlx::Error> {
    let mut query =
        QueryBuilder::<Sqlite>::new("select count(*) from (select 1 from request where 1 = 1");
    push(&mut query, asked);
    query.push(" limit ").push_bind(MOST + 1).push(")");
    query.build_query_scalar().fetch_one(connection).await
}

/// The rows of these numbers that may be seen and match, in the order given.
pub(super) async fn rows_of(
    connection: &mut SqliteConnection,
    scope: &Scope,
    numbers: &[String],
) -> Result<Vec<Entry>, sqlx::Error> {
    if numbers.is_empty() {
        return Ok(vec![]);
    }
    let mut query = QueryBuilder::<Sqlite>::new("select * from request where number in (");
    let mut list = query.separated(", ");
    for number in numbers {
        list.push_bind(number.clone());
    }
    query.push(")");
    scope.push(&mut query);
    let mut rows: Vec<Entry> = query.build_query_as().fetch_all(connection).await?;
    let place = |entry: &Entry| numbers.iter().position(|it| *it == entry.number);
    rows.sort_by_key(place);
    Ok(rows)
}

fn push(query: &mut QueryBuilder<Sqlite>, asked: &Asked<'_>) {
    asked.scope.push(query);
    asked.filters.push(query, asked.me, asked.now);
}

/// The position that a connection's reads stand at.
pub(super) async fn position(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(AssertSqlSafe("select position from projection_position"))
        .fetch_one(connection)
        .await
}

#[cfg(test)]
mod tests;
