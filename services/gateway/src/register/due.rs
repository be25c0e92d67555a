//! When a request is due by its topic's service standard.

use contracts::vocabulary::v1::ServiceStandard;
use jiff::{Timestamp, ToSpan as _, civil::Date, civil::Weekday};

use crate::text;

/// The end of the last day that the standard gives, counted from the day after the registration; `None` where no standard
/// was posted. Working days are Monday to Friday.
pub(super) fn due(registered_at: i64, standard: ServiceStandard) -> Option<i64> {
    let registered = Timestamp::from_microsecond(registered_at).ok()?;
    let day = registered.to_zoned(text::zone()).date();
    let last = match (standard.days, standard.working_days) {
        (0, 0) => return None,
        (0, working_days) => after_working_days(day, working_days)?,
        (days, _) => day.checked_add(i64::from(days).days()).ok()?,
    };
    let end = last.tomorrow().ok()?.to_zoned(text::zone()).ok()?;
    Some(end.timestamp().as_microsecond() - 1)
}

fn after_working_days(from: Date, days: u32) -> Option<Date> {
    let mut day = from;
    let mut left = days;
    while left > 0 {
        day = day.tomorrow().ok()?;
        match day.weekday() {
            Weekday::Saturday | Weekday::Sunday => {}
            Weekday::Monday
            | Weekday::Tuesday
            | Weekday::Wednesday
            | Weekday::Thursday
            | Weekday::Friday => left -= 1,
        }
    }
    Some(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(registered: &str, days: u32, working_days: u32) -> Option<String> {
        let at: Timestamp = registered.parse().unwrap();
        let standard = ServiceStandard { days, working_days };
        due(at.as_microsecond(), standard).map(text::iso)
    }

    #[test]
    fn days_are_those_of_the_wall_in_istanbul() {
        // 23:30 in Istanbul is still Friday; an hour later it is Saturday.
        assert_eq!(
            told("2026-05-22T20:30:00Z", 1, 0).as_deref(),
            Some("2026-05-23T23:59:59+03:00")
        );
        assert_eq!(
            told("2026-05-22T21:30:00Z", 1, 0).as_deref(),
            Some("2026-05-24T23:59:59+03:00")
        );
    }

    #[test]
    fn working_days_leave_out_the_weekend() {
        assert_eq!(
            told("2026-05-22T09:00:00Z", 0, 1).as_deref(),
            Some("2026-05-25T23:59:59+03:00")
        );
        assert_eq!(
            told("2026-05-22T09:00:00Z", 0, 6).as_deref(),
            Some("2026-06-01T23:59:59+03:00")
        );
    }

    #[test]
    fn without_a_standard_nothing_is_due() {
        assert_eq!(told("2026-05-22T09:00:00Z", 0, 0), None);
    }
}
