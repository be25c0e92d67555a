use super::*;

#[test]
fn a_registered_request_goes_to_the_unit_of_its_topic() {
    given([]).when(route()).then([routed()]);
}

#[test]
fn routing_again_does_not_undo_what_a_person_decided() {
    let moved = at_once(Fact::RequestRoutedManually { unit: parks() });
    given([routed(), moved.clone()])
        .when(route())
        .then_nothing();
    given([moved]).when(route()).then_nothing();
    given([routed(), returned()]).when(route()).then_nothing();
    given([routed(), concluded()]).when(route()).then_nothing();
}

#[test]
fn nobody_works_on_what_no_unit_has() {
    for act in [
        Act::AcceptRequest,
        Act::StartWork,
        Act::ReopenRequest,
        refer_to(highways()),
    ] {
        given([])
            .when(asked(act))
            .then_rejected(Rejection::NotRouted);
    }
}

#[test]
fn a_person_routes_what_no_rule_routed() {
    given([])
        .when(asked(route_to(parks())))
        .then([later(Fact::RequestRoutedManually { unit: parks() })]);
}

#[test]
fn a_returned_request_waits_for_another_unit() {
    let reason = ReturnReason::NotOurTopic;
    given([routed()])
        .when(asked(Act::ReturnRequest { reason }))
        .then([later(Fact::RequestReturned {
            unit: roads(),
            reason,
        })]);
    given([routed(), returned()])
        .when(asked(Act::AcceptRequest))
        .then_rejected(Rejection::Returned);
    given([routed(), returned()])
        .when(asked(Act::StartWork))
        .then_rejected(Rejection::Returned);
    given([routed(), returned()])
        .when(asked(route_to(roads())))
        .then([later(Fact::RequestRoutedManually { unit: roads() })]);
}

#[test]
fn routing_to_the_unit_that_has_it_changes_nothing() {
    for history in [
        vec![routed()],
        vec![routed(), accepted()],
        vec![routed(), accepted(), started()],
    ] {
        given(history).when(asked(route_to(roads()))).then_nothing();
    }
}

#[test]
fn another_units_people_are_other_people() {
    let moved = at_once(Fact::RequestRoutedManually { unit: parks() });
    let Handling::Known(work) = Handling::replay([routed(), accepted(), assigned(), moved]) else {
        panic!()
    };
    assert_eq!(
        (work.unit, work.assignee, work.stage),
        (parks(), None, Stage::Routed)
    );
}

#[test]
fn a_unit_is_one_of_the_directory() {
    let to = |standing| {
        asked(Act::RouteManually {
            unit: parks(),
            standing,
        })
    };
    given([routed()])
        .when(to(Standing::Unknown))
        .then_rejected(Rejection::UnknownUnit);
    given([routed()])
        .when(to(Standing::Outside))
        .then_rejected(Rejection::OutsideUnit);
}

#[test]
fn a_unit_accepts_then_assigns_then_works() {
    given([routed()])
        .when(asked(Act::AcceptRequest))
        .then([later(Fact::RequestAccepted { unit: roads() })]);
    let assign = Act::AssignRequest { assignee: crew() };
    let assigned_later = later(Fact::RequestAssigned {
        unit: roads(),
        assignee: Some(crew()),
    });
    given([routed(), accepted()])
        .when(asked(assign.clone()))
        .then([assigned_later]);
    given([routed(), accepted(), assigned()])
        .when(asked(Act::StartWork))
        .then([later(Fact::WorkStarted { unit: roads() })]);

    given([routed()])
        .when(asked(assign.clone()))
        .then_rejected(Rejection::NotAccepted);
    given([routed()])
        .when(asked(Act::StartWork))
        .then_rejected(Rejection::NotAccepted);
    given([routed(), accepted(), assigned()])
        .when(asked(assign))
        .then_nothing();
    given([routed(), accepted(), assigned()])
        .when(asked(Act::AcceptRequest))
        .then_rejected(Rejection::AlreadyAccepted);
}

#[test]
fn a_plan_names_today_or_a_later_day_of_istanbul() {
    let plan = |planned_for| Act::PlanRequest { planned_for };
    let today = date(2026, 2, 9);
    given([routed(), accepted()])
        .when(asked(plan(today)))
        .then([later(Fact::RequestPlanned {
            unit: roads(),
            planned_for: today,
        })]);
    given([routed(), accepted()])
        .when(asked(plan(date(2026, 2, 8))))
        .then_rejected(Rejection::PlanInThePast);

    // 21:30 UTC is half past midnight on the wall of the centre.
    let night = date(2026, 2, 9)
        .at(21, 30, 0, 0)
        .in_tz("UTC")
        .unwrap()
        .timestamp();
    given([routed(), accepted()])
        .when(asked_at(night, plan(today)))
        .then_rejected(Rejection::PlanInThePast);
    given([routed(), accepted(), planned()])
        .when(asked(plan(date(2026, 3, 1))))
        .then_nothing();
}

