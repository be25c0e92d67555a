//! The whole router, with a register that holds a little history and with no other service there.

mod access;
mod api;
mod console;
mod house;
mod open311;
mod open311_errors;

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use chassis::event;
use contracts::{
    intake::v1::RequestRegistered, routing::v1::RequestConcluded, vocabulary::v1::Place,
};
use jiff::Timestamp;
use projection::ReadModel as _;
use uuid::Uuid;
use vocabulary::{Channel, SubResult};

use crate::Register;
use house::{FORM, House, history, number, stored};

#[tokio::test]
async fn services_are_listed_in_both_formats_and_languages() {
    let house = House::open().await;
    let xml = house
        .get("/open311/v2/services.xml?jurisdiction_id=ova")
        .await;
    assert_eq!(xml.headers["content-type"], "text/xml; charset=utf-8");
    assert_eq!(xml.headers["access-control-allow-origin"], "*");
    let service =
        "<service><service_code>home-care</service_code><service_name>Evde bakım</service_name>";
    assert!(xml.text.contains(service), "{}", xml.text);

    let json = house
        .get("/open311/v2/services.json?lang=en&jurisdiction_id=ova")
        .await;
    assert_eq!(
        json.headers["content-type"],
        "application/json; charset=utf-8"
    );
    let list: serde_json::Value = serde_json::from_str(&json.text).unwrap();
    assert_eq!(list[0]["group"], "Social services");
    assert_eq!(list[0]["metadata"], false);
    assert_eq!(
        house
            .get("/open311/v2/services.json?jurisdiction_id=koy")
            .await
            .text,
        "[]"
    );
}

#[tokio::test]
async fn a_topic_that_is_not_public_shows_neither_text_nor_place() {
    let house = House::open().await;
    let answer = house
        .get(&format!(
            "/open311/v2/requests/{}.json?jurisdiction_id=ova",
            number()
        ))
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let list: serde_json::Value = serde_json::from_str(&answer.text).unwrap();
    let request = &list[0];
    assert_eq!(request["service_request_id"], number());
    assert_eq!(request["status"], "open");
    assert_eq!(request["status_notes"], "Programa alındı");
    assert_eq!(request["agency_responsible"], "Sosyal Hizmetler");
    assert_eq!(request["requested_datetime"], "2025-10-09T11:53:30+03:00");
    assert_eq!(request["updated_datetime"], "2025-10-09T11:53:50+03:00");
    assert_eq!(request["expected_datetime"], "2026-12-01T23:59:59+03:00");
    for hidden in ["description", "address", "lat", "long", "media_url"] {
        assert!(request[hidden].is_null(), "{hidden}");
    }
    let other = house
        .get(&format!(
            "/open311/v2/requests/{}.json?jurisdiction_id=koy",
            number()
        ))
        .await;
    assert_ne!(
        other.status,
        StatusCode::OK,
        "another municipality's request"
    );
}

#[tokio::test]
async fn a_request_is_open_from_its_registration_to_its_conclusion() {
    let house = House::open().await;
    let mut connection = house.register("koy").await;
    let at = Timestamp::from_second(1_760_000_100).unwrap();
    let concluded = RequestConcluded {
        number: number(),
        sub_result: SubResult::NotFound.number(),
        ..RequestConcluded::default()
    };
    let concluded = stored(event::record(Uuid::nil(), &concluded, at, []));
    let steps = [
        (history().remove(2), "open", "Kayıt alındı"),
        (history().remove(3), "open", "Yönlendirildi"),
        (concluded, "closed", "Sonuçlandırıldı: Tespit edilemedi"),
    ];
    for (event, status, notes) in steps {
        Register.apply(&mut connection, &event).await.unwrap();
        let path = format!("/open311/v2/requests/{}.json?jurisdiction_id=koy", number());
        let list: serde_json::Value = serde_json::from_str(&house.get(&path).await.text).unwrap();
        assert_eq!(
            (list[0]["status"].as_str(), list[0]["status_notes"].as_str()),
            (Some(status), Some(notes))
        );
        assert_eq!(list[0]["requested_datetime"], "2025-10-09T11:53:30+03:00");
    }
}

