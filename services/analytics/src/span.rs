use chassis::Invalid;
use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};

/// The longest span of a report; longer ones are a mistake, or several reports.
const YEARS: i16 = 10;

/// Days of a municipality, both ends included, and the instants they span.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) from: Date,
    pub(crate) to: Date,
    pub(crate) zone: TimeZone,
    /// The first instant, and the first one after.
    pub(crate) begins: Timestamp,
    pub(crate) ends: Timestamp,
}

impl Span {
    /// Reads the two ISO dates of a report; both are required.
    pub(crate) fn read(from: &str, to: &str, zone: &TimeZone) -> Result<Self, Invalid> {
        let (from, to) = (date("from", from)?, date("to", to)?);
        if to < from {
            return Err(Invalid::at("to", "lies before `from`"));
        }
        let latest = from.checked_add(YEARS.years()).unwrap_or(Date::MAX);
        if to >= latest {
            return Err(Invalid::at(
                "to",
                format!("lies {YEARS} years or more after `from`"),
            ));
        }
        let beginning = |date: Date| zone.to_ambiguous_zoned(date.into()).compatible();
        let begins =
            beginning(from).map_err(|_| Invalid::at("from", "lies outside the calendar"))?;
        let ends = to
            .tomorrow()
            .and_then(beginning)
            .map_err(|_| Invalid::at("to", "lies outside the calendar"))?;
        Ok(Self {
            from,
            to,
            zone: zone.clone(),
            begins: begins.timestamp(),
            ends: ends.timestamp(),
        })
    }

    /// The day that an instant falls on.
    pub(crate) fn day(&self, at: Timestamp) -> Date {
        at.to_zoned(self.zone.clone()).date()
    }
}

/// Only the form that is printed again: `2026-12-01`.
fn date(field: &'static str, text: &str) -> Result<Date, Invalid> {
    if text.is_empty() {
        return Err(Invalid::at(field, "is missing: a date like 2026-12-01"));
    }
    let date = text
        .parse::<Date>()
        .ok()
        .filter(|it| it.to_string() == text);
    date.ok_or_else(|| Invalid::at(field, "is not a date like 2026-12-01"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn istanbul() -> TimeZone {
        TimeZone::get("Europe/Istanbul").unwrap()
    }

    fn read(from: &str, to: &str) -> Result<Span, Invalid> {
        Span::read(from, to, &istanbul())
    }

    #[test]
    fn days_begin_at_midnight_in_the_municipality() {
        let span = read("2026-12-01", "2026-12-01").unwrap();
        assert_eq!(span.begins.to_string(), "2026-11-30T21:00:00Z");
        assert_eq!(span.ends.to_string(), "2026-12-01T21:00:00Z");
    }

    #[test]
    fn a_day_whose_midnight_was_skipped_begins_later() {
        // Istanbul put its clocks forward at midnight on that day.
        let span = read("1985-04-20", "1985-04-20").unwrap();
        assert_eq!(span.day(span.begins), span.from);
        assert_ne!(span.day(span.ends), span.to);
    }

    #[test]
    fn every_mistake_names_its_field() {
        for (from, to, field) in [
            ("", "2026-01-01", "from"),
            ("2026-01-01", "", "to"),
            ("01.12.2026", "2026-12-02", "from"),
            ("20261201", "2026-12-02", "from"),
            ("2026-02-30", "2026-12-02", "from"),
            ("2026-01-01T00:00", "2026-12-02", "from"),
            ("2026-12-02", "2026-12-01", "to"),
            ("2016-01-01", "2026-01-01", "to"),
            ("9999-12-31", "9999-12-31", "to"),
        ] {
            assert_eq!(read(from, to).unwrap_err().field, field, "{from} {to}");
        }
        assert!(read("2016-01-01", "2025-12-31").is_ok());
    }
}
