//! What may be appended: every rule is checked before a request joins a batch, so that no request can spoil another's.

use std::{collections::BTreeSet, fmt::Display, sync::Arc};

use aws_lc_rs::hmac;
use chassis::{Invalid, event::commitment};
use contracts::ledger::v1::{AppendRequest, Event, NewEvent, StreamWrite};
use jiff::Timestamp;
use uuid::Uuid;

use crate::store::random;

/// Facts and personal part of one event, in bytes.
pub const EVENT_BYTES: usize = 256 << 10;
/// Events in one append.
pub const EVENTS: usize = 4_096;
/// Bytes in one append.
pub const APPEND_BYTES: usize = 16 << 20;
/// Subjects of one event.
pub const SUBJECTS: usize = 64;
/// Letters of a stream's, subject's, actor's, lease's or holder's name.
pub const NAME: usize = 200;

/// Why a request cannot be appended, whatever the log holds.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// Malformed.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// An event type that belongs to another service.
    #[error("{service} may not append {event_type}")]
    Foreign {
        /// Who asked.
        service: String,
        /// What it tried to append.
        event_type: String,
    },
}

/// A request that may join a batch: salted and hashed; only position, version, time and commitment are missing.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) command_id: Uuid,
    pub(crate) fingerprint: [u8; 32],
    pub(crate) writes: Vec<Write>,
    pub(crate) events: usize,
    pub(crate) bytes: usize,
    pub(crate) traceparent: String,
}

#[derive(Debug)]
pub(crate) struct Write {
    pub(crate) stream: String,
    pub(crate) expected: u64,
    /// Not recorded yet: whoever decides about them gives them their places.
    pub(crate) events: Vec<Arc<Event>>,
}

impl Prepared {
    /// Checks a request of a service and prepares its events.
    pub(crate) fn new(
        request: AppendRequest,
        service: Option<&str>,
        key: &hmac::Key,
    ) -> Result<Self, Unfit> {
        let command_id = id("command_id", &request.command_id)?;
        let fingerprint = keyed(key, &request.fingerprint)?;
        id("correlation_id", &request.correlation_id)?;
        if !request.causation_id.is_empty() {
            id("causation_id", &request.causation_id)?;
        }
        name("actor", &request.actor)?;
        let traced = request.traceparent.len() <= 64
            && request.traceparent.bytes().all(|it| it.is_ascii_graphic());
        check(traced, "traceparent", "is not a W3C trace context")?;

        let (events, bytes) = size(&request)?;
        let header = Event {
            correlation_id: request.correlation_id,
            causation_id: request.causation_id,
            command_id: request.command_id,
            actor: request.actor,
            traceparent: request.traceparent.clone(),
            ..Event::default()
        };
        let mut writes = Vec::with_capacity(request.writes.len());
        for (index, write) in request.writes.into_iter().enumerate() {
            writes.push(Write::new(index, write, &header)?);
        }
        distinct(&writes)?;
        owned(&writes, service)?;
        Ok(Self {
            command_id,
            fingerprint,
            writes,
            events,
            bytes,
            traceparent: request.traceparent,
        })
    }

    /// A random value that only this request carries: it tells its events from those of an earlier attempt.
    pub(crate) fn mark(&self) -> Vec<u8> {
        self.writes
            .first()
            .and_then(|it| it.events.first())
            .map(|it| it.salt.clone())
            .unwrap_or_default()
    }
}

impl Write {
    fn new(index: usize, write: StreamWrite, header: &Event) -> Result<Self, Invalid> {
        name(format_args!("writes[{index}].stream"), &write.stream)?;
        check(
            !write.events.is_empty(),
            format_args!("writes[{index}].events"),
            "is empty",
        )?;
        let events: Result<_, Invalid> = write
            .events
            .into_iter()
            .enumerate()
            .map(|(event, new)| {
                let at = format_args!("writes[{index}].events[{event}]");
                prepare(at, new, &write.stream, header).map(Arc::new)
            })
            .collect();
        Ok(Self {
            stream: write.stream,
            expected: write.expected_version,
            events: events?,
        })
    }
}

