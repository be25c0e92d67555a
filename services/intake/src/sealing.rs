//! Seals what a registration holds of personal text, and opens what was sealed.

use contracts::intake::v1::Attachment;
use uuid::Uuid;
use vault::{Keyring, Opened, SealedFile, Subject, VaultError};

use crate::{
    desk::Desk,
    domain::Event,
    pictures,
    texts::Texts,
    wire::{Asked, Recorded, SealedFields, file_of},
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
pub(crate) fn subjects<F>(
    events: &[Event],
    asked: &Asked<F>,
    pictures: &[Vec<u8>],
) -> Vec<Subject> {
    let parts = events.iter().map(|event| personal_part(event, asked));
    let texts = parts
        .filter(|(_, texts)| !texts.is_empty())
        .map(|(subject, _)| subject);
    let files = owner(events).filter(|_| !pictures.is_empty());
    texts.chain(files).collect()
}

/// The request whose files they are.
fn owner(events: &[Event]) -> Option<Subject> {
    events.iter().find_map(|it| match it {
        Event::RequestRegistered { number, .. } => Some(Subject::request(number)),
        Event::PersonRecorded(_) | Event::ContactRegistered { .. } => None,
    })
}

/// A request's files on their way into the vault, and as its event names them.
pub(crate) struct SealedFiles {
    pub(crate) sealed: Vec<SealedFile>,
    named: Vec<Attachment>,
}

impl SealedFiles {
    pub(crate) fn named(&self) -> Vec<Attachment> {
        self.named.clone()
    }
}

/// Seals a request's pictures; the same command gives the same files.
pub(crate) fn seal_files(
    events: &[Event],
    command_id: Uuid,
    pictures: &[Vec<u8>],
    keys: &Keyring,
) -> Result<SealedFiles, VaultError> {
    let mut files = SealedFiles {
        sealed: Vec::new(),
        named: Vec::new(),
    };
    let Some(owner) = owner(events) else {
        return Ok(files);
    };
    for (index, picture) in pictures.iter().enumerate() {
        let sealed = keys.seal_file(&owner, file_of(command_id, index), picture)?;
        files.named.push(Attachment {
            id: sealed.id.to_string(),
            media_type: pictures::MEDIA_TYPE.to_owned(),
            bytes: picture.len() as u64,
            sealed_sha256: sealed.sha256.to_vec(),
        });
        files.sealed.push(sealed);
    }
    Ok(files)
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
