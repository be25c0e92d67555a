//! A webhook's life: registered, its secret changed, suspended and resumed, removed.

use chassis::{
    Storable,
    event::{Undecodable, decode},
};
use contracts::{gateway::v1 as stored, ledger::v1};
use decider::Decider;

/// Where a webhook stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Webhook {
    #[default]
    Unknown,
    Active,
    Suspended,
    Gone,
}

/// What may be asked of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    Register(Registration),
    /// Both secrets sign until then.
    Rotate {
        old_until: i64,
    },
    /// Its receiver failed for too long.
    Suspend {
        at_position: u64,
    },
    Resume,
    Remove,
}

/// What can have happened to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    Registered(Registration),
    Rotated { old_until: i64 },
    Suspended { at_position: u64 },
    Resumed,
    Removed,
}

/// What a program wants to be told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Registration {
    /// Empty for all.
    pub(crate) types: Vec<String>,
    /// Empty for all units.
    pub(crate) unit: String,
    pub(crate) key: String,
}

/// There is no such webhook, or none any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gone;

impl Decider for Webhook {
    type Command = Command;
    type Event = Event;
    type Rejection = Gone;

    fn decide(&self, command: Command) -> Result<Vec<Event>, Gone> {
        match (self, command) {
            (Self::Unknown, Command::Register(registration)) => {
                Ok(vec![Event::Registered(registration)])
            }
            (Self::Unknown | Self::Gone, Command::Suspend { .. })
            | (Self::Suspended, Command::Suspend { .. })
            | (Self::Active, Command::Resume)
            | (Self::Gone, Command::Remove)
            | (Self::Active | Self::Suspended | Self::Gone, Command::Register(_)) => Ok(vec![]),
            (Self::Active | Self::Suspended, Command::Rotate { old_until }) => {
                Ok(vec![Event::Rotated { old_until }])
            }
            (Self::Active, Command::Suspend { at_position }) => {
                Ok(vec![Event::Suspended { at_position }])
            }
            (Self::Suspended, Command::Resume) => Ok(vec![Event::Resumed]),
            (Self::Active | Self::Suspended, Command::Remove) => Ok(vec![Event::Removed]),
            (Self::Unknown, Command::Rotate { .. } | Command::Resume | Command::Remove)
            | (Self::Gone, Command::Rotate { .. } | Command::Resume) => Err(Gone),
        }
    }

    fn evolve(self, event: Event) -> Self {
        match event {
            Event::Registered(_) | Event::Resumed => Self::Active,
            Event::Suspended { .. } => Self::Suspended,
            Event::Removed => Self::Gone,
            Event::Rotated { .. } => self,
        }
    }
}

impl Storable for Webhook {
    fn decode(event: &v1::Event) -> Result<Option<Event>, Undecodable> {
        let heard = match event.r#type.as_str() {
            "gateway.WebhookRegistered" => {
                let it: stored::WebhookRegistered = decode(event)?;
                Event::Registered(Registration {
                    types: it.types,
                    unit: it.unit,
                    key: it.key,
                })
            }
            "gateway.WebhookSecretRotated" => {
                let it: stored::WebhookSecretRotated = decode(event)?;
                Event::Rotated {
                    old_until: it.old_until,
                }
            }
            "gateway.WebhookSuspended" => {
                let it: stored::WebhookSuspended = decode(event)?;
                Event::Suspended {
                    at_position: it.at_position,
                }
            }
            "gateway.WebhookResumed" => Event::Resumed,
            "gateway.WebhookRemoved" => Event::Removed,
            _ => return Ok(None),
        };
        Ok(Some(heard))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registration() -> Registration {
        Registration {
            types: vec![],
            unit: String::new(),
            key: "fms".to_owned(),
        }
    }

    fn registered() -> Event {
        Event::Registered(registration())
    }

    fn given(history: impl IntoIterator<Item = Event>) -> decider::Given<Webhook> {
        decider::given(history)
    }

    #[test]
    fn a_webhook_lives_from_its_registration_to_its_removal() {
        given([])
            .when(Command::Register(registration()))
            .then([registered()]);
        given([registered()])
            .when(Command::Remove)
            .then([Event::Removed]);
        given([registered(), Event::Removed])
            .when(Command::Remove)
            .then([]);
        given([registered(), Event::Removed])
            .when(Command::Rotate { old_until: 1 })
            .then_rejected(Gone);
        given([]).when(Command::Resume).then_rejected(Gone);
    }

    #[test]
    fn it_is_suspended_once_and_resumed_once() {
        let suspended = Event::Suspended { at_position: 7 };
        given([registered()])
            .when(Command::Suspend { at_position: 7 })
            .then([suspended.clone()]);
        given([registered(), suspended.clone()])
            .when(Command::Suspend { at_position: 7 })
            .then([]);
        given([registered(), suspended.clone()])
            .when(Command::Resume)
            .then([Event::Resumed]);
        given([registered(), suspended, Event::Resumed])
            .when(Command::Resume)
            .then([]);
    }

    #[test]
    fn a_secret_is_changed_whether_it_is_suspended_or_not() {
        let rotated = Event::Rotated { old_until: 9 };
        for history in [
            vec![registered()],
            vec![registered(), Event::Suspended { at_position: 7 }],
        ] {
            given(history)
                .when(Command::Rotate { old_until: 9 })
                .then([rotated.clone()]);
        }
    }
}
