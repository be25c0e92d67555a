use decider::given;
use proptest::prelude::*;

use super::*;

fn at(hours: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours)
}

fn news() -> Times {
    Times {
        occurred: at(0),
        recorded: at(0),
        heard: at(0),
    }
}

fn request() -> Command {
    Command::Request {
        times: news(),
        has_provider: true,
    }
}

fn delivered(attempt: u32) -> Event {
    Event::NotificationDelivered {
        attempt,
        provider_code: "250".to_owned(),
    }
}

fn failed(attempt: u32, lasting: bool) -> Event {
    Event::NotificationFailed {
        attempt,
        lasting,
        provider_code: "451".to_owned(),
    }
}

fn record_delivery(attempt: u32) -> Command {
    Command::RecordDelivery {
        attempt,
        provider_code: "250".to_owned(),
    }
}

fn record_failure(attempt: u32, lasting: bool) -> Command {
    Command::RecordFailure {
        attempt,
        lasting,
        provider_code: "451".to_owned(),
    }
}

fn requested() -> Vec<Event> {
    vec![Event::NotificationRequested]
}

/// All attempts up to this one failed for now, and this one is under way.
fn attempted(attempt: u32) -> Vec<Event> {
    let mut history = requested();
    for earlier in 1..attempt {
        history.extend([
            Event::NotificationAttempted { attempt: earlier },
            failed(earlier, false),
        ]);
    }
    history.push(Event::NotificationAttempted { attempt });
    history
}

#[test]
fn the_citizen_is_to_be_told() {
    given::<Notification>([]).when(request()).then(requested());
}

#[test]
fn asking_again_adds_nothing() {
    given::<Notification>(requested())
        .when(request())
        .then_nothing();
    given::<Notification>(attempted(3))
        .when(request())
        .then_nothing();
}

#[test]
fn without_a_provider_nothing_waits_to_go_out_late() {
    let skipped = Event::NotificationSkipped {
        reason: SkipReason::NoProvider,
    };
    given::<Notification>([])
        .when(Command::Request {
            times: news(),
            has_provider: false,
        })
        .then([Event::NotificationRequested, skipped]);
}

#[test]
fn what_is_written_up_days_later_is_not_told() {
    let too_old = || {
        [
            Event::NotificationRequested,
            Event::NotificationSkipped {
                reason: SkipReason::TooOld,
            },
        ]
    };
    let when = |times| {
        given::<Notification>([]).when(Command::Request {
            times,
            has_provider: true,
        })
    };

    when(Times {
        occurred: at(0),
        recorded: at(48),
        heard: at(48),
    })
    .then(requested());
    when(Times {
        occurred: at(0),
        recorded: at(49),
        heard: at(49),
    })
    .then(too_old());
    when(Times {
        occurred: at(0),
        recorded: at(0),
        heard: at(7 * 24),
    })
    .then(requested());
    when(Times {
        occurred: at(0),
        recorded: at(0),
        heard: at(7 * 24 + 1),
    })
    .then(too_old());
}

#[test]
fn an_attempt_is_recorded_once() {
    let attempt = Command::Attempt { attempt: 1 };
    given::<Notification>(requested())
        .when(attempt.clone())
        .then([Event::NotificationAttempted { attempt: 1 }]);
    given::<Notification>(attempted(1))
        .when(attempt)
        .then_nothing();
}

#[test]
fn an_attempt_nobody_knows_the_end_of_is_followed_by_the_next() {
    given::<Notification>(attempted(1))
        .when(Command::Attempt { attempt: 2 })
        .then([Event::NotificationAttempted { attempt: 2 }]);
}

#[test]
fn attempts_come_in_turn_and_end() {
    given::<Notification>([])
        .when(Command::Attempt { attempt: 1 })
        .then_rejected(Rejection::NotRequested);
    given::<Notification>(requested())
        .when(Command::Attempt { attempt: 2 })
        .then_rejected(Rejection::OutOfTurn);
    given::<Notification>(attempted(MAX_ATTEMPTS))
        .when(Command::Attempt {
            attempt: MAX_ATTEMPTS + 1,
        })
        .then_rejected(Rejection::Exhausted);
}

#[test]
fn a_delivery_ends_it() {
    let mut history = attempted(1);
    given::<Notification>(history.clone())
        .when(record_delivery(1))
        .then([delivered(1)]);

    history.push(delivered(1));
    for later in [
        request(),
        record_delivery(1),
        record_failure(1, true),
        Command::Attempt { attempt: 2 },
    ] {
        given::<Notification>(history.clone())
            .when(later)
            .then_nothing();
    }
    given::<Notification>(history)
        .when(Command::Skip {
            reason: SkipReason::Erased,
        })
        .then_nothing();
}

#[test]
fn a_late_delivery_counts_and_a_late_failure_does_not() {
    given::<Notification>(attempted(3))
        .when(record_delivery(2))
        .then([delivered(2)]);
    given::<Notification>(attempted(3))
        .when(record_failure(2, true))
        .then_nothing();
}

#[test]
fn an_outcome_needs_its_attempt() {
    given::<Notification>(requested())
        .when(record_delivery(1))
        .then_rejected(Rejection::OutOfTurn);
    given::<Notification>(attempted(1))
        .when(record_failure(2, false))
        .then_rejected(Rejection::OutOfTurn);
}

#[test]
fn a_passing_failure_is_tried_again_until_the_last() {
    given::<Notification>(attempted(1))
        .when(record_failure(1, false))
        .then([failed(1, false)]);
    given::<Notification>(attempted(1))
        .when(record_failure(1, true))
        .then([failed(1, true)]);
    given::<Notification>(attempted(MAX_ATTEMPTS))
        .when(record_failure(MAX_ATTEMPTS, false))
        .then([failed(MAX_ATTEMPTS, true)]);
}

#[test]
fn a_citizen_who_was_erased_is_told_nothing() {
    let reason = SkipReason::Erased;
    given::<Notification>(attempted(2))
        .when(Command::Skip { reason })
        .then([Event::NotificationSkipped { reason }]);
    given::<Notification>([])
        .when(Command::Skip { reason })
        .then_rejected(Rejection::NotRequested);
}

#[test]
fn the_first_attempt_is_immediate_and_the_pauses_grow() {
    assert_eq!(pause_before(1), SignedDuration::ZERO);
    for attempt in 1..MAX_ATTEMPTS {
        assert!(pause_before(attempt + 1) > pause_before(attempt));
    }
}

fn commands() -> impl Strategy<Value = Command> {
    prop_oneof![
        Just(request()),
        (1..=9u32).prop_map(|attempt| Command::Attempt { attempt }),
        (1..=9u32).prop_map(record_delivery),
        (1..=9u32, any::<bool>()).prop_map(|(attempt, lasting)| record_failure(attempt, lasting)),
        Just(Command::Skip {
            reason: SkipReason::Erased
        }),
    ]
}

proptest! {
    /// Whatever is asked in whatever order: a command that was just accepted says nothing new when it is delivered again.
    #[test]
    fn a_redelivered_command_adds_nothing(commands in prop::collection::vec(commands(), 0..20)) {
        let mut state = Notification::default();
        for command in commands {
            if let Ok(events) = state.decide(command.clone()) {
                state = events.into_iter().fold(state, Notification::evolve);
                prop_assert_eq!(state.decide(command), Ok(vec![]));
            }
        }
    }
}
