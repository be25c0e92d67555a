//! How a refusal is said: in the form of whatever was asked.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse as _, Redirect, Response},
};
use tonic::{Code, Status};
use vocabulary::Language;

use crate::{
    api,
    console::{self, Frame, Taste},
    limits::Wait,
    open311,
    params::{Params, escaped},
    portal, proxy, text,
};

/// Why a request does not reach its handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Nobody knows who it is.
    SignIn,
    /// They may not.
    Forbidden,
    /// The form was not sent from one of our own pages, or from one of an older session.
    Foreign,
    TooLarge,
    TooOften(Wait),
    /// Something behind the gateway is away.
    Unavailable,
}

impl From<Status> for Refusal {
    fn from(_: Status) -> Self {
        Self::Unavailable
    }
}

impl Refusal {
    fn status(self) -> StatusCode {
        match self {
            Self::SignIn => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::Foreign => StatusCode::FORBIDDEN,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooOften(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Title and text of the page that says so.
    fn keys(self) -> (&'static str, &'static str) {
        match self {
            Self::SignIn => ("access-ended-title", "access-ended-text"),
            Self::Forbidden => ("access-forbidden-title", "access-forbidden-text"),
            Self::Foreign => ("access-foreign-title", "access-foreign-text"),
            Self::TooLarge => ("access-large-title", "access-large-text"),
            Self::TooOften(_) => ("access-often-title", "access-often-text"),
            Self::Unavailable => ("unavailable-title", "unavailable-text"),
        }
    }

    /// For programs.
    fn problem(self) -> &'static str {
        match self {
            Self::SignIn => "authorization: a valid key is missing",
            Self::Forbidden => "this key does not allow it",
            Self::Foreign => "the form was not sent from a page of this session",
            Self::TooLarge => "the request body is too large",
            Self::TooOften(_) => "too many requests: try again later",
            Self::Unavailable => "a service is away: try again",
        }
    }

    fn code(self) -> Code {
        match self {
            Self::SignIn => Code::Unauthenticated,
            Self::Forbidden | Self::Foreign => Code::PermissionDenied,
            Self::TooLarge => Code::InvalidArgument,
            Self::TooOften(_) => Code::ResourceExhausted,
            Self::Unavailable => Code::Unavailable,
        }
    }
}

/// The answer to a request that does not reach its handler.
pub(crate) fn refuse(uri: &Uri, headers: &HeaderMap, refusal: Refusal) -> Response {
    let path = uri.path();
    let (title, words) = refusal.keys();
    let mut response = if path.starts_with("/open311/") {
        open311::refused(path, refusal.status(), refusal.problem())
    } else if proxy::is_grpc(path) {
        Status::new(refusal.code(), refusal.problem())
            .into_http::<Body>()
            .into_response()
    } else if path.starts_with("/api/") {
        api::refused(refusal.status())
    } else if path.starts_with("/console") {
        let frame = Frame::of_nobody(language(uri, headers), path);
        console::notice(frame, refusal.status(), title, words)
    } else {
        portal::refused(language(uri, headers), refusal.status(), title, words)
    };
    if let Some(wait) = refusal.retry_after() {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(wait));
    }
    response
}

impl Refusal {
    fn retry_after(self) -> Option<u64> {
        match self {
            Self::TooOften(wait) => Some(wait.seconds()),
            Self::Unavailable => Some(5),
            Self::SignIn | Self::Forbidden | Self::Foreign | Self::TooLarge => None,
        }
    }
}

/// Leads a person to the sign-in page, and back afterwards; tells a script, or whoever sent a form, that they are not
/// signed in.
pub(crate) fn to_sign_in(method: &Method, uri: &Uri, headers: &HeaderMap) -> Response {
    let asks_for_a_page = headers.get(header::ACCEPT).is_none_or(|it| {
        it.to_str()
            .is_ok_and(|it| it.contains("text/html") || it == "*/*")
    });
    if *method != Method::GET || !asks_for_a_page || !uri.path().starts_with("/console") {
        return refuse(uri, headers, Refusal::SignIn);
    }
    let here = uri.path_and_query().map_or("/console", |it| it.as_str());
    Redirect::to(&format!("/console/sign-in?next={}", escaped(here))).into_response()
}

/// The language of a page for somebody we do not know.
pub(crate) fn language(uri: &Uri, headers: &HeaderMap) -> Language {
    let accept = headers
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|it| it.to_str().ok())
        .unwrap_or_default();
    text::named(Params::of_query(uri).trimmed("lang"))
        .or_else(|| Taste::of(headers).language)
        .unwrap_or_else(|| text::preferred(accept))
}
