//! One request: what is known of it, everything that happened to it, its clocks, and what can be done with it.

mod view;

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
};
use chassis::Role;
use contracts::{
    intake::v1::GetAttachmentRequest,
    routing::v1::{ReturnReason, routing_client::RoutingClient},
};
use tonic::Status;
use vocabulary::{RequestNumber, SubResult};

use super::{
    Frame,
    actions::{self, Act, REASONS, Refusal},
    names::{Choice, Names, choice},
    page,
    page::Visit,
    story::{self, Line},
    then::Then,
};
use crate::{
    Centre,
    access::{Action, Resource},
    params::Params,
    text::Words,
};
use view::View;

/// Why personal data is opened here.
const PURPOSE: &str = "console";

/// One form of an act.
struct Form {
    act: Act,
    title: String,
    button: String,
    /// Unfolded: the usual next step, or one that was just refused.
    open: bool,
    typed: Params,
    /// The field that is wrong, and what to do about it.
    wrong: Option<(&'static str, String)>,
}

impl Form {
    fn code(&self) -> &'static str {
        self.act.code()
    }

    fn value(&self, name: &str) -> &str {
        self.typed.get(name)
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.typed.trimmed(name) == value
    }

    fn error(&self, name: &str) -> &str {
        match &self.wrong {
            Some((field, message)) if *field == name => message,
            Some(_) | None => "",
        }
    }
}

/// The lists that forms choose from.
#[derive(Default)]
struct Lists {
    units: Vec<Choice>,
    institutions: Vec<Choice>,
    results: Vec<Choice>,
    reasons: Vec<Choice>,
}

/// What came of an act, said at the top of the page.
enum Said {
    Done(String),
    /// Somebody else was quicker: what they did.
    Conflict(Vec<Line>),
    Refused(String),
    /// The page is as of a moment.
    Then(String),
}

#[derive(Template)]
#[template(path = "console/request.html")]
struct RequestPage {
    frame: Frame,
    view: View,
    forms: Vec<Form>,
    lists: Lists,
    said: Option<Said>,
    /// The version that every form says its sender saw.
    version: u64,
    /// The command that a form becomes.
    key: String,
    sees_events: bool,
    /// How often personal data was viewed.
    looked: String,
    /// The moment that was asked for, as it was typed; "" for now.
    as_of: String,
}

/// The page.
pub(super) async fn show(
    State(centre): State<Arc<Centre>>,
    visit: Visit,
    Path(number): Path<String>,
) -> Response {
    match Then::asked(&centre, &visit).await {
        Ok(None) => {}
        Ok(Some(then)) => return as_it_was(&centre, &visit, &number, then).await,
        Err(status) => return Then::refused(&visit, &status),
    }
    let done = Act::coded(visit.query.trimmed("done"));
    let said = done.map(|it| Said::Done(visit.words.get(&format!("console-done-{}", it.code()))));
    answer(&centre, &visit, &number, None, said).await
}

/// The page as of a moment: nothing can be done on it, and no personal text is opened for it.
async fn as_it_was(centre: &Centre, visit: &Visit, number: &str, then: Then) -> Response {
    let outcome = async {
        let number = known(number)?;
        let names = Names::read(centre, visit).await?;
        View::read(centre, visit, &number, &names, Some(then)).await
    };
    let mut view = match outcome.await {
        Ok(view) => view,
        Err(status) => return visit.failed(&status),
    };
    let words = visit.words;
    view.newest_first();
    let shown = RequestPage {
        frame: visit.frame(),
        version: view.version,
        key: String::new(),
        looked: words.with("console-looked", [("count", &view.looks.len().to_string())]),
        view,
        forms: vec![],
        lists: Lists::default(),
        said: Some(Said::Then(then.told(words))),
        sees_events: false,
        as_of: visit.query.trimmed("as_of").to_owned(),
    };
    page(StatusCode::OK, &shown)
}

