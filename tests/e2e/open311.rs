//! Open311 as the public and as programs of others use it.

use contracts::{
    intake::v1::{RegisterRequestRequest, RequestRegistered},
    vocabulary::v1::Place,
};
use serde_json::Value;
use tests::{City, city::command_id, eventually, open311::Format, picture};
use vocabulary::Channel;

use super::{SOON, cluster};

const ACIK: &str = "acik";

#[tokio::test]
async fn clients_that_others_wrote_read_and_file() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let client = cluster.city(ACIK)?.open311();
    let seen = tokio::task::spawn_blocking(move || client.by_others()).await??;
    let number = seen["number"].clone();
    assert_eq!(seen["token"]["service_request_id"], number, "{seen:#}");
    let told = seen["refused"]["description"].as_str().unwrap_or_default();
    assert!(told.starts_with("attribute[size]: is none of"), "{seen:#}");
    assert_eq!(seen["asked"], serde_json::json!(["size", "depth"]));
    assert_eq!(seen["discovery"]["endpoints"][0]["type"], "production");
    assert!(
        seen["listed"]
            .as_array()
            .is_some_and(|it| it.contains(&number)),
        "{seen:#}"
    );
    is_a_request(&seen["one"]);
    assert_eq!(
        seen["one"]["description"],
        "Köşede derin bir çukur var: ğüşıöç"
    );
    for format in ["json", "xml"] {
        let seen = &seen[format];
        assert_eq!(seen["definition"], "pothole");
        assert_eq!(seen["listed"], serde_json::json!([number]));
        assert_eq!(seen["request"]["service_request_id"], number);
        assert!(seen["services"].as_u64() > Some(100), "{seen:#}");
    }
    Ok(())
}

/// A member's name, and what it may be.
type Member<'a> = (&'a str, &'a dyn Fn(&Value) -> bool);

/// The members of a request in the standard's order, and what each may be; after open311/schema-validation's request.json.
fn is_a_request(request: &Value) {
    let text = |it: &Value| it.is_string();
    let text_or_none = |it: &Value| it.is_string() || it.is_null();
    let number_or_none = |it: &Value| it.is_number() || it.is_null();
    let time = |it: &Value| {
        it.as_str()
            .is_some_and(|it| it.parse::<jiff::Timestamp>().is_ok())
    };
    let time_or_none = |it: &Value| it.is_null() || time(it);
    let checks: [Member<'_>; 17] = [
        ("service_request_id", &text),
        ("status", &|it| it == "open" || it == "closed"),
        ("status_notes", &text_or_none),
        ("service_name", &text_or_none),
        ("service_code", &text),
        ("description", &text_or_none),
        ("agency_responsible", &text_or_none),
        ("service_notice", &text_or_none),
        ("requested_datetime", &time),
        ("updated_datetime", &time_or_none),
        ("expected_datetime", &time_or_none),
        ("address", &text_or_none),
        ("address_id", &text_or_none),
        ("zipcode", &text_or_none),
        ("lat", &number_or_none),
        ("long", &number_or_none),
        ("media_url", &text_or_none),
    ];
    for (name, fits) in checks {
        let member = request.get(name);
        assert!(member.is_some_and(fits), "{name}: {member:?}");
    }
    assert_eq!(
        request.as_object().map(|it| it.len()),
        Some(checks.len()),
        "{request}"
    );
}

/// Registers a request as staff do, and gives its number once it is shown.
async fn told(
    city: &City,
    topic: &str,
    channel: Channel,
    description: &str,
) -> anyhow::Result<String> {
    let request = RegisterRequestRequest {
        command_id: command_id(&format!("{topic} {}", channel.code())),
        channel: channel.number(),
        topic: topic.to_owned(),
        description: description.to_owned(),
        address: "Gizli Sk. 5".to_owned(),
        place: Some(Place {
            latitude: Some(39.92),
            longitude: Some(32.85),
            district: "Çankaya".to_owned(),
            ..Place::default()
        }),
        ..RegisterRequestRequest::default()
    };
    Ok(city
        .intake()
        .register_request(request)
        .await?
        .into_inner()
        .number)
}

