//! Which days offices work on: Law 2429 on national and public holidays, as data.

use jiff::civil::{Date, Weekday};

/// The first year whose feasts are in the table.
pub const FIRST_YEAR: i16 = 2015;
/// The last year whose feasts are in the table.
pub const LAST_YEAR: i16 = 2030;

/// What a day is for those who work in offices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Day {
    Working,
    /// Offices close at 13:00: 28 October and the eves of the feasts.
    Half,
    /// Saturday or Sunday.
    Weekend,
    /// A public holiday, whatever day of the week.
    Holiday,
}

impl Day {
    /// Whether it counts as a working day; a half day does.
    #[must_use]
    pub const fn is_worked(self) -> bool {
        match self {
            Self::Working | Self::Half => true,
            Self::Weekend | Self::Holiday => false,
        }
    }
}

/// A count needs a year whose religious feasts this build does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the public holidays of {year} are not in the calendar, which covers {FIRST_YEAR} to {LAST_YEAR}"
)]
pub struct OutsideTable {
    pub year: i16,
}

/// A holiday on the same day every year, since a year; most are older than the table.
struct Fixed {
    month: i8,
    day: i8,
    since: i16,
    is: Day,
}

const fn fixed(month: i8, day: i8, since: i16, is: Day) -> Fixed {
    Fixed {
        month,
        day,
        since,
        is,
    }
}

const FIXED: [Fixed; 8] = [
    // New Year's Day
    fixed(1, 1, FIRST_YEAR, Day::Holiday),
    // National Sovereignty and Children's Day
    fixed(4, 23, FIRST_YEAR, Day::Holiday),
    // Labour and Solidarity Day
    fixed(5, 1, FIRST_YEAR, Day::Holiday),
    // Commemoration of Atatürk, Youth and Sports Day
    fixed(5, 19, FIRST_YEAR, Day::Holiday),
    // Democracy and National Unity Day (Law 6752 of October 2016)
    fixed(7, 15, 2017, Day::Holiday),
    // Victory Day
    fixed(8, 30, FIRST_YEAR, Day::Holiday),
    // Republic Day, from 13:00 on the day before
    fixed(10, 28, FIRST_YEAR, Day::Half),
    fixed(10, 29, FIRST_YEAR, Day::Holiday),
];

/// The first day of a feast: month and day.
type First = (i8, i8);

/// Year, Ramazan Bayramı (three days and the eve from 13:00), Kurban Bayramı (four days and the eve from 13:00).
const FEASTS: [(i16, First, First); 16] = [
    (2015, (7, 17), (9, 24)),
    (2016, (7, 5), (9, 12)),
    (2017, (6, 25), (9, 1)),
    (2018, (6, 15), (8, 21)),
    (2019, (6, 4), (8, 11)),
    (2020, (5, 24), (7, 31)),
    (2021, (5, 13), (7, 20)),
    (2022, (5, 2), (7, 9)),
    (2023, (4, 21), (6, 28)),
    (2024, (4, 10), (6, 16)),
    (2025, (3, 30), (6, 6)),
    (2026, (3, 20), (5, 27)),
    (2027, (3, 9), (5, 16)),
    (2028, (2, 26), (5, 5)),
    (2029, (2, 14), (4, 24)),
    (2030, (2, 4), (4, 13)),
];

/// What a day is.
pub fn day(date: Date) -> Result<Day, OutsideTable> {
    let year = date.year();
    let Some((_, ramazan, kurban)) = FEASTS.iter().find(|(it, _, _)| *it == year) else {
        return Err(OutsideTable { year });
    };
    let fixed = FIXED
        .iter()
        .find(|it| (it.month, it.day) == (date.month(), date.day()) && it.since <= year)
        .map(|it| it.is);
    let kinds = [fixed, feast(date, *ramazan, 3), feast(date, *kurban, 4)];
    let is = |kind| kinds.contains(&Some(kind));
    let weekend = matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
    Ok(if is(Day::Holiday) {
        Day::Holiday
    } else if weekend {
        Day::Weekend
    } else if is(Day::Half) {
        Day::Half
    } else {
        Day::Working
    })
}

/// What a feast of so many days makes of a day.
fn feast(date: Date, (month, day): First, days: i16) -> Option<Day> {
    let first = Date::new(date.year(), month, day).ok()?;
    match date.day_of_year() - first.day_of_year() {
        -1 => Some(Day::Half),
        after if (0..days).contains(&after) => Some(Day::Holiday),
        _ => None,
    }
}

/// The n-th working day after a day, which is not counted itself; the day itself for 0.
pub(crate) fn nth_working_day_after(date: Date, n: u32) -> Result<Date, OutsideTable> {
    let mut last = date;
    let mut left = n;
    while left > 0 {
        last = last
            .tomorrow()
            .map_err(|_| OutsideTable { year: last.year() })?;
        if day(last)?.is_worked() {
            left -= 1;
        }
    }
    Ok(last)
}

/// How many working days lie after `from`, up to `to` and with it.
pub(crate) fn working_days_between(from: Date, to: Date) -> Result<u32, OutsideTable> {
    let mut days = 0;
    for date in from
        .series(jiff::Span::new().days(1))
        .skip(1)
        .take_while(|it| *it <= to)
    {
        days += u32::from(day(date)?.is_worked());
    }
    Ok(days)
}
