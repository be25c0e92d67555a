//! Which requests a list shows: read from the address, written back to it, and asked of the register. Lists, counts and
//! exports share [`Filters::push`], so that they can never disagree.

use sqlx::{QueryBuilder, Sqlite};
use vocabulary::{Channel, RequestState, SubResult};

use crate::{
    access::{Action, Actor, Reach},
    params::{Params, escaped},
};

/// Whose requests somebody may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scope {
    /// All of the municipality.
    All,
    /// Those in the hands of one unit.
    Unit(String),
}

impl Scope {
    /// What an actor may do something with; `None` for nothing at all.
    pub(super) fn of(actor: &Actor, action: Action) -> Option<Self> {
        match actor.reach(action) {
            Reach::All => Some(Self::All),
            Reach::Unit(unit) => Some(Self::Unit(unit.to_owned())),
            Reach::Nothing => None,
        }
    }

    /// Narrows a query that has its `where` already.
    pub(super) fn push(&self, query: &mut QueryBuilder<Sqlite>) {
        match self {
            Self::All => {}
            Self::Unit(unit) => {
                query.push(" and unit = ").push_bind(unit.clone());
            }
        }
    }
}

/// Which states.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Where {
    /// Everything that is not concluded.
    #[default]
    Open,
    Everything,
    In(RequestState),
}

/// In which order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Sort {
    #[default]
    Newest,
    Oldest,
    Changed,
    /// What is due first; what has no due time comes last.
    Due,
}

impl Sort {
    pub(super) const ALL: [Self; 4] = [Self::Newest, Self::Oldest, Self::Changed, Self::Due];

    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Oldest => "oldest",
            Self::Changed => "changed",
            Self::Due => "due",
        }
    }

    /// What it sorts by: a column, or one made up of one.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Newest | Self::Oldest => "registered_at",
            Self::Changed => "updated_at",
            Self::Due => "coalesce(due_at, 9223372036854775807)",
        }
    }

    pub(super) const fn rises(self) -> bool {
        match self {
            Self::Oldest | Self::Due => true,
            Self::Newest | Self::Changed => false,
        }
    }
}

/// What somebody wants to see. Search words are no part of it: they may be a name or a phone, and stand in no address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Filters {
    pub(super) state: Where,
    pub(super) unit: String,
    pub(super) topic: String,
    pub(super) district: String,
    pub(super) channel: Option<Channel>,
    pub(super) sub_result: Option<SubResult>,
    pub(super) overdue: bool,
    pub(super) mine: bool,
    pub(super) sort: Sort,
    /// The moment that the list is of, as it was typed; "" for now.
    pub(super) as_of: String,
}

/// Not routed to any unit, in an address.
pub(super) const NO_UNIT: &str = "-";
/// Characters of a filter's text at most.
const LONGEST: usize = 100;

impl Filters {
    /// Reads what it knows; the rest is left out, as an old link may name what is gone.
    pub(super) fn of(params: &Params) -> Self {
        let text = |name: &str| {
            params
                .trimmed(name)
                .chars()
                .take(LONGEST)
                .collect::<String>()
        };
        let state = match params.trimmed("state") {
            "all" => Where::Everything,
            code => code.parse().map_or(Where::Open, Where::In),
        };
        let sort = Sort::ALL
            .into_iter()
            .find(|it| it.code() == params.trimmed("sort"))
            .unwrap_or_default();
        Self {
            state,
            unit: text("unit"),
            topic: text("topic"),
            district: text("district"),
            channel: params.trimmed("channel").parse().ok(),
            sub_result: params.trimmed("sub_result").parse().ok(),
            overdue: params.trimmed("overdue") == "1",
            mine: params.trimmed("mine") == "1",
            sort,
            as_of: text("as_of"),
        }
    }

    /// As they stand in an address, without what is as usual.
    pub(super) fn query(&self) -> String {
        let state = match self.state {
            Where::Open => "",
            Where::Everything => "all",
            Where::In(state) => state.code(),
        };
        let sort = if self.sort == Sort::default() {
            ""
        } else {
            self.sort.code()
        };
        let pairs = [
            ("state", state),
            ("unit", &self.unit),
            ("topic", &self.topic),
            ("district", &self.district),
            ("channel", self.channel.map_or("", Channel::code)),
            ("sub_result", self.sub_result.map_or("", SubResult::code)),
            ("overdue", if self.overdue { "1" } else { "" }),
            ("mine", if self.mine { "1" } else { "" }),
            ("sort", sort),
            ("as_of", &self.as_of),
        ];
        let pairs = pairs.iter().filter(|(_, value)| !value.is_empty());
        let pairs: Vec<String> = pairs
            .map(|(name, value)| format!("{name}={}", escaped(value)))
            .collect();
        pairs.join("&")
    }

    /// The same of another moment; "" for now.
    pub(super) fn as_of(&self, as_of: &str) -> Self {
        Self {
            as_of: as_of.to_owned(),
            ..self.clone()
        }
    }

    /// Where the list stands: "/console/requests?…".
    pub(super) fn link(&self) -> String {
        let query = self.query();
        if query.is_empty() {
            LIST.to_owned()
        } else {
            format!("{LIST}?{query}")
        }
    }

    /// Only what is open can be due next.
    pub(super) fn order(&self) -> Sort {
        let is_open = match self.state {
            Where::Open => true,
            Where::Everything => false,
            Where::In(state) => state != RequestState::Concluded,
        };
        if self.sort == Sort::Due && !is_open {
            Sort::Newest
        } else {
            self.sort
        }
    }

    /// Whether anything narrows the list besides its state.
    pub(super) fn are_narrow(&self) -> bool {
        let plain = Self {
            state: self.state,
            sort: self.sort,
            as_of: self.as_of.clone(),
            ..Self::default()
        };
        *self != plain
    }

    /// The one predicate, for a query that has its `where` already. `me` is who asks, for what is theirs.
    pub(super) fn push(&self, query: &mut QueryBuilder<Sqlite>, me: &str, now: i64) {
        match self.state {
            Where::Open => {
                query.push(" and open = 1");
            }
            Where::Everything => {}
            Where::In(state) => {
                query.push(" and state = ").push_bind(state.number());
            }
        }
        match self.unit.as_str() {
            "" => {}
            NO_UNIT => {
                query.push(" and unit = ''");
            }
            unit => {
                query.push(" and unit = ").push_bind(unit.to_owned());
            }
        }
        if !self.topic.is_empty() {
            query.push(" and topic = ").push_bind(self.topic.clone());
        }
        if !self.district.is_empty() {
            query
                .push(" and district = ")
                .push_bind(self.district.clone());
        }
        if let Some(channel) = self.channel {
            query.push(" and channel = ").push_bind(channel.code());
        }
        if let Some(sub_result) = self.sub_result {
            query
                .push(" and sub_result = ")
                .push_bind(sub_result.number());
        }
        if self.overdue {
            push_overdue(query, now);
        }
        if self.mine {
            query
                .push(" and assignee <> '' and assignee = ")
                .push_bind(me.to_owned());
        }
    }
}

/// Open, due before now, and not waiting for the citizen, which stops the unit's clock.
pub(super) fn push_overdue(query: &mut QueryBuilder<Sqlite>, now: i64) {
    query
        .push(" and open = 1 and due_at is not null and due_at < ")
        .push_bind(now)
        .push(" and state <> ")
        .push_bind(RequestState::WaitingCitizen.number());
}

/// The worklist's address.
pub(super) const LIST: &str = "/console/requests";
