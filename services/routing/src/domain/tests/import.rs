use super::*;

fn says(reached: Reached, since: Timestamp) -> Import {
    Import {
        imported: true,
        unit: roads(),
        unit_known: true,
        topic: pothole(),
        reached,
        registered_at: morning(),
        since,
    }
}

fn imported(reached: Reached, since: Timestamp) -> Command {
    Command::ImportHandling(says(reached, since))
}

fn routed_there() -> Event {
    at_once(Fact::RequestRouted {
        unit: roads(),
        topic: pothole(),
        rule: None,
    })
}

#[test]
fn an_import_tells_how_far_it_got_there() {
    given([])
        .when(imported(Reached::Routed, morning()))
        .then([routed_there()]);
    given([]).when(imported(Reached::Assigned, after(1))).then([
        routed_there(),
        later(Fact::RequestAssigned {
            unit: roads(),
            assignee: None,
        }),
    ]);
    given([])
        .when(imported(Reached::InProgress, after(1)))
        .then([routed_there(), later(Fact::WorkStarted { unit: roads() })]);
    given([])
        .when(imported(Reached::Concluded(SubResult::NotStated), after(1)))
        .then([routed_there(), later(concluded_as(SubResult::NotStated))]);
}

#[test]
fn importing_again_says_only_what_is_new() {
    let done = Reached::Concluded(SubResult::Solved);
    given([routed_there()])
        .when(imported(Reached::Routed, morning()))
        .then_nothing();
    given([routed_there()])
        .when(imported(done, after(1)))
        .then([later(concluded_as(SubResult::Solved))]);
    given([routed_there(), later(concluded_as(SubResult::Solved))])
        .when(imported(done, after(1)))
        .then_nothing();
}

#[test]
fn an_older_export_undoes_nothing() {
    let history = [routed_there(), later(concluded_as(SubResult::Solved))];
    given(history.clone())
        .when(imported(Reached::InProgress, morning()))
        .then_nothing();
    given(history)
        .when(imported(Reached::InProgress, after(2)))
        .then([
            Event {
                at: after(2),
                fact: Fact::RequestReopened {
                    unit: roads(),
                    times: 1,
                },
            },
            Event {
                at: after(2),
                fact: Fact::WorkStarted { unit: roads() },
            },
        ]);
}

#[test]
fn an_agency_that_passed_it_on_is_told() {
    let import = Import {
        unit: parks(),
        ..says(Reached::Routed, after(1))
    };
    given([routed_there()])
        .when(Command::ImportHandling(import))
        .then([later(Fact::RequestRouted {
            unit: parks(),
            topic: pothole(),
            rule: None,
        })]);
}

#[test]
fn only_what_was_imported_is_handled_elsewhere() {
    let ours = Import {
        imported: false,
        ..says(Reached::Routed, morning())
    };
    given([])
        .when(Command::ImportHandling(ours))
        .then_rejected(Rejection::NotImported);
    let unheard = Import {
        unit_known: false,
        ..says(Reached::Routed, morning())
    };
    given([])
        .when(Command::ImportHandling(unheard))
        .then_rejected(Rejection::UnknownUnit);
    given([])
        .when(imported(Reached::Assigned, after(-1)))
        .then_rejected(Rejection::StateBeforeRegistration);
}
