//! Takes personal parts out of the log: first an event that names the positions, then the null. Without that event a part that is gone
//! is tampering, so nothing is nulled that no event names; and whoever dies in between left an order, which is carried out by
//! whoever looks at the log next (`standing.rs`), before anybody is served.
//!
//! **Invariant:** an order names positions before its own, and none twice.

use std::collections::BTreeSet;

use chassis::{Clock, Invalid, event, refuse};
use contracts::ledger::v1::{
    AppendRequest, ErasePersonalPartsRequest, Event, PersonalPartsErased, StreamWrite,
};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::{
    log::{Log, LogError},
    request,
    store::StoreError,
};

/// Who may ask: it alone knows what is on hold.
pub(crate) const WHO: &str = "intake";
/// Positions in one order.
pub const POSITIONS: usize = 10_000;
/// What the order is about, in its subjects.
const SUBJECT: &str = "erased-parts";
/// Positions in one statement.
const AT_ONCE: usize = 500;

/// The stream with a log's orders.
pub(crate) fn stream(log: &Log) -> String {
    format!("{SUBJECT}-{}", log.municipality())
}

/// The positions that an event orders to be erased; none for another event.
pub(crate) fn ordered(event: &Event) -> Vec<u64> {
    if !event::is::<PersonalPartsErased>(event) {
        return vec![];
    }
    let decoded: Result<PersonalPartsErased, _> = event::decode(event);
    let mut positions = decoded.map(|it| it.positions).unwrap_or_default();
    positions.retain(|it| *it < event.position);
    positions
}

/// Records the order and carries it out; gives its position.
pub async fn order(
    log: &Log,
    clock: &Clock,
    asked: &ErasePersonalPartsRequest,
    traceparent: &str,
) -> Result<u64, Status> {
    let command_id = request::id("command_id", &asked.command_id)?;
    let message = message(asked)?;
    let fingerprint = event::fingerprint(asked);
    loop {
        let known = Some((command_id, fingerprint.as_slice()));
        let orders = log.read_stream(&stream(log), known).await?;
        let position = match orders.recorded {
            Some(recorded) => recorded.last_position,
            None => {
                let head = log.head().await?.position;
                if message.positions.last().is_some_and(|it| *it > head) {
                    return Err(Invalid::at("positions", "has one that is not recorded").into());
                }
                if !log.store().may_erase().await.map_err(LogError::from)? {
                    let problem = "does not let the ledger erase: its login is no member of cozum_eraser (see roles.sql)";
                    return Err(refuse(Code::FailedPrecondition, "store", problem));
                }
                let version = orders.events.last().map_or(0, |it| it.version);
                let append = AppendRequest {
                    traceparent: traceparent.to_owned(),
                    ..append(log, clock, asked, &message, version)
                };
                match log.append(append, None).await {
                    Ok(reply) => reply.last_position,
                    // Another order came first.
                    Err(LogError::Stale { .. }) => continue,
                    Err(error) => return Err(error.into()),
                }
            }
        };
        carry_out(log).await.map_err(LogError::from)?;
        tracing::warn!(log = %log.municipality(), position, "personal parts were taken out of the log");
        return Ok(position);
    }
}

fn message(asked: &ErasePersonalPartsRequest) -> Result<PersonalPartsErased, Status> {
    let positions = &asked.positions;
    let rising = positions.is_sorted_by(|a, b| a < b);
    if positions.is_empty() || positions.len() > POSITIONS || !rising || positions[0] == 0 {
        return Err(Invalid::at("positions", "is not 1 to 10,000 positions that rise").into());
    }
    if asked.ground == 0 {
        return Err(Invalid::at("ground", "is missing").into());
    }
    Ok(PersonalPartsErased {
        positions: positions.clone(),
        ground: asked.ground,
        reference: asked.reference.clone(),
    })
}

fn append(
    log: &Log,
    clock: &Clock,
    asked: &ErasePersonalPartsRequest,
    message: &PersonalPartsErased,
    version: u64,
) -> AppendRequest {
    let id = event::id(Uuid::from_slice(&asked.command_id).unwrap_or_default(), 0);
    let order = event::record(id, message, clock.now(), [SUBJECT.to_owned()]);
    AppendRequest {
        command_id: asked.command_id.clone(),
        fingerprint: event::fingerprint(asked).to_vec(),
        writes: vec![StreamWrite {
            stream: stream(log),
            expected_version: version,
            events: vec![order],
        }],
        correlation_id: asked.command_id.clone(),
        causation_id: asked.causation_id.clone(),
        actor: asked.actor.clone(),
        traceparent: String::new(),
    }
}

/// The newest order of a log; 0 where there is none.
pub async fn newest(log: &Log) -> Result<u64, StoreError> {
    let orders = log.store().stream(&stream(log)).await?;
    Ok(orders.last().map_or(0, |it| it.position))
}

/// The positions that were ordered to be erased after a position.
pub(crate) async fn after(log: &Log, position: u64) -> Result<Vec<u64>, StoreError> {
    let orders = log.store().stream(&stream(log)).await?;
    let later = orders.iter().filter(|it| it.position > position);
    Ok(later.flat_map(ordered).collect())
}

/// All positions that were ordered to be erased.
pub async fn all(log: &Log) -> Result<BTreeSet<u64>, StoreError> {
    Ok(after(log, 0).await?.into_iter().collect())
}

/// Carries out every order of a log, also those that were carried out before: a store that came back from a backup may have some of
/// it again.
pub async fn carry_out(log: &Log) -> Result<(), StoreError> {
    let orders = log.store().stream(&stream(log)).await?;
    if orders.is_empty() {
        return Ok(());
    }
    for order in orders {
        for positions in ordered(&order).chunks(AT_ONCE) {
            log.store().erase(positions).await?;
        }
    }
    forget(log).await;
    Ok(())
}

/// Has the store forget what it keeps beside the log of what was erased. Where somebody who reads keeps it from that, the log is
/// served all the same, for nothing of it can be read any more but from the bytes of its files; it is tried again.
pub(crate) async fn forget(log: &Log) {
    let outcome = log.store().forget().await;
    log.standing().has_forgotten(outcome.is_ok());
    if let Err(error) = outcome {
        tracing::warn!(log = %log.municipality(), error = %anyhow::Error::from(error),
            "erased parts are still in the store's own log, because somebody reads for long: it is tried again");
    }
}
