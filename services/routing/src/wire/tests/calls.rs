use chassis::violations;
use contracts::vocabulary::v1 as words;
use jiff::SignedDuration;
use tonic::{Code, Status};
use vocabulary::AttributeType;

use super::*;
use crate::{
    default_directory,
    domain::{Rejection, Standard, TopicRejection},
};

const A_COMMAND: &str = "5f0c3a52-0f0e-4a52-9a56-3f4f6b1f8a11";

fn a_target() -> v1::Target {
    v1::Target {
        command_id: A_COMMAND.to_owned(),
        number: a_number().to_string(),
        expected_version: 3,
        occurred_at: 0,
    }
}

/// The field and the code that a caller sees.
#[track_caller]
fn check<T>(outcome: Result<T, Invalid>, field: &str) {
    let Err(invalid) = outcome else {
        panic!("{field} was let through")
    };
    let status = Status::from(invalid);
    let fields: Vec<_> = violations(&status)
        .into_iter()
        .map(|(field, _)| field)
        .collect();
    assert_eq!(
        (status.code(), fields),
        (Code::InvalidArgument, vec![field.to_owned()])
    );
}

#[test]
fn a_target_is_read_whole() {
    let read = target(Some(&a_target()), now()).unwrap();
    assert_eq!(read.number, a_number());
    assert_eq!(
        read.when,
        When {
            at: now(),
            stated: false
        }
    );
    let past = now() - SignedDuration::from_hours(24 * 60);
    let read = target(
        Some(&v1::Target {
            occurred_at: past.as_microsecond(),
            ..a_target()
        }),
        now(),
    )
    .unwrap();
    assert_eq!(
        read.when,
        When {
            at: past,
            stated: true
        }
    );
}

#[test]
fn each_fault_of_a_target_names_its_field() {
    check(target(None, now()), "target");
    for command_id in ["", "7", "00000000-0000-0000-0000-000000000000"] {
        let proto = v1::Target {
            command_id: command_id.to_owned(),
            ..a_target()
        };
        check(target(Some(&proto), now()), "target.command_id");
    }
    for number in ["", "2026", "2026-48120937-6"] {
        check(
            target(
                Some(&v1::Target {
                    number: number.to_owned(),
                    ..a_target()
                }),
                now(),
            ),
            "target.number",
        );
    }
    let soon = (now() + SignedDuration::from_mins(6)).as_microsecond();
    for occurred_at in [soon, i64::MAX, i64::MIN] {
        check(
            target(
                Some(&v1::Target {
                    occurred_at,
                    ..a_target()
                }),
                now(),
            ),
            "target.occurred_at",
        );
    }
}

#[test]
fn a_reason_is_one_of_the_list() {
    check(return_reason(0), "reason");
    check(return_reason(99), "reason");
    assert_eq!(return_reason(2), Ok(ReturnReason::NotOurArea));
}

#[test]
fn a_date_is_written_as_iso_writes_it() {
    for bad in [
        "",
        "1.3.2026",
        "20260301",
        "2026-3-1",
        "2026-02-30",
        "2026-03-01T10:00",
    ] {
        check(planned_for(bad), "planned_for");
    }
    assert_eq!(planned_for("2026-03-01"), Ok(date(2026, 3, 1)));
}

#[test]
fn an_assignee_is_a_code_and_not_a_name() {
    for bad in ["", "Ayşe Yılmaz", "a b", &"x".repeat(65)] {
        check(assignee(bad), "assignee");
    }
    assert!(assignee("crew-3").is_ok());
}

#[test]
fn a_text_has_its_limit_in_characters() {
    assert!(note(&"ğ".repeat(4_000)).is_ok());
    assert!(note(&"ğ".repeat(4_001)).is_err_and(|it| it.field == "note"));
    assert!(answer(&"x".repeat(5 << 20)).is_err_and(|it| it.field == "answer"));
    assert!(answer(" \n ").is_ok_and(|it| it.text.is_empty()));
    assert!(
        answer("Ayşe'nin İĞDIR şikâyeti ").is_ok_and(|it| it.text == "Ayşe'nin İĞDIR şikâyeti ")
    );
}

#[test]
fn a_remark_and_a_question_say_something() {
    assert!(remark("").is_err_and(|it| it.field == "text"));
    assert!(remark(" \n ").is_err_and(|it| it.field == "text"));
    assert!(remark(&"ğ".repeat(4_001)).is_err_and(|it| it.field == "text"));
    assert!(remark("Muhtarla görüşüldü.").is_ok_and(|it| it.field == "text"));
    assert!(question("").is_err_and(|it| it.field == "question"));
    assert!(question("Hangi okul?").is_ok_and(|it| it.field == "question"));
    check(channel(0), "channel");
    check(channel(99), "channel");
    assert_eq!(channel(3), Ok(Channel::Web));
}

