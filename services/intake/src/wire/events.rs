use chassis::event::{self, Undecodable};
use contracts::{
    intake::v1::{
        Attachment, ContactRegistered, GetRequestReply, PersonRecorded, RequestRegistered,
        contact_registered, person_recorded, request_registered,
    },
    ledger::v1::{Event as Stored, NewEvent},
    vocabulary::v1 as words,
};
use jiff::Timestamp;
use uuid::Uuid;
use vault::Subject;
use vocabulary::NotAWord;

use super::vault_sealed;
use crate::{
    domain::{Choice, Citizen, ContactId, Event, Imported, PersonId, Place},
    streams,
    texts::Texts,
};

/// The sealed values of one event, by field.
pub(crate) type SealedFields = Vec<(&'static str, vault::Sealed)>;

/// The event as it is stored, and the stream it belongs to.
pub(crate) fn message(
    event: &Event,
    id: Uuid,
    at: Timestamp,
    mut personal: SealedFields,
    attachments: Vec<Attachment>,
) -> (String, NewEvent) {
    let mut take = |field: &str| {
        let at = personal.iter().position(|(name, _)| *name == field)?;
        Some(sealed(personal.swap_remove(at).1))
    };
    match event {
        Event::PersonRecorded(citizen) => {
            let personal = person_recorded::Personal {
                name: take("name"),
                given_name: take("given_name"),
                family_name: take("family_name"),
                email: take("email"),
                phone: take("phone"),
            };
            let message = PersonRecorded {
                person: citizen.person.uuid().to_string(),
                language: citizen.language.number(),
                has_email: citizen.has_email,
                has_phone: citizen.has_phone,
                personal: given(personal),
            };
            (
                citizen.person.stream(),
                event::record(id, &message, at, [subject_of(citizen.person)]),
            )
        }
        Event::ContactRegistered {
            contact,
            channel,
            person,
            social_network,
            imported,
            notice,
        } => {
            let message = ContactRegistered {
                contact: contact.uuid().to_string(),
                channel: channel.number(),
                person: text(*person),
                social_network: social_network.clone(),
                imported: imported.as_ref().map(import_mark),
                notice_version: notice.unwrap_or_default(),
                personal: given(contact_registered::Personal { note: take("note") }),
            };
            let subjects = [contact.subject().to_string()]
                .into_iter()
                .chain(person.map(subject_of));
            (contact.stream(), event::record(id, &message, at, subjects))
        }
        Event::RequestRegistered {
            number,
            contact,
            channel,
            topic,
            place,
            person,
            language,
            reachable_by_email,
            imported,
            choices,
            notice,
        } => {
            let personal = request_registered::Personal {
                description: take("description"),
                address: take("address"),
                media_url: take("media_url"),
                answers: take("answers"),
                point: take("point"),
            };
            let message = RequestRegistered {
                number: number.to_string(),
                contact: contact.uuid().to_string(),
                channel: channel.number(),
                topic: topic.to_string(),
                place: Some(place_message(place)),
                person: text(*person),
                language: language.number(),
                reachable_by_email: *reachable_by_email,
                imported: imported.as_ref().map(import_mark),
                choices: choices.iter().map(choice_message).collect(),
                attachments,
                coarse: place.coarse,
                notice_version: notice.unwrap_or_default(),
                personal: given(personal),
            };
            let subjects = [
                Subject::request(number).to_string(),
                contact.subject().to_string(),
            ];
            let subjects = subjects
                .into_iter()
                .chain(person.map(subject_of))
                .chain(imported.as_ref().map(Imported::subject));
            (
                streams::of_request(number),
                event::record(id, &message, at, subjects),
            )
        }
    }
}

/// A personal part that says something.
fn given<P: Default + PartialEq>(personal: P) -> Option<P> {
    (personal != P::default()).then_some(personal)
}

fn subject_of(person: PersonId) -> String {
    person.subject().to_string()
}

fn text(id: Option<PersonId>) -> String {
    id.map(|it| it.uuid().to_string()).unwrap_or_default()
}

fn import_mark(imported: &Imported) -> words::Imported {
    words::Imported {
        source: imported.source.clone(),
        source_id: imported.source_id.clone(),
        agency: imported.agency.clone(),
        status: imported.status.clone(),
        due_at: imported.due_at.map_or(0, Timestamp::as_microsecond),
    }
}

fn choice_message(choice: &Choice) -> request_registered::Choice {
    request_registered::Choice {
        attribute: choice.attribute.clone(),
        keys: choice.keys.clone(),
    }
}

fn place_message(place: &Place) -> words::Place {
    words::Place {
        latitude: place.point.map(|it| it.0),
        longitude: place.point.map(|it| it.1),
        district: place.district.clone(),
        neighbourhood: place.neighbourhood.clone(),
    }
}

/// One request as it was registered; `texts` are its personal part, opened.
pub(crate) fn reply(recorded: &Recorded, texts: &Texts) -> Option<GetRequestReply> {
    let Event::RequestRegistered {
        number,
        contact,
        channel,
        topic,
        place,
        person,
        language,
        imported,
        ..
    } = &recorded.event
    else {
        return None;
    };
    let opened = |field: &str| {
        texts
            .get(field)
            .map(|it| it.reveal().to_owned())
            .unwrap_or_default()
    };
    Some(GetRequestReply {
        number: number.to_string(),
        channel: channel.number(),
        topic: topic.to_string(),
        place: Some(place_message(place)),
        contact: contact.uuid().to_string(),
        person: text(*person),
        language: language.number(),
        imported: imported.as_ref().map(import_mark),
        occurred_at: recorded.occurred_at,
        recorded_at: recorded.recorded_at,
        description: opened("description"),
        address: opened("address"),
        media_url: opened("media_url"),
    })
}

/// A sealed value on its way into an event or a reply.
pub(crate) fn sealed(sealed: vault::Sealed) -> words::Sealed {
    words::Sealed {
        subject: sealed.subject.to_string(),
        nonce: sealed.nonce.to_vec(),
        ciphertext: sealed.ciphertext,
    }
}

/// Stored bytes that are none of our events, or break their own rules.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error(transparent)]
    Undecodable(#[from] Undecodable),
    #[error("event {position} holds a bad {field}")]
    Broken { position: u64, field: &'static str },
}

/// One of our events with everything that was stored with it.
pub(crate) struct Recorded {
    pub(crate) id: Uuid,
    pub(crate) event: Event,
    pub(crate) personal: SealedFields,
    /// Of a request.
    pub(crate) attachments: Vec<Attachment>,
    /// Microseconds since 1970.
    pub(crate) occurred_at: i64,
    pub(crate) recorded_at: u64,
}

/// Reads one of our events back; `None` for a name that is not ours.
pub(crate) fn decode(stored: &Stored) -> Result<Option<Recorded>, Unreadable> {
    let read = Reading {
        position: stored.position,
    };
    let mut attachments = Vec::new();
    let (event, personal) = if event::is::<PersonRecorded>(stored) {
        let message: PersonRecorded = event::decode(stored)?;
        let citizen = Citizen {
            person: PersonId::from(read.parsed::<Uuid>(&message.person, "person")?),
            language: read.word(message.language, "language")?,
            has_email: message.has_email,
            has_phone: message.has_phone,
        };
        let personal = message.personal.unwrap_or_default();
        let fields = [
            ("name", personal.name),
            ("given_name", personal.given_name),
            ("family_name", personal.family_name),
            ("email", personal.email),
            ("phone", personal.phone),
        ];
        (Event::PersonRecorded(citizen), read.sealed(fields)?)
    } else if event::is::<ContactRegistered>(stored) {
        let message: ContactRegistered = event::decode(stored)?;
        let event = Event::ContactRegistered {
            contact: ContactId::from(read.parsed::<Uuid>(&message.contact, "contact")?),
            channel: read.word(message.channel, "channel")?,
            person: read.optional(&message.person, "person")?,
            social_network: message.social_network,
            imported: message.imported.map(imported),
            notice: Some(message.notice_version).filter(|it| *it > 0),
        };
        (
            event,
            read.sealed([("note", message.personal.unwrap_or_default().note)])?,
        )
    } else if event::is::<RequestRegistered>(stored) {
        let message: RequestRegistered = event::decode(stored)?;
        let personal = message.personal.unwrap_or_default();
        let fields = [
            ("description", personal.description),
            ("address", personal.address),
            ("media_url", personal.media_url),
            ("answers", personal.answers),
            ("point", personal.point),
        ];
        let personal = read.sealed(fields)?;
        attachments = message.attachments;
        let place = message.place.unwrap_or_default();
        let event = Event::RequestRegistered {
            number: read.parsed(&message.number, "number")?,
            contact: ContactId::from(read.parsed::<Uuid>(&message.contact, "contact")?),
            channel: read.word(message.channel, "channel")?,
            topic: read.parsed(&message.topic, "topic")?,
            place: Place {
                point: place.latitude.zip(place.longitude),
                coarse: message.coarse,
                district: place.district,
                neighbourhood: place.neighbourhood,
            },
            person: read.optional(&message.person, "person")?,
            language: read.word(message.language, "language")?,
            reachable_by_email: message.reachable_by_email,
            imported: message.imported.map(imported),
            choices: message.choices.into_iter().map(choice).collect(),
            notice: Some(message.notice_version).filter(|it| *it > 0),
        };
        (event, personal)
    } else {
        return Ok(None);
    };
    let Stored {
        occurred_at,
        recorded_at,
        ..
    } = *stored;
    Ok(Some(Recorded {
        id: event::event_id(stored),
        event,
        personal,
        attachments,
        occurred_at,
        recorded_at,
    }))
}

/// Whether a stored event came of this command.
pub(crate) fn recorded_by(stored: &Stored, command_id: Uuid) -> bool {
    stored.command_id == command_id.as_bytes()
}

/// Reads fields of one stored event.
struct Reading {
    position: u64,
}

impl Reading {
    fn broken(&self, field: &'static str) -> Unreadable {
        Unreadable::Broken {
            position: self.position,
            field,
        }
    }

    fn parsed<T: std::str::FromStr>(
        &self,
        text: &str,
        field: &'static str,
    ) -> Result<T, Unreadable> {
        text.parse().map_err(|_| self.broken(field))
    }

    fn optional(&self, text: &str, field: &'static str) -> Result<Option<PersonId>, Unreadable> {
        if text.is_empty() {
            Ok(None)
        } else {
            self.parsed::<Uuid>(text, field).map(|it| Some(it.into()))
        }
    }

    fn word<W: TryFrom<i32, Error = NotAWord>>(
        &self,
        number: i32,
        field: &'static str,
    ) -> Result<W, Unreadable> {
        W::try_from(number).map_err(|_| self.broken(field))
    }

    fn sealed<const N: usize>(
        &self,
        fields: [(&'static str, Option<words::Sealed>); N],
    ) -> Result<SealedFields, Unreadable> {
        let there = fields
            .into_iter()
            .filter_map(|(name, value)| value.map(|it| (name, it)));
        there
            .map(|(name, value)| Ok((name, vault_sealed(value).ok_or_else(|| self.broken(name))?)))
            .collect()
    }
}

fn choice(proto: request_registered::Choice) -> Choice {
    Choice {
        attribute: proto.attribute,
        keys: proto.keys,
    }
}

fn imported(proto: words::Imported) -> Imported {
    let due_at = Some(proto.due_at).filter(|it| *it != 0);
    Imported {
        source: proto.source,
        source_id: proto.source_id,
        agency: proto.agency,
        status: proto.status,
        due_at: due_at.map(event::timestamp),
    }
}
