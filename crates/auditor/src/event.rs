//! An event as it lies in a file or a receipt: `cozum.ledger.v1.Event`, read where it lies. Only what protobuf's writers write is
//! taken: fields in their order, none that is unknown or at its default, no number longer than it must be. So what was read is all
//! that lies there, and nothing can hide beside it.

use crate::tree::{Hash, sha256};

/// The fields of `cozum.ledger.v1.Event`, by their numbers there.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Event<'a> {
    pub(crate) position: u64,
    pub(crate) event_id: &'a [u8],
    pub(crate) stream: &'a str,
    pub(crate) version: u64,
    pub(crate) kind: &'a str,
    pub(crate) schema_version: u32,
    pub(crate) recorded_at: u64,
    pub(crate) occurred_at: i64,
    pub(crate) correlation_id: &'a [u8],
    pub(crate) causation_id: &'a [u8],
    pub(crate) command_id: &'a [u8],
    pub(crate) actor: &'a str,
    pub(crate) traceparent: &'a str,
    pub(crate) subjects: Vec<&'a str>,
    pub(crate) facts: &'a [u8],
    pub(crate) personal: &'a [u8],
    pub(crate) personal_salt: &'a [u8],
    pub(crate) personal_hash: &'a [u8],
    pub(crate) salt: &'a [u8],
    pub(crate) commitment: &'a [u8],
}

/// The one field that may stand there more than once, and be empty.
const SUBJECTS: u64 = 14;

impl<'a> Event<'a> {
    /// The event that these bytes are, all of them.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut event = Self::default();
        let (mut rest, mut last) = (bytes, 0);
        while !rest.is_empty() {
            let tag = number(&mut rest)?;
            let field = tag >> 3;
            if field < last || (field == last && field != SUBJECTS) {
                return None;
            }
            last = field;
            match tag & 7 {
                0 => {
                    let value = number(&mut rest).filter(|it| *it != 0)?;
                    event.take_number(field, value)?;
                }
                2 => {
                    let value = counted(&mut rest)?;
                    if value.is_empty() && field != SUBJECTS {
                        return None;
                    }
                    event.take_bytes(field, value)?;
                }
                _ => return None,
            }
        }
        Some(event)
    }

    fn take_number(&mut self, field: u64, value: u64) -> Option<()> {
        match field {
            1 => self.position = value,
            4 => self.version = value,
            6 => self.schema_version = u32::try_from(value).ok()?,
            7 => self.recorded_at = value,
            8 => self.occurred_at = value.cast_signed(),
            _ => return None,
        }
        Some(())
    }

    fn take_bytes(&mut self, field: u64, value: &'a [u8]) -> Option<()> {
        let text = || std::str::from_utf8(value).ok();
        match field {
            2 => self.event_id = value,
            3 => self.stream = text()?,
            5 => self.kind = text()?,
            9 => self.correlation_id = value,
            10 => self.causation_id = value,
            11 => self.command_id = value,
            12 => self.actor = text()?,
            13 => self.traceparent = text()?,
            SUBJECTS => self.subjects.push(text()?),
            15 => self.facts = value,
            16 => self.personal = value,
            17 => self.personal_salt = value,
            18 => self.personal_hash = value,
            19 => self.salt = value,
            20 => self.commitment = value,
            _ => return None,
        }
        Some(())
    }

    /// What it must have as its commitment in a log of this name (ledger, `commitment.rs`). `room` is written over.
    pub(crate) fn due_commitment(&self, log: &str, room: &mut Vec<u8>) -> Hash {
        room.clear();
        room.extend(b"cozum/entry/v1\n");
        room.extend(self.salt);
        put(room, log.as_bytes());
        room.extend(self.position.to_be_bytes());
        put(room, self.event_id);
        put(room, self.stream.as_bytes());
        room.extend(self.version.to_be_bytes());
        put(room, self.kind.as_bytes());
        room.extend(self.schema_version.to_be_bytes());
        room.extend(self.recorded_at.to_be_bytes());
        room.extend(self.occurred_at.to_be_bytes());
        put(room, self.correlation_id);
        put(room, self.causation_id);
        put(room, self.command_id);
        put(room, self.actor.as_bytes());
        put(room, self.traceparent.as_bytes());
        count(room, self.subjects.len());
        for subject in &self.subjects {
            put(room, subject.as_bytes());
        }
        room.extend(sha256(&[b"cozum/facts/v1\n", self.facts]));
        put(room, self.personal_hash);
        sha256(&[room])
    }

    /// What its personal part must have as its hash.
    pub(crate) fn due_personal_hash(&self) -> Hash {
        sha256(&[b"cozum/personal/v1\n", self.personal_salt, self.personal])
    }
}

/// The events that a file begins with, each behind its length, and whether nothing else is in it.
pub(crate) fn split(mut bytes: &[u8]) -> (Vec<Event<'_>>, bool) {
    let mut events = vec![];
    while !bytes.is_empty() {
        let Some(event) = counted(&mut bytes).and_then(Event::read) else {
            return (events, false);
        };
        events.push(event);
    }
    (events, true)
}

