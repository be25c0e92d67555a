//! A log as simple as can be: what the real ones are compared with.

use std::collections::BTreeMap;

use contracts::ledger::v1::{AppendReply, AppendRequest};
use ledger::LogError;

/// What an append comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Recorded {
        first: u64,
        last: u64,
        replayed: bool,
    },
    Stale {
        stream: String,
        actual: u64,
    },
    Reused,
}

impl Outcome {
    pub(crate) fn of(answer: Result<AppendReply, LogError>) -> Self {
        match answer {
            Ok(reply) => Self::Recorded {
                first: reply.first_position,
                last: reply.last_position,
                replayed: reply.replayed,
            },
            Err(LogError::Stale { stream, actual, .. }) => Self::Stale { stream, actual },
            Err(LogError::Reused) => Self::Reused,
            Err(error) => panic!("{error}"),
        }
    }
}

/// An event as the model knows it: stream, version, event id, subjects.
pub(crate) type Entry = (String, u64, Vec<u8>, Vec<String>);

#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) entries: Vec<Entry>,
    commands: BTreeMap<Vec<u8>, (Vec<u8>, u64, u64)>,
}

impl Model {
    pub(crate) fn version(&self, stream: &str) -> u64 {
        self.entries.iter().filter(|it| it.0 == stream).count() as u64
    }

    pub(crate) fn append(&mut self, request: &AppendRequest) -> Outcome {
        if let Some((fingerprint, first, last)) = self.commands.get(&request.command_id) {
            let same = *fingerprint == request.fingerprint;
            let replay = Outcome::Recorded {
                first: *first,
                last: *last,
                replayed: true,
            };
            return if same { replay } else { Outcome::Reused };
        }
        for write in &request.writes {
            let actual = self.version(&write.stream);
            if actual != write.expected_version {
                return Outcome::Stale {
                    stream: write.stream.clone(),
                    actual,
                };
            }
        }
        let first = self.entries.len() as u64 + 1;
        for write in &request.writes {
            for event in &write.events {
                let version = self.version(&write.stream) + 1;
                let entry = (
                    write.stream.clone(),
                    version,
                    event.event_id.clone(),
                    event.subjects.clone(),
                );
                self.entries.push(entry);
            }
        }
        let last = self.entries.len() as u64;
        let recorded = (request.fingerprint.clone(), first, last);
        self.commands.insert(request.command_id.clone(), recorded);
        Outcome::Recorded {
            first,
            last,
            replayed: false,
        }
    }
}
