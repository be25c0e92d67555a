//! Typed events in and out of the ledger's bytes.
//!
//! A message's field 100 holds its personal part. It is the last field, and prost writes fields in order: so the facts are
//! the bytes before it, the personal part is the rest, and the two together decode as the whole message.
//!
//! What is stored never changes. [`decode`] is the one place where an older schema version becomes the newest.

pub mod commitment;
mod schema;

use aws_lc_rs::digest;
use contracts::ledger::v1::{Event, NewEvent};
use jiff::Timestamp;
use prost::{Message, Name};
use uuid::Uuid;

pub use schema::readable;

/// An event that this build cannot read.
#[derive(Debug, thiserror::Error)]
pub enum Undecodable {
    /// Written by a newer build.
    #[error(
        "event {position} of type {name} has schema version {version}, newer than {newest}: update this program"
    )]
    Newer {
        /// Its position.
        position: u64,
        /// Its type.
        name: String,
        /// Its schema version.
        version: u32,
        /// The newest that this build can read.
        newest: u32,
    },
    /// Of a type that this build does not know, from a service that it knows.
    #[error("event {position} is of type {name}, which this program does not know: update it")]
    Unknown {
        /// Its position.
        position: u64,
        /// Its type.
        name: String,
    },
    /// Of an older schema version, from which no way leads to the newest.
    #[error(
        "event {position} of type {name} has schema version {version}, and nothing turns it into version {}", version + 1
    )]
    Stranded {
        /// Its position.
        position: u64,
        /// Its type.
        name: String,
        /// The version at which the way ends.
        version: u32,
    },
    /// The bytes are not the message that the type names.
    #[error("event {position} of type {name} cannot be decoded")]
    Malformed {
        /// Its position.
        position: u64,
        /// Its type.
        name: String,
        /// What prost says.
        source: prost::DecodeError,
    },
    /// A field holds a word that this build does not know.
    #[error("event {position} of type {name} has an unknown word in {field}")]
    Word {
        /// Its position.
        position: u64,
        /// Its type.
        name: String,
        /// The field.
        field: &'static str,
    },
}

impl Undecodable {
    /// Whether this is why something failed.
    #[must_use]
    pub fn is_behind(error: &anyhow::Error) -> bool {
        error.chain().any(|it| it.is::<Self>())
    }
}

/// The event type that a message is stored under: "intake.RequestRegistered" for `cozum.intake.v1.RequestRegistered`.
#[must_use]
pub fn type_of<M: Name>() -> String {
    format!("{}.{}", schema::package::<M>().0, M::NAME)
}

/// Whether an event is of a message's type.
#[must_use]
pub fn is<M: Name>(event: &Event) -> bool {
    event
        .r#type
        .strip_prefix(schema::package::<M>().0)
        .and_then(|it| it.strip_prefix('.'))
        == Some(M::NAME)
}

/// The id of the n-th event of a command: a retried command makes the same ids.
#[must_use]
pub fn id(command_id: Uuid, index: usize) -> Uuid {
    Uuid::new_v5(&command_id, index.to_string().as_bytes())
}

/// An event to be recorded: facts and personal part split, subjects sorted.
pub fn record<M: Message + Name>(
    event_id: Uuid,
    message: &M,
    occurred_at: Timestamp,
    subjects: impl IntoIterator<Item = String>,
) -> NewEvent {
    let mut facts = message.encode_to_vec();
    let personal = facts.split_off(personal_offset(&facts));
    let mut subjects: Vec<String> = subjects.into_iter().collect();
    subjects.sort();
    subjects.dedup();
    NewEvent {
        event_id: event_id.as_bytes().to_vec(),
        r#type: type_of::<M>(),
        schema_version: schema::package::<M>().1,
        occurred_at: occurred_at.as_microsecond(),
        subjects,
        facts,
        personal,
    }
}

/// The message of an event, personal part included while it is there.
pub fn decode<M: Message + Name + Default>(event: &Event) -> Result<M, Undecodable> {
    schema::decode(schema::UPCASTERS, event)
}

/// Whether an event had a personal part that was taken out of the log.
#[must_use]
pub fn is_bare(event: &Event) -> bool {
    !event.personal_hash.is_empty() && event.personal.is_empty() && event.personal_salt.is_empty()
}

/// The event's id.
#[must_use]
pub fn event_id(event: &Event) -> Uuid {
    Uuid::from_slice(&event.event_id).unwrap_or_default()
}

