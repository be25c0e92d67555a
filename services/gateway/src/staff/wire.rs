//! Between the events of `proto/cozum/gateway/v1` and what is decided.

use std::collections::BTreeSet;

use chassis::{
    Storable,
    event::{self, Undecodable, decode, is},
};
use contracts::{
    gateway::v1 as wire,
    ledger::v1::{Event, NewEvent},
    vocabulary::v1::Sealed,
};
use jiff::Timestamp;
use uuid::Uuid;
use vocabulary::{Language, UnitCode};

use super::domain::{Code, Digest, IssuedKey, Key, KeyEvent, Member, MemberEvent, Profile};
use crate::access::{Role, Scope};

impl Storable for Member {
    fn decode(event: &Event) -> Result<Option<MemberEvent>, Undecodable> {
        Ok(member_event(event)?.map(|it| it.fact))
    }
}

impl Storable for Key {
    fn decode(event: &Event) -> Result<Option<KeyEvent>, Undecodable> {
        Ok(key_event(event)?.map(|(_, fact)| fact))
    }
}

/// What happened to a member of staff.
pub(crate) struct Told {
    pub(crate) staff: String,
    pub(crate) fact: MemberEvent,
    /// The one sealed text that the event has room for: a name, a password's hash, a link.
    pub(crate) sealed: Option<Sealed>,
}

/// Reads an event of a member of staff; `None` for any other.
pub(crate) fn member_event(event: &Event) -> Result<Option<Told>, Undecodable> {
    if !event.r#type.starts_with("gateway.") {
        return Ok(None);
    }
    let told = |staff: String, fact, sealed| {
        Ok(Some(Told {
            staff,
            fact,
            sealed,
        }))
    };
    let at = Place(event);
    if is::<wire::StaffAdded>(event) {
        let it: wire::StaffAdded = decode(event)?;
        let profile = at.profile(&it.roles, &it.unit, it.language)?;
        let name = it.personal.and_then(|it| it.name);
        return told(it.staff, MemberEvent::StaffAdded(profile), name);
    }
    if is::<wire::StaffChanged>(event) {
        let it: wire::StaffChanged = decode(event)?;
        let profile = at.profile(&it.roles, &it.unit, it.language)?;
        let name = it.personal.and_then(|it| it.name);
        return told(it.staff, MemberEvent::StaffChanged(profile), name);
    }
    if is::<wire::StaffDisabled>(event) {
        let it: wire::StaffDisabled = decode(event)?;
        return told(it.staff, MemberEvent::StaffDisabled, None);
    }
    if is::<wire::StaffEnabled>(event) {
        let it: wire::StaffEnabled = decode(event)?;
        return told(it.staff, MemberEvent::StaffEnabled, None);
    }
    if is::<wire::SetUpLinkIssued>(event) {
        let it: wire::SetUpLinkIssued = decode(event)?;
        let fact = MemberEvent::SetUpLinkIssued {
            secret: at.digest(&it.secret_sha256)?,
            expires_at: event::timestamp(it.expires_at),
        };
        let secret = it.personal.and_then(|it| it.secret);
        return told(it.staff, fact, secret);
    }
    if is::<wire::PasswordSet>(event) {
        let it: wire::PasswordSet = decode(event)?;
        let hash = it.personal.and_then(|it| it.hash);
        return told(it.staff, MemberEvent::PasswordSet, hash);
    }
    at.session_event()
}

/// Reads an event of a program's key; `None` for any other.
pub(crate) fn key_event(event: &Event) -> Result<Option<(String, KeyEvent)>, Undecodable> {
    let at = Place(event);
    if is::<wire::ApiKeyIssued>(event) {
        let it: wire::ApiKeyIssued = decode(event)?;
        let key = IssuedKey {
            scopes: at.scopes(&it.scopes)?,
            unit: at.unit(&it.unit)?,
            secret: at.digest(&it.secret_sha256)?,
            expires_at: (it.expires_at != 0).then(|| event::timestamp(it.expires_at)),
        };
        return Ok(Some((it.key, KeyEvent::ApiKeyIssued(key))));
    }
    if is::<wire::ApiKeyRevoked>(event) {
        let it: wire::ApiKeyRevoked = decode(event)?;
        return Ok(Some((it.key, KeyEvent::ApiKeyRevoked)));
    }
    Ok(None)
}

