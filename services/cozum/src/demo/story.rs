//! What happened in the demo city: decided entirely by the day it is told on and the directory, never by chance.

use jiff::{SignedDuration, Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use vocabulary::{Channel, Language, RequestState, SubResult};

use super::{
    city::{self, Person, Spot},
    random::Random,
    texts::{self, Topic},
    work::{self, Step},
};

/// How far back it goes.
pub(super) const DAYS: u32 = 90;
pub(super) const REQUESTS: u32 = 500;
/// Contacts that never became a request: more than half of all.
pub(super) const CONTACTS: u32 = 700;

/// The directory, as far as the story needs it.
#[derive(Debug, Clone)]
pub(super) struct Directory {
    /// Topics with the unit that answers for each, sorted.
    pub(super) topics: Vec<(Topic, String)>,
    /// Units of the municipality, sorted.
    pub(super) units: Vec<String>,
    /// Institutions outside, sorted.
    pub(super) outside: Vec<String>,
}

/// Somebody turned to the centre, and no request came of it.
pub(super) struct Contact {
    pub(super) actor: String,
    pub(super) channel: Channel,
    pub(super) person: Option<Person>,
    pub(super) note: String,
    pub(super) at: Timestamp,
}

/// A request and everything that was done with it.
pub(super) struct Request {
    pub(super) actor: String,
    pub(super) channel: Channel,
    pub(super) topic: String,
    pub(super) person: Option<Person>,
    pub(super) spot: Spot,
    pub(super) description: String,
    pub(super) at: Timestamp,
    /// It was brought along from an older system, and nobody has looked at it yet.
    pub(super) brought_along: bool,
    pub(super) steps: Vec<Step>,
}

const CHANNELS: &[(Channel, u32)] = &[
    (Channel::Phone, 44),
    (Channel::WhatsApp, 14),
    (Channel::App, 12),
    (Channel::Web, 11),
    (Channel::Desk, 6),
    (Channel::Cimer, 4),
    (Channel::Email, 3),
    (Channel::Social, 3),
    (Channel::Open311, 1),
    (Channel::Letter, 1),
    (Channel::Internal, 1),
];

/// What a city hears most about.
const FREQUENT: &[&str] = &[
    "pothole",
    "missed-collection",
    "stray-dog",
    "water-outage",
    "noise",
    "street-light-out",
    "pruning",
    "pavement-occupation",
    "bus-service",
    "container-full",
    "broken-pavement",
    "blocked-sewer",
    "pest-control",
];

/// When people call: the hour, and how often.
const HOURS: &[(i8, u32)] = &[
    (0, 1),
    (7, 3),
    (8, 7),
    (9, 12),
    (10, 13),
    (11, 11),
    (12, 8),
    (13, 8),
    (14, 10),
    (15, 10),
    (16, 9),
    (17, 7),
    (18, 6),
    (19, 5),
    (20, 4),
    (21, 3),
    (22, 2),
    (23, 1),
];

/// Where it stands, by the remainder of fifty; the rest is concluded.
const ENDINGS: &[(RequestState, u32)] = &[
    (RequestState::Registered, 1),
    (RequestState::Routed, 4),
    (RequestState::Returned, 2),
    (RequestState::Accepted, 4),
    (RequestState::Assigned, 4),
    (RequestState::InProgress, 5),
    (RequestState::Planned, 4),
    (RequestState::Referred, 3),
    (RequestState::Reopened, 2),
    (RequestState::WaitingCitizen, 1),
];

const CONCLUSIONS: [SubResult; 21] = [
    SubResult::Solved,
    SubResult::InformationGiven,
    SubResult::Duplicate,
    SubResult::Solved,
    SubResult::Refused,
    SubResult::Solved,
    SubResult::InformationGiven,
    SubResult::OutOfAuthority,
    SubResult::Solved,
    SubResult::PartlySolved,
    SubResult::Solved,
    SubResult::NotFound,
    SubResult::Solved,
    SubResult::InformationGiven,
    SubResult::Solved,
    SubResult::Unfounded,
    SubResult::Solved,
    SubResult::InformationGiven,
    SubResult::Solved,
    SubResult::BeforeCourt,
    SubResult::Solved,
];

/// The calendar of the story: everything happens in the days before `day`, on the wall clock of the city.
#[derive(Debug, Clone)]
pub(super) struct Calendar {
    pub(super) day: Date,
    pub(super) zone: TimeZone,
}

impl Calendar {
    /// The instant of a time of day, so many days ago.
    pub(super) fn ago(&self, days: u32, hour: i8, minute: i8, second: i8) -> Timestamp {
        let date = self.day.saturating_sub(i64::from(days).days());
        let civil = date.at(hour, minute, second, 0);
        self.zone
            .to_timestamp(civil)
            .unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// The end of the story: the night before `day`.
    pub(super) fn end(&self) -> Timestamp {
        self.ago(1, 23, 59, 0)
    }

    fn some_time(&self, random: &mut Random, days: u32) -> Timestamp {
        let minute = i8::try_from(random.below(60)).unwrap_or(0);
        let second = i8::try_from(random.below(60)).unwrap_or(0);
        self.ago(days, random.weighted(HOURS), minute, second)
    }
}

/// The n-th contact; the first one lies at a fixed time, by which the day of the story is found again.
pub(super) fn contact(index: u32, calendar: &Calendar) -> Contact {
    let mut random = Random::new(0xc047_ac70_0000_0000 | u64::from(index));
    let days = random.between(1, DAYS - 1);
    let at = if index == 0 {
        first_at(calendar)
    } else {
        calendar.some_time(&mut random, days)
    };
    let channel = if random.percent(80) {
        Channel::Phone
    } else {
        random.weighted(CHANNELS)
    };
    Contact {
        actor: actor(&mut random, channel),
        channel,
        person: random.percent(25).then(|| city::person(&mut random)),
        note: texts::contact_note(&mut random),
        at,
    }
}

/// When the first contact happened.
pub(super) fn first_at(calendar: &Calendar) -> Timestamp {
    calendar.ago(DAYS, 8, 0, 0)
}

/// The day of the story whose first contact happened then.
pub(super) fn day_of_first(at: Timestamp, zone: &TimeZone) -> Date {
    zone.to_datetime(at)
        .date()
        .saturating_add(i64::from(DAYS).days())
}

/// The n-th request.
pub(super) fn request(index: u32, calendar: &Calendar, directory: &Directory) -> Request {
    let mut random = Random::new(0x4e9e_5700_0000_0000 | u64::from(index));
    let channel = match Channel::ALL.get(index as usize % 50) {
        // Every channel, also the rare ones.
        Some(channel) if index % 50 < 13 && index < 150 => *channel,
        Some(_) | None => random.weighted(CHANNELS),
    };
    let (topic, unit) = topic(&mut random, index, directory);
    let ending = ending(index);
    let days = age(&mut random, ending);
    let at = calendar.some_time(&mut random, days);
    let spot = city::spot(&mut random);
    let person = random.percent(55).then(|| city::person(&mut random));
    let language = person.as_ref().map_or(Language::Tr, |it| it.language);
    let description = texts::description(&mut random, topic, &spot, language);
    let steps = work::steps(
        &mut random,
        index,
        at,
        ending,
        conclusion(index),
        unit,
        directory,
        calendar,
    );
    Request {
        actor: actor(&mut random, channel),
        channel,
        topic: topic.code.clone(),
        person,
        spot,
        description,
        at,
        brought_along: ending == RequestState::Registered,
        steps,
    }
}

/// Each topic once, then mostly what a city hears most about.
fn topic<'a>(random: &mut Random, index: u32, directory: &'a Directory) -> (&'a Topic, &'a str) {
    let all = &directory.topics;
    let frequent = *random.pick(FREQUENT);
    let found = all.iter().find(|(it, _)| it.code == frequent);
    let (topic, unit) = match (all.get(index as usize), found) {
        (Some(each), _) => each,
        (None, Some(frequent)) if random.percent(65) => frequent,
        (None, Some(_) | None) => random.pick(all),
    };
    (topic, unit)
}

/// How the n-th request ends.
pub(super) fn ending(index: u32) -> RequestState {
    // A stride, so that neighbours differ.
    let mut slot = index * 7 % 50;
    for (state, times) in ENDINGS {
        if slot < *times {
            return *state;
        }
        slot -= times;
    }
    RequestState::Concluded
}

fn conclusion(index: u32) -> SubResult {
    CONCLUSIONS[index as usize % CONCLUSIONS.len()]
}

/// How many days ago it came: what is still open is mostly young.
fn age(random: &mut Random, ending: RequestState) -> u32 {
    let (from, to) = match ending {
        RequestState::Registered => (1, 4),
        RequestState::Routed => (1, 6),
        RequestState::Returned => (1, 10),
        RequestState::Accepted | RequestState::WaitingCitizen => (2, 15),
        RequestState::Assigned => (2, 20),
        RequestState::InProgress => (3, 40),
        RequestState::Planned | RequestState::Referred => (5, 60),
        RequestState::Concluded => (4, DAYS - 1),
        RequestState::Reopened => (10, 80),
    };
    random.between(from, to)
}

/// Who writes it down: the citizen, a program, or somebody of the desk.
fn actor(random: &mut Random, channel: Channel) -> String {
    match channel {
        Channel::Web | Channel::App | Channel::WhatsApp => "citizen".to_owned(),
        Channel::Open311 => "open311:demo".to_owned(),
        Channel::Phone
        | Channel::Desk
        | Channel::Email
        | Channel::Social
        | Channel::Fax
        | Channel::Letter
        | Channel::Cimer
        | Channel::Internal
        | Channel::Other => desk(random),
    }
}

/// Somebody of the solution desk.
pub(super) fn desk(random: &mut Random) -> String {
    format!("staff:cozum-masasi-{}", random.between(1, 9))
}

/// So many hours, to the minute.
pub(super) fn hours(random: &mut Random, from: u32, to: u32) -> SignedDuration {
    SignedDuration::from_mins(i64::from(random.between(from * 60, to * 60)))
}

#[cfg(test)]
#[path = "story_tests.rs"]
mod tests;
