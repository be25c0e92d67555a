use std::{fmt, str::FromStr};

use uuid::Uuid;
use vocabulary::{NotAWord, RequestNumber};

/// Whose key it is: `person:<uuid>`, `request:<number>`, `contact:<uuid>`, `staff:<code>` or `webhook:<uuid>`. The same
/// text names the subject in the log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject(String);

impl Subject {
    /// A citizen, by pseudonym.
    #[must_use]
    pub fn person(person: Uuid) -> Self {
        Self(format!("person:{person}"))
    }

    /// The free text of one request.
    #[must_use]
    pub fn request(number: &RequestNumber) -> Self {
        Self(format!("request:{number}"))
    }

    /// The free text of one contact.
    #[must_use]
    pub fn contact(contact: Uuid) -> Self {
        Self(format!("contact:{contact}"))
    }

    /// What a webhook is called with: its address and its secret.
    #[must_use]
    pub fn webhook(webhook: Uuid) -> Self {
        Self(format!("webhook:{webhook}"))
    }

    /// A member of staff, by the code they sign in with: 1–32 of `a-z 0-9 . -`.
    pub fn staff(code: &str) -> Result<Self, BadSubject> {
        let letter = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || b".-".contains(&it);
        if (1..=32).contains(&code.len()) && code.bytes().all(letter) {
            Ok(Self(format!("staff:{code}")))
        } else {
            Err(BadSubject)
        }
    }

    /// The word before the colon.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.0.split(':').next().unwrap_or_default()
    }

    /// The subject as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Subject {
    type Err = BadSubject;

    /// Takes only the one spelling that the constructors give.
    fn from_str(text: &str) -> Result<Self, BadSubject> {
        let (kind, id) = text.split_once(':').ok_or(BadSubject)?;
        let subject = match kind {
            "person" => Self::person(id.parse().map_err(|_: uuid::Error| BadSubject)?),
            "contact" => Self::contact(id.parse().map_err(|_: uuid::Error| BadSubject)?),
            "request" => Self::request(&id.parse().map_err(|_: NotAWord| BadSubject)?),
            "webhook" => Self::webhook(id.parse().map_err(|_: uuid::Error| BadSubject)?),
            "staff" => Self::staff(id)?,
            _ => return Err(BadSubject),
        };
        if subject.0 == text {
            Ok(subject)
        } else {
            Err(BadSubject)
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is no subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a subject is person:<uuid>, request:<number>, contact:<uuid>, staff:<code> or webhook:<uuid>"
)]
pub struct BadSubject;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_has_one_spelling() {
        for good in [
            "person:018f0000-0000-7000-8000-000000000001",
            "request:2026-48120937-7",
            "webhook:018f0000-0000-7000-8000-000000000001",
            "staff:a.yilmaz-2",
        ] {
            let number = RequestNumber::new(2026, 48_120_937);
            let good = if good.starts_with("request") {
                format!("request:{number}")
            } else {
                good.to_owned()
            };
            assert_eq!(good.parse::<Subject>().unwrap().as_str(), good);
        }
        let bare = RequestNumber::new(2026, 48_120_937)
            .to_string()
            .replace('-', "");
        for bad in [
            "",
            "person:",
            "person:x",
            "unit:fen-isleri",
            "staff:",
            "staff:Ayşe",
            "staff:a b",
            "staff:a:b",
            "staff:abcdefghijklmnopqrstuvwxyzabcdefg",
            "webhook:a",
            "person:018F0000-0000-7000-8000-00000000000A",
            &format!("request:{bare}"),
        ] {
            assert_eq!(bad.parse::<Subject>(), Err(BadSubject), "{bad}");
        }
    }
}
