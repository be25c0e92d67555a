//! The commitment to an event, computed from its definition (ledger, `commitment.rs`).

use contracts::ledger::v1::Event;

use crate::tree::{Hash, sha256};

/// What an event of a log must have as its commitment.
pub(crate) fn commitment(log: &str, event: &Event) -> Hash {
    let mut bytes = b"cozum/entry/v1\n".to_vec();
    bytes.extend(&event.salt);
    text(&mut bytes, log.as_bytes());
    bytes.extend(event.position.to_be_bytes());
    text(&mut bytes, &event.event_id);
    text(&mut bytes, event.stream.as_bytes());
    bytes.extend(event.version.to_be_bytes());
    text(&mut bytes, event.r#type.as_bytes());
    bytes.extend(event.schema_version.to_be_bytes());
    bytes.extend(event.recorded_at.to_be_bytes());
    bytes.extend(event.occurred_at.to_be_bytes());
    text(&mut bytes, &event.correlation_id);
    text(&mut bytes, &event.causation_id);
    text(&mut bytes, &event.command_id);
    text(&mut bytes, event.actor.as_bytes());
    text(&mut bytes, event.traceparent.as_bytes());
    count(&mut bytes, event.subjects.len());
    for subject in &event.subjects {
        text(&mut bytes, subject.as_bytes());
    }
    bytes.extend(sha256(&[b"cozum/facts/v1\n", &event.facts]));
    text(&mut bytes, &event.personal_hash);
    sha256(&[&bytes])
}

/// What an event's personal part must have as its hash.
pub(crate) fn personal_hash(event: &Event) -> Hash {
    sha256(&[
        b"cozum/personal/v1\n",
        &event.personal_salt,
        &event.personal,
    ])
}

fn text(bytes: &mut Vec<u8>, text: &[u8]) {
    count(bytes, text.len());
    bytes.extend(text);
}

/// No event is near 4 GiB; a length that were would not match any commitment.
fn count(bytes: &mut Vec<u8>, count: usize) {
    bytes.extend(u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes());
}
