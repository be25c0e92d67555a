//! A fork, declared by a person: what had been signed cannot be brought back, so the log goes on under another name. An event says
//! which history was left and why; so whoever holds a checkpoint or a receipt of before is told the truth, and nobody has to be
//! believed: the old name is never signed again.

use chassis::{Clock, event};
use contracts::ledger::v1::{AppendRequest, Event, ForkGround, LogForked, StreamWrite};
use transparency::{Checkpoint, NotSigned};
use uuid::Uuid;

use super::{Memory, Signed, SigningSeed, edge_at, grown};
use crate::log::{Log, LogError};

/// Who declares it, as it stands in the log.
const ACTOR: &str = "system:restore";

/// Why no fork was declared.
#[derive(Debug, thiserror::Error)]
pub enum NotForked {
    /// Nothing was signed here.
    #[error("the signer remembers nothing: there is no history that could have been left")]
    NothingSigned,
    /// The log is what was signed.
    #[error("the log holds the {0} events that were signed: there is nothing to declare")]
    Whole(u64),
    /// What was signed last does not open with the key.
    #[error("what was signed last {0}")]
    Key(#[from] NotSigned),
    /// What was signed last is no checkpoint.
    #[error("what was signed last is no checkpoint")]
    Form,
    /// The memory's file.
    #[error("the signer's memory")]
    Memory(#[from] std::io::Error),
    /// The log did not take it.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl From<crate::StoreError> for NotForked {
    fn from(error: crate::StoreError) -> Self {
        Self::Log(error.into())
    }
}

/// What was declared.
#[derive(Debug)]
pub struct Forked {
    /// The newest state of the history that was left.
    pub left: Checkpoint,
    /// Where the declaration stands.
    pub position: u64,
    /// The name under which the log goes on.
    pub origin: String,
}

/// The stream with a log's forks.
pub(crate) fn stream(log: &Log) -> String {
    format!("fork-{}", log.municipality())
}

/// The newest fork of a log, if there ever was one.
pub(crate) async fn newest(log: &Log) -> Result<Option<Event>, LogError> {
    Ok(log.read_stream(&stream(log), None).await?.events.pop())
}

/// Declares that the log goes on without what was signed last here. The log's upkeep must run. Declared again after an
/// interruption, it finishes what was begun.
pub async fn declare(
    log: &Log,
    seed: &SigningSeed,
    memory: &Memory,
    ground: ForkGround,
    clock: &Clock,
) -> Result<Forked, NotForked> {
    let note = memory.recall().await?.ok_or(NotForked::NothingSigned)?;
    let name = note.lines().next().ok_or(NotForked::Form)?;
    let left = seed.key(name)?.open(&note)?.parse::<Checkpoint>();
    let left = left.map_err(|_| NotForked::Form)?;
    let head = log.head().await?.position;
    if head >= left.size && edge_at(log.store(), left.size).await?.root() == left.root {
        return Err(NotForked::Whole(left.size));
    }

    let forks = log.read_stream(&stream(log), None).await?.events;
    let command_id = Uuid::new_v5(&Uuid::NAMESPACE_URL, note.as_bytes());
    let begun = forks
        .last()
        .filter(|it| it.command_id == command_id.as_bytes());
    let (event, origin) = match begun {
        Some(event) => {
            let forked: LogForked = event::decode(event).map_err(|_| NotForked::Form)?;
            (event.position, forked.origin)
        }
        None => {
            let origin = renamed(&left.origin, log.municipality().as_str(), forks.len() + 1);
            let message = LogForked {
                checkpoint: note.clone(),
                origin: origin.clone(),
                ground: ground.into(),
            };
            let append = append(log, command_id, &message, forks.len() as u64, clock);
            (log.append(append, None).await?.last_position, origin)
        }
    };
    memory.leave(left.size).await?;
    let head = log.head().await?.position;
    let (edge, full) = grown(log.store(), head).await?;
    let checkpoint = Checkpoint {
        origin: origin.clone(),
        size: head,
        root: edge.root(),
    };
    let signed = Signed {
        size: head,
        note: seed.key(&origin)?.sign(&checkpoint.to_string()),
    };
    // The store first: until the memory has it too, the fork can be declared again.
    let kept = log
        .store()
        .keep(&full, std::slice::from_ref(&signed), clock.micros());
    kept.await?;
    memory.remember(&signed.note).await?;
    Ok(Forked {
        left,
        position: event,
        origin,
    })
}

fn append(
    log: &Log,
    command_id: Uuid,
    message: &LogForked,
    version: u64,
    clock: &Clock,
) -> AppendRequest {
    let subjects = ["forks".to_owned()];
    AppendRequest {
        command_id: command_id.as_bytes().to_vec(),
        fingerprint: event::fingerprint(message).to_vec(),
        writes: vec![StreamWrite {
            stream: stream(log),
            expected_version: version,
            events: vec![event::record(
                event::id(command_id, 0),
                message,
                clock.now(),
                subjects,
            )],
        }],
        correlation_id: command_id.as_bytes().to_vec(),
        causation_id: vec![],
        actor: ACTOR.to_owned(),
        traceparent: String::new(),
    }
}

/// "example.org/log/ova" becomes "example.org/log/fork-1/ova", and that "example.org/log/fork-2/ova": a log's name ends with its
/// municipality.
fn renamed(origin: &str, municipality: &str, number: usize) -> String {
    let prefix = origin.strip_suffix(municipality).unwrap_or(origin);
    let prefix = prefix.trim_end_matches('/');
    let before = match prefix.rsplit_once('/') {
        Some((before, last)) if last.starts_with("fork-") => before,
        Some(_) | None => prefix,
    };
    format!("{before}/fork-{number}/{municipality}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forked_logs_name_ends_with_its_municipality() {
        let first = renamed("example.org/log/ova", "ova", 1);
        assert_eq!(first, "example.org/log/fork-1/ova");
        assert_eq!(renamed(&first, "ova", 2), "example.org/log/fork-2/ova");
    }
}
