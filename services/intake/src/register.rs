//! Registers contacts and requests: decide, seal, append to all streams at once, and answer a repeated command as before.

use std::mem;

use aws_lc_rs::digest;
use chassis::{AppendError, Caller, Command as LedgerCommand, event, refuse_all};
use contracts::{
    intake::v1::{RegisterContactReply, RegisterRequestReply},
    ledger::v1::{AppendReply, Event as Stored, StreamWrite},
};
use decider::Decider as _;
use jiff::Timestamp;
use tonic::{Code, Status};
use uuid::Uuid;
use vault::{Keyring, Plain, VaultError};
use vocabulary::RequestNumber;

use crate::{
    desk::{Desk, no_key, refused, unreadable},
    domain::{
        Command, Event, NewContact, NewRequest, Origin, PersonId, Registration, Rejection, year_of,
    },
    pictures,
    sealing::{self, SealedFiles},
    streams,
    wire::{Asked, answered, decode, message, recorded_by},
};

/// How many numbers are tried; with a million requests in a year, two in a row are taken once in ten thousand times.
const ATTEMPTS: u32 = 8;

/// What came of an attempt to record something.
enum Outcome {
    /// These events are in the log, now or since the same command came before; the position is that of the last.
    Recorded(Vec<Event>, u64),
    /// A stream that should be new is not.
    Taken,
}

impl Desk {
    /// Records that somebody turned to the centre.
    pub(crate) async fn register_contact(
        &self,
        caller: &Caller,
        mut asked: Asked<NewContact>,
    ) -> Result<RegisterContactReply, Status> {
        let NewContact {
            channel, notice, ..
        } = asked.facts;
        asked.facts.notice = self
            .telling(caller, channel, asked.occurred_at, notice)
            .await?;
        let decided = decide(
            Registration::default(),
            Command::RegisterContact(asked.facts.clone()),
        )?;
        let stream = asked.facts.contact.stream();
        let Outcome::Recorded(events, position) =
            self.record(caller, &asked, decided, &[], &stream).await?
        else {
            return Err(Status::aborted(
                "somebody else wrote to the same stream; try again",
            ));
        };
        let registered = events.into_iter().find_map(|it| match it {
            Event::ContactRegistered {
                contact, person, ..
            } => Some((contact, person)),
            Event::PersonRecorded(_) | Event::RequestRegistered { .. } => None,
        });
        let (contact, person) = registered.ok_or_else(reused)?;
        let contact = contact.uuid();
        tracing::info!(contact.id = %contact, channel = asked.facts.channel.code(), "registered contact {contact}");
        Ok(RegisterContactReply {
            contact: contact.to_string(),
            person: text(person),
            position,
        })
    }

    /// Registers a request, and its contact where none is named.
    pub(crate) async fn register_request(
        &self,
        caller: &Caller,
        asked: Asked<NewRequest>,
    ) -> Result<RegisterRequestReply, Status> {
        let questions = self.questions(&asked.facts.topic, caller.at_least).await?;
        let mut asked = answered(asked, &questions).map_err(|it| refuse_all(&it))?;
        // What was published where it came from is no secret here.
        if asked.facts.imported.is_none() && !self.is_public(&asked.facts.topic).await? {
            seal_point(&mut asked);
        }
        let NewRequest {
            channel, notice, ..
        } = asked.facts;
        asked.facts.notice = self
            .telling(caller, channel, asked.occurred_at, notice)
            .await?;
        let situation = self.situation(&asked.facts.origin).await?;
        if situation == Registration::Erased {
            return self.registered_before(caller, &asked).await;
        }
        let pictures = pictures::redrawn(mem::take(&mut asked.files)).await?;
        for attempt in 0..ATTEMPTS {
            let number = number_of(asked.command_id, asked.occurred_at, attempt);
            let command = Command::RegisterRequest {
                number: number.clone(),
                request: asked.facts.clone(),
            };
            let decided = decide(situation.clone(), command)?;
            let stream = streams::of_request(&number);
            if let Outcome::Recorded(events, position) = self
                .record(caller, &asked, decided, &pictures, &stream)
                .await?
            {
                return self.registered(events, position);
            }
        }
        Err(Status::aborted(
            "no free request number was found; try again",
        ))
    }

