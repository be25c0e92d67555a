//! How many requests stand where, out of the register's own counts: no figure scans the requests.

use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use vocabulary::{Channel, RequestState, SubResult};

use super::{
    filters::{self, Scope},
    lists,
};

/// Everything a figure of the console is made of, at one position of the log.
#[derive(Debug, Clone, Default)]
pub(super) struct Figures {
    /// The position up to which it is counted.
    pub(super) position: i64,
    cells: Vec<Cell>,
    /// Open and past their due time, by unit.
    overdue: Vec<(String, i64)>,
}

#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
struct Cell {
    unit: String,
    channel: String,
    state: i32,
    sub_result: i32,
    requests: i64,
}

impl Figures {
    /// Counts what a scope may see, from one state of the register.
    pub(super) async fn read(
        connection: &mut SqliteConnection,
        scope: &Scope,
        now: i64,
    ) -> Result<Self, sqlx::Error> {
        let position = lists::position(connection).await?;
        let mut query = QueryBuilder::<Sqlite>::new("select * from tally where requests <> 0");
        scope.push(&mut query);
        let cells = query.build_query_as().fetch_all(&mut *connection).await?;
        let mut query =
            QueryBuilder::<Sqlite>::new("select unit, count(*) from request where 1 = 1");
        scope.push(&mut query);
        filters::push_overdue(&mut query, now);
        query.push(" group by unit");
        let overdue = query.build_query_as().fetch_all(connection).await?;
        Ok(Self {
            position,
            cells,
            overdue,
        })
    }

    fn sum(&self, is: impl Fn(&Cell) -> bool) -> i64 {
        self.cells
            .iter()
            .filter(|it| is(it))
            .map(|it| it.requests)
            .sum()
    }

    pub(super) fn all(&self) -> i64 {
        self.sum(|_| true)
    }

    pub(super) fn open(&self) -> i64 {
        self.all() - self.in_state(RequestState::Concluded)
    }

    pub(super) fn in_state(&self, state: RequestState) -> i64 {
        self.sum(|it| it.state == state.number())
    }

    pub(super) fn overdue(&self) -> i64 {
        self.overdue.iter().map(|(_, count)| count).sum()
    }

    pub(super) fn overdue_of(&self, unit: &str) -> i64 {
        self.overdue
            .iter()
            .find(|(it, _)| it == unit)
            .map_or(0, |(_, count)| *count)
    }

    pub(super) fn of_unit(&self, unit: &str, state: RequestState) -> i64 {
        self.sum(|it| it.unit == unit && it.state == state.number())
    }

    pub(super) fn of_channel(&self, channel: Channel, state: RequestState) -> i64 {
        self.sum(|it| it.channel == channel.code() && it.state == state.number())
    }

    pub(super) fn concluded_with(&self, sub_result: SubResult) -> i64 {
        self.sum(|it| it.sub_result == sub_result.number())
    }

    /// The units that have, or had, any request in their hands; "" for none.
    pub(super) fn units(&self) -> Vec<&str> {
        let mut units: Vec<&str> = self.cells.iter().map(|it| it.unit.as_str()).collect();
        units.sort_unstable();
        units.dedup();
        units
    }
}
