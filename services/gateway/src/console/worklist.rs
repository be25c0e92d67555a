//! The worklist: which requests, in which order, and the way to each.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};
use sqlx::Connection as _;
use tonic::Status;
use vocabulary::{Channel, Language, RequestState, SubResult};

use super::{
    Frame,
    figures::Figures,
    filters::{Filters, NO_UNIT, Scope, Sort, Where},
    lists::{self, Asked, Cursor},
    names::{Choice, Names, Row, choice},
    page,
    page::Visit,
    then::{Seen, Then, still_seen},
    views::{self, View},
};
use crate::{Centre, access::Action, params::escaped, register::unreadable, text::Words};

/// A link with a count.
pub(super) struct Facet {
    pub(super) href: String,
    pub(super) label: String,
    pub(super) count: String,
    pub(super) here: bool,
}

/// A column that can be sorted by.
pub(super) struct Order {
    pub(super) code: &'static str,
    pub(super) name: String,
    pub(super) chosen: bool,
}

#[derive(Template)]
#[template(path = "console/list.html")]
struct ListPage {
    frame: Frame,
    rows: Vec<Row>,
    facets: Vec<Facet>,
    filters: Filters,
    state: &'static str,
    units: Vec<Choice>,
    topics: Vec<Choice>,
    districts: Vec<Choice>,
    channels: Vec<Choice>,
    results: Vec<Choice>,
    orders: Vec<Order>,
    /// "84 başvuru".
    total: String,
    shows_units: bool,
    is_narrow: bool,
    query: String,
    next: String,
    later: bool,
    csv: String,
    title: String,
    views: Vec<View>,
    past: Option<Past>,
}

/// What a page of the past says of itself.
pub(super) struct Past {
    /// "As of …"
    pub(super) told: String,
    /// The same page as it is now.
    pub(super) now: String,
    /// Whether what a unit has no more is left out of the list, and not of its counts.
    pub(super) is_of_unit: bool,
}

impl Past {
    pub(super) fn of(then: Option<Then>, now: String, scope: &Scope, words: Words) -> Option<Self> {
        Some(Self {
            told: then?.told(words),
            now,
            is_of_unit: *scope != Scope::All,
        })
    }
}

/// The list that an address asks for.
pub(super) async fn list(State(centre): State<Arc<Centre>>, visit: Visit) -> Response {
    let scope = match visit.scope(Action::See) {
        Ok(scope) => scope,
        Err(response) => return *response,
    };
    match listed(&centre, &visit, &scope).await {
        Ok(response) => response,
        Err(status) => Then::refused(&visit, &status),
    }
}

async fn listed(centre: &Centre, visit: &Visit, scope: &Scope) -> Result<Response, Status> {
    let filters = Filters::of(&visit.query);
    let Seen {
        register,
        now,
        then,
    } = Seen::of(centre, visit).await?;
    let asked = Asked {
        scope,
        filters: &filters,
        me: visit.signed.code(),
        now,
    };
    let after = Cursor::of(visit.query.trimmed("after"));
    // One transaction: the rows, their number and the counts beside them are of one position.
    let mut connection = register.pool().acquire().await.map_err(unreadable)?;
    let mut tx = connection.begin().await.map_err(unreadable)?;
    let found = lists::page(&mut tx, &asked, after.as_ref(), lists::PAGE)
        .await
        .map_err(unreadable)?;
    let total = lists::count(&mut tx, &asked).await.map_err(unreadable)?;
    let figures = Figures::read(&mut tx, scope, now)
        .await
        .map_err(unreadable)?;
    tx.commit().await.map_err(unreadable)?;
    drop(connection);
    let rows = if then.is_some() {
        still_seen(found.rows, visit.register(centre), scope).await?
    } else {
        found.rows
    };

    let words = visit.words;
    let names = Names::read(centre, visit).await?;
    // What is past does not move.
    let live = then.map_or(u64::try_from(figures.position).unwrap_or_default(), |_| 0);
    let next = found.next.map(|it| {
        let query = filters.query();
        let join = if query.is_empty() { "" } else { "&" };
        format!(
            "/console/requests?{query}{join}after={}",
            escaped(&it.text())
        )
    });
    let choices = Choices {
        filters: &filters,
        names: &names,
        words,
    };
    let state = match filters.state {
        Where::Open => "",
        Where::Everything => "all",
        Where::In(state) => state.code(),
    };
    let list = ListPage {
        frame: visit.frame().at(live),
        rows: rows
            .iter()
            .map(|it| names.row(it, now, "").at(&filters.as_of))
            .collect(),
        facets: facets(&filters, &figures, words),
        state,
        units: if *scope == Scope::All {
            choices.units()
        } else {
            vec![]
        },
        topics: choices.topics(),
        districts: choices.districts(),
        channels: choices.channels(),
        results: choices.results(),
        orders: orders(&filters, words),
        total: counted(total, words),
        shows_units: *scope == Scope::All,
        is_narrow: filters.are_narrow(),
        query: filters.query(),
        next: next.unwrap_or_default(),
        later: after.is_some(),
        csv: format!("/console/requests.csv?{}", filters.query()),
        title: title(&filters, words),
        views: views::of(centre, visit, &filters.query()).await?,
        past: Past::of(then, filters.as_of("").link(), scope, words),
        filters,
    };
    Ok(page(StatusCode::OK, &list))
}