fn prepare(
    at: impl Display,
    new: NewEvent,
    stream: &str,
    header: &Event,
) -> Result<Event, Invalid> {
    id(format_args!("{at}.event_id"), &new.event_id)?;
    check(
        is_type(&new.r#type),
        format_args!("{at}.type"),
        "is not like intake.RequestRegistered",
    )?;
    let known_time = Timestamp::from_microsecond(new.occurred_at).is_ok();
    check(
        known_time,
        format_args!("{at}.occurred_at"),
        "is outside the calendar",
    )?;
    let subjects = &new.subjects;
    check(
        (1..=SUBJECTS).contains(&subjects.len()),
        format_args!("{at}.subjects"),
        "has 1 to 64 entries",
    )?;
    for subject in subjects {
        name(format_args!("{at}.subjects"), subject)?;
    }
    check(
        subjects.is_sorted_by(|a, b| a < b),
        format_args!("{at}.subjects"),
        "are not sorted and distinct",
    )?;
    check(
        new.facts.len() + new.personal.len() <= EVENT_BYTES,
        format_args!("{at}.facts"),
        "is larger than 256 KiB",
    )?;

    let salts: [u8; 32] = random();
    let (salt, personal_salt) = salts.split_at(16);
    let (personal_salt, personal_hash) = if new.personal.is_empty() {
        (vec![], vec![])
    } else {
        (
            personal_salt.to_vec(),
            commitment::personal_hash(personal_salt, &new.personal).to_vec(),
        )
    };
    Ok(Event {
        event_id: new.event_id,
        stream: stream.to_owned(),
        r#type: new.r#type,
        schema_version: new.schema_version,
        occurred_at: new.occurred_at,
        subjects: new.subjects,
        facts: new.facts,
        personal: new.personal,
        personal_salt,
        personal_hash,
        salt: salt.to_vec(),
        ..header.clone()
    })
}

/// Refuses a stream that is written twice, and an event's id that is used twice.
fn distinct(writes: &[Write]) -> Result<(), Invalid> {
    let (mut streams, mut ids) = (BTreeSet::new(), BTreeSet::new());
    for (index, write) in writes.iter().enumerate() {
        check(
            streams.insert(&write.stream),
            format_args!("writes[{index}].stream"),
            "is named twice",
        )?;
        check(
            write.events.iter().all(|it| ids.insert(&it.event_id)),
            format_args!("writes[{index}].events.event_id"),
            "is used twice",
        )?;
    }
    Ok(())
}

/// The fingerprint as it is kept: under the log's key.
pub(crate) fn keyed(key: &hmac::Key, fingerprint: &[u8]) -> Result<[u8; 32], Invalid> {
    check(fingerprint.len() == 32, "fingerprint", "is not 32 bytes")?;
    let mut keyed = [0; 32];
    keyed.copy_from_slice(hmac::sign(key, fingerprint).as_ref());
    Ok(keyed)
}

/// 16 bytes.
pub(crate) fn id(field: impl Display, bytes: &[u8]) -> Result<Uuid, Invalid> {
    Uuid::from_slice(bytes).map_err(|_| Invalid::at(field.to_string(), "is not 16 bytes"))
}

/// 1 to 200 printable letters.
pub(crate) fn name(field: impl Display, text: &str) -> Result<(), Invalid> {
    let fits = (1..=NAME).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    check(fits, field, "has 1 to 200 printable letters")
}

fn check(holds: bool, field: impl Display, problem: &str) -> Result<(), Invalid> {
    if holds {
        Ok(())
    } else {
        Err(Invalid::at(field.to_string(), problem))
    }
}

fn size(request: &AppendRequest) -> Result<(usize, usize), Invalid> {
    let events = request.writes.iter().flat_map(|it| &it.events);
    let (count, bytes) = events.fold((0, 0), |(count, bytes), it| {
        (count + 1, bytes + it.facts.len() + it.personal.len() + 512)
    });
    check(count > 0, "writes", "is empty")?;
    check(count <= EVENTS, "writes", "has more than 4,096 events")?;
    check(bytes <= APPEND_BYTES, "writes", "is larger than 16 MiB")?;
    Ok((count, bytes))
}

/// "<service>.<Event>", so that it is safe in a NATS subject.
fn is_type(text: &str) -> bool {
    let Some((service, event)) = text.split_once('.') else {
        return false;
    };
    let service = !service.is_empty() && service.bytes().all(|it| it.is_ascii_lowercase());
    let upper = event.starts_with(|it: char| it.is_ascii_uppercase());
    service && upper && text.len() <= 100 && event.bytes().all(|it| it.is_ascii_alphanumeric())
}

/// What the ledger alone records, whoever may record the other events of its name.
const OWN: [&str; 2] = ["ledger.LogForked", "ledger.PersonalPartsErased"];

/// One append holds events of one service, and that is the service that asks; only this crate itself asks without a name.
/// What is recorded about reactions belongs to whoever runs them.
fn owned(writes: &[Write], service: Option<&str>) -> Result<(), Unfit> {
    let mut owner = service;
    for event in writes.iter().flat_map(|it| &it.events) {
        let Some((prefix, _)) = event.r#type.split_once('.') else {
            continue;
        };
        if let Some(service) = service
            && OWN.contains(&event.r#type.as_str())
        {
            return Err(Unfit::Foreign {
                service: service.to_owned(),
                event_type: event.r#type.clone(),
            });
        }
        if prefix == "ledger" {
            continue;
        }
        let owner = *owner.get_or_insert(prefix);
        if owner != prefix {
            return Err(Unfit::Foreign {
                service: owner.to_owned(),
                event_type: event.r#type.clone(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
