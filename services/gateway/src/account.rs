//! Coming in and going out: sign-in, sign-out, the one-time link that sets a password, and one's own account.

mod first;
mod own;
mod set_up;
mod sign_in;

use std::sync::Arc;

use axum::{
    extract::Request,
    http::{StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
};
use tonic::Status;

use crate::{
    Centre,
    access::Action,
    console::{self, Frame, notice},
    doors::{Doors, Entry},
    guard::{self, Refusal},
    limits::Limit,
    origin,
    params::Params,
};
pub(crate) use first::{begin, issue_link};

/// The addresses of all this.
pub(crate) fn doors() -> Doors {
    let anybody = Action::Public.centre();
    let own = Action::Enter.centre();
    let open = Doors::new(Entry::Open)
        .get("/console.css", anybody, console::style)
        .get("/console/sign-in", anybody, sign_in::form)
        .post("/console/sign-in", anybody, sign_in::sign_in)
        .limited(Limit::SignIn)
        .get("/console/setup/{secret}", anybody, set_up::form)
        .limited(Limit::SignIn)
        .post("/console/setup/{secret}", anybody, set_up::set_up)
        .limited(Limit::SignIn);
    let signed = Doors::new(Entry::Console)
        .post("/console/sign-out", own, sign_in::sign_out)
        .get("/console/account", own, own::account)
        .post("/console/account/password", own, own::change_password)
        .post("/console/account/end-session", own, own::end_session)
        .post("/console/account/end-sessions", own, own::end_sessions);
    open.merge(signed)
}

/// The fields of a form that somebody sent who is not signed in: from one of our own pages, or by no browser.
async fn own_form(centre: &Centre, request: Request) -> Result<Params, Response> {
    let (uri, headers) = (request.uri().clone(), request.headers().clone());
    if !origin::is_own(&headers, &uri, centre.public_origin.as_deref()) {
        return Err(guard::refuse(&uri, &headers, Refusal::Foreign));
    }
    let frame = Frame::of_nobody(guard::language(&uri, &headers), uri.path());
    form(request, frame).await
}

async fn form(request: Request, frame: Frame) -> Result<Params, Response> {
    Params::of_body(request)
        .await
        .map_err(|it| notice(frame, it.status, "unreadable-title", "unreadable-text"))
}

/// The page for a failure behind the gateway.
fn unavailable(frame: Frame, status: &Status) -> Response {
    tracing::warn!(code = ?status.code(), "the staff's log cannot be reached");
    let mut response = notice(
        frame,
        StatusCode::SERVICE_UNAVAILABLE,
        "unavailable-title",
        "unavailable-text",
    );
    response.headers_mut().insert(header::RETRY_AFTER, 5.into());
    response
}

/// On to another page, with or without a cookie.
fn onward(path: &str, cookie: Option<axum::http::HeaderValue>) -> Response {
    let mut response = Redirect::to(path).into_response();
    if let Some(cookie) = cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// A page of the console that somebody wanted before they had to sign in; the console's first page for anything else.
fn destination(next: &str) -> &str {
    let ours = next == "/console" || next.starts_with("/console/") || next.starts_with("/console?");
    let plain = next.bytes().all(|it| it.is_ascii_graphic() && it != b'\\');
    let again = next.starts_with("/console/sign-in") || next.starts_with("/console/setup");
    if ours && plain && !again {
        next
    } else {
        "/console"
    }
}

/// What every handler here is given.
type Shared = axum::extract::State<Arc<Centre>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_away_from_the_console() {
        assert_eq!(
            destination("/console/list?unit=parks"),
            "/console/list?unit=parks"
        );
        for bad in [
            "",
            "https://evil.example",
            "//evil.example",
            "/console.evil.example",
            "/console/\\evil",
            "/console/sign-in",
            "/console/a\r\nset-cookie: x",
        ] {
            assert_eq!(destination(bad), "/console", "{bad}");
        }
    }
}
