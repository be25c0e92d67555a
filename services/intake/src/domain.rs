//! What it takes to register a contact and a request.
//!
//! A contact is somebody who turned to the centre; any number of requests come of it. A request either names the contact
//! it came up in, or is its own. Only facts are decided here: what a citizen wrote is sealed around the decision. How
//! personal data is erased is decided in `domain/erasure.rs`, when its time is over in `domain/retention.rs`, and what citizens
//! are told about it in `domain/notice.rs`.

mod erasure;
mod notice;
mod retention;

use decider::Decider;
use jiff::{Timestamp, tz::TimeZone};
use vocabulary::{Channel, Language, RequestNumber, TopicCode};

pub(crate) use erasure::{
    Belonging, ByRule, Erasure, ErasureCommand, ErasureEvent, ErasureRejection, Ground, Hold,
    HoldGround, HoldId, Whose,
};
pub(crate) use notice::{NoticeEvent, Published, Telling, Wording};
pub(crate) use retention::{
    Counts, Dossier, Due, Keep, KeptContact, KeptRequest, Reference, RetentionGround, Rule,
    RuleCommand, RuleEvent, RuleInForce, RunCommand, RunEvent, RunId, RunRejection, Runs, Scope,
    Standing, due, is_time,
};

/// What the log says about the contact and the number at hand.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum Registration {
    /// Nothing.
    #[default]
    Unheard,
    /// The contact took place.
    InContact { citizen: Option<Citizen> },
    /// The contact took place, and whom it was with was to be erased since.
    Erased,
    /// The number belongs to a request.
    Taken,
}

/// A contact; 128 bits that are a UUID outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ContactId(pub(crate) u128);

/// The pseudonym of a citizen; 128 bits that are a UUID outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PersonId(pub(crate) u128);

/// What may be told of a citizen without saying who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Citizen {
    pub(crate) person: PersonId,
    pub(crate) language: Language,
    pub(crate) has_email: bool,
    pub(crate) has_phone: bool,
}

/// Where the problem is, as far as it is no one's address.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Place {
    /// Latitude and longitude, WGS 84 degrees.
    pub(crate) point: Option<(f64, f64)>,
    /// The point is the middle of its cell, and nobody's home.
    pub(crate) coarse: bool,
    pub(crate) district: String,
    pub(crate) neighbourhood: String,
}

impl Place {
    /// The same place, known to a cell of a hundredth of a degree: about a kilometre wide, so that hundreds live in it.
    pub(crate) fn coarsened(self) -> Self {
        let middle = |degrees: f64| ((degrees * 100.0).floor() + 0.5) / 100.0;
        Self {
            coarse: self.point.is_some(),
            point: self.point.map(|(lat, long)| (middle(lat), middle(long))),
            ..self
        }
    }
}

/// The answer to a question that offers a list, by the keys of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) attribute: String,
    pub(crate) keys: Vec<String>,
}

