//! Places and releases holds, in the stream of the erasure that they forbid.

use std::collections::BTreeSet;

use chassis::{Caller, Command, Storable as _, refuse};
use contracts::intake::v1::{PlaceHoldReply, ReleaseHoldReply};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::{
    desk::{Desk, unreadable},
    domain::{Belonging, Erasure, ErasureCommand, ErasureEvent, Event, Hold, Whose},
    lookup::unknown_number,
    wire::{HoldAsked, Place, Release},
};

impl Desk {
    /// Forbids to destroy somebody's personal data.
    pub(crate) async fn place_hold(
        &self,
        caller: &Caller,
        asked: HoldAsked<Place>,
    ) -> Result<PlaceHoldReply, Status> {
        let (whose, of) = self.held_in(&asked.whose).await?;
        let command = command_of(caller, &asked);
        let Place { ground, reference } = asked.wish;
        let hold = Uuid::new_v5(&asked.command_id, b"hold").into();
        let about = match asked.whose {
            Whose::Person(_) => self.belongings(&asked.whose).await?,
            Whose::Request(_) | Whose::Contact(_) => BTreeSet::from([of.clone()]),
        };
        let decision = ErasureCommand::Hold(Hold {
            hold,
            of,
            ground,
            reference,
            about,
        });
        let position = self.erasures.execute(&whose, &command, decision).await?;
        tracing::info!(hold = %hold.uuid(), "personal data is on hold");
        Ok(PlaceHoldReply {
            hold: hold.uuid().to_string(),
            position,
        })
    }

    /// Takes a hold away.
    pub(crate) async fn release_hold(
        &self,
        caller: &Caller,
        asked: HoldAsked<Release>,
    ) -> Result<ReleaseHoldReply, Status> {
        let (whose, of) = self.held_in(&asked.whose).await?;
        let command = command_of(caller, &asked);
        let Release(hold) = asked.wish;
        let decision = ErasureCommand::Release { of, hold };
        let position = self.erasures.execute(&whose, &command, decision).await?;
        let stream = self.ledger.read_stream(&whose.stream()).await?;
        for stored in stream.iter().filter(|it| it.position == position) {
            let decoded = Erasure::decode(stored).map_err(|it| unreadable(it.into()))?;
            if let Some(ErasureEvent::HoldReleased { hold, .. }) = decoded {
                tracing::info!(hold = %hold.uuid(), "a hold is released");
                return Ok(ReleaseHoldReply {
                    position,
                    hold: hold.uuid().to_string(),
                });
            }
        }
        Err(Status::internal("the release is not in its stream"))
    }

    /// In which erasure's stream a hold stands, and what it is on: a known person's request is erased with the person.
    async fn held_in(&self, asked: &Whose) -> Result<(Whose, Belonging), Status> {
        match asked {
            Whose::Person(person) => {
                let history = self.history(&person.stream()).await?;
                if history.is_empty() {
                    return Err(refuse(
                        Code::NotFound,
                        "person",
                        "is not the pseudonym of anybody recorded here",
                    ));
                }
                Ok((Whose::Person(*person), Belonging::Person(*person)))
            }
            Whose::Request(number) => {
                let Event::RequestRegistered { person, .. } =
                    self.registration(number).await?.event
                else {
                    return Err(unknown_number());
                };
                let whose = person.map_or_else(|| asked.clone(), Whose::Person);
                Ok((whose, Belonging::Request(number.clone())))
            }
            Whose::Contact(contact) => Ok((asked.clone(), Belonging::Contact(*contact))),
        }
    }
}

fn command_of<W>(caller: &Caller, asked: &HoldAsked<W>) -> Command {
    Command {
        id: asked.command_id,
        fingerprint: asked.fingerprint,
        correlation_id: asked.command_id,
        causation_id: None,
        actor: caller.actor.clone(),
    }
}
