//! A read model as it was: whatever it is folded from, it is the fold of the log up to that position.

use std::{path::PathBuf, time::Duration};

use analytics::Counts;
use chassis::{Command, Ledger, Platform, Role, event};
use contracts::{
    intake::v1::RequestRegistered,
    ledger::v1::StreamWrite,
    routing::v1::{RequestAccepted, RequestConcluded, RequestRouted, TopicDefined},
    vocabulary::v1::{Place, ServiceStandard},
};
use gateway::Register;
use projection::{Past, Projection, ReadModel, folded};
use prost::{Message, Name};
use sqlx::{Connection as _, SqliteConnection};
use testkit::Centre;
use tests::{
    draw::Draw,
    eventually,
    files::{self, Dump},
};
use uuid::Uuid;

const CITY: &str = "ova";

/// Events between two snapshots here.
const EVERY: u64 = 20;

/// A ledger that runs, and who writes to it.
struct City {
    centre: Centre,
    written: u128,
}

impl City {
    fn start() -> Self {
        let centre = Centre::new(&[CITY]).unwrap();
        let platform = centre.platform(Role::Ledger).unwrap();
        let config = crate::small_ledger();
        centre.start(
            "ledger",
            async move { ledger::serve(config, platform).await },
        );
        Self { centre, written: 0 }
    }

    fn platform(&self) -> Platform {
        self.centre.platform(Role::Analytics).unwrap()
    }

    fn ledger(&self) -> Ledger {
        self.platform().ledger(&CITY.parse().unwrap())
    }

    async fn record<M: Message + Name>(&mut self, role: Role, stream: &str, seen: u64, fact: &M) {
        self.written += 1;
        self.centre.pass(Duration::from_mins(7));
        let id = Uuid::from_u128(self.written);
        let platform = self.centre.platform(role).unwrap();
        let command = Command {
            id,
            fingerprint: [1; 32],
            correlation_id: id,
            causation_id: None,
            actor: "system:test".to_owned(),
        };
        let number = stream.split_once('-').map_or("", |it| it.1);
        let subjects = [format!("request:{number}")];
        let new = event::record(event::id(id, 0), fact, platform.clock.now(), subjects);
        let write = StreamWrite {
            stream: stream.to_owned(),
            expected_version: seen,
            events: vec![new],
        };
        let ledger = platform.ledger(&CITY.parse().unwrap());
        ledger.append(&command, vec![write]).await.unwrap();
    }

    /// Some requests, each somewhere on its way.
    async fn happens(&mut self, draw: &mut Draw, requests: u64) {
        for _ in 0..requests {
            let number = format!("2026-{:08}-1", self.written);
            let registered = RequestRegistered {
                number: number.clone(),
                topic: "pothole".to_owned(),
                channel: i32::try_from(draw.below(4)).unwrap() + 1,
                place: Some(Place {
                    district: ["Yunak", "Kulu"][draw.place(2)].to_owned(),
                    ..Place::default()
                }),
                ..RequestRegistered::default()
            };
            let stream = format!("request-{number}");
            self.record(Role::Intake, &stream, 0, &registered).await;
            let (unit, steps) = ("fen".to_owned(), draw.below(4));
            let stream = format!("handling-{number}");
            if steps > 0 {
                let routed = RequestRouted {
                    number: number.clone(),
                    unit: unit.clone(),
                    ..RequestRouted::default()
                };
                self.record(Role::Routing, &stream, 0, &routed).await;
            }
            if steps > 1 {
                let (number, unit) = (number.clone(), unit.clone());
                let accepted = RequestAccepted { number, unit };
                self.record(Role::Routing, &stream, 1, &accepted).await;
            }
            if steps > 2 {
                let concluded = RequestConcluded {
                    number,
                    unit,
                    sub_result: i32::try_from(draw.below(3)).unwrap() + 1,
                    ..RequestConcluded::default()
                };
                self.record(Role::Routing, &stream, 2, &concluded).await;
            }
        }
    }

