//! Open311 GeoReport v2, all of it, in XML and JSON; and what is usual beside it in the wild: polling by change, pages,
//! places, extended attributes, pictures, and mySociety's updates.

mod answer;
mod asked;
mod discovery;
mod filter;
mod find;
mod problems;
mod published;
mod repeats;
mod services;
mod show;
mod submit;
mod updates;

use std::sync::Arc;

use axum::{
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};
use serde::Serialize;

use crate::{
    Centre,
    access::Action,
    doors::{Doors, Entry},
    guard,
    limits::{Limit, Whom},
    params::Params,
    register::Reader,
};
use answer::{Format, list, object};
use asked::{Asked, Refused};
use filter::{Cursor, Filter};
use problems::Problems;
pub(crate) use repeats::Repeats;

/// As whom the public reads.
const READER: &str = "open311:public";

/// All addresses below `/open311/v2`. A key, where one is needed, stands in the form.
pub(crate) fn doors() -> Doors {
    let (read, file) = (Action::Public.centre(), Action::File.centre());
    let mut doors = Doors::new(Entry::Open);
    for format in [Format::Xml, Format::Json] {
        let at = |name: &str| format!("/{name}.{}", format.suffix());
        let discovery = move |state, uri, headers| discovered(format, state, uri, headers);
        let services = move |state, uri, headers| services(format, state, uri, headers);
        let requests = move |state, uri, headers| requests(format, state, uri, headers);
        let updates = move |state, uri, headers| updates(format, state, uri, headers);
        let submit = move |state, request| submit(format, state, request);
        let add = move |state, request| add_update(format, state, request);
        doors = doors
            .get(&at("discovery"), read, discovery)
            .limited(Limit::Public)
            .get(&at("services"), read, services)
            .limited(Limit::Public)
            .get(&at("requests"), read, requests)
            .limited(Limit::Public)
            .post(&at("requests"), file, submit)
            .get(&at("servicerequestupdates"), read, updates)
            .limited(Limit::Public)
            .post(&at("servicerequestupdates"), file, add);
    }
    doors = doors
        .get("/services/{file}", read, service)
        .limited(Limit::Public)
        .get("/requests/{file}", read, request)
        .limited(Limit::Public)
        .get("/tokens/{file}", read, token)
        .limited(Limit::Public);
    doors.router = doors
        .router
        .fallback(nowhere)
        .method_not_allowed_fallback(not_that_way);
    doors
}

/// The answer to somebody who is not let in, or not now, in the format that was asked for.
pub(crate) fn refused(path: &str, status: StatusCode, problem: &str) -> Response {
    Problems::one(status, problem).answer(Format::of(path))
}

/// The answer after a mistake of ours, in the format that was asked for.
pub(crate) fn failed(path: &str) -> Response {
    Problems::one(StatusCode::INTERNAL_SERVER_ERROR, "a mistake of ours").answer(Format::of(path))
}

/// Waits for what the caller has seen elsewhere.
async fn seen(register: &Reader, headers: &HeaderMap) -> Result<(), Problems> {
    let seen = headers
        .get("cozum-position")
        .and_then(|it| it.to_str().ok())
        .and_then(|it| it.parse().ok());
    if let Some(position) = seen {
        register.at_least(position).await?;
    }
    Ok(())
}

async fn discovered(
    format: Format,
    State(centre): State<Arc<Centre>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let outcome = async {
        let asked = Asked::of_anybody(&centre, &Params::of_query(&uri), &headers)?;
        let found = discovery::discovery(&centre, &asked, format, &headers).await?;
        Ok(object(format, "discovery", &found))
    };
    public(format, outcome.await)
}

async fn services(
    format: Format,
    State(centre): State<Arc<Centre>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let outcome = async {
        let asked = Asked::read(&centre, &Params::of_query(&uri), &headers)?;
        seen(centre.register(asked.municipality), &headers).await?;
        let services = services::services(&centre, &asked).await?;
        Ok(list(format, "services", "service", &services))
    };
    public(format, outcome.await)
}

async fn service(
    State(centre): State<Arc<Centre>>,
    Path(file): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let format = Format::of(&file);
    let outcome = async {
        let asked = Asked::read(&centre, &Params::of_query(&uri), &headers)?;
        let code = format.name_in(&file).ok_or_else(unknown_path)?;
        let found = services::definition(&centre, &asked, format, code, &headers).await?;
        Ok(object(format, "service_definition", &found))
    };
    public(format, outcome.await)
}

async fn requests(
    format: Format,
    State(centre): State<Arc<Centre>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let outcome = async {
        let params = Params::of_query(&uri);
        let asked = Asked::read(&centre, &params, &headers)?;
        let register = centre.register(asked.municipality);
        let filter = filter::read(&params, centre.platform.clock.now())?;
        seen(register, &headers).await?;
        let (entries, next) = match &filter {
            Filter::Numbers(numbers) => (show::these(&centre, &asked, numbers).await?, None),
            Filter::Matching(matching) => find::find(register, matching).await?,
        };
        let shown = show::requests(&centre, &asked, entries, is_extended(&params)).await?;
        let mut response = list(format, "service_requests", "request", &shown);
        if let Some(link) = next.and_then(|it| next_page(&uri, &it)) {
            response.headers_mut().insert(header::LINK, link);
        }
        Ok(response)
    };
    public(format, outcome.await)
}

