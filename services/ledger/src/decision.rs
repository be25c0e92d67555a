//! What becomes of each request of a batch, in order. Pure: all it knows is what was read after the head was known.

use std::{collections::HashMap, sync::Arc};

use contracts::ledger::v1::Event;
use uuid::Uuid;

use crate::{
    commitment,
    request::Prepared,
    store::{Asked, Batch, Head, Known, Recorded},
};

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// These positions are its events, once the batch is committed.
    Append { first: u64, last: u64 },
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
pub(crate) fn decide<'a>(
    log: &str,
    requests: impl Iterator<Item = &'a Prepared>,
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
    fn next(&mut self, request: &Prepared) -> Verdict {
        if let Some(known) = self.commands.get(&request.command_id) {
            let same = known.fingerprint == request.fingerprint;
            return if same {
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
        for write in &request.writes {
            for event in &write.events {
                self.append(event);
            }
        }
        let last = self.head.position;
        let recorded = Recorded {
            command_id: request.command_id,
            fingerprint: request.fingerprint,
            first,
            last,
        };
        self.commands.insert(request.command_id, recorded);
        self.recorded.push(recorded);
        Verdict::Append { first, last }
    }

    /// Gives an event its place and its time. Time strictly rises, so that "as of" names exactly one position.
    fn append(&mut self, event: &Event) {
        let version = self.versions.entry(event.stream.clone()).or_default();
        *version += 1;
        self.head = Head {
            position: self.head.position + 1,
            recorded_at: self.now.max(self.head.recorded_at + 1),
        };
        let mut event = Event {
            position: self.head.position,
            version: *version,
            recorded_at: self.head.recorded_at,
            ..event.clone()
        };
        event.commitment = commitment::commitment(self.log, &event).to_vec();
        self.events.push(Arc::new(event));
    }
}