/// What the list is of.
fn title(filters: &Filters, words: Words) -> String {
    if filters.overdue {
        return words.get("console-overdue");
    }
    if filters.mine {
        return words.get("console-mine");
    }
    match filters.state {
        Where::Open => words.get("console-open"),
        Where::Everything => words.get("console-everything"),
        Where::In(state) => state.label(words.0).to_owned(),
    }
}

/// "84 requests"; the unit of count always stands with the number.
fn counted(count: i64, words: Words) -> String {
    if count > lists::MOST {
        return words.with(
            "console-count-more",
            [("count", &grouped(lists::MOST, words.0))],
        );
    }
    if count == 1 {
        return words.get("console-count-one");
    }
    words.with("console-count", [("count", &grouped(count, words.0))])
}

/// "12.345" or "12,345".
pub(super) fn grouped(count: i64, language: Language) -> String {
    let mark = match language {
        Language::Tr => '.',
        Language::En => ',',
    };
    let digits = count.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) && !grouped.ends_with('-') {
            grouped.push(mark);
        }
        grouped.push(digit);
    }
    grouped
}

/// The states beside the list, with how many requests stand in each of what may be seen.
fn facets(filters: &Filters, figures: &Figures, words: Words) -> Vec<Facet> {
    let facet = |state: Where, label: String, count: i64| {
        let to = Filters {
            state,
            sort: filters.sort,
            as_of: filters.as_of.clone(),
            ..Filters::default()
        };
        Facet {
            href: to.link(),
            label,
            count: grouped(count, words.0),
            here: filters.state == state && !filters.overdue && !filters.mine,
        }
    };
    let mut facets = vec![facet(
        Where::Open,
        words.get("console-open"),
        figures.open(),
    )];
    let late = Filters {
        overdue: true,
        sort: Sort::Due,
        as_of: filters.as_of.clone(),
        ..Filters::default()
    };
    facets.push(Facet {
        href: late.link(),
        label: words.get("console-overdue"),
        count: grouped(figures.overdue(), words.0),
        here: filters.overdue,
    });
    for state in RequestState::ALL {
        let label = state.label(words.0).to_owned();
        facets.push(facet(Where::In(*state), label, figures.in_state(*state)));
    }
    facets.push(facet(
        Where::Everything,
        words.get("console-everything"),
        figures.all(),
    ));
    facets
}

fn orders(filters: &Filters, words: Words) -> Vec<Order> {
    let order = |sort: Sort| Order {
        code: sort.code(),
        name: words.get(&format!("console-sort-{}", sort.code())),
        chosen: filters.order() == sort,
    };
    Sort::ALL.map(order).into()
}

struct Choices<'a> {
    filters: &'a Filters,
    names: &'a Names,
    words: Words,
}

impl Choices<'_> {
    fn units(&self) -> Vec<Choice> {
        let none = (NO_UNIT, self.words.get("console-no-unit"));
        let units = self
            .names
            .sorted_units()
            .into_iter()
            .map(|(code, name)| (code, name.to_owned()));
        let all = std::iter::once(none).chain(units);
        all.map(|(code, name)| choice(code, name, &self.filters.unit))
            .collect()
    }

    fn topics(&self) -> Vec<Choice> {
        let topics = self.names.sorted_topics().into_iter();
        topics
            .map(|(code, name)| choice(code, name.to_owned(), &self.filters.topic))
            .collect()
    }

    fn districts(&self) -> Vec<Choice> {
        let districts = self.names.districts.iter();
        districts
            .map(|it| choice(it, it.clone(), &self.filters.district))
            .collect()
    }

    fn channels(&self) -> Vec<Choice> {
        let chosen = self.filters.channel.map_or("", Channel::code);
        let all = Channel::ALL.iter();
        all.map(|it| choice(it.code(), it.label(self.words.0).to_owned(), chosen))
            .collect()
    }

    fn results(&self) -> Vec<Choice> {
        let chosen = self.filters.sub_result.map_or("", SubResult::code);
        let all = SubResult::ALL.iter();
        all.map(|it| choice(it.code(), it.label(self.words.0).to_owned(), chosen))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_are_grouped_as_people_write_them() {
        assert_eq!(grouped(0, Language::Tr), "0");
        assert_eq!(grouped(999, Language::Tr), "999");
        assert_eq!(grouped(10_000, Language::Tr), "10.000");
        assert_eq!(grouped(1_234_567, Language::En), "1,234,567");
    }
}
