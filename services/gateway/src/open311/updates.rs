//! mySociety's extension to GeoReport: what happened to requests since a moment, and what another system has to add.

use axum::http::StatusCode;
use chassis::Role;
use contracts::{
    intake::v1::{OpenRequest, open_request},
    ledger::v1::Event,
    routing::v1::{
        AcceptRequestRequest, AddCommentRequest, CommentAdded, ConcludeRequestRequest,
        RecordCitizenMessageRequest, StartWorkRequest, Target, routing_client::RoutingClient,
    },
};
use serde::Serialize;
use tonic::{Code, Status};
use vocabulary::{Channel, RequestState, SubResult};

use super::{Asked, Problems, READER, filter, show};
use crate::{
    Centre,
    access::{Action, Resource, may},
    keys::Holder,
    params::Params,
    register::unreadable,
    text::{self, Words},
};

/// What another system must say.
const NEEDED: [&str; 5] = [
    "service_request_id",
    "update_id",
    "updated_datetime",
    "status",
    "description",
];
/// Characters of a text at most.
const LONGEST: usize = 4_000;

#[derive(Debug, Serialize)]
pub(super) struct Update {
    update_id: String,
    service_request_id: String,
    status: &'static str,
    updated_datetime: String,
    description: String,
    media_url: Option<String>,
    external_status_code: &'static str,
    customer_reference: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Taken {
    update_id: String,
}

/// One row of what happened; state 0 is a public remark.
#[derive(sqlx::FromRow)]
struct Step {
    at: i64,
    position: i64,
    number: String,
    state: i32,
    sub_result: i32,
    planned_for: String,
    public: bool,
    now: i32,
}

/// What happened, in its order.
pub(super) async fn list(
    centre: &Centre,
    asked: &Asked<'_>,
    params: &Params,
) -> Result<Vec<Update>, Problems> {
    let span = filter::updates(params, centre.platform.clock.now())?;
    let steps: Vec<Step> = sqlx::query_as(
        "select step.at, step.position, step.number, step.state, step.sub_result, step.planned_for,
            coalesce(topic.public, 0) as public, request.state as now
         from step join request on request.number = step.number left join topic on topic.code = request.topic
         where step.at between ?1 and ?2 order by step.at, step.position limit ?3",
    )
    .bind(span.from)
    .bind(span.to)
    .bind(filter::MOST)
    .fetch_all(centre.register(asked.municipality).pool())
    .await
    .map_err(unreadable)?;
    let mut updates = vec![];
    for step in steps {
        updates.extend(update(centre, asked, step).await?);
    }
    Ok(updates)
}

async fn update(
    centre: &Centre,
    asked: &Asked<'_>,
    step: Step,
) -> Result<Option<Update>, Problems> {
    let words = Words(asked.language);
    let reached = RequestState::try_from(step.state).ok();
    let description = match reached {
        Some(state) => told(state, &step, words),
        None if step.public => match remark(centre, asked, step.position).await? {
            Some(text) => text,
            None => return Ok(None),
        },
        None => return Ok(None),
    };
    let state = reached
        .or_else(|| RequestState::try_from(step.now).ok())
        .unwrap_or(RequestState::Registered);
    Ok(Some(Update {
        update_id: step.position.to_string(),
        service_request_id: step.number,
        status: status(state),
        updated_datetime: text::iso(step.at),
        description,
        media_url: None,
        external_status_code: state.code(),
        customer_reference: None,
    }))
}

fn status(state: RequestState) -> &'static str {
    if state == RequestState::Concluded {
        "closed"
    } else {
        "open"
    }
}

fn told(state: RequestState, step: &Step, words: Words) -> String {
    if !step.planned_for.is_empty() {
        let day = text::day(&step.planned_for, words.0);
        return words.with("seen-planned", [("date", &day)]);
    }
    match SubResult::try_from(step.sub_result) {
        Ok(result) => format!("{}: {}", state.label(words.0), result.label(words.0)),
        Err(_) => state.label(words.0).to_owned(),
    }
}

