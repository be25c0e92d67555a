//! What a call carries, read strictly: a body and a query are held against the schemas of the document, so what the document
//! promises and what is taken are one thing.

use std::{sync::Arc, time::Duration};

use axum::{
    RequestExt as _,
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Request},
    http::{HeaderMap, StatusCode, Uri, header, request::Parts},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema, openapi::path::ParameterIn};

use super::{
    document,
    problem::{Fault, Kind, Problem},
    schema,
};
use crate::{Centre, params::Params};

/// How long a body may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A JSON body.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned + ToSchema> FromRequest<Arc<Centre>> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Arc<Centre>) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::of(Kind::UnsupportedMediaType));
        }
        let reading = request.extract::<Bytes, _>();
        let bytes = match tokio::time::timeout(PATIENCE, reading).await {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(problem)) if problem.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                return Err(Problem::of(Kind::TooLarge));
            }
            Ok(Err(_)) | Err(_) => {
                return Err(Problem::of(Kind::Invalid).saying("the body did not arrive whole"));
            }
        };
        read(&bytes).map(Self)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|it| it.to_str().ok())
        .unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

fn read<T: DeserializeOwned + ToSchema>(bytes: &[u8]) -> Result<T, Problem> {
    let mut value: Value = serde_json::from_slice(bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Problem::of(Kind::Invalid)
            .saying(format!("the body is no JSON: line {line}, column {column}"))
    })?;
    schema::whole_numbers(&mut value);
    let misfits = schema::misfits(document::schema(&T::name()), document::schemas(), &value);
    if !misfits.is_empty() {
        return Err(Problem::of(Kind::Invalid).naming(misfits.into_iter().map(Fault::in_body)));
    }
    // What fits the schema and still cannot be read is told without the value, which may be personal.
    serde_json::from_value(value)
        .map_err(|_| Problem::of(Kind::Invalid).saying("a value of the body is out of range"))
}

/// The parameters of a query. A name that is not known here is a mistake, and so is a name that comes twice.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned + IntoParams> FromRequestParts<Arc<Centre>> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Centre>) -> Result<Self, Problem> {
        parameters(&parts.uri).map(Self)
    }
}

fn parameters<T: DeserializeOwned + IntoParams>(uri: &Uri) -> Result<T, Problem> {
    let known = T::into_params(|| Some(ParameterIn::Query));
    let known = known.into_iter().map(|it| (it.name, json!(it.schema)));
    let values = values(uri, &known.collect())?;
    serde_json::from_value(Value::Object(values))
        .map_err(|_| Problem::of(Kind::Invalid).saying("a parameter is missing"))
}

/// The values of a query by their names, each of its type.
fn values(uri: &Uri, known: &Map<String, Value>) -> Result<Map<String, Value>, Problem> {
    let mut faults = vec![];
    let mut values = Map::new();
    for (name, text) in Params::of_query(uri).sent() {
        let Some(schema) = known.get(name) else {
            faults.push(Fault::parameter(name, "is not known here"));
            continue;
        };
        let value = schema::of_text(schema, document::schemas(), text);
        let misfits = schema::misfits(schema, document::schemas(), &value);
        faults.extend(
            misfits
                .into_iter()
                .map(|it| Fault::parameter(name, it.problem)),
        );
        if values.insert(name.to_owned(), value).is_some() {
            faults.push(Fault::parameter(name, "is given twice"));
        }
    }
    if faults.is_empty() {
        Ok(values)
    } else {
        Err(Problem::of(Kind::Invalid).naming(faults))
    }
}

/// The one name in an address, "2026-48120937-8" or "pothole". What is no text is nothing that exists.
pub(super) struct Named(pub(super) String);

impl FromRequestParts<Arc<Centre>> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, centre: &Arc<Centre>) -> Result<Self, Problem> {
        match Path::<String>::from_request_parts(parts, centre).await {
            Ok(Path(name)) => Ok(Self(name)),
            Err(_) => Err(Problem::not_found()),
        }
    }
}

/// A call that takes no query says so when it gets one.
pub(super) struct NoQuery;

impl FromRequestParts<Arc<Centre>> for NoQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Centre>) -> Result<Self, Problem> {
        values(&parts.uri, &Map::new()).map(|_| Self)
    }
}

/// The version that `If-Match` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// Whatever it is now.
    Any,
    Version(u64),
}

