//! Requests: filed, listed, read alone.

pub(super) mod actions;
mod find;
pub(super) mod history;
mod personal;
mod shown;

use axum::{
    Json,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use contracts::{
    intake::v1::{Answer, Citizen, RegisterRequestRequest},
    vocabulary::v1::Place,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use vocabulary::RequestNumber;

use super::{
    as_of::Moment,
    caller::{Program, Sight},
    input::{Body, Named, NoQuery, Query, etag, has_already},
    problem::{Fault, Kind, Problem},
    words::{ChannelWord, LanguageWord},
};
use crate::{
    access::{Action, Resource},
    register::{Entry, Reader, then},
};
pub(super) use find::{List, page};
pub(super) use shown::Request;

/// The log's position at which a change stands.
const POSITION: HeaderName = HeaderName::from_static("cozum-position");

/// Who turned to the centre.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Who {
    /// The whole name.
    #[schema(
        max_length = 200,
        pattern = "^[^\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]*$",
        example = "Ayşe Yılmaz"
    )]
    name: Option<String>,
    #[schema(
        max_length = 254,
        pattern = "^[A-Za-z0-9_+-]{1,32}(\\.[A-Za-z0-9_+-]{1,31})?@[a-z0-9]{1,60}(\\.[a-z0-9]{1,60}){1,2}$",
        example = "ayse@example.com"
    )]
    email: Option<String>,
    /// E.164, or as people in Türkiye write it.
    #[schema(
        pattern = "^(\\+90|0)? ?[2-9][0-9]{2} ?[0-9]{3} ?[0-9]{2} ?[0-9]{2}$|^\\+[1-8][1-9][0-9]{7,11}$",
        example = "0532 123 45 67"
    )]
    phone: Option<String>,
    /// In which they are answered.
    language: Option<LanguageWord>,
}

impl From<Who> for Citizen {
    fn from(who: Who) -> Self {
        Self {
            name: who.name.unwrap_or_default(),
            email: who.email.unwrap_or_default(),
            phone: who.phone.unwrap_or_default(),
            language: who.language.map_or(0, |it| it.0.number()),
            ..Self::default()
        }
    }
}

/// A point, WGS 84.
#[derive(Deserialize, Serialize, ToSchema, Debug, Clone, Copy, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct Point {
    #[schema(minimum = -90, maximum = 90, example = 39.92)]
    latitude: f64,
    #[schema(minimum = -180, maximum = 180, example = 32.85)]
    longitude: f64,
}

/// A request to be filed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRequest {
    /// A code of the directory.
    #[schema(pattern = "^[a-z0-9-]{1,64}$", example = "pothole")]
    topic: String,
    /// By which the citizen turned to the centre.
    channel: ChannelWord,
    /// In the citizen's own words; sealed.
    #[schema(
        max_length = 4000,
        pattern = "^[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f]*$",
        example = "Derin bir çukur var"
    )]
    description: Option<String>,
    /// As somebody would tell it; sealed.
    #[schema(
        max_length = 500,
        pattern = "^[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f]*$",
        example = "Çarşı Cad. 1"
    )]
    address: Option<String>,
    point: Option<Point>,
    /// İlçe.
    #[schema(
        max_length = 100,
        pattern = "^[^\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]*$"
    )]
    district: Option<String>,
    /// Mahalle.
    #[schema(
        max_length = 100,
        pattern = "^[^\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]*$"
    )]
    neighbourhood: Option<String>,
    citizen: Option<Who>,
    /// Where a picture of it is.
    #[schema(
        max_length = 2000,
        pattern = "^https?://[A-Za-z0-9.-]{1,200}(/[A-Za-z0-9._~/-]{0,1500})?$"
    )]
    media_url: Option<String>,
    /// Answers to the topic's questions, by attribute: one text, or several for a list that takes several.
    answers: Option<BTreeMap<String, Vec<String>>>,
    /// The contact it came up in, where it was recorded before.
    #[schema(format = "uuid")]
    contact: Option<Uuid>,
}

