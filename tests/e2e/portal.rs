//! What a citizen does on the portal's pages: choose a topic, answer what it asks, send a picture, come back, answer.

use anyhow::Context as _;
use contracts::{ledger::v1::Event, vocabulary::v1::RequestState};
use prost::Message as _;
use tests::{City, picture, portal::Page, work::Work};

use super::cluster;

const COMPLAINT: &str = "Okulun önünde derin bir çukur var, dün İsmail düştü.";
const QUESTION: &str = "Hangi okul: ilkokul mu, lise mi?";
const ANSWER: &str = "İlkokulun arka kapısı, Iğdır Sokak.";

async fn filed(city: &City) -> anyhow::Result<(String, String)> {
    let fields = [
        ("topic", "pothole"),
        ("description", COMPLAINT),
        ("address", "Okul Sk. 3"),
        ("q-size", "large"),
        ("q-depth", "12,5"),
    ];
    let photos = [picture::png("red", ""), picture::png("blue", "")];
    let receipt = city.portal().file_with(&fields, &photos).await?;
    assert_eq!(receipt.status, 201, "{}", receipt.text()?);
    Ok((receipt.element("number")?, receipt.element("secret")?))
}

fn registered(history: &[Event]) -> anyhow::Result<contracts::intake::v1::RequestRegistered> {
    let event = history
        .iter()
        .find(|it| it.r#type == "intake.RequestRegistered");
    let facts = event.map(|it| it.facts.as_slice()).unwrap_or_default();
    Ok(contracts::intake::v1::RequestRegistered::decode(facts)?)
}

#[tokio::test]
async fn a_citizen_sends_pictures_sees_them_again_and_answers_the_units_question()
-> anyhow::Result<()> {
    let cluster = cluster().await?;
    let ova = cluster.city("ova")?;
    let form = ova.portal().open("/?topic=pothole").await?;
    for part in ["name=\"q-size\"", "name=\"q-depth\"", "type=\"file\""] {
        assert!(form.html.contains(part), "{part} in {}", form.html);
    }
    let (number, secret) = filed(&ova).await?;
    let facts = registered(&ova.history(&number).await?)?;
    assert_eq!(facts.attachments.len(), 2);
    assert!(
        facts
            .attachments
            .iter()
            .all(|it| it.media_type == "image/jpeg")
    );
    assert_eq!(facts.choices[0].keys, ["large"]);

    let seen = ova.portal().track(&number, &secret).await?;
    assert_eq!(seen.status, 200);
    let pictures = seen
        .html
        .matches("src=\"data:image/jpeg;base64,/9j/")
        .count();
    assert_eq!(pictures, 2, "{}", seen.text()?);
    assert!(seen.text()?.contains(COMPLAINT));

    ova.handling(&number).await?;
    let crew = Work::on(&ova, &number);
    crew.accept().await?;
    crew.comment("Malzeme geldi.", true).await?;
    crew.comment("Yalnız kendi aramızda.", false).await?;
    crew.ask(QUESTION).await?;
    let asked = ova.portal().track(&number, &secret).await?.text()?;
    assert!(
        asked.contains(QUESTION) && asked.contains("Malzeme geldi."),
        "{asked}"
    );
    assert!(!asked.contains("kendi aramızda"), "{asked}");

    let answered = say(&ova, &number, &secret, ANSWER, KEY).await?;
    assert_eq!(answered.status, 200, "{}", answered.text()?);
    assert!(answered.text()?.contains(ANSWER), "{}", answered.text()?);
    assert!(!answered.html.contains("id=\"question\""), "asked still");
    assert_eq!(ova.handling(&number).await?.state(), RequestState::Accepted);
    // The same form again is the same message.
    say(&ova, &number, &secret, ANSWER, KEY).await?;
    ova.has_recorded(&number, "routing.CitizenWrote", 1).await?;
    let wrote = ova.history_types(&number).await?;
    let wrote = wrote.iter().filter(|it| *it == "routing.CitizenWrote");
    assert_eq!(wrote.count(), 1);
    Ok(())
}

const KEY: &str = "6f2d9f57-5d0e-4f27-9a43-1f1f6f1f0a01";

async fn say(
    city: &City,
    number: &str,
    secret: &str,
    text: &str,
    key: &str,
) -> anyhow::Result<Page> {
    let fields = [
        ("number", number),
        ("secret", secret),
        ("text", text),
        ("key", key),
    ];
    city.portal().post("/track/message", &fields).await
}

#[tokio::test]
async fn a_citizen_takes_a_receipt_home_that_tells_nothing_of_anybody() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let ova = cluster.city("ova")?;
    let (number, secret) = filed(&ova).await?;
    let tracked = ova.portal().track(&number, &secret).await?;
    assert!(tracked.html.contains("/track/receipt"), "{}", tracked.html);
    let ask = async |secret: &str| {
        let fields = [("number", number.as_str()), ("secret", secret)];
        ova.portal().post("/track/receipt", &fields).await
    };
    let receipt = ask(&secret).await?;
    assert_eq!(receipt.status, 200);
    let key = String::from_utf8(ova.download("/log/ova/key").await?)?;
    let asked = auditor::Asked {
        key: Some(key.trim().parse()?),
        ..auditor::Asked::default()
    };
    let report = auditor::verify_receipt(&receipt.html, &asked);
    assert!(report.is_sound(), "{report}");
    let event = auditor::receipt_event(&receipt.html).context("an event")?;
    assert_eq!(event.stream, format!("request-{number}"));
    assert_eq!(event.actor, "citizen");
    assert!(event.personal.is_empty() && event.personal_salt.is_empty());
    let subjects: Vec<_> = event
        .subjects
        .iter()
        .filter_map(|it| it.split(':').next())
        .collect();
    assert_eq!(
        subjects,
        ["contact", "request"],
        "pseudonyms of their own alone"
    );
    let wrong = ask("0123456789ABCDEFGHJKMNPQRS").await?;
    assert!(wrong.status == 404 && !wrong.html.contains("tlog-proof"));
    Ok(())
}

