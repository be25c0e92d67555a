//! How long things may take: the calendar of the offices, and the clocks that run on it.
//!
//! A deadline is derived, never stored as a fact: it follows from the events and from the calendar. So the read models
//! that show one compute it here, and a rebuild after a change of the calendar shows the new one.
//!
//! How days are counted:
//! - On the wall of Europe/Istanbul, by the rules that zone had at the time.
//! - The day on which a request comes is not counted; the day after is the first.
//! - A deadline is the end of its last day: [`due_at`] is that day's last microsecond, and only what comes later is late.
//! - Working days are Monday to Friday without public holidays. **A half day is a working day**: people work in the
//!   morning of 28 October and of the eve of a religious feast.
//! - Leave that is granted by circular (idari izin) is not in the calendar.
//!
//! The religious feasts follow the moon, so their days are known for some years only. A count that needs another year
//! says so: [`OutsideTable`].
//!
//! Pure: no clock, no I/O.

mod calendar;

use std::sync::LazyLock;

use jiff::{
    SignedDuration, Timestamp, ToSpan as _,
    civil::Date,
    tz::{self, TimeZone},
};

pub use calendar::{Day, FIRST_YEAR, LAST_YEAR, OutsideTable, day};

/// How long a topic's work may take, as the posted table says (hizmet standardı).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standard {
    /// Days of the calendar.
    Days(u32),
    /// Days on which offices work.
    WorkingDays(u32),
}

impl Standard {
    /// The standard that a topic's two numbers give; nothing was posted where both are 0. Where both are given, the
    /// calendar days count.
    #[must_use]
    pub const fn posted(days: u32, working_days: u32) -> Option<Self> {
        match (days, working_days) {
            (0, 0) => None,
            (0, working_days) => Some(Self::WorkingDays(working_days)),
            (days, _) => Some(Self::Days(days)),
        }
    }
}

/// When the answer to a petition is due, and how that day was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Petition {
    /// The thirtieth day, whatever day it is.
    pub thirtieth: Date,
    /// The thirtieth day, or the next working day where it is none.
    pub last_day: Date,
    /// The end of the last day.
    pub due_at: Timestamp,
}

/// When a request must be concluded by its topic's standard.
pub fn due_at(registered_at: Timestamp, standard: Standard) -> Result<Timestamp, OutsideTable> {
    let last_day = days_later(day_of(registered_at), standard)?;
    Ok(end_of(last_day))
}

/// When it must be concluded after the unit has waited for the citizen: as many days later as the waiting took, counted as
/// the standard counts them. Waiting that ends on the day it began takes no day.
pub fn due_after_waiting(
    due_at: Timestamp,
    standard: Standard,
    asked_at: Timestamp,
    answered_at: Timestamp,
) -> Result<Timestamp, OutsideTable> {
    let (asked, answered) = (day_of(asked_at), day_of(answered_at));
    let (waited, standard) = match standard {
        Standard::Days(_) => {
            let waited = days_between(asked, answered);
            (waited, Standard::Days(waited))
        }
        Standard::WorkingDays(_) => {
            let waited = calendar::working_days_between(asked, answered)?;
            (waited, Standard::WorkingDays(waited))
        }
    };
    if waited == 0 {
        return Ok(due_at);
    }
    Ok(end_of(days_later(day_of(due_at), standard)?))
}

/// When a petition must be answered: 30 days of the calendar (Law 3071, Article 7). A last day that is a holiday gives way
/// to the next working day, as it does in administrative procedure.
pub fn petition_due(registered_at: Timestamp) -> Result<Petition, OutsideTable> {
    let thirtieth = days_later(day_of(registered_at), Standard::Days(30))?;
    let last_day = if calendar::day(thirtieth)?.is_worked() {
        thirtieth
    } else {
        calendar::nth_working_day_after(thirtieth, 1)?
    };
    Ok(Petition {
        thirtieth,
        last_day,
        due_at: end_of(last_day),
    })
}

/// When the citizen must have been called back: 24 hours later on any wall clock, on holidays too.
#[must_use]
pub fn feedback_due(registered_at: Timestamp) -> Timestamp {
    registered_at
        .checked_add(SignedDuration::from_hours(24))
        .unwrap_or(Timestamp::MAX)
}

/// The day on the wall of the centre.
#[must_use]
pub fn day_of(at: Timestamp) -> Date {
    at.to_zoned(istanbul()).date()
}

/// The zone of the centre's wall clocks. Without a time zone database it is what it has been since 2016.
static ISTANBUL: LazyLock<TimeZone> = LazyLock::new(|| {
    TimeZone::get("Europe/Istanbul").unwrap_or_else(|_| TimeZone::fixed(tz::offset(3)))
});

/// The zone of the centre's wall clocks.
#[must_use]
pub fn istanbul() -> TimeZone {
    ISTANBUL.clone()
}

fn days_later(day: Date, standard: Standard) -> Result<Date, OutsideTable> {
    match standard {
        Standard::Days(days) => day
            .checked_add(SignedDuration::from_hours(24 * i64::from(days)))
            .map_err(|_| OutsideTable {
                year: Date::MAX.year(),
            }),
        Standard::WorkingDays(days) => calendar::nth_working_day_after(day, days),
    }
}

fn days_between(from: Date, to: Date) -> u32 {
    let days = to.duration_since(from).as_hours() / 24;
    u32::try_from(days).unwrap_or(0)
}

/// The last microsecond of a day, as finely as the log tells time.
fn end_of(day: Date) -> Timestamp {
    let next = day
        .checked_add(1.day())
        .and_then(|it| istanbul().to_timestamp(it.at(0, 0, 0, 0)));
    next.and_then(|it| it.checked_sub(SignedDuration::from_micros(1)))
        .unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
