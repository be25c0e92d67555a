//! What happens to a citizen's request, and what the citizen hears of it.

use contracts::{ledger::v1::Event, vocabulary::v1::SubResult};
use serde_json::Value;
use tests::{
    City,
    open311::Format,
    work::{PLANNED_FOR, Work},
};

use super::{cluster, mails, say};

#[tokio::test]
async fn a_pothole_filed_through_open311_is_mended_and_ayse_hears_of_each_step()
-> anyhow::Result<()> {
    let cluster = cluster().await?;
    let ova = cluster.city("ova")?;
    let (address, complaint) = (
        "ayse.yilmaz@example.org",
        "Okulun önünde çukur var, düştüm.",
    );

    let filed = [
        ("service_code", "pothole"),
        ("lat", "39.92077"),
        ("long", "32.85411"),
        ("description", complaint),
        ("first_name", "Ayşe"),
        ("last_name", "Yılmaz"),
        ("email", address),
    ];
    let number = ova.open311().file(&filed, Format::Json).await?.number()?;
    let routed = ova.handling(&number).await?;
    assert!(!routed.unit.is_empty(), "nobody answers for it: {routed:?}");

    let crew = Work::on(&ova, &number);
    crew.accept().await?;
    crew.assign("ekip-7").await?;
    crew.plan(PLANNED_FOR).await?;
    mails(&cluster, address, 2).await?;
    crew.conclude(SubResult::Solved, "Çukur asfaltla kapatıldı, geçmiş olsun.")
        .await?;

    let told = mails(&cluster, address, 3).await?;
    ova.has_recorded(&number, "notification.NotificationDelivered", 3)
        .await?;
    assert_eq!(
        cluster
            .smtp
            .messages()?
            .iter()
            .filter(|it| it.to == [address])
            .count(),
        3,
        "told more than once"
    );
    for mail in &told {
        assert_eq!(mail.from, "centre@example.org");
        assert!(mail.text.contains(&number), "no number in {}", mail.text);
        assert!(
            mail.text.contains(&format!("{}/", ova.base())),
            "no way to follow it in {}",
            mail.text
        );
    }
    assert_eq!(told[0].subject, format!("Başvurunuz alındı: {number}"));
    assert!(
        told[0].text.contains("Sayın Ayşe Yılmaz"),
        "whom it is for: {}",
        told[0].text
    );
    assert!(
        told[1].text.contains("4 Mayıs 2099"),
        "the day it is planned for: {}",
        told[1].text
    );
    assert!(
        told[2].text.contains("Çözüldü"),
        "how it ended: {}",
        told[2].text
    );
    assert!(
        told[2]
            .text
            .contains("Çukur asfaltla kapatıldı, geçmiş olsun."),
        "the reasoned answer: {}",
        told[2].text
    );

    for format in Format::BOTH {
        let shown = ova.open311().request(&number, format).await?.only()?;
        assert_eq!(shown["status"], "closed", "{shown:?}");
        assert_eq!(shown["service_request_id"], number);
        assert_eq!(shown["service_code"], "pothole");
        assert_eq!(shown["description"], complaint);
        assert!(
            shown["updated_datetime"] >= shown["requested_datetime"],
            "{shown:?}"
        );
        assert!(
            !shown
                .values()
                .any(|it| it.contains("Yılmaz") || it.contains(address)),
            "{shown:?}"
        );
    }
    history_tells_it_all(&ova, &number).await
}

