use anyhow::Context as _;
use contracts::ledger::v1::Event;
use prost_reflect::{
    DescriptorPool, DynamicMessage, MessageDescriptor, ReflectMessage as _, SerializeOptions,
};
use serde_json::Value;

/// The number of the personal part in every event.
const PERSONAL: u32 = 100;

/// Reads the facts of any event by its descriptor.
pub(crate) struct Decoder(DescriptorPool);

impl Decoder {
    pub(crate) fn new() -> anyhow::Result<Self> {
        DescriptorPool::decode(contracts::DESCRIPTORS)
            .map(Self)
            .context("descriptors")
    }

    /// The message that an event's type names; none for a type that a newer build wrote.
    fn descriptor(&self, event: &Event) -> Option<MessageDescriptor> {
        let (service, name) = event.r#type.split_once('.')?;
        self.0
            .get_message_by_name(&format!("cozum.{service}.v1.{name}"))
    }

    /// The facts as JSON, with the names of the proto; null for a type this build does not know.
    pub(crate) fn facts(&self, event: &Event) -> anyhow::Result<Value> {
        let Some(descriptor) = self.descriptor(event) else {
            return Ok(Value::Null);
        };
        let malformed = || format!("event {} ({})", event.position, event.r#type);
        let message =
            DynamicMessage::decode(descriptor, event.facts.as_slice()).with_context(malformed)?;
        let options = SerializeOptions::new().use_proto_field_name(true);
        let mut facts = message.serialize_with_options(serde_json::value::Serializer, &options)?;
        for field in message.descriptor().fields() {
            let value = message.get_field(&field);
            if let Some(id) = value.as_bytes().and_then(|it| super::id(it)) {
                facts[field.name()] = Value::String(id);
            }
        }
        Ok(facts)
    }

    /// The names of the personal fields that an event holds, sealed.
    pub(super) fn sealed(&self, event: &Event) -> anyhow::Result<Vec<String>> {
        let Some(descriptor) = self.descriptor(event) else {
            return Ok(vec![]);
        };
        let malformed = || {
            format!(
                "personal part of event {} ({})",
                event.position, event.r#type
            )
        };
        let message = DynamicMessage::decode(descriptor, event.personal.as_slice())
            .with_context(malformed)?;
        let personal = message.get_field_by_number(PERSONAL);
        let Some(personal) = personal.as_ref().and_then(|it| it.as_message()) else {
            return Ok(vec![]);
        };
        Ok(personal
            .fields()
            .map(|(field, _)| field.name().to_owned())
            .collect())
    }
}