    fn registered(
        &self,
        events: Vec<Event>,
        position: u64,
    ) -> Result<RegisterRequestReply, Status> {
        let registered = events.into_iter().find_map(|it| match it {
            Event::RequestRegistered {
                number,
                contact,
                channel,
                topic,
                person,
                ..
            } => Some((number, contact, channel, topic, person)),
            Event::PersonRecorded(_) | Event::ContactRegistered { .. } => None,
        });
        let (number, contact, channel, topic, person) = registered.ok_or_else(reused)?;
        let contact = contact.uuid();
        tracing::info!(
            request.number = %number, contact.id = %contact, channel = channel.code(), topic = %topic,
            "registered request {number}",
        );
        Ok(RegisterRequestReply {
            tracking_secret: self
                .secrets
                .of(&self.municipality, &number)
                .reveal()
                .to_owned(),
            number: number.to_string(),
            contact: contact.to_string(),
            person: text(person),
            position,
        })
    }

    /// What the log says about the contact that a request names.
    async fn situation(&self, origin: &Origin) -> Result<Registration, Status> {
        let contact = match origin {
            Origin::Contact(contact) => *contact,
            Origin::Itself { .. } => return Ok(Registration::default()),
        };
        let mut history = self.history(&contact.stream()).await?;
        let person = history.iter().find_map(|it| match it.event {
            Event::ContactRegistered { person, .. } => person,
            Event::PersonRecorded(_) | Event::RequestRegistered { .. } => None,
        });
        if let Some(person) = person {
            history.extend(self.history(&person.stream()).await?);
        }
        let situation = Registration::replay(history.into_iter().map(|it| it.event));
        if let Some(person) = person
            && self.erasures.are_ordered_of(person).await?
        {
            return Ok(situation.erased());
        }
        Ok(situation)
    }

    /// What this command registered before whom its contact was with was erased.
    async fn registered_before(
        &self,
        caller: &Caller,
        asked: &Asked<NewRequest>,
    ) -> Result<RegisterRequestReply, Status> {
        let number = number_of(asked.command_id, asked.occurred_at, 0);
        let command = command_of(caller, asked);
        let reply = self
            .ledger
            .read_stream_for(&streams::of_request(&number), &command)
            .await
            .map_err(AppendError::from)?;
        match reply.recorded {
            Some(recorded) => {
                self.registered(our_events(&recorded.events)?, recorded.last_position)
            }
            None => Err(refused(Rejection::ContactErased)),
        }
    }

    /// Seals and appends; `stream` is the one that makes this command the only one of its kind. The pictures are the request's.
    async fn record<F>(
        &self,
        caller: &Caller,
        asked: &Asked<F>,
        events: Vec<Event>,
        pictures: &[Vec<u8>],
        stream: &str,
    ) -> Result<Outcome, Status> {
        let command = command_of(caller, asked);
        let keys = match self
            .vault
            .keys(
                &self.municipality,
                sealing::subjects(&events, asked, pictures),
            )
            .await
        {
            Ok(keys) => keys,
            // Erased since this command came first; or the number's former owner was.
            Err(VaultError::Erased(_)) => return self.known(&command, stream).await,
            Err(problem) => return Err(no_key(problem)),
        };
        let files = sealing::seal_files(&events, asked.command_id, pictures, &keys);
        let files = files.map_err(no_key)?;
        self.vault
            .keep_files(&self.municipality, &files.sealed)
            .await
            .map_err(no_key)?;
        let writes = writes(asked, &events, &keys, &files)?;
        match self.ledger.append(&command, writes).await {
            Ok(reply) if reply.replayed => replayed(&reply),
            Ok(reply) => Ok(Outcome::Recorded(events, reply.last_position)),
            Err(AppendError::Stale) => self.known(&command, stream).await,
            Err(error @ (AppendError::CommandReused | AppendError::Failed(_))) => Err(error.into()),
        }
    }

    /// What this command recorded before; or that its stream belongs to another one.
    async fn known(&self, command: &LedgerCommand, stream: &str) -> Result<Outcome, Status> {
        let reply = self
            .ledger
            .read_stream_for(stream, command)
            .await
            .map_err(AppendError::from)?;
        if let Some(recorded) = reply.recorded {
            return replayed(&recorded);
        }
        match reply.events.first() {
            // The ledger keeps a command's id for a while only; the stream keeps it for ever.
            Some(first) if recorded_by(first, command.id) => Ok(Outcome::Recorded(
                our_events(&reply.events)?,
                first.position,
            )),
            Some(_) => Ok(Outcome::Taken),
            None => Err(Status::aborted(
                "somebody else wrote to the same streams; try again",
            )),
        }
    }
}