impl NewRequest {
    fn command(self, command_id: Uuid) -> RegisterRequestRequest {
        let text = Option::unwrap_or_default;
        let answers = self.answers.unwrap_or_default().into_iter();
        RegisterRequestRequest {
            command_id: command_id.to_string(),
            contact: self.contact.map(|it| it.to_string()).unwrap_or_default(),
            channel: self.channel.0.number(),
            topic: self.topic,
            description: text(self.description),
            address: text(self.address),
            place: Some(Place {
                latitude: self.point.map(|it| it.latitude),
                longitude: self.point.map(|it| it.longitude),
                district: text(self.district),
                neighbourhood: text(self.neighbourhood),
            }),
            citizen: self.citizen.map(Citizen::from),
            media_url: text(self.media_url),
            answers: answers
                .map(|(attribute, values)| Answer { attribute, values })
                .collect(),
            ..RegisterRequestRequest::default()
        }
    }
}

/// What filing a request gives.
#[derive(Serialize, ToSchema)]
pub(super) struct Filed {
    #[schema(example = "2026-48120937-8")]
    number: String,
    /// Opens the tracking page together with the number: for the citizen, and for nobody else.
    tracking_secret: String,
    contact: String,
    /// The citizen's pseudonym; null for nobody known.
    person: Option<String>,
    /// The log's position at which it stands.
    #[schema(minimum = 1)]
    position: u64,
}

/// File a request
///
/// The same `Idempotency-Key` with the same content gives the same answer, and nothing is filed twice.
#[utoipa::path(post, path = "/requests", tag = "requests", operation_id = "fileRequest", request_body = NewRequest,
    params(("Idempotency-Key" = Option<String>, Header, pattern = "^[!-~]{1,255}$", description = "Makes it safe to send again")),
    responses((status = 201, description = "Filed", body = Filed,
        headers(("Location" = String, description = "Where the request is"), ("Cozum-Position" = u64, description = "Where it stands in the log")))))]
pub(super) async fn file(
    program: Program,
    _: NoQuery,
    headers: HeaderMap,
    Body(new): Body<NewRequest>,
) -> Result<Response, Problem> {
    program.may(Action::File, Resource::Centre)?;
    let command_id = program.command_id(&headers)?;
    known_topic(program.register().await?, &new.topic).await?;
    let command = new.command(command_id);
    let caller = program.caller();
    let reply = chassis::patiently(|| {
        let (mut intake, request) = (program.centre.intake(), caller.request(command.clone()));
        async move { intake.register_request(request).await }
    });
    let reply = reply.await.map_err(as_things_stand)?.into_inner();
    let location = format!("/api/v1/requests/{}", reply.number);
    let filed = Filed {
        number: reply.number,
        tracking_secret: reply.tracking_secret,
        contact: reply.contact,
        person: super::words::something(reply.person),
        position: reply.position,
    };
    Ok(created(&location, reply.position, filed))
}

/// What a topic asks is for the directory to say, and may change any day: an answer that it does not want is no malformed one.
fn as_things_stand(status: tonic::Status) -> Problem {
    let mut problem = Problem::from(status);
    if problem.kind == Kind::Invalid && problem.errors.iter().all(|it| it.is_within("/answers")) {
        problem.kind = Kind::Conflict;
    }
    problem
}

async fn known_topic(register: &Reader, code: &str) -> Result<(), Problem> {
    if register.topic(code).await?.is_some() {
        return Ok(());
    }
    Err(Problem::not_found().naming([Fault::field("topic", "no such topic here")]))
}

/// The answer to what made something new.
pub(super) fn created(location: &str, position: u64, body: impl Serialize) -> Response {
    let mut response = (StatusCode::CREATED, Json(body)).into_response();
    let headers = response.headers_mut();
    if let Ok(location) = HeaderValue::try_from(location) {
        headers.insert(header::LOCATION, location);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(POSITION, position.into());
    response
}

/// List requests
///
/// Facts only. A key of one unit sees that unit's requests and no others. With `as_of` the list is as it was then: a key of
/// one unit sees what its unit had then and has today, so a page may be shorter than its limit.
#[utoipa::path(get, path = "/requests", tag = "requests", operation_id = "listRequests", params(List),
    responses((status = 200, description = "One page", body = find::Page)))]
pub(super) async fn list(program: Program, Query(asked): Query<List>) -> Result<Response, Problem> {
    let sight = program.sight(Action::See)?;
    let register = program.register().await?;
    let Some(moment) = asked.as_of() else {
        let found = page(register, &asked, &sight).await?;
        return Ok(private(Json(found)));
    };
    let cut_off = moment.cut_off(&program).await?;
    let then = register.at(cut_off.position).await?;
    let mut found = page(&then, &asked, &sight).await?;
    found.cut_at(cut_off, register, &sight).await?;
    Ok(private(Json(found)))
}

