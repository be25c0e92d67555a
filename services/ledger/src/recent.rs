//! What a writer remembers of its own commits, so that the next batch need not ask for it.

use std::collections::HashMap;

use crate::{
    request::Prepared,
    store::{Batch, Head, Known},
};

/// Streams of one generation; two are kept.
const STREAMS: usize = 16_384;
/// After a wrong guess, so many batches ask: whoever repeats old commands repeats many.
const CAUTIOUS: u32 = 32;

/// The versions of the streams that were written last; they hold at the head that this writer left.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    /// Unknown at first and after any doubt.
    head: Option<Head>,
    left: Option<Head>,
    young: HashMap<String, u64>,
    old: HashMap<String, u64>,
    cautious: u32,
}

impl Recent {
    /// The head as it was left, once: who does not come back with a commit is in doubt about it.
    pub(crate) fn take_head(&mut self) -> Option<Head> {
        self.head.take()
    }

    /// What these requests want to know, if all of them can be appended: a stream that is expected to be new is guessed to be,
    /// and every command too. `None` where something must be asked for.
    pub(crate) fn known<'a>(
        &mut self,
        requests: impl Iterator<Item = &'a Prepared>,
    ) -> Option<Known> {
        let head = self.head?;
        if self.cautious > 0 {
            self.cautious -= 1;
            return None;
        }
        let mut versions = HashMap::new();
        let mut ahead: HashMap<&str, u64> = HashMap::new();
        for write in requests.flat_map(|it| &it.writes) {
            let stream = write.stream.as_str();
            let now = ahead.get(stream).copied().or_else(|| {
                let known = self.young.get(stream).or_else(|| self.old.get(stream));
                versions.extend(known.map(|it| (stream.to_owned(), *it)));
                known.copied()
            });
            // What does not fit may be a command that was recorded before: only the store tells.
            if now.unwrap_or_default() != write.expected {
                return None;
            }
            ahead.insert(stream, write.expected + write.events.len() as u64);
        }
        Some(Known {
            head,
            versions,
            commands: HashMap::new(),
        })
    }

    /// A guess was wrong.
    pub(crate) fn was_wrong(&mut self) {
        self.cautious = CAUTIOUS;
    }

    /// What a commit left behind. Where it did not begin at the head that was left, somebody else has written in between.
    pub(crate) fn committed(&mut self, batch: &Batch) {
        if self.left != Some(batch.before) {
            self.young.clear();
            self.old.clear();
        }
        self.head = Some(batch.after);
        self.left = self.head;
        for event in &batch.events {
            if let Some(version) = self.young.get_mut(&event.stream) {
                *version = event.version;
            } else {
                if self.young.len() >= STREAMS {
                    self.old = std::mem::take(&mut self.young);
                }
                self.young.insert(event.stream.clone(), event.version);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use contracts::ledger::v1::Event;
    use uuid::Uuid;

    use super::*;
    use crate::request::Write;

    fn asks(stream: &str, expected: u64) -> Prepared {
        Prepared {
            command_id: Uuid::from_u128(1),
            fingerprint: [0; 32],
            writes: vec![Write {
                stream: stream.to_owned(),
                expected,
                events: vec![Arc::default()],
            }],
            events: 1,
            bytes: 0,
            traceparent: String::new(),
        }
    }

    fn after(position: u64, stream: &str, version: u64) -> Batch {
        let head = |position| Head {
            position,
            recorded_at: position,
        };
        let event = Event {
            position,
            stream: stream.to_owned(),
            version,
            ..Event::default()
        };
        Batch {
            before: head(position - 1),
            after: head(position),
            events: vec![Arc::new(event)],
            commands: vec![],
        }
    }

    fn version(recent: &mut Recent, stream: &str, expected: u64) -> Option<Option<u64>> {
        let known = recent.known([&asks(stream, expected)].into_iter())?;
        Some(known.versions.get(stream).copied())
    }

    #[test]
    fn what_was_written_is_known_what_is_new_is_guessed_and_the_rest_is_asked() {
        let mut recent = Recent::default();
        assert_eq!(version(&mut recent, "a", 0), None, "no head yet");
        recent.committed(&after(7, "a", 3));
        assert_eq!(version(&mut recent, "a", 3), Some(Some(3)));
        assert_eq!(version(&mut recent, "a", 0), None, "or it is a repetition");
        assert_eq!(version(&mut recent, "b", 0), Some(None));
        assert_eq!(version(&mut recent, "b", 2), None);
        let two = [asks("a", 3), asks("a", 4)];
        assert!(recent.known(two.iter()).is_some(), "one after the other");
        assert!(recent.known([asks("a", 3), asks("a", 3)].iter()).is_none());
        recent.committed(&after(8, "a", 4));
        assert_eq!(version(&mut recent, "a", 4), Some(Some(4)));
    }

    #[test]
    fn a_wrong_guess_and_a_lost_head_make_it_ask() {
        let mut recent = Recent::default();
        recent.committed(&after(7, "a", 3));
        recent.was_wrong();
        for _ in 0..CAUTIOUS {
            assert_eq!(version(&mut recent, "a", 3), None);
        }
        assert_eq!(version(&mut recent, "a", 3), Some(Some(3)));
        assert!(recent.take_head().is_some());
        assert_eq!(version(&mut recent, "a", 3), None);
        recent.committed(&after(8, "b", 1));
        assert_eq!(version(&mut recent, "a", 3), Some(Some(3)));
        recent.committed(&after(20, "b", 2));
        assert_eq!(version(&mut recent, "a", 3), None);
    }

    #[test]
    fn old_streams_are_let_go_and_the_newest_never() {
        let mut recent = Recent::default();
        for n in 0..=2 * STREAMS as u64 {
            recent.committed(&after(n + 1, &format!("s{n}"), 1));
        }
        assert_eq!(version(&mut recent, "s0", 1), None);
        let last = format!("s{}", 2 * STREAMS);
        assert_eq!(version(&mut recent, &last, 1), Some(Some(1)));
        assert!(recent.young.len() + recent.old.len() <= 2 * STREAMS);
    }
}
