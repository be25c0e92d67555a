//! The centre's figures: how many requests stand where, each a link to the list it counts. Every figure says what it counts
//! and up to which position of the log; a share never stands without both of its counts.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};
use sqlx::Connection as _;
use tonic::Status;
use vocabulary::{Channel, RequestState, SubResult};

use super::{
    Frame,
    figures::Figures,
    filters::{Filters, NO_UNIT, Scope, Sort, Where},
    names::Names,
    page,
    page::Visit,
    then::{Seen, Then},
    worklist::{Past, grouped},
};
use crate::{Centre, access::Action, register::unreadable, text};

/// A count that leads to what it counts.
struct Cell {
    count: String,
    href: String,
    is_zero: bool,
}

/// A row of a table of counts.
struct Line {
    name: String,
    cells: Vec<Cell>,
}

/// One bar of a list of counts.
struct Bar {
    name: String,
    cell: Cell,
    /// Of the widest, in hundredths.
    width: i64,
    /// "12 of 84".
    share: String,
}

#[derive(Template)]
#[template(path = "console/figures.html")]
struct FiguresPage {
    frame: Frame,
    open: Cell,
    overdue: Cell,
    overdue_share: String,
    concluded: Cell,
    all: Cell,
    states: Vec<&'static str>,
    units: Vec<Line>,
    channels: Vec<Line>,
    results: Vec<Bar>,
    totals: Vec<Cell>,
    /// "Up to position 1,234 of the log, 22.11.2026 14:30".
    cut_off: String,
    is_one_unit: bool,
    past: Option<Past>,
    /// The moment that was asked for, as it was typed; "" for now.
    as_of: String,
}

pub(super) async fn show(State(centre): State<Arc<Centre>>, visit: Visit) -> Response {
    let scope = match visit.scope(Action::SeeFigures) {
        Ok(scope) => scope,
        Err(response) => return *response,
    };
    match figures(&centre, &visit, &scope).await {
        Ok(figures) => page(StatusCode::OK, &figures),
        Err(status) => Then::refused(&visit, &status),
    }
}

async fn figures(centre: &Centre, visit: &Visit, scope: &Scope) -> Result<FiguresPage, Status> {
    let Seen {
        register,
        now,
        then,
    } = Seen::of(centre, visit).await?;
    let mut connection = register.pool().acquire().await.map_err(unreadable)?;
    let mut tx = connection.begin().await.map_err(unreadable)?;
    let figures = Figures::read(&mut tx, scope, now)
        .await
        .map_err(unreadable)?;
    tx.commit().await.map_err(unreadable)?;
    drop(connection);
    let names = Names::read(centre, visit).await?;
    let language = visit.words.0;
    let as_of = visit.query.trimmed("as_of");
    let table = Table {
        figures: &figures,
        visit,
        as_of,
    };
    // What is past does not move.
    let live = then.map_or(u64::try_from(figures.position).unwrap_or_default(), |_| 0);
    let position = grouped(figures.position, language);
    let at = text::moment(now, language);
    let (late, open) = (figures.overdue(), figures.open());
    Ok(FiguresPage {
        frame: visit.frame().at(live),
        open: table.cell(open, &Filters::default()),
        overdue: table.cell(late, &overdue("")),
        overdue_share: table.share(late, open),
        concluded: table.in_state(RequestState::Concluded),
        all: table.cell(
            figures.all(),
            &Filters {
                state: Where::Everything,
                ..Filters::default()
            },
        ),
        states: RequestState::ALL
            .iter()
            .map(|it| it.label(language))
            .collect(),
        units: table.units(&names),
        channels: table.channels(),
        results: table.results(),
        totals: table.totals(),
        cut_off: visit
            .words
            .with("console-cut-off", [("position", &position), ("at", &at)]),
        is_one_unit: *scope != Scope::All,
        past: Past::of(then, "/console/figures".to_owned(), scope, visit.words),
        as_of: as_of.to_owned(),
    })
}

fn overdue(unit: &str) -> Filters {
    Filters {
        overdue: true,
        sort: Sort::Due,
        unit: unit.to_owned(),
        ..Filters::default()
    }
}

