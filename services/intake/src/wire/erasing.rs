//! An erasure in, and its events and what came of it out.

use std::collections::BTreeSet;

use chassis::{
    Invalid, Storable,
    event::{self, Undecodable},
};
use contracts::{
    intake::v1::{
        self, EraseEventsRequest, ErasePersonReply, ErasePersonRequest, ErasureGround,
        ErasureOrdered, HardErasure, HoldPlaced, HoldReleased, PersonalDataErased,
        erase_person_reply,
    },
    ledger::v1::{Event as Stored, NewEvent, PartsErasedGround},
};
use jiff::Timestamp;
use uuid::Uuid;
use vault::Subject;

use super::{
    checks::{code, number},
    holding,
};
use crate::{
    domain::{Belonging, ByRule, Erasure, ErasureEvent, Ground, Reference, Whose},
    streams,
};

/// Names every erasure of a municipality.
pub(crate) const ERASURES: &str = "erasures";

/// Whose data is to be erased, and whether only to tell of it.
pub(crate) struct EraseAsked {
    pub(crate) whose: Whose,
    /// Whether it leaves the log as well.
    pub(crate) hard: bool,
    pub(crate) wish: Wish,
}

/// What somebody wants of an erasure.
pub(crate) enum Wish {
    /// To know what it would be.
    Look,
    /// To have it done.
    Erase {
        command_id: Uuid,
        fingerprint: [u8; 32],
        ground: Ground,
        hard: Option<Reference>,
    },
}

/// Which events' personal parts are to leave the log.
pub(crate) struct EventsAsked {
    pub(crate) positions: Vec<u64>,
    pub(crate) wish: Option<EventsErased>,
}

/// By which command and on which ground.
pub(crate) struct EventsErased {
    pub(crate) command_id: Uuid,
    pub(crate) ground: Ground,
    pub(crate) reference: Reference,
}

/// Positions in one order.
pub(crate) const POSITIONS: usize = 10_000;

pub(crate) fn erase_events(proto: EraseEventsRequest) -> Result<EventsAsked, Invalid> {
    let positions = proto.positions;
    let fits = (1..=POSITIONS).contains(&positions.len()) && positions[0] > 0;
    if !fits || !positions.is_sorted_by(|a, b| a < b) {
        return Err(Invalid::at(
            "positions",
            "is not 1 to 10,000 positions that rise",
        ));
    }
    let wish = if proto.dry_run {
        None
    } else {
        Some(EventsErased {
            command_id: code(&proto.command_id, "command_id")?,
            ground: asked_ground(proto.ground)?,
            reference: needed(&proto.reference)?,
        })
    };
    Ok(EventsAsked { positions, wish })
}

/// The reference of an erasure that takes something out of the log: without one nobody could say later who ordered it.
fn needed(text: &str) -> Result<Reference, Invalid> {
    if text.is_empty() {
        return Err(Invalid::at("reference", "is missing"));
    }
    holding::reference(text)
}

/// A ground as the ledger spells it.
pub(crate) fn parts_ground(ground: Ground) -> PartsErasedGround {
    match ground {
        Ground::CitizenRequest => PartsErasedGround::CitizenRequest,
        Ground::RetentionOver => PartsErasedGround::RetentionOver,
        Ground::CourtOrder => PartsErasedGround::CourtOrder,
        Ground::Other => PartsErasedGround::Other,
    }
}

pub(crate) fn erase(proto: ErasePersonRequest) -> Result<EraseAsked, Invalid> {
    let fingerprint = event::fingerprint(&proto);
    let whose = whose(&proto.person, &proto.number)?;
    let hard = proto.hard;
    let wish = if proto.dry_run {
        Wish::Look
    } else {
        Wish::Erase {
            command_id: code(&proto.command_id, "command_id")?,
            fingerprint,
            ground: asked_ground(proto.ground)?,
            hard: proto.hard.then(|| needed(&proto.reference)).transpose()?,
        }
    };
    Ok(EraseAsked { whose, hard, wish })
}

/// A person, or a request: one of the two.
pub(super) fn whose(person: &str, text: &str) -> Result<Whose, Invalid> {
    match (person, text) {
        ("", "") => Err(Invalid::at(
            "person",
            "is missing: a pseudonym, or a number",
        )),
        (person, "") => Ok(Whose::Person(code(person, "person")?.into())),
        ("", text) => Ok(Whose::Request(number(text)?)),
        (_, _) => Err(Invalid::at(
            "number",
            "stands beside a person: one of the two",
        )),
    }
}

