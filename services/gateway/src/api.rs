//! The API for programs, `/api/v1`: OpenAPI 3.1 from the handlers themselves, strict about what comes in, problems by
//! RFC 9457. Every operation asks `access::may`; a key of one unit sees nothing of another.

mod as_of;
mod caller;
mod contacts;
mod directory;
mod document;
mod figures;
mod input;
mod key;
mod problem;
mod reference;
mod requests;
mod schema;
mod webhooks;
mod words;

use std::sync::Arc;

use anyhow::Context as _;
use axum::{
    extract::DefaultBodyLimit,
    http::{Method, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde_json::Value;
use utoipa::OpenApi as _;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Centre,
    access::Action,
    doors::{Doors, Entry, Need},
    register,
};
use problem::{Kind, Problem};
use requests::actions;

/// Bytes of a body at most.
const BODY: usize = 1 << 20;

/// Every operation, with what the document says of it.
fn operations() -> OpenApiRouter<Arc<Centre>> {
    let operations = OpenApiRouter::new()
        .routes(routes!(requests::file, requests::list))
        .routes(routes!(requests::get))
        .routes(routes!(requests::history::history))
        .routes(routes!(actions::accept))
        .routes(routes!(actions::assign))
        .routes(routes!(actions::start))
        .routes(routes!(actions::plan))
        .routes(routes!(actions::refer))
        .routes(routes!(actions::conclude))
        .routes(routes!(actions::r#return))
        .routes(routes!(actions::reopen))
        .routes(routes!(actions::route))
        .routes(routes!(actions::question))
        .routes(routes!(actions::comment))
        .routes(routes!(contacts::record))
        .routes(routes!(directory::units))
        .routes(routes!(directory::unit, directory::put_unit))
        .routes(routes!(directory::topics))
        .routes(routes!(directory::topic, directory::put_topic))
        .routes(routes!(figures::report))
        .routes(routes!(figures::search, figures::search_people))
        .routes(routes!(webhooks::register, webhooks::list))
        .routes(routes!(webhooks::get, webhooks::remove))
        .routes(routes!(webhooks::rotate))
        .routes(routes!(webhooks::resume))
        .routes(routes!(key::key));
    OpenApiRouter::with_openapi(document::Head::openapi()).nest("/api/v1", operations)
}

/// What each operation needs, by its id.
const NEEDS: [(&str, Need); 32] = [
    ("fileRequest", Action::File.centre()),
    ("listRequests", Action::See.reach()),
    ("getRequest", Action::See.request()),
    ("getHistory", Action::See.request()),
    ("acceptRequest", Action::Work.request()),
    ("assignRequest", Action::Work.request()),
    ("startWork", Action::Work.request()),
    ("planRequest", Action::Work.request()),
    ("referRequest", Action::Work.request()),
    ("concludeRequest", Action::Work.request()),
    ("returnRequest", Action::Work.request()),
    ("askCitizen", Action::Work.request()),
    ("reopenRequest", Action::Steer.request()),
    ("routeRequest", Action::Steer.request()),
    ("commentRequest", Action::Comment.request()),
    ("recordContact", Action::File.centre()),
    ("listUnits", Action::LookUp.centre()),
    ("getUnit", Action::LookUp.centre()),
    ("putUnit", Action::Direct.centre()),
    ("listTopics", Action::LookUp.centre()),
    ("getTopic", Action::LookUp.centre()),
    ("putTopic", Action::Direct.centre()),
    ("getReport", Action::SeeFigures.centre()),
    ("search", Action::See.reach()),
    ("searchPeople", Action::See.reach()),
    ("getKey", Action::LookUp.centre()),
    ("listWebhooks", Action::Hook.centre()),
    ("registerWebhook", Action::Hook.centre()),
    ("getWebhook", Action::Hook.centre()),
    ("removeWebhook", Action::Hook.centre()),
    ("rotateSecret", Action::Hook.centre()),
    ("resumeWebhook", Action::Hook.centre()),
];

/// All addresses below `/api`, each with what it needs.
pub(crate) fn doors() -> anyhow::Result<Doors> {
    let (router, _) = operations().split_for_parts();
    let router = router
        .method_not_allowed_fallback(not_that_way)
        .layer(DefaultBodyLimit::max(BODY));
    let anybody = Action::Public.centre();
    let pages = Doors::new(Entry::Open)
        .get("/api", anybody, reference::page)
        .get("/api/openapi.json", anybody, openapi)
        .get("/api/api.css", anybody, reference::style)
        .get("/api/problems/{kind}", anybody, reference::problem);
    Ok(pages.merge(Doors::built(Entry::Api, router, needs()?)))
}

/// What each operation of the document needs. One that nobody decided about keeps the gateway from starting.
fn needs() -> anyhow::Result<Vec<(Method, String, Need)>> {
    let mut needs = vec![];
    for (path, item) in document::document()["paths"]
        .as_object()
        .into_iter()
        .flatten()
    {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let id = operation["operationId"].as_str().unwrap_or_default();
            let need = NEEDS.iter().find(|(known, _)| *known == id);
            let (_, need) =
                need.with_context(|| format!("nobody decided who may {method} {path}"))?;
            needs.push((method.to_uppercase().parse()?, path.clone(), *need));
        }
    }
    Ok(needs)
}

/// A request's facts, as an answer has them.
pub(crate) fn told(entry: register::Entry) -> anyhow::Result<Value> {
    Ok(serde_json::to_value(requests::Request::of(entry))?)
}

/// The answer after a mistake of ours.
pub(crate) fn failed() -> Response {
    Problem::of(Kind::Failed).into_response()
}

/// The answer where nothing is.
pub(crate) fn nowhere() -> Response {
    Problem::not_found().into_response()
}

/// The answer to a call that does not reach its operation.
pub(crate) fn refused(status: StatusCode) -> Response {
    let kind = Kind::ALL.iter().find(|it| it.status() == status);
    Problem::of(kind.copied().unwrap_or(Kind::Failed)).into_response()
}

async fn openapi() -> Response {
    let body = document::document().to_string();
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "public, max-age=300"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    (headers, body).into_response()
}

async fn not_that_way() -> Problem {
    Problem::of(Kind::MethodNotAllowed)
}
