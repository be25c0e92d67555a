use contracts::ledger::v1::cut_off_request;
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::Invalid;

/// A moment of the log that somebody wants to see again: all that was recorded until then, and nothing that came later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsOf {
    /// After the event of this position; 0 is before the first.
    Position(u64),
    /// At this time, what was recorded in that very instant included.
    Time(Timestamp),
}

impl AsOf {
    /// A position (`48120`), a time (`2026-12-01T09:30:00+03:00`), or a day (`2026-12-01`), which means its end in that zone.
    pub fn read(field: &str, text: &str, zone: &TimeZone) -> Result<Self, Invalid> {
        if !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit()) {
            let position = text.parse().map(Self::Position);
            return position.map_err(|_| Invalid::at(field, "is out of range"));
        }
        if let Ok(time) = text.parse::<Timestamp>() {
            return Ok(Self::Time(time));
        }
        let day = text.parse::<Date>().ok();
        let Some(day) = day.filter(|it| it.to_string() == text) else {
            return Err(Invalid::at(
                field,
                "is a position, a time like 2026-12-01T09:30:00+03:00, or a day like 2026-12-01, which means its end",
            ));
        };
        let end = day
            .tomorrow()
            .and_then(|it| it.to_zoned(zone.clone()))
            .and_then(|it| {
                it.timestamp()
                    .checked_sub(jiff::Span::new().microseconds(1))
            });
        end.map(Self::Time)
            .map_err(|_| Invalid::at(field, "lies outside the calendar"))
    }

    /// As the ledger is asked.
    #[must_use]
    pub fn asked(self) -> cut_off_request::AsOf {
        match self {
            Self::Position(position) => cut_off_request::AsOf::Position(position),
            Self::Time(time) => cut_off_request::AsOf::Time(time.as_microsecond()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three hours ahead, as the municipality is.
    fn read(text: &str) -> Result<AsOf, Invalid> {
        AsOf::read("as_of", text, &TimeZone::fixed(jiff::tz::offset(3)))
    }

    #[test]
    fn a_position_a_time_and_a_day_are_told_apart() {
        assert_eq!(read("0"), Ok(AsOf::Position(0)));
        assert_eq!(read("20261201"), Ok(AsOf::Position(20_261_201)));
        let time = "2026-12-01T09:30:00+03:00";
        assert_eq!(read(time), Ok(AsOf::Time(time.parse().unwrap())));
    }

    #[test]
    fn a_day_means_its_last_instant_in_the_municipality() {
        let end = "2026-12-01T20:59:59.999999Z".parse().unwrap();
        assert_eq!(read("2026-12-01"), Ok(AsOf::Time(end)));
    }

    #[test]
    fn anything_else_names_its_field() {
        for text in [
            "",
            "-1",
            "99999999999999999999",
            "yesterday",
            "2026-02-30",
            "2026-12-01T09:30",
            "9999-12-31",
            "٣",
        ] {
            assert_eq!(read(text).unwrap_err().field, "as_of", "{text}");
        }
    }
}