/// The event whose words are read.
struct Place<'a>(&'a Event);

impl Place<'_> {
    fn session_event(&self) -> Result<Option<Told>, Undecodable> {
        let event = self.0;
        let told = |staff: String, fact| {
            Ok(Some(Told {
                staff,
                fact,
                sealed: None,
            }))
        };
        if is::<wire::SignedIn>(event) {
            let it: wire::SignedIn = decode(event)?;
            let fact = MemberEvent::SignedIn {
                session: self.id(&it.session)?,
                secret: self.digest(&it.secret_sha256)?,
                expires_at: event::timestamp(it.expires_at),
            };
            return told(it.staff, fact);
        }
        if is::<wire::SignedOut>(event) {
            let it: wire::SignedOut = decode(event)?;
            let session = self.id(&it.session)?;
            return told(it.staff, MemberEvent::SignedOut { session });
        }
        if is::<wire::SessionsRevoked>(event) {
            let it: wire::SessionsRevoked = decode(event)?;
            return told(it.staff, MemberEvent::SessionsRevoked);
        }
        if is::<wire::ViewSaved>(event) {
            let it: wire::ViewSaved = decode(event)?;
            let fact = MemberEvent::ViewSaved {
                view: self.id(&it.view)?,
                filters: it.filters,
            };
            let sealed = it.personal.and_then(|it| it.name);
            return Ok(Some(Told {
                staff: it.staff,
                fact,
                sealed,
            }));
        }
        if is::<wire::ViewRemoved>(event) {
            let it: wire::ViewRemoved = decode(event)?;
            let view = self.id(&it.view)?;
            return told(it.staff, MemberEvent::ViewRemoved { view });
        }
        Ok(None)
    }

    fn profile(&self, roles: &[i32], unit: &str, language: i32) -> Result<Profile, Undecodable> {
        let known = roles
            .iter()
            .map(|it| Role::numbered(*it).ok_or_else(|| self.word("roles")));
        Ok(Profile {
            roles: known.collect::<Result<_, _>>()?,
            unit: self.unit(unit)?,
            language: Language::try_from(language).map_err(|_| self.word("language"))?,
        })
    }

    fn scopes(&self, scopes: &[i32]) -> Result<BTreeSet<Scope>, Undecodable> {
        let known = scopes
            .iter()
            .map(|it| Scope::numbered(*it).ok_or_else(|| self.word("scopes")));
        known.collect()
    }

    fn unit(&self, unit: &str) -> Result<Option<UnitCode>, Undecodable> {
        match unit {
            "" => Ok(None),
            unit => unit.parse().map(Some).map_err(|_| self.word("unit")),
        }
    }

    fn digest(&self, bytes: &[u8]) -> Result<Digest, Undecodable> {
        bytes.try_into().map_err(|_| self.word("secret_sha256"))
    }

    fn id(&self, text: &str) -> Result<Uuid, Undecodable> {
        text.parse().map_err(|_| self.word("session"))
    }

    fn word(&self, field: &'static str) -> Undecodable {
        Undecodable::Word {
            position: self.0.position,
            name: self.0.r#type.clone(),
            field,
        }
    }
}

