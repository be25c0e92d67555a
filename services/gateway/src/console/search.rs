//! The search box: words, a number, a phone or a place, over all requests that may be seen. What is looked for may be a name
//! or a phone, so it stands in no address: a search is a form's answer.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
};
use contracts::intake::v1::{SearchReply, SearchRequest};
use tonic::{Code, Status};
use vocabulary::RequestNumber;

use super::{
    Frame,
    filters::{LIST, Scope},
    lists,
    names::{Names, Row},
    page,
    page::Visit,
};
use crate::{
    Centre,
    access::{Action, Resource},
    params::Params,
    register::unreadable,
};

/// Characters of a search at most.
const SEARCH: usize = 200;

#[derive(Template)]
#[template(path = "console/found.html")]
struct FoundPage {
    frame: Frame,
    rows: Vec<Row>,
    shows_units: bool,
    words: String,
    told: String,
    next: String,
    is_away: bool,
}

/// The list, where nobody searched for anything.
pub(super) async fn back() -> Response {
    Redirect::to(LIST).into_response()
}

pub(super) async fn search(
    State(centre): State<Arc<Centre>>,
    visit: Visit,
    request: Request,
) -> Response {
    let scope = match visit.scope(Action::See) {
        Ok(scope) => scope,
        Err(response) => return *response,
    };
    let Ok(params) = Params::of_body(request).await else {
        return visit.notice(StatusCode::BAD_REQUEST, "console-unreadable");
    };
    let words: String = params.trimmed("q").chars().take(SEARCH).collect();
    if words.is_empty() {
        return back().await;
    }
    // A whole number is the request itself.
    if let Ok(number) = words.parse::<RequestNumber>() {
        return Redirect::to(&format!("/console/requests/{number}")).into_response();
    }
    match found(&centre, &visit, &scope, &params, words).await {
        Ok(response) => response,
        Err(status) => visit.failed(&status),
    }
}

async fn found(
    centre: &Centre,
    visit: &Visit,
    scope: &Scope,
    params: &Params,
    words: String,
) -> Result<Response, Status> {
    let may_see_people = match scope {
        Scope::All => visit.signed.may(Action::SeePersonal, Resource::Centre),
        Scope::Unit(unit) => visit
            .signed
            .may(Action::SeePersonal, Resource::Request { unit }),
    };
    let request = SearchRequest {
        query: words.clone(),
        units: match scope {
            Scope::All => vec![],
            Scope::Unit(unit) => vec![unit.clone()],
        },
        limit: u32::try_from(lists::PAGE).unwrap_or(50),
        after: params.trimmed("after").to_owned(),
        people: may_see_people,
        ..SearchRequest::default()
    };
    let caller = visit.signed.caller(centre);
    let answer = centre.intake().search(caller.request(request)).await;
    let (reply, is_away) = match answer {
        Ok(reply) => (reply.into_inner(), false),
        Err(status) if status.code() == Code::Unimplemented => (SearchReply::default(), true),
        Err(status) => return Err(status),
    };
    let numbers: Vec<String> = reply.hits.iter().map(|it| it.number.clone()).collect();
    let mut connection = visit
        .register(centre)
        .pool()
        .acquire()
        .await
        .map_err(unreadable)?;
    // Asked again here: what a search index says is cut to what may be seen now.
    let rows = lists::rows_of(&mut connection, scope, &numbers)
        .await
        .map_err(unreadable)?;
    drop(connection);
    let names = Names::read(centre, visit).await?;
    let now = centre.platform.clock.micros();
    let rows = rows.iter().map(|entry| {
        let hit = reply.hits.iter().find(|it| it.number == entry.number);
        let key = match hit.map_or("", |it| it.matched.as_str()) {
            "number" => "console-matched-number",
            "phone" => "console-matched-phone",
            "email" => "console-matched-email",
            "place" => "console-matched-place",
            "name" => "console-matched-name",
            _ => "console-matched-words",
        };
        names.row(entry, now, &visit.words.get(key))
    });
    let found = FoundPage {
        rows: rows.collect(),
        frame: visit.frame(),
        shows_units: *scope == Scope::All,
        told: visit.words.with(
            "console-found-for",
            [("words", &words), ("limit", &lists::PAGE.to_string())],
        ),
        words,
        next: reply.next,
        is_away,
    };
    Ok(page(StatusCode::OK, &found))
}
