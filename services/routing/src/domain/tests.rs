mod directory;
mod import;
mod redelivery;
mod remarks;
mod work;

use decider::Given;
use jiff::{SignedDuration, Timestamp, civil::date};
use vocabulary::{RequestNumber, SubResult};

use super::*;

/// Fixes the decider, so that tests need no type annotations.
fn given(history: impl IntoIterator<Item = Event>) -> Given<Handling> {
    decider::given(history)
}

/// A working morning: 9 February 2026, 10:00 on the wall of the centre.
fn morning() -> Timestamp {
    date(2026, 2, 9)
        .at(7, 0, 0, 0)
        .in_tz("UTC")
        .unwrap()
        .timestamp()
}

fn after(hours: i64) -> Timestamp {
    morning() + SignedDuration::from_hours(hours)
}

fn roads() -> UnitCode {
    "public-works".parse().unwrap()
}

fn parks() -> UnitCode {
    "parks".parse().unwrap()
}

fn highways() -> UnitCode {
    "highways".parse().unwrap()
}

fn pothole() -> TopicCode {
    "pothole".parse().unwrap()
}

fn crew() -> Assignee {
    Assignee("crew-3".to_owned())
}

fn rule() -> Rule {
    Rule {
        name: "topic-pothole".to_owned(),
        version: 1,
    }
}

fn route() -> Command {
    Command::RouteRequest {
        unit: roads(),
        topic: pothole(),
        rule: rule(),
        at: morning(),
    }
}

fn asked(act: Act) -> Command {
    Command::Act {
        when: When {
            at: after(1),
            stated: false,
        },
        act,
    }
}

fn asked_at(at: Timestamp, act: Act) -> Command {
    Command::Act {
        when: When { at, stated: true },
        act,
    }
}

fn route_to(unit: UnitCode) -> Act {
    Act::RouteManually {
        unit,
        standing: Standing::Inside,
    }
}

fn refer_to(institution: UnitCode) -> Act {
    Act::ReferRequest {
        institution,
        standing: Standing::Outside,
    }
}

fn conclude_as(sub_result: SubResult) -> Conclusion {
    Conclusion {
        sub_result,
        answered: false,
        original: None,
        visited_at: None,
    }
}

fn at_once(fact: Fact) -> Event {
    Event {
        at: morning(),
        fact,
    }
}

fn later(fact: Fact) -> Event {
    Event { at: after(1), fact }
}

fn routed() -> Event {
    at_once(Fact::RequestRouted {
        unit: roads(),
        topic: pothole(),
        rule: Some(rule()),
    })
}

fn returned() -> Event {
    at_once(Fact::RequestReturned {
        unit: roads(),
        reason: ReturnReason::NotOurTopic,
    })
}

fn accepted() -> Event {
    at_once(Fact::RequestAccepted { unit: roads() })
}

fn assigned() -> Event {
    at_once(Fact::RequestAssigned {
        unit: roads(),
        assignee: Some(crew()),
    })
}

fn started() -> Event {
    at_once(Fact::WorkStarted { unit: roads() })
}

fn planned() -> Event {
    at_once(Fact::RequestPlanned {
        unit: roads(),
        planned_for: date(2026, 3, 1),
    })
}

fn referred() -> Event {
    at_once(Fact::RequestReferred {
        institution: highways(),
    })
}

fn concluded() -> Event {
    at_once(concluded_as(SubResult::Solved))
}

fn concluded_as(sub_result: SubResult) -> Fact {
    Fact::RequestConcluded {
        unit: roads(),
        sub_result,
        original: None,
        visited_at: None,
    }
}

fn reopened() -> Event {
    at_once(Fact::RequestReopened {
        unit: roads(),
        times: 1,
    })
}

fn another_number() -> RequestNumber {
    RequestNumber::new(2026, 48_120_937)
}

fn information_asked() -> Event {
    at_once(Fact::InformationAsked { unit: roads() })
}

fn answered(back_to: RequestState) -> Event {
    at_once(Fact::CitizenWrote {
        channel: Channel::Web,
        back_to: Some(back_to),
    })
}