#[tokio::test]
async fn open311_says_what_is_wrong_in_the_format_that_was_asked() {
    let house = House::open().await;
    let form = "service_code=home-care&lat=1&long=1&description=x";
    let key = "&api_key=anahtar-ova";
    let cases = [
        (
            house
                .get("/open311/v2/services.json?jurisdiction_id=nowhere")
                .await,
            404,
            "jurisdiction_id",
        ),
        (
            house
                .get("/open311/v2/requests/12.xml?jurisdiction_id=ova")
                .await,
            404,
            "service_request_id",
        ),
        (
            house
                .get("/open311/v2/requests/2026-48120937-5.yaml?jurisdiction_id=ova")
                .await,
            404,
            ".xml or .json",
        ),
        (
            house.get("/open311/v2/anything.json").await,
            404,
            "no such resource",
        ),
        (
            house.post("/open311/v2/services.json", "").await,
            405,
            "method",
        ),
        (
            house.post("/open311/v2/requests.json", form).await,
            403,
            "api_key",
        ),
        (
            house
                .post(
                    "/open311/v2/requests.xml",
                    format!("{form}&api_key=anahtar-koy&jurisdiction_id=ova"),
                )
                .await,
            403,
            "api_key",
        ),
        (
            house
                .post("/open311/v2/requests.xml", "api_key=anahtar-ova")
                .await,
            400,
            "service_code: is missing",
        ),
        (
            house
                .post(
                    "/open311/v2/requests.json",
                    format!("{form}{key}").replace("home-care", "x"),
                )
                .await,
            404,
            "service_code",
        ),
        (
            house
                .post(
                    "/open311/v2/requests.json",
                    format!("{form}{key}&lat=x").replace("lat=1&", ""),
                )
                .await,
            400,
            "lat: ",
        ),
    ];
    for (answer, status, part) in cases {
        assert_eq!(answer.status.as_u16(), status, "{part}: {}", answer.text);
        assert!(answer.text.contains(part), "{part}: {}", answer.text);
        if answer.headers["content-type"] == "application/json; charset=utf-8" {
            let list: serde_json::Value = serde_json::from_str(&answer.text).unwrap();
            assert_eq!(list[0]["code"], status);
        } else {
            assert!(
                answer
                    .text
                    .contains(&format!("<errors><error><code>{status}</code>")),
                "{}",
                answer.text
            );
        }
    }
}

#[tokio::test]
async fn a_request_is_filed_with_the_city_that_the_key_names() {
    let house = House::open().await;
    let file = async |more: &str| {
        let form = format!("service_code=home-care&address_id=1&{more}");
        let answer = house.post("/open311/v2/requests.json", form).await;
        (answer.status.as_u16(), answer.text)
    };
    let shared = file("api_key=anahtar-ortak").await;
    assert_eq!(shared.0, 400, "{}", shared.1);
    assert!(
        shared.1.contains("jurisdiction_id: is missing"),
        "{}",
        shared.1
    );
    // Only ova has this topic, and there intake is not there.
    assert_eq!(file("api_key=anahtar-koy").await.0, 404);
    let form = "service_code=home-care&address_id=1&api_key=anahtar-ova";
    let filed = house.post("/open311/v2/requests.json", form);
    assert!(House::waits_for_intake(filed).await);
    let path = "/open311/v2/requests.json?api_key=anahtar-ova";
    let answer = house.post(path, "service_code=home-care").await;
    assert_eq!(
        answer.status,
        StatusCode::FORBIDDEN,
        "a key in the URL opens it"
    );
}

#[tokio::test]
async fn a_citizens_own_words_are_no_districts() {
    let house = House::open().await;
    let mut register = house.register("ova").await;
    let at = Timestamp::from_second(1_760_000_100).unwrap();
    for index in 0..10 {
        let (channel, district) = if index % 2 == 0 {
            (Channel::Web, "Yazılan")
        } else {
            (Channel::Phone, "Bilinen")
        };
        let registered = RequestRegistered {
            number: format!("{index}"),
            channel: channel.number(),
            place: Some(Place {
                district: district.to_owned(),
                ..Place::default()
            }),
            ..RequestRegistered::default()
        };
        let event = stored(event::record(Uuid::nil(), &registered, at, []));
        Register.apply(&mut register, &event).await.unwrap();
    }
    let page = house.get("/?topic=home-care").await.text;
    assert!(page.contains("Bilinen") && !page.contains("Yazılan"));
}

