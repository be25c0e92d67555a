//! Somebody who may publish to NATS tells what was never recorded.

use std::time::Duration;

use anyhow::Context as _;
use async_nats::jetstream;
use chassis::{Role, cloudevents, event::commitment};
use contracts::ledger::v1::Event;
use tests::{City, Cluster, cluster::messages, eventually, open311::Format};
use uuid::Uuid;

use crate::read_models;

const CITY: &str = "ova";
const SOON: Duration = Duration::from_secs(20);

const READERS: [Role; 5] = [
    Role::Intake,
    Role::Routing,
    Role::Notification,
    Role::Analytics,
    Role::Gateway,
];

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_not_what_was_recorded_is_read_from_the_ledger() -> anyhow::Result<()> {
    let mut cluster = Cluster::start(&[CITY]).await?;
    let city = cluster.city(CITY)?;
    file(&city, 3).await?;
    let head = city.settled().await?;

    // Its commitment is still that of the contact it was made of.
    cluster.kill9(Role::Ledger)?;
    slip_in(&cluster, &another_contact(&cluster, head).await?).await?;
    eventually(SOON, "analytics has seen it", async || {
        let forged = counted(&cluster, "cozum_feed_forged_messages").await?;
        anyhow::ensure!(forged > 0.0, "not yet");
        Ok(())
    })
    .await?;
    read_models::caught_up(&cluster, Role::Analytics, CITY, head).await?;

    // With it there, the log is behind what seems to have been told, and serves nobody.
    cluster.nats.wipe().await?;
    cluster.restart(Role::Ledger).await?;
    file(&city, 1).await?;
    let head = city.settled().await?;
    for role in READERS {
        read_models::caught_up(&cluster, role, CITY, head).await?;
    }
    assert_eq!(contacts(&city).await?, 4);
    assert_eq!(
        counted(&cluster, "cozum_projection_folded_anew").await?,
        0.0
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_model_of_another_history_than_the_signed_one_is_folded_anew() -> anyhow::Result<()>
{
    let mut cluster = Cluster::start(&[CITY]).await?;
    let city = cluster.city(CITY)?;
    file(&city, 30).await?;
    let head = city.settled().await?;

    // As good a forgery as there can be: it is what its commitment says.
    cluster.kill9(Role::Ledger)?;
    let mut forged = another_contact(&cluster, head).await?;
    forged.commitment = commitment::commitment(CITY, &forged).to_vec();
    slip_in(&cluster, &forged).await?;
    for role in READERS {
        read_models::caught_up(&cluster, role, CITY, head + 1).await?;
        // Before there is a ledger again: the process that is asked for its metric has to be the one that finds out.
        cluster.kill9(role)?;
    }

    cluster.nats.wipe().await?;
    cluster.restart(Role::Ledger).await?;
    for role in READERS {
        cluster.restart(role).await?;
    }
    eventually(SOON, "analytics folds anew", async || {
        let anew = counted(&cluster, "cozum_projection_folded_anew").await?;
        anyhow::ensure!(anew > 0.0, "not yet");
        Ok(())
    })
    .await?;
    file(&city, 1).await?;
    let head = city.settled().await?;
    for role in READERS {
        read_models::caught_up(&cluster, role, CITY, head).await?;
    }
    assert_eq!(contacts(&city).await?, 31);
    read_models::equal_a_fresh_fold(&mut cluster, CITY, head).await
}

/// A contact that nobody had, as the next event; it keeps the commitment of the one it is a copy of.
async fn another_contact(cluster: &Cluster, head: u64) -> anyhow::Result<Event> {
    let context = jetstream::new(async_nats::connect(cluster.nats.url()).await?);
    let held = messages(&context, CITY).await?;
    let mut events = held
        .iter()
        .map(|it| cloudevents::from_message(&it.headers, &it.payload));
    let contact = events.find(|it| {
        it.as_ref()
            .is_ok_and(|it| it.r#type == "intake.ContactRegistered")
    });
    let contact = contact.context("no contact")??;
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, &contact.event_id);
    let stream = format!("contact-{id}");
    Ok(Event {
        position: head + 1,
        event_id: id.as_bytes().to_vec(),
        command_id: id.as_bytes().to_vec(),
        subjects: vec![stream.replacen('-', ":", 1)],
        stream,
        ..contact
    })
}

async fn slip_in(cluster: &Cluster, event: &Event) -> anyhow::Result<()> {
    let context = jetstream::new(async_nats::connect(cluster.nats.url()).await?);
    let city = CITY.parse()?;
    let (headers, body) = cloudevents::to_message(&city, event);
    let subject = cloudevents::subject(&city, &event.r#type);
    let stored = context
        .publish_with_headers(subject, headers, body.into())
        .await?
        .await?;
    anyhow::ensure!(stored.sequence == event.position, "{stored:?}");
    Ok(())
}

/// Files as many, and waits until the last of them has its unit: what was killed holds its leases for a while, and the log is silent.
async fn file(city: &City, count: usize) -> anyhow::Result<()> {
    let mut number = String::new();
    for _ in 0..count {
        // The same words twice would be one request.
        let description = format!("Çukur {}.", city.head().await?);
        let filed = [
            ("service_code", "pothole"),
            ("address_string", "Çarşı Cad. 1"),
            ("description", &description),
        ];
        number = city.open311().file(&filed, Format::Json).await?.number()?;
    }
    city.handling(&number).await?;
    Ok(())
}

async fn contacts(city: &City) -> anyhow::Result<u64> {
    Ok(city.report().await?.contacts.unwrap_or_default().total)
}

/// What analytics has counted under a metric's name.
async fn counted(cluster: &Cluster, name: &str) -> anyhow::Result<f64> {
    let lines = cluster.metric(Role::Analytics, name).await?;
    Ok(lines.iter().map(|(_, value)| value).sum())
}
