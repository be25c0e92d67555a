//! Who works here, and which programs hold a key. Secrets reach a decision as their SHA-256, passwords not at all.

mod key;
mod member;
#[cfg(test)]
mod tests;

use std::{fmt, str::FromStr};

use jiff::Timestamp;

pub(crate) use key::{IssuedKey, Key, KeyCommand, KeyEvent, KeyRejection};
pub(crate) use member::{Member, MemberCommand, MemberEvent, MemberRejection, Profile};

/// The SHA-256 of a secret that only its holder knows.
pub(crate) type Digest = [u8; 32];

/// What somebody, or something, is called in the record: 1–32 of `a-z 0-9 . -`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Code(String);

impl Code {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The code that was meant where somebody typed it: capitals count as small letters, those of a Turkish keyboard too.
    pub(crate) fn typed(text: &str) -> Option<Self> {
        let plain = text.trim().chars().map(|it| match it {
            'İ' | 'I' | 'ı' => 'i',
            it => it.to_ascii_lowercase(),
        });
        plain.collect::<String>().parse().ok()
    }
}

impl FromStr for Code {
    type Err = NotACode;

    fn from_str(text: &str) -> Result<Self, NotACode> {
        let fits = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || b".-".contains(&it);
        if (1..=32).contains(&text.len()) && text.bytes().all(fits) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotACode)
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What cannot be a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("has 1 to 32 of a-z, 0-9, . and -")]
pub(crate) struct NotACode;

/// Whether a time was reached; `None` is never.
fn is_over(end: Option<Timestamp>, now: Timestamp) -> bool {
    end.is_some_and(|it| it <= now)
}

/// The only places that know how the streams are named.
pub(crate) fn staff_stream(code: &Code) -> String {
    format!("staff-{code}")
}

pub(crate) fn key_stream(code: &Code) -> String {
    format!("key-{code}")
}
