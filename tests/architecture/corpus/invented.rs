//! A first sample of an event type, with every field filled by a word that its readers take.

use contracts::EventType;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};
use tests::corpus::Sample;

use super::{PERSONAL, descriptor, said};

const NUMBER: &str = "2026-48120937-8";
const PERSON: &str = "3f2a6c1e-8d4b-5a77-9c02-6b1e5d0f4a31";
const CONTACT: &str = "7c1d0b52-53f3-5b0e-8a3f-0d2f7a9e6c11";
const WEBHOOK: &str = "9a4e7d20-3c5b-5e1f-b8a6-7d2c1e0f5b94";
const STAFF: &str = "ayse.sample";
const UNIT: &str = "sample-unit";
const CHECKPOINT: &str = "log.example.org/ova\n1\nAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=\n\n— log.example.org/ova AQIDBA==\n";
const NOON: i64 = 1_796_115_600_000_000;

/// What each text of an event is like, by the name of its field; `message` tells those apart that are called alike.
fn text(event: &str, message: &str, field: &str) -> String {
    let word = match field {
        "number" => NUMBER,
        "original" => "2026-10000000-8",
        "person" => PERSON,
        "contact" => CONTACT,
        "session" => "0b7f3f0e-6f7e-5c58-9f3c-2a1f4b6d8e10",
        "view" => "5d9a2c74-1b3e-5f60-8c7d-9e0f1a2b3c4d",
        "webhook" => WEBHOOK,
        "notification" => "c2b8f6a4-9d1e-5370-a5c4-1f0e2d3b4c5a",
        "id" => "e1d2c3b4-a596-5877-9687-a5b4c3d2e1f0",
        "code" if message.starts_with("Unit") => UNIT,
        "topic" => "sample-topic",
        "code" if message.starts_with("Topic") => "sample-topic",
        "code" | "attribute" => "depth",
        "unit" | "institution" => UNIT,
        "key" | "keys" if ["Choice", "AttributeChoice"].contains(&message) => "deep",
        "key" => "sample-key",
        "staff" => STAFF,
        "social_network" => "x",
        "source" => "nyc-311",
        "source_id" => "4711",
        "agency" => "DOT",
        "status" => "Closed",
        "district" => "Çankaya",
        "neighbourhood" => "Kızılay",
        "media_type" => "image/jpeg",
        "purpose" => "console",
        "fields" => "citizen",
        "of" => return format!("person:{PERSON}"),
        "subject" => return subject(event),
        "stream" => return format!("request-{NUMBER}"),
        "rule" if ["ByRule", "RuleInForce"].contains(&message) => "retention-topic-sample-topic",
        "run" => "4b8d1f6a-2c70-5e93-8d15-a6c3f0b7e2d9",
        "hold" => "d6a1c3e5-7f92-5b04-9e68-1c2b3a4d5e6f",
        "reference" => "2026/123",
        "rule" => "topic-sample-topic",
        "assignee" => "crew-1",
        "planned_for" => "2026-12-01",
        "message_id" => "<sample@cozum.example.org>",
        "provider_code" => "250",
        "reaction" => "routing.requests",
        "reason" => "no such topic",
        "filters" => "state=routed",
        "types" => "routing.RequestConcluded",
        "name_tr" => "Örnek",
        "name_en" => "Sample",
        "hint_tr" => "santimetre",
        "hint_en" => "centimetres",
        "group" => "roads",
        "keywords" => "çukur",
        "short_tr" | "full_tr" => "Verileriniz başvurunuz için işlenir.",
        "short_en" | "full_en" => "Your data is used for your request.",
        "checkpoint" => CHECKPOINT,
        "origin" => "log.example.org/fork-1/ova",
        _ => panic!("what does {message}.{field} say in a sample?"),
    };
    word.to_owned()
}

/// Under whose key an event's personal part is sealed.
fn subject(event: &str) -> String {
    match event.split_once('.') {
        Some(("intake", "PersonRecorded")) => format!("person:{PERSON}"),
        Some(("intake", "ContactRegistered")) => format!("contact:{CONTACT}"),
        Some(("gateway", name)) if name.starts_with("Webhook") => format!("webhook:{WEBHOOK}"),
        Some(("gateway", _)) => format!("staff:{STAFF}"),
        Some(_) | None => format!("request:{NUMBER}"),
    }
}

fn bytes(field: &str) -> Vec<u8> {
    let length = match field {
        "source_event" => 16,
        "nonce" => 12,
        "ciphertext" => 40,
        _ => 32,
    };
    (1..=length).collect()
}

fn value(event: &str, message: &str, field: &FieldDescriptor) -> Value {
    let name = field.name();
    match field.kind() {
        Kind::String => Value::String(text(event, message, name)),
        Kind::Bytes => Value::Bytes(bytes(name).into()),
        Kind::Bool => Value::Bool(true),
        Kind::Double if name == "latitude" => Value::F64(39.920_77),
        Kind::Double => Value::F64(32.854_11),
        Kind::Int64 => Value::I64(NOON),
        // Of no event of a test's log.
        Kind::Uint64 if name == "positions" => Value::U64(4_711_000),
        Kind::Uint64 => Value::U64(1),
        Kind::Uint32 => Value::U32(1),
        Kind::Enum(words) => {
            let first = words.values().find(|it| it.number() != 0).unwrap();
            Value::EnumNumber(first.number())
        }
        Kind::Message(inner) => Value::Message(filled(event, &inner, true)),
        other @ (Kind::Float
        | Kind::Int32
        | Kind::Sint32
        | Kind::Sint64
        | Kind::Fixed32
        | Kind::Fixed64
        | Kind::Sfixed32
        | Kind::Sfixed64) => {
            panic!("what does {message}.{name} say in a sample? It is {other:?}")
        }
    }
}

fn filled(event: &str, descriptor: &MessageDescriptor, whole: bool) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    for field in descriptor.fields() {
        // A service standard is in days or in working days.
        if field.name() == "working_days" || (!whole && field.number() == PERSONAL) {
            continue;
        }
        let value = value(event, descriptor.name(), &field);
        let value = if field.is_list() {
            Value::List(vec![value])
        } else {
            value
        };
        message.set_field(&field, value);
    }
    message
}

/// A sample of a type, as whoever records it would write it.
pub(super) fn sample(event: &EventType) -> Sample {
    let descriptor = descriptor(event.name, event.version);
    let encoded = |whole| {
        let message = filled(event.name, &descriptor, whole);
        event
            .again(&prost::Message::encode_to_vec(&message))
            .unwrap()
    };
    let (all, facts) = (encoded(true), encoded(false));
    Sample {
        name: event.name.to_owned(),
        version: event.version,
        personal: all[facts.len()..].to_vec(),
        facts,
        says: said(&filled(event.name, &descriptor, true)),
    }
}
