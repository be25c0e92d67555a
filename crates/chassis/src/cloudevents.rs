//! An event as a NATS message: CloudEvents 1.0, binary mode. The body is `cozum.ledger.v1.Event`, all that the log has of it; the
//! attributes by which any consumer sorts events are headers, and no others: the server and every reader pay for each header of
//! each message.

use async_nats::{HeaderMap, HeaderName};
use contracts::ledger::v1::Event;
use jiff::Timestamp;
use prost::Message as _;
use uuid::{Uuid, fmt::Hyphenated};
use vocabulary::Municipality;

/// A message that is not one of our events.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// It is no CloudEvent of the version that is understood.
    #[error("header ce-specversion is not 1.0")]
    SpecVersion,
    /// Its body is something else.
    #[error("the body is not an event")]
    Body,
}

const SPEC_VERSION: &str = "ce-specversion";
const ID: &str = "ce-id";
const SOURCE: &str = "ce-source";
const TYPE: &str = "ce-type";
const SUBJECT: &str = "ce-subject";
const TIME: &str = "ce-time";
const CONTENT_TYPE: &str = "ce-datacontenttype";
const POSITION: &str = "ce-position";
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
    put(TRACE_PARENT, encoded(&event.traceparent));
    (headers, event.encode_to_vec())
}

/// The event that a message carries.
pub fn from_message(headers: &HeaderMap, body: &[u8]) -> Result<Event, Malformed> {
    let version = headers.get(HeaderName::from_static(SPEC_VERSION));
    if version.is_none_or(|it| it.as_str() != "1.0") {
        return Err(Malformed::SpecVersion);
    }
    Event::decode(body).map_err(|_| Malformed::Body)
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
    fn what_is_no_message_of_ours_is_refused() {
        let event = Event {
            r#type: "intake.ContactRegistered".to_owned(),
            ..Event::default()
        };
        let (headers, body) = to_message(&"bozkoy".parse().unwrap(), &event);
        assert_eq!(from_message(&headers, &body).unwrap(), event);
        let refused = |headers: &HeaderMap, body: &[u8]| from_message(headers, body).unwrap_err();
        assert_eq!(refused(&HeaderMap::new(), &body), Malformed::SpecVersion);
        assert_eq!(refused(&headers, b"*"), Malformed::Body);
        let mut other = headers.clone();
        other.insert(HeaderName::from_static(SPEC_VERSION), "2.0");
        assert_eq!(refused(&other, &body), Malformed::SpecVersion);
    }
}
