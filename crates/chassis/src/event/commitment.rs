//! What binds an event: 32 bytes that change when anything about it changes, and tell nothing to who has only them.
//!
//! ```text
//! facts_hash    = SHA-256("cozum/facts/v1\n" ‖ facts)
//! personal_hash = SHA-256("cozum/personal/v1\n" ‖ personal_salt ‖ personal)
//! commitment    = SHA-256("cozum/entry/v1\n" ‖ salt ‖ header ‖ facts_hash ‖ bytes(personal_hash))
//! header        = text(log) ‖ u64(position) ‖ bytes(event_id) ‖ text(stream) ‖ u64(version) ‖ text(type)
//!               ‖ u32(schema_version) ‖ u64(recorded_at) ‖ i64(occurred_at)
//!               ‖ bytes(correlation_id) ‖ bytes(causation_id) ‖ bytes(command_id)
//!               ‖ text(actor) ‖ text(traceparent) ‖ u32(number of subjects) ‖ text(subject)…
//! ```
//!
//! Numbers are big-endian; `text` and `bytes` are a u32 length and then UTF-8 or the bytes; `salt` is 16 bytes without a
//! length. So no two events have the same encoding. `personal_hash` stays after `personal` and its salt are erased: the
//! commitment still recomputes. An event that never had a personal part has an empty `personal_hash`.
//!
//! The test vectors below are part of the format: they never change.

use aws_lc_rs::digest::{Context, SHA256};
use contracts::ledger::v1::Event;

/// The hash of an event's personal part under its salt.
#[must_use]
pub fn personal_hash(salt: &[u8], personal: &[u8]) -> [u8; 32] {
    let mut hash = Context::new(&SHA256);
    hash.update(b"cozum/personal/v1\n");
    hash.update(salt);
    hash.update(personal);
    finish(hash)
}

/// The hash of an event's facts.
#[must_use]
pub fn facts_hash(facts: &[u8]) -> [u8; 32] {
    let mut hash = Context::new(&SHA256);
    hash.update(b"cozum/facts/v1\n");
    hash.update(facts);
    finish(hash)
}

