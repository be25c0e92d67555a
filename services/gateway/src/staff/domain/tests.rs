use std::collections::BTreeSet;

use decider::given;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;
use vocabulary::Language;

use super::*;
use crate::access::{Role, Scope};

const LINK: Digest = [1; 32];
const SECRET: Digest = [2; 32];
const SESSION: Uuid = Uuid::from_u128(7);

fn now() -> Timestamp {
    Timestamp::from_second(1_760_000_000).unwrap()
}

fn later() -> Timestamp {
    now() + SignedDuration::from_hours(1)
}

fn profile(roles: &[Role], unit: Option<&str>) -> Profile {
    Profile {
        roles: roles.iter().copied().collect(),
        unit: unit.map(|it| it.parse().unwrap()),
        language: Language::Tr,
    }
}

fn operator() -> Profile {
    profile(&[Role::Operator], None)
}

fn added() -> MemberEvent {
    MemberEvent::StaffAdded(operator())
}

fn add(profile: Profile, unit_known: bool) -> MemberCommand {
    MemberCommand::Add {
        profile,
        unit_known,
    }
}

fn change(profile: Profile, by_oneself: bool, seen: Profile) -> MemberCommand {
    MemberCommand::Change {
        profile,
        unit_known: true,
        renamed: false,
        seen,
        by_oneself,
    }
}

fn sign_in() -> MemberCommand {
    MemberCommand::SignIn {
        session: SESSION,
        secret: SECRET,
        expires_at: later(),
    }
}

fn signed_in() -> MemberEvent {
    MemberEvent::SignedIn {
        session: SESSION,
        secret: SECRET,
        expires_at: later(),
    }
}

fn link_issued() -> MemberEvent {
    MemberEvent::SetUpLinkIssued {
        secret: LINK,
        expires_at: later(),
    }
}

fn by_link(secret: Digest, now: Timestamp) -> MemberCommand {
    MemberCommand::SetPasswordByLink { secret, now }
}

#[test]
fn somebody_is_added_once_with_a_role_and_a_unit_where_the_role_needs_one() {
    given::<Member>([])
        .when(add(operator(), true))
        .then([added()]);
    given::<Member>([added()])
        .when(add(operator(), true))
        .then_rejected(MemberRejection::CodeTaken);
    given::<Member>([])
        .when(add(profile(&[], None), true))
        .then_rejected(MemberRejection::NoRole);
    given::<Member>([])
        .when(add(profile(&[Role::Unit], None), true))
        .then_rejected(MemberRejection::UnitMissing);
    given::<Member>([])
        .when(add(profile(&[Role::Unit], Some("parks")), false))
        .then_rejected(MemberRejection::UnknownUnit);
    let in_parks = profile(&[Role::Unit], Some("parks"));
    given::<Member>([])
        .when(add(in_parks.clone(), true))
        .then([MemberEvent::StaffAdded(in_parks)]);
}

#[test]
fn nothing_can_be_asked_about_nobody() {
    given::<Member>([])
        .when(sign_in())
        .then_rejected(MemberRejection::Unknown);
    given::<Member>([])
        .when(MemberCommand::Disable { by_oneself: false })
        .then_rejected(MemberRejection::Unknown);
}

#[test]
fn a_change_is_decided_on_what_was_seen() {
    let desk = profile(&[Role::Desk], None);
    given::<Member>([added()])
        .when(change(desk.clone(), false, operator()))
        .then([MemberEvent::StaffChanged(desk.clone())]);
    given::<Member>([added()])
        .when(change(operator(), false, operator()))
        .then_nothing();
    given::<Member>([added(), MemberEvent::StaffChanged(desk.clone())])
        .when(change(operator(), false, operator()))
        .then_rejected(MemberRejection::ChangedMeanwhile);
    let renamed = MemberCommand::Change {
        profile: operator(),
        unit_known: true,
        renamed: true,
        seen: operator(),
        by_oneself: false,
    };
    given::<Member>([added()])
        .when(renamed)
        .then([MemberEvent::StaffChanged(operator())]);
}

#[test]
fn no_administrator_locks_themselves_out() {
    let admin = profile(&[Role::Admin], None);
    let history = [MemberEvent::StaffAdded(admin.clone())];
    given::<Member>(history.clone())
        .when(change(operator(), true, admin.clone()))
        .then_rejected(MemberRejection::Oneself);
    given::<Member>(history.clone())
        .when(MemberCommand::Disable { by_oneself: true })
        .then_rejected(MemberRejection::Oneself);
    given::<Member>(history)
        .when(change(operator(), false, admin))
        .then([MemberEvent::StaffChanged(operator())]);
}

#[test]
fn a_link_sets_a_password_once_and_in_time() {
    given::<Member>([added(), link_issued()])
        .when(by_link(LINK, now()))
        .then([MemberEvent::PasswordSet]);
    given::<Member>([added(), link_issued()])
        .when(by_link(SECRET, now()))
        .then_rejected(MemberRejection::LinkInvalid);
    given::<Member>([added(), link_issued()])
        .when(by_link(LINK, later()))
        .then_rejected(MemberRejection::LinkInvalid);
    given::<Member>([added(), link_issued(), MemberEvent::PasswordSet])
        .when(by_link(LINK, now()))
        .then_rejected(MemberRejection::LinkInvalid);
}