#[tokio::test]
async fn the_public_reads_what_public_topics_are_about_and_reaches_nobody() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let acik = cluster.city(ACIK)?;
    let text = "Çukur büyüyor, beni 0532 123 45 67 ya da ayse@ornek.example ile arayın.";
    let phone = told(&acik, "pothole", Channel::Phone, text).await?;
    let private = told(&acik, "aid", Channel::Open311, text).await?;
    // Both formats are asked one after the other: nothing may move between them.
    acik.settled().await?;
    for format in Format::BOTH {
        let shown = acik.open311().request(&phone, format).await?.only()?;
        assert_eq!(
            shown["description"],
            "Çukur büyüyor, beni […] ya da […] ile arayın."
        );
        assert_eq!(
            shown["address"], "Çankaya",
            "a typed address is shown: {shown:?}"
        );
        assert_eq!(
            (shown["lat"].as_str(), shown["long"].as_str()),
            ("39.92", "32.85")
        );
        let hidden = acik.open311().request(&private, format).await?.only()?;
        for name in ["description", "address", "lat", "long", "media_url"] {
            assert_eq!(hidden[name], "", "{name} of a private topic: {hidden:?}");
        }
    }
    // A whole page says the same in both formats.
    let query = format!("service_request_id={phone},{private}");
    let xml = acik.open311().list("requests", &query, Format::Xml).await?;
    let json = acik
        .open311()
        .list("requests", &query, Format::Json)
        .await?;
    assert_eq!(xml.items()?, json.items()?);
    let list: Vec<Value> = serde_json::from_str(&json.body)?;
    list.iter().for_each(is_a_request);
    let (near, far) = ("lat=39.92&long=32.85", "lat=39.95&long=32.85&radius=100");
    let ids = async |query: &str| -> anyhow::Result<Vec<String>> {
        let list = acik
            .open311()
            .list("requests", query, Format::Json)
            .await?
            .items()?;
        Ok(list
            .into_iter()
            .map(|it| it["service_request_id"].clone())
            .collect())
    };
    assert!(ids(near).await?.contains(&phone));
    assert!(
        !ids(near).await?.contains(&private),
        "a private request is found by its place"
    );
    assert!(!ids(far).await?.contains(&phone));
    Ok(())
}