fn a_conclusion(sub_result: words::SubResult) -> v1::ConcludeRequestRequest {
    v1::ConcludeRequestRequest {
        sub_result: sub_result.into(),
        ..v1::ConcludeRequestRequest::default()
    }
}

#[test]
fn a_conclusion_says_what_it_came_to() {
    check(
        conclusion(&a_conclusion(words::SubResult::Unspecified), now()),
        "sub_result",
    );
    let proto = v1::ConcludeRequestRequest {
        sub_result: 77,
        ..v1::ConcludeRequestRequest::default()
    };
    check(conclusion(&proto, now()), "sub_result");
    let proto = v1::ConcludeRequestRequest {
        original: "1".to_owned(),
        ..a_conclusion(words::SubResult::Duplicate)
    };
    check(conclusion(&proto, now()), "original");
    let original = a_number().to_string();
    check(
        conclusion(
            &v1::ConcludeRequestRequest {
                original,
                ..a_conclusion(words::SubResult::Solved)
            },
            now(),
        ),
        "original",
    );
    let visited_at = (now() + SignedDuration::from_hours(1)).as_microsecond();
    let proto = v1::ConcludeRequestRequest {
        visited_at,
        ..a_conclusion(words::SubResult::NotFound)
    };
    check(conclusion(&proto, now()), "visited_at");
}

fn an_import() -> v1::ImportHandlingRequest {
    v1::ImportHandlingRequest {
        command_id: A_COMMAND.to_owned(),
        number: a_number().to_string(),
        topic: "noise".to_owned(),
        unit: "NYPD".to_owned(),
        state: words::RequestState::InProgress.into(),
        registered_at: 1,
        state_since: 2,
        ..v1::ImportHandlingRequest::default()
    }
}

#[test]
fn each_fault_of_an_import_names_its_field() {
    assert_eq!(
        import(&an_import(), now()).map(|it| it.reached),
        Ok(Reached::InProgress)
    );
    let with = |change: fn(&mut v1::ImportHandlingRequest)| {
        let mut proto = an_import();
        change(&mut proto);
        import(&proto, now())
    };
    check(with(|it| it.command_id.clear()), "command_id");
    check(with(|it| it.number.clear()), "number");
    check(with(|it| it.topic = "No Topic".to_owned()), "topic");
    check(with(|it| it.unit.clear()), "unit");
    check(with(|it| it.state = 0), "state");
    check(
        with(|it| it.state = words::RequestState::Planned.into()),
        "state",
    );
    check(
        with(|it| it.state = words::RequestState::Concluded.into()),
        "sub_result",
    );
    check(with(|it| it.registered_at = 0), "registered_at");
    check(with(|it| it.state_since = i64::MAX), "state_since");
}

#[test]
fn each_fault_of_a_definition_names_its_field() {
    let unit = v1::DefineUnitRequest {
        command_id: A_COMMAND.to_owned(),
        code: "parks".to_owned(),
        name_tr: "Park ve Bahçeler Müdürlüğü".to_owned(),
        name_en: "Parks".to_owned(),
        outside: false,
    };
    assert!(define_unit(&unit).is_ok());
    check(
        define_unit(&v1::DefineUnitRequest {
            code: "a\nb".to_owned(),
            ..unit.clone()
        }),
        "code",
    );
    check(
        define_unit(&v1::DefineUnitRequest {
            name_tr: " ".to_owned(),
            ..unit.clone()
        }),
        "name_tr",
    );
    check(
        define_unit(&v1::DefineUnitRequest {
            name_en: "x".repeat(201),
            ..unit.clone()
        }),
        "name_en",
    );
    check(
        define_unit(&v1::DefineUnitRequest {
            command_id: "x".to_owned(),
            ..unit
        }),
        "command_id",
    );
    let topic = v1::DefineTopicRequest {
        command_id: A_COMMAND.to_owned(),
        code: "pruning".to_owned(),
        name_tr: "ağaç budama".to_owned(),
        name_en: "pruning".to_owned(),
        unit: String::new(),
        public: true,
        ..v1::DefineTopicRequest::default()
    };
    check(define_topic(&topic), "unit");
    check(
        define_topic(&v1::DefineTopicRequest {
            code: "Çukur".to_owned(),
            ..topic
        }),
        "code",
    );
}

