//! The staff console: a new request while somebody is on the phone, the unit's worklist, one request with its whole history,
//! the centre's figures, and the events as they are stored. Every page is complete without a script; `console.js` adds
//! keys and news.
//!
//! Lists, counts, exports and searches are narrowed by [`filters::Scope`]; one request is asked about with the unit that
//! the log says has it. What staff do goes to the services as `staff:<code>`.

mod actions;
mod clocks;
mod export;
mod figures;
mod filing;
mod filters;
mod frame;
mod history;
mod lists;
mod live;
mod names;
mod overview;
mod page;
mod raw;
mod request;
mod search;
mod story;
mod taste;
mod then;
mod views;
mod worklist;

use askama::Template;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use vocabulary::Language;

use crate::{
    access::Action,
    doors::{Doors, Entry},
};
use actions::Act;
pub(crate) use frame::Frame;
pub(crate) use taste::Taste;

/// The pages that are about requests, each with what it needs.
pub(crate) fn doors() -> Doors {
    let own = Action::Enter.centre();
    let see = Action::See.reach();
    let one = Action::See.request();
    let file = Action::File.centre();
    let mut doors = Doors::new(Entry::Console)
        .get("/console", own, page::home)
        .get("/console/requests", see, worklist::list)
        .get("/console/requests.csv", see, export::csv)
        .get("/console/search", see, search::back)
        .post("/console/search", see, search::search)
        .get("/console/requests/{number}", one, request::show)
        .get(
            "/console/requests/{number}/files/{file}",
            Action::SeePersonal.request(),
            request::file,
        )
        .get(
            "/console/requests/{number}/events",
            Action::SeeEvents.request(),
            raw::events,
        )
        .get("/console/new", file, filing::form)
        .post("/console/new", file, filing::file)
        .post(
            "/console/new/caller",
            Action::FindCaller.centre(),
            filing::caller,
        )
        .get(
            "/console/figures",
            Action::SeeFigures.reach(),
            overview::show,
        )
        .get("/console/live", see, live::follow)
        .post("/console/views", own, views::save)
        .post("/console/views/{view}/remove", own, views::remove)
        .get("/console/keys", own, keys)
        .post("/console/setting", own, taste::keep);
    for act in Act::ALL {
        let path = format!("/console/requests/{{number}}/{}", act.code());
        let handler =
            move |centre, visit, number, request| request::act(act, centre, visit, number, request);
        doors = doors.post(&path, act.action().request(), handler);
    }
    let open = Doors::new(Entry::Open).get("/console.js", Action::Public.centre(), script);
    doors.merge(open)
}

#[derive(Template)]
#[template(path = "console/notice.html")]
struct Notice {
    frame: Frame,
    title: String,
    text: String,
}

/// A page that says one thing.
pub(crate) fn notice(frame: Frame, status: StatusCode, title: &str, text: &str) -> Response {
    let (title, text) = (frame.t(title), frame.t(text));
    page(status, &Notice { frame, title, text })
}

/// The answer after a mistake of ours.
pub(crate) fn failed() -> Response {
    notice(
        Frame::of_nobody(Language::Tr, "/console"),
        StatusCode::INTERNAL_SERVER_ERROR,
        "failed-title",
        "failed-text",
    )
}

/// A page of the console. What keeps it to itself is added to every page, in `headers.rs`.
pub(crate) fn page(status: StatusCode, template: &impl Template) -> Response {
    const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
    match template.render() {
        Ok(html) => (status, [(header::CONTENT_TYPE, HTML)], html).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[derive(Template)]
#[template(path = "console/keys.html")]
struct KeysPage {
    frame: Frame,
}

async fn keys(visit: page::Visit) -> Response {
    page(
        StatusCode::OK,
        &KeysPage {
            frame: visit.frame(),
        },
    )
}

/// The console's style.
pub(crate) async fn style() -> Response {
    asset(
        "text/css; charset=utf-8",
        concat!(
            include_str!("../assets/tokens.css"),
            include_str!("../assets/console.css")
        ),
    )
}

/// What the console adds where scripts run.
async fn script() -> Response {
    asset(
        "text/javascript; charset=utf-8",
        include_str!("../assets/console.js"),
    )
}

fn asset(kind: &'static str, content: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "public, max-age=600"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, content).into_response()
}
