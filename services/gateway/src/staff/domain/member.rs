use std::collections::{BTreeMap, BTreeSet};

use decider::Decider;
use jiff::Timestamp;
use uuid::Uuid;
use vocabulary::{Language, UnitCode};

use super::{Digest, is_over};
use crate::access::Role;

/// A member of staff, as far as the log knows them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Member {
    /// Nobody has this code.
    #[default]
    Unknown,
    /// Somebody does.
    Known(Known),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) profile: Profile,
    pub(crate) disabled: bool,
    pub(crate) has_password: bool,
    /// Links that let them set their password, with their ends.
    links: BTreeMap<Digest, Timestamp>,
    sessions: BTreeSet<Uuid>,
    views: BTreeSet<Uuid>,
}

/// What somebody is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) roles: BTreeSet<Role>,
    pub(crate) unit: Option<UnitCode>,
    pub(crate) language: Language,
}

/// What may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MemberCommand {
    Add {
        profile: Profile,
        unit_known: bool,
    },
    /// `seen` is what the person who asks saw before; `renamed`, whether the name is another one.
    Change {
        profile: Profile,
        unit_known: bool,
        renamed: bool,
        seen: Profile,
        by_oneself: bool,
    },
    Disable {
        by_oneself: bool,
    },
    Enable,
    IssueLink {
        secret: Digest,
        expires_at: Timestamp,
    },
    /// By the holder of a link.
    SetPasswordByLink {
        secret: Digest,
        now: Timestamp,
    },
    /// By somebody who has shown that they know the old one.
    ChangePassword,
    /// Somebody who has shown that they know the password.
    SignIn {
        session: Uuid,
        secret: Digest,
        expires_at: Timestamp,
    },
    /// One session ends, whoever ends it.
    SignOut {
        session: Uuid,
    },
    RevokeSessions,
    SaveView {
        view: Uuid,
        filters: String,
    },
    RemoveView {
        view: Uuid,
    },
}

/// These names are stored for ever. Add variants; never rename or reuse one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MemberEvent {
    StaffAdded(Profile),
    StaffChanged(Profile),
    StaffDisabled,
    StaffEnabled,
    SetUpLinkIssued {
        secret: Digest,
        expires_at: Timestamp,
    },
    PasswordSet,
    SignedIn {
        session: Uuid,
        secret: Digest,
        expires_at: Timestamp,
    },
    SignedOut {
        session: Uuid,
    },
    SessionsRevoked,
    ViewSaved {
        view: Uuid,
        filters: String,
    },
    ViewRemoved {
        view: Uuid,
    },
}

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MemberRejection {
    #[error("nobody has this code")]
    Unknown,
    #[error("somebody has this code already")]
    CodeTaken,
    #[error("a role is missing")]
    NoRole,
    #[error("whoever works for a unit needs to be in one")]
    UnitMissing,
    #[error("no such unit is in the directory")]
    UnknownUnit,
    #[error("somebody else changed it meanwhile: look again")]
    ChangedMeanwhile,
    #[error("nobody takes their own way in")]
    Oneself,
    #[error("the account is disabled")]
    Disabled,
    #[error("the link is not valid, or no longer")]
    LinkInvalid,
    #[error("no password was set yet")]
    NoPassword,
}

impl Decider for Member {
    type Command = MemberCommand;
    type Event = MemberEvent;
    type Rejection = MemberRejection;

    fn decide(&self, command: MemberCommand) -> Result<Vec<MemberEvent>, MemberRejection> {
        match (self, command) {
            (
                Member::Unknown,
                MemberCommand::Add {
                    profile,
                    unit_known,
                },
            ) => {
                profile.check(unit_known)?;
                Ok(vec![MemberEvent::StaffAdded(profile)])
            }
            (Member::Known(_), MemberCommand::Add { .. }) => Err(MemberRejection::CodeTaken),
            (Member::Unknown, _) => Err(MemberRejection::Unknown),
            (Member::Known(known), command) => known.decide(command),
        }
    }

    fn evolve(self, event: MemberEvent) -> Self {
        match (self, event) {
            (Member::Unknown, MemberEvent::StaffAdded(profile)) => {
                Member::Known(Known::new(profile))
            }
            (Member::Unknown, _) => Member::Unknown,
            (Member::Known(known), event) => Member::Known(known.evolve(event)),
        }
    }
}

impl MemberCommand {
    /// What nobody can do, or be given, whose account is disabled.
    fn is_for_the_enabled(&self) -> bool {
        match self {
            Self::IssueLink { .. }
            | Self::SetPasswordByLink { .. }
            | Self::ChangePassword
            | Self::SignIn { .. }
            | Self::SaveView { .. } => true,
            Self::Add { .. }
            | Self::Change { .. }
            | Self::Disable { .. }
            | Self::Enable
            | Self::SignOut { .. }
            | Self::RevokeSessions
            | Self::RemoveView { .. } => false,
        }
    }
}

