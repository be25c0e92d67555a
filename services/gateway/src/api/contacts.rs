//! Contacts: somebody turned to the centre, with or without a request.

use axum::{http::HeaderMap, response::Response};
use contracts::intake::v1::{Citizen, RegisterContactRequest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    caller::Program,
    input::{Body, NoQuery},
    problem::Problem,
    requests::{Who, created},
    words::{ChannelWord, something},
};
use crate::access::{Action, Resource};

/// A contact to be recorded.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewContact {
    channel: ChannelWord,
    citizen: Option<Who>,
    /// What it was about; sealed.
    #[schema(
        max_length = 4000,
        pattern = "^[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f]*$"
    )]
    note: Option<String>,
}

/// A contact as it was recorded.
#[derive(Serialize, ToSchema)]
pub(super) struct Recorded {
    contact: String,
    /// The citizen's pseudonym; null for nobody known.
    person: Option<String>,
    /// The log's position at which it stands.
    #[schema(minimum = 1)]
    position: u64,
}

/// Record a contact
///
/// A call or a visit that was answered at once is a contact without a request. Where a request comes of it, file the
/// request with the contact's id.
#[utoipa::path(post, path = "/contacts", tag = "contacts", operation_id = "recordContact", request_body = NewContact,
    params(("Idempotency-Key" = Option<String>, Header, pattern = "^[!-~]{1,255}$", description = "Makes it safe to send again")),
    responses((status = 201, description = "Recorded", body = Recorded,
        headers(("Cozum-Position" = u64, description = "Where it stands in the log")))))]
pub(super) async fn record(
    program: Program,
    _: NoQuery,
    headers: HeaderMap,
    Body(new): Body<NewContact>,
) -> Result<Response, Problem> {
    program.may(Action::File, Resource::Centre)?;
    let command = RegisterContactRequest {
        command_id: program.command_id(&headers)?.to_string(),
        channel: new.channel.0.number(),
        citizen: new.citizen.map(Citizen::from),
        note: new.note.unwrap_or_default(),
        ..RegisterContactRequest::default()
    };
    let caller = program.caller();
    let reply = chassis::patiently(|| {
        let (mut intake, request) = (program.centre.intake(), caller.request(command.clone()));
        async move { intake.register_contact(request).await }
    });
    let reply = reply.await?.into_inner();
    let recorded = Recorded {
        contact: reply.contact,
        person: something(reply.person),
        position: reply.position,
    };
    Ok(created("", reply.position, recorded))
}
