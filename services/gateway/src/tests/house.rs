//! A gateway alone in its house: its own register, and nobody behind the doors of the other services.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode},
};
use chassis::{Clock, Health, Network, Role, Shared, Tasks, event};
use contracts::{
    intake::v1::RequestRegistered,
    ledger::v1::{Event, NewEvent},
    routing::v1::{RequestPlanned, RequestRouted, TopicDefined, UnitDefined},
    vocabulary::v1::Place,
};
use jiff::Timestamp;
use projection::ReadModel as _;
use sqlx::{Connection as _, SqliteConnection};
use tower::ServiceExt as _;
use uuid::Uuid;
use vocabulary::{Channel, RequestNumber};

use crate::{Centre, Config, Register, Staff, config::Access, router};

pub(super) const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

pub(super) struct House {
    router: Router,
    pub(super) centre: Arc<Centre>,
    pub(super) folder: tempfile::TempDir,
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl House {
    pub(super) async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let shared = Shared {
            clock: Clock::System,
            tasks: Tasks::default(),
            health: Health::default(),
            municipalities: Arc::new(["ova".parse().unwrap(), "koy".parse().unwrap()]),
            data: folder.path().to_owned(),
            network: Network::memory(),
            nats: None,
        };
        let platform = shared.role(Role::Gateway, None).unwrap();
        let config = Config {
            http: "127.0.0.1:0".to_owned(),
            open311_keys: "ova=anahtar-ova,koy=anahtar-koy,ova=anahtar-ortak,koy=anahtar-ortak"
                .to_owned(),
            tokens: "ova=jeton-ova-1".to_owned(),
            public_url: None,
            access: Access::default(),
            districts: String::new(),
            outlines: None,
            demo: false,
        };
        let centre = Centre::open(&config, &platform).await.unwrap();
        let house = Self {
            router: router(Arc::clone(&centre)).unwrap(),
            centre,
            folder,
        };
        house.fill(&platform.data.join("ova/register-v4.db")).await;
        house
    }

    /// The register of a city, to put more into it.
    pub(super) async fn register(&self, city: &str) -> SqliteConnection {
        let name = format!("{}-v{}", Register::NAME, Register::VERSION);
        let mut register = self.file(city, &name).await;
        // No feed reaches its head here, so nobody else makes them.
        let made = sqlx::raw_sql(Register::INDEXES).execute(&mut register);
        made.await.unwrap();
        register
    }

    /// The staff of a city, to put more into it.
    pub(super) async fn staff(&self, city: &str) -> SqliteConnection {
        self.file(city, &format!("{}-v{}", Staff::NAME, Staff::VERSION))
            .await
    }

    async fn file(&self, city: &str, name: &str) -> SqliteConnection {
        let file = self.folder.path().join(format!("gateway/{city}/{name}.db"));
        SqliteConnection::connect(&format!("sqlite://{}", file.display()))
            .await
            .unwrap()
    }

    async fn fill(&self, file: &std::path::Path) {
        let mut connection = SqliteConnection::connect(&format!("sqlite://{}", file.display()))
            .await
            .unwrap();
        for event in history() {
            Register.apply(&mut connection, &event).await.unwrap();
        }
        sqlx::raw_sql(Register::INDEXES)
            .execute(&mut connection)
            .await
            .unwrap();
    }

    pub(super) async fn ask(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 1 << 20).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.into()).unwrap(),
        }
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.ask(Request::get(path).body(Body::empty()).unwrap())
            .await
    }

    /// Whether an answer needs intake: it is not there, and is asked again and again.
    pub(super) async fn waits_for_intake(answer: impl Future<Output = Answer>) -> bool {
        let patience = Duration::from_millis(300);
        tokio::time::timeout(patience, answer).await.is_err()
    }

    pub(super) async fn post(&self, path: &str, body: impl Into<Body>) -> Answer {
        self.ask(
            Request::post(path)
                .header("content-type", FORM)
                .body(body.into())
                .unwrap(),
        )
        .await
    }
}

pub(super) fn number() -> String {
    RequestNumber::new(2026, 48_120_937).to_string()
}

pub(super) fn stored(new: NewEvent) -> Event {
    Event {
        r#type: new.r#type,
        schema_version: 1,
        facts: new.facts,
        occurred_at: new.occurred_at,
        ..Event::default()
    }
}

/// A request on a topic that is not public: it can be shown without asking intake.
pub(super) fn history() -> Vec<Event> {
    let at = |seconds: i64| Timestamp::from_second(1_760_000_000 + seconds).unwrap();
    let unit = UnitDefined {
        code: "sosyal".to_owned(),
        name_tr: "Sosyal Hizmetler".to_owned(),
        name_en: "Social services".to_owned(),
        outside: false,
    };
    let topic = TopicDefined {
        code: "home-care".to_owned(),
        name_tr: "Evde bakım".to_owned(),
        name_en: "Home care".to_owned(),
        unit: "sosyal".to_owned(),
        public: false,
        ..TopicDefined::default()
    };
    let registered = RequestRegistered {
        number: number(),
        channel: Channel::Phone.number(),
        topic: "home-care".to_owned(),
        place: Some(Place {
            latitude: Some(39.9),
            longitude: Some(32.8),
            district: "Çınarlı".to_owned(),
            ..Place::default()
        }),
        ..RequestRegistered::default()
    };
    let routed = RequestRouted {
        number: number(),
        unit: "sosyal".to_owned(),
        ..RequestRouted::default()
    };
    let planned = RequestPlanned {
        number: number(),
        unit: "sosyal".to_owned(),
        planned_for: "2026-12-01".to_owned(),
    };
    vec![
        stored(event::record(Uuid::nil(), &unit, at(0), [])),
        stored(event::record(Uuid::nil(), &topic, at(0), [])),
        stored(event::record(Uuid::nil(), &registered, at(10), [])),
        stored(event::record(Uuid::nil(), &routed, at(20), [])),
        stored(event::record(Uuid::nil(), &planned, at(30), [])),
    ]
}