/// A number as protobuf writes it, in as few bytes as it needs.
fn number(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for place in 0..10 {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        let digits = u64::from(byte & 0x7f);
        if place == 9 && digits > 1 {
            return None;
        }
        value |= digits << (7 * place);
        if byte & 0x80 == 0 {
            return (*byte != 0 || place == 0).then_some(value);
        }
    }
    None
}

/// Bytes behind their length.
fn counted<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(number(rest)?).ok()?;
    let (value, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(value)
}

fn put(room: &mut Vec<u8>, bytes: &[u8]) {
    count(room, bytes.len());
    room.extend(bytes);
}

/// No event is near 4 GiB; a length that were would not match any commitment.
fn count(room: &mut Vec<u8>, count: usize) {
    room.extend(u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use contracts::ledger::v1;
    use proptest::prelude::*;
    use prost::Message as _;

    use super::*;

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(any::<u8>(), 0..40)
    }

    prop_compose! {
        fn events()(
            numbers in any::<(u64, u64, u32, u64, i64)>(),
            texts in proptest::collection::vec(".{0,12}", 5),
            subjects in proptest::collection::vec(".{0,12}", 0..4),
            blobs in proptest::collection::vec(bytes(), 10),
        ) -> v1::Event {
            let mut blobs = blobs.into_iter();
            let mut blob = || blobs.next().unwrap_or_default();
            v1::Event {
                position: numbers.0,
                version: numbers.1,
                schema_version: numbers.2,
                recorded_at: numbers.3,
                occurred_at: numbers.4,
                stream: texts[0].clone(),
                r#type: texts[1].clone(),
                actor: texts[2].clone(),
                traceparent: texts[3].clone(),
                subjects,
                event_id: blob(),
                correlation_id: blob(),
                causation_id: blob(),
                command_id: blob(),
                facts: blob(),
                personal: blob(),
                personal_salt: blob(),
                personal_hash: blob(),
                salt: blob(),
                commitment: blob(),
            }
        }
    }

    /// What protobuf's own reader makes of these bytes, where its writer would write them so again.
    fn by_the_library(bytes: &[u8]) -> Option<v1::Event> {
        let event = v1::Event::decode(bytes).ok()?;
        (event.encode_to_vec() == bytes).then_some(event)
    }

    fn same(ours: &Event<'_>, theirs: &v1::Event) -> bool {
        let subjects: Vec<&str> = theirs.subjects.iter().map(String::as_str).collect();
        *ours
            == Event {
                position: theirs.position,
                event_id: &theirs.event_id,
                stream: &theirs.stream,
                version: theirs.version,
                kind: &theirs.r#type,
                schema_version: theirs.schema_version,
                recorded_at: theirs.recorded_at,
                occurred_at: theirs.occurred_at,
                correlation_id: &theirs.correlation_id,
                causation_id: &theirs.causation_id,
                command_id: &theirs.command_id,
                actor: &theirs.actor,
                traceparent: &theirs.traceparent,
                subjects,
                facts: &theirs.facts,
                personal: &theirs.personal,
                personal_salt: &theirs.personal_salt,
                personal_hash: &theirs.personal_hash,
                salt: &theirs.salt,
                commitment: &theirs.commitment,
            }
    }

    fn agrees(bytes: &[u8]) -> bool {
        match (Event::read(bytes), by_the_library(bytes)) {
            (Some(ours), Some(theirs)) => same(&ours, &theirs),
            (ours, theirs) => ours.is_none() && theirs.is_none(),
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_the_library_reads_and_would_write_again(
            event in events(),
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
            cut in any::<prop::sample::Index>(),
        ) {
            let written = event.encode_to_vec();
            let read = Event::read(&written);
            prop_assert!(read.is_some_and(|it| same(&it, &event)));
            prop_assert!(agrees(&written[..cut.index(written.len() + 1)]));
            if !written.is_empty() {
                let mut changed = written.clone();
                let index = at.index(changed.len());
                changed[index] = byte;
                prop_assert!(agrees(&changed), "{changed:02x?}");
                changed = written;
                changed.insert(index, byte);
                prop_assert!(agrees(&changed), "{changed:02x?}");
            }
        }

        #[test]
        fn anything_at_all_is_read_as_the_library_reads_it(bytes in proptest::collection::vec(0_u8..24, 0..12)) {
            prop_assert!(agrees(&bytes), "{bytes:02x?}");
        }
    }

    #[test]
    fn a_number_has_no_second_form() {
        for (bytes, value) in [
            (&[0x01][..], Some(1)),
            (&[0x80, 0x01], Some(128)),
            (&[0x81, 0x00], None),
            (&[0x80], None),
            (
                &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
                Some(u64::MAX),
            ),
            (
                &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02],
                None,
            ),
        ] {
            assert_eq!(number(&mut &*bytes), value, "{bytes:02x?}");
        }
    }
}
