//! Where a request stands, for whoever holds its number and its secret.

use std::{collections::HashMap, sync::Arc};

use askama::Template;
use axum::{
    extract::{Request, State},
    http::StatusCode,
    response::Response,
};
use chassis::Caller;
use contracts::{
    intake::v1::{GetRequestReply, GetRequestRequest, OpenRequest, open_request::Field},
    ledger::v1::Event,
};
use tonic::{Code, Status};
use vocabulary::{Language, Municipality, RequestNumber, RequestState};

use super::{
    notice, page,
    site::{Site, Visit},
    unavailable,
};
use crate::{
    Centre,
    heard::{self, Step},
    origin,
    params::Params,
    register::{Name, unit_name},
    text::{self, Words},
};

/// Why texts are opened here.
const PURPOSE: &str = "tracking";

#[derive(Template)]
#[template(path = "track.html")]
struct TrackPage {
    site: Site,
    number: String,
    is_wrong: bool,
}

#[derive(Template)]
#[template(path = "tracked.html")]
struct TrackedPage {
    site: Site,
    number: String,
    now: String,
    topic: String,
    unit: String,
    registered: String,
    updated: String,
    description: String,
    /// Newest first.
    moments: Vec<Moment>,
}

/// One line of what happened.
struct Moment {
    at: String,
    text: String,
    answer: String,
}

/// The empty form, or one with the number in it.
pub(super) async fn form(visit: Visit) -> Response {
    let number = visit.query.trimmed("number").chars().take(40).collect();
    page(
        StatusCode::OK,
        &TrackPage {
            site: visit.site.at("/track"),
            number,
            is_wrong: false,
        },
    )
}

/// Shows the request; a wrong number and a wrong secret get the same answer.
pub(super) async fn track(
    State(centre): State<Arc<Centre>>,
    visit: Visit,
    request: Request,
) -> Response {
    let Visit {
        municipality, site, ..
    } = visit;
    let site = site.at("/track");
    if !origin::is_own(
        request.headers(),
        request.uri(),
        centre.public_origin.as_deref(),
    ) {
        return notice(site, StatusCode::FORBIDDEN, "foreign-title", "foreign-text");
    }
    let params = match Params::of_body(request).await {
        Ok(params) => params,
        Err(unreadable) => {
            return notice(
                site,
                unreadable.status,
                "unreadable-title",
                "unreadable-text",
            );
        }
    };
    let number = params
        .trimmed("number")
        .chars()
        .take(40)
        .collect::<String>();
    match tracked(&centre, &municipality, &site, &number, &params).await {
        Ok(tracked) => page(StatusCode::OK, &tracked),
        Err(status) if is_wrong(&status) => page(
            StatusCode::NOT_FOUND,
            &TrackPage {
                site,
                number,
                is_wrong: true,
            },
        ),
        Err(status) => {
            tracing::warn!(code = ?status.code(), "a request could not be tracked");
            unavailable(site)
        }
    }
}

fn is_wrong(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::NotFound | Code::PermissionDenied | Code::InvalidArgument
    )
}

async fn tracked(
    centre: &Centre,
    municipality: &Municipality,
    site: &Site,
    number: &str,
    params: &Params,
) -> Result<TrackedPage, Status> {
    let caller = centre.caller(municipality, "citizen");
    // A number that cannot exist is asked for as well: the answer takes as long as for any other.
    let number = number
        .parse()
        .unwrap_or_else(|_| RequestNumber::new(1000, 0));
    let secret = params
        .trimmed("secret")
        .chars()
        .take(100)
        .collect::<String>();
    // An empty secret would ask without one.
    let secret = if secret.chars().any(char::is_alphanumeric) {
        secret
    } else {
        "0".to_owned()
    };
    let request = GetRequestRequest {
        number: number.to_string(),
        purpose: PURPOSE.to_owned(),
        tracking_secret: secret,
    };
    let reply = chassis::patiently(|| {
        let (mut intake, request) = (centre.intake(), caller.request(request.clone()));
        async move { intake.get_request(request).await }
    });
    let registered = reply.await?.into_inner();

    let ledger = centre.platform.ledger(municipality);
    let events = match ledger.read_stream(&format!("handling-{number}")).await {
        Err(status) if status.code() == Code::NotFound => vec![],
        outcome => outcome?,
    };
    let steps = steps(&events)?;
    let answers = answers(centre, &caller, &steps, site.words).await?;
    let register = centre.register(municipality);
    let units = register.units().await?;
    let language = site.words.0;
    let topic = register.topic(&registered.topic).await?;
    let topic = topic.map_or_else(
        || registered.topic.clone(),
        |it| text::capital(it.name.of(language), language),
    );
    Ok(told(
        site, number, registered, topic, &steps, answers, &units,
    ))
}

