//! What becomes of each request of a batch, in order. Pure: all it knows is what was read after the head was known.

use std::{collections::HashMap, sync::Arc};

use chassis::event::commitment;
use contracts::ledger::v1::Event;
use uuid::Uuid;

use crate::{
    request::Prepared,
    store::{Asked, Batch, Head, Known, Recorded},
};

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// These positions are its events, once the batch is committed.
    Append {
        first: u64,
        last: u64,
        recorded_at: u64,
    },
    /// Its command is recorded already, here.
    Replay { first: u64, last: u64 },
    /// A stream is not where its writer thought.
    Stale {
        stream: String,
        expected: u64,
        actual: u64,
    },
    /// Its command id was used for something else.
    Reused,
}

/// What must be read before these requests are decided.
pub(crate) fn asks<'a>(requests: impl Iterator<Item = &'a Prepared>) -> Asked {
    let mut asked = Asked::default();
    for request in requests {
        asked.commands.push(request.command_id);
        asked
            .streams
            .extend(request.writes.iter().map(|it| it.stream.clone()));
    }
    asked.streams.sort_unstable();
    asked.streams.dedup();
    asked.commands.sort_unstable();
    asked.commands.dedup();
    asked
}

/// Decides requests in order; later ones see what earlier ones of the same batch write. `now` in microseconds.
///
/// The events are those of the requests, not copies: a request that is decided again gives them other places.
pub(crate) fn decide<'a>(
    log: &str,
    requests: impl Iterator<Item = &'a mut Prepared>,
    known: Known,
    now: u64,
) -> (Batch, Vec<Verdict>) {
    let Known {
        head,
        versions,
        commands,
    } = known;
    let mut deciding = Deciding {
        log,
        now,
        head,
        versions,
        commands,
        events: vec![],
        recorded: vec![],
    };
    let verdicts = requests.map(|it| deciding.next(it)).collect();
    let batch = Batch {
        before: head,
        after: deciding.head,
        events: deciding.events,
        commands: deciding.recorded,
    };
    (batch, verdicts)
}

struct Deciding<'a> {
    log: &'a str,
    now: u64,
    head: Head,
    versions: HashMap<String, u64>,
    commands: HashMap<Uuid, Recorded>,
    events: Vec<Arc<Event>>,
    recorded: Vec<Recorded>,
}

