use std::collections::BTreeMap;

use chassis::event;
use contracts::{
    intake::v1::RequestRegistered,
    routing::v1::{
        CommentAdded, RequestAccepted, RequestAssigned, RequestConcluded, RequestPlanned,
        RequestReopened, RequestRouted, RequestRoutedManually, TopicDefined,
    },
    vocabulary::v1::{Imported, ServiceStandard},
};
use jiff::Timestamp;
use proptest::prelude::*;
use prost::Name;
use sqlx::{AssertSqlSafe, Connection as _};
use uuid::Uuid;
use vocabulary::Channel;

use super::*;

/// A register in memory, and the events it was told.
pub(crate) struct Folded {
    pub(crate) connection: SqliteConnection,
    position: u64,
    versions: BTreeMap<String, u64>,
    heard: Vec<Event>,
}

impl Folded {
    pub(crate) async fn new() -> Self {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        let position = "create table projection_position (position integer); insert into projection_position values (7)";
        sqlx::raw_sql(position)
            .execute(&mut connection)
            .await
            .unwrap();
        for sql in [Register::SCHEMA, Register::INDEXES] {
            sqlx::raw_sql(AssertSqlSafe(sql))
                .execute(&mut connection)
                .await
                .unwrap();
        }
        Self {
            connection,
            position: 0,
            versions: BTreeMap::new(),
            heard: Vec::new(),
        }
    }

    /// Tells it that something happened, so many seconds after the beginning.
    async fn hear<M: prost::Message + Name>(&mut self, stream: &str, message: &M, seconds: i64) {
        let at = Timestamp::from_second(1_760_000_000 + seconds).unwrap();
        let new = event::record(Uuid::nil(), message, at, []);
        self.position += 1;
        let version = self.versions.entry(stream.to_owned()).or_default();
        *version += 1;
        let event = Event {
            position: self.position,
            stream: stream.to_owned(),
            version: *version,
            r#type: new.r#type,
            schema_version: 1,
            facts: new.facts,
            occurred_at: new.occurred_at,
            ..Event::default()
        };
        Register.apply(&mut self.connection, &event).await.unwrap();
        self.heard.push(event);
    }

    /// Everything that is in the file.
    async fn rows(&mut self) -> String {
        let requests: Vec<Entry> = sqlx::query_as("select * from request order by number")
            .fetch_all(&mut self.connection)
            .await
            .unwrap();
        let steps: Vec<(i64, i64, String, i32, i32, String)> =
            sqlx::query_as("select * from step order by position")
                .fetch_all(&mut self.connection)
                .await
                .unwrap();
        let tally = self.cells("select * from tally order by 1, 2, 3, 4").await;
        format!("{requests:#?}\n{steps:#?}\n{tally:#?}")
    }

    pub(crate) async fn act(&mut self, act: &Act) {
        let stream = format!("handling-{}", act.number());
        let (number, unit, at) = (act.number(), format!("unit-{}", act.unit), act.seconds);
        match act.what {
            0 => {
                let channel = if act.unit == 0 {
                    Channel::Phone
                } else {
                    Channel::Web
                };
                let message = RequestRegistered {
                    number: number.clone(),
                    topic: "pothole".to_owned(),
                    channel: channel.number(),
                    ..RequestRegistered::default()
                };
                // A number is registered once: its stream is taken afterwards.
                let stream = format!("request-{number}");
                if !self.versions.contains_key(&stream) {
                    self.hear(&stream, &message, at).await;
                }
            }
            1 => {
                self.hear(
                    &stream,
                    &RequestRouted {
                        number,
                        unit,
                        ..RequestRouted::default()
                    },
                    at,
                )
                .await
            }
            2 => {
                self.hear(&stream, &RequestRoutedManually { number, unit }, at)
                    .await
            }
            3 => {
                self.hear(&stream, &RequestAccepted { number, unit }, at)
                    .await
            }
            4 => {
                let assignee = "ekip-7".to_owned();
                self.hear(
                    &stream,
                    &RequestAssigned {
                        number,
                        unit,
                        assignee,
                    },
                    at,
                )
                .await;
            }
            5 => {
                let sub_result = SubResult::Solved.number();
                let message = RequestConcluded {
                    number,
                    unit,
                    sub_result,
                    ..RequestConcluded::default()
                };
                self.hear(&stream, &message, at).await;
            }
            6 => {
                self.hear(
                    &stream,
                    &RequestReopened {
                        number,
                        unit,
                        ..RequestReopened::default()
                    },
                    at,
                )
                .await
            }
            _ => {
                let message = CommentAdded {
                    number,
                    unit,
                    public: act.unit == 0,
                    ..CommentAdded::default()
                };
                self.hear(&stream, &message, at).await;
            }
        }
    }

