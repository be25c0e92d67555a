//! Who may do what. One pure function, [`may`], that every route, every RPC, every list, count and export asks.
//!
//! An actor belongs to one municipality, and nothing of another one is ever a question here: a resource is looked up in the
//! actor's own municipality only.

use std::collections::BTreeSet;

use vocabulary::Municipality;

/// What a member of staff is; one person may be several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Role {
    Operator,
    Desk,
    Unit,
    Supervisor,
    Auditor,
    Admin,
}

/// What a key lets a program do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Scope {
    File,
    Read,
    ReadPersonal,
    Work,
    Directory,
    Import,
    Webhooks,
}

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
    /// Write a remark.
    Comment,
    /// See the centre's figures.
    SeeFigures,
    /// See events as they are stored.
    SeeEvents,
    /// Define units and topics.
    Direct,
    /// Add, change, disable staff; issue and revoke keys.
    Administer,
    /// Import with original times.
    Import,
    /// Register and remove webhooks.
    Hook,
}

/// What it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resource<'a> {
    /// The centre as a whole.
    Centre,
    /// A request in the hands of this unit; empty while it is with none.
    Request { unit: &'a str },
}

/// Whether an actor may do something.
pub(crate) fn may(actor: &Actor, action: Action, resource: Resource<'_>) -> bool {
    match &actor.kind {
        Kind::Staff { roles, unit, .. } => roles
            .iter()
            .any(|role| role_may(*role, unit, action, resource)),
        Kind::Program { scopes, unit, .. } => program_may(scopes, unit, action, resource),
        Kind::Citizen | Kind::Nobody => action == Action::File,
    }
}

fn role_may(role: Role, own: &str, action: Action, resource: Resource<'_>) -> bool {
    let everywhere: &[Action] = match role {
        Role::Operator | Role::Desk => &[
            Action::File,
            Action::FindCaller,
            Action::See,
            Action::SeePersonal,
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
        Role::Admin => &[Action::Direct, Action::Administer, Action::Hook],
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
    everywhere.contains(&action) || (is_own(own, resource) && in_own_unit.contains(&action))
}

fn program_may(
    scopes: &BTreeSet<Scope>,
    own: &str,
    action: Action,
    resource: Resource<'_>,
) -> bool {
    let needed = match action {
        Action::File => Scope::File,
        Action::See | Action::SeeFigures | Action::SeeEvents => Scope::Read,
        Action::FindCaller | Action::SeePersonal => Scope::ReadPersonal,
        Action::Work | Action::Steer | Action::Comment => Scope::Work,
        Action::Direct => Scope::Directory,
        Action::Import => Scope::Import,
        Action::Hook => Scope::Webhooks,
        Action::Administer => return false,
    };
    let of_a_unit = matches!(action, Action::File | Action::Hook) || own.is_empty();
    scopes.contains(&needed) && (of_a_unit || is_own(own, resource))
}

fn is_own(own: &str, resource: Resource<'_>) -> bool {
    match resource {
        Resource::Centre => false,
        Resource::Request { unit } => !own.is_empty() && own == unit,
    }
}
