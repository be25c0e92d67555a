//! An event as a NATS message: CloudEvents 1.0, binary mode. The body is what the log stores, `facts` and then `personal`,
//! byte for byte; everything else is a header.

use std::borrow::Cow;

use async_nats::{HeaderMap, HeaderName};
use contracts::ledger::v1::Event;
use jiff::Timestamp;
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
const FACTS_LENGTH: &str = "ce-factslength";
const SCHEMA_VERSION: &str = "ce-schemaversion";
const OCCURRED_AT: &str = "ce-occurredat";
const RECORDED_AT: &str = "ce-recordedat";
const CORRELATION_ID: &str = "ce-correlationid";
const CAUSATION_ID: &str = "ce-causationid";
const COMMAND_ID: &str = "ce-commandid";
const ACTOR: &str = "ce-actor";
const SUBJECTS: &str = "ce-subjects";
const SALT: &str = "ce-salt";
const PERSONAL_SALT: &str = "ce-personalsalt";
const PERSONAL_HASH: &str = "ce-personalhash";
const COMMITMENT: &str = "ce-commitment";
const TRACE_PARENT: &str = "ce-traceparent";
/// The header that tracing tools read; the same value as the attribute.
const PLAIN_TRACE_PARENT: &str = "traceparent";

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
    // A name that is known to be static is neither checked nor copied: there are two dozen in each message.
    let mut put = |header: &'static str, value: String| {
        if !value.is_empty() {
            headers.insert(HeaderName::from_static(header), value);
        }
    };
    put(SPEC_VERSION, "1.0".to_owned());
    put(ID, id_text(&event.event_id));
    put(SOURCE, encoded(&format!("/cozum/{municipality}/{service}")));
    put(TYPE, encoded(&format!("cozum.{service}.v1.{name}")));
    put(SUBJECT, encoded(&event.stream));
    put(TIME, time.to_string());
    put(CONTENT_TYPE, "application/protobuf".to_owned());
    put(POSITION, event.position.to_string());
    put(STREAM_VERSION, event.version.to_string());
    put(FACTS_LENGTH, event.facts.len().to_string());
    put(SCHEMA_VERSION, event.schema_version.to_string());
    put(OCCURRED_AT, event.occurred_at.to_string());
    put(RECORDED_AT, event.recorded_at.to_string());
    put(CORRELATION_ID, id_text(&event.correlation_id));
    put(CAUSATION_ID, id_text(&event.causation_id));
    put(COMMAND_ID, id_text(&event.command_id));
    put(ACTOR, encoded(&event.actor));
    put(SUBJECTS, encoded(&json(&event.subjects)));
    put(SALT, hex(&event.salt));
    put(PERSONAL_SALT, hex(&event.personal_salt));
    put(PERSONAL_HASH, hex(&event.personal_hash));
    put(COMMITMENT, hex(&event.commitment));
    put(TRACE_PARENT, encoded(&event.traceparent));
    put(PLAIN_TRACE_PARENT, encoded(&event.traceparent));
    (headers, [event.facts.as_slice(), &event.personal].concat())
}

/// The event that a message carries.
pub fn from_message(headers: &HeaderMap, body: &[u8]) -> Result<Event, Malformed> {
    let headers = Headers(headers);
    if headers.required(SPEC_VERSION)?.as_ref() != "1.0" {
        return Err(Malformed {
            header: SPEC_VERSION,
            problem: "is not 1.0",
        });
    }
    let name = headers.required(TYPE)?;
    let (service, name) = name
        .strip_prefix("cozum.")
        .and_then(|it| it.split_once(".v1."))
        .ok_or(Malformed {
            header: TYPE,
            problem: "is not one of ours",
        })?;
    let facts_length = headers.number(FACTS_LENGTH)?;
    if facts_length > body.len() {
        return Err(Malformed {
            header: FACTS_LENGTH,
            problem: "is more than the body",
        });
    }
    let (facts, personal) = body.split_at(facts_length);
    let subjects = serde_json::from_str(&headers.required(SUBJECTS)?).map_err(|_| Malformed {
        header: SUBJECTS,
        problem: "is not a JSON array of texts",
    })?;
    Ok(Event {
        position: headers.number(POSITION)?,
        event_id: headers.id(ID)?,
        stream: headers.required(SUBJECT)?.into_owned(),
        version: headers.number(STREAM_VERSION)?,
        r#type: format!("{service}.{name}"),
        schema_version: headers.number(SCHEMA_VERSION)?,
        recorded_at: headers.number(RECORDED_AT)?,
        occurred_at: headers.number(OCCURRED_AT)?,
        correlation_id: headers.id(CORRELATION_ID)?,
        causation_id: headers.optional_id(CAUSATION_ID)?,
        command_id: headers.id(COMMAND_ID)?,
        actor: headers.required(ACTOR)?.into_owned(),
        traceparent: headers.text(TRACE_PARENT)?.unwrap_or_default().into_owned(),
        subjects,
        facts: facts.to_vec(),
        personal: personal.to_vec(),
        personal_salt: headers.bytes(PERSONAL_SALT)?,
        personal_hash: headers.bytes(PERSONAL_HASH)?,
        salt: headers.bytes(SALT)?,
        commitment: headers.bytes(COMMITMENT)?,
    })
}

