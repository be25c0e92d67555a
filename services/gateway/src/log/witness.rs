//! The municipality as a witness of others' logs (C2SP `tlog-witness`): `/log/<municipality>/witness` is the submission prefix and
//! the monitoring prefix. The ledger decides and remembers; here it becomes HTTP.

use std::sync::Arc;

use axum::{
    body::to_bytes,
    extract::{Path, Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use contracts::ledger::v1::{
    AddCheckpointRequest, CheckpointRefusal, WitnessedCheckpointRequest,
    add_checkpoint_reply::Outcome,
};

use super::{Missing, READER, latest, served, text};
use crate::{
    Centre,
    access::Action,
    doors::{Doors, Entry},
    limits::Limit,
};

/// A proof of 63 hashes and a note with some dozens of signatures are well within it.
const LONGEST: usize = 256 << 10;

pub(super) fn doors() -> Doors {
    let anybody = Action::Public.centre();
    let below = |path: &str| format!("/log/{{municipality}}/witness/{path}");
    Doors::new(Entry::Open)
        .get(&below("key"), anybody, key)
        .get(&below("{origin}/checkpoint"), anybody, checkpoint)
        .post(&below("add-checkpoint"), anybody, add_checkpoint)
        .limited(Limit::Public)
}

/// The public half of the key that cosigns.
async fn key(State(centre): State<Arc<Centre>>, Path(slug): Path<String>) -> Response {
    match latest(&centre, &slug, false).await {
        Ok(it) if it.witness_key.is_empty() => Missing::Nothing.into_response(),
        Ok(it) => text(format!("{}\n", it.witness_key), "public, max-age=3600"),
        Err(missing) => missing.into_response(),
    }
}

/// What was cosigned last of the log whose origin has this SHA-256.
async fn checkpoint(
    State(centre): State<Arc<Centre>>,
    Path((slug, origin)): Path<(String, String)>,
) -> Response {
    let asked = async {
        let municipality = served(&centre, &slug)?;
        let upper = origin.bytes().any(|it| it.is_ascii_uppercase());
        let origin_hash = chassis::cloudevents::unhex(&origin).filter(|_| !upper);
        let request = WitnessedCheckpointRequest {
            origin_hash: origin_hash.ok_or(Missing::Nothing)?,
        };
        let request = centre.caller(municipality, READER).request(request);
        let reply = centre.ledger().witnessed_checkpoint(request).await?;
        Ok::<_, Missing>(reply.into_inner().note)
    };
    match asked.await {
        Ok(note) => text(note, "public, max-age=1"),
        Err(missing) => missing.into_response(),
    }
}

async fn add_checkpoint(
    State(centre): State<Arc<Centre>>,
    Path(slug): Path<String>,
    request: Request,
) -> Response {
    let Ok(body) = to_bytes(request.into_body(), LONGEST).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let asked = async {
        let request = AddCheckpointRequest {
            body: body.to_vec(),
        };
        let caller = centre.caller(served(&centre, &slug)?, READER);
        let reply = centre
            .ledger()
            .add_checkpoint(caller.request(request))
            .await?;
        reply.into_inner().outcome.ok_or(Missing::Away)
    };
    asked.await.map_or_else(Missing::into_response, answer)
}

fn answer(outcome: Outcome) -> Response {
    match outcome {
        Outcome::Cosignatures(lines) => text(lines, "no-store"),
        Outcome::LatestSize(size) => {
            let kind = HeaderValue::from_static("text/x.tlog.size");
            let body = format!("{size}\n");
            (StatusCode::CONFLICT, [(header::CONTENT_TYPE, kind)], body).into_response()
        }
        Outcome::Refusal(refusal) => {
            let status = match CheckpointRefusal::try_from(refusal) {
                Ok(CheckpointRefusal::UnknownLog) => StatusCode::NOT_FOUND,
                Ok(CheckpointRefusal::NotSigned) => StatusCode::FORBIDDEN,
                Ok(CheckpointRefusal::Inconsistent) => StatusCode::UNPROCESSABLE_ENTITY,
                Ok(CheckpointRefusal::Malformed | CheckpointRefusal::Unspecified) | Err(_) => {
                    StatusCode::BAD_REQUEST
                }
            };
            status.into_response()
        }
    }
}
