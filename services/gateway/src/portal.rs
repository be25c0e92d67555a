//! The citizen's pages: file a request, see where it stands, say something about it. Turkish first, English beside it. All of
//! it works without a script; where there is one, it finds the topic, makes pictures smaller and shows a map.

mod filing;
mod form;
mod map;
mod photos;
mod privacy;
mod proof;
mod receipt;
mod site;
mod story;
mod topics;
mod tracking;

use askama::Template;
use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};
use vocabulary::Language;

use crate::{
    Centre,
    access::Action,
    doors::{Doors, Entry},
    limits::Limit,
    origin,
    params::{Params, Unreadable},
    text,
    text::Words,
};
pub(crate) use map::{Outlines, read as read_outlines};
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
            .get("/track/message", read, tracking::back)
            .post("/track/message", file, tracking::write)
            .limited(Limit::Tracking)
            .get("/track/receipt", read, tracking::back)
            .post("/track/receipt", read, proof::download)
            .limited(Limit::Tracking)
            .get("/privacy", read, privacy::show)
            .get("/privacy/{channel}", read, privacy::show)
            .get("/privacy/{channel}/{version}", read, privacy::show)
            .get("/districts.json", read, map::outlines)
    };
    pages()
        .nest("/m/{municipality}", pages())
        .get("/m/{municipality}/", read, filing::form)
        .get("/style.css", read, style)
        .get("/icon.svg", read, icon)
        .get("/portal.js", read, script)
        .get("/map.js", read, map::script)
}

/// The answer where there is no page.
pub(crate) fn nowhere(uri: &Uri) -> Response {
    let language = text::named(Params::of_query(uri).trimmed("lang")).unwrap_or(Language::Tr);
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
    asset(
        "text/css; charset=utf-8",
        concat!(
            include_str!("../assets/tokens.css"),
            include_str!("../assets/style.css")
        ),
    )
}

async fn script() -> Response {
    asset(
        "text/javascript; charset=utf-8",
        include_str!("../assets/portal.js"),
    )
}

/// The mark that a browser shows beside a page's title.
async fn icon() -> Response {
    asset("image/svg+xml", include_str!("../assets/icon.svg"))
}

/// A part of the pages that is the same for everybody.
fn asset(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "public, max-age=3600"),
    ];
    let mut response = (headers, text).into_response();
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

/// Whether a form was sent from a page that is not ours.
fn is_foreign(centre: &Centre, request: &Request) -> bool {
    !origin::is_own(
        request.headers(),
        request.uri(),
        centre.public_origin.as_deref(),
    )
}

/// What was sent with a form of ours; or the page that says why it cannot be taken.
async fn sent(centre: &Centre, site: &Site, request: Request) -> Result<Params, Response> {
    if is_foreign(centre, &request) {
        let site = site.clone();
        return Err(notice(
            site,
            StatusCode::FORBIDDEN,
            "foreign-title",
            "foreign-text",
        ));
    }
    let params = Params::of_body(request).await;
    params.map_err(|problem| unreadable(site.clone(), &problem))
}

fn unreadable(site: Site, problem: &Unreadable) -> Response {
    notice(site, problem.status, "unreadable-title", "unreadable-text")
}

/// How the citizen reached us: "https://153.example.bel.tr", or the name alone where nobody told us the whole.
fn host(centre: &Centre, request: &Request) -> String {
    let named = request.headers().get(header::HOST);
    let named = named.and_then(|it| it.to_str().ok()).unwrap_or_default();
    centre
        .public_origin
        .clone()
        .unwrap_or_else(|| named.to_owned())
}

/// A page; what keeps it to itself is put on all pages at once.
fn page(status: StatusCode, template: &impl Template) -> Response {
    const HTML: [(HeaderName, &str); 1] = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    match template.render() {
        Ok(html) => (status, HTML, html).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