#[tokio::test]
async fn nobody_writes_or_looks_without_the_secret_and_an_empty_message_is_named()
-> anyhow::Result<()> {
    let cluster = cluster().await?;
    let ova = cluster.city("ova")?;
    let (number, secret) = filed(&ova).await?;
    let wrong = say(&ova, &number, "0123456789ABCDEFGHJKMNPQRS", ANSWER, KEY).await?;
    assert_eq!(wrong.status, 404);
    assert!(!wrong.html.contains("data:image"));
    let empty = say(&ova, &number, &secret, " ", KEY).await?;
    assert_eq!(empty.status, 400);
    assert!(empty.html.contains("id=\"text-error\""), "{}", empty.html);
    let types = ova.history_types(&number).await?;
    assert!(!types.iter().any(|it| it == "routing.CitizenWrote"));
    Ok(())
}

#[tokio::test]
async fn a_picture_that_is_none_is_named_and_nothing_is_filed() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let yazi = cluster.city("yazi")?;
    let fields = [
        ("topic", "pothole"),
        ("description", COMPLAINT),
        ("key", "6f2d9f57-5d0e-4f27-9a43-1f1f6f1f0a02"),
    ];
    let photos = [picture::png("red", ""), b"%PDF-1.7".to_vec()];
    let refused = yazi.portal().file_with(&fields, &photos).await?;
    assert_eq!(refused.status, 400);
    assert!(
        refused.html.contains("id=\"photo-error\""),
        "{}",
        refused.html
    );
    let text = refused.text()?;
    assert!(text.contains("2. fotoğraf"), "which one: {text}");
    assert!(text.contains(COMPLAINT), "what was typed is lost: {text}");
    // Had anything been filed, the same form with other pictures would be refused.
    let mended = yazi.portal().file_with(&fields, &photos[..1]).await?;
    assert_eq!(mended.status, 201, "{}", mended.text()?);
    Ok(())
}

#[tokio::test]
async fn every_page_is_light_enough_for_a_slow_telephone() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let ova = cluster.city("ova")?;
    let portal = ova.portal();
    let mut shared = 0;
    for part in ["/style.css", "/portal.js"] {
        shared += ova.download(part).await?.len();
    }
    let fields = [("topic", "pothole"), ("description", COMPLAINT)];
    let receipt = portal.file_with(&fields, &[]).await?;
    let (number, secret) = (receipt.element("number")?, receipt.element("secret")?);
    let pages = [
        ("the topics", portal.open("/").await?),
        ("the form", portal.open("/?topic=pothole&lang=en").await?),
        ("the receipt", receipt),
        ("tracking", portal.open("/track").await?),
        ("tracked", portal.track(&number, &secret).await?),
    ];
    for (name, page) in pages {
        let bytes = page.html.len() + shared;
        assert!(bytes <= 50_000, "{name}: {bytes} bytes");
    }
    Ok(())
}
