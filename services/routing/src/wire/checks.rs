use std::str::FromStr;

use chassis::Invalid;
use jiff::{SignedDuration, Timestamp, civil::Date};
use uuid::Uuid;
use vocabulary::{NotAWord, RequestNumber, TopicCode, UnitCode};

use crate::domain::{Assignee, When};

/// How far the caller's clock may be ahead of ours.
const SKEW: SignedDuration = SignedDuration::from_mins(5);
/// The longest note or answer, in characters.
const TEXT: usize = 4_000;

pub(super) fn command_id(text: &str, field: &str) -> Result<Uuid, Invalid> {
    match Uuid::parse_str(text) {
        Ok(id) if !id.is_nil() => Ok(id),
        Ok(_) | Err(_) if text.is_empty() => Err(Invalid::at(field, "is missing")),
        Ok(_) | Err(_) => Err(Invalid::at(field, "is not a UUID")),
    }
}

/// A request's number.
pub(crate) fn number(text: &str, field: &str) -> Result<RequestNumber, Invalid> {
    code(text, field)
}

/// A unit's code.
pub(crate) fn unit(text: &str, field: &str) -> Result<UnitCode, Invalid> {
    code(text, field)
}

pub(super) fn topic(text: &str, field: &str) -> Result<TopicCode, Invalid> {
    code(text, field)
}

fn code<T: FromStr<Err = NotAWord>>(text: &str, field: &str) -> Result<T, Invalid> {
    if text.is_empty() {
        return Err(Invalid::at(field, "is missing"));
    }
    text.parse().map_err(|problem| Invalid::at(field, problem))
}

/// A word of a closed list; 0 is none.
pub(super) fn required_word<T: TryFrom<i32, Error = NotAWord>>(
    number: i32,
    field: &str,
) -> Result<T, Invalid> {
    T::try_from(number).map_err(|problem| Invalid::at(field, problem))
}

/// A code is not a name: there is no room for "Ayşe Yılmaz" in what is never erased.
pub(super) fn assignee(text: &str) -> Result<Assignee, Invalid> {
    let fits = |it: char| it.is_ascii_alphanumeric() || "-_.:/".contains(it);
    match text.len() {
        0 => Err(Invalid::at("assignee", "is missing")),
        1..=64 if text.chars().all(fits) => Ok(Assignee(text.to_owned())),
        _ => Err(Invalid::at(
            "assignee",
            "is the code of a crew or of a member of staff: 1 to 64 of A-Z a-z 0-9 -_.:/",
        )),
    }
}

/// What people read.
pub(super) fn name(text: &str, field: &str) -> Result<String, Invalid> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Invalid::at(field, "is missing"));
    }
    if text.chars().count() > 200 || text.chars().any(char::is_control) {
        return Err(Invalid::at(field, "has 1 to 200 characters in one line"));
    }
    Ok(text.to_owned())
}

/// Free text; blanks alone say nothing.
pub(super) fn text(text: &str, field: &str) -> Result<String, Invalid> {
    if text.chars().count() > TEXT {
        return Err(Invalid::at(field, "is longer than 4,000 characters"));
    }
    Ok(if text.trim().is_empty() {
        String::new()
    } else {
        text.to_owned()
    })
}

/// An ISO date, written as ISO writes it.
pub(super) fn day(text: &str, field: &str) -> Result<Date, Invalid> {
    if text.is_empty() {
        return Err(Invalid::at(field, "is missing"));
    }
    match text.parse::<Date>() {
        Ok(date) if date.to_string() == text => Ok(date),
        Ok(_) | Err(_) => Err(Invalid::at(field, "is not a date like 2026-12-01")),
    }
}

pub(super) fn when(micros: i64, field: &str, now: Timestamp) -> Result<When, Invalid> {
    Ok(match past(micros, field, now)? {
        Some(at) => When { at, stated: true },
        None => When {
            at: now,
            stated: false,
        },
    })
}

pub(super) fn required_past(
    micros: i64,
    field: &str,
    now: Timestamp,
) -> Result<Timestamp, Invalid> {
    past(micros, field, now)?.ok_or_else(|| Invalid::at(field, "is missing"))
}

/// Microseconds since 1970, 0 for none.
pub(super) fn past(micros: i64, field: &str, now: Timestamp) -> Result<Option<Timestamp>, Invalid> {
    if micros == 0 {
        return Ok(None);
    }
    let at = Timestamp::from_microsecond(micros)
        .map_err(|_| Invalid::at(field, "is not a time in microseconds since 1970"))?;
    if at > now + SKEW {
        return Err(Invalid::at(field, "lies in the future"));
    }
    Ok(Some(at))
}