/// When the thing happened.
#[must_use]
pub fn occurred_at(event: &Event) -> Timestamp {
    timestamp(event.occurred_at)
}

/// The time of microseconds since 1970; times no calendar knows become 1970.
#[must_use]
pub fn timestamp(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// What was asked, in 32 bytes: SHA-256 of the request's name and of the request as it was encoded. Two calls with the
/// same fields are two different questions.
#[must_use]
pub fn fingerprint<M: Message + Name>(request: &M) -> [u8; 32] {
    let mut asked = M::full_name().into_bytes();
    asked.push(0);
    asked.extend(request.encode_to_vec());
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest::digest(&digest::SHA256, &asked).as_ref());
    bytes
}

/// Where field 100 begins; the end where there is none.
fn personal_offset(encoded: &[u8]) -> usize {
    /// Field 100, length-delimited, as a protobuf tag.
    const TAG: u64 = 100 << 3 | 2;
    let mut rest = encoded;
    while !rest.is_empty() {
        let offset = encoded.len() - rest.len();
        let Ok(tag) = prost::encoding::decode_varint(&mut rest) else {
            break;
        };
        if tag == TAG {
            return offset;
        }
        if !skip(tag, &mut rest) {
            break;
        }
    }
    encoded.len()
}

/// Moves past one field's value; false where the bytes end early.
fn skip(tag: u64, rest: &mut &[u8]) -> bool {
    let length = match tag & 7 {
        0 => return prost::encoding::decode_varint(rest).is_ok(),
        1 => 8,
        2 => match prost::encoding::decode_varint(rest).map(usize::try_from) {
            Ok(Ok(length)) => length,
            Ok(Err(_)) | Err(_) => return false,
        },
        5 => 4,
        _ => return false,
    };
    match rest.get(length..) {
        Some(after) => {
            *rest = after;
            true
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use contracts::{
        intake::v1::{RequestRegistered, request_registered::Personal},
        vocabulary::v1::{Place, Sealed},
    };

    use super::*;

    fn registered(personal: Option<Personal>) -> RequestRegistered {
        RequestRegistered {
            number: "2026-48120937-5".to_owned(),
            topic: "pothole".to_owned(),
            place: Some(Place {
                latitude: Some(39.9),
                longitude: Some(32.8),
                ..Place::default()
            }),
            personal,
            ..RequestRegistered::default()
        }
    }

    fn recorded(new: NewEvent) -> Event {
        Event {
            r#type: new.r#type,
            schema_version: 1,
            facts: new.facts,
            personal: new.personal,
            ..Event::default()
        }
    }

    #[test]
    fn facts_and_personal_part_together_are_the_whole_message() {
        let sealed = Sealed {
            subject: "request:x".to_owned(),
            nonce: vec![1; 12],
            ciphertext: vec![2; 40],
        };
        let message = registered(Some(Personal {
            description: Some(sealed),
            ..Personal::default()
        }));
        let new = record(
            Uuid::nil(),
            &message,
            Timestamp::UNIX_EPOCH,
            ["b".to_owned(), "a".to_owned()],
        );

        assert_eq!(new.r#type, "intake.RequestRegistered");
        assert_eq!(new.subjects, ["a", "b"]);
        assert_eq!(
            [new.facts.as_slice(), &new.personal].concat(),
            message.encode_to_vec()
        );
        assert_eq!(
            RequestRegistered::decode(new.facts.as_slice()).unwrap(),
            registered(None)
        );
        let event = recorded(new);
        assert!(is::<RequestRegistered>(&event));
        assert_eq!(decode::<RequestRegistered>(&event).unwrap(), message);
    }

    #[test]
    fn an_erased_event_still_tells_its_facts() {
        let message = registered(Some(Personal::default()));
        let mut event = recorded(record(Uuid::nil(), &message, Timestamp::UNIX_EPOCH, []));
        event.personal.clear();
        assert_eq!(
            decode::<RequestRegistered>(&event).unwrap(),
            registered(None)
        );
    }

    #[test]
    fn a_newer_event_is_refused_and_not_misread() {
        let mut event = recorded(record(
            Uuid::nil(),
            &registered(None),
            Timestamp::UNIX_EPOCH,
            [],
        ));
        event.position = 7;
        event.schema_version = 2;
        let refused = decode::<RequestRegistered>(&event).unwrap_err().to_string();
        assert_eq!(
            refused,
            "event 7 of type intake.RequestRegistered has schema version 2, newer than 1: update this program"
        );
        assert_eq!(readable(&event).unwrap_err().to_string(), refused);
    }
}
