//! Answers a search: whole numbers first, then parts of one, then phones and e-mail addresses, then words: by rank, or, within
//! a unit or a state, the newest first.

use std::collections::{BTreeMap, HashSet};

use chassis::Invalid;
use contracts::intake::v1::{SearchReply, search_reply::Hit};
use sqlx::{AssertSqlSafe, SqlitePool};
use tonic::Status;
use vault::Plain;

use super::{
    Search,
    query::{Element, Query, Reach, email_reach},
    rank::{Row, fit, newness},
};

/// The newest of what was found are ranked; who wants older ones asks more narrowly.
const RANKED: i64 = 500;
/// Words that an unfinished one may become.
const LONGER: i64 = 100;
/// A search that is further behind the log says so instead of answering.
const BEHIND: u64 = 1_000;

/// What is asked, checked.
pub(crate) struct Asked {
    pub(crate) query: Plain,
    pub(crate) units: Vec<String>,
    /// By their numbers in the contract.
    pub(crate) states: Vec<i32>,
    pub(crate) limit: usize,
    pub(crate) after: Option<After>,
    pub(crate) people: bool,
}

/// A place in an answer: the position up to which requests were looked at first, and how many hits came before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct After {
    top: i64,
    skip: usize,
}

/// Somebody by how they can be reached.
pub(crate) struct Caller {
    pub(crate) phone: Option<Plain>,
    pub(crate) email: Option<Plain>,
}

impl After {
    pub(crate) fn read(text: &str) -> Result<Option<Self>, Invalid> {
        if text.is_empty() {
            return Ok(None);
        }
        let parts = text.split_once('-');
        let read = parts.and_then(|(top, skip)| Some((top.parse().ok()?, skip.parse().ok()?)));
        match read {
            Some((top, skip)) => Ok(Some(Self { top, skip })),
            None => Err(Invalid::at("after", "is no `next` of an earlier reply")),
        }
    }
}

/// Where to look: up to a position, in some units and states.
pub(super) struct Scope {
    pub(super) top: i64,
    /// JSON lists.
    pub(super) units: String,
    pub(super) states: String,
    pub(super) is_narrow: bool,
    /// `doc` is within the scope; parameters 1 to 3 are the scope's. What is not asked for is not looked at, so that an index
    /// can be.
    pub(super) within: &'static str,
}