/// An event as it is stored; `sealed` stands in the one that has room for it.
pub(crate) fn store_member(
    id: Uuid,
    code: &Code,
    fact: &MemberEvent,
    sealed: Option<Sealed>,
    now: Timestamp,
) -> NewEvent {
    let staff = code.to_string();
    let subjects = [format!("staff:{code}")];
    match fact {
        MemberEvent::StaffAdded(profile) => {
            let personal = sealed.map(|name| wire::staff_added::Personal { name: Some(name) });
            let message = wire::StaffAdded {
                staff,
                roles: profile.roles.iter().map(|it| it.number()).collect(),
                unit: unit_text(profile.unit.as_ref()),
                language: profile.language.number(),
                personal,
            };
            event::record(id, &message, now, subjects)
        }
        MemberEvent::StaffChanged(profile) => {
            let personal = sealed.map(|name| wire::staff_changed::Personal { name: Some(name) });
            let message = wire::StaffChanged {
                staff,
                roles: profile.roles.iter().map(|it| it.number()).collect(),
                unit: unit_text(profile.unit.as_ref()),
                language: profile.language.number(),
                personal,
            };
            event::record(id, &message, now, subjects)
        }
        MemberEvent::StaffDisabled => {
            event::record(id, &wire::StaffDisabled { staff }, now, subjects)
        }
        MemberEvent::StaffEnabled => {
            event::record(id, &wire::StaffEnabled { staff }, now, subjects)
        }
        MemberEvent::SetUpLinkIssued { secret, expires_at } => {
            let message = wire::SetUpLinkIssued {
                staff,
                secret_sha256: secret.to_vec(),
                expires_at: expires_at.as_microsecond(),
                personal: sealed.map(|secret| wire::set_up_link_issued::Personal {
                    secret: Some(secret),
                }),
            };
            event::record(id, &message, now, subjects)
        }
        MemberEvent::PasswordSet => {
            let personal = sealed.map(|hash| wire::password_set::Personal { hash: Some(hash) });
            event::record(id, &wire::PasswordSet { staff, personal }, now, subjects)
        }
        MemberEvent::SignedIn {
            session,
            secret,
            expires_at,
        } => {
            let message = wire::SignedIn {
                staff,
                session: session.to_string(),
                secret_sha256: secret.to_vec(),
                expires_at: expires_at.as_microsecond(),
            };
            event::record(id, &message, now, subjects)
        }
        MemberEvent::SignedOut { session } => {
            let session = session.to_string();
            event::record(id, &wire::SignedOut { staff, session }, now, subjects)
        }
        MemberEvent::SessionsRevoked => {
            event::record(id, &wire::SessionsRevoked { staff }, now, subjects)
        }
        MemberEvent::ViewSaved { view, filters } => {
            let message = wire::ViewSaved {
                staff,
                view: view.to_string(),
                filters: filters.clone(),
                personal: sealed.map(|name| wire::view_saved::Personal { name: Some(name) }),
            };
            event::record(id, &message, now, subjects)
        }
        MemberEvent::ViewRemoved { view } => {
            let view = view.to_string();
            event::record(id, &wire::ViewRemoved { staff, view }, now, subjects)
        }
    }
}

/// The personal field that an event has room for.
pub(crate) fn room(fact: &MemberEvent) -> Option<&'static str> {
    match fact {
        MemberEvent::StaffAdded(_)
        | MemberEvent::StaffChanged(_)
        | MemberEvent::ViewSaved { .. } => Some("name"),
        MemberEvent::PasswordSet => Some("hash"),
        MemberEvent::SetUpLinkIssued { .. } => Some("secret"),
        MemberEvent::StaffDisabled
        | MemberEvent::StaffEnabled
        | MemberEvent::SignedIn { .. }
        | MemberEvent::SignedOut { .. }
        | MemberEvent::SessionsRevoked
        | MemberEvent::ViewRemoved { .. } => None,
    }
}

/// An event of a key as it is stored.
pub(crate) fn store_key(id: Uuid, code: &Code, fact: &KeyEvent, now: Timestamp) -> NewEvent {
    let key = code.to_string();
    let subjects = [format!("key:{code}")];
    match fact {
        KeyEvent::ApiKeyIssued(issued) => {
            let message = wire::ApiKeyIssued {
                key,
                scopes: issued.scopes.iter().map(|it| it.number()).collect(),
                unit: unit_text(issued.unit.as_ref()),
                secret_sha256: issued.secret.to_vec(),
                expires_at: issued.expires_at.map_or(0, Timestamp::as_microsecond),
            };
            event::record(id, &message, now, subjects)
        }
        KeyEvent::ApiKeyRevoked => event::record(id, &wire::ApiKeyRevoked { key }, now, subjects),
    }
}

fn unit_text(unit: Option<&UnitCode>) -> String {
    unit.map(ToString::to_string).unwrap_or_default()
}
