//! The events of a request as they are stored: for those who check.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use contracts::ledger::v1::Event;
use tonic::Status;
use uuid::Uuid;
use vocabulary::RequestNumber;

use super::{Frame, history::History, page, page::Visit};
use crate::{
    Centre,
    access::{Action, Resource},
    facts, text,
};

/// One event as it is stored.
struct Raw {
    position: u64,
    name: String,
    stream: String,
    version: u64,
    recorded: String,
    occurred: String,
    actor: String,
    event_id: String,
    command_id: String,
    causation_id: String,
    correlation_id: String,
    /// Its position, where the cause is one of these events.
    cause: String,
    commitment: String,
    facts: String,
    /// The fields that are sealed in it.
    sealed: String,
    erased: bool,
}

#[derive(Template)]
#[template(path = "console/raw.html")]
struct RawPage {
    frame: Frame,
    number: String,
    events: Vec<Raw>,
}

pub(super) async fn events(
    State(centre): State<Arc<Centre>>,
    visit: Visit,
    Path(number): Path<String>,
) -> Response {
    match read(&centre, &visit, &number).await {
        Ok(raw) => page(StatusCode::OK, &raw),
        Err(status) => visit.failed(&status),
    }
}

async fn read(centre: &Centre, visit: &Visit, number: &str) -> Result<RawPage, Status> {
    let number: RequestNumber = number
        .parse()
        .map_err(|_| Status::not_found("no such request"))?;
    let ledger = centre.platform.ledger(visit.signed.municipality());
    let events = ledger.history(&format!("request:{number}")).await?;
    let history = History::of(&events).map_err(|error| {
        tracing::error!(%error, "an event cannot be shown");
        Status::unavailable("an event cannot be read")
    })?;
    if history.registered.is_none() {
        return Err(Status::not_found("no such request"));
    }
    let unit = &history.standing.unit;
    let sees = |action| visit.signed.may(action, Resource::Request { unit });
    if !sees(Action::See) || !sees(Action::SeeEvents) {
        return Err(Status::permission_denied("this is not allowed"));
    }
    let raw = events.iter().map(|it| raw(it, &events));
    Ok(RawPage {
        frame: visit.frame(),
        number: number.to_string(),
        events: raw.collect(),
    })
}

fn raw(event: &Event, all: &[Event]) -> Raw {
    let cause = all
        .iter()
        .find(|it| !event.causation_id.is_empty() && it.event_id == event.causation_id);
    let sealed: Vec<String> = facts::sealed(event)
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    Raw {
        position: event.position,
        name: event.r#type.clone(),
        stream: event.stream.clone(),
        version: event.version,
        recorded: text::iso(i64::try_from(event.recorded_at).unwrap_or_default()),
        occurred: text::iso(event.occurred_at),
        actor: event.actor.clone(),
        event_id: id(&event.event_id),
        command_id: id(&event.command_id),
        causation_id: id(&event.causation_id),
        correlation_id: id(&event.correlation_id),
        cause: cause.map(|it| it.position.to_string()).unwrap_or_default(),
        commitment: event
            .commitment
            .iter()
            .map(|it| format!("{it:02x}"))
            .collect(),
        facts: serde_json::to_string_pretty(&facts::of(event)).unwrap_or_default(),
        sealed: sealed.join(", "),
        erased: chassis::event::is_bare(event),
    }
}

fn id(bytes: &[u8]) -> String {
    Uuid::from_slice(bytes)
        .map(|it| it.to_string())
        .unwrap_or_default()
}
