use chassis::violations;
use contracts::{
    analytics::v1::GetReportRequest,
    intake::v1::{Citizen, GetRequestRequest, OpenRequest, RegisterRequestRequest, SealRequest},
    routing::v1::{
        AcceptRequestRequest, AssignRequestRequest, ConcludeRequestRequest, DefineTopicRequest,
        GetHandlingRequest, PlanRequestRequest, ReferRequestRequest, ReturnRequestRequest,
        RouteManuallyRequest, Target,
    },
    vocabulary::v1::{Channel, Place, SubResult},
};
use tests::{City, city::command_id, open311::Format, work::Work};
use tonic::{Code, Status};

use crate::cluster;

/// Fails unless the call was refused with this code, naming this field.
#[track_caller]
fn names<T>(what: &str, outcome: Result<T, Status>, code: Code, field: &str) {
    let Err(status) = outcome else {
        panic!("{what}: taken")
    };
    assert_eq!(status.code(), code, "{what}: {status:?}");
    let named = violations(&status);
    assert!(
        named.iter().any(|(name, _)| name == field),
        "{what}: {field} is not named in {named:?} {status:?}"
    );
    assert!(
        status.message().contains(field),
        "{what}: people are not told: {}",
        status.message()
    );
}

fn pothole(what: &str) -> RegisterRequestRequest {
    RegisterRequestRequest {
        command_id: command_id(what),
        channel: Channel::Phone.into(),
        topic: "pothole".to_owned(),
        description: "a hole".to_owned(),
        ..RegisterRequestRequest::default()
    }
}

#[tokio::test]
async fn intake_names_each_wrong_field_of_a_registration() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let ova = cluster.city("ova")?;
    type Spoil = fn(&mut RegisterRequestRequest);
    let cases: [(&str, Code, Spoil); 14] = [
        ("channel", Code::InvalidArgument, |it| it.channel = 99),
        ("channel", Code::InvalidArgument, |it| it.channel = 0),
        ("command_id", Code::InvalidArgument, |it| {
            it.command_id = String::new()
        }),
        ("command_id", Code::InvalidArgument, |it| {
            it.command_id = "twelve".to_owned()
        }),
        ("topic", Code::InvalidArgument, |it| {
            it.topic = String::new()
        }),
        ("topic", Code::InvalidArgument, |it| {
            it.topic = "Moon dust".to_owned()
        }),
        ("description", Code::InvalidArgument, |it| {
            it.description = "x".repeat(5 << 20)
        }),
        ("address", Code::InvalidArgument, |it| {
            it.address = "x".repeat(501)
        }),
        ("occurred_at", Code::InvalidArgument, |it| {
            it.occurred_at = 4_070_908_800_000_000
        }),
        ("occurred_at", Code::InvalidArgument, |it| {
            it.occurred_at = -1
        }),
        ("place.longitude", Code::InvalidArgument, |it| {
            it.place = Some(Place {
                latitude: Some(39.9),
                ..Place::default()
            });
        }),
        ("citizen.email", Code::InvalidArgument, |it| {
            it.citizen = Some(Citizen {
                email: "ayşe".to_owned(),
                ..Citizen::default()
            });
        }),
        ("citizen.language", Code::InvalidArgument, |it| {
            it.citizen = Some(Citizen {
                name: "Ayşe".to_owned(),
                language: 7,
                ..Citizen::default()
            });
        }),
        ("contact", Code::InvalidArgument, |it| {
            it.contact = "somebody".to_owned()
        }),
    ];
    for (index, (field, code, spoil)) in cases.into_iter().enumerate() {
        let mut request = pothole(&format!("bad registration {index}"));
        spoil(&mut request);
        names(
            &format!("case {index}"),
            ova.intake().register_request(request).await,
            code,
            field,
        );
    }

    let unknown = RegisterRequestRequest {
        topic: "moon-dust".to_owned(),
        ..pothole("an unknown topic")
    };
    let refused = ova
        .intake()
        .register_request(unknown)
        .await
        .err()
        .map(|it| (it.code(), violations(&it)));
    let (code, named) = refused.ok_or_else(|| anyhow::anyhow!("an unknown topic was taken"))?;
    assert!(
        matches!(
            code,
            Code::InvalidArgument | Code::FailedPrecondition | Code::NotFound
        ),
        "{code:?}"
    );
    assert_eq!(named.first().map(|it| it.0.as_str()), Some("topic"));

    let first = ova
        .intake()
        .register_request(pothole("one command"))
        .await?
        .into_inner();
    let again = ova
        .intake()
        .register_request(pothole("one command"))
        .await?
        .into_inner();
    assert_eq!(
        (first.number, first.tracking_secret),
        (again.number, again.tracking_secret)
    );
    let other = RegisterRequestRequest {
        description: "another hole".to_owned(),
        ..pothole("one command")
    };
    names(
        "same id, other content",
        ova.intake().register_request(other).await,
        Code::AlreadyExists,
        "command_id",
    );
    Ok(())
}

