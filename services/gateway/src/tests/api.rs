//! `/api/v1` with a register that holds a little history.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use serde_json::{Value, json};

use super::house::{Answer, House, number};

/// A call with the token of ova.
async fn call(
    house: &House,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (Answer, Value) {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", "Bearer jeton-ova-1");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = house
        .ask(request.body(Body::from(body.to_owned())).unwrap())
        .await;
    let value = serde_json::from_str(&answer.text).unwrap_or_default();
    (answer, value)
}

async fn get(house: &House, path: &str) -> (Answer, Value) {
    call(house, "GET", path, &[], "").await
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn the_document_is_openapi_3_1_and_refers_to_nothing_that_is_not_there() {
    let house = House::open().await;
    let document: Value = serde_json::from_str(&house.get("/api/openapi.json").await.text).unwrap();
    assert!(
        document["openapi"].as_str().unwrap().starts_with("3.1."),
        "{}",
        document["openapi"]
    );
    let mut ids = vec![];
    for (path, item) in document["paths"].as_object().unwrap() {
        assert!(path.starts_with("/api/v1/"), "{path}");
        for (method, operation) in item.as_object().unwrap() {
            assert!(
                operation.get("parameters").is_none_or(Value::is_array),
                "{method} {path}"
            );
            let responses = operation["responses"].as_object().unwrap();
            for status in ["400", "401", "403", "429", "500", "503"] {
                assert!(responses.contains_key(status), "{method} {path}: {status}");
            }
            assert!(
                !operation["summary"].as_str().unwrap().is_empty(),
                "{method} {path}"
            );
            ids.push(operation["operationId"].as_str().unwrap().to_owned());
        }
    }
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count, "an operation's id is its own");
    assert!(count > 20, "{ids:?}");
    let text = document.to_string();
    assert!(
        !text.contains("allOf"),
        "nothing holds a value against such a schema"
    );
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(
            !document["components"]["schemas"][name].is_null(),
            "{name} is not explained"
        );
    }
}

#[tokio::test]
async fn whatever_goes_wrong_is_told_as_a_problem() {
    let house = House::open().await;
    let action = format!("/api/v1/requests/{}/accept", number());
    let large = format!("{{\"topic\":\"{}\"}}", "x".repeat(2 << 20));
    let cases = [
        ("GET", "/api/v1/nothing", vec![], "", 404, "not-found"),
        (
            "DELETE",
            "/api/v1/requests",
            vec![],
            "",
            405,
            "method-not-allowed",
        ),
        (
            "GET",
            "/api/v1/requests?colour=red",
            vec![],
            "",
            400,
            "invalid-request",
        ),
        (
            "GET",
            "/api/v1/requests?limit=many",
            vec![],
            "",
            400,
            "invalid-request",
        ),
        (
            "GET",
            "/api/v1/requests?state=routed,lost",
            vec![],
            "",
            400,
            "invalid-request",
        ),
        ("GET", "/api/v1/requests/12", vec![], "", 404, "not-found"),
        ("GET", "/api/v1/requests/%FF", vec![], "", 404, "not-found"),
        (
            "POST",
            "/api/v1/requests",
            vec![("content-type", "text/plain")],
            "x",
            415,
            "unsupported-media-type",
        ),
        (
            "POST",
            "/api/v1/requests",
            vec![],
            "{}",
            415,
            "unsupported-media-type",
        ),
        (
            "POST",
            "/api/v1/requests",
            vec![JSON],
            "{",
            400,
            "invalid-request",
        ),
        (
            "POST",
            "/api/v1/requests",
            vec![JSON],
            "{}",
            400,
            "invalid-request",
        ),
        (
            "POST",
            "/api/v1/requests",
            vec![JSON],
            &large,
            413,
            "too-large",
        ),
        (
            "POST",
            "/api/v1/requests",
            vec![JSON],
            r#"{"topic":"gone","channel":"app"}"#,
            404,
            "not-found",
        ),
        ("POST", &action, vec![JSON], "{}", 428, "version-missing"),
        (
            "POST",
            &action,
            vec![JSON, ("if-match", "7")],
            "{}",
            400,
            "invalid-request",
        ),
        (
            "POST",
            &action,
            vec![JSON, ("if-match", "*")],
            r#"{"x":1}"#,
            400,
            "invalid-request",
        ),
        (
            "POST",
            "/api/v1/requests/2026-00000000-0/accept",
            vec![JSON],
            "{}",
            404,
            "not-found",
        ),
    ];
    for (method, path, headers, body, status, kind) in cases {
        let (answer, problem) = call(&house, method, path, &headers, body).await;
        assert_eq!(
            answer.status.as_u16(),
            status,
            "{method} {path}: {}",
            answer.text
        );
        assert_eq!(
            answer.headers["content-type"], "application/problem+json",
            "{method} {path}"
        );
        assert_eq!(
            problem["type"],
            format!("/api/problems/{kind}"),
            "{method} {path}"
        );
        assert_eq!(problem["status"], status);
        let page = house.get(problem["type"].as_str().unwrap()).await;
        assert_eq!(page.status, StatusCode::OK, "{kind} is explained");
        if status == 405 {
            let allowed = answer.headers["allow"].to_str().unwrap();
            assert!(
                ["GET", "HEAD", "POST"]
                    .iter()
                    .all(|it| allowed.contains(it)),
                "{allowed}"
            );
        }
    }
}