/// Somebody does something with the request.
pub(super) async fn act(
    act: Act,
    State(centre): State<Arc<Centre>>,
    visit: Visit,
    Path(number): Path<String>,
    request: Request,
) -> Response {
    let params = match Params::of_body(request).await {
        Ok(params) => params,
        Err(_) => return visit.notice(StatusCode::BAD_REQUEST, "console-unreadable"),
    };
    match acted(&centre, &visit, &number, act, &params).await {
        Ok(number) => {
            let to = format!("/console/requests/{number}?done={}", act.code());
            Redirect::to(&to).into_response()
        }
        Err(status) => match actions::refusal(&status, visit.words) {
            Some(refusal) => {
                answer(&centre, &visit, &number, Some((act, params, refusal)), None).await
            }
            None => visit.failed(&status),
        },
    }
}

async fn acted(
    centre: &Centre,
    visit: &Visit,
    number: &str,
    act: Act,
    params: &Params,
) -> Result<RequestNumber, Status> {
    let number = known(number)?;
    let unit = view::unit_of(centre, visit, &number).await?;
    if !visit
        .signed
        .may(act.action(), Resource::Request { unit: &unit })
    {
        return Err(Status::permission_denied("this is not allowed"));
    }
    let target = actions::target(number.as_str(), params, centre.platform.ids.fresh());
    let routing = RoutingClient::new(centre.platform.channel(Role::Routing));
    let caller = visit.signed.caller(centre);
    let reply = actions::send(&routing, &caller, act, target, params).await?;
    tracing::info!(request.number = %number, act = act.code(), position = reply.position, "staff acted on {number}");
    Ok(number)
}

/// A number that can exist.
fn known(number: &str) -> Result<RequestNumber, Status> {
    number
        .parse()
        .map_err(|_| Status::not_found("no such request"))
}

async fn answer(
    centre: &Centre,
    visit: &Visit,
    number: &str,
    refused: Option<(Act, Params, Refusal)>,
    said: Option<Said>,
) -> Response {
    let outcome = async {
        let number = known(number)?;
        let names = Names::read(centre, visit).await?;
        let view = View::read(centre, visit, &number, &names, None).await?;
        Ok::<_, Status>((view, names))
    };
    match outcome.await {
        Ok((view, names)) => shown(centre, visit, view, &names, refused, said).await,
        Err(status) => visit.failed(&status),
    }
}

async fn shown(
    centre: &Centre,
    visit: &Visit,
    mut view: View,
    names: &Names,
    refused: Option<(Act, Params, Refusal)>,
    said: Option<Said>,
) -> Response {
    let words = visit.words;
    let (status, said) = match &refused {
        None => (StatusCode::OK, said),
        Some((_, params, Refusal::Conflict)) => {
            let seen: u64 = params.trimmed("version").parse().unwrap_or_default();
            (StatusCode::CONFLICT, Some(Said::Conflict(view.since(seen))))
        }
        Some((.., Refusal::Field(_, message))) => (
            StatusCode::BAD_REQUEST,
            Some(Said::Refused(message.clone())),
        ),
        Some((.., Refusal::State)) => {
            let message = words.with("console-state-refuses", [("state", view.state_name(words))]);
            (StatusCode::CONFLICT, Some(Said::Refused(message)))
        }
        Some((.., Refusal::Again)) => (
            StatusCode::CONFLICT,
            Some(Said::Refused(words.get("console-sent-before"))),
        ),
        Some((.., Refusal::Erased)) => (
            StatusCode::CONFLICT,
            Some(Said::Refused(words.get("console-erased-refuses"))),
        ),
    };
    let lists = match lists(centre, visit, names).await {
        Ok(lists) => lists,
        Err(status) => return visit.failed(&status),
    };
    let forms = forms(visit, &view, refused);
    let frame = visit.frame().at(view.position);
    view.newest_first();
    let sees_events = visit
        .signed
        .may(Action::SeeEvents, Resource::Request { unit: &view.unit });
    let shown = RequestPage {
        frame,
        version: view.version,
        key: centre.platform.ids.fresh().to_string(),
        looked: words.with("console-looked", [("count", &view.looks.len().to_string())]),
        view,
        forms,
        lists,
        said,
        sees_events,
        as_of: String::new(),
    };
    page(status, &shown)
}