#[test]
fn who_is_disabled_stays_out() {
    let history = [
        added(),
        link_issued(),
        MemberEvent::PasswordSet,
        signed_in(),
        MemberEvent::StaffDisabled,
    ];
    for refused in [
        sign_in(),
        by_link(LINK, now()),
        MemberCommand::ChangePassword,
        MemberCommand::IssueLink {
            secret: LINK,
            expires_at: later(),
        },
    ] {
        given::<Member>(history.clone())
            .when(refused)
            .then_rejected(MemberRejection::Disabled);
    }
    given::<Member>(history.clone())
        .when(MemberCommand::Disable { by_oneself: false })
        .then_nothing();
    let mut again = history.to_vec();
    again.push(MemberEvent::StaffEnabled);
    given::<Member>(again.clone())
        .when(sign_in())
        .then([signed_in()]);
    given::<Member>(again)
        .when(MemberCommand::SignOut { session: SESSION })
        .then_nothing();
}

#[test]
fn sessions_begin_with_a_password_and_end_one_by_one_or_all() {
    given::<Member>([added()])
        .when(sign_in())
        .then_rejected(MemberRejection::NoPassword);
    let open = [added(), MemberEvent::PasswordSet, signed_in()];
    given::<Member>(open.clone())
        .when(MemberCommand::SignOut { session: SESSION })
        .then([MemberEvent::SignedOut { session: SESSION }]);
    given::<Member>(open.clone())
        .when(MemberCommand::SignOut {
            session: Uuid::from_u128(8),
        })
        .then_nothing();
    given::<Member>(open.clone())
        .when(MemberCommand::RevokeSessions)
        .then([MemberEvent::SessionsRevoked]);
    for end in [MemberEvent::SessionsRevoked, MemberEvent::PasswordSet] {
        let mut ended = open.to_vec();
        ended.push(end);
        given::<Member>(ended)
            .when(MemberCommand::RevokeSessions)
            .then_nothing();
    }
}

#[test]
fn a_saved_view_is_removed_once() {
    let view = Uuid::from_u128(9);
    let saved = MemberEvent::ViewSaved {
        view,
        filters: "unit=parks".to_owned(),
    };
    given::<Member>([added()])
        .when(MemberCommand::SaveView {
            view,
            filters: "unit=parks".to_owned(),
        })
        .then([saved.clone()]);
    given::<Member>([added(), saved.clone()])
        .when(MemberCommand::RemoveView { view })
        .then([MemberEvent::ViewRemoved { view }]);
    given::<Member>([added(), saved, MemberEvent::ViewRemoved { view }])
        .when(MemberCommand::RemoveView { view })
        .then_nothing();
}

fn issued(scopes: &[Scope], unit: Option<&str>, expires_at: Option<Timestamp>) -> IssuedKey {
    IssuedKey {
        scopes: scopes.iter().copied().collect::<BTreeSet<_>>(),
        unit: unit.map(|it| it.parse().unwrap()),
        secret: SECRET,
        expires_at,
    }
}

#[test]
fn a_key_is_issued_once_under_its_code_and_revoked_for_good() {
    let issue = |key: IssuedKey, unit_known| KeyCommand::Issue {
        key,
        unit_known,
        now: now(),
    };
    let key = issued(&[Scope::Read], Some("parks"), Some(later()));
    let was_issued = KeyEvent::ApiKeyIssued(key.clone());
    given::<Key>([])
        .when(issue(key.clone(), true))
        .then([was_issued.clone()]);
    given::<Key>([])
        .when(issue(key.clone(), false))
        .then_rejected(KeyRejection::UnknownUnit);
    given::<Key>([])
        .when(issue(issued(&[], None, None), true))
        .then_rejected(KeyRejection::NoScope);
    given::<Key>([])
        .when(issue(issued(&[Scope::Read], None, Some(now())), true))
        .then_rejected(KeyRejection::Over);
    given::<Key>([])
        .when(KeyCommand::Revoke)
        .then_rejected(KeyRejection::Unknown);
    given::<Key>([was_issued.clone()])
        .when(KeyCommand::Revoke)
        .then([KeyEvent::ApiKeyRevoked]);
    given::<Key>([was_issued.clone(), KeyEvent::ApiKeyRevoked])
        .when(KeyCommand::Revoke)
        .then_nothing();
    given::<Key>([was_issued, KeyEvent::ApiKeyRevoked])
        .when(issue(key, true))
        .then_rejected(KeyRejection::CodeTaken);
}

#[test]
fn a_code_is_read_as_it_was_meant() {
    let read = |text: &str| Code::typed(text).map(|it| it.to_string());
    assert_eq!(read(" Ayse.Yilmaz ").as_deref(), Some("ayse.yilmaz"));
    assert_eq!(read("ADMİN").as_deref(), Some("admin"));
    assert_eq!(read("ADMIN").as_deref(), Some("admin"));
    for bad in ["", "ayşe", "a b", "staff:ali", &"a".repeat(33)] {
        assert_eq!(read(bad), None, "{bad}");
    }
}
