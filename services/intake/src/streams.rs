//! How our streams and subjects are named, and which UUIDs our ids are outside.

use uuid::Uuid;
use vault::Subject;
use vocabulary::RequestNumber;

use crate::domain::{Belonging, ContactId, Imported, PersonId, Whose};

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
        }
    }

    /// Where erasing it is recorded.
    pub(crate) fn stream(&self) -> String {
        match self {
            Self::Person(person) => format!("erasure-{}", person.uuid()),
            Self::Request(number) => format!("erasure-{number}"),
        }
    }
}
