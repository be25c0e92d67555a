use std::collections::BTreeSet;

use decider::Decider;
use jiff::Timestamp;
use vocabulary::UnitCode;

use super::{Digest, is_over};
use crate::access::Scope;

/// A program's key, as far as the log knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Key {
    /// No key has this code.
    #[default]
    Unknown,
    Issued(IssuedKey),
    Revoked,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IssuedKey {
    pub(crate) scopes: BTreeSet<Scope>,
    /// Only this unit's requests.
    pub(crate) unit: Option<UnitCode>,
    pub(crate) secret: Digest,
    /// `None`: until it is revoked.
    pub(crate) expires_at: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeyCommand {
    Issue {
        key: IssuedKey,
        unit_known: bool,
        now: Timestamp,
    },
    Revoke,
}

/// These names are stored for ever. Add variants; never rename or reuse one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeyEvent {
    ApiKeyIssued(IssuedKey),
    ApiKeyRevoked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyRejection {
    #[error("no key has this code")]
    Unknown,
    #[error("a key has, or had, this code already")]
    CodeTaken,
    #[error("a scope is missing")]
    NoScope,
    #[error("no such unit is in the directory")]
    UnknownUnit,
    #[error("its end lies in the past")]
    Over,
}

impl Decider for Key {
    type Command = KeyCommand;
    type Event = KeyEvent;
    type Rejection = KeyRejection;

    fn decide(&self, command: KeyCommand) -> Result<Vec<KeyEvent>, KeyRejection> {
        match (self, command) {
            (
                Key::Unknown,
                KeyCommand::Issue {
                    key,
                    unit_known,
                    now,
                },
            ) => {
                if key.scopes.is_empty() {
                    return Err(KeyRejection::NoScope);
                }
                if key.unit.is_some() && !unit_known {
                    return Err(KeyRejection::UnknownUnit);
                }
                if is_over(key.expires_at, now) {
                    return Err(KeyRejection::Over);
                }
                Ok(vec![KeyEvent::ApiKeyIssued(key)])
            }
            // What a program did under a code stays its own: no second one bears it.
            (Key::Issued(_) | Key::Revoked, KeyCommand::Issue { .. }) => {
                Err(KeyRejection::CodeTaken)
            }
            (Key::Unknown, KeyCommand::Revoke) => Err(KeyRejection::Unknown),
            (Key::Issued(_), KeyCommand::Revoke) => Ok(vec![KeyEvent::ApiKeyRevoked]),
            (Key::Revoked, KeyCommand::Revoke) => Ok(vec![]),
        }
    }

    fn evolve(self, event: KeyEvent) -> Self {
        match event {
            KeyEvent::ApiKeyIssued(key) => Key::Issued(key),
            KeyEvent::ApiKeyRevoked => Key::Revoked,
        }
    }
}
