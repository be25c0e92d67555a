use super::*;

/// A history for each stage, the first one of a request that no unit has yet.
fn histories() -> Vec<Vec<Event>> {
    vec![
        vec![],
        vec![routed()],
        vec![routed(), returned()],
        vec![routed(), accepted()],
        vec![routed(), accepted(), assigned()],
        vec![routed(), accepted(), started()],
        vec![routed(), accepted(), planned()],
        vec![routed(), referred()],
        vec![routed(), concluded()],
        vec![routed(), concluded(), reopened()],
        vec![routed(), accepted(), information_asked()],
    ]
}

fn write() -> Command {
    asked(Act::RecordMessage {
        channel: Channel::Web,
    })
}

fn wrote(back_to: Option<RequestState>) -> Event {
    later(Fact::CitizenWrote {
        channel: Channel::Web,
        back_to,
    })
}

fn waits(history: &[Event]) -> bool {
    Handling::replay(history.to_vec()).stands_at() == Some(RequestState::WaitingCitizen)
}

impl Handling {
    fn stands_at(&self) -> Option<RequestState> {
        match self {
            Handling::Unrouted => None,
            Handling::Known(work) => Some(work.state()),
        }
    }
}

#[test]
fn a_comment_is_taken_at_any_stage_and_changes_nothing() {
    for history in histories() {
        let unit = (!history.is_empty()).then(roads);
        let comment = later(Fact::CommentAdded { unit, public: true });
        given(history.clone())
            .when(asked(Act::AddComment { public: true }))
            .then([comment.clone()]);
        let before = Handling::replay(history);
        assert_eq!(before.clone().evolve(comment), before);
    }
}

#[test]
fn a_comment_may_be_of_a_time_before_the_last_step() {
    let event = Event {
        at: after(-3),
        fact: Fact::CommentAdded {
            unit: Some(roads()),
            public: false,
        },
    };
    given([routed(), accepted()])
        .when(asked_at(after(-3), Act::AddComment { public: false }))
        .then([event]);
}

#[test]
fn a_remark_does_not_stand_in_the_way_of_an_earlier_step() {
    let remarks = [
        later(Fact::CommentAdded {
            unit: Some(roads()),
            public: false,
        }),
        wrote(None),
    ];
    for remark in remarks {
        assert!(remark.fact.is_remark());
        given([routed(), remark])
            .when(asked_at(morning(), Act::AcceptRequest))
            .then([accepted()]);
    }
}

#[test]
fn the_citizen_is_asked_wherever_the_work_lies_inside() {
    for history in histories() {
        let then = given(history.clone()).when(asked(Act::AskInformation));
        match Handling::replay(history).stands_at() {
            None => then.then_rejected(Rejection::NotRouted),
            Some(RequestState::Referred) => then.then_rejected(Rejection::Referred),
            Some(RequestState::Concluded) => then.then_rejected(Rejection::Concluded),
            Some(_) => then.then([later(Fact::InformationAsked { unit: roads() })]),
        }
    }
}

#[test]
fn what_the_citizen_writes_is_recorded_at_any_stage() {
    for history in histories().into_iter().filter(|it| !waits(it)) {
        given(history.clone()).when(write()).then([wrote(None)]);
        let before = Handling::replay(history);
        assert_eq!(before.clone().evolve(wrote(None)), before);
    }
}

#[test]
fn the_answer_brings_the_request_back_to_where_it_was() {
    for history in histories() {
        let before = Handling::replay(history.clone());
        let Some(state) = before.stands_at() else {
            continue;
        };
        if before.decide(asked(Act::AskInformation)).is_err() || waits(&history) {
            continue;
        }
        let asked = [history, vec![information_asked()]].concat();
        assert!(waits(&asked));
        given(asked.clone())
            .when(write())
            .then([wrote(Some(state))]);
        let back = Handling::replay([asked, vec![wrote(Some(state))]].concat());
        assert_eq!(back.stands_at(), Some(state));
        // What comes after the answer answers nothing.
        assert_eq!(back.decide(write()), Ok(vec![wrote(None)]));
    }
}

#[test]
fn a_second_question_is_answered_once() {
    let history = [
        routed(),
        accepted(),
        planned(),
        information_asked(),
        information_asked(),
    ];
    given(history)
        .when(write())
        .then([wrote(Some(RequestState::Planned))]);
}

#[test]
fn an_answer_never_lies_before_its_question() {
    let question = later(Fact::InformationAsked { unit: roads() });
    let act = Act::RecordMessage {
        channel: Channel::Letter,
    };
    given([routed(), question])
        .when(asked_at(morning(), act))
        .then([later(Fact::CitizenWrote {
            channel: Channel::Letter,
            back_to: Some(RequestState::Routed),
        })]);
}

#[test]
fn work_may_go_on_without_the_answer() {
    let waiting = |history: &[Event]| [history, &[information_asked()]].concat();
    let in_progress = waiting(&[routed(), accepted(), started()]);
    given(in_progress.clone())
        .when(asked(Act::StartWork))
        .then([later(Fact::WorkStarted { unit: roads() })]);
    let work_goes_on = [in_progress.clone(), vec![started()]].concat();
    assert!(!waits(&work_goes_on));
    given(in_progress)
        .when(asked(Act::ConcludeRequest(conclude_as(SubResult::Solved))))
        .then([later(concluded_as(SubResult::Solved))]);
    // The question gives no unit what it has not accepted.
    given(waiting(&[routed()]))
        .when(asked(Act::StartWork))
        .then_rejected(Rejection::NotAccepted);
    given(waiting(&[routed()]))
        .when(asked(Act::AcceptRequest))
        .then([later(Fact::RequestAccepted { unit: roads() })]);
}

#[test]
fn a_rule_that_routes_again_leaves_the_question_alone() {
    given([routed(), information_asked()])
        .when(route())
        .then_nothing();
    given([
        routed(),
        information_asked(),
        answered(RequestState::Routed),
    ])
    .when(route())
    .then_nothing();
}

#[test]
fn a_comment_that_comes_first_does_not_keep_a_request_from_its_unit() {
    let comment = at_once(Fact::CommentAdded {
        unit: None,
        public: false,
    });
    given([comment]).when(route()).then([routed()]);
}
