//! Somebody asks for care at home and says where they live: nobody who reads facts alone finds the house, and who opens it is recorded.

use anyhow::Context as _;
use contracts::intake::v1::{RequestRegistered, ViewRequestRequest};
use prost::Message as _;
use serde_json::{Value, json};
use tests::{City, open311::Format};

use super::{cluster, say};

const CITY: &str = "benim";
const LATITUDE: f64 = 39.920_771;
const LONGITUDE: f64 = 32.854_113;
/// A hole in the road, elsewhere.
const HOLE: (f64, f64) = (39.935_005, 32.861_234);
/// What nobody reads who reads facts.
const EXACT: [&str; 2] = ["39.920771", "32.854113"];

#[tokio::test]
async fn of_what_is_not_public_only_the_cell_is_known() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let city = cluster.city(CITY)?;
    let home = filed(&city, "home-care", (LATITUDE, LONGITUDE)).await?;
    let pothole = filed(&city, "pothole", HOLE).await?;
    city.settled().await?;

    let (registered, facts) = registered(&city, &home).await?;
    let place = registered.place.context("a place")?;
    let cell = place.latitude.zip(place.longitude).context("a point")?;
    assert!(registered.coarse);
    assert!(
        (cell.0 - 39.925).abs() < 1e-9 && (cell.1 - 32.855).abs() < 1e-9,
        "{cell:?}"
    );
    for exact in [LATITUDE, LONGITUDE] {
        let bytes = exact.to_le_bytes();
        assert!(
            !facts.windows(8).any(|it| it == bytes),
            "a fact holds {exact}"
        );
    }
    for text in shown(&city, &home).await? {
        assert!(!EXACT.iter().any(|it| text.contains(it)), "{text}");
    }
    assert_eq!(
        opened(&city, &home).await?,
        format!("{LATITUDE},{LONGITUDE}")
    );
    let personal = get(&city, &format!("/{home}?view=personal")).await?;
    assert!(personal.contains("39.920771,32.854113"), "{personal}");
    city.has_recorded(&home, "intake.PersonalDataViewed", 2)
        .await?;

    // Everybody who walks there sees a hole in the road.
    let (registered, _) = self::registered(&city, &pothole).await?;
    let place = registered.place.context("a place")?;
    assert!(!registered.coarse);
    assert_eq!(place.latitude.zip(place.longitude), Some(HOLE));
    assert_eq!(opened(&city, &pothole).await?, "");
    let known = get(&city, &format!("/{pothole}")).await?;
    assert!(known.contains("39.935005"), "{known}");
    Ok(())
}

async fn filed(city: &City, topic: &str, point: (f64, f64)) -> anyhow::Result<String> {
    let body = json!({
        "topic": topic, "channel": "app", "description": "annem için",
        "point": {"latitude": point.0, "longitude": point.1},
        "citizen": {"name": "Ayşe", "language": "tr"}
    });
    let answer = reqwest::Client::builder()
        .no_proxy()
        .build()?
        .post(format!("{}/api/v1/requests", city.base()))
        .bearer_auth(City::token(city.name()))
        .header("idempotency-key", format!("home-{topic}"))
        .json(&body)
        .send()
        .await?;
    let (status, filed) = (answer.status(), answer.json::<Value>().await?);
    anyhow::ensure!(status == 201, "{status} {filed}");
    Ok(filed["number"].as_str().context("a number")?.to_owned())
}

/// The event, and its facts as they are stored.
async fn registered(city: &City, number: &str) -> anyhow::Result<(RequestRegistered, Vec<u8>)> {
    let history = city
        .has_recorded(number, "intake.RequestRegistered", 1)
        .await?;
    let mut events = history.into_iter();
    let event = events.find(|it| it.r#type == "intake.RequestRegistered");
    let facts = event.context("it is registered")?.facts;
    Ok((RequestRegistered::decode(facts.as_slice())?, facts))
}

async fn get(city: &City, path: &str) -> anyhow::Result<String> {
    let url = format!("{}/api/v1/requests{path}", city.base());
    let http = reqwest::Client::builder().no_proxy().build()?;
    let answer = http.get(url).bearer_auth(City::token(CITY)).send().await?;
    let (status, text) = (answer.status(), answer.text().await?);
    anyhow::ensure!(status == 200, "{path}: {status} {text}");
    Ok(text)
}

/// What is read without opening anything.
async fn shown(city: &City, number: &str) -> anyhow::Result<Vec<String>> {
    let mut shown = vec![
        get(city, &format!("/{number}")).await?,
        get(city, &format!("/{number}/history")).await?,
        get(city, "?limit=100").await?,
    ];
    for format in Format::BOTH {
        shown.push(city.open311().request(number, format).await?.body);
    }
    let said = say(city, &["history", number]).await?;
    assert_eq!(said.code, 0, "{}", said.err);
    shown.push(said.out);
    Ok(shown)
}

/// The exact point, for who may open it.
async fn opened(city: &City, number: &str) -> anyhow::Result<String> {
    let view = ViewRequestRequest {
        number: number.to_owned(),
        purpose: "test".to_owned(),
        ..ViewRequestRequest::default()
    };
    Ok(city.intake().view_request(view).await?.into_inner().point)
}