impl Profile {
    fn check(&self, unit_known: bool) -> Result<(), MemberRejection> {
        if self.roles.is_empty() {
            return Err(MemberRejection::NoRole);
        }
        match &self.unit {
            None if self.roles.contains(&Role::Unit) => Err(MemberRejection::UnitMissing),
            Some(_) if !unit_known => Err(MemberRejection::UnknownUnit),
            None | Some(_) => Ok(()),
        }
    }
}

impl Known {
    fn new(profile: Profile) -> Self {
        Self {
            profile,
            disabled: false,
            has_password: false,
            links: BTreeMap::new(),
            sessions: BTreeSet::new(),
            views: BTreeSet::new(),
        }
    }

    fn decide(&self, command: MemberCommand) -> Result<Vec<MemberEvent>, MemberRejection> {
        if self.disabled && command.is_for_the_enabled() {
            return Err(MemberRejection::Disabled);
        }
        Ok(match command {
            MemberCommand::Add { .. } => return Err(MemberRejection::CodeTaken),
            MemberCommand::Change {
                profile,
                unit_known,
                renamed,
                seen,
                by_oneself,
            } => {
                profile.check(unit_known)?;
                self.check_change(&profile, &seen, by_oneself)?;
                let changed = renamed || profile != self.profile;
                once(changed, || MemberEvent::StaffChanged(profile))
            }
            MemberCommand::Disable { by_oneself: true } => return Err(MemberRejection::Oneself),
            MemberCommand::Disable { by_oneself: false } => {
                once(!self.disabled, || MemberEvent::StaffDisabled)
            }
            MemberCommand::Enable => once(self.disabled, || MemberEvent::StaffEnabled),
            MemberCommand::IssueLink { secret, expires_at } => {
                vec![MemberEvent::SetUpLinkIssued { secret, expires_at }]
            }
            MemberCommand::SetPasswordByLink { secret, now } => match self.links.get(&secret) {
                Some(end) if !is_over(Some(*end), now) => vec![MemberEvent::PasswordSet],
                Some(_) | None => return Err(MemberRejection::LinkInvalid),
            },
            MemberCommand::ChangePassword => vec![MemberEvent::PasswordSet],
            MemberCommand::SignIn { .. } if !self.has_password => {
                return Err(MemberRejection::NoPassword);
            }
            MemberCommand::SignIn {
                session,
                secret,
                expires_at,
            } => vec![MemberEvent::SignedIn {
                session,
                secret,
                expires_at,
            }],
            MemberCommand::SignOut { session } => once(self.sessions.contains(&session), || {
                MemberEvent::SignedOut { session }
            }),
            MemberCommand::RevokeSessions => {
                once(!self.sessions.is_empty(), || MemberEvent::SessionsRevoked)
            }
            MemberCommand::SaveView { view, filters } => {
                vec![MemberEvent::ViewSaved { view, filters }]
            }
            MemberCommand::RemoveView { view } => once(self.views.contains(&view), || {
                MemberEvent::ViewRemoved { view }
            }),
        })
    }

    fn check_change(
        &self,
        profile: &Profile,
        seen: &Profile,
        by_oneself: bool,
    ) -> Result<(), MemberRejection> {
        if *seen != self.profile {
            return Err(MemberRejection::ChangedMeanwhile);
        }
        // Somebody must be left who can give rights back.
        let steps_down =
            self.profile.roles.contains(&Role::Admin) && !profile.roles.contains(&Role::Admin);
        if by_oneself && steps_down {
            return Err(MemberRejection::Oneself);
        }
        Ok(())
    }

    fn evolve(mut self, event: MemberEvent) -> Self {
        match event {
            MemberEvent::StaffAdded(profile) | MemberEvent::StaffChanged(profile) => {
                self.profile = profile;
            }
            MemberEvent::StaffDisabled => {
                self.disabled = true;
                self.sessions.clear();
                self.links.clear();
            }
            MemberEvent::StaffEnabled => self.disabled = false,
            MemberEvent::SetUpLinkIssued { secret, expires_at } => {
                self.links.insert(secret, expires_at);
            }
            MemberEvent::PasswordSet => {
                self.has_password = true;
                self.sessions.clear();
                self.links.clear();
            }
            MemberEvent::SignedIn { session, .. } => {
                self.sessions.insert(session);
            }
            MemberEvent::SignedOut { session } => {
                self.sessions.remove(&session);
            }
            MemberEvent::SessionsRevoked => self.sessions.clear(),
            MemberEvent::ViewSaved { view, .. } => {
                self.views.insert(view);
            }
            MemberEvent::ViewRemoved { view } => {
                self.views.remove(&view);
            }
        }
        self
    }
}

/// One event, or none.
fn once(happens: bool, event: impl FnOnce() -> MemberEvent) -> Vec<MemberEvent> {
    happens.then(event).into_iter().collect()
}
