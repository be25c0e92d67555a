//! Has sealed values leave the log, and not their keys alone: of what an erasure names, or of single events. The ledger records which
//! positions, and does it.

use std::collections::BTreeSet;

use chassis::{Caller, Invalid, event};
use contracts::{
    intake::v1::EraseEventsReply,
    ledger::v1::{ErasePersonalPartsRequest, Event as Stored},
};
use tonic::Status;
use uuid::Uuid;

use super::{Erasures, held, state};
use crate::{
    desk::Desk,
    domain::{Belonging, Event, Ground, Reference, Whose},
    lookup::unknown_number,
    wire::{self, EventsAsked, EventsErased},
};

/// Events in one page of the log.
const PAGE: usize = 1_000;

impl Erasures {
    /// Has the personal parts of everything leave the log that is about what an order names and about nobody else. Whatever is gone
    /// already is not named again.
    pub(super) async fn take_out(
        &self,
        order: &Stored,
        whose: &Whose,
        ground: Ground,
        reference: &Reference,
    ) -> Result<(), Status> {
        let state = state(&self.ledger.read_stream(&whose.stream()).await?)?;
        let mut positions = BTreeSet::new();
        for belonging in wire::belongings(order) {
            let history = self.ledger.history(belonging.subject().as_str()).await?;
            let theirs = history.iter().filter(|it| {
                let about = wire::belongings(it).into_iter();
                let mut about = about.filter(|it| !matches!(it, Belonging::Contact(_)));
                has_part(it) && about.all(|it| state.is_ordered(&it))
            });
            positions.extend(theirs.map(|it| it.position));
        }
        let positions: Vec<u64> = positions.into_iter().collect();
        for positions in positions.chunks(wire::POSITIONS) {
            let bytes: Vec<u8> = positions.iter().flat_map(|it| it.to_be_bytes()).collect();
            let id = event::event_id(order);
            let request = ErasePersonalPartsRequest {
                command_id: Uuid::new_v5(&id, &bytes).as_bytes().to_vec(),
                causation_id: id.as_bytes().to_vec(),
                positions: positions.to_vec(),
                ground: wire::parts_ground(ground).into(),
                reference: reference.as_str().to_owned(),
                actor: order.actor.clone(),
            };
            self.ledger.erase_personal_parts(request).await?;
        }
        Ok(())
    }
}

fn has_part(stored: &Stored) -> bool {
    !stored.personal.is_empty()
}

impl Desk {
    /// Has the personal parts of single events leave the log, or tells which have one. A hold is looked up before, so one that is
    /// placed at the same moment is not seen.
    pub(crate) async fn erase_events(
        &self,
        caller: &Caller,
        asked: EventsAsked,
    ) -> Result<EraseEventsReply, Status> {
        let EventsAsked { positions, wish } = asked;
        let events = self.events_at(&positions).await?;
        let about: BTreeSet<Belonging> = events.iter().flat_map(wire::belongings).collect();
        for belonging in &about {
            self.is_not_on_hold(belonging).await?;
        }
        let with_part = events.iter().filter(|it| has_part(it));
        let erased = with_part.map(|it| it.position).collect();
        let Some(EventsErased {
            command_id,
            ground,
            reference,
        }) = wish
        else {
            return Ok(EraseEventsReply {
                position: 0,
                erased,
            });
        };
        let request = ErasePersonalPartsRequest {
            command_id: command_id.as_bytes().to_vec(),
            causation_id: vec![],
            positions,
            ground: wire::parts_ground(ground).into(),
            reference: reference.as_str().to_owned(),
            actor: caller.actor.clone(),
        };
        let position = self.ledger.erase_personal_parts(request).await?;
        Ok(EraseEventsReply { position, erased })
    }

    /// The events of these positions, all of them.
    async fn events_at(&self, positions: &[u64]) -> Result<Vec<Stored>, Status> {
        let mut found: Vec<Stored> = vec![];
        let runs = positions.chunk_by(|one, next| one + 1 == *next);
        for run in runs.flat_map(|it| it.chunks(PAGE)) {
            let (Some(first), Ok(limit)) = (run.first(), u32::try_from(run.len())) else {
                continue;
            };
            found.extend(self.ledger.read(first - 1, limit).await?);
        }
        if found
            .iter()
            .map(|it| it.position)
            .eq(positions.iter().copied())
        {
            Ok(found)
        } else {
            Err(Invalid::at("positions", "has one that is not recorded yet").into())
        }
    }

    async fn is_not_on_hold(&self, belonging: &Belonging) -> Result<(), Status> {
        let whose = match belonging {
            Belonging::Person(person) => Whose::Person(*person),
            Belonging::Contact(contact) => Whose::Contact(*contact),
            Belonging::Request(number) => {
                let registered = self.registration(number).await?.event;
                let Event::RequestRegistered { person, .. } = registered else {
                    return Err(unknown_number());
                };
                person.map_or_else(|| Whose::Request(number.clone()), Whose::Person)
            }
        };
        let of = BTreeSet::from([belonging.clone()]);
        let state = state(&self.ledger.read_stream(&whose.stream()).await?)?;
        if let Some((hold, on)) = state.forbids(&of) {
            return Err(held(*hold, on));
        }
        self.no_note_is_on_hold(&of, &whose).await
    }
}