/// The commitment to an event of a log; reads everything but `personal`, `personal_salt` and `commitment` itself.
#[must_use]
pub fn commitment(log: &str, event: &Event) -> [u8; 32] {
    let mut entry = Entry(Context::new(&SHA256));
    entry.raw(b"cozum/entry/v1\n");
    entry.raw(&event.salt);
    entry.bytes(log.as_bytes());
    entry.raw(&event.position.to_be_bytes());
    entry.bytes(&event.event_id);
    entry.bytes(event.stream.as_bytes());
    entry.raw(&event.version.to_be_bytes());
    entry.bytes(event.r#type.as_bytes());
    entry.raw(&event.schema_version.to_be_bytes());
    entry.raw(&event.recorded_at.to_be_bytes());
    entry.raw(&event.occurred_at.to_be_bytes());
    entry.bytes(&event.correlation_id);
    entry.bytes(&event.causation_id);
    entry.bytes(&event.command_id);
    entry.bytes(event.actor.as_bytes());
    entry.bytes(event.traceparent.as_bytes());
    entry.count(event.subjects.len());
    for subject in &event.subjects {
        entry.bytes(subject.as_bytes());
    }
    entry.raw(&facts_hash(&event.facts));
    entry.bytes(&event.personal_hash);
    finish(entry.0)
}

/// Whether an event is what its commitment says; a personal part that was erased is no contradiction.
#[must_use]
pub fn holds(log: &str, event: &Event) -> bool {
    let personal = event.personal_salt.is_empty()
        || personal_hash(&event.personal_salt, &event.personal).as_slice() == event.personal_hash;
    personal && commitment(log, event).as_slice() == event.commitment
}

struct Entry(Context);

impl Entry {
    fn raw(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn count(&mut self, count: usize) {
        let count = u32::try_from(count).expect("an event is far smaller than 4 GiB");
        self.raw(&count.to_be_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.raw(bytes);
    }
}

fn finish(hash: Context) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(hash.finish().as_ref());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registered() -> Event {
        let personal = b"sealed".to_vec();
        let personal_salt = vec![7; 16];
        Event {
            position: 42,
            event_id: vec![1; 16],
            stream: "request-2026-48120937-5".to_owned(),
            version: 1,
            r#type: "intake.RequestRegistered".to_owned(),
            schema_version: 1,
            recorded_at: 1_767_225_600_000_000,
            occurred_at: 1_767_225_599_000_000,
            correlation_id: vec![2; 16],
            causation_id: vec![],
            command_id: vec![3; 16],
            actor: "citizen".to_owned(),
            traceparent: String::new(),
            subjects: vec!["person:p".to_owned(), "request:2026-48120937-5".to_owned()],
            facts: "İğdır".as_bytes().to_vec(),
            personal_hash: personal_hash(&personal_salt, &personal).to_vec(),
            personal,
            personal_salt,
            salt: vec![9; 16],
            commitment: vec![],
        }
    }

    fn hex(bytes: [u8; 32]) -> String {
        bytes.iter().map(|it| format!("{it:02x}")).collect()
    }

    #[test]
    fn the_test_vectors_never_change() {
        let event = registered();
        assert_eq!(hex(facts_hash(&event.facts)), FACTS);
        assert_eq!(
            hex(personal_hash(&event.personal_salt, &event.personal)),
            PERSONAL
        );
        assert_eq!(hex(commitment("bozkoy", &event)), COMMITMENT);
        let without = Event {
            personal: vec![],
            personal_salt: vec![],
            personal_hash: vec![],
            ..event
        };
        assert_eq!(hex(commitment("bozkoy", &without)), WITHOUT_PERSONAL);
    }

    const FACTS: &str = "e74af18082c55b52cd73a8ae05d14a34710e4e2e3d9ca76cfd4879587f0e84a8";
    const PERSONAL: &str = "0a969448e4b16b0d6245212ba3d7d2f7b87adbdcccf6197153ee0cd82aedefd1";
    const COMMITMENT: &str = "4121bd36e7da67e958e43da5297a17a5553d72adbafe409050345f45c5b439db";
    const WITHOUT_PERSONAL: &str =
        "fe9177e694cac50399f1fdab00de5f53ed348abb47855d27a6ae1cf1f40caad5";

    #[test]
    fn it_still_holds_after_erasure() {
        let mut event = registered();
        event.commitment = commitment("bozkoy", &event).to_vec();
        assert!(holds("bozkoy", &event));
        event.personal.clear();
        event.personal_salt.clear();
        assert!(holds("bozkoy", &event));
    }

    #[test]
    fn any_change_shows() {
        let mut original = registered();
        original.commitment = commitment("bozkoy", &original).to_vec();
        let changes: [fn(&mut Event); 18] = [
            |it| it.position += 1,
            |it| it.event_id[0] ^= 1,
            |it| it.stream.push('x'),
            |it| it.version += 1,
            |it| it.r#type.push('x'),
            |it| it.schema_version += 1,
            |it| it.recorded_at += 1,
            |it| it.occurred_at -= 1,
            |it| it.correlation_id[15] ^= 1,
            |it| it.causation_id = vec![0; 16],
            |it| it.command_id[3] ^= 1,
            |it| it.actor.push('x'),
            |it| it.traceparent.push('0'),
            |it| it.subjects.swap(0, 1),
            |it| it.facts.push(0),
            |it| it.personal.push(0),
            |it| it.personal_hash[0] ^= 1,
            |it| it.salt[0] ^= 1,
        ];
        for (index, change) in changes.into_iter().enumerate() {
            let mut event = original.clone();
            change(&mut event);
            assert!(!holds("bozkoy", &event), "change {index} went unseen");
        }
        assert!(!holds("another", &original), "an event belongs to its log");
    }
}
