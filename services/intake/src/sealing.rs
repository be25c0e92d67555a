//! Seals what a registration holds of personal text, and opens what was sealed.

use uuid::Uuid;
use vault::{Keyring, Opened, Subject, VaultError};

use crate::{
    desk::Desk,
    domain::Event,
    texts::Texts,
    wire::{Asked, Recorded, SealedFields},
};

/// The subject under whose key an event's texts are sealed, and these texts.
fn personal_part<'a, F>(event: &Event, asked: &'a Asked<F>) -> (Subject, &'a Texts) {
    match event {
        Event::PersonRecorded(citizen) => (citizen.person.subject(), &asked.person),
        Event::ContactRegistered { contact, .. } => (contact.subject(), &asked.contact),
        Event::RequestRegistered { number, .. } => (Subject::request(number), &asked.request),
    }
}

/// The subjects that have something to seal, and so need a key.
pub(crate) fn subjects<F>(events: &[Event], asked: &Asked<F>) -> Vec<Subject> {
    let parts = events.iter().map(|event| personal_part(event, asked));
    parts
        .filter(|(_, texts)| !texts.is_empty())
        .map(|(subject, _)| subject)
        .collect()
}

/// The texts of an event, sealed for their place in it.
pub(crate) fn seal<F>(
    event: &Event,
    id: Uuid,
    asked: &Asked<F>,
    keys: &Keyring,
) -> Result<SealedFields, VaultError> {
    let (subject, texts) = personal_part(event, asked);
    texts
        .iter()
        .map(|(field, text)| Ok((field, keys.seal(&subject, id, field, text)?)))
        .collect()
}

impl Desk {
    /// The texts of an event that were not erased.
    pub(crate) async fn open(&self, recorded: &Recorded) -> Result<Texts, VaultError> {
        let values: Vec<_> = recorded
            .personal
            .iter()
            .map(|(field, sealed)| (recorded.id, *field, sealed))
            .collect();
        let opened = self.vault.open_all(&self.municipality, &values).await?;
        let mut texts = Texts::default();
        for ((field, _), opened) in recorded.personal.iter().zip(opened) {
            match opened {
                Opened::Text(text) => texts.put(field, text),
                Opened::Erased => {}
            }
        }
        Ok(texts)
    }
}