fn asked_ground(number: i32) -> Result<Ground, Invalid> {
    let known = ErasureGround::try_from(number);
    let known = known.map_err(|_| Invalid::at("ground", "is not of the list"))?;
    ground(known).ok_or_else(|| Invalid::at("ground", "is missing"))
}

fn ground(proto: ErasureGround) -> Option<Ground> {
    match proto {
        ErasureGround::Unspecified => None,
        ErasureGround::CitizenRequest => Some(Ground::CitizenRequest),
        ErasureGround::RetentionOver => Some(Ground::RetentionOver),
        ErasureGround::CourtOrder => Some(Ground::CourtOrder),
        ErasureGround::Other => Some(Ground::Other),
    }
}

fn ground_message(ground: Ground) -> ErasureGround {
    match ground {
        Ground::CitizenRequest => ErasureGround::CitizenRequest,
        Ground::RetentionOver => ErasureGround::RetentionOver,
        Ground::CourtOrder => ErasureGround::CourtOrder,
        Ground::Other => ErasureGround::Other,
    }
}

/// An event of an erasure as it is stored. Its belongings are its subjects, so that each of their histories tells of it.
pub(crate) fn erasure_event(
    id: Uuid,
    whose: &Whose,
    erasure: &ErasureEvent,
    at: Timestamp,
) -> NewEvent {
    let whose = whose.subject().to_string();
    let subjects = |of: &BTreeSet<Belonging>, by: &Option<ByRule>| {
        let of = of.iter().map(|it| it.subject().to_string());
        let by = by.iter().map(|it| it.run.subject());
        of.chain(by)
            .chain([ERASURES.to_owned()])
            .collect::<Vec<_>>()
    };
    match erasure {
        ErasureEvent::ErasureOrdered {
            of,
            ground,
            by,
            hard,
        } => {
            let message = ErasureOrdered {
                of: whose,
                ground: ground_message(*ground).into(),
                by_rule: by.as_ref().map(by_message),
                hard: hard.as_ref().map(hard_message),
            };
            event::record(id, &message, at, subjects(of, by))
        }
        ErasureEvent::PersonalDataErased {
            of,
            ground,
            by,
            hard,
        } => {
            let message = PersonalDataErased {
                of: whose,
                ground: ground_message(*ground).into(),
                by_rule: by.as_ref().map(by_message),
                hard: hard.as_ref().map(hard_message),
            };
            event::record(id, &message, at, subjects(of, by))
        }
        ErasureEvent::HoldPlaced(hold) => holding::placed(id, hold, at),
        ErasureEvent::HoldReleased { hold, of } => holding::released(id, *hold, of, at),
    }
}

fn hard_message(reference: &Reference) -> HardErasure {
    HardErasure {
        reference: reference.as_str().to_owned(),
    }
}

fn recorded_hard(
    proto: Option<HardErasure>,
    stored: &Stored,
) -> Result<Option<Reference>, Undecodable> {
    let read = |it: HardErasure| it.reference.parse().ok();
    let read = |it| read(it).ok_or_else(|| unreadable(stored, "hard"));
    proto.map(read).transpose()
}

fn by_message(by: &ByRule) -> v1::ByRule {
    v1::ByRule {
        run: by.run.uuid().to_string(),
        rule: streams::of_rule(&by.scope),
        rule_version: by.version,
    }
}

fn recorded_by(proto: Option<v1::ByRule>, stored: &Stored) -> Result<Option<ByRule>, Undecodable> {
    let Some(proto) = proto else { return Ok(None) };
    let (run, scope) = (proto.run.parse::<Uuid>(), streams::scope_of(&proto.rule));
    match (run, scope) {
        (Ok(run), Some(scope)) => Ok(Some(ByRule {
            run: run.into(),
            scope,
            version: proto.rule_version,
        })),
        (Ok(_) | Err(_), _) => Err(unreadable(stored, "by_rule")),
    }
}

/// A field that says nothing this build knows.
pub(super) fn unreadable(stored: &Stored, field: &'static str) -> Undecodable {
    Undecodable::Word {
        position: stored.position,
        name: stored.r#type.clone(),
        field,
    }
}

