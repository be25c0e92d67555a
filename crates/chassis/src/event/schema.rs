//! Which events there are, and how an older version of one becomes the newest.
//!
//! A message that changes its shape becomes one of the next package: version 2 of `intake.RequestRegistered` is
//! `cozum.intake.v2.RequestRegistered`. What is stored in version 1 stays as it is, its message stays in `proto/`, and one
//! [`Upcaster`] is added here. A field that is only added needs none of this.

use contracts::{EVENTS, ledger::v1::Event};
use prost::{DecodeError, Message, Name};

use super::Undecodable;

/// One step: the bytes of a message of one schema version become those of the next. It is pure, and is kept for ever,
/// because what was stored once is.
pub(super) struct Upcaster {
    /// The event type.
    pub(super) name: &'static str,
    /// The version it starts from.
    pub(super) from: u32,
    /// What it does.
    pub(super) step: fn(&[u8]) -> Result<Vec<u8>, DecodeError>,
}

/// Every step that any event ever needed.
pub(super) const UPCASTERS: &[Upcaster] = &[];

/// Service and schema version of a message: "intake" and 2 of one in `cozum.intake.v2`.
pub(super) fn package<M: Name>() -> (&'static str, u32) {
    let package = M::PACKAGE.strip_prefix("cozum.").unwrap_or(M::PACKAGE);
    match package.rsplit_once(".v") {
        Some((service, version)) => (service, version.parse().unwrap_or(1)),
        None => (package, 1),
    }
}

/// Refuses an event that a newer build wrote: of a type that this one does not know, or in a version that it does not
/// know. Of a service that is not known at all it takes everything, because nobody here can hear it.
pub fn readable(event: &Event) -> Result<(), Undecodable> {
    let name = event.r#type.as_str();
    let after = EVENTS.partition_point(|it| it.name <= name);
    match EVENTS[..after].last().filter(|it| it.name == name) {
        Some(newest) => not_newer(event, newest.version),
        None if is_of_a_known_service(name) => Err(Undecodable::Unknown {
            position: event.position,
            name: name.to_owned(),
        }),
        None => Ok(()),
    }
}

fn is_of_a_known_service(name: &str) -> bool {
    let service = |name: &'static str| name.split_once('.').map(|it| it.0);
    let asked = name.split_once('.').map(|it| it.0);
    asked.is_some() && EVENTS.iter().any(|it| service(it.name) == asked)
}

fn not_newer(event: &Event, newest: u32) -> Result<(), Undecodable> {
    if event.schema_version <= newest {
        return Ok(());
    }
    Err(Undecodable::Newer {
        position: event.position,
        name: event.r#type.clone(),
        version: event.schema_version,
        newest,
    })
}

/// Decodes an event as the message that the caller knows, by as many steps as its version is older.
pub(super) fn decode<M: Message + Name + Default>(
    upcasters: &[Upcaster],
    event: &Event,
) -> Result<M, Undecodable> {
    let newest = package::<M>().1;
    not_newer(event, newest)?;
    let malformed = |source| Undecodable::Malformed {
        position: event.position,
        name: event.r#type.clone(),
        source,
    };
    let version = event.schema_version.max(1);
    if version == newest {
        let mut message = M::decode(event.facts.as_slice()).map_err(malformed)?;
        message
            .merge(event.personal.as_slice())
            .map_err(malformed)?;
        return Ok(message);
    }
    let mut bytes = [event.facts.as_slice(), &event.personal].concat();
    for version in version..newest {
        let upcaster = upcasters
            .iter()
            .find(|it| it.name == event.r#type && it.from == version)
            .ok_or_else(|| Undecodable::Stranded {
                position: event.position,
                name: event.r#type.clone(),
                version,
            })?;
        bytes = (upcaster.step)(&bytes).map_err(malformed)?;
    }
    M::decode(bytes.as_slice()).map_err(malformed)
}

#[cfg(test)]
mod tests;
