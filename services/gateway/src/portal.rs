//! The citizen's two pages: file a request, and see where it stands. Turkish first, English beside it, no script.

mod filing;
mod form;
mod site;
mod tracking;

use askama::Template;
use axum::{
    http::{HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};
use vocabulary::Language;

use crate::{
    access::Action,
    doors::{Doors, Entry},
    limits::Limit,
    params::Params,
    text,
    text::Words,
};
use site::Site;

/// The pages of the default municipality at `/`, and of each one at `/m/{municipality}`.
pub(crate) fn doors() -> Doors {
    let (read, file) = (Action::Public.centre(), Action::File.centre());
    let pages = || {
        Doors::new(Entry::Open)
            .get("/", read, filing::form)
            .get("/requests", read, filing::back)
            .post("/requests", file, filing::file)
            .limited(Limit::Filing)
            .get("/track", read, tracking::form)
            .post("/track", read, tracking::track)
            .limited(Limit::Tracking)
    };
    pages()
        .nest("/m/{municipality}", pages())
        .get("/m/{municipality}/", read, filing::form)
        .get("/style.css", read, style)
}

/// The answer where there is no page.
pub(crate) async fn nowhere(uri: Uri) -> Response {
    let language = text::named(Params::of_query(&uri).trimmed("lang")).unwrap_or(Language::Tr);
    notice(
        Site::bare(language),
        StatusCode::NOT_FOUND,
        "nowhere-title",
        "nowhere-text",
    )
}

/// The answer to somebody who is not let in, or not now.
pub(crate) fn refused(language: Language, status: StatusCode, title: &str, text: &str) -> Response {
    notice(Site::bare(language), status, title, text)
}

/// The answer after a mistake of ours.
pub(crate) fn failed() -> Response {
    notice(
        Site::bare(Language::Tr),
        StatusCode::INTERNAL_SERVER_ERROR,
        "failed-title",
        "failed-text",
    )
}

async fn style() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=3600"),
    ];
    let mut response = (headers, include_str!("../assets/style.css")).into_response();
    response.headers_mut().insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

#[derive(Template)]
#[template(path = "notice.html")]
struct Notice {
    site: Site,
    title: String,
    text: String,
}

/// A page that says one thing.
fn notice(site: Site, status: StatusCode, title: &str, text: &str) -> Response {
    let words: Words = site.words;
    page(
        status,
        &Notice {
            site,
            title: words.get(title),
            text: words.get(text),
        },
    )
}

/// The page for a failure behind the gateway.
fn unavailable(site: Site) -> Response {
    let mut response = notice(
        site,
        StatusCode::SERVICE_UNAVAILABLE,
        "unavailable-title",
        "unavailable-text",
    );
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

/// A page, with what keeps it to itself: no script, no frame, no foreign part, no copy in a cache.
fn page(status: StatusCode, template: &impl Template) -> Response {
    const HEADERS: [(&str, &str); 5] = [
        ("content-type", "text/html; charset=utf-8"),
        (
            "content-security-policy",
            "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
        ("x-content-type-options", "nosniff"),
        // "no-referrer" would make browsers send `Origin: null` with our own forms.
        ("referrer-policy", "same-origin"),
        ("cache-control", "no-store"),
    ];
    match template.render() {
        Ok(html) => (status, HEADERS, html).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
