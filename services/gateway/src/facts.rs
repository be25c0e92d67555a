//! The facts of any event as JSON in the API's words, by the event's descriptor; what is personal stays sealed and outside.

use std::sync::LazyLock;

use contracts::{ledger::v1::Event, vocabulary::v1::Sealed};
use prost::Message as _;
use prost_reflect::{
    Cardinality, DescriptorPool, DynamicMessage, EnumDescriptor, FieldDescriptor, Kind,
    MessageDescriptor, Value as Known,
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::text;

/// The number of the personal part in every event.
const PERSONAL: u32 = 100;

static POOL: LazyLock<Option<DescriptorPool>> =
    LazyLock::new(|| DescriptorPool::decode(contracts::DESCRIPTORS).ok());

/// The message that an event's type names; none for a type that a newer build wrote.
fn descriptor(event: &Event) -> Option<MessageDescriptor> {
    let (service, name) = event.r#type.split_once('.')?;
    POOL.as_ref()?
        .get_message_by_name(&format!("cozum.{service}.v1.{name}"))
}

/// The facts of an event: words by their codes, times in RFC 3339, ids as UUIDs. What is empty is left out. Null for an
/// event that this build does not know.
pub(crate) fn of(event: &Event) -> Value {
    let Some(descriptor) = descriptor(event) else {
        return Value::Null;
    };
    DynamicMessage::decode(descriptor, event.facts.as_slice())
        .map_or(Value::Null, |it| message(&it))
}

/// The sealed values of an event by their names.
pub(crate) fn sealed(event: &Event) -> Vec<(String, Sealed)> {
    let Some(descriptor) = descriptor(event) else {
        return vec![];
    };
    let Ok(whole) = DynamicMessage::decode(descriptor, event.personal.as_slice()) else {
        return vec![];
    };
    let personal = whole.get_field_by_number(PERSONAL);
    let Some(personal) = personal.as_ref().and_then(|it| it.as_message()) else {
        return vec![];
    };
    let value = |known: &Known| {
        let bytes = known.as_message()?.encode_to_vec();
        Sealed::decode(bytes.as_slice()).ok()
    };
    personal
        .fields()
        .filter_map(|(field, known)| Some((field.name().to_owned(), value(known)?)))
        .collect()
}

fn message(message: &DynamicMessage) -> Value {
    let fields = message
        .fields()
        .filter(|(field, _)| field.number() != PERSONAL)
        .filter_map(|(field, value)| Some((field.name().to_owned(), known(&field, value)?)));
    Value::Object(fields.collect::<Map<_, _>>())
}

fn known(field: &FieldDescriptor, value: &Known) -> Option<Value> {
    if field.cardinality() == Cardinality::Repeated {
        let items = value.as_list()?.iter();
        return Some(items.filter_map(|it| single(field, it)).collect());
    }
    single(field, value)
}

fn single(field: &FieldDescriptor, value: &Known) -> Option<Value> {
    Some(match value {
        Known::Bool(it) => json!(it),
        Known::I32(it) => json!(it),
        Known::U32(it) => json!(it),
        // Every time in an event is microseconds since 1970, and is called so.
        Known::I64(0) if field.name().ends_with("_at") => return None,
        Known::I64(it) if field.name().ends_with("_at") => json!(text::iso(*it)),
        Known::I64(it) => json!(it),
        Known::U64(it) => json!(it),
        Known::F32(it) => json!(it),
        Known::F64(it) => json!(it),
        Known::String(it) => json!(it),
        Known::Bytes(it) => {
            json!(Uuid::from_slice(it).map_or_else(|_| hex(it), |it| it.to_string()))
        }
        Known::EnumNumber(number) => {
            let Kind::Enum(list) = field.kind() else {
                return None;
            };
            json!(word(&list, *number)?)
        }
        Known::Message(it) => message(it),
        Known::List(_) | Known::Map(_) => return None,
    })
}

/// "in-progress" for REQUEST_STATE_IN_PROGRESS; nothing for "unspecified".
fn word(list: &EnumDescriptor, number: i32) -> Option<String> {
    if number == 0 {
        return None;
    }
    let zero = list.get_value(0)?;
    let prefix = zero
        .name()
        .strip_suffix("UNSPECIFIED")
        .unwrap_or_default()
        .to_owned();
    let value = list.get_value(number)?;
    let word = value
        .name()
        .strip_prefix(prefix.as_str())
        .unwrap_or(value.name());
    Some(word.to_ascii_lowercase().replace('_', "-"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use chassis::event;
    use contracts::{
        intake::v1::{RequestRegistered, request_registered::Personal},
        routing::v1::RequestConcluded,
        vocabulary::v1::Place,
    };
    use jiff::Timestamp;
    use vocabulary::{Channel, RequestState, SubResult};

    use super::*;

    fn stored<M: prost::Message + prost::Name>(message: &M) -> Event {
        let new = event::record(Uuid::nil(), message, Timestamp::UNIX_EPOCH, []);
        Event {
            r#type: new.r#type,
            facts: new.facts,
            personal: new.personal,
            schema_version: 1,
            ..Event::default()
        }
    }

    #[test]
    fn facts_stand_in_the_apis_words_and_what_is_sealed_stands_outside() {
        let secret = Sealed {
            subject: "request:x".to_owned(),
            nonce: vec![1; 12],
            ciphertext: vec![7; 40],
        };
        let registered = RequestRegistered {
            number: "2026-48120937-8".to_owned(),
            channel: Channel::WhatsApp.number(),
            place: Some(Place {
                latitude: Some(39.9),
                longitude: Some(32.8),
                ..Place::default()
            }),
            personal: Some(Personal {
                description: Some(secret.clone()),
                ..Personal::default()
            }),
            ..RequestRegistered::default()
        };
        let event = stored(&registered);
        let expected = json!({
            "number": "2026-48120937-8", "channel": "whatsapp", "place": {"latitude": 39.9, "longitude": 32.8}
        });
        assert_eq!(of(&event), expected);
        assert_eq!(sealed(&event), [("description".to_owned(), secret)]);
    }

    #[test]
    fn a_time_is_written_as_a_time() {
        let concluded = RequestConcluded {
            sub_result: SubResult::NotFound.number(),
            visited_at: 1_760_000_000_000_000,
            ..RequestConcluded::default()
        };
        let facts = of(&stored(&concluded));
        assert_eq!(
            facts,
            json!({"sub_result": "not-found", "visited_at": "2025-10-09T11:53:20+03:00"})
        );
    }

    #[test]
    fn words_are_the_codes_of_the_vocabulary() {
        let pool = POOL.as_ref().unwrap();
        let list = |name: &str| {
            pool.get_enum_by_name(&format!("cozum.vocabulary.v1.{name}"))
                .unwrap()
        };
        for state in RequestState::ALL {
            assert_eq!(
                word(&list("RequestState"), state.number()).as_deref(),
                Some(state.code())
            );
        }
        for channel in Channel::ALL {
            assert_eq!(
                word(&list("Channel"), channel.number()).as_deref(),
                Some(channel.code())
            );
        }
    }
}
