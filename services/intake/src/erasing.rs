//! Erases personal data: an order in the log, then the keys, then the record that they are gone.
//!
//! Whoever dies in between leaves an order without a record; the reaction in `reaction.rs` finishes it. Every step may come
//! again: a destroyed key stays destroyed, and the record of an order is one command.

mod hard;

use std::{collections::BTreeSet, future, sync::Arc, time::Duration};

use chassis::{
    Caller, Clock, Command, Ledger, Platform, Storable as _, event, execute, reactions::caused_by,
    refuse, violations,
};
use contracts::{
    intake::v1::{
        ContactRegistered, ErasePersonReply, PersonRecorded, PersonalDataErased, RequestRegistered,
    },
    ledger::v1::{Event as Stored, NewEvent},
};
use decider::Decider as _;
use jiff::Timestamp;
use tonic::{Code, Status};
use uuid::Uuid;
use vault::Vault;
use vocabulary::{Municipality, RequestNumber};

use crate::{
    desk::{Desk, no_key, unreadable},
    domain::{
        Belonging, ContactId, Erasure, ErasureCommand, ErasureEvent, ErasureRejection, Event,
        HoldId, PersonId, Whose,
    },
    lookup::unknown_number,
    wire::{self, EraseAsked, Wish},
};

/// How long a key store or a ledger that is away is left alone.
const PAUSE: Duration = Duration::from_millis(500);

/// Destroys the keys of one municipality, by order.
#[derive(Clone)]
pub(crate) struct Erasures {
    municipality: Municipality,
    ledger: Ledger,
    vault: Arc<Vault>,
    clock: Clock,
    actor: String,
}

impl Erasures {
    pub(crate) fn new(platform: &Platform, municipality: &Municipality, vault: Arc<Vault>) -> Self {
        Self {
            municipality: municipality.clone(),
            ledger: platform.ledger(municipality),
            vault,
            clock: platform.clock.clone(),
            actor: platform.system(municipality).actor,
        }
    }