impl Storable for Erasure {
    fn decode(stored: &Stored) -> Result<Option<ErasureEvent>, Undecodable> {
        if event::is::<ErasureOrdered>(stored) {
            let message: ErasureOrdered = event::decode(stored)?;
            Ok(Some(ErasureEvent::ErasureOrdered {
                of: belongings(stored),
                ground: recorded_ground(message.ground(), stored)?,
                by: recorded_by(message.by_rule, stored)?,
                hard: recorded_hard(message.hard, stored)?,
            }))
        } else if event::is::<PersonalDataErased>(stored) {
            let message: PersonalDataErased = event::decode(stored)?;
            Ok(Some(ErasureEvent::PersonalDataErased {
                of: belongings(stored),
                ground: recorded_ground(message.ground(), stored)?,
                by: recorded_by(message.by_rule, stored)?,
                hard: recorded_hard(message.hard, stored)?,
            }))
        } else if event::is::<HoldPlaced>(stored) {
            let hold = holding::was_placed(stored)?;
            Ok(Some(ErasureEvent::HoldPlaced(hold)))
        } else if event::is::<HoldReleased>(stored) {
            let (hold, of) = holding::was_released(stored)?;
            Ok(Some(ErasureEvent::HoldReleased { hold, of }))
        } else {
            Ok(None)
        }
    }
}

/// What an event names that has a key.
pub(crate) fn belongings(stored: &Stored) -> BTreeSet<Belonging> {
    let subjects = stored.subjects.iter();
    subjects.filter_map(|it| Belonging::of(it)).collect()
}

fn recorded_ground(proto: ErasureGround, stored: &Stored) -> Result<Ground, Undecodable> {
    ground(proto).ok_or_else(|| unreadable(stored, "ground"))
}

/// An order: whose data it is about, what of it, and why.
pub(crate) struct Ordered {
    pub(crate) whose: Whose,
    pub(crate) of: BTreeSet<Belonging>,
    pub(crate) ground: Ground,
    pub(crate) by: Option<ByRule>,
    pub(crate) hard: Option<Reference>,
}

/// Reads an order; `None` for another event.
pub(crate) fn ordered(stored: &Stored) -> Result<Option<Ordered>, Undecodable> {
    if !event::is::<ErasureOrdered>(stored) {
        return Ok(None);
    }
    let message: ErasureOrdered = event::decode(stored)?;
    Ok(Some(Ordered {
        whose: Whose::of(&message.of).ok_or_else(|| unreadable(stored, "of"))?,
        of: belongings(stored),
        ground: recorded_ground(message.ground(), stored)?,
        by: recorded_by(message.by_rule, stored)?,
        hard: recorded_hard(message.hard, stored)?,
    }))
}

/// The keys that an event says are gone; none for another event.
pub(crate) fn erased(stored: &Stored) -> Vec<Subject> {
    if event::is::<PersonalDataErased>(stored) {
        belongings(stored).iter().map(Belonging::subject).collect()
    } else {
        Vec::new()
    }
}

/// Every order with its record, as the stream of an erasure has them.
pub(crate) fn erasures(
    whose: &Whose,
    pending: &BTreeSet<Belonging>,
    stream: &[Stored],
) -> Result<ErasePersonReply, Undecodable> {
    let mut erasures: Vec<erase_person_reply::Erasure> = Vec::new();
    for stored in stream {
        let subjects: Vec<String> = belongings(stored)
            .iter()
            .map(|it| it.subject().to_string())
            .collect();
        match Erasure::decode(stored)? {
            None | Some(ErasureEvent::HoldPlaced(_) | ErasureEvent::HoldReleased { .. }) => {}
            Some(ErasureEvent::ErasureOrdered { ground, .. }) => {
                erasures.push(erase_person_reply::Erasure {
                    subjects,
                    ground: ground_message(ground).into(),
                    ordered_position: stored.position,
                    ordered_at: stored.recorded_at,
                    erased_position: 0,
                    erased_at: 0,
                });
            }
            Some(ErasureEvent::PersonalDataErased { .. }) => {
                if let Some(order) = erasures
                    .iter_mut()
                    .find(|it| it.erased_position == 0 && it.subjects == subjects)
                {
                    order.erased_position = stored.position;
                    order.erased_at = stored.recorded_at;
                }
            }
        }
    }
    Ok(ErasePersonReply {
        of: whose.subject().to_string(),
        pending: pending.iter().map(|it| it.subject().to_string()).collect(),
        erasures,
    })
}