/// `cozum history` lists every event in order with actor, cause and time.
async fn history_tells_it_all(ova: &City, number: &str) -> anyhow::Result<()> {
    let recorded = ova.history(number).await?;
    let told = say(ova, &["history", number, "--format", "json"]).await?;
    assert_eq!(told.code, 0, "{}", told.err);
    let told: Vec<Value> = serde_json::from_str(&told.out)?;
    let text = |it: &Value, key: &str| it[key].as_str().unwrap_or_default().to_owned();

    let types = |prefix: &str| -> Vec<String> {
        let all = told.iter().map(|it| text(it, "type"));
        all.filter(|it| it.starts_with(prefix)).collect()
    };
    let routing = [
        "RequestRouted",
        "RequestAccepted",
        "RequestAssigned",
        "RequestPlanned",
        "RequestConcluded",
    ];
    assert_eq!(types("routing."), routing.map(|it| format!("routing.{it}")));
    assert_eq!(types("intake.RequestRegistered").len(), 1);
    for step in ["Requested", "Attempted", "Delivered"] {
        assert_eq!(
            types(&format!("notification.Notification{step}")).len(),
            3,
            "{step}"
        );
    }

    let positions: Vec<u64> = told
        .iter()
        .map(|it| text(it, "position").parse())
        .collect::<Result<_, _>>()?;
    assert_eq!(
        positions,
        recorded.iter().map(|it| it.position).collect::<Vec<_>>()
    );
    assert!(positions.is_sorted_by(|a, b| a < b), "{positions:?}");
    for event in &told {
        assert!(!text(event, "actor").is_empty(), "nobody did {event}");
        assert!(
            text(event, "recorded_at") >= text(event, "occurred_at"),
            "recorded before it happened: {event}"
        );
    }
    let actor_of = |event: &str| {
        told.iter()
            .find(|it| it["type"] == event)
            .map(|it| text(it, "actor"))
    };
    assert_eq!(
        actor_of("intake.RequestRegistered").as_deref(),
        Some("open311:app")
    );
    assert_eq!(
        actor_of("routing.RequestRouted").as_deref(),
        Some("system:routing")
    );
    assert_eq!(
        actor_of("routing.RequestConcluded").as_deref(),
        Some("staff:desk")
    );
    assert_eq!(
        actor_of("notification.NotificationDelivered").as_deref(),
        Some("system:notification")
    );
    causes_are_told(&told, &recorded);

    let text = say(ova, &["history", number, "--lang", "tr"]).await?;
    for expected in [
        "Başvuru kaydedildi",
        "Sonuçlandırıldı",
        "staff:desk",
        "[mühürlü]",
    ] {
        assert!(text.out.contains(expected), "{expected} in {}", text.out);
    }
    Ok(())
}

/// What a reaction did names the event that led to it.
fn causes_are_told(told: &[Value], recorded: &[Event]) {
    let cause_of = |event: &str| {
        let position = told.iter().find(|it| it["type"] == event)?["cause"]
            .as_str()?
            .parse::<u64>()
            .ok()?;
        recorded
            .iter()
            .find(|it| it.position == position)
            .map(|it| it.r#type.clone())
    };
    assert_eq!(
        cause_of("routing.RequestRouted").as_deref(),
        Some("intake.RequestRegistered")
    );
    assert_eq!(
        cause_of("notification.NotificationRequested").as_deref(),
        Some("intake.RequestRegistered")
    );
}

#[tokio::test]
async fn a_dark_street_lamp_is_referred_outside_and_comes_back_and_an_english_citizen_is_told_so()
-> anyhow::Result<()> {
    let cluster = cluster().await?;
    let ova = cluster.city("ova")?;
    let address = "ann.smith@example.org";
    let filed = [
        ("service_code", "street-light-out"),
        ("address_string", "Atatürk Cad. 12"),
        ("description", "The lamp is dark."),
        ("email", address),
        ("lang", "en"),
    ];
    let number = ova.open311().file(&filed, Format::Xml).await?.number()?;
    ova.handling(&number).await?;
    let desk = Work::on(&ova, &number);
    let outside = a_unit_outside(&ova).await?;

    desk.accept().await?;
    desk.refer(&outside.0, "Their lamp.").await?;
    mails(&cluster, address, 2).await?;
    desk.conclude(
        SubResult::OutOfAuthority,
        "The network's operator was asked to mend it.",
    )
    .await?;
    mails(&cluster, address, 3).await?;
    desk.reopen("Still dark.").await?;

    let told = mails(&cluster, address, 4).await?;
    ova.has_recorded(&number, "notification.NotificationDelivered", 4)
        .await?;
    assert!(
        told[1].text.contains(&outside.1),
        "the institution {}: {}",
        outside.1,
        told[1].text
    );
    assert!(
        told[2].text.contains("Out of authority"),
        "{}",
        told[2].text
    );
    assert!(
        told[3].text.contains("reopened") || told[3].subject.contains("reopened"),
        "{:?}",
        told[3]
    );
    for mail in &told {
        assert!(mail.text.contains("request"), "not English: {}", mail.text);
        assert!(!mail.text.contains("başvuru"), "not English: {}", mail.text);
    }
    let distinct: std::collections::BTreeSet<_> = told.iter().map(|it| &it.message_id).collect();
    assert_eq!(distinct.len(), 4, "four messages, four ids");
    let shown = ova.open311().request(&number, Format::Json).await?.only()?;
    assert_eq!(
        shown["status"], "open",
        "a reopened request is open: {shown:?}"
    );
    Ok(())
}

/// Code and English name of an institution outside the municipality.
async fn a_unit_outside(city: &City) -> anyhow::Result<(String, String)> {
    let units = city
        .routing()
        .list_units(contracts::routing::v1::ListUnitsRequest {})
        .await?
        .into_inner()
        .units;
    let outside = units.into_iter().find(|it| it.outside);
    outside
        .map(|it| (it.code, it.name_en))
        .ok_or_else(|| anyhow::anyhow!("no unit outside"))
}
