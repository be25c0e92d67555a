//! Every address × role × own or other unit × own or other municipality, asked of the guard that stands before the
//! handlers, over the same list from which the router is built.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Method, Request, StatusCode},
    middleware,
    response::IntoResponse as _,
    routing::{MethodFilter, on},
};
use chassis::{Clock, event};
use contracts::{
    gateway::v1::{ApiKeyIssued, PasswordSet, SessionsRevoked, SignedIn, StaffAdded},
    intake::v1::RequestRegistered,
    ledger::v1::Event,
    routing::v1::RequestRouted,
};
use jiff::SignedDuration;
use projection::ReadModel as _;
use prost::{Message, Name};
use tower::ServiceExt as _;
use uuid::Uuid;
use vocabulary::{Channel, RequestNumber};

use super::house::{House, stored};
use crate::{
    Register, Staff,
    access::{
        Action, Actor, Role, Scope,
        tests::{cell, program, staff},
    },
    doors,
    doors::{About, Door, Entry},
    guard::{Guard, ask},
    proxy,
    secret::{hex, sha256},
};

/// The unit of `access::tests`' actors.
const OWN: &str = "parks";
const OTHER: &str = "works";

fn number_of(unit: &str) -> RequestNumber {
    let last = match unit {
        OWN => 11_111_111,
        OTHER => 22_222_222,
        _ => 33_333_333,
    };
    RequestNumber::new(2026, last)
}

fn secret(who: &str) -> String {
    hex(&sha256(who))
}

fn told<M: Message + Name>(message: &M) -> Event {
    stored(event::record(Uuid::nil(), message, Clock::System.now(), []))
}

/// Somebody with a role, signed in.
fn signed_in(code: &str, role: Role) -> [Event; 3] {
    let end = Clock::System.now() + SignedDuration::from_hours(1);
    [
        told(&StaffAdded {
            staff: code.to_owned(),
            roles: vec![role.number()],
            unit: OWN.to_owned(),
            language: 1,
            personal: None,
        }),
        told(&PasswordSet {
            staff: code.to_owned(),
            personal: None,
        }),
        told(&SignedIn {
            staff: code.to_owned(),
            session: Uuid::new_v5(&Uuid::NAMESPACE_OID, code.as_bytes()).to_string(),
            secret_sha256: sha256(&secret(code)).to_vec(),
            expires_at: end.as_microsecond(),
        }),
    ]
}

fn key(code: &str, scopes: &[Scope], unit: &str) -> Event {
    told(&ApiKeyIssued {
        key: code.to_owned(),
        scopes: scopes.iter().map(|it| it.number()).collect(),
        unit: unit.to_owned(),
        secret_sha256: sha256(&secret(code)).to_vec(),
        expires_at: 0,
    })
}

fn request_of(unit: &str) -> [Event; 2] {
    let number = number_of(unit).to_string();
    [
        told(&RequestRegistered {
            number: number.clone(),
            channel: Channel::Phone.number(),
            topic: "home-care".to_owned(),
            ..RequestRegistered::default()
        }),
        told(&RequestRouted {
            number,
            unit: unit.to_owned(),
            ..RequestRouted::default()
        }),
    ]
}

/// Programs with one scope each, with all, and with all for one unit.
fn programs() -> Vec<(String, Vec<Scope>, &'static str)> {
    let one = Scope::ALL
        .iter()
        .map(|it| (format!("key-{}", it.code()), vec![*it], ""));
    let mut programs: Vec<_> = one.collect();
    programs.push(("key-all".to_owned(), Scope::ALL.to_vec(), ""));
    programs.push(("key-unit".to_owned(), Scope::ALL.to_vec(), OWN));
    programs
}

/// A house in which everybody is signed in, one request is in the own unit, one in another, and one in another city.
async fn full_house() -> House {
    let house = House::open().await;
    let mut people = house.staff("ova").await;
    for role in Role::ALL {
        for event in signed_in(role.code(), *role) {
            Staff.apply(&mut people, &event).await.unwrap();
        }
    }
    for event in signed_in("gone", Role::Supervisor) {
        Staff.apply(&mut people, &event).await.unwrap();
    }
    let gone = SessionsRevoked {
        staff: "gone".to_owned(),
    };
    Staff.apply(&mut people, &told(&gone)).await.unwrap();
    for (code, scopes, unit) in programs() {
        let event = key(&code, &scopes, unit);
        Staff.apply(&mut people, &event).await.unwrap();
    }
    for (city, units) in [("ova", &[OWN, OTHER][..]), ("koy", &["far"])] {
        let mut requests = house.register(city).await;
        for unit in units {
            // In the other city, too, a unit is called like the own one.
            let [registered, mut routed] = request_of(unit);
            if *unit == "far" {
                routed = told(&RequestRouted {
                    number: number_of(unit).to_string(),
                    unit: OWN.to_owned(),
                    ..RequestRouted::default()
                });
            }
            Register.apply(&mut requests, &registered).await.unwrap();
            Register.apply(&mut requests, &routed).await.unwrap();
        }
    }
    house
}

