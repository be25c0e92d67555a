//! Has a parked stream tried again: who runs the reaction hears of it like of any other event.

use chassis::{Caller, Clock, event, refuse};
use contracts::ledger::v1::{
    AppendRequest, ReactionParked, ReactionRetried, RetryReactionRequest, StreamWrite,
};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::log::Log;

/// Records that a stream is to be tried again; gives the position.
pub(crate) async fn retry(
    log: &Log,
    caller: &Caller,
    clock: &Clock,
    request: &RetryReactionRequest,
    traceparent: String,
) -> Result<u64, Status> {
    let invalid = |field, problem: &str| refuse(Code::InvalidArgument, field, problem);
    let command_id: Uuid = request
        .command_id
        .parse()
        .map_err(|_| invalid("command_id", "is a UUID"))?;
    if request.reaction.is_empty() {
        return Err(invalid("reaction", "is missing"));
    }
    let fingerprint = event::fingerprint(request);
    let bookkeeping = format!("parked-{}", request.reaction);
    let history = log
        .read_stream(&bookkeeping, Some((command_id, &fingerprint)))
        .await?;
    if let Some(recorded) = history.recorded {
        return Ok(recorded.last_position);
    }

    let mut parked = None;
    for event in &history.events {
        let decoded = |it: event::Undecodable| Status::internal(it.to_string());
        if event::is::<ReactionParked>(event) {
            let it: ReactionParked = event::decode(event).map_err(decoded)?;
            if it.stream == request.stream {
                parked = Some(it.position);
            }
        } else if event::is::<ReactionRetried>(event) {
            let it: ReactionRetried = event::decode(event).map_err(decoded)?;
            if it.stream == request.stream {
                parked = None;
            }
        }
    }
    let Some(position) = parked else {
        return Err(refuse(Code::NotFound, "stream", "is not parked"));
    };

    let message = ReactionRetried {
        reaction: request.reaction.clone(),
        stream: request.stream.clone(),
        position,
    };
    let subjects = [
        "reactions".to_owned(),
        format!("reaction:{}", request.reaction),
    ];
    let append = AppendRequest {
        command_id: command_id.as_bytes().to_vec(),
        fingerprint: fingerprint.to_vec(),
        writes: vec![StreamWrite {
            stream: bookkeeping,
            expected_version: history.events.last().map_or(0, |it| it.version),
            events: vec![event::record(
                event::id(command_id, 0),
                &message,
                clock.now(),
                subjects,
            )],
        }],
        correlation_id: command_id.as_bytes().to_vec(),
        causation_id: vec![],
        actor: caller.actor.clone(),
        traceparent,
    };
    Ok(log.append(append, None).await?.last_position)
}