/// The same question from the next request on.
fn next_page(uri: &Uri, next: &Cursor) -> Option<HeaderValue> {
    let query = uri.query().unwrap_or_default().split('&');
    let kept =
        query.filter(|it| !it.is_empty() && !it.starts_with("page=") && !it.starts_with("cursor="));
    let mut query: Vec<&str> = kept.collect();
    let cursor = format!("cursor={}", next.text());
    query.push(&cursor);
    HeaderValue::try_from(format!("<?{}>; rel=\"next\"", query.join("&"))).ok()
}

fn is_extended(params: &Params) -> bool {
    matches!(params.trimmed("extensions"), "true" | "1")
}

async fn request(
    State(centre): State<Arc<Centre>>,
    Path(file): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let format = Format::of(&file);
    let outcome = async {
        let params = Params::of_query(&uri);
        let asked = Asked::read(&centre, &params, &headers)?;
        let number = format.name_in(&file).ok_or_else(unknown_path)?;
        let shown = show::request(&centre, &asked, number, &headers, is_extended(&params)).await?;
        Ok(list(format, "service_requests", "request", &shown))
    };
    public(format, outcome.await)
}

/// A request has its number at once, so a number is its own token.
#[derive(Debug, Serialize)]
struct Token {
    service_request_id: String,
    token: String,
}

async fn token(
    State(centre): State<Arc<Centre>>,
    Path(file): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let format = Format::of(&file);
    let outcome = async {
        let asked = Asked::read(&centre, &Params::of_query(&uri), &headers)?;
        let token = format.name_in(&file).ok_or_else(unknown_path)?;
        let unknown = || Problems::one(StatusCode::NOT_FOUND, "token: no such token");
        let number = token.parse().map_err(|_| unknown())?;
        let found = show::these(&centre, &asked, &[number]).await?.pop();
        let known = found.ok_or_else(unknown)?;
        let token = Token {
            service_request_id: known.number,
            token: token.to_owned(),
        };
        Ok(list(format, "service_requests", "request", &[token]))
    };
    public(format, outcome.await)
}

async fn updates(
    format: Format,
    State(centre): State<Arc<Centre>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let outcome = async {
        let params = Params::of_query(&uri);
        let asked = Asked::read(&centre, &params, &headers)?;
        seen(centre.register(asked.municipality), &headers).await?;
        let updates = updates::list(&centre, &asked, &params).await?;
        Ok(list(
            format,
            "service_request_updates",
            "request_update",
            &updates,
        ))
    };
    public(format, outcome.await)
}

async fn add_update(
    format: Format,
    State(centre): State<Arc<Centre>>,
    request: Request,
) -> Response {
    let (uri, headers) = (request.uri().clone(), request.headers().clone());
    let from = Whom::at(centre.client(&request));
    let outcome = async {
        let params = Params::of_body(request).await?;
        let (asked, key) = Asked::counted(&centre, from, &params, &headers).await?;
        Ok(updates::record(&centre, &asked, &key, &params).await?)
    };
    match outcome.await {
        Ok(taken) => list(
            format,
            "service_request_updates",
            "request_update",
            &[taken],
        ),
        Err(refusal) => not_taken(format, &uri, &headers, refusal),
    }
}

async fn submit(format: Format, State(centre): State<Arc<Centre>>, request: Request) -> Response {
    let (uri, headers) = (request.uri().clone(), request.headers().clone());
    let from = Whom::at(centre.client(&request));
    match submit::submit(&centre, from, request).await {
        Ok((created, position)) => {
            let mut response = list(format, "service_requests", "request", &[created]);
            response
                .headers_mut()
                .insert("cozum-position", position.into());
            response
        }
        Err(refusal) => not_taken(format, &uri, &headers, refusal),
    }
}

fn not_taken(format: Format, uri: &Uri, headers: &HeaderMap, refusal: Refused) -> Response {
    match refusal {
        Refused::TooOften(wait) => guard::refuse(uri, headers, guard::Refusal::TooOften(wait)),
        Refused::Problems(problems) => problems.answer(format),
    }
}

async fn nowhere(uri: Uri) -> Response {
    public(Format::of(uri.path()), Err(unknown_path()))
}

/// A browser asks first whether a page of another site may read; anything may be read.
async fn not_that_way(method: Method, uri: Uri) -> Response {
    let mut response = if method == Method::OPTIONS {
        let mut response = StatusCode::NO_CONTENT.into_response();
        for (name, value) in [
            (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, OPTIONS"),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, "*"),
            (header::ACCESS_CONTROL_MAX_AGE, "86400"),
        ] {
            let value = HeaderValue::from_static(value);
            response.headers_mut().insert(name, value);
        }
        response
    } else {
        let problem = "this address is not used with this HTTP method";
        Problems::one(StatusCode::METHOD_NOT_ALLOWED, problem).answer(Format::of(uri.path()))
    };
    response.headers_mut().insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
    response
}

fn unknown_path() -> Problems {
    Problems::one(
        StatusCode::NOT_FOUND,
        "no such resource: addresses end in .xml or .json",
    )
}

/// What anybody may read from any web page.
fn public(format: Format, outcome: Result<Response, Problems>) -> Response {
    let mut response = outcome
        .unwrap_or_else(|problems| problems.answer(format))
        .into_response();
    response.headers_mut().insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
    response
        .headers_mut()
        .insert(header::VARY, HeaderValue::from_static("accept-language"));
    response
}