/// What a reader wants to see of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum View {
    Facts,
    Personal,
}

#[derive(Deserialize, IntoParams)]
pub(super) struct Look {
    /// `personal` opens the citizen's data and words as well: for keys with the scope read-personal, and recorded each time.
    #[param(inline)]
    view: Option<View>,
    /// As it was known then: a position of the log, a time, or a day, which means its end. Facts only, and without an `ETag`.
    #[param(inline)]
    as_of: Option<Moment>,
}

/// Read a request
///
/// Its `ETag` is the version that an action's `If-Match` names.
#[utoipa::path(get, path = "/requests/{number}", tag = "requests", operation_id = "getRequest",
    params(("number" = String, Path, pattern = "^[0-9]{4}-[0-9]{8}-[0-9]$", example = "2026-48120937-8"), Look,
        ("If-None-Match" = Option<String>, Header, description = "An `ETag` that the caller has: answers 304 where nothing changed")),
    responses((status = 200, description = "The request", body = Request, headers(("ETag" = String, description = "Its version"))),
        (status = 304, description = "Nothing changed", headers(("ETag" = String, description = "Its version")))))]
pub(super) async fn get(
    program: Program,
    Named(number): Named,
    Query(look): Query<Look>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let entry = seen(&program, &number, Action::See).await?;
    if let Some(moment) = &look.as_of {
        if look.view == Some(View::Personal) {
            let fault = Fault::parameter("view", "is of facts where it is as of a moment");
            return Err(Problem::of(Kind::Invalid).naming([fault]));
        }
        return Ok(private(Json(
            as_it_was(&program, &entry.number, moment).await?,
        )));
    }
    let version = u64::try_from(entry.version).unwrap_or_default();
    if look.view != Some(View::Personal) {
        if has_already(&headers, version) {
            return Ok(versioned(version, StatusCode::NOT_MODIFIED));
        }
        return Ok(versioned(version, Json(Request::of(entry))));
    }
    let resource = Resource::Request { unit: &entry.unit };
    program.may(Action::SeePersonal, resource)?;
    let personal = personal::open(&program, &entry.number).await?;
    let mut request = Request::of(entry);
    request.personal = Some(personal);
    Ok(versioned(version, Json(request)))
}

/// The facts of a request as they were, of whoever may see it today.
async fn as_it_was(program: &Program, number: &str, moment: &Moment) -> Result<Request, Problem> {
    let cut_off = moment.cut_off(program).await?;
    let number: RequestNumber = number.parse().map_err(|_| Problem::not_found())?;
    let ledger = program.centre.platform.ledger(program.municipality());
    let entry = then::request(&ledger, &number, cut_off.position).await?;
    let mut request = Request::of(entry.ok_or_else(Problem::not_found)?);
    request.as_of = Some(cut_off);
    Ok(request)
}

/// The request of a number, if the caller may do that with it: one of another unit is not there for it.
pub(super) async fn seen(
    program: &Program,
    number: &str,
    action: Action,
) -> Result<Entry, Problem> {
    let sight = program.sight(action)?;
    let number: RequestNumber = number.parse().map_err(|_| Problem::not_found())?;
    let register = program.register().await?;
    let entry = match register.request(&number).await? {
        Some(entry) => entry,
        None => awaited(program, register, &number)
            .await?
            .ok_or_else(Problem::not_found)?,
    };
    match sight {
        Sight::Unit(unit) if unit != entry.unit => Err(Problem::not_found()),
        Sight::Unit(_) | Sight::All => Ok(entry),
    }
}

/// Somebody who was just given the number may ask sooner than the register has heard of it.
async fn awaited(
    program: &Program,
    register: &Reader,
    number: &RequestNumber,
) -> Result<Option<Entry>, Problem> {
    const PATIENCE: std::time::Duration = std::time::Duration::from_secs(1);
    let ledger = program.centre.platform.ledger(program.municipality());
    let head = ledger.head().await?;
    // Without the position the answer is that there is no such request, yet.
    let _ = tokio::time::timeout(PATIENCE, register.at_least(head)).await;
    Ok(register.request(number).await?)
}

/// An answer with its version.
pub(super) fn versioned(version: u64, body: impl IntoResponse) -> Response {
    let mut response = private(body);
    if let Ok(tag) = HeaderValue::try_from(etag(version)) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// An answer that is kept by nobody on the way.
pub(super) fn private(body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    response.headers_mut().insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-cache"),
    );
    response
}