/// The forms of what may be done now. One that was refused keeps everything that was typed, even where it is not allowed any
/// longer.
fn forms(visit: &Visit, view: &View, refused: Option<(Act, Params, Refusal)>) -> Vec<Form> {
    let words = visit.words;
    let mut acts = Act::open_to(visit.signed.actor(), &view.unit, view.state());
    if let Some((act, ..)) = &refused
        && !acts.contains(act)
    {
        acts.push(*act);
    }
    let usual = Act::usual(view.state());
    let mut refused = refused;
    let mut forms: Vec<Form> = acts
        .into_iter()
        .map(|act| {
            let mut form = Form {
                act,
                title: words.get(&format!("console-act-{}", act.code())),
                button: words.get(&format!("console-do-{}", act.code())),
                open: false,
                typed: Params::default(),
                wrong: None,
            };
            if let Some((_, typed, refusal)) = refused.take_if(|(it, ..)| *it == act) {
                form.open = true;
                form.typed = typed;
                if let Refusal::Field(field, message) = refusal {
                    form.wrong = Some((field, message));
                }
            }
            form
        })
        .collect();
    let first = forms.iter().position(|it| it.act == usual);
    if let Some(first) = first {
        forms[..=first].rotate_right(1);
        forms[0].open = true;
    }
    forms
}

async fn lists(centre: &Centre, visit: &Visit, names: &Names) -> Result<Lists, Status> {
    let words = visit.words;
    let outside = visit.register(centre).outside_units().await?;
    let of = |is_outside: bool| {
        let units = names.sorted_units().into_iter();
        let units = units.filter(|(code, _)| outside.iter().any(|it| it == code) == is_outside);
        units
            .map(|(code, name)| choice(code, name.to_owned(), ""))
            .collect()
    };
    let results = SubResult::ALL
        .iter()
        .filter(|it| **it != SubResult::NotStated);
    let results = results.map(|it| choice(it.code(), it.label(words.0).to_owned(), ""));
    let reason = |(code, reason): (&'static str, ReturnReason)| {
        choice(code, words.get(story::reason_key(reason)), "")
    };
    Ok(Lists {
        units: of(false),
        institutions: of(true),
        results: results.collect(),
        reasons: REASONS.map(reason).into(),
    })
}

/// One picture of the request.
pub(super) async fn file(
    State(centre): State<Arc<Centre>>,
    visit: Visit,
    Path((number, file)): Path<(String, String)>,
) -> Response {
    match opened(&centre, &visit, &number, file).await {
        Ok(response) => response,
        Err(status) => visit.failed(&status),
    }
}

async fn opened(
    centre: &Centre,
    visit: &Visit,
    number: &str,
    file: String,
) -> Result<Response, Status> {
    let number = known(number)?;
    let unit = view::unit_of(centre, visit, &number).await?;
    if !visit
        .signed
        .may(Action::SeePersonal, Resource::Request { unit: &unit })
    {
        return Err(Status::permission_denied("this is not allowed"));
    }
    let request = GetAttachmentRequest {
        number: number.to_string(),
        id: file,
        purpose: PURPOSE.to_owned(),
        ..GetAttachmentRequest::default()
    };
    let caller = visit.signed.caller(centre);
    let reply = centre
        .intake()
        .get_attachment(caller.request(request))
        .await?
        .into_inner();
    let kind = match reply.media_type.as_str() {
        "image/jpeg" => "image/jpeg",
        "image/png" => "image/png",
        "image/webp" => "image/webp",
        _ => "application/octet-stream",
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'"),
        ),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, reply.content).into_response())
}

/// What a page says where there is nothing to say.
fn or_none(text: String, words: Words) -> String {
    if text.is_empty() {
        words.get("console-none")
    } else {
        text
    }
}
