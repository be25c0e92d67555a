use jiff::civil::date;
use proptest::prelude::*;

use super::*;

/// An instant by the wall of the centre.
fn at(date: Date, hour: i8) -> Timestamp {
    istanbul().to_timestamp(date.at(hour, 0, 0, 0)).unwrap()
}

/// The day whose last microsecond an instant is.
#[track_caller]
fn ends(due_at: Timestamp) -> Date {
    let day = day_of(due_at);
    assert_ne!(
        day,
        day_of(due_at + SignedDuration::from_micros(1)),
        "{due_at} is not the end of a day"
    );
    day
}

#[track_caller]
fn due(registered: Date, standard: Standard) -> Date {
    ends(due_at(at(registered, 16), standard).unwrap())
}

#[test]
fn working_days_across_the_kurban_holiday_of_2026() {
    let friday = date(2026, 5, 22);
    let after = |days| due(friday, Standard::WorkingDays(days));
    assert_eq!(after(1), date(2026, 5, 25));
    // The eve is a half day, and a half day counts.
    assert_eq!(day(date(2026, 5, 26)), Ok(Day::Half));
    assert_eq!(after(2), date(2026, 5, 26));
    // Wednesday to Saturday are the feast, Sunday is Sunday.
    assert_eq!(after(3), date(2026, 6, 1));
    assert_eq!(after(15), date(2026, 6, 17));
}

#[test]
fn a_petition_is_answered_in_thirty_days_or_on_the_next_working_day() {
    let petition = |registered| petition_due(at(registered, 9)).unwrap();
    let plain = petition(date(2026, 6, 1));
    assert_eq!(
        (plain.thirtieth, plain.last_day),
        (date(2026, 7, 1), date(2026, 7, 1))
    );

    // The thirtieth day is the first of the Kurban holiday; Monday 1 June is the next one worked.
    let feast = petition(date(2026, 4, 27));
    assert_eq!(
        (feast.thirtieth, feast.last_day),
        (date(2026, 5, 27), date(2026, 6, 1))
    );
    assert_eq!(ends(feast.due_at), date(2026, 6, 1));

    // A half day is worked in the morning: it stays the last day.
    let eve = petition(date(2026, 4, 26));
    assert_eq!(eve.last_day, date(2026, 5, 26));
}

#[test]
fn feedback_is_due_after_a_day_on_any_wall_clock() {
    let registered = at(date(2026, 5, 26), 15);
    assert_eq!(feedback_due(registered), at(date(2026, 5, 27), 15));
    // The clocks went forward on 27 March 2016: 24 hours are 24 hours.
    let registered = at(date(2016, 3, 26), 15);
    assert_eq!(feedback_due(registered), at(date(2016, 3, 27), 16));
}

#[test]
fn calendar_days_end_on_any_day() {
    assert_eq!(due(date(2026, 5, 22), Standard::Days(7)), date(2026, 5, 29));
    assert_eq!(due(date(2024, 2, 27), Standard::Days(3)), date(2024, 3, 1));
    // Half past midnight in Istanbul is the day before in Greenwich.
    let night = date(2026, 2, 9)
        .at(21, 30, 0, 0)
        .in_tz("UTC")
        .unwrap()
        .timestamp();
    assert_eq!(
        ends(due_at(night, Standard::Days(1)).unwrap()),
        date(2026, 2, 11)
    );
}

#[test]
fn the_calendar_of_2026_is_the_law_s() {
    let months = |is: Day| -> Vec<Date> {
        let first = date(2026, 1, 1);
        let year = first.series(1.day()).take_while(|it| it.year() == 2026);
        year.filter(|it| day(*it) == Ok(is)).collect()
    };
    let holidays = [
        (1, 1),
        (3, 20),
        (3, 21),
        (3, 22),
        (4, 23),
        (5, 1),
        (5, 19),
        (5, 27),
        (5, 28),
        (5, 29),
        (5, 30),
        (7, 15),
        (8, 30),
        (10, 29),
    ];
    assert_eq!(
        months(Day::Holiday),
        holidays.map(|(month, day)| date(2026, month, day))
    );
    assert_eq!(
        months(Day::Half),
        [date(2026, 3, 19), date(2026, 5, 26), date(2026, 10, 28)]
    );
}

#[test]
fn a_holiday_holds_since_its_law() {
    assert_eq!(day(date(2016, 7, 15)), Ok(Day::Working));
    assert_eq!(day(date(2019, 7, 15)), Ok(Day::Holiday));
    // An eve that is a public holiday itself is no half day.
    assert_eq!(day(date(2029, 4, 23)), Ok(Day::Holiday));
    // An eve on a Sunday shortens nothing.
    assert_eq!(day(date(2025, 3, 29)), Ok(Day::Weekend));
}

