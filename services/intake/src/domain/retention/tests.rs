use std::collections::BTreeSet;

use super::*;

const PAST: Keep = Keep {
    years: 2,
    months: 0,
    days: 0,
};
const RUN: RunId = RunId(1);

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    at("2026-11-22T09:00:00Z")
}

fn topic(code: &str) -> TopicCode {
    code.parse().unwrap()
}

fn rule(scope: impl Into<Scope>, years: u32) -> RuleInForce {
    RuleInForce {
        scope: scope.into(),
        version: u64::from(years),
        keep: Keep { years, ..PAST },
    }
}

fn request(digits: u32, code: &str, concluded: &str) -> KeptRequest {
    KeptRequest {
        number: RequestNumber::new(2020, digits),
        topic: code.parse().unwrap(),
        concluded: (!concluded.is_empty()).then(|| at(concluded)),
        ordered: false,
        held: false,
    }
}

/// Somebody with one contact, of which all their requests came.
fn dossier(requests: Vec<KeptRequest>) -> Dossier {
    Dossier {
        whose: Whose::Person(PersonId(1)),
        held: false,
        person: Some(PersonId(1)),
        contacts: vec![KeptContact {
            contact: ContactId(2),
            took_place: at("2020-01-01T00:00:00Z"),
            ordered: false,
            requests: requests.clone(),
        }],
        requests,
    }
}

/// What is due and may go, in words: "7", "contact", "person"; on hold with a "!".
fn told(dossier: &Dossier, rules: &[RuleInForce]) -> BTreeSet<String> {
    let word = |it: Due| {
        let name = match it.what {
            Belonging::Person(_) => "person".to_owned(),
            Belonging::Contact(_) => "contact".to_owned(),
            Belonging::Request(number) => {
                number.to_string()[5..13].trim_start_matches('0').to_owned()
            }
        };
        format!("{name}{}", if it.held { "!" } else { "" })
    };
    due(dossier, rules, now()).into_iter().map(word).collect()
}

fn words<const N: usize>(words: [&str; N]) -> BTreeSet<String> {
    words.map(str::to_owned).into()
}

#[test]
fn without_a_rule_nothing_is_due() {
    let old = dossier(vec![request(7, "pothole", "1999-01-01T00:00:00Z")]);
    assert_eq!(told(&old, &[]), words([]));
    assert_eq!(told(&old, &[rule(topic("noise"), 1)]), words([]));
}

#[test]
fn a_topics_own_rule_goes_before_the_default() {
    let old = dossier(vec![request(7, "pothole", "2023-01-01T00:00:00Z")]);
    let all = words(["7", "contact", "person"]);
    assert_eq!(told(&old, &[rule(None, 2)]), all);
    assert_eq!(
        told(&old, &[rule(None, 2), rule(topic("pothole"), 10)]),
        words([])
    );
    assert_eq!(
        told(&old, &[rule(None, 10), rule(topic("pothole"), 2)]),
        all
    );
    let found = due(&old, &[rule(None, 10), rule(topic("pothole"), 2)], now());
    assert!(
        found
            .iter()
            .all(|it| it.scope == Some(topic("pothole")) && it.version == 2),
        "{found:?}"
    );
}

#[test]
fn the_time_begins_with_the_conclusion_and_is_never_over_a_day_early() {
    let rules = [rule(None, 2)];
    let is_due = |concluded: &str| {
        !told(&dossier(vec![request(7, "pothole", concluded)]), &rules).is_empty()
    };
    assert!(is_due("2024-11-22T09:00:00Z"));
    assert!(!is_due("2024-11-22T09:00:01Z"));
    assert!(!is_due(""), "it is open");
    let month = Keep {
        months: 1,
        ..Keep::default()
    };
    // 31 January and a month: not before the last of February.
    assert!(month.began_by(at("2026-02-28T12:00:00Z")) < at("2026-01-31T00:00:00Z"));
    assert!(month.began_by(at("2026-03-01T12:00:00Z")) > at("2026-01-31T12:00:00Z"));
}

#[test]
fn a_request_goes_alone_while_its_person_has_another() {
    let (old, open) = (
        request(7, "pothole", "2020-01-01T00:00:00Z"),
        request(8, "pothole", ""),
    );
    assert_eq!(
        told(&dossier(vec![old.clone(), open.clone()]), &[rule(None, 2)]),
        words(["7"])
    );
    // Their other request came of another contact: that one's note goes, the name stays.
    let mut two = dossier(vec![old.clone()]);
    two.requests.push(open);
    assert_eq!(told(&two, &[rule(None, 2)]), words(["7", "contact"]));
    // What was erased before is no reason to stay.
    let gone = KeptRequest {
        ordered: true,
        ..request(8, "pothole", "")
    };
    assert_eq!(
        told(&dossier(vec![old, gone]), &[rule(None, 2)]),
        words(["7", "contact", "person"])
    );
}

#[test]
fn the_name_goes_by_the_rule_of_what_was_concluded_last() {
    let both = dossier(vec![
        request(7, "noise", "2012-01-01T00:00:00Z"),
        request(8, "pothole", "2020-01-01T00:00:00Z"),
    ]);
    let found = due(
        &both,
        &[rule(topic("noise"), 10), rule(topic("pothole"), 2)],
        now(),
    );
    let person = found
        .iter()
        .find(|it| matches!(it.what, Belonging::Person(_)))
        .unwrap();
    assert_eq!(
        (&person.scope, person.version),
        (&Some(topic("pothole")), 2)
    );
}

