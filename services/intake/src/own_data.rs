//! Everything that is recorded about a person, opened for their own application (KVKK art. 11), whichever service recorded it.
//!
//! An event is the person's if all persons and requests among its subjects are theirs. The sealed values are found by the event's
//! descriptor, so that none is missed when another service adds one.

use std::collections::{BTreeMap, BTreeSet};

use chassis::{Caller, event};
use contracts::{
    intake::v1::{ExportOwnDataReply, PersonalDataViewed, export_own_data_reply},
    ledger::v1::Event as Stored,
    vocabulary::v1::Sealed,
};
use export_own_data_reply::{Entry, Text};
use jiff::Timestamp;
use prost_reflect::{DescriptorPool, DynamicMessage};
use tonic::Status;
use uuid::Uuid;
use vault::Opened;

use crate::{
    desk::{Desk, no_key},
    domain::{PersonId, Whose},
    wire,
};

/// The number of the personal part in every event.
const PERSONAL: u32 = 100;

/// Which kinds of personal data such a look shows: all there are.
const KINDS: [&str; 6] = [
    "citizen",
    "description",
    "address",
    "answers",
    "messages",
    "attachments",
];

impl Desk {
    /// Opens all of it, once it is recorded who is about to see it; `look` is the id of this look, at `now`.
    pub(crate) async fn export_own_data(
        &self,
        caller: &Caller,
        person: PersonId,
        look: Uuid,
        now: Timestamp,
    ) -> Result<ExportOwnDataReply, Status> {
        let belongings = self.belongings(&Whose::Person(person)).await?;
        let own = belongings.iter().map(|it| it.subject().to_string());
        let own: BTreeSet<String> = own.collect();
        let viewed = PersonalDataViewed {
            person: person.uuid().to_string(),
            purpose: wire::OWN_DATA.to_owned(),
            fields: KINDS.map(str::to_owned).to_vec(),
            ..PersonalDataViewed::default()
        };
        let subjects: Vec<String> = own.iter().cloned().collect();
        let viewed_position = self
            .record_look(caller, &viewed, subjects.clone(), look, now)
            .await?;
        let mut events = BTreeMap::new();
        for subject in &subjects {
            for event in self.ledger.history(subject).await? {
                if event.position <= viewed_position && is_theirs(&event, &own) {
                    events.insert(event.position, event);
                }
            }
        }
        let pool = DescriptorPool::decode(contracts::DESCRIPTORS).map_err(unread)?;
        let mut entries = Vec::with_capacity(events.len());
        for event in events.into_values() {
            let texts = self.own_texts(&pool, &event, &own).await?;
            entries.push(entry(event, texts));
        }
        Ok(ExportOwnDataReply {
            person: person.uuid().to_string(),
            viewed_position,
            subjects,
            entries,
        })
    }

    async fn own_texts(
        &self,
        pool: &DescriptorPool,
        stored: &Stored,
        own: &BTreeSet<String>,
    ) -> Result<Vec<Text>, Status> {
        if event::is_bare(stored) {
            // Which fields there were left with it.
            return Ok(vec![text(String::new(), &Opened::Erased)]);
        }
        let sealed = sealed(pool, stored)?;
        let sealed = sealed
            .into_iter()
            .filter(|(_, it)| own.contains(&it.subject));
        let mut values = Vec::new();
        for (field, value) in sealed {
            let value = wire::vault_sealed(value)
                .ok_or_else(|| Status::data_loss("a stored text is not a sealed value"))?;
            values.push((field, value));
        }
        let id = event::event_id(stored);
        let places: Vec<_> = values
            .iter()
            .map(|(field, value)| (id, field.as_str(), value))
            .collect();
        let opened = self.vault.open_all(&self.municipality, &places).await;
        let opened = opened.map_err(no_key)?;
        let texts = values.into_iter().zip(opened);
        Ok(texts.map(|((field, _), it)| text(field, &it)).collect())
    }
}

/// Whether every person and every request that it names is theirs.
fn is_theirs(event: &Stored, own: &BTreeSet<String>) -> bool {
    let foreign = |it: &&String| {
        (it.starts_with("person:") || it.starts_with("request:")) && !own.contains(*it)
    };
    !event.subjects.iter().any(|it| foreign(&it))
}

/// The sealed values of an event, by field.
fn sealed(pool: &DescriptorPool, stored: &Stored) -> Result<Vec<(String, Sealed)>, Status> {
    let (service, name) = stored.r#type.split_once('.').unwrap_or_default();
    let version = stored.schema_version.max(1);
    let full = format!("cozum.{service}.v{version}.{name}");
    let Some(descriptor) = pool.get_message_by_name(&full) else {
        return Ok(vec![]);
    };
    let message = DynamicMessage::decode(descriptor, stored.personal.as_slice());
    let message = message.map_err(unread)?;
    let Some(part) = message.get_field_by_number(PERSONAL) else {
        return Ok(vec![]);
    };
    let Some(part) = part.as_message() else {
        return Ok(vec![]);
    };
    let value = |(field, value): (prost_reflect::FieldDescriptor, &prost_reflect::Value)| {
        let sealed = value.as_message()?.transcode_to::<Sealed>().ok()?;
        Some((field.name().to_owned(), sealed))
    };
    Ok(part.fields().filter_map(value).collect())
}

fn unread(problem: impl std::fmt::Display) -> Status {
    tracing::error!(error = %problem, "an event cannot be read by its descriptor");
    Status::internal("an event cannot be read by its descriptor")
}

fn text(field: String, opened: &Opened) -> Text {
    let (text, erased) = match opened {
        Opened::Text(text) => (text.reveal().to_owned(), false),
        Opened::Erased => (String::new(), true),
    };
    Text {
        field,
        text,
        erased,
    }
}

fn entry(event: Stored, texts: Vec<Text>) -> Entry {
    Entry {
        position: event.position,
        r#type: event.r#type,
        stream: event.stream,
        occurred_at: event.occurred_at,
        recorded_at: event.recorded_at,
        actor: event.actor,
        facts: event.facts,
        texts,
    }
}