#[test]
fn a_year_that_is_not_in_the_table_is_said() {
    let outside = OutsideTable { year: 2031 };
    assert_eq!(day(date(2031, 1, 1)), Err(outside));
    let eve = at(date(2030, 12, 31), 10);
    assert_eq!(due_at(eve, Standard::WorkingDays(1)), Err(outside));
    assert_eq!(petition_due(eve), Err(outside));
    // Days of the calendar need no table.
    assert_eq!(due(date(2041, 12, 31), Standard::Days(1)), date(2042, 1, 1));
    assert!(due_at(eve, Standard::Days(u32::MAX)).is_err());
    assert!(due_at(eve, Standard::WorkingDays(u32::MAX)).is_err());
}

#[test]
fn no_number_is_no_standard() {
    assert_eq!(Standard::posted(0, 0), None);
    assert_eq!(Standard::posted(3, 0), Some(Standard::Days(3)));
    assert_eq!(Standard::posted(0, 3), Some(Standard::WorkingDays(3)));
}

#[test]
fn waiting_for_the_citizen_is_given_back_in_days_of_the_same_kind() {
    let friday = date(2026, 2, 6);
    let extended = |standard, asked, answered| {
        let due_at = due_at(at(friday, 9), standard).unwrap();
        ends(due_after_waiting(due_at, standard, asked, answered).unwrap())
    };
    // Asked on Friday evening and answered on Monday morning: one working day, three of the calendar.
    let (asked, answered) = (at(friday, 17), at(date(2026, 2, 9), 8));
    assert_eq!(
        extended(Standard::WorkingDays(5), asked, answered),
        date(2026, 2, 16)
    );
    assert_eq!(
        extended(Standard::Days(5), asked, answered),
        date(2026, 2, 14)
    );
    // Answered within the day, and answered "before" by a clock that is wrong.
    assert_eq!(
        extended(Standard::WorkingDays(5), asked, at(friday, 18)),
        date(2026, 2, 13)
    );
    assert_eq!(
        extended(Standard::Days(5), answered, asked),
        date(2026, 2, 11)
    );
}

fn registered() -> impl Strategy<Value = Timestamp> {
    // 2015 to 2029: a count of 200 working days stays inside the table.
    (1_420_070_400_i64..1_893_456_000 - 31_536_000)
        .prop_map(|it| Timestamp::from_second(it).unwrap())
}

fn standards() -> impl Strategy<Value = Standard> {
    prop_oneof![
        (1..200_u32).prop_map(Standard::Days),
        (1..200_u32).prop_map(Standard::WorkingDays)
    ]
}

proptest! {
    #[test]
    fn what_comes_later_is_due_no_earlier(first in registered(), later in 0..10_000_000_i64, standard in standards()) {
        let second = first + SignedDuration::from_secs(later.min(20_000_000));
        prop_assert!(due_at(first, standard)? <= due_at(second, standard)?);
        prop_assert!(petition_due(first)?.due_at <= petition_due(second)?.due_at);
        prop_assert!(first < due_at(first, standard)?);
    }

    #[test]
    fn a_longer_standard_is_due_later(registered in registered(), days in 1..150_u32) {
        prop_assert!(due_at(registered, Standard::Days(days))? < due_at(registered, Standard::Days(days + 1))?);
        let working = |days| due_at(registered, Standard::WorkingDays(days));
        prop_assert!(working(days)? < working(days + 1)?);
        // No five working days are fewer than seven of the calendar.
        prop_assert!(due_at(registered, Standard::Days(days))? <= working(days)?);
    }

    #[test]
    fn working_days_and_petitions_never_end_on_a_day_off(registered in registered(), days in 1..200_u32) {
        for due_at in [due_at(registered, Standard::WorkingDays(days))?, petition_due(registered)?.due_at] {
            prop_assert!(day(day_of(due_at))?.is_worked(), "{due_at}");
        }
    }

    #[test]
    fn waiting_never_brings_a_deadline_nearer(
        registered in registered(),
        standard in standards(),
        asked in 0..5_000_000_i64,
        waited in 0..5_000_000_i64,
    ) {
        let due_at = due_at(registered, standard)?;
        let asked = registered + SignedDuration::from_secs(asked);
        let answered = asked + SignedDuration::from_secs(waited);
        let extended = due_after_waiting(due_at, standard, asked, answered)?;
        prop_assert!(due_at <= extended);
        if matches!(standard, Standard::WorkingDays(_)) {
            prop_assert!(day(day_of(extended))?.is_worked());
        }
    }
}
