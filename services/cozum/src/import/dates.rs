//! The dates of an export: text in the mapping's forms, and what spreadsheets make of dates.

use jiff::{
    SignedDuration, Timestamp, Unit,
    civil::{self, DateTime, Time},
    fmt::strtime::BrokenDownTime,
    tz::TimeZone,
};

use super::mapping::Mapping;

/// Where a spreadsheet's serial numbers of days begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DayZero {
    Of1900,
    Of1904,
}

/// What a date can mean; the first two are almost always the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Instants {
    /// A day alone begins at midnight; an hour that the clocks skipped is read one hour later.
    pub(super) first: Timestamp,
    /// The second time of an hour that came twice.
    pub(super) last: Timestamp,
    /// The end of a day alone; else `last`.
    pub(super) until: Timestamp,
}

impl Instants {
    /// By the forms of the mapping, the first that fits; then as a spreadsheet has it.
    pub(super) fn read(text: &str, mapping: &Mapping, sheet: Option<DayZero>) -> Option<Self> {
        let zone = &mapping.time_zone;
        let by_form = mapping
            .dates
            .iter()
            .find_map(|form| Self::by_form(form, text, zone));
        by_form.or_else(|| Self::of_sheet(text, sheet?, zone))
    }

    /// By its own offset, else in the time zone.
    pub(super) fn by_form(form: &str, text: &str, zone: &TimeZone) -> Option<Self> {
        let parts = BrokenDownTime::parse(form, text).ok()?;
        if parts.offset().is_some() {
            let at = parts.to_timestamp().ok()?;
            return Some(Self {
                first: at,
                last: at,
                until: at,
            });
        }
        match parts.hour() {
            Some(_) => Self::at(parts.to_datetime().ok()?, zone),
            None => Self::on(parts.to_date().ok()?, zone),
        }
    }

    /// A date cell stands here in ISO form, and a number is one of days.
    fn of_sheet(text: &str, zero: DayZero, zone: &TimeZone) -> Option<Self> {
        if let Ok(civil) = text.parse::<DateTime>() {
            return Self::of_civil(civil, zone);
        }
        Self::of_civil(zero.civil(text.parse().ok()?)?, zone)
    }

    /// A spreadsheet does not tell midnight from a day alone.
    fn of_civil(civil: DateTime, zone: &TimeZone) -> Option<Self> {
        if civil.time() == Time::midnight() {
            Self::on(civil.date(), zone)
        } else {
            Self::at(civil, zone)
        }
    }

    fn at(civil: DateTime, zone: &TimeZone) -> Option<Self> {
        let first = zone.to_ambiguous_timestamp(civil).compatible().ok()?;
        let last = zone.to_ambiguous_timestamp(civil).later().ok()?;
        Some(Self {
            first,
            last,
            until: last,
        })
    }

    fn on(day: civil::Date, zone: &TimeZone) -> Option<Self> {
        let next = Self::at(day.tomorrow().ok()?.into(), zone)?;
        let until = next
            .first
            .checked_sub(SignedDuration::from_micros(1))
            .ok()?;
        Some(Self {
            until,
            ..Self::at(day.into(), zone)?
        })
    }
}

impl DayZero {
    /// The date and time of a serial number, which is good to a millisecond.
    pub(super) fn civil(self, days: f64) -> Option<DateTime> {
        // Spreadsheets know a 29 February 1900, which never was; no request is that old.
        if !(61.0..2_958_466.0).contains(&days) {
            return None;
        }
        let zero = match self {
            Self::Of1900 => civil::date(1899, 12, 30),
            Self::Of1904 => civil::date(1904, 1, 1),
        };
        let after = SignedDuration::try_from_secs_f64(days * 86_400.0).ok()?;
        let after = after.round(Unit::Millisecond).ok()?;
        zero.at(0, 0, 0, 0).checked_add(after).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping() -> Mapping {
        Mapping::parse(include_str!("../../mappings/nyc-311.toml")).unwrap()
    }

    fn in_new_york(text: &str) -> Instants {
        Instants::read(text, &mapping(), None).unwrap()
    }

    fn first(text: &str) -> String {
        in_new_york(text).first.to_string()
    }

    #[test]
    fn dates_follow_the_clocks_of_their_time_zone() {
        assert_eq!(first("2024-03-10T01:59:59.000"), "2024-03-10T06:59:59Z");
        assert_eq!(first("2024-03-10T03:00:00.000"), "2024-03-10T07:00:00Z");
        let skipped = first("2024-03-10T02:30:00.000");
        assert_eq!(skipped, "2024-03-10T07:30:00Z", "an hour that was skipped");
        let twice = in_new_york("2024-11-03T01:30:00.000");
        assert_eq!(twice.first.to_string(), "2024-11-03T05:30:00Z");
        assert_eq!(twice.last.to_string(), "2024-11-03T06:30:00Z");
        let istanbul = TimeZone::get("Europe/Istanbul").unwrap();
        let offset = "2024-04-16T00:00:00+0200";
        let offset = Instants::by_form("%Y-%m-%dT%H:%M:%S%z", offset, &istanbul).unwrap();
        assert_eq!(offset.first.to_string(), "2024-04-15T22:00:00Z");
    }

    #[test]
    fn a_day_alone_begins_at_midnight_and_ends_with_its_last_moment() {
        let istanbul = TimeZone::get("Europe/Istanbul").unwrap();
        let day = Instants::by_form("%d.%m.%Y", "16.04.2024", &istanbul).unwrap();
        assert_eq!(day.first.to_string(), "2024-04-15T21:00:00Z");
        assert_eq!(day.until.to_string(), "2024-04-16T20:59:59.999999Z");
        let hour = in_new_york("2024-04-16T00:00:00.000");
        assert_eq!(hour.until, hour.first, "midnight was said");
    }

    #[test]
    fn spreadsheets_number_their_days() {
        let read = |text: &str, zero| Instants::read(text, &mapping(), Some(zero));
        let noon = read("45398.5", DayZero::Of1900).unwrap();
        assert_eq!(noon.first.to_string(), "2024-04-16T16:00:00Z");
        assert_eq!(noon, read("43936.5", DayZero::Of1904).unwrap());
        // 11:11:26 of a day, as far as a double can say so.
        let second = read("43202.46627314815", DayZero::Of1900).unwrap();
        assert_eq!(second.first.to_string(), "2018-04-12T15:11:26Z");
        let cell = read("2018-04-12T11:11:26", DayZero::Of1900).unwrap();
        assert_eq!(cell, second);
        let day = read("45398", DayZero::Of1900).unwrap();
        assert_eq!(day.until.to_string(), "2024-04-17T03:59:59.999999Z");
        for no_date in ["60", "-1", "2958466", "NaN", "inf", "1e300", "tomorrow", ""] {
            assert_eq!(read(no_date, DayZero::Of1900), None, "{no_date}");
        }
        assert_eq!(
            Instants::read("45398.5", &mapping(), None),
            None,
            "in a CSV file it is only a number"
        );
    }
}