/// A remark that the public may read; `None` where it was erased.
async fn remark(
    centre: &Centre,
    asked: &Asked<'_>,
    position: i64,
) -> Result<Option<String>, Problems> {
    let before = u64::try_from(position - 1).unwrap_or_default();
    let ledger = centre.platform.ledger(asked.municipality);
    let events: Vec<Event> = ledger.read(before, 1).await?;
    let Some(event) = events
        .first()
        .filter(|it| chassis::event::is::<CommentAdded>(it))
    else {
        return Ok(None);
    };
    let comment: CommentAdded =
        chassis::event::decode(event).map_err(|error| Status::internal(error.to_string()))?;
    let Some(sealed) = comment.personal.and_then(|it| it.text) else {
        return Ok(None);
    };
    let request = OpenRequest {
        purpose: "open311".to_owned(),
        fields: vec![open_request::Field {
            event_id: event.event_id.clone(),
            name: "text".to_owned(),
            sealed: Some(sealed),
        }],
    };
    let caller = centre.caller(asked.municipality, READER);
    let reply = chassis::patiently(|| {
        let (mut intake, request) = (centre.intake(), caller.request(request.clone()));
        async move { intake.open(request).await }
    });
    let opened = reply.await?.into_inner().fields.into_iter().next();
    Ok(opened
        .filter(|it| !it.erased)
        .map(|it| super::published::published(&it.text).into_owned()))
}

/// Records what another system adds: as work where its key may work on the request, else as what the citizen wrote. The
/// same id again is told to be there already.
pub(super) async fn record(
    centre: &Centre,
    asked: &Asked<'_>,
    key: &Holder,
    params: &Params,
) -> Result<Taken, Problems> {
    let mut wrong: Vec<(&str, String)> = vec![];
    for name in NEEDED {
        if params.trimmed(name).is_empty() {
            wrong.push((name, "is missing".to_owned()));
        }
    }
    for name in ["update_id", "description", "media_url"] {
        if params.get(name).chars().nth(LONGEST).is_some() {
            wrong.push((name, "is longer than 4,000 characters".to_owned()));
        }
    }
    if let Err(problem) = filter::moment(params.trimmed("updated_datetime"), false)
        && !params.trimmed("updated_datetime").is_empty()
    {
        wrong.push(("updated_datetime", problem.to_owned()));
    }
    if let Some(problems) = Problems::of_parameters(&wrong) {
        return Err(problems);
    }
    let number = show::known_number(params.trimmed("service_request_id"))?;
    let known = show::these(centre, asked, std::slice::from_ref(&number))
        .await?
        .pop();
    let entry = known.ok_or_else(|| show::unknown("no such request"))?;
    let update_id = params.trimmed("update_id");
    let command_id = |what: &str| {
        let known = format!("{what} {number} {update_id}");
        let ids = &centre.platform.ids;
        ids.for_key(&key.principal(), &known).to_string()
    };
    let target = |what: &str| Target {
        command_id: command_id(what),
        number: number.to_string(),
        ..Target::default()
    };
    let mut text = params.get("description").to_owned();
    if !params.trimmed("media_url").is_empty() {
        text.push('\n');
        text.push_str(params.trimmed("media_url"));
    }
    let work = Work::of(params.trimmed("status")).filter(|_| {
        let unit = entry.unit.as_str();
        may(&key.actor, Action::Work, Resource::Request { unit })
    });
    let exists = || {
        let problem = "update_id: an update with this id already exists";
        Problems::one(StatusCode::BAD_REQUEST, problem)
    };
    // Whatever is recorded at or before this position was there when the call came.
    let head = centre.platform.ledger(asked.municipality).head().await?;
    let caller = centre.caller(asked.municipality, &key.recorded_as());
    let routing = RoutingClient::new(centre.platform.channel(Role::Routing));
    let said = Said {
        caller,
        routing,
        text,
    };
    let reply = match work {
        Some(work) => {
            said.by_the_unit(work, target("update"), target("remark"))
                .await
        }
        None => said.by_the_citizen(target("update")).await,
    };
    match reply {
        Ok(position) if position <= head => Err(exists()),
        Ok(_) => Ok(Taken {
            update_id: update_id.to_owned(),
        }),
        Err(status) if status.code() == Code::AlreadyExists => Err(exists()),
        Err(status) => Err(status.into()),
    }
}

