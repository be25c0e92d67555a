//! An event as a NATS message: CloudEvents 1.0, binary mode. The body is what the log stores, `facts` and then `personal`,
//! byte for byte. The attributes that any consumer understands are headers of their own; all that the log has beside the body is
//! in one more (`ce-envelope`), because the server and every reader pay for each header of each message.

use async_nats::{HeaderMap, HeaderName};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use contracts::ledger::v1::Event;
use jiff::Timestamp;
use prost::Message as _;
use uuid::{Uuid, fmt::Hyphenated};
use vocabulary::Municipality;

/// A message that is not one of our events.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("header {header}: {problem}")]
pub struct Malformed {
    /// Which header.
    pub header: &'static str,
    /// What is wrong with it.
    pub problem: &'static str,
}

const SPEC_VERSION: &str = "ce-specversion";
const ID: &str = "ce-id";
const SOURCE: &str = "ce-source";
const TYPE: &str = "ce-type";
const SUBJECT: &str = "ce-subject";
const TIME: &str = "ce-time";
const CONTENT_TYPE: &str = "ce-datacontenttype";
const POSITION: &str = "ce-position";
const STREAM_VERSION: &str = "ce-streamversion";
const CORRELATION_ID: &str = "ce-correlationid";
const CAUSATION_ID: &str = "ce-causationid";
/// The event as `cozum.ledger.v1.Event` without `facts` and `personal`, in base64.
const ENVELOPE: &str = "ce-envelope";
/// How much of the body is facts, where it is not all of it.
const FACTS_LENGTH: &str = "ce-factslength";
/// The header that tracing tools read.
const TRACE_PARENT: &str = "traceparent";

/// The JetStream stream that holds a municipality's events; its sequence numbers are positions.
#[must_use]
pub fn stream_name(municipality: &Municipality) -> String {
    format!("EV_{municipality}")
}

/// The subject that an event of a type is published on; `>` as the type means all of them.
#[must_use]
pub fn subject(municipality: &Municipality, event_type: &str) -> String {
    format!("cozum.events.{municipality}.{event_type}")
}

/// The headers and the body of an event.
#[must_use]
pub fn to_message(municipality: &Municipality, event: &Event) -> (HeaderMap, Vec<u8>) {
    let (service, name) = event.r#type.split_once('.').unwrap_or((&event.r#type, ""));
    let time = Timestamp::from_microsecond(event.occurred_at).unwrap_or(Timestamp::UNIX_EPOCH);
    let mut headers = HeaderMap::new();
    // A name that is known to be static is neither checked nor copied.
    let mut put = |header: &'static str, value: String| {
        if !value.is_empty() {
            headers.insert(HeaderName::from_static(header), value);
        }
    };
    put(SPEC_VERSION, "1.0".to_owned());
    put(ID, id_text(&event.event_id));
    put(SOURCE, format!("/cozum/{municipality}/{service}"));
    put(TYPE, format!("cozum.{service}.v1.{name}"));
    put(SUBJECT, encoded(&event.stream));
    put(TIME, time.to_string());
    put(CONTENT_TYPE, "application/protobuf".to_owned());
    put(POSITION, event.position.to_string());
    put(STREAM_VERSION, event.version.to_string());
    put(CORRELATION_ID, id_text(&event.correlation_id));
    put(CAUSATION_ID, id_text(&event.causation_id));
    put(ENVELOPE, STANDARD.encode(envelope(event).encode_to_vec()));
    if !event.personal.is_empty() {
        put(FACTS_LENGTH, event.facts.len().to_string());
    }
    put(TRACE_PARENT, encoded(&event.traceparent));
    (headers, [event.facts.as_slice(), &event.personal].concat())
}

/// All of an event but its body.
fn envelope(event: &Event) -> Event {
    Event {
        position: event.position,
        event_id: event.event_id.clone(),
        stream: event.stream.clone(),
        version: event.version,
        r#type: event.r#type.clone(),
        schema_version: event.schema_version,
        recorded_at: event.recorded_at,
        occurred_at: event.occurred_at,
        correlation_id: event.correlation_id.clone(),
        causation_id: event.causation_id.clone(),
        command_id: event.command_id.clone(),
        actor: event.actor.clone(),
        traceparent: event.traceparent.clone(),
        subjects: event.subjects.clone(),
        facts: vec![],
        personal: vec![],
        personal_salt: event.personal_salt.clone(),
        personal_hash: event.personal_hash.clone(),
        salt: event.salt.clone(),
        commitment: event.commitment.clone(),
    }
}