#[tokio::test]
async fn a_body_of_megabytes_is_refused_clearly() {
    let house = House::open().await;
    let form = |letters: usize| {
        let text = "%C5%9F".repeat(letters);
        format!("api_key=anahtar-ova&service_code=home-care&lat=1&long=1&description={text}")
    };
    let large = house
        .post("/open311/v2/requests.json", form(2_500_000))
        .await;
    assert_eq!(large.status, StatusCode::BAD_REQUEST);
    assert!(
        large
            .text
            .contains("description: is longer than 4,000 characters"),
        "{}",
        large.text
    );
    let huge = house
        .post("/open311/v2/requests.json", form(6_500_000))
        .await;
    assert_eq!(huge.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(huge.text.contains("16 MiB"), "{}", huge.text);
}

#[tokio::test]
async fn a_multipart_form_is_read_as_well() {
    let house = House::open().await;
    let body =
        "--x\r\ncontent-disposition: form-data; name=\"api_key\"\r\n\r\nanahtar-ova\r\n--x--\r\n";
    let request = Request::post("/open311/v2/requests.xml")
        .header("content-type", "multipart/form-data; boundary=x");
    let answer = house.ask(request.body(Body::from(body)).unwrap()).await;
    assert!(
        answer.text.contains("service_code: is missing"),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn the_portal_is_turkish_first_and_keeps_to_itself() {
    let house = House::open().await;
    let page = house.get("/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.text.contains("<html lang=\"tr\">") && page.text.contains("Evde bakım"),
        "{}",
        page.text
    );
    assert!(
        page.headers["content-security-policy"]
            .to_str()
            .unwrap()
            .starts_with("default-src 'none'")
    );
    assert_eq!(page.headers["cache-control"], "no-store");
    assert_eq!(page.headers["x-content-type-options"], "nosniff");
    let english = house.get("/m/koy/track?lang=en").await;
    assert!(
        english.text.contains("<html lang=\"en\">")
            && english.text.contains("action=\"/m/koy/track?lang=en\"")
    );
    assert_eq!(house.get("/m/nowhere").await.status, StatusCode::NOT_FOUND);
    assert_eq!(house.get("/nowhere").await.status, StatusCode::NOT_FOUND);
    assert!(house.get("/style.css").await.text.len() < 10_000);
}

#[tokio::test]
async fn a_wrong_form_comes_back_with_what_was_typed() {
    let house = House::open().await;
    let text = "Ay%C5%9Fe%27nin+%C4%B0%C4%9EDIR+%C5%9Fik%C3%A2yeti";
    let answer = house
        .post("/requests", format!("topic=gone&description={text}&key=x"))
        .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(
        answer
            .text
            .contains("Ayşe&#39;nin İĞDIR şikâyeti</textarea>"),
        "{}",
        answer.text
    );
    assert!(answer.text.contains("id=\"topic-error\""));
    let foreign = Request::post("/requests")
        .header("content-type", FORM)
        .header("sec-fetch-site", "cross-site");
    assert_eq!(
        house.ask(foreign.body(Body::empty()).unwrap()).await.status,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn grpc_needs_a_token() {
    let house = House::open().await;
    let call = async |token: &str, method: &str| {
        let request = Request::post(format!("/cozum.intake.v1.Intake/{method}"))
            .header("content-type", "application/grpc");
        let answer = house
            .ask(
                request
                    .header("authorization", token)
                    .body(Body::empty())
                    .unwrap(),
            )
            .await;
        answer.headers["grpc-status"].to_str().unwrap().to_owned()
    };
    assert_eq!(call("", "GetRequest").await, "16");
    assert_eq!(call("Bearer anahtar-ova", "GetRequest").await, "16");
    assert_eq!(call("Bearer jeton-ova-1", "Open").await, "7");
    assert_eq!(call("Bearer jeton-ova-1", "GetRequest").await, "7");
    assert_eq!(
        call("Bearer jeton-ova-1", "RegisterContact").await,
        "14",
        "intake is not there"
    );
}

#[tokio::test]
async fn life_and_readiness_are_told() {
    let house = House::open().await;
    assert_eq!(house.get("/livez").await.status, StatusCode::OK);
    let ready = house.get("/readyz").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        ready.text.contains("gateway/ova/register"),
        "{}",
        ready.text
    );
    assert!(house.get("/metrics").await.status.is_success());
}
