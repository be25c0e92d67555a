use proptest::prelude::*;

use super::*;

fn sub_results() -> impl Strategy<Value = SubResult> {
    proptest::sample::select(SubResult::ALL)
}

fn units() -> impl Strategy<Value = UnitCode> {
    prop_oneof![Just(roads()), Just(parks()), Just(highways())]
}

fn standings() -> impl Strategy<Value = Standing> {
    prop_oneof![
        Just(Standing::Unknown),
        Just(Standing::Inside),
        Just(Standing::Outside)
    ]
}

fn acts() -> impl Strategy<Value = Act> {
    prop_oneof![
        (units(), standings()).prop_map(|(unit, standing)| Act::RouteManually { unit, standing }),
        Just(Act::ReturnRequest {
            reason: ReturnReason::NotOurArea
        }),
        Just(Act::AcceptRequest),
        Just(Act::AssignRequest { assignee: crew() }),
        Just(Act::StartWork),
        Just(Act::PlanRequest {
            planned_for: date(2026, 12, 1)
        }),
        (units(), standings()).prop_map(|(institution, standing)| Act::ReferRequest {
            institution,
            standing
        }),
        (sub_results(), any::<bool>()).prop_map(|(sub_result, answered)| {
            Act::ConcludeRequest(Conclusion {
                answered,
                ..conclude_as(sub_result)
            })
        }),
        Just(Act::ReopenRequest),
        Just(Act::AskInformation),
        any::<bool>().prop_map(|public| Act::AddComment { public }),
        Just(Act::RecordMessage {
            channel: Channel::Phone
        }),
    ]
}

fn reaction_command() -> impl Strategy<Value = Command> {
    (units(), 0..48_i64).prop_map(|(unit, hours)| Command::RouteRequest {
        unit,
        topic: pothole(),
        rule: rule(),
        at: after(hours),
    })
}

fn commands() -> impl Strategy<Value = Vec<Command>> {
    let acts = (acts(), 0..48_i64, any::<bool>()).prop_map(|(act, hours, stated)| Command::Act {
        when: When {
            at: after(hours),
            stated,
        },
        act,
    });
    let imports = (units(), sub_results(), 0..48_i64).prop_map(|(unit, sub_result, hours)| {
        Command::ImportHandling(Import {
            imported: true,
            unit,
            unit_known: true,
            topic: pothole(),
            reached: Reached::Concluded(sub_result),
            registered_at: morning(),
            since: after(hours),
        })
    });
    proptest::collection::vec(
        prop_oneof![6 => acts, 1 => imports, 1 => reaction_command()],
        0..12,
    )
}

/// What was refused changes nothing.
fn apply_all(handling: Handling, commands: Vec<Command>) -> Handling {
    commands.into_iter().fold(handling, |handling, command| {
        let events = handling.decide(command).unwrap_or_default();
        events.into_iter().fold(handling, Handling::evolve)
    })
}

proptest! {
    /// However much later a reaction's command comes again, it records nothing more.
    #[test]
    fn redelivery_is_silent(before in commands(), again in reaction_command(), after in commands()) {
        let handling = apply_all(Handling::default(), before);
        let events = handling.decide(again.clone()).unwrap();
        let handling = events.into_iter().fold(handling, Handling::evolve);
        let handling = apply_all(handling, after);

        prop_assert_eq!(handling.decide(again), Ok(vec![]));
    }

    /// An import that is repeated at once records nothing more.
    #[test]
    fn importing_twice_is_importing_once(before in commands(), unit in units(), hours in 0..48_i64) {
        let import = Command::ImportHandling(Import {
            imported: true,
            unit,
            unit_known: true,
            topic: pothole(),
            reached: Reached::InProgress,
            registered_at: morning(),
            since: after(hours),
        });
        let handling = apply_all(Handling::default(), before);
        let handling = apply_all(handling, vec![import.clone()]);

        prop_assert_eq!(handling.decide(import), Ok(vec![]));
    }

    /// Time never runs backwards in a handling; a remark stands beside it and may be of any time.
    #[test]
    fn what_happens_later_is_dated_later(commands in commands()) {
        let mut handling = Handling::default();
        let mut last = Timestamp::MIN;
        for command in commands {
            let events = handling.decide(command).unwrap_or_default();
            for event in events {
                if !event.fact.is_remark() {
                    prop_assert!(last <= event.at, "{:?}", event);
                    last = event.at;
                }
                handling = handling.evolve(event);
            }
        }
    }
}
