//! Open311 GeoReport v2: services, requests and one request, in XML and JSON.

mod answer;
mod problems;
mod show;
mod submit;

use std::sync::Arc;

use axum::{
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};
use serde::Serialize;
use vocabulary::{Language, Municipality};

use crate::{
    Centre,
    access::{Action, Resource, may},
    doors::{Doors, Entry},
    guard,
    keys::Holder,
    limits::{Limit, Whom},
    params::Params,
    register::{Topic, unit_name},
    text,
};
use answer::{Format, list};
use problems::Problems;

/// As whom the public reads.
const READER: &str = "open311:public";

/// All addresses below `/open311/v2`. A key, where one is needed, stands in the form.
pub(crate) fn doors() -> Doors {
    let (read, file) = (Action::Public.centre(), Action::File.centre());
    let mut doors = Doors::new(Entry::Open);
    for format in [Format::Xml, Format::Json] {
        let services = move |state, uri, headers| services(format, state, uri, headers);
        let requests = move |state, request| submit(format, state, request);
        doors = doors
            .get(&format!("/services.{}", format.suffix()), read, services)
            .limited(Limit::Public)
            .post(&format!("/requests.{}", format.suffix()), file, requests);
    }
    doors = doors
        .get("/requests/{file}", read, request)
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

/// Whom a call is about, and in which language.
struct Asked<'a> {
    municipality: &'a Municipality,
    language: Language,
}

impl<'a> Asked<'a> {
    fn read(centre: &'a Centre, params: &Params, headers: &HeaderMap) -> Result<Self, Problems> {
        let municipality = match Self::named(centre, params)? {
            Some(municipality) => municipality,
            None => centre.default_municipality(),
        };
        Ok(Self::of(municipality, params, headers))
    }

    /// The same for a call that files something: nothing is filed with a municipality that nobody meant.
    async fn by_key(
        centre: &'a Centre,
        params: &Params,
        headers: &HeaderMap,
    ) -> Result<(Self, Holder), Problems> {
        let secret = params.trimmed("api_key");
        let named = Self::named(centre, params)?;
        let served = &centre.platform.municipalities;
        let mut holders = vec![];
        for municipality in served
            .iter()
            .filter(|it| named.is_none_or(|named| named == *it))
        {
            holders.extend(holder(centre, municipality, secret).await?);
        }
        let Some(holder) = holders.pop() else {
            return Err(Problems::one(
                StatusCode::FORBIDDEN,
                "api_key: is missing or not valid here",
            ));
        };
        if !holders.is_empty() {
            let problem = "jurisdiction_id: is missing";
            return Err(Problems::one(StatusCode::BAD_REQUEST, problem));
        }
        if !may(&holder.actor, Action::File, Resource::Centre) {
            let problem = "api_key: does not allow to file requests";
            return Err(Problems::one(StatusCode::FORBIDDEN, problem));
        }
        let municipality = centre.municipality(holder.actor.municipality.as_str());
        let municipality = municipality.unwrap_or_else(|| centre.default_municipality());
        Ok((Self::of(municipality, params, headers), holder))
    }

    fn named(centre: &'a Centre, params: &Params) -> Result<Option<&'a Municipality>, Problems> {
        let slug = params.trimmed("jurisdiction_id");
        if slug.is_empty() {
            return Ok(None);
        }
        let unknown = || {
            Problems::one(
                StatusCode::NOT_FOUND,
                "jurisdiction_id: no such jurisdiction here",
            )
        };
        centre.municipality(slug).map(Some).ok_or_else(unknown)
    }

    fn of(municipality: &'a Municipality, params: &Params, headers: &HeaderMap) -> Self {
        let accept = headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|it| it.to_str().ok())
            .unwrap_or_default();
        let language =
            text::named(params.trimmed("lang")).unwrap_or_else(|| text::preferred(accept));
        Self {
            municipality,
            language,
        }
    }
}

/// Whose key this is in a municipality: one of the configuration's, or one that was issued.
async fn holder(
    centre: &Centre,
    municipality: &Municipality,
    secret: &str,
) -> Result<Option<Holder>, Problems> {
    match centre.keys.holder_in(municipality, secret) {
        Some(key) => Ok(Some(Holder::of_open311_key(key))),
        None => Ok(centre.issued(municipality, secret).await?),
    }
}

#[derive(Serialize)]
struct Service {
    service_code: String,
    service_name: String,
    description: String,
    metadata: bool,
    r#type: &'static str,
    keywords: String,
    group: String,
}

async fn services(
    format: Format,
    State(centre): State<Arc<Centre>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let outcome = async {
        let asked = Asked::read(&centre, &Params::of_query(&uri), &headers)?;
        let register = centre.register(asked.municipality);
        let units = register.units().await?;
        let service = |topic: Topic| {
            let other = match asked.language {
                Language::Tr => Language::En,
                Language::En => Language::Tr,
            };
            let name = topic.name.of(asked.language).to_owned();
            Service {
                description: name.clone(),
                service_name: name,
                metadata: false,
                r#type: "realtime",
                keywords: topic.name.of(other).to_owned(),
                group: unit_name(&units, &topic.unit, asked.language),
                service_code: topic.code,
            }
        };
        let services: Vec<Service> = register.topics().await?.into_iter().map(service).collect();
        Ok(list(format, "services", "service", &services))
    };
    public(format, outcome.await)
}

async fn request(
    State(centre): State<Arc<Centre>>,
    Path(file): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let format = Format::of(&file);
    let outcome = async {
        let asked = Asked::read(&centre, &Params::of_query(&uri), &headers)?;
        let Some(number) = format.name_in(&file) else {
            return Err(unknown_path());
        };
        let request = show::request(&centre, &asked, number, &headers).await?;
        Ok(list(format, "service_requests", "request", &[request]))
    };
    public(format, outcome.await)
}

async fn submit(format: Format, State(centre): State<Arc<Centre>>, request: Request) -> Response {
    let (uri, headers) = (request.uri().clone(), request.headers().clone());
    let from = Whom::at(centre.client(&request));
    match submit::submit(&centre, from, request).await {
        Err(submit::Refused::TooOften(wait)) => {
            guard::refuse(&uri, &headers, guard::Refusal::TooOften(wait))
        }
        Ok((created, position)) => {
            let mut response = list(format, "service_requests", "request", &[created]);
            response
                .headers_mut()
                .insert("cozum-position", position.into());
            response
        }
        Err(submit::Refused::Problems(problems)) => problems.answer(format),
    }
}

async fn nowhere(uri: Uri) -> Response {
    unknown_path().answer(Format::of(uri.path()))
}

async fn not_that_way(uri: Uri) -> Response {
    let problem = Problems::one(
        StatusCode::METHOD_NOT_ALLOWED,
        "this address is not used with this HTTP method",
    );
    problem.answer(Format::of(uri.path()))
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