impl Deciding<'_> {
    fn next(&mut self, request: &mut Prepared) -> Verdict {
        if let Some(known) = self.commands.get(&request.command_id) {
            return if known.is_of(request.fingerprint) {
                Verdict::Replay {
                    first: known.first,
                    last: known.last,
                }
            } else {
                Verdict::Reused
            };
        }
        for write in &request.writes {
            let actual = self
                .versions
                .get(&write.stream)
                .copied()
                .unwrap_or_default();
            if actual != write.expected {
                return Verdict::Stale {
                    stream: write.stream.clone(),
                    expected: write.expected,
                    actual,
                };
            }
        }
        let first = self.head.position + 1;
        for event in request.writes.iter_mut().flat_map(|it| &mut it.events) {
            self.append(event);
        }
        let last = self.head.position;
        let recorded = Recorded {
            command_id: request.command_id,
            fingerprint: Some(request.fingerprint),
            first,
            last,
        };
        self.commands.insert(request.command_id, recorded);
        self.recorded.push(recorded);
        Verdict::Append {
            first,
            last,
            recorded_at: self.head.recorded_at,
        }
    }

    /// Gives an event its place and its time. Time strictly rises, so that "as of" names exactly one position.
    fn append(&mut self, event: &mut Arc<Event>) {
        let version = match self.versions.get_mut(&event.stream) {
            Some(version) => version,
            None => self.versions.entry(event.stream.clone()).or_default(),
        };
        *version += 1;
        self.head = Head {
            position: self.head.position + 1,
            recorded_at: self.now.max(self.head.recorded_at + 1),
        };
        let placed = Arc::make_mut(event);
        placed.position = self.head.position;
        placed.version = *version;
        placed.recorded_at = self.head.recorded_at;
        placed.commitment = commitment::commitment(self.log, placed).to_vec();
        self.events.push(Arc::clone(event));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Write;

    fn request(command: u128, fingerprint: u8, writes: &[(&str, u64)]) -> Prepared {
        let write = |(stream, expected): &(&str, u64)| {
            let event = Event {
                stream: (*stream).to_owned(),
                ..Event::default()
            };
            Write {
                stream: (*stream).to_owned(),
                expected: *expected,
                events: vec![Arc::new(event)],
            }
        };
        Prepared {
            command_id: Uuid::from_u128(command),
            fingerprint: [fingerprint; 32],
            writes: writes.iter().map(write).collect(),
            events: writes.len(),
            bytes: 0,
            traceparent: String::new(),
        }
    }

    /// Decides after position 10, where stream "a" is at version 3 and command 1 recorded position 9 with fingerprint 1.
    fn after_ten(requests: &mut [Prepared], now: u64) -> (Batch, Vec<Verdict>) {
        let recorded = Recorded {
            command_id: Uuid::from_u128(1),
            fingerprint: Some([1; 32]),
            first: 9,
            last: 9,
        };
        let known = Known {
            head: Head {
                position: 10,
                recorded_at: 1_000,
            },
            versions: HashMap::from([("a".to_owned(), 3)]),
            commands: HashMap::from([(recorded.command_id, recorded)]),
        };
        decide("bozkoy", requests.iter_mut(), known, now)
    }

    fn stale(stream: &str, expected: u64, actual: u64) -> Verdict {
        Verdict::Stale {
            stream: stream.to_owned(),
            expected,
            actual,
        }
    }

    #[test]
    fn later_requests_see_what_earlier_ones_of_the_batch_write() {
        let mut requests = [
            request(2, 1, &[("a", 3)]),
            request(3, 1, &[("a", 3)]),
            request(4, 1, &[("a", 4), ("b", 0)]),
        ];
        let (batch, verdicts) = after_ten(&mut requests, 0);
        let appended = |first, last, recorded_at| Verdict::Append {
            first,
            last,
            recorded_at,
        };
        assert_eq!(
            verdicts,
            [
                appended(11, 11, 1_001),
                stale("a", 3, 4),
                appended(12, 13, 1_003)
            ]
        );
        let places: Vec<_> = batch
            .events
            .iter()
            .map(|it| (it.position, it.stream.as_str(), it.version))
            .collect();
        assert_eq!(places, [(11, "a", 4), (12, "a", 5), (13, "b", 1)]);
        assert_eq!((batch.before.position, batch.after.position), (10, 13));
    }

    #[test]
    fn a_command_is_known_again_within_its_own_batch() {
        let mut requests = [
            request(2, 1, &[("b", 0)]),
            request(2, 1, &[("b", 0)]),
            request(2, 2, &[("b", 0)]),
            request(1, 1, &[("b", 0)]),
            request(1, 2, &[("b", 0)]),
        ];
        let (batch, verdicts) = after_ten(&mut requests, 0);
        let replayed = |position| Verdict::Replay {
            first: position,
            last: position,
        };
        let appended = Verdict::Append {
            first: 11,
            last: 11,
            recorded_at: 1_001,
        };
        assert_eq!(
            verdicts,
            [
                appended,
                replayed(11),
                Verdict::Reused,
                replayed(9),
                Verdict::Reused
            ]
        );
        assert_eq!((batch.events.len(), batch.commands.len()), (1, 1));
    }

    #[test]
    fn a_refused_request_leaves_nothing() {
        let mut requests = [
            request(2, 1, &[("b", 0), ("a", 0)]),
            request(2, 1, &[("b", 0)]),
        ];
        let (batch, verdicts) = after_ten(&mut requests, 0);
        assert_eq!(verdicts[0], stale("a", 0, 3));
        assert_eq!(
            verdicts[1],
            Verdict::Append {
                first: 11,
                last: 11,
                recorded_at: 1_001
            }
        );
        assert_eq!(batch.events.len(), 1);
    }

    #[test]
    fn time_strictly_rises_whatever_the_clock_says() {
        let mut requests = [request(2, 1, &[("b", 0), ("c", 0)])];
        let mut times = |now| -> Vec<u64> {
            let (batch, _) = after_ten(&mut requests, now);
            batch.events.iter().map(|it| it.recorded_at).collect()
        };
        assert_eq!(times(0), [1_001, 1_002]);
        assert_eq!(times(5_000), [5_000, 5_001]);
    }
}