/// The guard before handlers that only say whose request came through.
fn guarded(house: &House) -> (Router, Vec<Door>) {
    let list = doors().unwrap().list;
    let mut router = Router::new();
    for door in &list {
        let filter = MethodFilter::try_from(door.method.clone()).unwrap();
        let through = |request: Request<Body>| async move {
            let actor = request.extensions().get::<Actor>();
            let city = actor.map_or("-", |it| it.municipality.as_str());
            format!("let in {city}").into_response()
        };
        router = router.route(&door.path, on(filter, through));
    }
    let guard = Guard::new(Arc::clone(&house.centre), list.clone());
    (
        router.layer(middleware::from_fn_with_state(guard, ask)),
        list,
    )
}

fn knock(door: &Door, number: &RequestNumber) -> axum::http::request::Builder {
    let path = door
        .path
        .replace("{number}", &number.to_string())
        .replace("{municipality}", "ova");
    let path = path
        .split('/')
        .map(|it| if it.starts_with('{') { "x" } else { it });
    let path = path.collect::<Vec<_>>().join("/");
    Request::builder().method(door.method.clone()).uri(path)
}

fn as_staff(builder: axum::http::request::Builder, code: &str) -> axum::http::request::Builder {
    let secret = secret(code);
    let token = hex(&sha256(&format!("cozum csrf {secret}")));
    builder
        .header("cookie", format!("cozum=ova.0.{secret}"))
        .header("x-csrf-token", token)
}

async fn answer(router: &Router, builder: axum::http::request::Builder) -> (StatusCode, String) {
    let request = builder.body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(bytes.into()).unwrap())
}

/// Whether the table of `access::tests` lets an actor through this door, about a request of this unit.
fn expected(door: &Door, actor: &Actor, unit: &str) -> bool {
    match (cell(actor, door.need.action), door.need.about) {
        ("all", _) | ("own", About::Reach) => true,
        ("own", About::Request) => unit == OWN,
        _ => false,
    }
}

#[tokio::test]
async fn every_address_answers_each_role_as_decided() {
    let house = full_house().await;
    let (router, list) = guarded(&house);
    let mut cells = 0;
    for door in list.iter().filter(|it| it.entry == Entry::Console) {
        for role in Role::ALL {
            for unit in [OWN, OTHER, "far"] {
                let builder = as_staff(knock(door, &number_of(unit)), role.code());
                let (status, text) = answer(&router, builder).await;
                let what = format!("{} {} as {} of {unit}", door.method, door.path, role.code());
                if expected(door, &staff(*role), unit) {
                    assert_eq!(
                        (status, text.as_str()),
                        (StatusCode::OK, "let in ova"),
                        "{what}"
                    );
                } else {
                    assert_eq!(status, StatusCode::FORBIDDEN, "{what}");
                }
                cells += 1;
            }
        }
        for who in ["gone", "nobody"] {
            let (status, text) = answer(&router, as_staff(knock(door, &number_of(OWN)), who)).await;
            assert!(!text.starts_with("let in"), "{} as {who}", door.path);
            assert!(
                matches!(status, StatusCode::SEE_OTHER | StatusCode::UNAUTHORIZED),
                "{} as {who}: {status}",
                door.path
            );
        }
    }
    assert!(cells > 100, "{cells} cells");
}

#[tokio::test]
async fn every_address_of_the_api_answers_each_key_as_decided() {
    let house = full_house().await;
    let (router, list) = guarded(&house);
    for door in list.iter().filter(|it| it.entry == Entry::Api) {
        for (code, scopes, own) in programs() {
            for unit in [OWN, OTHER, "far"] {
                let builder = knock(door, &number_of(unit));
                let builder = builder.header("authorization", format!("Bearer {}", secret(&code)));
                let (status, text) = answer(&router, builder).await;
                let what = format!("{} {} with {code} of {unit}", door.method, door.path);
                if expected(door, &program(&scopes, own), unit) {
                    assert_eq!(
                        (status, text.as_str()),
                        (StatusCode::OK, "let in ova"),
                        "{what}"
                    );
                } else {
                    assert_eq!(status, StatusCode::FORBIDDEN, "{what}");
                }
            }
        }
        for wrong in ["", "Bearer", "Bearer x", "Basic x"] {
            let builder = knock(door, &number_of(OWN)).header("authorization", wrong);
            let (status, _) = answer(&router, builder).await;
            assert_eq!(
                status,
                StatusCode::UNAUTHORIZED,
                "{} with {wrong}",
                door.path
            );
        }
    }
}