#[tokio::test]
async fn routing_names_each_wrong_field_of_a_command() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let ova = cluster.city("ova")?;
    let number = a_request(&ova).await?;
    let to = |what: &str| City::target(&number, what);
    let mut routing = ova.routing();

    names(
        "no target",
        routing
            .accept_request(AcceptRequestRequest::default())
            .await,
        Code::InvalidArgument,
        "target",
    );
    let target = Some(Target {
        number: "2026-48120937-6".to_owned(),
        ..to("mistyped")
    });
    let mistyped = routing
        .accept_request(AcceptRequestRequest { target })
        .await;
    names(
        "mistyped number",
        mistyped,
        Code::InvalidArgument,
        "target.number",
    );
    let target = Some(Target {
        command_id: "x".to_owned(),
        ..to("no id")
    });
    let no_id = routing
        .accept_request(AcceptRequestRequest { target })
        .await;
    names(
        "no command id",
        no_id,
        Code::InvalidArgument,
        "target.command_id",
    );

    let route = |unit: &str| RouteManuallyRequest {
        target: Some(to(unit)),
        unit: unit.to_owned(),
    };
    names(
        "no unit",
        routing.route_manually(route("")).await,
        Code::InvalidArgument,
        "unit",
    );
    names(
        "unknown unit",
        routing.route_manually(route("moon")).await,
        Code::FailedPrecondition,
        "unit",
    );
    let back = ReturnRequestRequest {
        target: Some(to("return")),
        reason: 42,
        ..ReturnRequestRequest::default()
    };
    names(
        "wrong reason",
        routing.return_request(back).await,
        Code::InvalidArgument,
        "reason",
    );
    let assign = AssignRequestRequest {
        target: Some(to("assign")),
        assignee: "Ayşe Yılmaz".to_owned(),
    };
    names(
        "a name",
        routing.assign_request(assign).await,
        Code::InvalidArgument,
        "assignee",
    );
    let refer = ReferRequestRequest {
        target: Some(to("refer")),
        institution: "moon".to_owned(),
        ..Default::default()
    };
    names(
        "nowhere",
        routing.refer_request(refer).await,
        Code::FailedPrecondition,
        "institution",
    );

    Work::on(&ova, &number).accept().await?;
    for (day, code) in [
        ("", Code::InvalidArgument),
        ("soon", Code::InvalidArgument),
        ("2099-02-30", Code::InvalidArgument),
        ("2001-01-01", Code::FailedPrecondition),
    ] {
        let plan = PlanRequestRequest {
            target: Some(to(&format!("plan {day}"))),
            planned_for: day.to_owned(),
        };
        names(
            &format!("planned for {day:?}"),
            routing.plan_request(plan).await,
            code,
            "planned_for",
        );
    }
    conclusions(&ova, &number).await?;
    let topic = DefineTopicRequest {
        command_id: command_id("a topic of nobody"),
        code: "of-nobody".to_owned(),
        name_tr: "x".to_owned(),
        name_en: "x".to_owned(),
        unit: "moon".to_owned(),
        ..DefineTopicRequest::default()
    };
    names(
        "a topic of nobody",
        routing.define_topic(topic).await,
        Code::FailedPrecondition,
        "unit",
    );
    Ok(())
}

