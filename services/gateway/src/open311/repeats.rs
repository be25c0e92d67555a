//! The same thing sent twice within a few minutes is one request: a client that got no answer, or a finger that pressed the
//! button twice.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

/// How long the same words of the same program are the same request.
const WINDOW: SignedDuration = SignedDuration::from_mins(10);
/// How many are remembered at most.
const MOST: usize = 20_000;

/// What was sent in the last minutes. Only digests are kept, and not for long.
#[derive(Default)]
pub(crate) struct Repeats(Mutex<Remembered>);

/// Who sent it, and a digest of it.
type Sent = (String, [u8; 32]);

#[derive(Default)]
struct Remembered {
    commands: BTreeMap<Sent, Uuid>,
    order: VecDeque<(Timestamp, Sent)>,
}

impl Repeats {
    /// The command that these words are: the one they were before, or a new one. A replica that heard nothing of it comes
    /// to the same id while the clock shows the same ten minutes.
    pub(super) fn command(
        &self,
        principal: &str,
        words: [u8; 32],
        now: Timestamp,
        fresh: impl FnOnce(&str) -> Uuid,
    ) -> Uuid {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.forget(now);
        let key = (principal.to_owned(), words);
        if let Some(command) = remembered.commands.get(&key) {
            return *command;
        }
        let slot = now.as_second() / WINDOW.as_secs();
        let command = fresh(&format!("repeat {slot} {words:?}"));
        remembered.commands.insert(key.clone(), command);
        remembered.order.push_back((now, key));
        command
    }
}

impl Remembered {
    fn forget(&mut self, now: Timestamp) {
        while let Some((at, sent)) = self.order.front() {
            if now.duration_since(*at) < WINDOW && self.order.len() < MOST {
                break;
            }
            self.commands.remove(sent);
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_760_000_000 + seconds).unwrap()
    }

    fn id(key: &str) -> Uuid {
        Uuid::new_v5(&Uuid::NAMESPACE_OID, key.as_bytes())
    }

    #[test]
    fn the_same_words_are_the_same_command_for_ten_minutes() {
        let repeats = Repeats::default();
        let first = repeats.command("fms", [1; 32], at(0), id);
        assert_eq!(repeats.command("fms", [1; 32], at(599), id), first);
        assert_ne!(repeats.command("fms", [2; 32], at(0), id), first);
        assert_ne!(repeats.command("fms", [1; 32], at(1_200), id), first);
    }

    #[test]
    fn another_replica_comes_to_the_same_command() {
        let here = Repeats::default().command("fms", [1; 32], at(10), id);
        let there = Repeats::default().command("fms", [1; 32], at(20), id);
        assert_eq!(here, there);
    }
}
