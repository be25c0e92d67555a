//! What GeoReport v2 says to a call that it cannot answer.

use super::{
    house::{Answer, House},
    open311::{V2, get},
};

/// Every kind of error, in both formats: the status, the code and the parameter that is named.
#[tokio::test]
async fn each_error_has_its_status_and_names_its_parameter_in_both_formats() {
    let house = House::open().await;
    let gets = [
        ("services", "", 400, "jurisdiction_id"),
        (
            "services",
            "jurisdiction_id=nowhere",
            404,
            "jurisdiction_id",
        ),
        (
            "services/nothing",
            "jurisdiction_id=ova",
            404,
            "service_code",
        ),
        (
            "requests/2026-48120937-6",
            "jurisdiction_id=ova",
            404,
            "service_request_id",
        ),
        ("tokens/12345", "jurisdiction_id=ova", 404, "token"),
        ("nothing", "jurisdiction_id=ova", 404, "no such resource"),
        (
            "requests",
            "jurisdiction_id=ova&start_date=2020-01-01T00:00:00Z&end_date=2020-06-01T00:00:00Z",
            400,
            "end_date",
        ),
        (
            "requests",
            "jurisdiction_id=ova&start_date=2020-01-01T00:00:00",
            400,
            "start_date: has no time zone",
        ),
        (
            "requests",
            "jurisdiction_id=ova&status=broken&page=x&bbox=1,2,3",
            400,
            "bbox",
        ),
        ("requests", "jurisdiction_id=ova&lat=91", 400, "lat"),
        ("requests", "jurisdiction_id=ova&cursor=x", 400, "cursor"),
        (
            "servicerequestupdates",
            "jurisdiction_id=ova&start_date=yesterday",
            400,
            "start_date",
        ),
    ];
    let posts = [
        (
            "requests",
            "service_code=home-care&lat=1&long=1",
            403,
            "api_key",
        ),
        (
            "requests",
            "api_key=wrong&service_code=home-care&lat=1&long=1",
            403,
            "api_key",
        ),
        (
            "requests",
            "api_key=anahtar-ova&lat=1&long=1",
            400,
            "service_code",
        ),
        (
            "requests",
            "api_key=anahtar-ova&service_code=nothing&lat=1&long=1",
            404,
            "service_code",
        ),
        (
            "requests",
            "api_key=anahtar-ova&service_code=home-care",
            400,
            "location",
        ),
        (
            "requests",
            "api_key=anahtar-ova&service_code=home-care&lat=1&long=1&attribute[x=1",
            400,
            "attribute",
        ),
        (
            "servicerequestupdates",
            "api_key=anahtar-ova&update_id=1",
            400,
            "updated_datetime",
        ),
        ("servicerequestupdates", "update_id=1", 403, "api_key"),
    ];
    for (suffix, kind) in [
        ("xml", "text/xml; charset=utf-8"),
        ("json", "application/json; charset=utf-8"),
    ] {
        for (path, query, status, part) in gets {
            let answer = house.get(&format!("{V2}/{path}.{suffix}?{query}")).await;
            assert_eq!(answer.headers["access-control-allow-origin"], "*", "{path}");
            is_an_error(&answer, suffix, kind, status, part);
        }
        for (path, form, status, part) in posts {
            let answer = house.post(&format!("{V2}/{path}.{suffix}"), form).await;
            is_an_error(&answer, suffix, kind, status, part);
        }
    }
}

fn is_an_error(answer: &Answer, suffix: &str, kind: &str, status: u16, part: &str) {
    assert_eq!(answer.status.as_u16(), status, "{part}: {}", answer.text);
    assert_eq!(answer.headers["content-type"], kind);
    assert!(answer.text.contains(part), "{part}: {}", answer.text);
    if suffix == "json" {
        let errors = answer.json();
        assert_eq!(errors[0]["code"], status);
        assert!(
            errors
                .as_array()
                .unwrap()
                .iter()
                .all(|it| it["description"].is_string())
        );
    } else {
        let begins = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<errors><error><code>{status}</code><description>"
        );
        assert!(answer.text.starts_with(&begins), "{}", answer.text);
    }
}

#[tokio::test]
async fn several_mistakes_are_told_at_once() {
    let house = House::open().await;
    let errors = get(&house, "requests.json?status=x&page=y&lat=1&start_date=z")
        .await
        .json();
    assert_eq!(errors.as_array().unwrap().len(), 4, "{errors}");
}
