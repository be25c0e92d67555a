//! One report: every figure from one state of the read model, so that all stand at one cut-off.

mod standard;

use std::collections::BTreeMap;

use chassis::event;
use contracts::analytics::v1::{Contacts, Count, GetReportReply, Requests};
use sqlx::{Connection as _, SqliteConnection};
use vocabulary::{Channel, Language, RequestState, SubResult};

use crate::span::Span;

/// What is counted over a table's rows in the span, by one column.
macro_rules! count_by {
    ($key:literal, $table:literal $(, $where:literal)?) => {
        concat!(
            "select ", $key, " as key, count(*) from ", $table,
            " where occurred_at >= ? and occurred_at < ?", $(" and ", $where,)? " group by 1"
        )
    };
}

/// The same, with the names that a directory has for the keys.
macro_rules! count_by_named {
    ($key:literal) => {
        concat!(
            "select counted.key, coalesce(named.name_tr, ''), coalesce(named.name_en, ''), counted.count from
             (select ", $key, " as key, count(*) as count from request where occurred_at >= ? and occurred_at < ? group by 1)
             as counted left join ", $key, " as named on named.code = counted.key"
        )
    };
}

/// Days are cut from quarters of an hour: the offsets of time zones are whole ones.
const QUARTER: i64 = 15 * 60 * 1_000_000;

/// The name of the unit "".
const NOT_ROUTED: (&str, &str) = ("henüz yönlendirilmedi", "not routed yet");

type Named = (String, String, String, i64);

/// Counts contacts and requests of a span of days.
pub(crate) async fn report(
    connection: &mut SqliteConnection,
    span: &Span,
) -> anyhow::Result<GetReportReply> {
    let mut tx = connection.begin().await?;
    let cut_off: i64 = sqlx::query_scalar("select position from projection_position")
        .fetch_one(&mut *tx)
        .await?;
    let mut counting = Counting { tx: &mut tx, span };
    let contacts = counting.contacts().await?;
    let requests = counting.requests().await?;
    Ok(GetReportReply {
        from: span.from.to_string(),
        to: span.to.to_string(),
        time_zone: span.zone.iana_name().unwrap_or_default().to_owned(),
        cut_off: u64::try_from(cut_off)?,
        contacts: Some(contacts),
        requests: Some(requests),
        cut_off_recorded_at: 0,
    })
}

struct Counting<'a> {
    tx: &'a mut SqliteConnection,
    span: &'a Span,
}