    /// Destroys again what the log says is destroyed: a key store that was restored has such keys once more. Waits for a
    /// ledger and a key store that start at the same time, until the process stops.
    pub(crate) async fn hold(&self, platform: &Platform) -> anyhow::Result<()> {
        let part = format!("erasures of {}", self.municipality);
        platform
            .health
            .not_ready(&part, "are held against the key store");
        loop {
            match self.hold_once().await {
                Ok(0) => break,
                Ok(keys) => {
                    tracing::warn!(
                        keys,
                        "{keys} destroyed keys had come back, and were destroyed again"
                    );
                    break;
                }
                Err(status) if platform.tasks.is_stopping() => {
                    anyhow::bail!("the erasures were not held against the key store: {status}")
                }
                Err(status) => {
                    tracing::warn!(error = %status, "the erasures cannot be held against the key store yet");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        platform.health.ready(&part);
        Ok(())
    }

    /// How many keys had come back.
    async fn hold_once(&self) -> Result<usize, Status> {
        let recorded = self.ledger.history(wire::ERASURES).await?;
        let gone = self.vault.destroyed(&self.municipality, 0).await;
        let gone: BTreeSet<_> = gone.map_err(no_key)?.into_iter().collect();
        let erased: BTreeSet<_> = recorded.iter().flat_map(wire::erased).collect();
        let back: Vec<_> = erased.difference(&gone).collect();
        for subject in &back {
            let destroyed = self
                .vault
                .destroy(&self.municipality, subject, self.clock.micros());
            destroyed.await.map_err(no_key)?;
        }
        Ok(back.len())
    }

    /// Carries out an order; where the key store or the ledger is away, as soon as they are back.
    pub(crate) async fn carry_out_surely(&self, order: &Stored) -> Result<(), Status> {
        loop {
            match self.carry_out(order).await {
                Err(status) if status.code() == Code::Unavailable => {
                    tracing::warn!(error = %status, "an erasure that was ordered waits");
                    tokio::time::sleep(PAUSE).await;
                }
                outcome => return outcome,
            }
        }
    }

    /// Destroys the keys that an order names, and records it.
    pub(crate) async fn carry_out(&self, order: &Stored) -> Result<(), Status> {
        let Some(wire::Ordered {
            whose,
            of,
            ground,
            by,
            hard,
        }) = wire::ordered(order).map_err(|it| unreadable(it.into()))?
        else {
            return Ok(());
        };
        for belonging in &of {
            let subject = belonging.subject();
            let destroyed = self
                .vault
                .destroy(&self.municipality, &subject, self.clock.micros());
            destroyed.await.map_err(no_key)?;
        }
        if let Some(reference) = &hard {
            self.take_out(order, &whose, ground, reference).await?;
        }
        let order_id = event::event_id(order);
        let command_id = Uuid::new_v5(&order_id, b"intake.erasures");
        // The order says it all.
        let fingerprint = event::fingerprint(&PersonalDataErased {
            of: order_id.to_string(),
            ..PersonalDataErased::default()
        });
        let command = caused_by(order, command_id, fingerprint, self.actor.clone());
        let decision = ErasureCommand::Record {
            destroyed: of,
            ground,
            by,
            hard,
        };
        self.execute(&whose, &command, decision).await?;
        tracing::info!("personal data was erased");
        Ok(())
    }

    /// Decides on the stream of an erasure; gives the position of what was recorded.
    pub(crate) async fn execute(
        &self,
        whose: &Whose,
        command: &Command,
        decision: ErasureCommand,
    ) -> Result<u64, Status> {
        let (id, of, now) = (command.id, whose.clone(), self.clock.now());
        let encode =
            move |events: &[ErasureEvent]| future::ready(Ok(encoded(id, &of, events, now)));
        let executed =
            execute::<Erasure>(&self.ledger, &whose.stream(), command, 0, decision, encode).await;
        Ok(executed
            .map_err(|error| error.into_status(refused))?
            .position)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether it was ordered to erase a person.
    pub(crate) async fn are_ordered_of(&self, person: PersonId) -> Result<bool, Status> {
        let stream = Whose::Person(person).stream();
        let state = state(&self.ledger.read_stream(&stream).await?)?;
        Ok(state.is_ordered(&Belonging::Person(person)))
    }
}

fn encoded(
    command_id: Uuid,
    whose: &Whose,
    events: &[ErasureEvent],
    now: Timestamp,
) -> Vec<NewEvent> {
    let events = events.iter().enumerate();
    let encode = |(at, it)| wire::erasure_event(event::id(command_id, at), whose, it, now);
    events.map(encode).collect()
}

fn refused(rejection: ErasureRejection) -> Status {
    match rejection {
        ErasureRejection::NotOrdered => Status::internal(rejection.to_string()),
        ErasureRejection::Held(hold, of) => held(hold, &of),
        ErasureRejection::ErasedAlready => {
            refuse(Code::FailedPrecondition, "of", "is erased already")
        }
        ErasureRejection::NoSuchHold => {
            refuse(Code::NotFound, "hold", "is none that is in force on it")
        }
        ErasureRejection::WhichHold(holds) => {
            let holds: Vec<String> = holds.iter().map(|it| it.uuid().to_string()).collect();
            let problem = format!("is missing, and several are on it: {}", holds.join(", "));
            refuse(Code::FailedPrecondition, "hold", &problem)
        }
    }
}

/// Whoever wants to erase it is told by whom to ask: by the name of the hold.
fn held(hold: HoldId, of: &Belonging) -> Status {
    let problem = format!(
        "{} is on {}: nothing of it can be erased until it is released",
        hold.uuid(),
        of.subject()
    );
    refuse(Code::FailedPrecondition, "hold", &problem)
}

/// Whether a refusal says that something is on hold.
pub(crate) fn is_held(status: &Status) -> bool {
    status.code() == Code::FailedPrecondition
        && violations(status).iter().any(|(field, _)| field == "hold")
}

impl Desk {
    /// Erases somebody's personal data, or tells what it would be. Whatever was ordered before and has no record is finished.
    pub(crate) async fn erase(
        &self,
        caller: &Caller,
        asked: EraseAsked,
    ) -> Result<ErasePersonReply, Status> {
        let EraseAsked { whose, hard, wish } = asked;
        let found = self.belongings(&whose).await?;
        let now = state(&self.ledger.read_stream(&whose.stream()).await?)?;
        self.no_note_is_on_hold(&now.unordered(found.clone(), hard), &whose)
            .await?;
        let mut pending = BTreeSet::new();
        match wish {
            Wish::Look => {
                pending = now.orderable(found, hard).map_err(refused)?;
            }
            Wish::Erase {
                command_id,
                fingerprint,
                ground,
                hard,
            } => {
                let command = Command {
                    id: command_id,
                    fingerprint,
                    correlation_id: command_id,
                    causation_id: None,
                    actor: caller.actor.clone(),
                };
                let order = ErasureCommand::Order {
                    found,
                    ground,
                    by: None,
                    hard,
                };
                self.erasures.execute(&whose, &command, order).await?;
                for order in self.ledger.read_stream(&whose.stream()).await? {
                    self.erasures.carry_out(&order).await?;
                }
            }
        }
        let stream = self.ledger.read_stream(&whose.stream()).await?;
        wire::erasures(&whose, &pending, &stream).map_err(|it| unreadable(it.into()))
    }

    /// Everything of theirs that has a key.
    pub(crate) async fn belongings(&self, whose: &Whose) -> Result<BTreeSet<Belonging>, Status> {
        match whose {
            Whose::Person(person) => self.of_person(*person).await,
            Whose::Request(number) => self.of_request(number).await,
            Whose::Contact(contact) => Ok(BTreeSet::from([Belonging::Contact(*contact)])),
        }
    }

    /// A person, and every contact and request that names them.
    async fn of_person(&self, person: PersonId) -> Result<BTreeSet<Belonging>, Status> {
        let events = self.ledger.history(person.subject().as_str()).await?;
        let (mut found, mut contacts) = (BTreeSet::new(), BTreeSet::new());
        for stored in events.iter().filter(|it| is_registration(it)) {
            match self.own(stored)? {
                Some(Event::PersonRecorded(citizen)) if citizen.person == person => {
                    found.insert(Belonging::Person(person));
                }
                Some(Event::ContactRegistered {
                    contact,
                    person: Some(named),
                    ..
                }) if named == person => {
                    found.insert(Belonging::Contact(contact));
                }
                Some(Event::RequestRegistered {
                    number,
                    contact,
                    person: Some(named),
                    ..
                }) if named == person => {
                    found.insert(Belonging::Request(number));
                    contacts.insert(contact);
                }
                Some(
                    Event::PersonRecorded(_)
                    | Event::ContactRegistered { .. }
                    | Event::RequestRegistered { .. },
                )
                | None => {}
            }
        }
        if found.is_empty() {
            return Err(refuse(
                Code::NotFound,
                "person",
                "is not the pseudonym of anybody recorded here",
            ));
        }
        for contact in contacts {
            if self.is_nobodys(contact).await? {
                found.insert(Belonging::Contact(contact));
            }
        }
        Ok(found)
    }

    /// A request that nobody is known of, and the contact it came up in.
    async fn of_request(&self, number: &RequestNumber) -> Result<BTreeSet<Belonging>, Status> {
        let Event::RequestRegistered {
            contact, person, ..
        } = self.registration(number).await?.event
        else {
            return Err(unknown_number());
        };
        if let Some(person) = person {
            let problem = format!("belongs to person {}: erase that person", person.uuid());
            return Err(refuse(Code::FailedPrecondition, "number", &problem));
        }
        let mut found = BTreeSet::from([Belonging::Request(number.clone())]);
        if self.is_nobodys(contact).await? {
            found.insert(Belonging::Contact(contact));
        }
        Ok(found)
    }

    /// Refuses where somebody else's request that came of one of these contacts is on hold, and keeps the contact's note by it. It
    /// stands in another stream than the order, so a hold that is placed at the same moment is not seen here.
    async fn no_note_is_on_hold(
        &self,
        found: &BTreeSet<Belonging>,
        but: &Whose,
    ) -> Result<(), Status> {
        for belonging in found {
            let Belonging::Contact(contact) = belonging else {
                continue;
            };
            if !self.is_nobodys(*contact).await? {
                continue;
            }
            for whose in self.whose_requests(*contact).await? {
                if whose == *but {
                    continue;
                }
                let state = state(&self.ledger.read_stream(&whose.stream()).await?)?;
                if let Some((hold, of)) = state.a_hold() {
                    return Err(held(hold, of));
                }
            }
        }
        Ok(())
    }

    /// In whose erasures the requests stand that came of a contact.
    async fn whose_requests(&self, contact: ContactId) -> Result<Vec<Whose>, Status> {
        let history = self.ledger.history(contact.subject().as_str()).await?;
        let mut found = Vec::new();
        for stored in history.iter().filter(|it| is_registration(it)) {
            if let Some(Event::RequestRegistered { number, person, .. }) = self.own(stored)? {
                found.push(person.map_or(Whose::Request(number), Whose::Person));
            }
        }
        Ok(found)
    }

    /// Whether a contact names nobody: what was noted down in it belongs to whose request came up in it.
    async fn is_nobodys(&self, contact: ContactId) -> Result<bool, Status> {
        let history = self.history(&contact.stream()).await?;
        let nobodys = |it: &Event| matches!(it, Event::ContactRegistered { person: None, .. });
        Ok(history.iter().any(|it| nobodys(&it.event)))
    }

    fn own(&self, stored: &Stored) -> Result<Option<Event>, Status> {
        let decoded = wire::decode(stored).map_err(unreadable)?;
        Ok(decoded.map(|it| it.event))
    }
}

fn is_registration(stored: &Stored) -> bool {
    event::is::<PersonRecorded>(stored)
        || event::is::<ContactRegistered>(stored)
        || event::is::<RequestRegistered>(stored)
}

fn state(stream: &[Stored]) -> Result<Erasure, Status> {
    let decoded: Result<Vec<_>, _> = stream.iter().map(Erasure::decode).collect();
    let decoded = decoded.map_err(|it| unreadable(it.into()))?;
    Ok(Erasure::replay(decoded.into_iter().flatten()))
}