/// The version a caller decided on. Without one an action is refused: it would undo what somebody else did meanwhile.
pub(super) fn if_match(headers: &HeaderMap) -> Result<Expected, Problem> {
    let Some(value) = headers.get(header::IF_MATCH) else {
        return Err(Problem::of(Kind::VersionMissing));
    };
    match value.to_str().map(str::trim) {
        Ok("*") => Ok(Expected::Any),
        Ok(text) => version_in(text)
            .map(Expected::Version)
            .ok_or_else(not_a_version),
        Err(_) => Err(not_a_version()),
    }
}

fn not_a_version() -> Problem {
    let detail = "is the ETag of the request, such as \"3\", or *";
    Problem::of(Kind::Invalid).naming([Fault::header("If-Match", detail)])
}

/// Whether the caller has this version already.
pub(super) fn has_already(headers: &HeaderMap, version: u64) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH).iter();
    let mut tags = known
        .filter_map(|it| it.to_str().ok())
        .flat_map(|it| it.split(','))
        .map(|it| it.trim().trim_start_matches("W/"));
    tags.any(|it| it == "*" || version_in(it) == Some(version))
}

fn version_in(tag: &str) -> Option<u64> {
    let inner = tag.strip_prefix('"')?.strip_suffix('"')?;
    let plain = inner.bytes().all(|it| it.is_ascii_digit()) && (1..=18).contains(&inner.len());
    inner.parse().ok().filter(|_| plain)
}

/// The version of a request as HTTP writes it.
pub(super) fn etag(version: u64) -> String {
    format!("\"{version}\"")
}

/// What the caller calls this one command, where it does.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut given = headers.get_all("idempotency-key").iter();
    let Some(first) = given.next() else {
        return Ok(None);
    };
    let text = first.to_str().ok().map(str::trim);
    let fits =
        |it: &&str| (1..=255).contains(&it.len()) && it.bytes().all(|it| it.is_ascii_graphic());
    match text.filter(|it| fits(it) && given.next().is_none()) {
        Some(text) => Ok(Some(text)),
        None => {
            let detail = "has 1 to 255 visible ASCII characters, once";
            Err(Problem::of(Kind::Invalid).naming([Fault::header("Idempotency-Key", detail)]))
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[derive(Debug, serde::Deserialize, IntoParams)]
    struct Asked {
        #[param(minimum = 1, maximum = 100)]
        limit: Option<u32>,
        #[param(pattern = "^[a-z]+$")]
        unit: Option<String>,
    }

    fn faults(query: &str) -> String {
        let uri = format!("/x?{query}").parse().unwrap();
        format!(
            "{:?}",
            parameters::<Asked>(&uri)
                .map(|_| ())
                .map_err(|it| it.errors)
        )
    }

    #[test]
    fn every_wrong_parameter_is_named() {
        let told = faults("limit=x&unit=7&colour=red&limit=2");
        for part in [
            "\"limit\"",
            "is no integer",
            "\"unit\"",
            "does not match",
            "\"colour\"",
            "not known",
            "twice",
        ] {
            assert!(told.contains(part), "{part} in {told}");
        }
        assert!(faults("limit=101").contains("is more than 100"));
        let asked: Asked = parameters(&Uri::from_static("/x?limit=5&unit=fen")).unwrap();
        assert_eq!((asked.limit, asked.unit.as_deref()), (Some(5), Some("fen")));
    }

    #[test]
    fn a_version_is_read_as_it_is_written() {
        let headers = |value: &'static str| {
            HeaderMap::from_iter([(header::IF_MATCH, HeaderValue::from_static(value))])
        };
        assert_eq!(if_match(&headers("\"7\"")).unwrap(), Expected::Version(7));
        assert_eq!(if_match(&headers("*")).unwrap(), Expected::Any);
        assert_eq!(
            if_match(&HeaderMap::new()).unwrap_err().kind,
            Kind::VersionMissing
        );
        for bad in ["7", "\"\"", "W/\"7\"", "\"7\", \"8\"", "\"-1\"", "\"+1\""] {
            assert_eq!(
                if_match(&headers(bad)).unwrap_err().kind,
                Kind::Invalid,
                "{bad}"
            );
        }
    }

    #[test]
    fn a_caller_that_has_the_version_is_told_so() {
        let known = |value: &'static str| {
            HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_static(value))])
        };
        assert!(
            has_already(&known("\"3\""), 3)
                && has_already(&known("W/\"2\", \"3\""), 3)
                && has_already(&known("*"), 3)
        );
        assert!(!has_already(&known("\"4\""), 3) && !has_already(&HeaderMap::new(), 3));
    }
}