#[cfg(test)]
mod tests {
    use contracts::ledger::v1::Event;
    use vocabulary::RequestNumber;

    use super::*;
    use crate::domain::{PersonId, RunId};

    const COMMAND: &str = "018f0000-0000-7000-8000-000000000001";
    const AYSE: &str = "018f0000-0000-7000-8000-00000000000a";

    fn asked() -> ErasePersonRequest {
        ErasePersonRequest {
            command_id: COMMAND.to_owned(),
            person: AYSE.to_owned(),
            ground: ErasureGround::CitizenRequest.into(),
            ..ErasePersonRequest::default()
        }
    }

    fn wrong(change: impl FnOnce(&mut ErasePersonRequest)) -> String {
        let mut request = asked();
        change(&mut request);
        erase(request).err().map(|it| it.field).unwrap_or_default()
    }

    #[test]
    fn each_wrong_field_of_an_erasure_is_named() {
        assert_eq!(wrong(|_| ()), "");
        assert_eq!(wrong(|it| it.command_id.clear()), "command_id");
        assert_eq!(wrong(|it| it.person.clear()), "person");
        assert_eq!(wrong(|it| "Ayşe".clone_into(&mut it.person)), "person");
        assert_eq!(wrong(|it| "2026-1".clone_into(&mut it.number)), "number");
        assert_eq!(wrong(|it| it.ground = 0), "ground");
        assert_eq!(wrong(|it| it.ground = 99), "ground");
        assert_eq!(wrong(|it| it.hard = true), "reference");
        let hard = |it: &mut ErasePersonRequest| {
            (it.hard, it.reference) = (true, "Ayşe istedi".to_owned());
        };
        assert_eq!(wrong(hard), "reference");
        let look = |it: &mut ErasePersonRequest| {
            (it.dry_run, it.ground) = (true, 0);
            it.command_id.clear();
        };
        assert_eq!(wrong(look), "");
    }

    #[test]
    fn each_wrong_field_of_events_to_erase_is_named() {
        let wrong = |change: &dyn Fn(&mut EraseEventsRequest)| {
            let mut request = EraseEventsRequest {
                command_id: COMMAND.to_owned(),
                positions: vec![3, 7],
                ground: ErasureGround::CourtOrder.into(),
                reference: "2026/123".to_owned(),
                dry_run: false,
            };
            change(&mut request);
            let asked = erase_events(request).err();
            asked.map(|it| it.field).unwrap_or_default()
        };
        assert_eq!(wrong(&|_| ()), "");
        for positions in [&[][..], &[0, 1], &[2, 2], &[2, 1]] {
            assert_eq!(wrong(&|it| it.positions = positions.to_vec()), "positions");
        }
        assert_eq!(wrong(&|it| it.ground = 0), "ground");
        assert_eq!(wrong(&|it| it.reference.clear()), "reference");
        assert_eq!(wrong(&|it| it.command_id.clear()), "command_id");
    }

    #[test]
    fn what_is_stored_comes_back() {
        let number = RequestNumber::new(2026, 48_120_937);
        let whose = Whose::Person(PersonId(7));
        let of = BTreeSet::from([
            Belonging::Person(PersonId(7)),
            Belonging::Request(number.clone()),
        ]);
        let decided = ErasureEvent::ErasureOrdered {
            of: of.clone(),
            ground: Ground::CourtOrder,
            by: Some(ByRule {
                run: RunId(3),
                scope: Some("pothole".parse().unwrap()),
                version: 4,
            }),
            hard: Some("2026/123".parse().unwrap()),
        };
        let new = erasure_event(Uuid::from_u128(1), &whose, &decided, Timestamp::UNIX_EPOCH);
        assert!(new.personal.is_empty());
        assert!(new.subjects.contains(&ERASURES.to_owned()));
        assert!(new.subjects.contains(&format!("request:{number}")));
        let stored = Event {
            r#type: new.r#type,
            schema_version: new.schema_version,
            subjects: new.subjects,
            facts: new.facts,
            ..Event::default()
        };
        assert_eq!(Erasure::decode(&stored).unwrap(), Some(decided));
        assert!(stored.subjects.contains(&RunId(3).subject()));
        let order = ordered(&stored).unwrap().unwrap();
        assert_eq!(
            (order.whose, order.of, order.ground),
            (whose, of, Ground::CourtOrder)
        );
        assert!(erased(&stored).is_empty());
    }
}