#[tokio::test]
async fn every_call_answers_each_key_as_decided() {
    let house = full_house().await;
    for (code, scopes, own) in programs() {
        let holder = house
            .centre
            .issued(&"ova".parse().unwrap(), &secret(&code))
            .await
            .unwrap()
            .unwrap();
        for call in proxy::CALLS {
            for unit in [OWN, OTHER, "far"] {
                let actor = program(&scopes, own);
                let expected = match (cell(&actor, call.need.action), call.need.about) {
                    ("all", _) => true,
                    ("own", About::Request) => unit == OWN,
                    _ => false,
                };
                let number = number_of(unit).to_string();
                let admitted = proxy::admits(&house.centre, call, &holder, &number).await;
                let what = format!("{} with {code} of {unit}", call.method);
                assert_eq!(admitted, expected, "{what}");
            }
        }
    }
}

#[tokio::test]
async fn nothing_is_changed_by_an_auditor_or_without_the_forms_token() {
    let house = full_house().await;
    let (router, list) = guarded(&house);
    let changing = |it: &&Door| it.entry == Entry::Console && it.method != Method::GET;
    for door in list.iter().filter(changing) {
        let builder = as_staff(knock(door, &number_of(OWN)), "auditor");
        let (_, text) = answer(&router, builder).await;
        if text.starts_with("let in") {
            assert!(!door.need.action.changes(), "{}", door.path);
        }
        let role = Role::ALL
            .iter()
            .find(|it| expected(door, &staff(**it), OWN))
            .map_or("admin", |it| it.code());
        let cookie = format!("cozum=ova.0.{}", secret(role));
        let bare = || knock(door, &number_of(OWN)).header("cookie", &cookie);
        let foreign =
            as_staff(knock(door, &number_of(OWN)), role).header("origin", "https://evil.example");
        for builder in [
            bare(),
            bare().header("x-csrf-token", "0"),
            bare().header("x-csrf-token", secret(role)),
            foreign,
        ] {
            let (status, _) = answer(&router, builder).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{}", door.path);
        }
    }
}

#[tokio::test]
async fn what_changes_something_says_so() {
    // A POST that only reads is rare enough to be listed.
    const READING: &[&str] = &[
        "/console/new/caller",
        "/console/requests/find",
        "/console/search",
        "/api/v1/search",
    ];
    for door in doors().unwrap().list {
        let action = door.need.action;
        let is_own_account = matches!(action, Action::Enter | Action::Public);
        let changes = door.method != Method::GET && door.entry != Entry::Grpc;
        if changes && !is_own_account && !READING.contains(&door.path.as_str()) {
            assert!(
                action.changes(),
                "{} {} needs {action:?}",
                door.method,
                door.path
            );
        }
        if door.method == Method::GET {
            let harmless = !matches!(action, Action::Work | Action::Steer | Action::Inside);
            assert!(harmless, "GET {} needs {action:?}", door.path);
        }
    }
}

#[tokio::test]
async fn a_method_or_an_address_that_nobody_decided_is_closed() {
    let house = full_house().await;
    for (method, path) in [
        ("DELETE", "/console/account"),
        ("PUT", "/console/admin/staff"),
    ] {
        let builder = Request::builder().method(method).uri(path);
        let builder = as_staff(builder, "admin");
        let answer = house.ask(builder.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
    let nowhere = house.get("/console/nowhere").await;
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn every_page_keeps_to_itself() {
    let house = full_house().await;
    let cookie = as_staff(Request::get("/console/admin"), "operator");
    let forbidden = house.ask(cookie.body(Body::empty()).unwrap()).await;
    assert_eq!(forbidden.status, StatusCode::FORBIDDEN);
    let pages = [
        forbidden,
        house.get("/").await,
        house.get("/track").await,
        house.get("/nowhere").await,
        house.get("/console/sign-in").await,
        house.get("/console/setup/x").await,
    ];
    for page in pages {
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none';"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"));
        assert_eq!(page.headers["x-content-type-options"], "nosniff");
        assert_eq!(page.headers["cache-control"], "no-store");
        assert!(!page.text.contains("style=") && !page.text.contains("<script>"));
        assert!(!page.text.contains("Unknown localization"), "{}", page.text);
    }
}
