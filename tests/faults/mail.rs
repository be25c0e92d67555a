//! The mail server has a bad day, and so has the process that talks to it.

use std::time::Duration;

use chassis::Role;
use tests::{
    City, Cluster, eventually,
    open311::Format,
    smtp::{Behaviour, Mail},
};

const CITY: &str = "ova";
const PATIENCE: Duration = Duration::from_secs(60);

async fn filed(city: &City, address: &str) -> anyhow::Result<String> {
    let filed = [
        ("service_code", "pothole"),
        ("address_string", "Atatürk Cad."),
        ("email", address),
    ];
    city.open311().file(&filed, Format::Json).await?.number()
}

async fn mails(cluster: &Cluster, address: &str, count: usize) -> anyhow::Result<Vec<Mail>> {
    eventually(
        PATIENCE,
        &format!("{count} mails to {address}"),
        async || {
            let mut mails = cluster.smtp.messages()?;
            mails.retain(|it| it.to == [address]);
            anyhow::ensure!(mails.len() >= count, "{} so far", mails.len());
            Ok(mails)
        },
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn notification_dies_between_the_servers_taking_a_mail_and_recording_it() -> anyhow::Result<()>
{
    let mut cluster = Cluster::start(&[CITY]).await?;
    let city = cluster.city(CITY)?;
    cluster.smtp.behave(Behaviour::Stall)?;
    let number = filed(&city, "bir@example.org").await?;
    mails(&cluster, "bir@example.org", 1).await?;
    let recorded = city.history_types(&number).await?;
    assert!(
        recorded.contains(&"notification.NotificationAttempted".to_owned()),
        "sent before recorded: {recorded:?}"
    );
    assert!(
        !recorded.contains(&"notification.NotificationDelivered".to_owned()),
        "{recorded:?}"
    );

    cluster.kill9(Role::Notification)?;
    cluster.smtp.behave(Behaviour::Accept)?;
    cluster.restart(Role::Notification).await?;
    let history = city
        .has_recorded(&number, "notification.NotificationDelivered", 1)
        .await?;
    let told = mails(&cluster, "bir@example.org", 2).await?;
    assert!(
        told.iter().all(|it| it.message_id == told[0].message_id),
        "{:?}",
        ids(&told)
    );
    assert!(
        told.iter().all(|it| it.text == told[0].text),
        "{:?}",
        ids(&told)
    );
    let requested = history
        .iter()
        .filter(|it| it.r#type == "notification.NotificationRequested")
        .count();
    assert_eq!(requested, 1, "it was decided twice");

    city.settled().await?;
    let types = city.history_types(&number).await?;
    let delivered = types
        .iter()
        .filter(|it| *it == "notification.NotificationDelivered")
        .count();
    assert_eq!(delivered, 1, "{types:?}");
    assert_eq!(
        mails(&cluster, "bir@example.org", 2).await?.len(),
        2,
        "it goes on sending"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_deferred_with_a_4xx_is_tried_again_with_the_same_message_id_and_a_5xx_is_final()
-> anyhow::Result<()> {
    let cluster = Cluster::start(&[CITY]).await?;
    let city = cluster.city(CITY)?;
    cluster.smtp.behave(Behaviour::Defer)?;
    let number = filed(&city, "iki@example.org").await?;
    city.has_recorded(&number, "notification.NotificationFailed", 1)
        .await?;
    cluster.smtp.behave(Behaviour::Vanish)?;
    mails(&cluster, "iki@example.org", 1).await?;
    cluster.smtp.behave(Behaviour::Accept)?;
    let told = mails(&cluster, "iki@example.org", 2).await?;
    assert!(
        told.iter().all(|it| it.message_id == told[0].message_id),
        "{:?}",
        ids(&told)
    );
    let history = city
        .has_recorded(&number, "notification.NotificationDelivered", 1)
        .await?;
    let attempts = history
        .iter()
        .filter(|it| it.r#type == "notification.NotificationAttempted")
        .count();
    assert!(attempts >= 3, "deferred, vanished, taken: {attempts}");

    cluster.smtp.behave(Behaviour::Reject)?;
    let refused = filed(&city, "uc@example.org").await?;
    city.has_recorded(&refused, "notification.NotificationFailed", 1)
        .await?;
    cluster.smtp.behave(Behaviour::Accept)?;
    city.settled().await?;
    let types = city.history_types(&refused).await?;
    let attempts = types
        .iter()
        .filter(|it| *it == "notification.NotificationAttempted")
        .count();
    assert_eq!(
        attempts, 1,
        "a permanent refusal was tried again: {types:?}"
    );
    Ok(())
}

fn ids(mails: &[Mail]) -> Vec<&str> {
    mails.iter().map(|it| it.message_id.as_str()).collect()
}