/// The position and the commitment alone: enough to compare a message with the log.
pub fn identity(headers: &HeaderMap) -> Result<(u64, Vec<u8>), Malformed> {
    let headers = Headers(headers);
    Ok((headers.number(POSITION)?, headers.bytes(COMMITMENT)?))
}

struct Headers<'a>(&'a HeaderMap);

impl<'a> Headers<'a> {
    fn text(&self, header: &'static str) -> Result<Option<Cow<'a, str>>, Malformed> {
        let Some(value) = self.0.get(HeaderName::from_static(header)) else {
            return Ok(None);
        };
        percent_decode(value.as_str()).map(Some).ok_or(Malformed {
            header,
            problem: "is not percent-encoded UTF-8",
        })
    }

    fn required(&self, header: &'static str) -> Result<Cow<'a, str>, Malformed> {
        self.text(header)?.ok_or(Malformed {
            header,
            problem: "is missing",
        })
    }

    fn number<N: std::str::FromStr>(&self, header: &'static str) -> Result<N, Malformed> {
        self.required(header)?.parse().map_err(|_| Malformed {
            header,
            problem: "is not a number in range",
        })
    }

    fn optional_id(&self, header: &'static str) -> Result<Vec<u8>, Malformed> {
        let Some(text) = self.text(header)? else {
            return Ok(vec![]);
        };
        let id = Uuid::parse_str(&text).map_err(|_| Malformed {
            header,
            problem: "is not a UUID",
        })?;
        Ok(id.as_bytes().to_vec())
    }

    fn id(&self, header: &'static str) -> Result<Vec<u8>, Malformed> {
        self.required(header)?;
        self.optional_id(header)
    }

    fn bytes(&self, header: &'static str) -> Result<Vec<u8>, Malformed> {
        let text = self.text(header)?.unwrap_or_default();
        unhex(&text).ok_or(Malformed {
            header,
            problem: "is not hexadecimal",
        })
    }
}

fn json(texts: &[String]) -> String {
    serde_json::json!(texts).to_string()
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

fn percent_decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.bytes().any(|it| matches!(it, b'"' | b'%')) {
        return Some(Cow::Borrowed(text));
    }
    let unquoted;
    let text = match text.strip_prefix('"').and_then(|it| it.strip_suffix('"')) {
        Some(inner) => {
            unquoted = unescape(inner);
            &unquoted
        }
        None => text,
    };
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'%' {
            let (code, after) = rest.split_at_checked(2)?;
            bytes.extend(unhex(std::str::from_utf8(code).ok()?)?);
            rest = after;
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// Removes the backslashes of a quoted header value, which older writers sent.
fn unescape(quoted: &str) -> String {
    let mut letters = quoted.chars();
    let mut text = String::with_capacity(quoted.len());
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => text.extend(letters.next()),
            _ => text.push(letter),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_encoded_as_the_binding_says() {
        assert_eq!(encoded("Euro € 😀"), "Euro%20%E2%82%AC%20%F0%9F%98%80");
        assert_eq!(
            percent_decode("Euro%20%e2%82%ac%20%F0%9F%98%80").as_deref(),
            Some("Euro € 😀")
        );
        assert_eq!(
            percent_decode(r#""a \"quoted\" value""#).as_deref(),
            Some(r#"a "quoted" value"#)
        );
        assert_eq!(
            percent_decode("%C0%A0"),
            None,
            "an overlong encoding is refused"
        );
        assert_eq!(percent_decode("%4"), None);
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
}
