//! The timer of the retention rules, on a clock that the test moves: intake and a ledger in one process.

use std::time::Duration;

use chassis::{Command, Role, event};
use contracts::{
    intake::v1::{
        ContactRegistered, DestructionBegan, DestructionEnded, RetentionGround, RetentionRuleSet,
        RetentionTime,
    },
    ledger::v1::StreamWrite,
    vocabulary::v1::Channel,
};
use prost::{Message, Name};
use testkit::Centre;
use tests::eventually;
use uuid::Uuid;

const CITY: &str = "ova";
const CONTACT: &str = "018f0000-0000-7000-8000-00000000000a";
const DAY: Duration = Duration::from_hours(24);
const PATIENCE: Duration = Duration::from_mins(2);

async fn record<M: Message + Name>(centre: &Centre, stream: &str, subject: &str, fact: &M) {
    let platform = centre.platform(Role::Intake).unwrap();
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, stream.as_bytes());
    let command = Command {
        id,
        fingerprint: [1; 32],
        correlation_id: id,
        causation_id: None,
        actor: "system:test".to_owned(),
    };
    let subjects = [subject.to_owned()];
    let new = event::record(event::id(id, 0), fact, platform.clock.now(), subjects);
    let write = StreamWrite {
        stream: stream.to_owned(),
        expected_version: 0,
        events: vec![new],
    };
    let ledger = platform.ledger(&CITY.parse().unwrap());
    ledger.append(&command, vec![write]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_timer_runs_the_rules_by_itself_once_it_is_time() {
    let centre = Centre::new(&[CITY]).unwrap();
    let platform = centre.platform(Role::Ledger).unwrap();
    let config = crate::small_ledger();
    centre.start(
        "ledger",
        async move { ledger::serve(config, platform).await },
    );
    let contact = ContactRegistered {
        contact: CONTACT.to_owned(),
        channel: Channel::Phone.into(),
        ..ContactRegistered::default()
    };
    let subject = format!("contact:{CONTACT}");
    record(&centre, &format!("contact-{CONTACT}"), &subject, &contact).await;
    let rule = RetentionRuleSet {
        keep: Some(RetentionTime {
            days: 10,
            ..RetentionTime::default()
        }),
        ground: RetentionGround::Policy.into(),
        ..RetentionRuleSet::default()
    };
    record(&centre, "retention-default", "retention-rules", &rule).await;

    centre.pass(31 * DAY);
    let platform = centre.platform(Role::Intake).unwrap();
    let config = intake::Config {
        create_master_key: true,
        ..intake::Config::default()
    };
    centre.start(
        "intake",
        async move { intake::serve(config, platform).await },
    );
    let ledger = centre.ledger(CITY).unwrap();
    let runs = eventually(PATIENCE, "a run has ended", async || {
        let runs = ledger.history("destructions").await?;
        anyhow::ensure!(runs.len() == 2, "{runs:?}");
        Ok(runs)
    })
    .await
    .unwrap();
    assert!(event::is::<DestructionBegan>(&runs[0]), "{runs:?}");
    assert_eq!(runs[0].actor, "system:intake");
    let ended: DestructionEnded = event::decode(&runs[1]).unwrap();
    assert_eq!((ended.contacts, ended.requests), (1, 0));
    let contact = ledger.history(&subject).await.unwrap();
    let types: Vec<&str> = contact.iter().map(|it| it.r#type.as_str()).collect();
    assert_eq!(
        types,
        [
            "intake.ContactRegistered",
            "intake.ErasureOrdered",
            "intake.PersonalDataErased"
        ]
    );
    assert_eq!(contact[1].stream, format!("erasure-{CONTACT}"));
    centre.stop().await;
}
