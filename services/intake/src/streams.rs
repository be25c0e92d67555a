//! How our streams and subjects are named, and which UUIDs our ids are outside.

use uuid::Uuid;
use vault::Subject;
use vocabulary::RequestNumber;

use crate::domain::{ContactId, Imported, PersonId};

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