#[tokio::test]
async fn answers_to_lists_are_facts_and_the_same_thing_twice_is_one_request() -> anyhow::Result<()>
{
    let cluster = cluster().await?;
    let acik = cluster.city(ACIK)?;
    let filed = [
        ("service_code", "pothole"),
        ("address_string", "Atatürk Cad. 1"),
        ("address_id", "545483"),
        ("attribute[size]", "large"),
        ("attribute[depth]", "12,5"),
    ];
    let number = acik.open311().file(&filed, Format::Xml).await?.number()?;
    assert_eq!(
        acik.open311().file(&filed, Format::Json).await?.number()?,
        number
    );
    let mut other = filed;
    other[4] = ("attribute[depth]", "13");
    assert_ne!(
        acik.open311().file(&other, Format::Json).await?.number()?,
        number
    );

    let shown = acik
        .open311()
        .request(&number, Format::Json)
        .await?
        .only()?;
    assert_eq!(
        (shown["address"].as_str(), shown["address_id"].as_str()),
        ("Atatürk Cad. 1", "545483")
    );

    let history = acik
        .has_recorded(&number, "intake.RequestRegistered", 1)
        .await?;
    let registered = history
        .iter()
        .find(|it| it.r#type == "intake.RequestRegistered");
    let registered: RequestRegistered =
        chassis::event::decode(registered.expect("it was recorded"))?;
    let choices: Vec<_> = registered
        .choices
        .iter()
        .map(|it| (it.attribute.as_str(), it.keys.join(",")))
        .collect();
    assert_eq!(choices, [("size", "large".to_owned())]);
    assert!(
        registered.personal.is_some_and(|it| it.answers.is_some()),
        "what was measured is not sealed"
    );

    let mut wrong = filed;
    wrong[3] = ("attribute[size]", "enormous");
    wrong[4] = ("attribute[depth]", "deep");
    for format in Format::BOTH {
        let told = acik.open311().file(&wrong, format).await?;
        let errors = told.errors()?;
        assert_eq!(told.status, 400, "{errors}");
        assert!(
            errors.contains("attribute[size]") && errors.contains("attribute[depth]"),
            "{errors}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn updates_go_both_ways() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let acik = cluster.city(ACIK)?;
    let filed = [
        ("service_code", "pothole"),
        ("lat", "39.9"),
        ("long", "32.8"),
        ("description", "güncelleme"),
    ];
    let number = acik.open311().file(&filed, Format::Xml).await?.number()?;
    acik.handling(&number).await?;
    let update = [
        ("service_request_id", number.as_str()),
        ("update_id", "fms-17"),
        ("updated_datetime", "2026-11-22T10:00:00Z"),
        ("status", "OPEN"),
        ("description", "Hâlâ duruyor."),
    ];
    let taken = acik.open311().update(&update, Format::Xml).await?.only()?;
    assert_eq!(taken["update_id"], "fms-17");
    acik.has_recorded(&number, "routing.CitizenWrote", 1)
        .await?;
    let again = acik.open311().update(&update, Format::Json).await?;
    assert_eq!(again.status, 400, "{again:?}");
    assert!(again.errors()?.contains("already exists"), "{again:?}");

    // A key that may only file concludes nothing.
    let mut fixed = update;
    (fixed[1], fixed[3]) = (("update_id", "fms-18"), ("status", "FIXED"));
    acik.open311().update(&fixed, Format::Xml).await?.only()?;
    let history = acik
        .has_recorded(&number, "routing.CitizenWrote", 2)
        .await?;
    assert!(
        !history
            .iter()
            .any(|it| it.r#type == "routing.RequestConcluded")
    );

    eventually(SOON, "the routing is told as an update", async || {
        let updates = acik
            .open311()
            .list("servicerequestupdates", "lang=en", Format::Json)
            .await?
            .items()?;
        let own = updates.iter().find(|it| it["service_request_id"] == number);
        anyhow::ensure!(
            own.is_some_and(|it| it["external_status_code"] == "routed"),
            "{updates:?}"
        );
        anyhow::ensure!(
            !format!("{updates:?}").contains("Hâlâ"),
            "what the citizen wrote is published"
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_program_sends_pictures_and_only_pictures() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let acik = cluster.city(ACIK)?;
    let fields = [
        ("service_code", "pothole"),
        ("address_string", "Kale Sk. 4"),
        ("description", "Duvarın dibi çöp dolu, resimleri ekte."),
    ];
    let (one, two) = (picture::png("green", ""), picture::png("blue", ""));
    let client = acik.open311();
    for format in Format::BOTH {
        let wrong = client.file_with(&fields, &[("media", b"%PDF-1.7")], format);
        let wrong = wrong.await?;
        assert_eq!(wrong.status, 400, "{}", wrong.body);
        assert!(wrong.errors()?.starts_with("media"), "{}", wrong.body);
    }
    let files: [(&str, &[u8]); 2] = [("media[]", &one), ("media[]", &two)];
    let filed = client.file_with(&fields, &files, Format::Json).await?;
    let number = filed.number()?;
    let history = acik
        .has_recorded(&number, "intake.RequestRegistered", 1)
        .await?;
    let registered: RequestRegistered = chassis::event::decode(&history[0])?;
    let kinds = registered
        .attachments
        .iter()
        .map(|it| it.media_type.as_str());
    assert_eq!(kinds.collect::<Vec<_>>(), ["image/jpeg", "image/jpeg"]);
    // A face may be on it: the public is not shown what nobody has looked at.
    let shown = client.request(&number, Format::Json).await?.only()?;
    assert_eq!(shown["media_url"], "");
    Ok(())
}