pub(super) type Found = (i64, String, &'static str);

impl Search {
    /// Requests that fit, best first; `head` is the log's newest position.
    pub(crate) async fn find(
        &self,
        asked: &Asked,
        at_least: u64,
        head: u64,
    ) -> Result<SearchReply, Status> {
        self.ready(at_least, head).await?;
        self.look(asked).await.map_err(unreadable)
    }

    /// The requests of whoever has this phone or e-mail address, newest first.
    pub(crate) async fn of_caller(
        &self,
        caller: &Caller,
        limit: i64,
        at_least: u64,
        head: u64,
    ) -> Result<Vec<String>, Status> {
        self.ready(at_least, head).await?;
        let phone = caller.phone.iter().map(|it| Reach {
            kind: "phone",
            text: it.reveal().to_owned(),
        });
        let reach: Vec<Reach> = phone
            .chain(caller.email.iter().map(|it| email_reach(it.reveal())))
            .collect();
        let scope = self.scope(&[], &[], None).map_err(unreadable)?;
        let found = self
            .reached(&scope, &reach, limit)
            .await
            .map_err(unreadable)?;
        Ok(found.into_iter().map(|(_, number, _)| number).collect())
    }

    async fn ready(&self, at_least: u64, head: u64) -> Result<(), Status> {
        if head.saturating_sub(self.projection.position()) > BEHIND {
            return Err(Status::unavailable(
                "the search index is being built; try again in some minutes",
            ));
        }
        self.projection.at_least(at_least).await
    }

    pub(super) fn pool(&self) -> &SqlitePool {
        self.projection.pool()
    }

    fn scope(
        &self,
        units: &[String],
        states: &[i32],
        after: Option<After>,
    ) -> anyhow::Result<Scope> {
        let now = i64::try_from(self.projection.position())?;
        let within = match (units.is_empty(), states.is_empty()) {
            (true, true) => "+doc.id <= ?1 and ?2 = '[]' and ?3 = '[]'",
            (false, true) => {
                "+doc.id <= ?1 and doc.unit in (select value from json_each(?2)) and ?3 = '[]'"
            }
            (true, false) => {
                "+doc.id <= ?1 and ?2 = '[]' and doc.state in (select value from json_each(?3))"
            }
            (false, false) => {
                "+doc.id <= ?1 and doc.unit in (select value from json_each(?2))
                 and doc.state in (select value from json_each(?3))"
            }
        };
        Ok(Scope {
            top: after.map_or(now, |it| it.top),
            units: serde_json::to_string(units)?,
            states: serde_json::to_string(states)?,
            is_narrow: !units.is_empty() || !states.is_empty(),
            within,
        })
    }

    async fn look(&self, asked: &Asked) -> anyhow::Result<SearchReply> {
        let scope = self.scope(&asked.units, &asked.states, asked.after)?;
        let mut query = Query::read(asked.query.reveal());
        let mut found = self.numbered(&scope, &query).await?;
        if asked.people {
            found.extend(self.reached(&scope, &query.reach, RANKED).await?);
        }
        self.complete(&mut query).await?;
        let skip = asked.after.map_or(0, |it| it.skip);
        let end = skip.saturating_add(asked.limit);
        if let Some(expression) = query.expression(asked.people) {
            let worded = if scope.is_narrow {
                // One more than are shown tells whether there are more.
                self.newest(&scope, &query, &expression, asked.people, end + 1)
                    .await?
            } else {
                self.best(&scope, &query, &expression, asked.people).await?
            };
            found.extend(worded);
        }
        let mut seen = HashSet::new();
        found.retain(|(id, _, _)| seen.insert(*id));

        let next = (found.len() > end).then(|| format!("{}-{end}", scope.top));
        let page = found.into_iter().skip(skip).take(asked.limit);
        Ok(SearchReply {
            hits: page
                .map(|(_, number, matched)| Hit {
                    number,
                    matched: matched.to_owned(),
                })
                .collect(),
            next: next.unwrap_or_default(),
        })
    }

    /// By the number, whole or a part of it.
    async fn numbered(&self, scope: &Scope, query: &Query) -> anyhow::Result<Vec<Found>> {
        let Some(digits) = &query.digits else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        if let Some(number) = &query.number {
            let whole = format!(
                "select id, number from doc where number = ?4 and {}",
                scope.within
            );
            found = self.rows(&whole, scope, number.as_str(), "", 1).await?;
        }
        // The year alone tells nothing; with three digits more it does.
        let whole = if digits.len() > 6 {
            "digits >= ?4 and digits < ?5"
        } else {
            "false"
        };
        let parts = format!(
            "select id, number from (
                select * from doc where {whole} union select * from doc where tail >= ?4 and tail < ?5
             ) as doc where {} order by id desc limit ?6",
            scope.within
        );
        found.extend(
            self.rows(&parts, scope, digits, &format!("{digits}:"), RANKED)
                .await?,
        );
        let ending: String = digits.chars().rev().collect();
        let ends = format!(
            "select id, number from doc where backwards >= ?4 and backwards < ?5 and {} order by id desc limit ?6",
            scope.within
        );
        found.extend(
            self.rows(&ends, scope, &ending, &format!("{ending}:"), RANKED)
                .await?,
        );
        Ok(found
            .into_iter()
            .map(|(id, number)| (id, number, "number"))
            .collect())
    }

    async fn rows(
        &self,
        statement: &str,
        scope: &Scope,
        from: &str,
        to: &str,
        limit: i64,
    ) -> sqlx::Result<Vec<(i64, String)>> {
        sqlx::query_as(AssertSqlSafe(statement.to_owned()))
            .bind(scope.top)
            .bind(&scope.units)
            .bind(&scope.states)
            .bind(from)
            .bind(to)
            .bind(limit)
            .fetch_all(self.pool())
            .await
    }

    /// By phone or e-mail address, newest first.
    async fn reached(
        &self,
        scope: &Scope,
        reach: &[Reach],
        limit: i64,
    ) -> anyhow::Result<Vec<Found>> {
        let Some(first) = reach.first() else {
            return Ok(Vec::new());
        };
        let matched = if first.kind == "email" {
            "email"
        } else {
            "phone"
        };
        let hash = |it: &Reach| {
            self.index
                .blind
                .of(&self.index.municipality, it.kind, &it.text)
        };
        let hashes: Vec<i64> = reach.iter().map(hash).collect();
        let statement = format!(
            "select distinct doc.id, doc.number from reach join doc on doc.person = reach.person and doc.person <> 0
             where reach.hash in (select value from json_each(?4)) and {} order by doc.id desc limit ?6",
            scope.within
        );
        let rows = self
            .rows(
                &statement,
                scope,
                &serde_json::to_string(&hashes)?,
                "",
                limit,
            )
            .await?;
        Ok(rows
            .into_iter()
            .map(|(id, number)| (id, number, matched))
            .collect())
    }

    /// What an unfinished word may become; the shortest first, for they are the most likely.
    async fn complete(&self, query: &mut Query) -> anyhow::Result<()> {
        let Some(Element::Word {
            word,
            open: true,
            longer,
        }) = query.elements.last_mut()
        else {
            return Ok(());
        };
        *longer = sqlx::query_scalar(
            "select text from word where text > ?1 and text < ?1 || char(1114111) order by length(text), text limit ?2",
        )
        .bind(&word.whole)
        .bind(LONGER)
        .fetch_all(self.pool())
        .await?;
        Ok(())
    }

    /// By words, best first, among the newest that have them all.
    async fn best(
        &self,
        scope: &Scope,
        query: &Query,
        expression: &str,
        people: bool,
    ) -> anyhow::Result<Vec<Found>> {
        let rows = self.matching(scope, expression, RANKED).await?;
        let newest = rows.iter().map(|it| it.at).max().unwrap_or_default();
        let mut best: BTreeMap<i64, (f64, String, &'static str)> = BTreeMap::new();
        for row in rows {
            let Some(fits) = fit(query, &row, people) else {
                continue;
            };
            let weight = fits.weight * newness(row.at, newest);
            if best.get(&row.id).is_none_or(|it| it.0 < weight) {
                best.insert(row.id, (weight, row.number, fits.matched));
            }
        }
        let mut found: Vec<_> = best.into_iter().collect();
        found.sort_by(|(a, (a_weight, ..)), (b, (b_weight, ..))| {
            b_weight.total_cmp(a_weight).then(b.cmp(a))
        });
        Ok(found
            .into_iter()
            .map(|(id, (_, number, matched))| (id, number, matched))
            .collect())
    }

    /// The newest rows that the index finds.
    pub(super) async fn matching(
        &self,
        scope: &Scope,
        expression: &str,
        limit: i64,
    ) -> sqlx::Result<Vec<Row>> {
        let statement = format!(
            "select doc.id, doc.number, doc.at, t.words, t.stems, t.place, t.name
             from texts as t left join message on message.id = t.rowid
             cross join doc on doc.id = coalesce(message.doc, t.rowid)
             where t.texts match ?4 and t.rowid <= ?1 and {} order by t.rowid desc limit ?5",
            scope.within
        );
        sqlx::query_as(AssertSqlSafe(statement))
            .bind(scope.top)
            .bind(&scope.units)
            .bind(&scope.states)
            .bind(expression)
            .bind(limit)
            .fetch_all(self.pool())
            .await
    }
}

fn unreadable(error: impl Into<anyhow::Error>) -> Status {
    tracing::error!(
        error = format!("{:#}", error.into()),
        "the search cannot be read"
    );
    Status::unavailable("the search cannot be read")
}
