//! A request's clocks, in words: derived from what happened and from the time now, never stored.

use jiff::Timestamp;
use vocabulary::Language;

use crate::text::{self, Words};

const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// What the clocks of one request follow from; microseconds since 1970.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Course {
    pub(super) registered_at: i64,
    /// When the citizen first heard more than that the request arrived.
    pub(super) answered_at: Option<i64>,
    pub(super) concluded_at: Option<i64>,
    /// By the topic's service standard.
    pub(super) due_at: Option<i64>,
    /// Since when the unit waits for the citizen.
    pub(super) waiting_since: Option<i64>,
    /// It came from another system, with that system's own clocks.
    pub(super) imported: bool,
}

/// One clock, as people read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clock {
    pub(super) name: String,
    /// "late", "soon", "fine" or "".
    pub(super) mood: &'static str,
    /// "3 gün kaldı".
    pub(super) stands: String,
    /// From when to when.
    pub(super) small: String,
}

/// The clocks that apply, the shortest first.
pub(super) fn told(course: &Course, now: i64, words: Words) -> Vec<Clock> {
    let mut told = vec![];
    let registered_at = Timestamp::from_microsecond(course.registered_at).unwrap_or_default();
    if !course.imported {
        let due = clocks::feedback_due(registered_at).as_microsecond();
        told.push(clock("feedback", due, course.answered_at, None, now, words));
    }
    if let Some(due) = course.due_at {
        let paused = course.waiting_since;
        told.push(clock(
            "standard",
            due,
            course.concluded_at,
            paused,
            now,
            words,
        ));
    }
    // Beyond the years whose holidays are known nobody can say which day is the last.
    if !course.imported
        && let Ok(petition) = clocks::petition_due(registered_at)
    {
        let due = petition.due_at.as_microsecond();
        told.push(clock(
            "petition",
            due,
            course.concluded_at,
            None,
            now,
            words,
        ));
    }
    told
}

fn clock(
    name: &str,
    due: i64,
    stopped: Option<i64>,
    paused: Option<i64>,
    now: i64,
    words: Words,
) -> Clock {
    let (mood, stands) = match (stopped, paused) {
        (Some(stopped), _) if stopped <= due => ("fine", words.get("console-clock-met")),
        (Some(stopped), _) => {
            let late = span(stopped - due, words.0);
            (
                "late",
                words.with("console-clock-missed", [("span", &late)]),
            )
        }
        (None, Some(_)) => ("", words.get("console-clock-paused")),
        (None, None) => remaining(due, now, words),
    };
    let end = text::moment(due, words.0);
    let key = format!("console-clock-{name}");
    let small = match (stopped, paused) {
        (Some(stopped), _) => {
            let stopped = text::moment(stopped, words.0);
            words.with(
                "console-clock-stopped",
                [("end", &end), ("stopped", &stopped)],
            )
        }
        (None, Some(since)) => {
            let since = text::moment(since, words.0);
            words.with("console-clock-waits", [("since", &since)])
        }
        (None, None) => words.with("console-clock-ends", [("end", &end)]),
    };
    Clock {
        name: words.get(&key),
        mood,
        stands,
        small,
    }
}

/// How much is left until then, or how long it is past: a mood and words.
pub(super) fn remaining(due: i64, now: i64, words: Words) -> (&'static str, String) {
    let left = due - now;
    if left < 0 {
        let past = span(-left, words.0);
        return ("late", words.with("console-clock-late", [("span", &past)]));
    }
    let mood = if left < DAY { "soon" } else { "" };
    (
        mood,
        words.with("console-clock-left", [("span", &span(left, words.0))]),
    )
}

/// A length of time in its two largest parts: "2 gün 5 sa".
pub(super) fn span(micros: i64, language: Language) -> String {
    let [day, hour, minute] = match language {
        Language::Tr => ["gün", "sa", "dk"],
        Language::En => ["d", "h", "min"],
    };
    let (days, hours, minutes) = (micros / DAY, micros % DAY / HOUR, micros % HOUR / MINUTE);
    match (days, hours, minutes) {
        (0, 0, minutes) => format!("{minutes} {minute}"),
        (0, hours, 0) => format!("{hours} {hour}"),
        (0, hours, minutes) => format!("{hours} {hour} {minutes} {minute}"),
        (days, 0, _) => format!("{days} {day}"),
        (days, _, _) if days > 6 => format!("{days} {day}"),
        (days, hours, _) => format!("{days} {day} {hours} {hour}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_microsecond()
    }

    fn told(course: Course, now: &str) -> Vec<(&'static str, String)> {
        let clocks = super::told(&course, at(now), Words(Language::Tr));
        clocks.into_iter().map(|it| (it.mood, it.stands)).collect()
    }

    #[test]
    fn each_clock_says_what_is_left_or_how_long_it_is_past() {
        let course = Course {
            registered_at: at("2026-05-04T09:00:00Z"),
            due_at: Some(at("2026-05-07T20:59:59.999999Z")),
            ..Course::default()
        };
        assert_eq!(
            told(course, "2026-05-04T11:30:00Z"),
            [
                ("soon", "21 sa 30 dk kaldı".to_owned()),
                ("", "3 gün 9 sa kaldı".to_owned()),
                ("", "30 gün kaldı".to_owned())
            ]
        );
        assert_eq!(
            told(course, "2026-06-10T09:00:00Z"),
            [
                ("late", "36 gün aştı".to_owned()),
                ("late", "33 gün aştı".to_owned()),
                ("late", "6 gün 12 sa aştı".to_owned())
            ]
        );
    }

    #[test]
    fn a_clock_that_was_stopped_stays_as_it_was() {
        let course = Course {
            registered_at: at("2026-05-04T09:00:00Z"),
            answered_at: Some(at("2026-05-04T10:00:00Z")),
            concluded_at: Some(at("2026-05-08T21:00:00Z")),
            due_at: Some(at("2026-05-07T21:00:00Z")),
            ..Course::default()
        };
        let told = told(course, "2027-01-01T00:00:00Z");
        assert_eq!(
            told,
            [
                ("fine", "süresinde".to_owned()),
                ("late", "1 gün geç".to_owned()),
                ("fine", "süresinde".to_owned())
            ]
        );
    }

    #[test]
    fn a_question_to_the_citizen_stops_the_units_clock_only() {
        let course = Course {
            registered_at: at("2026-05-04T09:00:00Z"),
            due_at: Some(at("2026-05-05T09:00:00Z")),
            waiting_since: Some(at("2026-05-04T10:00:00Z")),
            ..Course::default()
        };
        let told = told(course, "2026-05-20T09:00:00Z");
        assert_eq!(told[1], ("", "durdu".to_owned()));
        assert_eq!(told[0].0, "late");
        assert!(told[2].1.ends_with("kaldı"));
    }

    #[test]
    fn what_came_from_elsewhere_has_that_systems_clock_only() {
        let course = Course {
            imported: true,
            due_at: Some(5),
            ..Course::default()
        };
        assert_eq!(told(course, "2026-05-20T09:00:00Z").len(), 1);
    }
}