    /// What a model is after the first events, folded from the first on.
    async fn fold<M: ReadModel>(&self, model: &M, position: u64) -> Dump {
        let mut events = vec![];
        while (events.len() as u64) < position {
            let after = events.len() as u64;
            let limit = u32::try_from(position - after).unwrap();
            events.extend(self.ledger().read(after, limit).await.unwrap());
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("folded.db");
        let (projection, writer) = folded(model, &path, &events, 37).await.unwrap();
        drop((projection, writer));
        files::dump(&path).await.unwrap()
    }

    fn snapshots(&self, name: &str) -> Vec<PathBuf> {
        let mut found = self.files(name);
        found.retain(|it| it.extension().is_some_and(|it| it == "snapshot"));
        found
    }

    fn files(&self, name: &str) -> Vec<PathBuf> {
        let folder = self.centre.folder().join("analytics").join(CITY);
        let found = files::below(&folder).unwrap().into_iter();
        let is_past = |it: &PathBuf| it.to_string_lossy().contains(&format!("{name}.past/"));
        found.filter(is_past).collect()
    }
}

async fn file_of(past: &Projection) -> PathBuf {
    let file: String = sqlx::query_scalar("select file from pragma_database_list")
        .fetch_one(past.pool())
        .await
        .unwrap();
    file.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn folding_from_a_snapshot_is_folding_from_the_first_event() {
    let mut city = City::start();
    let mut draw = Draw::of(20_261_122);
    let topic = TopicDefined {
        code: "pothole".to_owned(),
        standard: Some(ServiceStandard {
            days: 2,
            ..ServiceStandard::default()
        }),
        ..TopicDefined::default()
    };
    city.record(Role::Routing, "topic-pothole", 0, &topic).await;
    Box::pin(holds_for(&mut city, &mut draw, Counts, "counts-v3")).await;
    Box::pin(holds_for(&mut city, &mut draw, Register, "register-v4")).await;
    city.centre.stop().await;
}

async fn holds_for<M: ReadModel + Copy>(city: &mut City, draw: &mut Draw, model: M, name: &str) {
    let (platform, town) = (city.platform(), CITY.parse().unwrap());
    let live = Projection::open(&platform, &town, model).await.unwrap();
    let opened = Past::open(&platform, &town, model, &live, EVERY).await;
    let past = opened.unwrap();
    for _ in 0..4 {
        city.happens(draw, 12).await;
        let head = city.ledger().head().await.unwrap();
        live.at_least(head).await.unwrap();
        eventually(Duration::from_secs(20), "a snapshot is near", async || {
            let near = city.snapshots(name).iter().any(|it| {
                let file = it.file_name().unwrap().to_string_lossy().into_owned();
                file.split('-').next().unwrap().parse::<u64>().unwrap() + EVERY.max(head / 4) > head
            });
            anyhow::ensure!(near, "{:?} of {head}", city.snapshots(name));
            Ok(())
        })
        .await
        .unwrap();
    }
    let head = city.ledger().head().await.unwrap();
    let taken = city.snapshots(name);
    assert!(taken.len() >= 3, "{taken:?}");
    for round in 0..40 {
        let position = draw.below(head + 1);
        let then = past.at(position).await.unwrap();
        assert_eq!(then.position(), position);
        let differs = files::difference(
            &files::dump(&file_of(&then).await).await.unwrap(),
            &city.fold(&model, position).await,
        );
        assert_eq!(differs, None, "{name} at {position}");
        // They may be deleted at any time.
        if round % 8 == 7 {
            let mut left = city.snapshots(name);
            if !left.is_empty() {
                std::fs::remove_file(left.swap_remove(draw.place(left.len()))).unwrap();
            }
        }
    }
    past.at(head + 1).await.unwrap_err();
    let kept = city.files(name).len() - city.snapshots(name).len();
    assert!(kept <= 4, "{kept} past states are kept");

    let asked = (0..8).map(|_| past.at(head / 2));
    let mut files = vec![];
    for then in futures::future::join_all(asked).await {
        files.push(file_of(&then.unwrap()).await);
    }
    files.dedup();
    assert_eq!(files.len(), 1, "what many ask for is folded once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_of_another_history_is_refused() {
    let mut city = City::start();
    city.happens(&mut Draw::of(7), 30).await;
    let (platform, town) = (city.platform(), CITY.parse().unwrap());
    let live = Projection::open(&platform, &town, Counts).await.unwrap();
    let opened = Past::open(&platform, &town, Counts, &live, EVERY).await;
    let past = opened.unwrap();
    let taken = eventually(Duration::from_secs(20), "a snapshot", async || {
        let mut taken = city.snapshots("counts-v3");
        anyhow::ensure!(!taken.is_empty());
        Ok(taken.remove(0))
    });
    let taken = taken.await.unwrap();
    // It is sound but for its rows, and says that it is of an event that this log does not have.
    let mut connection = SqliteConnection::connect(taken.to_str().unwrap())
        .await
        .unwrap();
    sqlx::raw_sql("delete from request")
        .execute(&mut connection)
        .await
        .unwrap();
    let name = taken.file_stem().unwrap().to_string_lossy().into_owned();
    let (position, commitment) = name.split_once('-').unwrap();
    let commitment: String = commitment.chars().rev().collect();
    let other = taken.with_file_name(format!("{position}-{commitment}.snapshot"));
    std::fs::rename(&taken, &other).unwrap();

    let position = position.parse().unwrap();
    let then = past.at(position).await.unwrap();
    let differs = files::difference(
        &files::dump(&file_of(&then).await).await.unwrap(),
        &city.fold(&Counts, position).await,
    );
    assert_eq!(differs, None);
    assert!(!other.exists(), "a snapshot that is refused is removed");
    city.centre.stop().await;
}