fn a_topic() -> v1::DefineTopicRequest {
    let choice = |key: &str| words::AttributeChoice {
        key: key.to_owned(),
        name_tr: "evet".to_owned(),
        name_en: "yes".to_owned(),
    };
    let attribute = |code: &str, order| words::Attribute {
        code: code.to_owned(),
        r#type: AttributeType::SingleValueList.number(),
        order,
        name_tr: "Saldırgan mı?".to_owned(),
        name_en: "Aggressive?".to_owned(),
        choices: vec![choice("yes"), choice("no")],
        ..words::Attribute::default()
    };
    v1::DefineTopicRequest {
        command_id: A_COMMAND.to_owned(),
        code: "stray-dog".to_owned(),
        name_tr: "başıboş köpek".to_owned(),
        name_en: "stray dog".to_owned(),
        unit: "veterinary".to_owned(),
        group: "animals".to_owned(),
        keywords: vec!["köpek".to_owned(), "dog".to_owned()],
        attributes: vec![attribute("second", 2), attribute("first", 1)],
        standard: Some(words::ServiceStandard {
            days: 3,
            working_days: 0,
        }),
        ..v1::DefineTopicRequest::default()
    }
}

#[test]
fn each_fault_of_a_topics_questions_names_its_field() {
    let faulty = |field: &str, change: &dyn Fn(&mut v1::DefineTopicRequest)| {
        let mut topic = a_topic();
        change(&mut topic);
        check(define_topic(&topic), field);
    };
    faulty("group", &|it| it.group = "Hayvanlar".to_owned());
    faulty("keywords[1]", &|it| it.keywords[1] = "köpek".to_owned());
    faulty("keywords[0]", &|it| it.keywords[0] = "a, b".to_owned());
    faulty("keywords[0]", &|it| it.keywords[0] = " ".to_owned());
    faulty("attributes[0].code", &|it| {
        it.attributes[0].code = "a b".to_owned()
    });
    faulty("attributes[1].code", &|it| {
        it.attributes[1].code = "second".to_owned()
    });
    faulty("attributes[1].order", &|it| it.attributes[1].order = 2);
    faulty("attributes[0].type", &|it| it.attributes[0].r#type = 0);
    faulty("attributes[0].name_en", &|it| {
        it.attributes[0].name_en.clear()
    });
    faulty("attributes[0].hint_tr", &|it| {
        it.attributes[0].hint_tr = "x".repeat(201)
    });
    faulty("attributes[0].choices", &|it| {
        it.attributes[0].choices.clear()
    });
    faulty("attributes[1].choices", &|it| {
        it.attributes[1].r#type = AttributeType::Text.number()
    });
    faulty("attributes[0].choices[1].key", &|it| {
        it.attributes[0].choices[1].key = "yes".to_owned()
    });
    faulty("attributes[0].choices[0].name_tr", &|it| {
        it.attributes[0].choices[0].name_tr.clear()
    });
    faulty("standard", &|it| {
        it.standard = Some(words::ServiceStandard {
            days: 1,
            working_days: 1,
        });
    });
}

#[test]
fn questions_are_kept_in_their_order() {
    let (_, topic) = define_topic(&a_topic()).unwrap();
    let codes: Vec<&str> = topic.attributes.iter().map(|it| it.code.as_str()).collect();
    assert_eq!(codes, ["first", "second"]);
    assert_eq!(topic.standard, Some(Standard::Days(3)));
}

#[test]
fn every_default_topic_passes_the_checks_of_a_call() {
    for topic in default_directory::topics().unwrap() {
        let recorded = topic_defined(&topic);
        let call = v1::DefineTopicRequest {
            command_id: A_COMMAND.to_owned(),
            code: recorded.code,
            name_tr: recorded.name_tr,
            name_en: recorded.name_en,
            unit: recorded.unit,
            public: recorded.public,
            group: recorded.group,
            keywords: recorded.keywords,
            attributes: recorded.attributes,
            standard: recorded.standard,
        };
        assert_eq!(define_topic(&call).unwrap().1, topic);
    }
}

#[test]
fn a_refusal_names_the_field_that_is_at_fault() {
    let field = |rejection| {
        violations(&refused(rejection))
            .into_iter()
            .map(|(field, _)| field)
            .collect::<Vec<_>>()
    };
    assert_eq!(field(Rejection::NotStated), ["sub_result"]);
    assert_eq!(field(Rejection::BeforeLastEvent), ["target.occurred_at"]);
    assert_eq!(field(Rejection::Concluded), [""; 0]);
    assert_eq!(
        refused(Rejection::Concluded).code(),
        Code::FailedPrecondition
    );
    assert_eq!(
        topic_refused(TopicRejection::UnknownUnit).code(),
        Code::FailedPrecondition
    );
}