/// The event that a message carries.
pub fn from_message(headers: &HeaderMap, body: &[u8]) -> Result<Event, Malformed> {
    if text(headers, SPEC_VERSION)? != "1.0" {
        return Err(Malformed {
            header: SPEC_VERSION,
            problem: "is not 1.0",
        });
    }
    let mut event = opened(headers)?;
    let facts_length = match headers.get(HeaderName::from_static(FACTS_LENGTH)) {
        None => Some(body.len()),
        Some(length) => length.as_str().parse().ok().filter(|it| *it <= body.len()),
    };
    let (facts, personal) = body.split_at(facts_length.ok_or(Malformed {
        header: FACTS_LENGTH,
        problem: "is not a length within the body",
    })?);
    event.facts = facts.to_vec();
    event.personal = personal.to_vec();
    Ok(event)
}

/// The position and the commitment alone: enough to compare a message with the log.
pub fn identity(headers: &HeaderMap) -> Result<(u64, Vec<u8>), Malformed> {
    let event = opened(headers)?;
    Ok((event.position, event.commitment))
}

/// What the envelope holds.
fn opened(headers: &HeaderMap) -> Result<Event, Malformed> {
    let bytes = STANDARD.decode(text(headers, ENVELOPE)?).ok();
    let event = bytes.and_then(|it| Event::decode(it.as_slice()).ok());
    event.ok_or(Malformed {
        header: ENVELOPE,
        problem: "is not an event in base64",
    })
}

fn text<'a>(headers: &'a HeaderMap, header: &'static str) -> Result<&'a str, Malformed> {
    let value = headers.get(HeaderName::from_static(header));
    value.map(|it| it.as_str()).ok_or(Malformed {
        header,
        problem: "is missing",
    })
}

fn id_text(id: &[u8]) -> String {
    Uuid::from_slice(id)
        .map(|it| {
            let mut text = [0; Hyphenated::LENGTH];
            it.hyphenated().encode_lower(&mut text).to_owned()
        })
        .unwrap_or_default()
}

/// Two digits for each byte, in lower case.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// What [`hex`] wrote.
#[must_use]
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |it: u8| char::from(it).to_digit(16);
    let byte = |pair: &[u8; 2]| u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok();
    rest.is_empty().then(|| pairs.iter().map(byte).collect())?
}

/// As the NATS binding asks: space, quote, percent and everything outside printable ASCII is percent-encoded.
fn encoded(text: &str) -> String {
    if text.bytes().all(stands_for_itself) {
        return text.to_owned();
    }
    let mut encoded = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if stands_for_itself(byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push_str(&hex(&[byte]).to_ascii_uppercase());
        }
    }
    encoded
}

const fn stands_for_itself(byte: u8) -> bool {
    matches!(byte, 0x21..=0x7e) && !matches!(byte, b'"' | b'%')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_encoded_as_the_binding_says() {
        assert_eq!(encoded("Euro € 😀"), "Euro%20%E2%82%AC%20%F0%9F%98%80");
    }

    #[test]
    fn a_message_without_its_headers_is_refused_by_name() {
        let missing = from_message(&HeaderMap::new(), b"").unwrap_err();
        assert_eq!(
            missing,
            Malformed {
                header: "ce-specversion",
                problem: "is missing"
            }
        );
    }

    #[test]
    fn a_message_whose_parts_do_not_fit_is_refused_by_name() {
        let event = Event {
            r#type: "intake.ContactRegistered".to_owned(),
            facts: vec![1; 3],
            personal: vec![2; 2],
            ..Event::default()
        };
        let (headers, body) = to_message(&"bozkoy".parse().unwrap(), &event);
        let refused = |header: &'static str, value: &str, body: &[u8]| {
            let mut headers = headers.clone();
            headers.insert(HeaderName::from_static(header), value);
            from_message(&headers, body).unwrap_err().header
        };
        assert_eq!(from_message(&headers, &body).unwrap(), event);
        assert_eq!(refused(SPEC_VERSION, "2.0", &body), SPEC_VERSION);
        assert_eq!(refused(ENVELOPE, "*", &body), ENVELOPE);
        assert_eq!(refused(ENVELOPE, "////", &body), ENVELOPE);
        assert_eq!(refused(FACTS_LENGTH, "x", &body), FACTS_LENGTH);
        assert_eq!(refused(FACTS_LENGTH, "3", &body[..2]), FACTS_LENGTH);
    }
}