fn steps(events: &[Event]) -> Result<Vec<(&Event, Step)>, Status> {
    let mut steps = vec![];
    for event in events {
        let step = heard::step(event).map_err(|error| {
            tracing::error!(%error, "an event cannot be shown");
            Status::unavailable("an event cannot be read")
        })?;
        steps.extend(step.map(|it| (event, it)));
    }
    Ok(steps)
}

/// The opened answer of each step; an empty text where it has none.
async fn answers(
    centre: &Centre,
    caller: &Caller,
    steps: &[(&Event, Step)],
    words: Words,
) -> Result<Vec<String>, Status> {
    let field = |(event, step): &(&Event, Step)| {
        let sealed = step.answer.clone()?;
        Some(Field {
            event_id: event.event_id.clone(),
            name: "answer".to_owned(),
            sealed: Some(sealed),
        })
    };
    let fields: Vec<Field> = steps.iter().filter_map(field).collect();
    if fields.is_empty() {
        return Ok(vec![String::new(); steps.len()]);
    }
    let request = OpenRequest {
        purpose: PURPOSE.to_owned(),
        fields,
    };
    let reply = chassis::patiently(|| {
        let (mut intake, request) = (centre.intake(), caller.request(request.clone()));
        async move { intake.open(request).await }
    });
    let mut opened = reply.await?.into_inner().fields.into_iter();
    let mut answers = vec![];
    for (_, step) in steps {
        let answer = step.answer.as_ref().and_then(|_| opened.next());
        answers.push(match answer {
            Some(field) if field.erased => words.get("erased"),
            Some(field) => field.text,
            None => String::new(),
        });
    }
    Ok(answers)
}

fn told(
    site: &Site,
    number: RequestNumber,
    registered: GetRequestReply,
    topic: String,
    steps: &[(&Event, Step)],
    answers: Vec<String>,
    units: &HashMap<String, Name>,
) -> TrackedPage {
    let language = site.words.0;
    let received = Moment {
        at: text::moment(registered.occurred_at, language),
        text: site.t("seen-registered"),
        answer: String::new(),
    };
    let mut moments = vec![received];
    for ((event, step), answer) in steps.iter().zip(answers) {
        moments.push(Moment {
            at: text::moment(event.occurred_at, language),
            text: seen(step, site.words, units),
            answer,
        });
    }
    let updated = steps
        .iter()
        .map(|(event, _)| event.occurred_at)
        .max()
        .unwrap_or(registered.occurred_at);
    let unit = steps
        .iter()
        .rev()
        .map(|(_, step)| step.unit.as_str())
        .find(|it| !it.is_empty())
        .unwrap_or_default();
    moments.reverse();
    TrackedPage {
        site: site.clone(),
        number: number.to_string(),
        now: moments
            .first()
            .map(|it| it.text.clone())
            .unwrap_or_default(),
        topic,
        unit: unit_name(units, unit, language),
        registered: text::moment(registered.occurred_at, language),
        updated: text::moment(updated, language),
        description: registered.description,
        moments,
    }
}

/// What the citizen is told about a step.
fn seen(step: &Step, words: Words, units: &HashMap<String, Name>) -> String {
    let name = |code: &str, language: Language| unit_name(units, code, language);
    if step.answered {
        return words.get("seen-answered");
    }
    match step.state {
        RequestState::Registered => words.get("seen-registered"),
        RequestState::Routed => words.with("seen-routed", [("unit", &name(&step.unit, words.0))]),
        RequestState::Returned => words.get("seen-returned"),
        RequestState::Accepted => words.get("seen-accepted"),
        RequestState::Assigned => words.get("seen-assigned"),
        RequestState::InProgress => words.get("seen-in-progress"),
        RequestState::Planned => words.with(
            "seen-planned",
            [("date", &text::day(&step.planned_for, words.0))],
        ),
        RequestState::Referred => words.with(
            "seen-referred",
            [("institution", &name(&step.institution, words.0))],
        ),
        RequestState::Concluded => match step.sub_result {
            Some(sub_result) => {
                words.with("seen-concluded", [("result", sub_result.label(words.0))])
            }
            None => step.state.label(words.0).to_owned(),
        },
        RequestState::Reopened => words.get("seen-reopened"),
        RequestState::WaitingCitizen => words.get("seen-waiting-citizen"),
    }
}

#[cfg(test)]
mod tests;
