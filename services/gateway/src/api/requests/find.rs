//! Lists of requests: filters, an order, and a cursor that says where the next page begins.

use serde::{Deserialize, Serialize};
use sqlx::{QueryBuilder, Sqlite};
use utoipa::{IntoParams, ToSchema};

use super::Request;
use crate::{
    api::{
        as_of::{CutOff, Moment},
        caller::Sight,
        problem::Problem,
        words::{self, ChannelWord, StateWord},
    },
    register::{Entry, Reader, unreadable},
};

/// Requests of a page where nothing is said.
const USUAL: u32 = 50;

/// In which order a list stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
enum Order {
    /// Newest first.
    #[default]
    #[serde(rename = "-registered")]
    NewestFirst,
    /// Oldest first.
    #[serde(rename = "registered")]
    OldestFirst,
    /// As they changed: what changes while somebody reads comes again at the end.
    #[serde(rename = "changed")]
    Changed,
}

/// Which requests, in which order, from where on.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub(in crate::api) struct List {
    /// In one of these states.
    #[param(inline, style = Form, explode = false, min_items = 1)]
    state: Option<Vec<StateWord>>,
    /// In the hands of this unit.
    #[param(min_length = 1, max_length = 64)]
    unit: Option<String>,
    #[param(min_length = 1, max_length = 64)]
    topic: Option<String>,
    #[param(inline)]
    channel: Option<ChannelWord>,
    #[param(min_length = 1, max_length = 100)]
    district: Option<String>,
    #[param(min_length = 1, max_length = 64)]
    assignee: Option<String>,
    /// Not before.
    #[param(format = DateTime, value_type = Option<String>)]
    registered_after: Option<words::Moment>,
    /// Before, and not at.
    #[param(format = DateTime, value_type = Option<String>)]
    registered_before: Option<words::Moment>,
    /// Not before.
    #[param(format = DateTime, value_type = Option<String>)]
    updated_after: Option<words::Moment>,
    /// Before, and not at.
    #[param(format = DateTime, value_type = Option<String>)]
    updated_before: Option<words::Moment>,
    /// `changed` is for programs that keep up: keep `next`, come back with it, and nothing is missed.
    #[param(inline)]
    order: Option<Order>,
    /// What the page before called `next`.
    #[param(pattern = "^[0-9]{1,16}(_[0-9]{4}-[0-9]{8}-[0-9])?$")]
    after: Option<String>,
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// As it was known then: a position of the log, a time, or a day, which means its end.
    #[param(inline)]
    as_of: Option<Moment>,
}

impl List {
    /// The moment that it is asked as of.
    pub(in crate::api) fn as_of(&self) -> Option<&Moment> {
        self.as_of.as_ref()
    }
}

/// A page of requests.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct Page {
    requests: Vec<Request>,
    /// Where the next page begins. With `order=changed` it is never null: what changes later comes there.
    next: Option<String>,
    /// Only with `as_of`: where that moment cuts the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    as_of: Option<CutOff>,
}

impl Page {
    /// Says where it cuts the log, and leaves out what the reader may not see one by one today.
    pub(in crate::api) async fn cut_at(
        &mut self,
        cut_off: CutOff,
        today: &Reader,
        sight: &Sight,
    ) -> Result<(), Problem> {
        self.as_of = Some(cut_off);
        let Sight::Unit(unit) = sight else {
            return Ok(());
        };
        let numbers: Vec<&str> = self.requests.iter().map(Request::number).collect();
        let had = today.had_by(unit, &numbers).await?;
        self.requests.retain(|it| had.contains(it.number()));
        Ok(())
    }
}

/// The page that was asked for, of what may be seen.
pub(in crate::api) async fn page(
    register: &Reader,
    asked: &List,
    sight: &Sight,
) -> Result<Page, Problem> {
    let limit = asked.limit.unwrap_or(USUAL);
    let order = asked.order.unwrap_or_default();
    let mut query = statement(asked, sight, order);
    query.push(" limit ").push_bind(i64::from(limit));
    let entries: Vec<Entry> = query
        .build_query_as()
        .fetch_all(register.pool())
        .await
        .map_err(unreadable)?;
    let whole = entries.len() == limit as usize;
    let next = match (entries.last(), order) {
        (Some(last), Order::Changed) => Some(last.changed_at_position.to_string()),
        (None, Order::Changed) => Some(asked.after.clone().unwrap_or_else(|| "0".to_owned())),
        (Some(last), Order::NewestFirst | Order::OldestFirst) if whole => {
            Some(format!("{}_{}", last.registered_at, last.number))
        }
        (Some(_) | None, Order::NewestFirst | Order::OldestFirst) => None,
    };
    Ok(Page {
        requests: entries.into_iter().map(Request::of).collect(),
        next,
        as_of: None,
    })
}

fn statement<'a>(asked: &'a List, sight: &'a Sight, order: Order) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new("select * from request where 1 = 1");
    if let Sight::Unit(unit) = sight {
        query.push(" and unit = ").push_bind(unit.clone());
    }
    let texts = [
        (" and unit = ", &asked.unit),
        (" and topic = ", &asked.topic),
        (" and district = ", &asked.district),
        (" and assignee = ", &asked.assignee),
    ];
    for (condition, text) in texts {
        if let Some(text) = text {
            query.push(condition).push_bind(text.clone());
        }
    }
    if let Some(channel) = asked.channel {
        query.push(" and channel = ").push_bind(channel.0.code());
    }
    if let Some(states) = &asked.state {
        query.push(" and state in (");
        let mut list = query.separated(", ");
        for state in states {
            list.push_bind(state.0.number());
        }
        query.push(")");
    }
    let times = [
        (" and registered_at >= ", asked.registered_after),
        (" and registered_at < ", asked.registered_before),
        (" and updated_at >= ", asked.updated_after),
        (" and updated_at < ", asked.updated_before),
    ];
    for (condition, time) in times {
        if let Some(time) = time {
            query.push(condition).push_bind(time.0.as_microsecond());
        }
    }
    begin(&mut query, asked.after.as_deref(), order);
    query
}

/// Where the page begins, and its order.
fn begin(query: &mut QueryBuilder<Sqlite>, after: Option<&str>, order: Order) {
    let (column, compares, direction) = match order {
        Order::NewestFirst => ("registered_at", "<", "desc"),
        Order::OldestFirst => ("registered_at", ">", "asc"),
        Order::Changed => ("changed_at_position", ">", "asc"),
    };
    if let Some(after) = after {
        let (place, number) = after.split_once('_').unwrap_or((after, ""));
        // 16 digits at most, by the parameter's pattern.
        let place: i64 = place.parse().unwrap_or(i64::MAX);
        if number.is_empty() {
            query
                .push(format!(" and {column} {compares} "))
                .push_bind(place);
        } else {
            query.push(format!(" and ({column}, number) {compares} ("));
            query.push_bind(place).push(", ");
            query.push_bind(number.to_owned()).push(")");
        }
    }
    query.push(format!(
        " order by {column} {direction}, number {direction}"
    ));
}
