//! How our streams and subjects are named, and which UUIDs our ids are outside.

use uuid::Uuid;
use vault::Subject;
use vocabulary::{Channel, RequestNumber, TopicCode};

use crate::domain::{Belonging, ContactId, HoldId, Imported, PersonId, RunId, Scope, Whose};

/// Where the runs of the retention rules are recorded.
pub(crate) const RUNS: &str = "destruction-runs";

/// How the stream of a rule is called: that of a topic, with its code behind, and the default.
const RULE_OF_TOPIC: &str = "retention-topic-";
const RULE_OF_OTHERS: &str = "retention-default";

impl From<Uuid> for ContactId {
    fn from(id: Uuid) -> Self {
        Self(id.as_u128())
    }
}

impl From<Uuid> for PersonId {
    fn from(id: Uuid) -> Self {
        Self(id.as_u128())
    }
}

impl From<Uuid> for HoldId {
    fn from(id: Uuid) -> Self {
        Self(id.as_u128())
    }
}

impl From<Uuid> for RunId {
    fn from(id: Uuid) -> Self {
        Self(id.as_u128())
    }
}

impl HoldId {
    pub(crate) fn uuid(self) -> Uuid {
        Uuid::from_u128(self.0)
    }
}

impl RunId {
    pub(crate) fn uuid(self) -> Uuid {
        Uuid::from_u128(self.0)
    }

    /// Names everything that was done by this run.
    pub(crate) fn subject(self) -> String {
        format!("destruction:{}", self.uuid())
    }
}

/// The stream of a rule, which is what it is called.
pub(crate) fn of_rule(scope: &Scope) -> String {
    match scope {
        Some(topic) => format!("{RULE_OF_TOPIC}{topic}"),
        None => RULE_OF_OTHERS.to_owned(),
    }
}

/// The stream of a channel's notices.
pub(crate) fn of_notice(channel: Channel) -> String {
    format!("notice-{}", channel.code())
}

/// What a rule of this name is for.
pub(crate) fn scope_of(rule: &str) -> Option<Scope> {
    if rule == RULE_OF_OTHERS {
        return Some(None);
    }
    let topic: TopicCode = rule.strip_prefix(RULE_OF_TOPIC)?.parse().ok()?;
    Some(Some(topic))
}

impl ContactId {
    pub(crate) fn uuid(self) -> Uuid {
        Uuid::from_u128(self.0)
    }

    pub(crate) fn stream(self) -> String {
        format!("contact-{}", self.uuid())
    }

    pub(crate) fn subject(self) -> Subject {
        Subject::contact(self.uuid())
    }
}

impl PersonId {
    pub(crate) fn uuid(self) -> Uuid {
        Uuid::from_u128(self.0)
    }

    pub(crate) fn stream(self) -> String {
        format!("person-{}", self.uuid())
    }

    pub(crate) fn subject(self) -> Subject {
        Subject::person(self.uuid())
    }
}

impl Imported {
    /// Names the request by what it was called where it came from: `import:<source>/<id>`.
    pub(crate) fn subject(&self) -> String {
        format!("import:{}/{}", self.source, self.source_id)
    }
}

/// The stream of a request.
pub(crate) fn of_request(number: &RequestNumber) -> String {
    format!("request-{number}")
}

impl Belonging {
    pub(crate) fn subject(&self) -> Subject {
        match self {
            Self::Person(person) => person.subject(),
            Self::Contact(contact) => contact.subject(),
            Self::Request(number) => Subject::request(number),
        }
    }

    /// What has this subject's key; `None` for keys that are not a citizen's.
    pub(crate) fn of(subject: &str) -> Option<Self> {
        let (kind, id) = subject.split_once(':')?;
        match kind {
            "person" => Some(Self::Person(id.parse::<Uuid>().ok()?.into())),
            "contact" => Some(Self::Contact(id.parse::<Uuid>().ok()?.into())),
            "request" => Some(Self::Request(id.parse().ok()?)),
            _ => None,
        }
    }
}

impl Whose {
    pub(crate) fn subject(&self) -> Subject {
        match self {
            Self::Person(person) => person.subject(),
            Self::Request(number) => Subject::request(number),
            Self::Contact(contact) => contact.subject(),
        }
    }

    /// The erasure in which a subject stands by itself; `None` for keys that are not a citizen's.
    pub(crate) fn of(subject: &str) -> Option<Self> {
        Some(match Belonging::of(subject)? {
            Belonging::Person(person) => Self::Person(person),
            Belonging::Request(number) => Self::Request(number),
            Belonging::Contact(contact) => Self::Contact(contact),
        })
    }

    /// Where erasing it is recorded.
    pub(crate) fn stream(&self) -> String {
        match self {
            Self::Person(person) => format!("erasure-{}", person.uuid()),
            Self::Request(number) => format!("erasure-{number}"),
            Self::Contact(contact) => format!("erasure-{}", contact.uuid()),
        }
    }
}