/// What came from another system's export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Imported {
    pub(crate) source: String,
    pub(crate) source_id: String,
    pub(crate) agency: String,
    pub(crate) status: String,
    /// When the source's own service standard wanted it done.
    pub(crate) due_at: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NewContact {
    pub(crate) contact: ContactId,
    pub(crate) channel: Channel,
    pub(crate) citizen: Option<Citizen>,
    pub(crate) social_network: String,
    pub(crate) imported: Option<Imported>,
    pub(crate) notice: Telling,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NewRequest {
    pub(crate) origin: Origin,
    pub(crate) channel: Channel,
    pub(crate) topic: TopicCode,
    pub(crate) place: Place,
    pub(crate) citizen: Option<Citizen>,
    /// The language asked for, where one was.
    pub(crate) language: Option<Language>,
    pub(crate) imported: Option<Imported>,
    pub(crate) choices: Vec<Choice>,
    pub(crate) notice: Telling,
}

/// The contact a request came up in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// One that was registered before.
    Contact(ContactId),
    /// The request itself is the contact.
    Itself {
        contact: ContactId,
        social_network: String,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Command {
    RegisterContact(NewContact),
    RegisterRequest {
        number: RequestNumber,
        request: NewRequest,
    },
}

/// These names are stored for ever. Add variants; never rename or reuse one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Event {
    PersonRecorded(Citizen),
    ContactRegistered {
        contact: ContactId,
        channel: Channel,
        person: Option<PersonId>,
        social_network: String,
        imported: Option<Imported>,
        /// The version that was told.
        notice: Option<u64>,
    },
    RequestRegistered {
        number: RequestNumber,
        contact: ContactId,
        channel: Channel,
        topic: TopicCode,
        place: Place,
        person: Option<PersonId>,
        language: Language,
        reachable_by_email: bool,
        imported: Option<Imported>,
        choices: Vec<Choice>,
        notice: Option<u64>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Rejection {
    #[error("no such contact was registered")]
    UnknownContact,
    #[error("whom this contact was with was erased")]
    ContactErased,
    #[error("this contact was registered before")]
    ContactTaken,
    #[error("this number belongs to another request")]
    NumberTaken,
    #[error("no such version of the notice was published for this channel")]
    UnknownNotice,
}

type Decision = Result<Vec<Event>, Rejection>;

impl Decider for Registration {
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: Command) -> Decision {
        match command {
            Command::RegisterContact(contact) => self.register_contact(contact),
            Command::RegisterRequest { number, request } => self.register_request(number, request),
        }
    }

    fn evolve(self, event: Event) -> Self {
        match event {
            Event::PersonRecorded(citizen) => self.knowing(citizen),
            Event::ContactRegistered { person, .. } => Self::InContact {
                citizen: person.map(Citizen::unknown),
            },
            Event::RequestRegistered { .. } => Self::Taken,
        }
    }
}

/// Decisions.
impl Registration {
    fn register_contact(&self, new: NewContact) -> Decision {
        match self {
            Self::Unheard => new.events(),
            Self::InContact { .. } | Self::Erased => Err(Rejection::ContactTaken),
            Self::Taken => Err(Rejection::NumberTaken),
        }
    }

    fn register_request(&self, number: RequestNumber, new: NewRequest) -> Decision {
        match (self, new.origin.clone()) {
            (Self::Unheard, Origin::Contact(_)) => Err(Rejection::UnknownContact),
            (
                Self::Unheard,
                Origin::Itself {
                    contact,
                    social_network,
                },
            ) => {
                let came_by = NewContact {
                    contact,
                    channel: new.channel,
                    citizen: new.citizen,
                    social_network,
                    imported: new.imported.clone(),
                    notice: new.notice,
                };
                let mut events = came_by.events()?;
                events.push(new.registered(number, contact, None)?);
                Ok(events)
            }
            (Self::InContact { citizen }, Origin::Contact(contact)) => {
                let mut events: Vec<Event> =
                    new.citizen.map(Event::PersonRecorded).into_iter().collect();
                events.push(new.registered(number, contact, *citizen)?);
                Ok(events)
            }
            (Self::Erased, Origin::Contact(_)) => Err(Rejection::ContactErased),
            (Self::InContact { .. } | Self::Erased, Origin::Itself { .. }) => {
                Err(Rejection::ContactTaken)
            }
            (Self::Taken, Origin::Contact(_) | Origin::Itself { .. }) => {
                Err(Rejection::NumberTaken)
            }
        }
    }
}

/// Transitions.
impl Registration {
    /// What is left when whom the contact was with is to be erased.
    pub(crate) fn erased(self) -> Self {
        match self {
            Self::InContact { citizen: Some(_) } => Self::Erased,
            Self::Unheard | Self::InContact { citizen: None } | Self::Erased | Self::Taken => self,
        }
    }

    /// Only the contact's own citizen matters.
    fn knowing(self, citizen: Citizen) -> Self {
        match self {
            Self::InContact {
                citizen: Some(known),
            } if known.person == citizen.person => Self::InContact {
                citizen: Some(citizen),
            },
            Self::Unheard | Self::InContact { .. } | Self::Erased | Self::Taken => self,
        }
    }
}

impl NewContact {
    fn events(self) -> Decision {
        let notice = told(self.notice, self.imported.as_ref())?;
        let mut events: Vec<Event> = self
            .citizen
            .map(Event::PersonRecorded)
            .into_iter()
            .collect();
        events.push(Event::ContactRegistered {
            contact: self.contact,
            channel: self.channel,
            person: self.citizen.map(|it| it.person),
            social_network: self.social_network,
            imported: self.imported,
            notice,
        });
        Ok(events)
    }
}

impl NewRequest {
    /// `known` is who the contact was with, where nobody else is named.
    fn registered(
        self,
        number: RequestNumber,
        contact: ContactId,
        known: Option<Citizen>,
    ) -> Result<Event, Rejection> {
        let citizen = self.citizen.or(known);
        Ok(Event::RequestRegistered {
            number,
            contact,
            channel: self.channel,
            topic: self.topic,
            place: self.place,
            person: citizen.map(|it| it.person),
            language: self
                .language
                .or(citizen.map(|it| it.language))
                .unwrap_or(Language::Tr),
            reachable_by_email: citizen.is_some_and(|it| it.has_email),
            notice: told(self.notice, self.imported.as_ref())?,
            imported: self.imported,
            choices: self.choices,
        })
    }
}

/// What was told where an import comes from is not known here.
fn told(notice: Telling, imported: Option<&Imported>) -> Result<Option<u64>, Rejection> {
    match imported {
        Some(_) => Ok(None),
        None => notice.told(),
    }
}

impl Citizen {
    /// Somebody of whom only the pseudonym is known.
    fn unknown(person: PersonId) -> Self {
        Self {
            person,
            language: Language::Tr,
            has_email: false,
            has_phone: false,
        }
    }
}

/// The year of a request's number: that on the wall of the centre.
pub(crate) fn year_of(at: Timestamp) -> u16 {
    u16::try_from(at.to_zoned(istanbul()).year()).unwrap_or_default()
}

/// What the wall of the centre shows.
fn istanbul() -> TimeZone {
    // Istanbul has been at +03 all year since 2016; only a machine without a time zone database needs to know.
    TimeZone::get("Europe/Istanbul").unwrap_or_else(|_| TimeZone::fixed(jiff::tz::offset(3)))
}

#[cfg(test)]
mod tests;