    async fn counted(&mut self) -> Vec<Cell> {
        self.cells("select unit, channel, state, sub_result, requests from tally where requests <> 0 order by 1, 2, 3, 4").await
    }

    async fn scanned(&mut self) -> Vec<Cell> {
        self.cells(
            "select unit, channel, state, sub_result, count(*) from request group by 1, 2, 3, 4 order by 1, 2, 3, 4",
        )
        .await
    }

    async fn cells(&mut self, sql: &'static str) -> Vec<Cell> {
        sqlx::query_as(sql)
            .fetch_all(&mut self.connection)
            .await
            .unwrap()
    }

    async fn entry(&mut self, number: &str) -> Entry {
        sqlx::query_as("select * from request where number = ?")
            .bind(number)
            .fetch_one(&mut self.connection)
            .await
            .unwrap()
    }
}

type Cell = (String, String, i32, i32, i64);

/// One thing that happens to one of a few requests.
#[derive(Debug, Clone)]
pub(crate) struct Act {
    pub(crate) request: u32,
    pub(crate) what: u8,
    pub(crate) unit: u8,
    pub(crate) seconds: i64,
}

impl Act {
    fn number(&self) -> String {
        RequestNumber::new(2026, self.request).to_string()
    }
}

/// Any history of so many requests.
pub(crate) fn acts(requests: u32) -> impl Strategy<Value = Vec<Act>> {
    let act = (0..requests, 0..8_u8, 0..3_u8, 0..100_000_i64).prop_map(
        |(request, what, unit, seconds)| Act {
            request,
            what,
            unit,
            seconds,
        },
    );
    prop::collection::vec(act, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Every figure comes from the counts: they must say what a scan of the requests would.
    #[test]
    fn the_counts_are_those_of_a_scan(acts in acts(4)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut register = Folded::new().await;
            for act in &acts {
                register.act(act).await;
                prop_assert_eq!(register.counted().await, register.scanned().await);
            }
            for request in 0..4 {
                let number = RequestNumber::new(2026, request).to_string();
                if !register.versions.contains_key(&format!("request-{number}")) {
                    continue;
                }
                let entry = register.entry(&number).await;
                prop_assert_eq!(entry.open, entry.state() != RequestState::Concluded);
                prop_assert_eq!(entry.concluded_at.is_some(), entry.sub_result().is_some());
                prop_assert!(entry.updated_at >= entry.registered_at);
            }
            Ok(())
        })?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Live, events come one by one or in small batches; a rebuild reads a thousand at once.
    #[test]
    fn the_rows_are_the_same_however_events_are_gathered(acts in acts(4), size in 1..40_usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut one_by_one = Folded::new().await;
            for act in &acts {
                one_by_one.act(act).await;
            }
            let mut gathered = Folded::new().await;
            for batch in one_by_one.heard.chunks(size) {
                Register.apply_all(&mut gathered.connection, batch).await.unwrap();
            }
            prop_assert_eq!(gathered.rows().await, one_by_one.rows().await);
            Ok(())
        })?;
    }
}

fn number() -> String {
    RequestNumber::new(2026, 1).to_string()
}

async fn told(acts: &[(u8, u8, i64)]) -> Entry {
    let mut register = Folded::new().await;
    for (what, unit, seconds) in acts {
        let act = Act {
            request: 1,
            what: *what,
            unit: *unit,
            seconds: *seconds,
        };
        register.act(&act).await;
    }
    register.entry(&number()).await
}

