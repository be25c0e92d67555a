//! The writer dies: at every place where it waits, and, as a process of its own, at any moment under load. Afterwards nothing
//! that was acknowledged is lost, nothing is doubled, there is no hole, and the tree's root is right.

mod awaits;
mod kills;
mod signer;

use std::collections::BTreeMap;

use contracts::ledger::v1::{AppendReply, AppendRequest, Event};
use ledger::{Log, tree::SigningSeed};

use crate::{appending::assert_sound, tamper};

/// What was asked of a log, and what it answered.
#[derive(Debug, Default)]
struct Journal {
    asked: BTreeMap<Vec<u8>, AppendRequest>,
    /// The command's id, and what it was told.
    acknowledged: Vec<(Vec<u8>, AppendReply)>,
    /// What somebody asked and was not answered in time, for a lock of the writer's.
    locked_out: Vec<AppendRequest>,
}

impl Journal {
    fn ask(&mut self, request: &AppendRequest) {
        self.asked
            .insert(request.command_id.clone(), request.clone());
    }

    fn acknowledge(&mut self, request: &AppendRequest, reply: AppendReply) {
        self.acknowledged.push((request.command_id.clone(), reply));
    }

    /// Every event that was asked for is there once, and every answer that was given still holds.
    async fn holds_in(&self, log: &Log) -> Vec<Event> {
        let events = assert_sound(log).await;
        let asked = self.asked.values().flat_map(|it| &it.writes);
        let mut due: Vec<&[u8]> = asked
            .flat_map(|it| &it.events)
            .map(|it| &it.event_id[..])
            .collect();
        let mut there: Vec<&[u8]> = events.iter().map(|it| &it.event_id[..]).collect();
        due.sort_unstable();
        there.sort_unstable();
        assert!(
            due == there,
            "{} events were asked for, {} are there",
            due.len(),
            there.len()
        );
        for (command_id, reply) in &self.acknowledged {
            let at = |position: u64| usize::try_from(position).unwrap();
            let stands = &events[at(reply.first_position) - 1..at(reply.last_position)];
            let asked = self.asked[command_id].writes.iter().flat_map(|write| {
                write
                    .events
                    .iter()
                    .map(|it| (&write.stream, &it.event_id, &it.facts, &it.personal))
            });
            let told = stands
                .iter()
                .map(|it| (&it.stream, &it.event_id, &it.facts, &it.personal));
            assert!(
                told.eq(asked),
                "what was acknowledged stands where it was said to be"
            );
            assert_eq!(
                stands.last().map(|it| it.recorded_at),
                Some(reply.recorded_at)
            );
        }
        events
    }
}

/// What was signed of the whole log is what the auditor makes of the events, by code of its own.
async fn root_is_right(log: &Log, seed: &SigningSeed) {
    assert_eq!(tamper::found(log, seed, None).await, None);
}
