//! Intake dies in the middle of a run of the retention rules: the run is finished all the same, each thing is destroyed and recorded
//! once, and the record counts all of it.

use chassis::Role;
use contracts::{
    intake::v1::{
        BeginDestructionRequest, DestructionEnded, PreviewDestructionRequest, RetentionGround,
        RetentionTime, SetRetentionRuleRequest,
    },
    ledger::v1::{Event, HistoryRequest},
    routing::v1::ConcludeRequestRequest,
    vocabulary::v1::SubResult,
};
use jiff::ToSpan as _;
use prost::Message as _;
use tests::{City, Cluster, city::SOON, city::command_id, eventually};

use crate::erasure::{Person, filed_at, keys, locked, waits};

const CITY: &str = "ova";

/// More than are destroyed at once.
const PEOPLE: usize = 20;

fn ago(years: i64) -> i64 {
    let then = jiff::Zoned::now().saturating_sub(years.years());
    then.timestamp().as_microsecond()
}

/// Somebody whose request was concluded three years ago.
async fn concluded(city: &City, at: usize) -> anyhow::Result<Person> {
    let person = filed_at(city, &format!("Eski {at}"), ago(4)).await?;
    let mut target = City::target(&person.number, "conclude");
    target.occurred_at = ago(3);
    let request = ConcludeRequestRequest {
        target: Some(target),
        sub_result: SubResult::Solved.into(),
        ..ConcludeRequestRequest::default()
    };
    city.routing().conclude_request(request).await?;
    Ok(person)
}

async fn history(city: &City, subject: &str) -> anyhow::Result<Vec<Event>> {
    let request = HistoryRequest {
        subject: subject.to_owned(),
        ..HistoryRequest::default()
    };
    Ok(city.ledger().history(request).await?.into_inner().events)
}

/// Everything that stands in the record of a run, by its type.
async fn recorded(city: &City, run: &str, event: &str) -> anyhow::Result<Vec<Event>> {
    let mut events = history(city, &format!("destruction:{run}")).await?;
    events.retain(|it| it.r#type == event);
    Ok(events)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_the_rules_is_finished_whenever_intake_dies_in_it() -> anyhow::Result<()> {
    let mut cluster = Cluster::start(&[CITY]).await?;
    let city = cluster.city(CITY)?;
    let mut people = Vec::new();
    for at in 0..PEOPLE {
        people.push(concluded(&city, at).await?);
    }
    let rule = SetRetentionRuleRequest {
        command_id: command_id("retention: a rule"),
        keep: Some(RetentionTime {
            years: 2,
            ..RetentionTime::default()
        }),
        ground: RetentionGround::Policy.into(),
        ..SetRetentionRuleRequest::default()
    };
    city.intake().set_retention_rule(rule).await?;
    city.settled().await?;
    let mut intake = city.intake();
    let preview = intake.preview_destruction(PreviewDestructionRequest::default());
    let preview = preview.await?.into_inner();
    assert_eq!(preview.due.len(), 3 * PEOPLE, "{preview:?}");

    // Orders stand in the log, and no key is gone.
    let lock = locked(&cluster).await?;
    let begin = BeginDestructionRequest {
        command_id: command_id("retention: a run"),
    };
    let began = city.intake().begin_destruction(begin.clone()).await?;
    let run = began.into_inner().run;
    eventually(SOON, "the run comes to the keys", async || {
        anyhow::ensure!(waits(&cluster).await?, "nobody waits");
        let ordered = recorded(&city, &run, "intake.ErasureOrdered").await?;
        anyhow::ensure!(!ordered.is_empty());
        Ok(())
    })
    .await?;
    let erased = recorded(&city, &run, "intake.PersonalDataErased").await?;
    assert!(erased.is_empty(), "{erased:?}");
    cluster.kill9(Role::Intake)?;
    drop(lock);
    cluster.restart(Role::Intake).await?;

    // Some of it is done, and it dies again.
    eventually(SOON, "something was destroyed", async || {
        let erased = recorded(&city, &run, "intake.PersonalDataErased").await?;
        anyhow::ensure!(!erased.is_empty());
        Ok(())
    })
    .await?;
    cluster.kill9(Role::Intake)?;
    cluster.restart(Role::Intake).await?;
    let ended = eventually(SOON, "the run has ended", async || {
        let ended = recorded(&city, &run, "intake.DestructionEnded").await?;
        anyhow::ensure!(!ended.is_empty());
        Ok(ended)
    })
    .await?;
    city.settled().await?;
    assert_eq!(ended.len(), 1);
    let ended = DestructionEnded::decode(ended[0].facts.as_slice())?;
    let many = u64::try_from(PEOPLE)?;
    assert_eq!(
        (ended.persons, ended.contacts, ended.requests, ended.held),
        (many, many, many, 0)
    );
    for person in &people {
        assert_eq!(keys(&cluster, person).await?, 0);
        let types = city.history_types(&person.number).await?;
        for event in ["intake.ErasureOrdered", "intake.PersonalDataErased"] {
            let times = types.iter().filter(|it| *it == event).count();
            assert_eq!(times, 1, "{types:?}");
        }
    }
    // Asked again by the same command, it is the same run.
    let head = city.head().await?;
    let again = city.intake().begin_destruction(begin).await?.into_inner();
    assert_eq!(again.run, run);
    assert_eq!(city.settled().await?, head);
    Ok(())
}
