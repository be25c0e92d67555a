//! Words within some units or states: the newest first, as a worklist has them, and no more of them than are shown.
//!
//! A word that many requests have is not looked for among all of them, nor is a large unit read through: whichever is expected
//! to touch fewer rows is done.

use std::collections::HashSet;

use sqlx::AssertSqlSafe;

use super::{
    Search,
    find::{Found, Scope},
    query::Query,
    rank::{Row, fit},
};

/// Requests of a scope, and rows with the words, are counted up to here.
const COUNTED: i64 = 20_000;
const LOOKED_UP: i64 = 4_000;
/// To read a request's words and compare them takes so many times as long as to look one up that the index found. For a phrase
/// the index itself must see that the words stand in a row, and takes as long as reading.
const READING: i64 = 3;
/// Requests that are read at once.
const CHUNK: usize = 500;

impl Search {
    /// The newest that fit, at least so many if there are.
    pub(super) async fn newest(
        &self,
        scope: &Scope,
        query: &Query,
        expression: &str,
        people: bool,
        wanted: usize,
    ) -> anyhow::Result<Vec<Found>> {
        if self
            .reading_is_faster(scope, query, expression, wanted)
            .await?
        {
            return self.read_through(scope, query, people, wanted).await;
        }
        // Some rows belong to one request, and some only look as if they fitted: then more are asked for.
        let mut limit = i64::try_from(wanted)?.saturating_mul(2);
        loop {
            let rows = self.matching(scope, expression, limit).await?;
            let all = rows.len() < usize::try_from(limit)?;
            let mut found = Vec::new();
            taken(&mut found, rows, query, people);
            if all || found.len() >= wanted {
                return Ok(found);
            }
            limit = limit.saturating_mul(8);
        }
    }

    /// Whether the scope's requests are read one by one, rather than those looked up that have the words.
    async fn reading_is_faster(
        &self,
        scope: &Scope,
        query: &Query,
        expression: &str,
        wanted: usize,
    ) -> anyhow::Result<bool> {
        let statement = format!(
            "select count(*) from (select 1 from doc where {} limit ?4)",
            scope.within
        );
        let requests: i64 = sqlx::query_scalar(AssertSqlSafe(statement))
            .bind(scope.top)
            .bind(&scope.units)
            .bind(&scope.states)
            .bind(COUNTED)
            .fetch_one(self.pool())
            .await?;
        if requests == COUNTED {
            return Ok(false);
        }
        let reading = if query.has_phrase() { 1 } else { READING };
        let worth = requests * reading;
        let rows: i64 = sqlx::query_scalar(
            "select count(*) from (select rowid from texts where texts match ?1 limit ?2)",
        )
        .bind(expression)
        .bind(LOOKED_UP.min(worth + 1))
        .fetch_one(self.pool())
        .await?;
        if worth.min(rows) < LOOKED_UP {
            return Ok(worth < rows);
        }
        // A registration is about every third event.
        let all: i64 = sqlx::query_scalar("select coalesce(max(id), 0) / 3 + 1 from doc")
            .fetch_one(self.pool())
            .await?;
        let wanted = i64::try_from(wanted)?;
        let looked_up = wanted.saturating_mul(all) / requests.max(1);
        let read = requests.min(wanted.saturating_mul(all) / LOOKED_UP);
        Ok(read.saturating_mul(reading) < looked_up)
    }

    /// Reads the scope's requests, the newest first, until enough of them fit.
    async fn read_through(
        &self,
        scope: &Scope,
        query: &Query,
        people: bool,
        wanted: usize,
    ) -> anyhow::Result<Vec<Found>> {
        let statement = format!("select id from doc where {} order by id desc", scope.within);
        let ids: Vec<i64> = sqlx::query_scalar(AssertSqlSafe(statement))
            .bind(scope.top)
            .bind(&scope.units)
            .bind(&scope.states)
            .fetch_all(self.pool())
            .await?;
        let mut found = Vec::new();
        for ids in ids.chunks(CHUNK) {
            // `texts_content` is where FTS5 keeps the columns: read by id, without asking the index.
            let rows: Vec<Row> = sqlx::query_as(
                "select doc.id, doc.number, doc.at, t.c0 as words, t.c1 as stems, t.c2 as place, t.c3 as name
                 from json_each(?1) wanted join doc on doc.id = wanted.value join texts_content as t on t.id = doc.id
                 union all
                 select doc.id, doc.number, doc.at, t.c0, t.c1, t.c2, t.c3
                 from json_each(?1) wanted join doc on doc.id = wanted.value join message on message.doc = doc.id
                    join texts_content as t on t.id = message.id
                 where message.id <= ?2
                 order by 1 desc",
            )
            .bind(serde_json::to_string(ids)?)
            .bind(scope.top)
            .fetch_all(self.pool())
            .await?;
            taken(&mut found, rows, query, people);
            if found.len() >= wanted {
                break;
            }
        }
        Ok(found)
    }
}

/// Adds the requests of those rows that fit, each once, in their order.
fn taken(found: &mut Vec<Found>, rows: Vec<Row>, query: &Query, people: bool) {
    let mut seen: HashSet<i64> = found.iter().map(|(id, ..)| *id).collect();
    for row in rows {
        if let Some(fits) = fit(query, &row, people)
            && seen.insert(row.id)
        {
            found.push((row.id, row.number, fits.matched));
        }
    }
}