async fn conclusions(ova: &City, number: &str) -> anyhow::Result<()> {
    let mut routing = ova.routing();
    let with = |what: &str, sub_result: i32| ConcludeRequestRequest {
        target: Some(City::target(number, what)),
        sub_result,
        ..ConcludeRequestRequest::default()
    };
    let bare = |sub_result: SubResult| with(&format!("bare {sub_result:?}"), sub_result.into());
    for (what, request, code, field) in [
        (
            "no result",
            with("none", 0),
            Code::InvalidArgument,
            "sub_result",
        ),
        (
            "an unknown result",
            with("unknown", 77),
            Code::InvalidArgument,
            "sub_result",
        ),
        (
            "refused without a reason",
            bare(SubResult::Refused),
            Code::FailedPrecondition,
            "answer",
        ),
        (
            "a duplicate of nothing",
            bare(SubResult::Duplicate),
            Code::FailedPrecondition,
            "original",
        ),
        (
            "not found by nobody",
            bare(SubResult::NotFound),
            Code::FailedPrecondition,
            "visited_at",
        ),
    ] {
        names(what, routing.conclude_request(request).await, code, field);
    }
    let long = ConcludeRequestRequest {
        answer: "x".repeat(5 << 20),
        ..bare(SubResult::Solved)
    };
    names(
        "five megabytes",
        routing.conclude_request(long).await,
        Code::InvalidArgument,
        "answer",
    );

    let stale = ConcludeRequestRequest {
        target: Some(Target {
            expected_version: 1,
            ..City::target(number, "stale")
        }),
        ..bare(SubResult::Solved)
    };
    names(
        "a stale version",
        routing.conclude_request(stale).await,
        Code::Aborted,
        "expected_version",
    );
    Work::on(ova, number)
        .conclude(SubResult::Solved, "mended")
        .await?;
    Work::on(ova, number)
        .conclude(SubResult::Solved, "mended")
        .await?;
    let other = Work::on(ova, number)
        .conclude(SubResult::Solved, "mended again")
        .await;
    names(
        "same id, other content",
        other,
        Code::AlreadyExists,
        "command_id",
    );
    let ended = ova.history_types(number).await?;
    assert_eq!(
        ended
            .iter()
            .filter(|it| *it == "routing.RequestConcluded")
            .count(),
        1,
        "{ended:?}"
    );
    let after = Work::on(ova, number)
        .assign("ekip-1")
        .await
        .err()
        .map(|it| it.code());
    assert_eq!(
        after,
        Some(Code::FailedPrecondition),
        "work on a concluded request"
    );
    Ok(())
}

async fn a_request(ova: &City) -> anyhow::Result<String> {
    let filed = [
        ("service_code", "pothole"),
        ("address_string", "Atatürk Cad."),
    ];
    let number = ova.open311().file(&filed, Format::Json).await?.number()?;
    ova.handling(&number).await?;
    Ok(number)
}

#[tokio::test]
async fn questions_that_mean_nothing_are_refused_by_their_field() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let ova = cluster.city("ova")?;
    for (from, to, as_of, field) in [
        ("yesterday", "2026-01-01", "", "from"),
        ("2026-01-01", "", "", "to"),
        ("2026-01-02", "2026-01-01", "", "from"),
        ("2026-01-01", "2026-01-02", "yesterday", "as_of"),
        ("2026-01-01", "2026-01-02", "2026-02-30", "as_of"),
        ("2026-01-01", "2026-01-02", "999999999", "as_of"),
        ("2026-01-01", "2026-01-02", "2999-01-01", "as_of"),
        ("2026-01-01", "2026-01-02", "2999-01-01T00:00:00Z", "as_of"),
    ] {
        let report = GetReportRequest {
            from: from.to_owned(),
            to: to.to_owned(),
            as_of: as_of.to_owned(),
        };
        let Err(status) = ova.analytics().get_report(report).await else {
            panic!("{from}–{to}: taken")
        };
        assert_eq!(
            status.code(),
            Code::InvalidArgument,
            "{from}–{to}: {status:?}"
        );
        let named = violations(&status);
        assert!(
            named.iter().any(|(name, _)| name == field || name == "to"),
            "{from}–{to}: {named:?}"
        );
    }
    let unknown = "1999-00000000-5".to_owned();
    let purpose = "test".to_owned();
    let open = GetRequestRequest {
        number: unknown.clone(),
        purpose,
        ..GetRequestRequest::default()
    };
    let code = ova
        .intake()
        .get_request(open)
        .await
        .err()
        .map(|it| it.code());
    assert_eq!(
        code,
        Some(Code::PermissionDenied),
        "personal text is opened for programs"
    );
    let code = ova
        .routing()
        .get_handling(GetHandlingRequest { number: unknown })
        .await
        .err()
        .map(|it| it.code());
    assert_eq!(code, Some(Code::NotFound));

    // The keys' own calls are for the services.
    let code = ova
        .intake()
        .open(OpenRequest::default())
        .await
        .err()
        .map(|it| it.code());
    assert_eq!(code, Some(Code::PermissionDenied));
    let code = ova
        .intake()
        .seal(SealRequest::default())
        .await
        .err()
        .map(|it| it.code());
    assert_eq!(code, Some(Code::PermissionDenied));
    Ok(())
}
