//! Everything that happened to a request, as facts.

use axum::{Json, response::Response};
use chassis::event::event_id;
use contracts::ledger::v1::Event;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{private, seen};
use crate::{
    access::Action,
    api::{
        as_of::{CutOff, Then},
        caller::Program,
        input::{Named, Query},
        problem::Problem,
        words::time,
    },
    facts,
};

/// One thing that happened.
#[derive(Serialize, ToSchema)]
struct Happened {
    /// Its place in the log.
    position: u64,
    id: Uuid,
    #[schema(example = "routing.RequestRouted")]
    r#type: String,
    /// When it happened.
    #[schema(format = DateTime)]
    time: String,
    /// When it was recorded.
    #[schema(format = DateTime)]
    recorded_at: String,
    /// Who did it: "citizen", "staff:…", "api:…", "system:…".
    actor: String,
    /// The id of the event that led to it.
    cause: Option<Uuid>,
    /// Facts by their names; what is personal is not among them.
    #[schema(value_type = Object)]
    data: Value,
}

/// The history of a request.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct History {
    events: Vec<Happened>,
    /// Only with `as_of`: where that moment cuts the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    as_of: Option<CutOff>,
}

/// Read a request's history
///
/// Everything that was recorded about it, oldest first, without personal data; with `as_of` what was recorded until then.
#[utoipa::path(get, path = "/requests/{number}/history", tag = "requests", operation_id = "getHistory",
    params(("number" = String, Path, pattern = "^[0-9]{4}-[0-9]{8}-[0-9]$", example = "2026-48120937-8"), Then),
    responses((status = 200, description = "All events", body = History)))]
pub(in crate::api) async fn history(
    program: Program,
    Named(number): Named,
    Query(then): Query<Then>,
) -> Result<Response, Problem> {
    let entry = seen(&program, &number, Action::See).await?;
    let ledger = program.centre.platform.ledger(program.municipality());
    let as_of = match &then.as_of {
        Some(moment) => Some(moment.cut_off(&program).await?),
        None => None,
    };
    let until = as_of.as_ref().map_or(u64::MAX, |it| it.position);
    let subject = format!("request:{}", entry.number);
    let events = ledger.history_until(&subject, until).await?;
    let events = events.iter().filter(|it| is_about_the_work(it));
    Ok(private(Json(History {
        as_of,
        events: events.map(happened).collect(),
    })))
}

/// Who looked at personal data is for the auditor, not for a program that works on requests.
fn is_about_the_work(event: &Event) -> bool {
    event.r#type != "intake.PersonalDataViewed"
}

fn happened(event: &Event) -> Happened {
    Happened {
        position: event.position,
        id: event_id(event),
        r#type: event.r#type.clone(),
        time: time(event.occurred_at),
        recorded_at: time(i64::try_from(event.recorded_at).unwrap_or_default()),
        actor: event.actor.clone(),
        cause: Uuid::from_slice(&event.causation_id).ok(),
        data: facts::of(event),
    }
}