#[tokio::test]
async fn a_row_says_where_a_request_stands_and_since_when() {
    let entry = told(&[(0, 0, 0), (1, 1, 10), (3, 1, 20), (4, 1, 30)]).await;
    assert_eq!(
        (entry.state(), entry.state_since),
        (RequestState::Assigned, 1_760_000_030_000_000)
    );
    assert_eq!(
        (entry.unit.as_str(), entry.assignee.as_str()),
        ("unit-1", "ekip-7")
    );
    assert_eq!((entry.version, entry.changed_at_position), (3, 4));
    let entry = told(&[(0, 0, 0), (1, 1, 10), (4, 1, 30), (2, 2, 40)]).await;
    assert_eq!(
        (entry.unit.as_str(), entry.assignee.as_str()),
        ("unit-2", ""),
        "other people"
    );
    let entry = told(&[(0, 0, 0), (1, 1, 10), (5, 1, 30), (6, 1, 40)]).await;
    assert!(entry.open && entry.concluded_at.is_none() && entry.sub_result().is_none());
}

#[tokio::test]
async fn an_internal_remark_changes_nothing_that_the_public_sees() {
    let internal = told(&[(0, 0, 0), (1, 1, 10), (7, 1, 500)]).await;
    assert_eq!(internal.updated_at, 1_760_000_010_000_000);
    assert_eq!(
        (internal.changed_at_position, internal.version),
        (3, 2),
        "staff see it"
    );
    let public = told(&[(0, 0, 0), (1, 1, 10), (7, 0, 500)]).await;
    assert_eq!(public.updated_at, 1_760_000_500_000_000);
}

#[tokio::test]
async fn a_plan_is_left_with_the_next_step() {
    let mut register = Folded::new().await;
    register
        .act(&Act {
            request: 1,
            what: 0,
            unit: 0,
            seconds: 0,
        })
        .await;
    let planned = RequestPlanned {
        number: number(),
        unit: "unit-1".to_owned(),
        planned_for: "2026-12-01".to_owned(),
    };
    register.hear("handling", &planned, 10).await;
    assert_eq!(register.entry(&number()).await.planned_for, "2026-12-01");
    register
        .act(&Act {
            request: 1,
            what: 3,
            unit: 1,
            seconds: 20,
        })
        .await;
    assert_eq!(register.entry(&number()).await.planned_for, "");
}

#[tokio::test]
async fn what_is_due_follows_the_standard_posted_then_and_the_source_of_an_import() {
    let mut register = Folded::new().await;
    let topic = |days| TopicDefined {
        code: "pothole".to_owned(),
        standard: Some(ServiceStandard {
            days,
            working_days: 0,
        }),
        ..TopicDefined::default()
    };
    register.hear("topic", &topic(3), 0).await;
    register
        .act(&Act {
            request: 1,
            what: 0,
            unit: 0,
            seconds: 0,
        })
        .await;
    register.hear("topic", &topic(9), 0).await;
    let due = register.entry(&number()).await.due_at.map(crate::text::iso);
    assert_eq!(due.as_deref(), Some("2025-10-12T23:59:59+03:00"));
    let imported = RequestRegistered {
        number: RequestNumber::new(2026, 2).to_string(),
        topic: "pothole".to_owned(),
        imported: Some(Imported {
            source: "baltimore".to_owned(),
            due_at: 7,
            ..Imported::default()
        }),
        ..RequestRegistered::default()
    };
    register.hear("request", &imported, 0).await;
    let entry = register.entry(&imported.number).await;
    assert_eq!(
        (entry.due_at, entry.source.as_str(), entry.imported),
        (Some(7), "baltimore", true)
    );
}

/// The lists of a million requests are read by an index, whatever they ask for.
#[tokio::test]
async fn every_list_has_its_index() {
    let mut register = Folded::new().await;
    for (narrowed, index) in [
        ("unit = 'x' and open = 1", "request_unit_open"),
        ("unit = 'x' and state = 2", "request_unit_state"),
        ("open = 1", "request_open"),
        ("topic = 'x'", "request_topic"),
        ("channel = 'x'", "request_channel"),
        ("district = 'x'", "request_district"),
        ("1 = 1", "request_registered"),
    ] {
        let sql = format!(
            "explain query plan select * from request where {narrowed} order by registered_at desc, number desc limit 50"
        );
        let plan: Vec<(i32, i32, i32, String)> = sqlx::query_as(AssertSqlSafe(sql.as_str()))
            .fetch_all(&mut register.connection)
            .await
            .unwrap();
        let plan: Vec<String> = plan.into_iter().map(|(.., it)| it).collect();
        let plan = plan.join("; ");
        assert!(
            plan.contains(index) && !plan.contains("TEMP B-TREE"),
            "{narrowed}: {plan}"
        );
    }
}
