use contracts::notification::v1::{NotificationKind, SkipReason};
use contracts::vocabulary::v1::Imported;
use jiff::Timestamp;
use sqlx::{Connection as _, sqlite::SqlitePoolOptions};

use super::*;

const NUMBER: &str = "2026-48120937-5";

/// A read model that events are applied to by hand.
struct Fold {
    pool: SqlitePool,
    position: u64,
}

impl Fold {
    async fn new() -> Self {
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect("sqlite::memory:")
            .await
            .unwrap();
        sqlx::raw_sql(Notifications::SCHEMA)
            .execute(&pool)
            .await
            .unwrap();
        Self { pool, position: 0 }
    }

    async fn apply<M: prost::Message + prost::Name>(&mut self, message: M) {
        self.position += 1;
        let id = Uuid::from_u128(u128::from(self.position));
        let new = event::record(id, &message, Timestamp::UNIX_EPOCH, []);
        let event = Event {
            position: self.position,
            version: self.position,
            event_id: new.event_id,
            r#type: new.r#type,
            schema_version: 1,
            facts: new.facts,
            personal: new.personal,
            ..Event::default()
        };
        let mut connection = self.pool.acquire().await.unwrap();
        let mut tx = connection.begin().await.unwrap();
        Notifications.apply(&mut tx, &event).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn due(&self, seconds: i64) -> Vec<Due> {
        due(&self.pool, seconds * 1_000_000, RETAKE, 10)
            .await
            .unwrap()
    }

    async fn item(&self) -> Item {
        of_request(&self.pool, NUMBER).await.unwrap().remove(0)
    }
}

fn id() -> String {
    Uuid::from_u128(77).to_string()
}

fn asked() -> NotificationRequested {
    NotificationRequested {
        notification: id(),
        number: NUMBER.to_owned(),
        kind: NotificationKind::Planned.into(),
        planned_for: "2026-12-01".to_owned(),
        ..NotificationRequested::default()
    }
}

fn attempted(attempt: u32) -> NotificationAttempted {
    let message_id = "<77@city.example>".to_owned();
    NotificationAttempted {
        notification: id(),
        number: NUMBER.to_owned(),
        attempt,
        message_id,
    }
}

fn failed(attempt: u32, lasting: bool) -> NotificationFailed {
    let (number, provider_code) = (NUMBER.to_owned(), "451".to_owned());
    NotificationFailed {
        notification: id(),
        number,
        attempt,
        r#final: lasting,
        provider_code,
    }
}

/// Forty seconds.
const RETAKE: i64 = 40_000_000;

#[tokio::test]
async fn only_a_citizen_who_can_be_told_is_kept() {
    let mut fold = Fold::new().await;
    let reachable = RequestRegistered {
        number: NUMBER.to_owned(),
        person: "p".to_owned(),
        language: Language::En.number(),
        reachable_by_email: true,
        ..RequestRegistered::default()
    };
    for (number, change) in [
        (
            "imported",
            RequestRegistered {
                imported: Some(Imported::default()),
                ..reachable.clone()
            },
        ),
        (
            "no address",
            RequestRegistered {
                reachable_by_email: false,
                ..reachable.clone()
            },
        ),
        (
            "anonymous",
            RequestRegistered {
                person: String::new(),
                ..reachable.clone()
            },
        ),
    ] {
        fold.apply(RequestRegistered {
            number: number.to_owned(),
            ..change
        })
        .await;
        assert_eq!(citizen(&fold.pool, number).await.unwrap(), None, "{number}");
    }
    fold.apply(reachable).await;
    let known = Citizen {
        person: "p".to_owned(),
        language: Language::En,
    };
    assert_eq!(citizen(&fold.pool, NUMBER).await.unwrap(), Some(known));
}

#[tokio::test]
async fn a_notification_is_due_until_it_ends() {
    let mut fold = Fold::new().await;
    fold.apply(asked()).await;
    let due = fold.due(0).await;
    assert_eq!((due.len(), due[0].attempts, due[0].version), (1, 0, 1));
    assert_eq!(due[0].requested.planned_for, "2026-12-01");

    fold.apply(attempted(1)).await;
    assert_eq!(fold.due(39).await.len(), 0, "somebody may be sending it");
    assert_eq!(fold.due(40).await[0].message_id, "<77@city.example>");
    fold.apply(failed(1, false)).await;
    assert_eq!(fold.due(4).await.len(), 0);
    assert_eq!(fold.due(5).await[0].attempts, 1);

    fold.apply(attempted(2)).await;
    let (number, provider_code) = (NUMBER.to_owned(), "250".to_owned());
    fold.apply(NotificationDelivered {
        notification: id(),
        number,
        attempt: 2,
        provider_code,
    })
    .await;
    assert_eq!(fold.due(i64::from(u32::MAX)).await.len(), 0);
    let item = fold.item().await;
    assert_eq!(
        (item.state(), item.attempts, item.provider_code.as_str()),
        (NotificationState::Delivered, 2, "250")
    );
    assert_eq!(item.kind(), NotificationKind::Planned);
}

#[tokio::test]
async fn a_lasting_failure_and_a_skip_end_it() {
    let mut fold = Fold::new().await;
    fold.apply(asked()).await;
    fold.apply(attempted(1)).await;
    fold.apply(failed(1, true)).await;
    assert_eq!(fold.due(i64::from(u32::MAX)).await.len(), 0);
    assert_eq!(fold.item().await.state(), NotificationState::Failed);

    let reason = SkipReason::Erased.into();
    fold.apply(NotificationSkipped {
        notification: id(),
        number: NUMBER.to_owned(),
        reason,
    })
    .await;
    let item = fold.item().await;
    assert_eq!(
        (item.state(), item.attempts),
        (NotificationState::Skipped, 1)
    );
}

#[tokio::test]
async fn a_unit_has_the_name_it_was_given_last() {
    let mut fold = Fold::new().await;
    let (code, name_en) = ("tedas".to_owned(), "Electricity".to_owned());
    let defined = UnitDefined {
        code,
        name_tr: "TEDAŞ".to_owned(),
        name_en,
        outside: true,
    };
    fold.apply(defined.clone()).await;
    let UnitDefined {
        code,
        name_en,
        outside,
        ..
    } = defined;
    fold.apply(UnitChanged {
        code,
        name_tr: "Elektrik Dağıtım".to_owned(),
        name_en,
        outside,
    })
    .await;
    assert_eq!(
        unit_name(&fold.pool, "tedas", Language::Tr).await.unwrap(),
        "Elektrik Dağıtım"
    );
    assert_eq!(
        unit_name(&fold.pool, "tedas", Language::En).await.unwrap(),
        "Electricity"
    );
    assert_eq!(
        unit_name(&fold.pool, "izsu", Language::Tr).await.unwrap(),
        "izsu"
    );
}