/// What the status of an update asks of a unit's work, in mySociety's words. Any other says nothing that a unit does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    Accept,
    Start,
    Conclude(SubResult),
}

impl Work {
    fn of(status: &str) -> Option<Self> {
        match status.to_ascii_lowercase().as_str() {
            "investigating" => Some(Self::Accept),
            "in_progress" => Some(Self::Start),
            "closed" | "fixed" => Some(Self::Conclude(SubResult::Solved)),
            "no_further_action" => Some(Self::Conclude(SubResult::Refused)),
            "not_councils_responsibility" => Some(Self::Conclude(SubResult::OutOfAuthority)),
            _ => None,
        }
    }
}

/// What another system said, on its way to routing.
struct Said {
    caller: chassis::Caller,
    routing: RoutingClient<tonic::transport::Channel>,
    text: String,
}

impl Said {
    /// As what the citizen wrote. Answers with the position it was recorded at.
    async fn by_the_citizen(self, target: Target) -> Result<u64, Status> {
        let call = RecordCitizenMessageRequest {
            target: Some(target),
            channel: Channel::Open311.number(),
            text: self.text,
        };
        let reply = chassis::patiently(|| {
            let (mut routing, call) = (self.routing.clone(), self.caller.request(call.clone()));
            async move { routing.record_citizen_message(call).await }
        });
        Ok(reply.await?.into_inner().position)
    }

    /// As the work of a program that may work on the request; its words stand beside it where the work has no room for them.
    async fn by_the_unit(self, work: Work, target: Target, remark: Target) -> Result<u64, Status> {
        let (caller, mut routing) = (&self.caller, self.routing.clone());
        let target = Some(target);
        let reply = match work {
            Work::Accept => {
                routing
                    .accept_request(caller.request(AcceptRequestRequest { target }))
                    .await?
            }
            Work::Start => {
                routing
                    .start_work(caller.request(StartWorkRequest { target }))
                    .await?
            }
            Work::Conclude(sub_result) => {
                let call = ConcludeRequestRequest {
                    target,
                    sub_result: sub_result.number(),
                    answer: self.text,
                    ..ConcludeRequestRequest::default()
                };
                let reply = routing.conclude_request(caller.request(call)).await?;
                return Ok(reply.into_inner().position);
            }
        };
        let call = AddCommentRequest {
            target: Some(remark),
            text: self.text,
            public: false,
        };
        routing.add_comment(caller.request(call)).await?;
        Ok(reply.into_inner().position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixmystreets_states_are_understood() {
        for (status, work) in [
            ("FIXED", Some(Work::Conclude(SubResult::Solved))),
            ("CLOSED", Some(Work::Conclude(SubResult::Solved))),
            ("IN_PROGRESS", Some(Work::Start)),
            ("INVESTIGATING", Some(Work::Accept)),
            (
                "NOT_COUNCILS_RESPONSIBILITY",
                Some(Work::Conclude(SubResult::OutOfAuthority)),
            ),
            (
                "NO_FURTHER_ACTION",
                Some(Work::Conclude(SubResult::Refused)),
            ),
            // These need a date, a number or a decision that an update does not carry.
            ("OPEN", None),
            ("ACTION_SCHEDULED", None),
            ("DUPLICATE", None),
            ("INTERNAL_REFERRAL", None),
            ("FOR_TRIAGE", None),
            ("CANCELLED", None),
            ("REOPEN", None),
        ] {
            assert_eq!(Work::of(status), work, "{status}");
        }
    }
}
