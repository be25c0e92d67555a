//! Holds in, and their events.

use std::collections::BTreeSet;

use chassis::{
    Invalid,
    event::{self, Undecodable},
};
use contracts::{
    intake::v1::{self, HoldPlaced, HoldReleased, PlaceHoldRequest, ReleaseHoldRequest},
    ledger::v1::{Event as Stored, NewEvent},
};
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    checks::code,
    erasing::{belongings, unreadable, whose},
};
use crate::domain::{Belonging, Hold, HoldGround, HoldId, Reference, Whose};

/// Names every hold of a municipality.
const HOLDS: &str = "holds";

/// How many belongings one event names at most.
const TOGETHER: usize = 60;

/// What somebody wants of a hold.
pub(crate) struct HoldAsked<Wish> {
    pub(crate) command_id: Uuid,
    pub(crate) fingerprint: [u8; 32],
    pub(crate) whose: Whose,
    pub(crate) wish: Wish,
}

/// To have it placed, on this ground.
pub(crate) struct Place {
    pub(crate) ground: HoldGround,
    pub(crate) reference: Reference,
}

/// To have it released; `None` for the only one.
pub(crate) struct Release(pub(crate) Option<HoldId>);

pub(crate) fn place_hold(proto: &PlaceHoldRequest) -> Result<HoldAsked<Place>, Invalid> {
    let ground = v1::HoldGround::try_from(proto.ground);
    let ground = ground.map_err(|_| Invalid::at("ground", "is not of the list"))?;
    Ok(HoldAsked {
        fingerprint: event::fingerprint(proto),
        command_id: code(&proto.command_id, "command_id")?,
        whose: whose(&proto.person, &proto.number)?,
        wish: Place {
            ground: known(ground).ok_or_else(|| Invalid::at("ground", "is missing"))?,
            reference: reference(&proto.reference)?,
        },
    })
}

pub(crate) fn release_hold(proto: &ReleaseHoldRequest) -> Result<HoldAsked<Release>, Invalid> {
    let hold = match proto.hold.as_str() {
        "" => None,
        text => Some(code(text, "hold")?.into()),
    };
    Ok(HoldAsked {
        fingerprint: event::fingerprint(proto),
        command_id: code(&proto.command_id, "command_id")?,
        whose: whose(&proto.person, &proto.number)?,
        wish: Release(hold),
    })
}

pub(super) fn reference(text: &str) -> Result<Reference, Invalid> {
    text.parse()
        .map_err(|problem| Invalid::at("reference", problem))
}

fn known(proto: v1::HoldGround) -> Option<HoldGround> {
    match proto {
        v1::HoldGround::Unspecified => None,
        v1::HoldGround::Lawsuit => Some(HoldGround::Lawsuit),
        v1::HoldGround::Investigation => Some(HoldGround::Investigation),
        v1::HoldGround::Audit => Some(HoldGround::Audit),
        v1::HoldGround::Objection => Some(HoldGround::Objection),
        v1::HoldGround::Other => Some(HoldGround::Other),
    }
}

fn message(ground: HoldGround) -> v1::HoldGround {
    match ground {
        HoldGround::Lawsuit => v1::HoldGround::Lawsuit,
        HoldGround::Investigation => v1::HoldGround::Investigation,
        HoldGround::Audit => v1::HoldGround::Audit,
        HoldGround::Objection => v1::HoldGround::Objection,
        HoldGround::Other => v1::HoldGround::Other,
    }
}

/// What it is about is among its subjects, as far as one event can name it, so that each of their histories tells of it.
pub(super) fn placed(id: Uuid, hold: &Hold, at: Timestamp) -> NewEvent {
    let placed = HoldPlaced {
        hold: hold.hold.uuid().to_string(),
        of: hold.of.subject().to_string(),
        ground: message(hold.ground).into(),
        reference: hold.reference.as_str().to_owned(),
    };
    let about = hold.about.iter().filter(|it| **it != hold.of);
    let about = [&hold.of].into_iter().chain(about).take(TOGETHER);
    let subjects = about.map(|it| it.subject().to_string());
    event::record(id, &placed, at, subjects.chain([HOLDS.to_owned()]))
}

pub(super) fn released(id: Uuid, hold: HoldId, of: &Belonging, at: Timestamp) -> NewEvent {
    let released = HoldReleased {
        hold: hold.uuid().to_string(),
        of: of.subject().to_string(),
    };
    let subjects = [of.subject().to_string(), HOLDS.to_owned()];
    event::record(id, &released, at, subjects)
}

pub(super) fn was_placed(stored: &Stored) -> Result<Hold, Undecodable> {
    let it: HoldPlaced = event::decode(stored)?;
    let about: BTreeSet<Belonging> = belongings(stored);
    Ok(Hold {
        hold: parsed(&it.hold, stored)?,
        of: Belonging::of(&it.of).ok_or_else(|| unreadable(stored, "of"))?,
        ground: known(it.ground()).ok_or_else(|| unreadable(stored, "ground"))?,
        reference: (it.reference.parse()).map_err(|_| unreadable(stored, "reference"))?,
        about,
    })
}

pub(super) fn was_released(stored: &Stored) -> Result<(HoldId, Belonging), Undecodable> {
    let it: HoldReleased = event::decode(stored)?;
    let of = Belonging::of(&it.of).ok_or_else(|| unreadable(stored, "of"))?;
    Ok((parsed(&it.hold, stored)?, of))
}

fn parsed(hold: &str, stored: &Stored) -> Result<HoldId, Undecodable> {
    let hold = hold.parse::<Uuid>();
    Ok(hold.map_err(|_| unreadable(stored, "hold"))?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(change: impl FnOnce(&mut PlaceHoldRequest)) -> String {
        let mut asked = PlaceHoldRequest {
            command_id: "018f0000-0000-7000-8000-000000000001".to_owned(),
            number: "2026-48120937-8".to_owned(),
            ground: v1::HoldGround::Lawsuit.into(),
            reference: "2026/123".to_owned(),
            ..PlaceHoldRequest::default()
        };
        change(&mut asked);
        place_hold(&asked)
            .err()
            .map(|it| it.field)
            .unwrap_or_default()
    }

    #[test]
    fn each_wrong_field_of_a_hold_is_named() {
        assert_eq!(wrong(|_| ()), "");
        assert_eq!(wrong(|it| it.command_id.clear()), "command_id");
        assert_eq!(wrong(|it| it.number.clear()), "person");
        assert_eq!(wrong(|it| it.ground = 0), "ground");
        assert_eq!(wrong(|it| it.ground = 99), "ground");
        assert_eq!(
            wrong(|it| "Ayşe Yılmaz".clone_into(&mut it.reference)),
            "reference"
        );
    }
}