/// Where exactly it is becomes personal: only its cell stays among the facts.
fn seal_point(asked: &mut Asked<NewRequest>) {
    let place = mem::take(&mut asked.facts.place);
    if let Some((latitude, longitude)) = place.point {
        let point = Plain::from(format!("{latitude},{longitude}"));
        asked.request.put("point", point);
    }
    asked.facts.place = place.coarsened();
}

/// A registration as the ledger knows it.
fn command_of<F>(caller: &Caller, asked: &Asked<F>) -> LedgerCommand {
    LedgerCommand {
        id: asked.command_id,
        fingerprint: asked.fingerprint,
        correlation_id: asked.command_id,
        causation_id: None,
        actor: caller.actor.clone(),
    }
}

fn decide(situation: Registration, command: Command) -> Result<Vec<Event>, Status> {
    let _span = tracing::info_span!("intake.decide").entered();
    situation.decide(command).map_err(refused)
}

/// All events of a command, each for its own new stream.
fn writes<F>(
    asked: &Asked<F>,
    events: &[Event],
    keys: &Keyring,
    files: &SealedFiles,
) -> Result<Vec<StreamWrite>, Status> {
    let write = |(index, decided): (usize, &Event)| {
        let id = event::id(asked.command_id, index);
        let personal = sealing::seal(decided, id, asked, keys).map_err(no_key)?;
        let (stream, stored) = message(decided, id, asked.occurred_at, personal, files.named());
        Ok(StreamWrite {
            stream,
            expected_version: 0,
            events: vec![stored],
        })
    };
    events.iter().enumerate().map(write).collect()
}

fn replayed(reply: &AppendReply) -> Result<Outcome, Status> {
    Ok(Outcome::Recorded(
        our_events(&reply.events)?,
        reply.last_position,
    ))
}

fn our_events(stored: &[Stored]) -> Result<Vec<Event>, Status> {
    let ours = stored.iter().filter_map(|it| decode(it).transpose());
    ours.map(|it| it.map(|it| it.event).map_err(unreadable))
        .collect()
}

/// The same command id, for something of another kind.
fn reused() -> Status {
    chassis::refuse(
        Code::AlreadyExists,
        "command_id",
        "was used before with other content",
    )
}

fn text(person: Option<PersonId>) -> String {
    person.map(|it| it.uuid().to_string()).unwrap_or_default()
}

/// The number that a command tries: its own digits, in no order, so that nobody can count a city's requests.
fn number_of(command_id: Uuid, at: Timestamp, attempt: u32) -> RequestNumber {
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(command_id.as_bytes());
    hash.update(&attempt.to_be_bytes());
    let digest = hash.finish();
    let bits = digest
        .as_ref()
        .first_chunk()
        .map_or(0, |it| u64::from_be_bytes(*it));
    let digits = u32::try_from(bits % 100_000_000).expect("eight digits fit");
    RequestNumber::new(year_of(at), digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Place;

    /// A cell is the same for all points in it, and says of none of them where it is.
    #[test]
    fn a_point_is_known_by_its_cell_only() {
        let cell = |point| {
            let place = Place {
                point: Some(point),
                district: "Merkez".to_owned(),
                ..Place::default()
            };
            let coarse = place.coarsened();
            assert!(coarse.coarse && coarse.district == "Merkez");
            coarse.point.unwrap()
        };
        let near = |(lat, long): (f64, f64), (south, west): (f64, f64)| {
            (lat - south).abs() < 1e-9 && (long - west).abs() < 1e-9
        };
        for point in [(39.920_001, 32.859_999), (39.929_99, 32.850_01)] {
            assert!(near(cell(point), (39.925, 32.855)), "{point:?}");
        }
        assert!(near(cell((-0.001, -70.123_4)), (-0.005, -70.125)));
        assert!(!Place::default().coarsened().coarse);
    }

    #[test]
    fn a_command_tries_the_same_numbers_again() {
        let command = Uuid::from_u128(1);
        let at = "2026-11-21T12:00:00Z".parse().unwrap();
        assert_eq!(number_of(command, at, 0), number_of(command, at, 0));
        assert_ne!(number_of(command, at, 0), number_of(command, at, 1));
        assert_ne!(
            number_of(command, at, 0),
            number_of(Uuid::from_u128(2), at, 0)
        );
        assert!(number_of(command, at, 0).as_str().starts_with("2026-"));
    }
}
