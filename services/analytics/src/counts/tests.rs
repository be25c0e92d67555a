//! Random histories, folded by the read model and counted naively: both must say the same.

mod history;

use std::collections::BTreeMap;

use contracts::{
    analytics::v1::{Count, GetReportReply, StandardCount},
    intake::v1::RequestRegistered,
    ledger::v1::NewEvent,
    vocabulary::v1::{Imported, ServiceStandard},
};
use jiff::tz::TimeZone;
use proptest::prelude::*;
use sqlx::{Connection as _, SqliteConnection};
use vocabulary::Channel;

use self::history::{Known, Naive, at, happenings, number, recorded, tally};
use super::*;
use crate::{report::report, span::Span};

fn span() -> Span {
    Span::read(
        "2026-11-30",
        "2026-12-02",
        &TimeZone::get("Europe/Istanbul").unwrap(),
    )
    .unwrap()
}

async fn folded(events: Vec<NewEvent>) -> GetReportReply {
    let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    sqlx::raw_sql(Counts::SCHEMA)
        .execute(&mut connection)
        .await
        .unwrap();
    let events: Vec<Event> = events
        .into_iter()
        .zip(1..)
        .map(|(new, position)| Event {
            position,
            r#type: new.r#type,
            schema_version: 1,
            occurred_at: new.occurred_at,
            facts: new.facts,
            personal: new.personal,
            ..Event::default()
        })
        .collect();
    let last = events.len();
    // Some one by one, some together, as they come.
    let (first, rest) = events.split_at(last / 3);
    for event in first {
        Counts.apply(&mut connection, event).await.unwrap();
    }
    for batch in rest.chunks(7) {
        Counts.apply_all(&mut connection, batch).await.unwrap();
    }
    let position = format!("create table projection_position as select {last} as position");
    sqlx::raw_sql(sqlx::AssertSqlSafe(position))
        .execute(&mut connection)
        .await
        .unwrap();
    report(&mut connection, &span()).await.unwrap()
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

fn as_map(counts: &[Count]) -> BTreeMap<String, u64> {
    assert!(
        counts.is_sorted_by(|one, other| one.key < other.key),
        "{counts:?}"
    );
    counts.iter().map(|it| (it.key.clone(), it.count)).collect()
}

fn as_judged(counts: &[StandardCount]) -> BTreeMap<String, (u64, u64)> {
    let judged = counts
        .iter()
        .map(|it| (it.key.clone(), (it.evaluated, it.breached)));
    judged.collect()
}

fn sum(counts: &[Count]) -> u64 {
    counts.iter().map(|it| it.count).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_read_model_counts_what_happened(happenings in happenings()) {
        let (mut naive, span) = (Naive::default(), span());
        let events: Vec<NewEvent> = happenings.iter().filter_map(|it| naive.hear(it, &span)).collect();
        let recorded = events.len() as u64;
        let report = block_on(folded(events));
        prop_assert_eq!(report.cut_off, recorded);

        let contacts = report.contacts.unwrap();
        let told: Vec<_> = naive.contacts.iter().filter(|it| !it.0.is_empty()).collect();
        prop_assert_eq!(contacts.total, told.len() as u64);
        prop_assert_eq!(as_map(&contacts.by_day), tally(told.iter().map(|it| it.0.clone())));
        prop_assert_eq!(as_map(&contacts.by_channel), tally(told.iter().map(|it| it.1.to_owned())));

        let requests = report.requests.unwrap();
        let by = |key: fn(&Known) -> Option<String>| naive.requests_by(key);
        prop_assert_eq!(as_map(&requests.by_day), by(|it| Some(it.day.clone())));
        prop_assert_eq!(as_map(&requests.by_channel), by(|it| Some(it.channel.to_owned())));
        prop_assert_eq!(as_map(&requests.by_topic), by(|it| Some(it.topic.to_owned())));
        prop_assert_eq!(as_map(&requests.by_unit), by(|it| Some(it.unit.to_owned())));
        prop_assert_eq!(as_map(&requests.by_district), by(|it| Some(it.district.to_owned())));
        prop_assert_eq!(as_map(&requests.by_state), by(|it| Some(it.state.code().to_owned())));
        prop_assert_eq!(as_map(&requests.by_sub_result), by(|it| Some(it.sub_result?.code().to_owned())));
        prop_assert_eq!(as_map(&requests.by_source_agency), by(|it| it.source.clone()));
        prop_assert_eq!(as_map(&requests.by_source_status), by(|it| it.source.clone()));

        for all in [&requests.by_day, &requests.by_channel, &requests.by_topic, &requests.by_unit,
            &requests.by_district, &requests.by_state] {
            prop_assert_eq!(sum(all), requests.total);
        }
        prop_assert_eq!(sum(&requests.by_source_agency), requests.imported);
        let concluded = requests.by_state.iter().find(|it| it.key == "concluded").map_or(0, |it| it.count);
        prop_assert_eq!(sum(&requests.by_sub_result), concluded);

        let standard = requests.standard.unwrap();
        let judged = |key: fn(&Known) -> Option<String>| naive.judged_by(key);
        prop_assert_eq!(as_judged(&standard.by_unit), judged(|it| Some(it.unit.to_owned())));
        prop_assert_eq!(as_judged(&standard.by_topic), judged(|it| Some(it.topic.to_owned())));
        prop_assert_eq!(as_judged(&standard.by_source_agency), judged(|it| it.source.clone()));
        let count = |has: fn(&Known) -> bool| naive.in_span().filter(|it| has(it)).count() as u64;
        prop_assert_eq!(standard.evaluated, count(|it| it.late().is_some()));
        prop_assert_eq!(standard.breached, count(|it| it.late() == Some(true)));
        prop_assert_eq!(standard.without_due, count(|it| it.due.is_none() && it.concluded.is_some()));
        prop_assert_eq!(standard.open_due, count(|it| it.due.is_some() && it.concluded.is_none()));
        prop_assert_eq!(standard.evaluated + standard.without_due, concluded);
    }
}

#[tokio::test]
async fn codes_are_named_as_they_are_called_now() {
    let text = str::to_owned;
    let at = at(100);
    let (code, name_en) = (text("fen-isleri"), text("Public works"));
    let report = folded(vec![
        recorded(
            &UnitDefined {
                code: code.clone(),
                name_tr: text("Fen"),
                name_en: text("Works"),
                outside: false,
            },
            at,
        ),
        recorded(
            &UnitChanged {
                code: code.clone(),
                name_tr: text("Fen İşleri"),
                name_en,
                outside: false,
            },
            at,
        ),
        recorded(
            &TopicDefined {
                code: text("pothole"),
                name_tr: text("Çukur"),
                name_en: text("Pothole"),
                ..Default::default()
            },
            at,
        ),
        recorded(
            &RequestRegistered {
                number: number(1),
                topic: text("pothole"),
                channel: Channel::Phone.number(),
                ..Default::default()
            },
            at,
        ),
        recorded(
            &RequestRegistered {
                number: number(2),
                topic: text("pothole"),
                channel: Channel::Web.number(),
                ..Default::default()
            },
            at,
        ),
        recorded(
            &RequestRouted {
                number: number(1),
                unit: code,
                ..Default::default()
            },
            at,
        ),
    ])
    .await;
    assert_eq!(
        (report.from.as_str(), report.to.as_str()),
        ("2026-11-30", "2026-12-02")
    );
    assert_eq!(
        (report.time_zone.as_str(), report.cut_off),
        ("Europe/Istanbul", 6)
    );
    let requests = report.requests.unwrap();
    let named = |counts: &[Count]| -> Vec<String> {
        counts
            .iter()
            .map(|it| format!("{}={}/{}", it.key, it.name_tr, it.name_en))
            .collect()
    };
    assert_eq!(
        named(&requests.by_unit),
        [
            "=henüz yönlendirilmedi/not routed yet",
            "fen-isleri=Fen İşleri/Public works"
        ]
    );
    assert_eq!(named(&requests.by_topic), ["pothole=Çukur/Pothole"]);
    assert_eq!(
        named(&requests.by_channel),
        ["phone=Telefon/Phone", "web=Web/Web"]
    );
    assert_eq!(
        named(&requests.by_state),
        [
            "registered=Kayıt alındı/Registered",
            "routed=Yönlendirildi/Routed"
        ]
    );
}

#[tokio::test]
async fn a_request_of_our_own_is_due_by_its_topics_standard() {
    let text = str::to_owned;
    let topic = TopicDefined {
        code: text("pothole"),
        standard: Some(ServiceStandard {
            days: 0,
            working_days: 3,
        }),
        ..Default::default()
    };
    let registered = RequestRegistered {
        number: number(1),
        topic: text("pothole"),
        ..Default::default()
    };
    let concluded = RequestConcluded {
        number: number(1),
        ..Default::default()
    };
    // Registered on a Monday in Istanbul: due at the end of Thursday, 3 December.
    let monday = "2026-11-30T09:00:00Z".parse().unwrap();
    let judged = async |events: Vec<NewEvent>| {
        let mut all = vec![recorded(&topic, monday), recorded(&registered, monday)];
        all.extend(events);
        let standard = folded(all).await.requests.unwrap().standard.unwrap();
        (standard.evaluated, standard.breached, standard.open_due)
    };
    let done = |at: &str| recorded(&concluded, at.parse().unwrap());
    assert_eq!(judged(vec![]).await, (0, 0, 1));
    assert_eq!(judged(vec![done("2026-12-03T20:59:59Z")]).await, (1, 0, 0));
    assert_eq!(judged(vec![done("2026-12-03T21:00:00Z")]).await, (1, 1, 0));

    let asked = InformationAsked {
        number: number(1),
        ..Default::default()
    };
    let answered = CitizenWrote {
        number: number(1),
        back_to: RequestState::Accepted.number(),
        ..Default::default()
    };
    let waited = |done| {
        vec![
            recorded(&asked, "2026-12-01T09:00:00Z".parse().unwrap()),
            recorded(&answered, "2026-12-02T09:00:00Z".parse().unwrap()),
            done,
        ]
    };
    assert_eq!(
        judged(waited(done("2026-12-04T20:59:59Z"))).await,
        (1, 0, 0)
    );
    assert_eq!(
        judged(waited(done("2026-12-04T21:00:00Z"))).await,
        (1, 1, 0)
    );
}

#[tokio::test]
async fn an_imported_request_keeps_its_sources_due_date_and_has_none_of_ours() {
    let at = at(100);
    let topic = TopicDefined {
        code: "pothole".to_owned(),
        standard: Some(ServiceStandard {
            days: 1,
            working_days: 0,
        }),
        ..Default::default()
    };
    let registered = RequestRegistered {
        number: number(1),
        topic: "pothole".to_owned(),
        imported: Some(Imported::default()),
        ..Default::default()
    };
    let report = folded(vec![recorded(&topic, at), recorded(&registered, at)]).await;
    assert_eq!(report.requests.unwrap().standard.unwrap().open_due, 0);
}
