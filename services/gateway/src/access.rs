//! Who may do what. One pure function, [`may`], that every route, every RPC, every list, count and export asks.
//!
//! An actor belongs to one municipality, and nothing of another one is ever a question here: a resource is looked up in the
//! actor's own municipality only.
//!
//! Routes ask before their handler runs: each is put up with its [`Action`] in `doors.rs`, and `guard.rs` asks. What a list,
//! a count or an export may cover is [`Actor::reach`].

mod words;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeSet;

use vocabulary::Municipality;

pub(crate) use words::{Role, Scope};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Actor {
    pub(crate) municipality: Municipality,
    pub(crate) kind: Kind,
}

/// What the one who asks is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A signed-in member of staff, by code; `unit` is empty for none.
    Staff {
        code: String,
        roles: BTreeSet<Role>,
        unit: String,
    },
    /// A program with a key; `unit` is empty for all units.
    Program {
        key: String,
        scopes: BTreeSet<Scope>,
        unit: String,
    },
    /// Somebody with a request's number and its secret.
    Citizen,
    /// Anybody.
    Nobody,
}

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Action {
    /// Read what is public, sign in, follow one's own request by its secret.
    Public,
    /// Be in the console at all: its frame, one's own account, sessions and saved views.
    Enter,
    /// File a request or record a contact.
    File,
    /// Find the caller's earlier requests.
    FindCaller,
    /// See a request's facts, in a list, a count, an export or alone.
    See,
    /// Read its personal data; every look is recorded.
    SeePersonal,
    /// Accept, assign, plan, conclude, return, refer, ask the citizen.
    Work,
    /// Route by hand, reopen.
    Steer,
    /// Write a remark, or down what the citizen says.
    Comment,
    /// See the centre's figures.
    SeeFigures,
    /// See events as they are stored.
    SeeEvents,
    /// Look up units and topics.
    LookUp,
    /// Define units and topics.
    Direct,
    /// Add, change, disable staff; issue and revoke keys.
    Administer,
    /// Import with original times.
    Import,
    /// Register and remove webhooks.
    Hook,
    /// Have what was given up tried again.
    Operate,
    /// Erase somebody's personal data, which nobody can undo.
    Erase,
    /// What services ask of each other only.
    Inside,
}

impl Action {
    pub(crate) const ALL: &[Self] = &[
        Self::Public,
        Self::Enter,
        Self::File,
        Self::FindCaller,
        Self::See,
        Self::SeePersonal,
        Self::Work,
        Self::Steer,
        Self::Comment,
        Self::SeeFigures,
        Self::SeeEvents,
        Self::LookUp,
        Self::Direct,
        Self::Administer,
        Self::Import,
        Self::Hook,
        Self::Operate,
        Self::Erase,
        Self::Inside,
    ];

    /// Whether it changes something that is not one's own account.
    pub(crate) fn changes(self) -> bool {
        match self {
            Self::File
            | Self::Work
            | Self::Steer
            | Self::Comment
            | Self::Direct
            | Self::Administer
            | Self::Import
            | Self::Hook
            | Self::Operate
            | Self::Erase
            | Self::Inside => true,
            Self::Public
            | Self::Enter
            | Self::FindCaller
            | Self::See
            | Self::SeePersonal
            | Self::SeeFigures
            | Self::SeeEvents
            | Self::LookUp => false,
        }
    }
}

/// What it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resource<'a> {
    /// The centre as a whole.
    Centre,
    /// What one's own reach covers: a list, a search or a count that is cut to it.
    Reach,
    /// A request in the hands of this unit; empty while it is with none.
    Request { unit: &'a str },
}

/// How far a list, a search, a count or an export goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach<'a> {
    /// All requests.
    All,
    /// Those in the hands of this unit.
    Unit(&'a str),
    /// None.
    Nothing,
}

impl Actor {
    /// Anybody, who asks something of a municipality.
    pub(crate) fn nobody(municipality: Municipality) -> Self {
        Self {
            municipality,
            kind: Kind::Nobody,
        }
    }