#[tokio::test]
async fn each_fault_is_named_by_its_place() {
    let house = House::open().await;
    let body = json!({
        "topic": "Home Care", "channel": "pigeon", "citizen": {"phone": "12"}, "point": {"latitude": 91, "longitude": 1}, "x": 1
    });
    let (answer, problem) = call(
        &house,
        "POST",
        "/api/v1/requests",
        &[JSON],
        &body.to_string(),
    )
    .await;
    let named: Vec<&str> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|it| it["pointer"].as_str())
        .collect();
    for place in [
        "/topic",
        "/channel",
        "/citizen/phone",
        "/point/latitude",
        "/x",
    ] {
        assert!(named.contains(&place), "{place} in {}", answer.text);
    }
    assert!(
        !answer.text.contains("pigeon"),
        "what was sent is not sent back: {}",
        answer.text
    );
    let (_, problem) = get(&house, "/api/v1/requests?limit=0&colour=red").await;
    let named: Vec<&str> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|it| it["parameter"].as_str())
        .collect();
    assert_eq!(named, ["limit", "colour"]);
}

#[tokio::test]
async fn without_a_key_nothing_is_told() {
    let house = House::open().await;
    for token in [
        "",
        "Bearer",
        "Bearer falsch-falsch",
        "Basic jeton-ova-1",
        "jeton-ova-1",
    ] {
        let request = Request::get("/api/v1/requests").header("authorization", token);
        let answer = house.ask(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{token}");
        assert!(
            answer.headers["www-authenticate"]
                .to_str()
                .unwrap()
                .starts_with("Bearer")
        );
    }
}

#[tokio::test]
async fn a_request_is_listed_and_read_with_its_version() {
    let house = House::open().await;
    let (_, page) = get(&house, "/api/v1/requests").await;
    let first = &page["requests"][0];
    assert_eq!(first["number"], number(), "{page}");
    assert_eq!(
        (first["state"].as_str(), first["unit"].as_str()),
        (Some("planned"), Some("sosyal"))
    );
    assert!(first["personal"].is_null() && page["next"].is_null());
    for (filter, count) in [
        ("state=planned,accepted", 1),
        ("state=concluded", 0),
        ("unit=sosyal", 1),
        ("unit=fen", 0),
        ("topic=home-care", 1),
        ("channel=phone", 1),
        ("channel=web", 0),
        ("district=%C3%87%C4%B1narl%C4%B1", 1),
        ("registered_after=2025-10-09T11:53:30%2B03:00", 1),
        ("registered_before=2025-10-09T11:53:30%2B03:00", 0),
        ("order=changed", 1),
        ("order=registered&limit=1", 1),
    ] {
        let (answer, page) = get(&house, &format!("/api/v1/requests?{filter}")).await;
        assert_eq!(
            page["requests"].as_array().map(Vec::len),
            Some(count),
            "{filter}: {}",
            answer.text
        );
        if let Some(next) = page["next"].as_str() {
            let (_, page) = get(&house, &format!("/api/v1/requests?{filter}&after={next}")).await;
            assert_eq!(page["requests"], json!([]), "{filter} after {next}");
        }
    }

    let path = format!("/api/v1/requests/{}", number());
    let (answer, request) = get(&house, &path).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(request["planned_for"], "2026-12-01");
    let tag = answer.headers["etag"].to_str().unwrap().to_owned();
    assert_eq!(tag, format!("\"{}\"", request["version"]));
    let (again, _) = call(&house, "GET", &path, &[("if-none-match", &tag)], "").await;
    assert_eq!(
        (again.status, again.text.as_str()),
        (StatusCode::NOT_MODIFIED, "")
    );
    let (_, key) = get(&house, "/api/v1/key").await;
    assert_eq!(key["municipality"], "ova");
}

#[tokio::test]
async fn the_reference_page_explains_every_operation_in_both_languages() {
    let house = House::open().await;
    let document: Value = serde_json::from_str(&house.get("/api/openapi.json").await.text).unwrap();
    for (lang, heading) in [("tr", "Başvurular"), ("en", "Requests")] {
        let page = house.get(&format!("/api?lang={lang}")).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.text.contains(heading), "{lang}");
        for (path, item) in document["paths"].as_object().unwrap() {
            assert!(page.text.contains(path), "{path}");
            for operation in item.as_object().unwrap().values() {
                let anchor = format!("id=\"{}\"", operation["operationId"].as_str().unwrap());
                assert!(page.text.contains(&anchor), "{anchor}");
            }
        }
        assert!(!page.text.contains("style=") && !page.text.contains("<script"));
    }
}