#[test]
fn only_an_institution_outside_is_referred_to() {
    let refer = |standing| {
        asked(Act::ReferRequest {
            institution: highways(),
            standing,
        })
    };
    given([routed()])
        .when(refer(Standing::Outside))
        .then([later(Fact::RequestReferred {
            institution: highways(),
        })]);
    given([routed()])
        .when(refer(Standing::Inside))
        .then_rejected(Rejection::NotOutside);
    given([routed()])
        .when(refer(Standing::Unknown))
        .then_rejected(Rejection::UnknownInstitution);
    given([routed(), referred()])
        .when(refer(Standing::Outside))
        .then_nothing();
}

#[test]
fn what_lies_outside_is_taken_back_before_work_goes_on() {
    given([routed(), referred()])
        .when(asked(Act::StartWork))
        .then_rejected(Rejection::Referred);
    given([routed(), referred()])
        .when(asked(Act::AcceptRequest))
        .then([later(Fact::RequestAccepted { unit: roads() })]);
}

#[test]
fn a_concluded_request_takes_no_work_until_it_is_reopened() {
    let acts = [
        Act::AcceptRequest,
        Act::StartWork,
        Act::AssignRequest { assignee: crew() },
        Act::PlanRequest {
            planned_for: date(2026, 3, 1),
        },
        Act::ReturnRequest {
            reason: ReturnReason::Other,
        },
        Act::ConcludeRequest(conclude_as(SubResult::Solved)),
        route_to(parks()),
        refer_to(highways()),
    ];
    for act in acts {
        given([routed(), concluded()])
            .when(asked(act))
            .then_rejected(Rejection::Concluded);
    }
    given([routed(), concluded()])
        .when(asked(Act::ReopenRequest))
        .then([later(Fact::RequestReopened {
            unit: roads(),
            times: 1,
        })]);
    given([routed(), concluded(), reopened(), concluded()])
        .when(asked(Act::ReopenRequest))
        .then([later(Fact::RequestReopened {
            unit: roads(),
            times: 2,
        })]);
    given([routed(), concluded(), reopened()])
        .when(asked(Act::StartWork))
        .then([later(Fact::WorkStarted { unit: roads() })]);
    given([routed()])
        .when(asked(Act::ReopenRequest))
        .then_rejected(Rejection::NotConcluded);
}

#[test]
fn some_sub_results_are_given_with_their_reasons() {
    let conclude = |conclusion| asked(Act::ConcludeRequest(conclusion));
    for sub_result in [SubResult::Refused, SubResult::Unfounded] {
        given([routed()])
            .when(conclude(conclude_as(sub_result)))
            .then_rejected(Rejection::AnswerMissing);
        let answered = Conclusion {
            answered: true,
            ..conclude_as(sub_result)
        };
        given([routed()])
            .when(conclude(answered))
            .then([later(concluded_as(sub_result))]);
    }
    let out = SubResult::OutOfAuthority;
    given([routed()])
        .when(conclude(conclude_as(out)))
        .then_rejected(Rejection::AnswerOrReferralMissing);
    given([routed(), referred(), accepted()])
        .when(conclude(conclude_as(out)))
        .then([later(concluded_as(out))]);
    given([routed()])
        .when(conclude(conclude_as(SubResult::NotStated)))
        .then_rejected(Rejection::NotStated);
}

#[test]
fn a_duplicate_names_another_request_that_exists() {
    let conclude = |original| {
        asked(Act::ConcludeRequest(Conclusion {
            original,
            ..conclude_as(SubResult::Duplicate)
        }))
    };
    let original = |known, itself| {
        Some(Original {
            number: another_number(),
            known,
            itself,
        })
    };
    given([routed()])
        .when(conclude(None))
        .then_rejected(Rejection::OriginalMissing);
    given([routed()])
        .when(conclude(original(true, true)))
        .then_rejected(Rejection::OriginalItself);
    given([routed()])
        .when(conclude(original(false, false)))
        .then_rejected(Rejection::OriginalUnknown);
    given([routed()])
        .when(conclude(original(true, false)))
        .then([later(Fact::RequestConcluded {
            unit: roads(),
            sub_result: SubResult::Duplicate,
            original: Some(another_number()),
            visited_at: None,
        })]);
}

#[test]
fn not_found_says_when_somebody_looked() {
    let conclude = |visited_at| {
        asked(Act::ConcludeRequest(Conclusion {
            visited_at,
            ..conclude_as(SubResult::NotFound)
        }))
    };
    given([routed()])
        .when(conclude(None))
        .then_rejected(Rejection::VisitMissing);
    given([routed()])
        .when(conclude(Some(after(2))))
        .then_rejected(Rejection::VisitLater);
    given([routed()])
        .when(conclude(Some(morning())))
        .then([later(Fact::RequestConcluded {
            unit: roads(),
            sub_result: SubResult::NotFound,
            original: None,
            visited_at: Some(morning()),
        })]);
}

#[test]
fn nothing_is_said_to_have_happened_before_what_happened_last() {
    given([routed()])
        .when(asked_at(after(-1), Act::AcceptRequest))
        .then_rejected(Rejection::BeforeLastEvent);
    given([routed()])
        .when(asked_at(morning(), Act::AcceptRequest))
        .then([accepted()]);
}

#[test]
fn a_slow_clock_does_not_put_an_act_before_its_cause() {
    let ahead = Event {
        at: after(2),
        ..routed()
    };
    given([ahead]).when(asked(Act::AcceptRequest)).then([Event {
        at: after(2),
        ..accepted()
    }]);
}