#[test]
fn a_contact_without_a_request_goes_by_the_default() {
    let only = Dossier {
        whose: Whose::Contact(ContactId(2)),
        person: None,
        requests: vec![],
        ..dossier(vec![])
    };
    assert_eq!(told(&only, &[rule(None, 2)]), words(["contact"]));
    assert_eq!(told(&only, &[rule(None, 50)]), words([]));
    assert_eq!(told(&only, &[rule(topic("pothole"), 1)]), words([]));
}

#[test]
fn what_is_on_hold_is_told_and_keeps_name_and_notes() {
    let (free, held) = (
        request(7, "pothole", "2020-01-01T00:00:00Z"),
        KeptRequest {
            held: true,
            ..request(8, "pothole", "2020-01-01T00:00:00Z")
        },
    );
    let both = dossier(vec![free.clone(), held]);
    assert_eq!(
        told(&both, &[rule(None, 2)]),
        words(["7", "8!", "contact!", "person!"])
    );
    let person = Dossier {
        held: true,
        ..dossier(vec![free])
    };
    assert_eq!(
        told(&person, &[rule(None, 2)]),
        words(["7!", "contact!", "person!"])
    );
}

#[test]
fn what_an_interrupted_run_left_is_still_due() {
    let gone = KeptRequest {
        ordered: true,
        ..request(7, "pothole", "2020-01-01T00:00:00Z")
    };
    let left = dossier(vec![gone]);
    assert_eq!(told(&left, &[rule(None, 2)]), words(["contact", "person"]));
}

#[test]
fn a_rule_is_set_once_changed_and_removed() {
    let two = Rule {
        keep: PAST,
        ground: RetentionGround::Policy,
        reference: Reference::default(),
    };
    let three = Rule {
        keep: Keep { years: 3, ..PAST },
        ..two.clone()
    };
    let set = |rule: &Rule| RuleEvent::RetentionRuleSet(rule.clone());
    let given = decider::given::<Standing>;
    given(vec![])
        .when(RuleCommand::Set(two.clone()))
        .then([set(&two)]);
    given(vec![set(&two)])
        .when(RuleCommand::Set(two.clone()))
        .then_nothing();
    given(vec![set(&two)])
        .when(RuleCommand::Set(three.clone()))
        .then([set(&three)]);
    given(vec![set(&two)])
        .when(RuleCommand::Remove)
        .then([RuleEvent::RetentionRuleRemoved]);
    given(vec![set(&two), RuleEvent::RetentionRuleRemoved])
        .when(RuleCommand::Remove)
        .then_nothing();
}

#[test]
fn one_run_at_a_time_and_none_without_a_rule() {
    let rules = vec![rule(None, 2)];
    let begin = |run| RunCommand::Begin {
        run,
        rules: rules.clone(),
    };
    let began = |run| RunEvent::DestructionBegan {
        run,
        rules: rules.clone(),
    };
    let counts = Counts {
        requests: 3,
        ..Counts::default()
    };
    let end = RunCommand::End { run: RUN, counts };
    let ended = RunEvent::DestructionEnded { run: RUN, counts };
    let given = decider::given::<Runs>;
    given(vec![]).when(begin(RUN)).then([began(RUN)]);
    given(vec![])
        .when(RunCommand::Begin {
            run: RUN,
            rules: vec![],
        })
        .then_rejected(RunRejection::NoRule);
    given(vec![began(RUN)]).when(begin(RunId(2))).then_nothing();
    given(vec![began(RUN)])
        .when(end.clone())
        .then([ended.clone()]);
    given(vec![began(RUN), ended.clone()])
        .when(end)
        .then_nothing();
    given(vec![began(RUN), ended])
        .when(begin(RunId(2)))
        .then([began(RunId(2))]);
}

#[test]
fn the_timer_waits_for_its_day_and_for_who_mistyped() {
    let day = |text: &str| at(&format!("{text}T09:00:00Z"));
    let (rule, last) = ([day("2026-01-01")], Some(day("2026-02-01")));
    assert!(!is_time(&[], None, 30, now()));
    assert!(!is_time(&rule, None, 30, day("2026-01-30")));
    assert!(is_time(&rule, None, 30, day("2026-01-31")));
    assert!(!is_time(&rule, last, 30, day("2026-03-02")));
    assert!(is_time(&rule, last, 30, day("2026-03-03")));
    let mistyped = [rule[0], at("2026-03-03T08:00:00Z")];
    assert!(!is_time(&mistyped, last, 30, day("2026-03-03")));
    assert!(is_time(&mistyped, last, 30, day("2026-03-04")));
}

#[test]
fn a_reference_is_no_name() {
    for good in ["", "2026/123", "KVKK-7.1", "E.2026/5-a"] {
        assert_eq!(good.parse::<Reference>().unwrap().as_str(), good);
    }
    let long = "1".repeat(41);
    for bad in ["Ayşe", "Ayse", "2026 123", "5@x", &long] {
        assert_eq!(bad.parse::<Reference>(), Err(NotAReference), "{bad}");
    }
}