    /// The requests about which this actor may do something, for whatever shows or counts many.
    pub(crate) fn reach(&self, action: Action) -> Reach<'_> {
        if may(self, action, Resource::Request { unit: "" }) {
            return Reach::All;
        }
        let (Kind::Staff { unit, .. } | Kind::Program { unit, .. }) = &self.kind else {
            return Reach::Nothing;
        };
        if may(self, action, Resource::Request { unit }) {
            Reach::Unit(unit)
        } else {
            Reach::Nothing
        }
    }
}

/// Whether an actor may do something.
pub(crate) fn may(actor: &Actor, action: Action, resource: Resource<'_>) -> bool {
    match &actor.kind {
        Kind::Staff { roles, unit, .. } => roles
            .iter()
            .any(|role| role_may(*role, unit, action, resource)),
        Kind::Program { scopes, unit, .. } => program_may(scopes, unit, action, resource),
        Kind::Citizen | Kind::Nobody => matches!(action, Action::Public | Action::File),
    }
}

fn role_may(role: Role, own: &str, action: Action, resource: Resource<'_>) -> bool {
    let everybody = [Action::Public, Action::Enter, Action::LookUp];
    let everywhere: &[Action] = match role {
        Role::Operator => &[
            Action::File,
            Action::FindCaller,
            Action::See,
            Action::SeePersonal,
            Action::Comment,
        ],
        Role::Desk => &[
            Action::File,
            Action::FindCaller,
            Action::See,
            Action::SeePersonal,
            Action::Steer,
            Action::Comment,
        ],
        Role::Unit => &[],
        Role::Supervisor => &[
            Action::File,
            Action::FindCaller,
            Action::See,
            Action::SeePersonal,
            Action::Work,
            Action::Steer,
            Action::Comment,
            Action::SeeFigures,
        ],
        Role::Auditor => &[
            Action::See,
            Action::SeePersonal,
            Action::SeeFigures,
            Action::SeeEvents,
        ],
        Role::Admin => &[
            Action::Direct,
            Action::Administer,
            Action::Hook,
            Action::Operate,
            Action::Erase,
        ],
    };
    let in_own_unit: &[Action] = match role {
        Role::Unit => &[
            Action::See,
            Action::SeePersonal,
            Action::Work,
            Action::Comment,
        ],
        Role::Operator | Role::Desk | Role::Supervisor | Role::Auditor | Role::Admin => &[],
    };
    everybody.contains(&action)
        || everywhere.contains(&action)
        || (is_own(own, resource) && in_own_unit.contains(&action))
}

fn program_may(
    scopes: &BTreeSet<Scope>,
    own: &str,
    action: Action,
    resource: Resource<'_>,
) -> bool {
    let of_a_request = |scope| scopes.contains(&scope) && (own.is_empty() || is_own(own, resource));
    let of_the_centre = |scope| scopes.contains(&scope) && own.is_empty();
    match action {
        Action::Public | Action::LookUp => true,
        Action::File => scopes.contains(&Scope::File),
        Action::See => of_a_request(Scope::Read),
        Action::SeePersonal => of_a_request(Scope::ReadPersonal),
        Action::Work | Action::Comment => of_a_request(Scope::Work),
        Action::SeeFigures | Action::SeeEvents => of_the_centre(Scope::Read),
        Action::FindCaller => of_the_centre(Scope::ReadPersonal),
        Action::Steer => of_the_centre(Scope::Work),
        Action::Direct => of_the_centre(Scope::Directory),
        Action::Import => of_the_centre(Scope::Import),
        Action::Hook => scopes.contains(&Scope::Webhooks),
        // The token of whoever runs the centre: nobody else has all scopes and all units.
        Action::Operate | Action::Erase => {
            own.is_empty() && Scope::ALL.iter().all(|it| scopes.contains(it))
        }
        Action::Enter | Action::Administer | Action::Inside => false,
    }
}

fn is_own(own: &str, resource: Resource<'_>) -> bool {
    match resource {
        Resource::Centre => false,
        Resource::Reach => !own.is_empty(),
        Resource::Request { unit } => !own.is_empty() && own == unit,
    }
}