impl Counting<'_> {
    async fn contacts(&mut self) -> anyhow::Result<Contacts> {
        Ok(Contacts {
            total: self
                .total("select count(*) from contact where occurred_at >= ? and occurred_at < ?")
                .await?,
            by_day: self
                .by_day(count_by!("occurred_at / 900000000", "contact"))
                .await?,
            by_channel: self
                .by_word(count_by!("channel", "contact"), channel)
                .await?,
        })
    }

    async fn requests(&mut self) -> anyhow::Result<Requests> {
        let imported = "select count(*) from request where occurred_at >= ? and occurred_at < ? and imported = 1";
        let mut requests = Requests {
            total: self
                .total("select count(*) from request where occurred_at >= ? and occurred_at < ?")
                .await?,
            by_day: self
                .by_day(count_by!("occurred_at / 900000000", "request"))
                .await?,
            by_channel: self
                .by_word(count_by!("channel", "request"), channel)
                .await?,
            by_topic: self.by_name(count_by_named!("topic")).await?,
            by_unit: self
                .by_name(count_by_named!("unit"))
                .await?
                .into_iter()
                .map(name_unrouted)
                .collect(),
            by_district: self.by_text(count_by!("district", "request")).await?,
            by_state: self.by_word(count_by!("state", "request"), state).await?,
            by_sub_result: self
                .by_word(
                    count_by!("sub_result", "request", "sub_result <> 0"),
                    sub_result,
                )
                .await?,
            by_source_agency: self
                .by_text(count_by!("source_agency", "request", "imported = 1"))
                .await?,
            by_source_status: self
                .by_text(count_by!("source_status", "request", "imported = 1"))
                .await?,
            imported: self.total(imported).await?,
            standard: None,
        };
        requests.standard = Some(standard::standard(self.tx, self.span, &requests).await?);
        Ok(requests)
    }

    async fn total(&mut self, statement: &'static str) -> anyhow::Result<u64> {
        let (begins, ends) = self.ends();
        let total: i64 = sqlx::query_scalar(statement)
            .bind(begins)
            .bind(ends)
            .fetch_one(&mut *self.tx)
            .await?;
        Ok(u64::try_from(total)?)
    }

    async fn by_day(&mut self, statement: &'static str) -> anyhow::Result<Vec<Count>> {
        let mut days = BTreeMap::new();
        for (quarter, count) in self.by_number(statement).await? {
            let day = self
                .span
                .day(event::timestamp(quarter * QUARTER))
                .clamp(self.span.from, self.span.to);
            *days.entry(day).or_default() += u64::try_from(count)?;
        }
        Ok(days
            .into_iter()
            .map(|(day, count)| Count {
                key: day.to_string(),
                count,
                ..Count::default()
            })
            .collect())
    }

    /// By the number of a word of the vocabulary.
    async fn by_word(
        &mut self,
        statement: &'static str,
        word: impl Fn(i32) -> Count + Send,
    ) -> anyhow::Result<Vec<Count>> {
        let mut counts = Vec::new();
        for (number, count) in self.by_number(statement).await? {
            counts.push(Count {
                count: u64::try_from(count)?,
                ..word(i32::try_from(number)?)
            });
        }
        Ok(sorted(counts))
    }

    async fn by_text(&mut self, statement: &'static str) -> anyhow::Result<Vec<Count>> {
        let (begins, ends) = self.ends();
        let rows: Vec<(String, i64)> = sqlx::query_as(statement)
            .bind(begins)
            .bind(ends)
            .fetch_all(&mut *self.tx)
            .await?;
        let mut counts = Vec::new();
        for (key, count) in rows {
            counts.push(Count {
                key,
                count: u64::try_from(count)?,
                ..Count::default()
            });
        }
        Ok(sorted(counts))
    }

    async fn by_name(&mut self, statement: &'static str) -> anyhow::Result<Vec<Count>> {
        let (begins, ends) = self.ends();
        let rows: Vec<Named> = sqlx::query_as(statement)
            .bind(begins)
            .bind(ends)
            .fetch_all(&mut *self.tx)
            .await?;
        let mut counts = Vec::new();
        for (key, name_tr, name_en, count) in rows {
            counts.push(Count {
                key,
                name_tr,
                name_en,
                count: u64::try_from(count)?,
            });
        }
        Ok(sorted(counts))
    }

    async fn by_number(&mut self, statement: &'static str) -> sqlx::Result<Vec<(i64, i64)>> {
        let (begins, ends) = self.ends();
        sqlx::query_as(statement)
            .bind(begins)
            .bind(ends)
            .fetch_all(&mut *self.tx)
            .await
    }

    fn ends(&self) -> (i64, i64) {
        (
            self.span.begins.as_microsecond(),
            self.span.ends.as_microsecond(),
        )
    }
}

fn sorted(mut counts: Vec<Count>) -> Vec<Count> {
    counts.sort_by(|one, other| one.key.cmp(&other.key));
    counts
}

fn name_unrouted(mut count: Count) -> Count {
    if count.key.is_empty() {
        (count.name_tr, count.name_en) = (NOT_ROUTED.0.to_owned(), NOT_ROUTED.1.to_owned());
    }
    count
}

/// The count of a word; a number that this build has no word for stands as it is.
macro_rules! word {
    ($function:ident, $word:ident) => {
        fn $function(number: i32) -> Count {
            match $word::try_from(number) {
                Ok(word) => Count {
                    key: word.code().to_owned(),
                    name_tr: word.label(Language::Tr).to_owned(),
                    name_en: word.label(Language::En).to_owned(),
                    count: 0,
                },
                Err(_) => Count {
                    key: number.to_string(),
                    ..Count::default()
                },
            }
        }
    };
}

word!(channel, Channel);
word!(state, RequestState);
word!(sub_result, SubResult);