struct Table<'a> {
    figures: &'a Figures,
    visit: &'a Visit,
    as_of: &'a str,
}

impl Table<'_> {
    fn cell(&self, count: i64, to: &Filters) -> Cell {
        Cell {
            count: grouped(count, self.visit.words.0),
            href: to.as_of(self.as_of).link(),
            is_zero: count == 0,
        }
    }

    fn in_state(&self, state: RequestState) -> Cell {
        let to = Filters {
            state: Where::In(state),
            ..Filters::default()
        };
        self.cell(self.figures.in_state(state), &to)
    }

    /// "12 of 84 (14.3%)": never the ratio alone.
    fn share(&self, part: i64, whole: i64) -> String {
        let words = self.visit.words;
        let both = [
            ("part", grouped(part, words.0)),
            ("whole", grouped(whole, words.0)),
        ];
        let both = both.each_ref().map(|(name, count)| (*name, count.as_str()));
        if whole == 0 {
            return words.with("console-share-of-none", both);
        }
        let tenths = (part * 1_000 + whole / 2) / whole;
        let percent = format!("{}.{}", tenths / 10, tenths % 10);
        let percent = match words.0 {
            vocabulary::Language::Tr => percent.replace('.', ","),
            vocabulary::Language::En => percent,
        };
        let [part, whole] = both;
        words.with("console-share", [part, whole, ("percent", &percent)])
    }

    /// A row per unit: its requests by state, and how many of them are overdue.
    fn units(&self, names: &Names) -> Vec<Line> {
        let mut lines: Vec<Line> = vec![];
        for unit in self.figures.units() {
            let code = if unit.is_empty() { NO_UNIT } else { unit };
            let cells = RequestState::ALL.iter().map(|state| {
                let to = Filters {
                    state: Where::In(*state),
                    unit: code.to_owned(),
                    ..Filters::default()
                };
                self.cell(self.figures.of_unit(unit, *state), &to)
            });
            let mut cells: Vec<Cell> = cells.collect();
            cells.push(self.cell(self.figures.overdue_of(unit), &overdue(code)));
            lines.push(Line {
                name: names.unit(unit),
                cells,
            });
        }
        lines.sort_by_cached_key(|it| text::sort_key(&it.name));
        lines
    }

    fn channels(&self) -> Vec<Line> {
        let line = |channel: &Channel| {
            let cell = |state: &RequestState| {
                let to = Filters {
                    state: Where::In(*state),
                    channel: Some(*channel),
                    ..Filters::default()
                };
                self.cell(self.figures.of_channel(*channel, *state), &to)
            };
            Line {
                name: channel.label(self.visit.words.0).to_owned(),
                cells: RequestState::ALL.iter().map(cell).collect(),
            }
        };
        let lines = Channel::ALL.iter().map(line);
        lines
            .filter(|it| it.cells.iter().any(|it| !it.is_zero))
            .collect()
    }

    fn results(&self) -> Vec<Bar> {
        let counts = SubResult::ALL
            .iter()
            .map(|it| (*it, self.figures.concluded_with(*it)));
        let mut counts: Vec<(SubResult, i64)> = counts.filter(|(_, count)| *count > 0).collect();
        counts.sort_by_key(|(_, count)| -count);
        let widest = counts.first().map_or(1, |(_, count)| *count);
        let whole = self.figures.in_state(RequestState::Concluded);
        let bar = |(result, count): (SubResult, i64)| {
            let to = Filters {
                state: Where::In(RequestState::Concluded),
                sub_result: Some(result),
                ..Filters::default()
            };
            Bar {
                name: result.label(self.visit.words.0).to_owned(),
                cell: self.cell(count, &to),
                width: count * 100 / widest,
                share: self.share(count, whole),
            }
        };
        counts.into_iter().map(bar).collect()
    }

    fn totals(&self) -> Vec<Cell> {
        let mut totals: Vec<Cell> = RequestState::ALL
            .iter()
            .map(|it| self.in_state(*it))
            .collect();
        totals.push(self.cell(self.figures.overdue(), &overdue("")));
        totals
    }
}
